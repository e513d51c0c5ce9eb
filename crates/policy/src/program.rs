//! Programs: what each does with its arguments, by a table of those that matter.

mod archive;
mod code;
mod container;
mod copy;
mod disk;
mod driver;
mod editor;
mod find;
mod git;
mod interpreter;
mod job;
mod network;
mod option_value;
mod options;
mod output;
mod package;
mod payload;
mod read;
mod remote;
mod remove;
mod runner;
mod sed;
mod shells;
mod stranger;
mod table;
mod tongue;
mod wrapper;
mod write;

use self::job::Job;
pub(crate) use self::output::printed_by;
use crate::{
    effect::{Class, Effect, Place, Run},
    lookalike,
    shell::{Scope, Walker},
    text::{Hole, Text},
};

/// Folders whose programs are what their names say.
const SYSTEM_FOLDERS: [&str; 9] = [
    "/bin",
    "/sbin",
    "/usr/bin",
    "/usr/sbin",
    "/usr/local/bin",
    "/usr/local/sbin",
    "/opt/homebrew/bin",
    "/snap/bin",
    "/run/current-system/sw/bin",
];

/// Folders below the home folder where people install programs.
const HOME_FOLDERS: [&str; 8] = [
    ".cargo/bin",
    ".local/bin",
    "go/bin",
    ".nvm/versions",
    ".rustup/toolchains",
    ".pyenv/shims",
    ".rbenv/shims",
    ".bun/bin",
];

/// Runs a program: gathers its effects, and gives what it prints as far as that is constant.
pub(crate) fn run(walker: &mut Walker<'_>, words: &[Text], scope: &mut Scope, input: Option<&Text>) -> Text {
    let Some(path) = words[0].literal().map(str::to_owned) else {
        return nameless(walker, words, input);
    };
    if path.is_empty() {
        return Text::default();
    }
    let place = Place { path: words[0].clone(), cwd: scope.cwd.clone() };
    let name = name_of(&path);
    if lookalike::is_disguised(&name) {
        walker.class(Class::OpaqueExec, format!("the program {name:?} looks like another one"));
    }
    let is_genuine =
        if path.contains('/') { is_installed(&path, walker, false) } else { !scope.has_other_path };
    let mut normal = words.to_vec();
    normal[0] = Text::lit(name.as_str());
    let run_at = walker.effects.0.len();
    walker.effects.push(Effect::Run(Run {
        words: normal.clone(),
        is_innermost: true,
        is_genuine,
        is_pure: false,
        is_harmless: false,
    }));
    behind_options(walker, &normal);
    if path.contains('/') {
        opaque_script(walker, scope, &place, &path);
    }
    let printed = printed_by(&normal, input);
    let handler = table::handler(&name);
    let mut job = Job {
        walker,
        scope,
        words: normal,
        input,
        is_script: path.contains('/') && !is_genuine,
        run_at,
        printed,
    };
    let cwd = job.scope.cwd.clone();
    match handler {
        Some(handler) => handler(&mut job),
        None => stranger::stranger(&mut job),
    }
    driver::follow(&mut job);
    remove::in_bulk(&mut job);
    option_value::follow(&mut job);
    tongue::listen(&mut job);
    // Where a program goes by an option of its own, the shell does not follow.
    if !matches!(job.name(), "command" | "builtin") {
        job.scope.cwd = cwd;
    }
    job.printed
}

/// Rules for `terraform destroy` cover `terraform -chdir=x destroy`: the command is judged without its first options too.
fn behind_options(walker: &mut Walker<'_>, words: &[Text]) {
    let options = words[1..].iter().take_while(|word| word.prefix().starts_with('-')).count();
    if options == 0 {
        return;
    }
    // The last of them may take the next word as its value.
    for skip in [options, options + 1] {
        if let Some(rest) = words.get(1 + skip..).filter(|rest| !rest.is_empty()) {
            let words = [&words[..1], rest].concat();
            walker.outer(&words);
        }
    }
}

/// The program's name is known only when it runs.
fn nameless(walker: &mut Walker<'_>, words: &[Text], input: Option<&Text>) -> Text {
    let fetched = words[0].origin() == Some(crate::text::Origin::Fetched);
    let class = if fetched { Class::PipeToShell } else { Class::OpaqueExec };
    walker.effects.push(Effect::Run(Run {
        words: words.to_vec(),
        is_innermost: true,
        is_genuine: false,
        is_pure: false,
        is_harmless: false,
    }));
    walker.class(class, format!("which program {} names is known only when it runs", words[0]));
    Text::hole(Hole::made_of(input.and_then(Text::origin)))
}

/// A program's name without its folder.
fn name_of(path: &str) -> String {
    let name = path.trim_end_matches('/').rsplit(['/', '\\']).next().unwrap_or(path);
    // `=name` is where zsh finds a program.
    let name = name.strip_prefix('=').filter(|rest| !rest.is_empty()).unwrap_or(name);
    name.strip_suffix(".exe").unwrap_or(name).to_owned()
}

/// Whether an entry of a search path is a folder where programs are installed.
pub(crate) fn is_search_path_installed(entry: &str, walker: &Walker<'_>) -> bool {
    is_installed(&format!("{entry}/program"), walker, true)
}

/// Whether a program lies where programs are installed.
fn is_installed(path: &str, walker: &Walker<'_>, in_home: bool) -> bool {
    let path = crate::path::normal(path);
    let below = |folder: &str| path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'));
    if !path.starts_with('/') {
        return false;
    }
    SYSTEM_FOLDERS.iter().any(|folder| below(folder))
        || (in_home
            && (HOME_FOLDERS.iter().any(|folder| below(&format!("{}/{folder}", walker.surroundings.home)))
                || ["/opt", "/nix/store", "/usr/lib", "/usr/share", "/Applications"]
                    .iter()
                    .any(|folder| below(folder))))
}

/// A script that the same call wrote, or one outside of the project, is code that nobody sees here.
fn opaque_script(walker: &mut Walker<'_>, scope: &Scope, place: &Place, path: &str) {
    let absolute = place.absolute(walker.surroundings);
    if absolute.iter().any(|file| scope.has_written(file)) {
        walker.class(Class::OpaqueExec, format!("it runs {path}, which the same command writes"));
    } else if absolute.iter().any(|file| scope.was_brought(file)) {
        walker.class(Class::OpaqueExec, format!("it runs {path}, which the same command brings here"));
    } else if !is_installed(path, walker, true)
        && !place.is_inside(&walker.surroundings.project_root, walker.surroundings)
    {
        walker.class(Class::OpaqueExec, format!("it runs {path}, which lies outside of the project"));
    }
}
