//! Policies in a file, and calls judged in bulk: what a corpus, a continuous-integration suite or `policy test` needs.

use domain::{permission::Decision, time::Timestamp};
use serde_json::Value;

use crate::{
    call::Call,
    set::{PolicyError, PolicySet, PolicyText, Verdict},
    surroundings::{Links, Platform, Surroundings},
};

/// Policies as a file holds them, with the surroundings they are tried in.
#[derive(Debug, Clone, PartialEq, serde::Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyFile {
    /// The machine that calls are judged for; whoever reads the file fills in their own where it names none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub surroundings: Option<Surroundings>,
    /// The set.
    pub policies: Vec<PolicyText>,
}

/// One call of a batch, and what is expected of it where somebody expects something.
#[derive(Debug, Clone, PartialEq, serde::Deserialize)]
pub struct Case {
    /// Comes back with the answer.
    pub id: String,
    /// The tool.
    pub tool_name: String,
    /// What it is given.
    pub tool_input: Value,
    /// The folder it works in; the project's when it names none.
    #[serde(default)]
    pub cwd: Option<String>,
    /// What is known of the disk.
    #[serde(default)]
    pub facts: Facts,
    /// The decisions that are accepted; none means that nothing is expected.
    #[serde(default)]
    pub accept: Vec<Decision>,
    /// The decision that is expected, where `accept` names none.
    #[serde(default)]
    pub expect: Option<Decision>,
}

/// What a case knows of the disk and the platform.
#[derive(Debug, Clone, Default, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Facts {
    /// Symbolic links by their absolute path, and where they lead.
    pub symlinks: Links,
    /// How paths are read.
    pub platform: Option<Platform>,
    /// Whether names that differ in case are different files.
    pub case_sensitive_fs: Option<bool>,
}

/// The answer to a case.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Answer {
    /// The case.
    pub id: String,
    /// What becomes of the call.
    pub decision: Decision,
    /// The policy that decided; `None` when it was the set's default.
    pub policy: Option<String>,
    /// Its rule.
    pub rule: Option<String>,
    /// Why, one sentence.
    pub reason: String,
}

/// Policies of a file, ready to judge cases.
#[derive(Debug, Clone)]
pub struct Batch {
    file: PolicyFile,
    /// For cases that say nothing about the platform.
    set: PolicySet,
    /// The file names no surroundings, so the folder that a call works in is its project, as in a session.
    follows_cwd: bool,
}

impl PolicyFile {
    /// Reads the policies, once for all cases.
    ///
    /// # Errors
    /// When one cannot be read.
    pub fn read(self) -> Result<Batch, PolicyError> {
        let surroundings = self.surroundings.clone().unwrap_or_default();
        let set = PolicySet::read(&self.policies, surroundings)?;
        Ok(Batch { file: self, set, follows_cwd: false })
    }

    /// The same on a machine where the file names none; there each call is judged as in a session that works in its folder.
    ///
    /// # Errors
    /// When one cannot be read.
    pub fn read_on(self, machine: Surroundings) -> Result<Batch, PolicyError> {
        if self.surroundings.is_some() {
            return self.read();
        }
        let set = PolicySet::read(&self.policies, machine)?;
        Ok(Batch { file: self, set, follows_cwd: true })
    }
}

impl Batch {
    /// The policies as they judge cases that say nothing about the platform.
    #[must_use]
    pub const fn set(&self) -> &PolicySet {
        &self.set
    }

    /// The policies as they judge calls that work in this folder, an absolute one.
    ///
    /// # Errors
    /// When a policy cannot be read for it.
    pub fn set_in(&self, cwd: &str) -> Result<PolicySet, PolicyError> {
        PolicySet::read(&self.file.policies, self.surroundings_in(Some(cwd)))
    }

    fn surroundings_in(&self, cwd: Option<&str>) -> Surroundings {
        let mut surroundings = self.set.surroundings().clone();
        if let Some(cwd) = cwd.filter(|cwd| self.follows_cwd && cwd.starts_with('/')) {
            surroundings.project_root = crate::path::normal(cwd);
        }
        surroundings
    }

    /// Judges a case. No mode takes part: what no policy decides is the set's default, and *ask* where it has none.
    ///
    /// # Errors
    /// When a policy cannot be read for the case's platform.
    pub fn judge(&self, case: &Case, now: Timestamp) -> Result<Answer, PolicyError> {
        let Facts { symlinks, platform, case_sensitive_fs } = &case.facts;
        let mut surroundings = self.surroundings_in(case.cwd.as_deref());
        if platform.is_none() && case_sensitive_fs.is_none() && surroundings == *self.set.surroundings() {
            return Ok(judged(&self.set, case, symlinks, now));
        }
        if let Some(platform) = *platform {
            surroundings.platform = platform;
            surroundings.case_sensitive_fs = platform == Platform::Linux;
        }
        if let Some(is) = *case_sensitive_fs {
            surroundings.case_sensitive_fs = is;
        }
        let set = PolicySet::read(&self.file.policies, surroundings)?;
        Ok(judged(&set, case, symlinks, now))
    }
}

fn judged(set: &PolicySet, case: &Case, links: &Links, now: Timestamp) -> Answer {
    let cwd = case.cwd.as_deref().unwrap_or(&set.surroundings().project_root);
    let call = Call { tool_name: &case.tool_name, input: &case.tool_input, cwd };
    Answer::new(case.id.clone(), set.judge(&set.plan(&call), links, now))
}

impl Answer {
    fn new(id: String, verdict: Verdict) -> Self {
        let decision = verdict.decision.or(verdict.default).unwrap_or(Decision::Ask);
        Self { id, decision, policy: verdict.policy, rule: verdict.rule, reason: verdict.reason }
    }
}

impl Case {
    /// Whether this is what was expected; `None` when nothing was.
    #[must_use]
    pub fn is_met_by(&self, decision: Decision) -> Option<bool> {
        if self.accept.is_empty() {
            return self.expect.map(|expected| expected == decision);
        }
        Some(self.accept.contains(&decision))
    }
}
