//! Deciding the tool calls of one session: what its policies say, the rule of its mode, and what a person allowed.

use std::{
    collections::HashSet,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Component, Path, PathBuf},
    sync::Arc,
};

use domain::{
    agent_event::ToolRequest,
    approval::Approval,
    canonical::canonical_json,
    decision::DecidedBy,
    digest::Sha256Digest,
    id::SessionId,
    permission::{self, Decision, Effect, Judgement, PermissionMode},
};
use policy::Verdict;
use serde_json::{Map, Value, json};
use store::StoreError;
use tokio::task::spawn_blocking;

use super::{
    Ruling, Source,
    cache::Cache,
    consult::{Consulted, Question, consult},
    source::CurrentSet,
};

/// Decides the tool calls of one session.
#[derive(Debug)]
pub(crate) struct Decider {
    session_id: SessionId,
    mode: PermissionMode,
    working_directory: PathBuf,
    source: Source,
    cache: Cache,
    granted: HashSet<Grant>,
    is_aside: bool,
}

/// A call that is to be decided.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asking<'c> {
    pub(crate) tool_name: &'c str,
    pub(crate) input: &'c Value,
    /// The folder it works in, where the agent program says so.
    pub(crate) cwd: Option<&'c str>,
    /// It is itself a question to a person.
    pub(crate) requires_person: bool,
}

/// Something a person allowed for the rest of a session.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Grant {
    /// Any edit inside the working directory.
    EditInside,
    /// One tool with exactly this input.
    Exactly { tool_name: String, input: Sha256Digest },
}

/// What became of a call.
#[derive(Debug)]
pub(crate) struct Ruled {
    pub(crate) ruling: Ruling,
    /// What *for this session* would allow, if a person is asked.
    pub(crate) grant: Grant,
    /// What it is given instead, as the person who allowed it wanted.
    pub(crate) input: Option<Value>,
    /// No policy says anything, nor does mode *plan*: it is the mode's rule that decided, or what asks is the call itself.
    pub(crate) is_left_to_mode: bool,
}

/// A call with all that was found out about it.
struct Found {
    consulted: Arc<Consulted>,
    is_cached: bool,
    /// What it would do, as far as its name and input tell, and whether all of that stays inside the working directory.
    effect: Effect,
    is_inside: bool,
}

impl<'c> From<&'c ToolRequest> for Asking<'c> {
    fn from(request: &'c ToolRequest) -> Self {
        Self {
            tool_name: &request.tool_name,
            input: &request.input,
            cwd: request.extra.get("cwd").and_then(Value::as_str),
            requires_person: request.requires_person,
        }
    }
}

impl Decider {
    pub(crate) fn new(
        session_id: SessionId,
        mode: PermissionMode,
        working_directory: PathBuf,
        source: Source,
    ) -> Self {
        let (cache, granted) = (Cache::default(), HashSet::new());
        Self { session_id, mode, working_directory, source, cache, granted, is_aside: true }
    }

    /// From now on calls are judged on the thread that asks: it has nobody else to look after, or nothing that takes longer.
    pub(crate) const fn judging_here(mut self) -> Self {
        self.is_aside = false;
        self
    }

    /// What becomes of the call. One that would be asked about runs when a person allowed it before. Looks at the disk for
    /// where its paths really lead.
    pub(crate) async fn rule(&mut self, asking: &Asking<'_>) -> Result<Ruled, StoreError> {
        let ruled = self.judge(asking).await?;
        if ruled.ruling.decision != Decision::Ask || asking.requires_person {
            return Ok(ruled);
        }
        self.allowed_before(asking, ruled).await
    }

    /// The same for a call that a person approved, by the policies of this very moment.
    pub(crate) async fn judge_approved(&mut self, asking: &Asking<'_>) -> Result<Ruled, StoreError> {
        self.source.forget();
        self.judge(asking).await
    }

    /// The same without looking for what a person said about it before.
    pub(crate) async fn judge(&mut self, asking: &Asking<'_>) -> Result<Ruled, StoreError> {
        let folder = self.working_directory.to_string_lossy().into_owned();
        let cwd = asking.cwd.filter(|cwd| cwd.starts_with('/')).map_or(folder, str::to_owned);
        let canonical = canonical_json(asking.input);
        let digest = Sha256Digest::of(canonical.as_bytes());
        let current = self.source.current().await?;
        let version = current.version;
        let (ruling, is_edit_inside) = match self.find_out(asking, current, &cwd, &canonical).await {
            Ok(found) => {
                let is_edit_inside = matches!(found.effect, Effect::Edit(_)) && found.is_inside;
                (self.weigh(asking, &found), is_edit_inside)
            }
            Err(ruling) => (ruling, false),
        };
        let is_refused_by_plan = self.mode == PermissionMode::Plan && ruling.decision == Decision::Deny;
        let is_left_to_mode = ruling.by == DecidedBy::Mode && !is_refused_by_plan;
        // What a policy asks about is a matter of its own, however harmless the mode thinks it.
        let is_asked_by_mode = matches!(ruling.by, DecidedBy::Mode | DecidedBy::Default);
        let grant = if is_edit_inside && is_asked_by_mode {
            Grant::EditInside
        } else {
            Grant::Exactly { tool_name: asking.tool_name.to_owned(), input: digest }
        };
        let ruling = self
            .without_asking(ruling)
            .with("policy_version", version)
            .with("mode", self.mode.as_str())
            .with("cwd", cwd)
            .with("input_sha256", digest.to_string());
        Ok(Ruled { ruling, grant, input: None, is_left_to_mode })
    }

    /// A hook wants a person to be asked about a call that nothing else has anything against.
    pub(crate) fn ask_for_hook(&self, ruling: Ruling, reason: String) -> Ruling {
        // A person who was asked about this very call was asked.
        if ruling.decision != Decision::Allow || ruling.by == DecidedBy::Person {
            return ruling;
        }
        let context = ruling.context;
        self.without_asking(Ruling { context, ..Ruling::ask(DecidedBy::Policy, reason) })
    }

    /// What *for this session* would allow, in words.
    pub(crate) fn describe(&self, grant: &Grant) -> String {
        match grant {
            Grant::EditInside => format!("edits of files inside {}", self.working_directory.display()),
            Grant::Exactly { tool_name, .. } => format!("{tool_name} with exactly this input"),
        }
    }

    /// Keeps what a person allowed for this session: what they were shown, not what it would be now.
    pub(crate) fn remember(&mut self, grant: Option<Grant>) {
        self.granted.extend(grant);
    }

    /// From now on calls are decided in this mode.
    pub(crate) const fn set_mode(&mut self, mode: PermissionMode) {
        self.mode = mode;
    }

    /// A person approved the plan, so the agent program has left plan mode.
    pub(crate) fn leave_plan_mode(&mut self) {
        if self.mode == PermissionMode::Plan {
            self.mode = PermissionMode::Default;
        }
    }

    /// Asks the policies and the disk, usually aside: a slow disk or a call that is long to judge holds nobody else up. What cannot
    /// be judged is decided here.
    async fn find_out(
        &mut self,
        asking: &Asking<'_>,
        current: CurrentSet,
        cwd: &str,
        canonical: &str,
    ) -> Result<Found, Ruling> {
        let now = self.source.now();
        let pieces = [&current.version.to_string(), asking.tool_name, cwd, canonical];
        let key = Sha256Digest::of(json!(pieces).to_string().as_bytes());
        let known = self.cache.get(&key, now);
        let question = Question {
            tool_name: asking.tool_name.to_owned(),
            input: asking.input.clone(),
            cwd: cwd.to_owned(),
        };
        let root = self.working_directory.clone();
        let effect = permission::plan(asking.tool_name, asking.input);
        let job = move || {
            let set = match &*current.set {
                Ok(set) => set,
                Err(error) => return Err(Ruling::deny(DecidedBy::Policy, error.to_string())),
            };
            let is_inside = all_inside(&root, &effect);
            if let Some(consulted) = known.filter(|known| known.still_holds()) {
                return Ok((Found { consulted, is_cached: true, effect, is_inside }, false));
            }
            let consulted = consult(set, &question, now)
                .map_err(|error| Ruling::ask(DecidedBy::Policy, error.to_string()))?;
            let consulted = Arc::new(consulted);
            Ok((Found { consulted, is_cached: false, effect, is_inside }, !set.depends_on_time()))
        };
        let judged = if self.is_aside {
            spawn_blocking(job).await.ok()
        } else {
            catch_unwind(AssertUnwindSafe(job)).ok()
        };
        let (found, is_kept) = judged.unwrap_or_else(|| {
            tracing::error!(tool.name = asking.tool_name, "judging a call fell over");
            Err(Ruling::deny(DecidedBy::Policy, "judging it failed, and what is not judged does not run"))
        })?;
        if is_kept {
            self.cache.put(key, Arc::clone(&found.consulted), now);
        }
        Ok(found)
    }

    /// The order of what decides: a policy's denial, plan mode, a policy that asks, a policy that allows, the mode, and the
    /// policies' default.
    fn weigh(&self, asking: &Asking<'_>, found: &Found) -> Ruling {
        let Verdict { decision, policy, default, reason, .. } = &found.consulted.verdict;
        let mode = self.judge_by_mode(asking, found);
        let by_policy = |decision: Decision| {
            let by = if found.is_cached { DecidedBy::Cache } else { DecidedBy::Policy };
            let judgement = Judgement { decision, reason: reason.clone() };
            Ruling { policy: policy.clone(), ..Ruling::new(by, judgement) }
        };
        let ruling = match (*decision, mode.decision) {
            (Some(Decision::Deny), _) => by_policy(Decision::Deny),
            _ if asking.requires_person => Ruling::ask(DecidedBy::Mode, "it is a question to a person"),
            (_, Decision::Deny) if self.mode == PermissionMode::Plan => Ruling::new(DecidedBy::Mode, mode),
            (Some(decision), _) => by_policy(decision),
            (None, Decision::Allow) => Ruling::new(DecidedBy::Mode, mode),
            (None, _) => match default {
                Some(decision) => {
                    let reason = format!("{reason}, and their default is {decision}");
                    Ruling::new(DecidedBy::Default, Judgement { decision: *decision, reason })
                }
                None => Ruling::new(DecidedBy::Mode, mode),
            },
        };
        Ruling { context: looked_at(&found.consulted), ..ruling }
    }

    fn judge_by_mode(&self, asking: &Asking<'_>, found: &Found) -> Judgement {
        // A command may be nothing but reading too.
        let reading = Effect::Read(Vec::new());
        if asking.tool_name == "Bash" && found.consulted.only_reads_inside {
            return permission::judge(self.mode, &reading, true);
        }
        permission::judge(self.mode, &found.effect, found.is_inside)
    }

    /// A call that a person allowed before is not asked about: for the session, or when nobody was there to hear the answer.
    async fn allowed_before(&mut self, asking: &Asking<'_>, ruled: Ruled) -> Result<Ruled, StoreError> {
        let Ruled { ruling, grant, input, is_left_to_mode } = ruled;
        let digest = Approval::input_digest(asking.input);
        let exactly = Grant::Exactly { tool_name: asking.tool_name.to_owned(), input: digest };
        let context = ruling.context.clone();
        if self.granted.contains(&grant) || self.granted.contains(&exactly) {
            let reason = "a person allowed it for this session".to_owned();
            let judgement = Judgement { decision: Decision::Allow, reason };
            let ruling = Ruling { context, ..Ruling::new(DecidedBy::Person, judgement) };
            return Ok(Ruled { ruling, grant, input, is_left_to_mode });
        }
        let found = self.source.find_grant(self.session_id, asking.tool_name, digest).await?;
        let Some(approval) = found else { return Ok(Ruled { ruling, grant, input, is_left_to_mode }) };
        if let Some(edited) = &approval.updated_input {
            let again = self.judge(&Asking { input: edited, ..*asking }).await?;
            if again.ruling.decision == Decision::Deny {
                return Ok(again);
            }
        }
        let ruling = Ruling { context, ..Ruling::answered(&approval) };
        Ok(Ruled { ruling, grant, input: approval.updated_input, is_left_to_mode: false })
    }

    fn without_asking(&self, ruling: Ruling) -> Ruling {
        if ruling.decision == Decision::Ask && self.mode == PermissionMode::DontAsk {
            let reason = format!("mode dontAsk asks nobody, and {}", ruling.reason);
            return Ruling { decision: Decision::Deny, by: DecidedBy::Mode, reason, ..ruling };
        }
        ruling
    }
}

/// What of an answer is kept with the decision: who said something, and which links were followed.
fn looked_at(consulted: &Consulted) -> Map<String, Value> {
    let said = consulted.verdict.trace.iter().filter(|said| said.decision.is_some());
    let said: Vec<Value> = said.map(|said| json!(said)).collect();
    let mut context = Map::new();
    if !said.is_empty() {
        context.insert("policies".to_owned(), said.into());
    }
    if !consulted.links.0.is_empty() {
        context.insert("links".to_owned(), json!(consulted.links));
    }
    context
}

/// Whether every path of an effect lies inside a folder once links are followed. What cannot be found out counts as outside.
fn all_inside(folder: &Path, effect: &Effect) -> bool {
    let Ok(root) = folder.canonicalize() else { return false };
    let is_edit = matches!(effect, Effect::Edit(_));
    effect.paths().iter().all(|path| {
        let real = real_path(&root, path);
        let inside = real.as_ref().ok().and_then(|real| real.strip_prefix(&root).ok());
        inside.is_some_and(|below| !(is_edit && steers_programs(below)))
    })
}

/// Files that tell programs what to run, so that changing them is more than an edit.
fn steers_programs(below: &Path) -> bool {
    below
        .components()
        .any(|part| [".git", ".claude"].iter().any(|name| part.as_os_str().eq_ignore_ascii_case(name)))
}

/// Where a path leads. A file that does not exist yet is where its nearest existing folder leads; `..` after that point
/// cannot be followed and is refused.
fn real_path(root: &Path, path: &str) -> io::Result<PathBuf> {
    // What a program might trim or expand before it opens the file is no path to judge.
    if path.starts_with('~') || path.contains('\0') || path.trim() != path {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let mut existing = root.join(path);
    let mut missing = Vec::new();
    loop {
        match existing.symlink_metadata() {
            Ok(_) => break,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let Some(Component::Normal(name)) = existing.components().next_back() else {
                    return Err(error);
                };
                missing.push(name.to_owned());
                existing.pop();
            }
            Err(error) => return Err(error),
        }
    }
    // A dangling link exists as a link, but canonicalising it fails: refused, for it could lead anywhere later.
    let mut real = existing.canonicalize()?;
    real.extend(missing.iter().rev());
    Ok(real)
}

#[cfg(test)]
mod tests;
