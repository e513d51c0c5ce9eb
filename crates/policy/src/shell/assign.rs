//! Assignments, alone and before a command.

use super::{
    state::{Scope, Variable},
    syntax::{Assignment, Piece, Value, Word},
    walk::Walker,
    word,
};
use crate::{
    effect::{Class, Effect, Endpoint},
    program::is_search_path_installed,
    text::{Hole, MASK, Text},
};

/// Variables that make programs run other programs, or other code than it seems.
const STEERING: &[&str] = &[
    "RIPGREP_CONFIG_PATH",
    "BAT_CONFIG_PATH",
    "BAT_CONFIG_DIR",
    "ACKRC",
    "AWKPATH",
    "AWKLIBPATH",
    "GIT_DIR",
    "GIT_COMMON_DIR",
    "GIT_WORK_TREE",
    "GIT_ALLOW_PROTOCOL",
    "FZF_DEFAULT_COMMAND",
    "LUA_INIT",
    "EXINIT",
    "VIMINIT",
    "GVIMINIT",
    "RSYNC_RSH",
    "SVN_SSH",
    "CVS_RSH",
    "PERL5DB",
    "PERL5SHELL",
    "PYTHONHOME",
    "PYTHONBREAKPOINT",
    "GIT_TEMPLATE_DIR",
    "GIT_CONFIG_SYSTEM",
    "GIT_CONFIG",
    "RUSTC",
    "RUSTDOC",
    "RUSTC_WORKSPACE_WRAPPER",
    "CARGO_BUILD_RUSTC",
    "CARGO_BUILD_RUSTC_WRAPPER",
    "GCC_EXEC_PREFIX",
    "COMPILER_PATH",
    "GCONV_PATH",
    "ZDOTDIR",
    "PHPRC",
    "PHP_INI_SCAN_DIR",
    "OPENSSL_CONF",
    "OPENSSL_MODULES",
    "SSH_SK_PROVIDER",
    "LESSKEY",
    "LESSKEYIN",
    "LESSEDIT",
    "DOTNET_STARTUP_HOOKS",
    "CORECLR_PROFILER_PATH",
    "NODE_REPL_EXTERNAL_MODULE",
    "R_PROFILE",
    "R_PROFILE_USER",
    "MAKEFILES",
    "NPM_CONFIG_SCRIPT_SHELL",
    "NPM_CONFIG_NODE_OPTIONS",
    "NPM_CONFIG_EDITOR",
    "TERMCMD",
    "BASH_ENV",
    "ENV",
    "LD_PRELOAD",
    "LD_LIBRARY_PATH",
    "LD_AUDIT",
    "DYLD_INSERT_LIBRARIES",
    "DYLD_LIBRARY_PATH",
    "PAGER",
    "MANPAGER",
    "GIT_PAGER",
    "GIT_SSH",
    "GIT_SSH_COMMAND",
    "GIT_EDITOR",
    "GIT_SEQUENCE_EDITOR",
    "GIT_EXTERNAL_DIFF",
    "GIT_ASKPASS",
    "GIT_PROXY_COMMAND",
    "GIT_EXEC_PATH",
    "GIT_CONFIG_COUNT",
    "GIT_CONFIG_PARAMETERS",
    "GIT_CONFIG_GLOBAL",
    "SSH_ASKPASS",
    "SUDO_ASKPASS",
    "EDITOR",
    "VISUAL",
    "LESSOPEN",
    "LESSCLOSE",
    "PROMPT_COMMAND",
    "PERL5OPT",
    "PERL5LIB",
    "PYTHONSTARTUP",
    "RUBYOPT",
    "NODE_OPTIONS",
    "RUSTC_WRAPPER",
    "MAKEFLAGS",
    "GNUMAKEFLAGS",
    "PS0",
    "PS1",
    "PS4",
];

impl Walker<'_> {
    /// Assigns, in order.
    pub(super) fn assign(&mut self, assignments: &[Assignment], scope: &mut Scope) {
        for assignment in assignments {
            let variable = self.assigned(assignment, scope);
            scope.set(&assignment.name, variable);
        }
    }

    fn assigned(&mut self, assignment: &Assignment, scope: &mut Scope) -> Variable {
        let unknown = Variable { alternatives: vec![Text::hole(Hole::UNKNOWN)], elements: None };
        match &assignment.value {
            Value::Word(word) => {
                let value = self.whole(word, scope);
                // A name may have been declared a number; then its value is an expression.
                if scope.is_number(&assignment.name) {
                    self.evaluate_value(&value, scope);
                } else if let Some(name) = value.literal().filter(|text| is_name(text)) {
                    self.perhaps_evaluate_text(name, scope);
                }
                if let Some(subscript) = &assignment.subscript {
                    if scope.is_keyed(&assignment.name) {
                        self.evaluate_key(subscript, scope);
                    } else {
                        self.evaluate(subscript, scope);
                    }
                    return unknown;
                }
                if assignment.is_appended
                    && !self.affords(scope.value(&assignment.name, self.surroundings).size())
                {
                    return unknown;
                }
                let value = match (assignment.is_appended, scope.variable(&assignment.name)) {
                    (true, Some(_)) => {
                        let mut before = scope.value(&assignment.name, self.surroundings);
                        before.append(&value);
                        before
                    }
                    (true, None) => Text::hole(Hole::UNKNOWN),
                    (false, _) => value,
                };
                Variable { alternatives: vec![value], elements: None }
            }
            Value::Array(words) => {
                let is_keyed =
                    words.iter().any(|word| word.plain().is_some_and(|text| text.starts_with('[')));
                let mut elements = self.fields(words, scope);
                if !self.affords(elements.iter().map(Text::size).sum()) {
                    return unknown;
                }
                if assignment.is_appended {
                    let Some(before) =
                        scope.variable(&assignment.name).and_then(|known| known.elements.clone())
                    else {
                        return unknown;
                    };
                    elements.splice(0..0, before);
                }
                if is_keyed || elements.iter().any(Text::splits) {
                    return unknown;
                }
                let first = elements.first().cloned().unwrap_or_default();
                Variable { alternatives: vec![first], elements: Some(elements) }
            }
        }
    }

    /// Assignments alone that change what later commands run.
    pub(super) fn followed(&mut self, assignments: &[Assignment], scope: &mut Scope) {
        for Assignment { name, .. } in assignments {
            if scope.exports_all || FOLLOWED.contains(&name.as_str()) {
                let value = scope.value(name, self.surroundings);
                self.steered(name, &value, scope);
            }
        }
    }

    /// What is set stays, and may change what later commands run.
    pub(super) fn steered(&mut self, name: &str, value: &Text, scope: &mut Scope) {
        if name == "PATH" {
            match search_path(value, self) {
                Search::Installed => return,
                Search::Elsewhere => {
                    scope.has_other_path = true;
                    return;
                }
                Search::Other => scope.has_other_path = true,
            }
        }
        if is_set_to_steer(name, value.literal()) {
            self.class(Class::OpaqueExec, format!("it sets {name}, which changes what programs run"));
        }
    }

    /// `export`, `declare` and the like: words that assign.
    pub(super) fn declare(&mut self, words: &[Word], scope: &mut Scope) {
        let flags: String =
            words.iter().skip(1).filter_map(Word::plain).filter(|word| word.starts_with('-')).collect();
        let is_unknown =
            words.iter().skip(1).any(|word| !matches!(word.pieces.first(), Some(Piece::Literal { .. })));
        let (is_number, is_keyed) = (flags.contains('i') || is_unknown, flags.contains('A') && !is_unknown);
        for word in words.iter().skip(1) {
            let name = word::declared(word).map(|assignment| assignment.name).or_else(|| word.plain());
            if let Some(name) = name.filter(|name| is_name(name)) {
                scope.declare(&name, is_number, is_keyed);
            }
            let Some(assignment) = word::declared(word) else { continue };
            self.assign(std::slice::from_ref(&assignment), scope);
            // What a name refers to is read when it is used.
            if flags.contains('n') {
                scope.assign(&assignment.name, Text::hole(Hole { splits: true, ..Hole::UNKNOWN }));
            }
        }
    }

    /// What is assigned before a command holds for it alone; some names steer what it runs.
    pub(super) fn before_command(&mut self, assignments: &[Assignment], scope: &mut Scope) -> Option<String> {
        let steering = assignments.iter().find(|assignment| is_steering(assignment));
        for assignment in
            assignments.iter().filter(|assignment| assignment.name.to_lowercase().ends_with("_proxy"))
        {
            if let Value::Word(word) = &assignment.value {
                let target = self.whole(word, scope);
                if !target.is_empty() && !assignment.name.to_lowercase().starts_with("no_") {
                    self.effects.push(Effect::Connect(Endpoint { target, is_url: true, scheme: None }));
                }
            }
        }
        if assignments.is_empty() {
            return None;
        }
        // Their values may hold substitutions, which run.
        let mut inner = scope.clone();
        self.assign(assignments, &mut inner);
        for assignment in assignments {
            let value = inner.value(&assignment.name, self.surroundings);
            self.perhaps_started(&value, scope);
        }
        steering.map(|assignment| assignment.name.clone())
    }
}

fn is_name(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn is_steering(assignment: &Assignment) -> bool {
    let value = match &assignment.value {
        Value::Word(word) => word.plain(),
        Value::Array(_) => None,
    };
    is_set_to_steer(&assignment.name, value.as_deref())
}

/// Whether a variable with this value, where it is known, changes what programs run.
pub(crate) fn is_set_to_steer(name: &str, value: Option<&str>) -> bool {
    match name {
        "PATH" => true,
        "BROWSER" | "VISUAL" | "GIT_ASKPASS" | "SSH_ASKPASS" => {
            !value.is_some_and(|value| HARMLESS.contains(&value))
        }
        _ if name.ends_with("PAGER") || name.ends_with("EDITOR") => {
            !value.is_some_and(|value| HARMLESS.contains(&value))
        }
        "TAR_OPTIONS" | "GZIP" => value.is_none_or(|value| {
            ["action", "command", "program", "script", "-I", "-F"].iter().any(|part| value.contains(part))
        }),
        "LESS" => value.is_none_or(|value| value.contains(['!', '|'])),
        // Only agents and what happens at an error run something.
        "JAVA_TOOL_OPTIONS" | "_JAVA_OPTIONS" | "JDK_JAVA_OPTIONS" | "JAVA_OPTS" | "MAVEN_OPTS"
        | "GRADLE_OPTS" | "SBT_OPTS" => value.is_some_and(|value| {
            ["agent", "OnError", "OnOutOfMemory"].iter().any(|part| value.contains(part))
        }),
        "MAKEFLAGS" | "GNUMAKEFLAGS" => value.is_none_or(|value| value.contains(['$', '=', '`'])),
        "PS0" | "PS1" | "PS4" => value.is_none_or(|value| value.contains(['$', '`'])),
        // Options that only bound memory or tell of warnings run nothing.
        "NODE_OPTIONS" => !value.is_some_and(|value| {
            value.split_whitespace().all(|option| {
                [
                    "--max-old-space-size",
                    "--max_old_space_size",
                    "--no-warnings",
                    "--trace-warnings",
                    "--enable-source-maps",
                    "--experimental-vm-modules",
                    "--openssl-legacy-provider",
                    "--stack-trace-limit",
                    "--max-http-header-size",
                ]
                .iter()
                .any(|known| option.starts_with(known))
            })
        }),
        "GOFLAGS" => value.is_none_or(|value| value.contains("exec")),
        _ if name.starts_with("GIT_TRACE") => value.is_none_or(|value| value.contains('/')),
        _ if name.starts_with("LD_") || name.starts_with("DYLD_") => true,
        _ if name.starts_with("CARGO_TARGET_") => name.ends_with("_RUNNER") || name.ends_with("_LINKER"),
        _ if name.starts_with("GIT_CONFIG_KEY_") || name.starts_with("BASH_FUNC_") => true,
        _ if name.starts_with("npm_config_") => STEERING.contains(&name.to_uppercase().as_str()),
        _ => STEERING.contains(&name),
    }
}

/// Programs that show and change nothing.
const HARMLESS: [&str; 10] =
    ["", "cat", "less", "more", "true", ":", "/bin/true", "none", "less -R", "delta"];

/// Where programs are looked for.
enum Search {
    /// Only where they are installed.
    Installed,
    /// The folder of a project or another one that is named in full comes first, then those from before.
    Elsewhere,
    Other,
}

/// What a search path is, where the one from before is unknown text at its end.
fn search_path(value: &Text, walker: &Walker<'_>) -> Search {
    if !value.has_hole() || !value.suffix().is_empty() {
        return Search::Other;
    }
    let before = value.masked();
    let entries = || before.split(':').filter(|entry| !entry.starts_with(MASK));
    if entries().all(|entry| is_search_path_installed(entry, walker)) {
        Search::Installed
    } else if entries().all(|entry| entry.starts_with('/') || entry.contains("node_modules/.bin")) {
        Search::Elsewhere
    } else {
        Search::Other
    }
}

/// Variables that the shell itself follows, or that are in every environment.
pub(super) const FOLLOWED: [&str; 5] = ["PATH", "PS0", "PS1", "PS4", "PROMPT_COMMAND"];
