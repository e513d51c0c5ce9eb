//! Deciding a tool call: the rule of the mode, and what a person allowed for this session.

use std::{
    collections::HashSet,
    io,
    path::{Component, Path, PathBuf},
};

use domain::permission::{self, Decision, Effect, Judgement, PermissionMode};
use serde_json::Value;

/// Decides the tool calls of one session.
#[derive(Debug)]
pub(super) struct Decider {
    mode: PermissionMode,
    working_directory: PathBuf,
    granted: HashSet<Grant>,
}

/// Something a person allowed for the rest of a session.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Grant {
    /// Any edit inside the working directory.
    EditInside,
    /// One tool with exactly this input, as canonical JSON.
    Exactly { tool_name: String, input: String },
}

impl Decider {
    pub(super) fn new(mode: PermissionMode, working_directory: PathBuf) -> Self {
        Self { mode, working_directory, granted: HashSet::new() }
    }

    /// What becomes of the call. Looks at the disk for where its paths really lead.
    pub(super) fn decide(&self, tool_name: &str, input: &Value) -> Judgement {
        let effect = permission::plan(tool_name, input);
        let judgement = permission::judge(self.mode, &effect, self.all_inside(&effect));
        let granted = || self.grant(tool_name, input).is_some_and(|grant| self.granted.contains(&grant));
        if judgement.decision == Decision::Ask && granted() {
            let reason = "a person allowed it for this session".to_owned();
            return Judgement { decision: Decision::Allow, reason };
        }
        judgement
    }

    /// What *for this session* would allow, as things are now.
    pub(super) fn grant(&self, tool_name: &str, input: &Value) -> Option<Grant> {
        let effect = permission::plan(tool_name, input);
        if matches!(effect, Effect::Edit(_)) && self.all_inside(&effect) {
            return Some(Grant::EditInside);
        }
        Some(Grant::Exactly { tool_name: tool_name.to_owned(), input: input.to_string() })
    }

    /// The same in words.
    pub(super) fn describe(&self, grant: &Grant) -> String {
        match grant {
            Grant::EditInside => format!("edits of files inside {}", self.working_directory.display()),
            Grant::Exactly { tool_name, .. } => format!("{tool_name} with exactly this input"),
        }
    }

    /// Keeps what a person allowed for this session: what they were shown, not what it would be now.
    pub(super) fn remember(&mut self, grant: Option<Grant>) {
        self.granted.extend(grant);
    }

    /// From now on calls are decided in this mode.
    pub(super) const fn set_mode(&mut self, mode: PermissionMode) {
        self.mode = mode;
    }

    /// A person approved the plan, so the agent program has left plan mode.
    pub(super) fn leave_plan_mode(&mut self) {
        if self.mode == PermissionMode::Plan {
            self.mode = PermissionMode::Default;
        }
    }

    /// Whether every path the call touches lies inside the working directory once links are followed. What cannot be
    /// found out counts as outside.
    fn all_inside(&self, effect: &Effect) -> bool {
        let Ok(root) = self.working_directory.canonicalize() else { return false };
        let is_edit = matches!(effect, Effect::Edit(_));
        effect.paths().iter().all(|path| {
            let real = real_path(&root, path);
            let inside = real.as_ref().ok().and_then(|real| real.strip_prefix(&root).ok());
            inside.is_some_and(|below| !(is_edit && steers_programs(below)))
        })
    }
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
mod tests {
    use super::*;
    use serde_json::json;
    use std::{fs, os::unix::fs::symlink};

    fn decider(mode: PermissionMode) -> (tempfile::TempDir, Decider) {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir_all(folder.path().join("work/src")).expect("folders");
        fs::write(folder.path().join("work/a.txt"), "a").expect("a file");
        fs::write(folder.path().join("secret"), "s").expect("a file");
        let decider = Decider::new(mode, folder.path().join("work"));
        (folder, decider)
    }

    fn read(decider: &Decider, path: &str) -> Decision {
        decider.decide("Read", &json!({ "file_path": path })).decision
    }

    #[test]
    fn reading_inside_is_allowed_whether_the_path_is_relative_or_absolute() {
        let (folder, decider) = decider(PermissionMode::Default);
        assert_eq!(read(&decider, "a.txt"), Decision::Allow);
        assert_eq!(read(&decider, "src/../a.txt"), Decision::Allow);
        assert_eq!(read(&decider, "not/there/yet"), Decision::Allow);
        assert_eq!(read(&decider, &folder.path().join("work/a.txt").display().to_string()), Decision::Allow);
    }

    #[test]
    fn reading_that_leaves_the_folder_is_asked_however_it_is_spelled() {
        let (folder, decider) = decider(PermissionMode::Default);
        symlink("../secret", folder.path().join("work/link")).expect("a link");
        symlink("..", folder.path().join("work/up")).expect("a link");
        symlink("/nowhere/at/all", folder.path().join("work/dangling")).expect("a link");
        let sibling = folder.path().join("work-too/x").display().to_string();
        for path in [
            "../secret",
            "link",
            "up/secret",
            "dangling",
            "src/../../secret",
            "x/../../secret",
            "~/.ssh/id",
            " /etc/passwd",
            "a.txt ",
            "/etc/passwd",
            &sibling,
        ] {
            assert_eq!(read(&decider, path), Decision::Ask, "{path}");
        }
    }

    #[test]
    fn an_edit_allowed_for_the_session_covers_edits_inside_and_nothing_else() {
        let (_folder, mut decider) = decider(PermissionMode::Default);
        let write = |path: &str| json!({ "file_path": path, "content": "x" });
        assert_eq!(decider.decide("Write", &write("a.txt")).decision, Decision::Ask);
        let grant = decider.grant("Write", &write("a.txt"));
        decider.remember(grant);
        assert_eq!(decider.decide("Edit", &write("src/b.txt")).decision, Decision::Allow);
        assert_eq!(decider.decide("Write", &write("../secret")).decision, Decision::Ask);
        assert_eq!(decider.decide("Bash", &json!({"command": "true"})).decision, Decision::Ask);
    }

    #[test]
    fn a_command_allowed_for_the_session_covers_only_itself() {
        let (_folder, mut decider) = decider(PermissionMode::Default);
        let grant = decider.grant("Bash", &json!({"command": "make"}));
        decider.remember(grant);
        assert_eq!(decider.decide("Bash", &json!({"command": "make"})).decision, Decision::Allow);
        assert_eq!(decider.decide("Bash", &json!({"command": "make; rm x"})).decision, Decision::Ask);
    }

    #[test]
    fn a_grant_never_overrides_a_denial() {
        let (_folder, mut decider) = decider(PermissionMode::Plan);
        let grant = decider.grant("Bash", &json!({"command": "make"}));
        decider.remember(grant);
        assert_eq!(decider.decide("Bash", &json!({"command": "make"})).decision, Decision::Deny);
    }

    #[test]
    fn files_that_steer_programs_are_asked_about_even_where_edits_are_allowed() {
        let (_folder, mut decider) = decider(PermissionMode::AcceptEdits);
        let edit = |path: &str| json!({ "file_path": path });
        assert_eq!(decider.decide("Edit", &edit("a.txt")).decision, Decision::Allow);
        for path in [".git/hooks/pre-commit", "src/.git/config", ".claude/settings.json", ".GIT/config"] {
            assert_eq!(decider.decide("Edit", &edit(path)).decision, Decision::Ask, "{path}");
        }
        let grant = decider.grant("Edit", &edit("a.txt"));
        decider.remember(grant);
        assert_eq!(decider.decide("Write", &edit(".git/config")).decision, Decision::Ask);
    }

    #[test]
    fn a_grant_covers_what_was_shown_even_if_the_path_leads_elsewhere_by_now() {
        let (folder, mut decider) = decider(PermissionMode::Default);
        let link = folder.path().join("work/link");
        symlink("../secret", &link).expect("a link");
        let shown = decider.grant("Write", &json!({ "file_path": "link" }));
        fs::remove_file(&link).expect("removed");
        decider.remember(shown);
        assert_eq!(decider.decide("Write", &json!({ "file_path": "a.txt" })).decision, Decision::Ask);
    }

    #[test]
    fn an_approved_plan_ends_plan_mode() {
        let (_folder, mut decider) = decider(PermissionMode::Plan);
        decider.leave_plan_mode();
        assert_eq!(decider.decide("Write", &json!({ "file_path": "a.txt" })).decision, Decision::Ask);
    }
}
