//! `git`: its global options, and the commands that run, write, remove or talk.

use super::{
    copy::remote,
    job::Job,
    option_value,
    options::{Grammar, Options},
};
use crate::{
    effect::{Class, Effect},
    shell::push_globbed,
    text::{Hole, Text},
};

/// Settings that name a program.
const RUNNERS: [&str; 16] = [
    "include.path",
    "core.alternaterefscommand",
    "core.pager",
    "core.sshcommand",
    "core.editor",
    "core.fsmonitor",
    "core.hookspath",
    "sequence.editor",
    "diff.external",
    "credential.helper",
    "gpg.program",
    "core.askpass",
    "uploadpack.packobjectshook",
    "core.gitproxy",
    "init.templatedir",
    "protocol.ext.allow",
];

/// How settings end that name a program, whatever they are about.
const RUNNER_ENDS: [&str; 10] = [
    ".command",
    ".cmd",
    ".program",
    ".driver",
    ".textconv",
    ".uploadpack",
    ".receivepack",
    ".defaultkeycommand",
    ".difffilter",
    ".smtpserver",
];

pub(super) fn git(job: &mut Job<'_, '_>) {
    let arguments = job.arguments().to_vec();
    let mut at = 0;
    let mut scope = job.scope.clone();
    let mut aliases = Vec::new();
    while let Some(word) = arguments.get(at).filter(|word| word.prefix().starts_with('-')) {
        at += 1;
        let (name, attached) = match word.split_once('=') {
            Some((name, value)) if name.starts_with("--") => (name, Some(value)),
            _ => (word.prefix().to_owned(), None),
        };
        let takes = matches!(
            name.as_str(),
            "-C" | "-c"
                | "--git-dir"
                | "--work-tree"
                | "--namespace"
                | "--super-prefix"
                | "--config-env"
                | "--exec-path"
                | "--attr-source"
        );
        let value = match attached {
            Some(value) => Some(value),
            None if takes && name != "--exec-path" => {
                at += 1;
                arguments.get(at - 1).cloned()
            }
            None => None,
        };
        match (name.as_str(), value) {
            ("-C" | "--work-tree", Some(folder)) => {
                job.list(&folder);
                scope.cwd = job.walker.enter(&folder, &scope);
            }
            ("-c", Some(setting)) => setting_runs(job, &setting, &mut aliases),
            // The value is that of a variable.
            ("--config-env", Some(setting)) => {
                let mut unknown = Text::lit(setting.prefix().split('=').next().unwrap_or_default());
                unknown.push_lit("=");
                unknown.append(&Text::hole(Hole::UNKNOWN));
                setting_runs(job, &unknown, &mut aliases);
            }
            ("--git-dir", Some(folder)) => repository(job, &folder),
            ("--exec-path", Some(_)) => job.opaque("--exec-path changes which programs git runs"),
            _ => {}
        }
    }
    job.scope.cwd.clone_from(&scope.cwd);
    let rest = arguments.get(at..).unwrap_or_default().to_vec();
    // Rules see the command without what stands before it.
    if at > 0 && !rest.is_empty() {
        let mut words = vec![job.words[0].clone()];
        words.extend(rest.iter().cloned());
        if let Some(Effect::Run(run)) = job.walker.effects.0.get_mut(job.run_at) {
            let outer = run.clone();
            run.words = words;
            let mut outer = outer;
            outer.is_innermost = false;
            job.walker.effects.push(Effect::Run(outer));
        }
    }
    let Some(command) = rest.first().and_then(Text::literal) else {
        if rest.first().is_some_and(Text::is_unforeseen) {
            job.opaque("which command of git runs is known only when it runs");
        }
        return;
    };
    if let Some((_, text)) = aliases.iter().find(|(name, _)| name == command) {
        let text = text.clone();
        match text.strip_prefix('!') {
            Some(shell) => job.shell(&Text::lit(shell)),
            None => {
                let mut words = vec![Text::lit("git")];
                words.extend(text.split_whitespace().map(Text::lit));
                words.extend(rest[1..].iter().cloned());
                job.run(&words);
            }
        }
        return;
    }
    command_of(job, command, &rest[1..]);
}

/// Settings of a repository name programs, so only that of the project is taken for what it is.
fn repository(job: &mut Job<'_, '_>, folder: &Text) {
    let place = job.place(folder);
    let own = format!("{}/.git", job.walker.surroundings.project_root);
    let absolute = place.absolute(job.walker.surroundings);
    if absolute.is_empty() || place.cwd.has_unknown || absolute.iter().any(|path| *path != own) {
        job.opaque("--git-dir names a repository whose settings may name programs");
    }
}

fn setting_runs(job: &mut Job<'_, '_>, setting: &Text, aliases: &mut Vec<(String, String)>) {
    let Some((name, value)) = setting.split_once('=') else {
        if setting.has_hole() {
            job.opaque("a setting of git is known only when it runs");
        }
        return;
    };
    let name = name.to_lowercase();
    if let Some(alias) = name.strip_prefix("alias.") {
        match value.literal() {
            Some(text) => aliases.push((alias.to_owned(), text.to_owned())),
            None => job.opaque("an alias of git is known only when it runs"),
        }
        return;
    }
    if let Some(url) = name
        .strip_prefix("url.")
        .and_then(|name| name.strip_suffix(".insteadof").or_else(|| name.strip_suffix(".pushinsteadof")))
    {
        job.connect_url(&Text::lit(url));
        return;
    }
    let runs = RUNNERS.contains(&name.as_str())
        || ["filter.", "pager.", "difftool.", "mergetool.", "includeif."]
            .iter()
            .any(|part| name.starts_with(part))
        || RUNNER_ENDS.iter().any(|end| name.ends_with(end));
    let is_harmless = matches!(
        value.literal(),
        Some("" | "cat" | "less" | "true" | "false" | ":" | "/dev/null" | "never" | "user")
    );
    if runs && !is_harmless {
        let text = value.literal().map(|text| text.trim_start_matches('!').to_owned());
        if let Some(text) = text {
            job.walker.payload_apart(&Text::lit(text), job.scope);
        }
        job.opaque(format!("git -c {name} names a program"));
    }
}

fn command_of(job: &mut Job<'_, '_>, command: &str, rest: &[Text]) {
    let options = grammar_of(command).read(rest);
    if let Some(path) = options.value(&["--output"]) {
        let path = path.clone();
        // A rule that allows to look does not allow this.
        job.write_aside(&path);
    }
    for option in ["--access-hook", "--browser", "--exec"] {
        for program in option_value::values(rest, option)
            .into_iter()
            .filter(|program| program.prefix().contains(['/', ' ']))
        {
            job.shell(&program);
            job.judge_both();
        }
    }
    for folder in
        option_value::values(rest, "--template").into_iter().filter(|_| matches!(command, "clone" | "init"))
    {
        // Its hooks run later.
        let (place, name) = (job.place(&folder), job.name().to_owned());
        job.walker.script_file(&place, &name, job.scope);
    }
    match command {
        "status" | "log" | "show" | "diff" | "blame" | "shortlog" | "reflog" | "describe" | "rev-parse"
        | "rev-list" | "ls-files" | "ls-tree" | "cat-file" | "name-rev" | "merge-base" | "for-each-ref"
        | "show-ref" | "grep" | "whatchanged" | "cherry" | "count-objects" | "var" | "check-ignore"
        | "check-attr" | "diff-tree" | "diff-index" | "diff-files" | "range-diff" | "help" | "version"
        | "annotate" => {
            looks(job, command, rest, &options);
        }
        "clean" => {
            let is_dry = options.has(&["-n", "--dry-run"]);
            let is_forced = options.has(&["-f", "--force"]);
            if is_forced && !is_dry {
                job.class(Class::BulkDelete, "git clean removes what git does not know");
            } else if options.is_unsure && !is_dry {
                job.opaque("which options git clean gets is known only when it runs");
            }
        }
        "push" | "fetch" | "pull" | "clone" | "ls-remote" | "submodule" | "remote" => {
            talks(job, command, &options);
        }
        "bisect" | "submodule--helper" | "rebase" | "filter-branch" | "difftool" | "mergetool" => {
            runs(job, command, rest, &options);
        }
        "config" => configured(job, &options),
        _ => files_of(job, command, &options),
    }
}

/// Commands that run what they are given.
fn runs(job: &mut Job<'_, '_>, command: &str, rest: &[Text], options: &Options) {
    match command {
        // The options behind it are those of the command.
        "bisect" | "submodule--helper" if rest.first().and_then(Text::literal) == Some("run") => {
            job.run(&rest[1..]);
            job.judge_both();
        }
        "rebase" => {
            for text in options.values(&["-x", "--exec"]).cloned().collect::<Vec<_>>() {
                job.shell(&text);
                job.judge_both();
            }
        }
        "filter-branch" => {
            let texts: Vec<Text> = options
                .all()
                .filter(|(name, _)| name.ends_with("-filter"))
                .filter_map(|(_, value)| value.cloned())
                .collect();
            for text in &texts {
                job.shell(text);
                job.judge_both();
            }
        }
        "difftool" | "mergetool" => {
            for text in options.values(&["-x", "--extcmd"]).cloned().collect::<Vec<_>>() {
                job.shell(&text);
                job.judge_both();
            }
        }
        _ => {}
    }
}

/// Commands that read, write and remove files.
fn files_of(job: &mut Job<'_, '_>, command: &str, options: &Options) {
    match command {
        "hash-object" => job.read_all(&options.operands),
        "rm" if !options.has(&["--cached", "-n", "--dry-run"]) => {
            options.operands.iter().for_each(|path| job.remove(path));
        }
        "mv" => {
            if let Some((target, sources)) = options.operands.split_last() {
                sources.iter().for_each(|path| job.remove(path));
                job.write(target);
            }
        }
        "apply" | "am" => {
            job.read_all(&options.operands);
            job.write(&Text::lit("."));
        }
        "commit" | "tag" | "notes" => {
            for path in options.values(&["-F", "--file"]).cloned().collect::<Vec<_>>() {
                job.read(&path);
            }
        }
        "send-email" => {
            let programs: Vec<Text> = options
                .values(&["--smtp-server", "--to-cmd", "--cc-cmd", "--header-cmd", "--sendmail-cmd"])
                .filter(|value| value.prefix().contains(['/', ' ']))
                .cloned()
                .collect();
            for program in &programs {
                job.shell(program);
                job.judge_both();
            }
            job.read_all(&options.operands);
        }
        "format-patch" | "checkout-index" => {
            for path in options.values(&["-o", "--output-directory", "--prefix"]).cloned().collect::<Vec<_>>()
            {
                job.write(&path);
            }
        }
        "bundle" if options.operands.first().and_then(Text::literal) == Some("create") => {
            if let Some(path) = options.operands.get(1) {
                job.write(path);
            }
        }
        "archive" => {
            if let Some(path) = options.value(&["-o"]) {
                let path = path.clone();
                job.write(&path);
            }
            if let Some(host) = options.value(&["--remote"]) {
                let host = host.clone();
                remote(job, &host);
            }
        }
        "init" | "worktree" => {
            let path = if command == "worktree" { options.operands.get(1) } else { options.operands.first() };
            if let Some(path) =
                path.filter(|_| command == "init" || options.operands[0].literal() == Some("add"))
            {
                let path = path.clone();
                job.write(&path);
            }
        }
        _ => {}
    }
}

const fn grammar_of(command: &str) -> Grammar {
    match command.as_bytes() {
        b"log" | b"show" | b"diff" | b"blame" => {
            Grammar::new("nSGLOU", &["output", "format", "author", "grep", "since", "until", "max-count"])
        }
        b"grep" => Grammar::new("efOmABC", &["open-files-in-pager", "max-depth", "max-count"]),
        b"commit" | b"tag" | b"notes" => Grammar::new(
            "mFCctSu",
            &["message", "file", "author", "date", "template", "cleanup", "local-user"],
        ),
        b"clone" => Grammar::new(
            "boucj",
            &[
                "branch",
                "origin",
                "upload-pack",
                "depth",
                "reference",
                "template",
                "config",
                "separate-git-dir",
                "jobs",
                "filter",
            ],
        ),
        b"push" | b"fetch" | b"pull" | b"ls-remote" => {
            Grammar::new("o", &["receive-pack", "exec", "repo", "push-option", "upload-pack", "depth"])
        }
        b"rebase" => Grammar::new("xsX", &["exec", "onto", "strategy", "strategy-option"]),
        b"difftool" | b"mergetool" => Grammar::new("xt", &["extcmd", "tool"]),
        b"archive" => Grammar::new("o", &["output", "format", "prefix", "remote", "exec"]),
        b"config" => Grammar::new("f", &["file", "blob", "type", "default"]),
        b"filter-branch" => Grammar::new(
            "",
            &[
                "env-filter",
                "tree-filter",
                "index-filter",
                "parent-filter",
                "msg-filter",
                "commit-filter",
                "tag-name-filter",
                "subdirectory-filter",
            ],
        ),
        b"clean" => Grammar::new("e", &["exclude"]),
        b"worktree" => Grammar::new("bB", &["reason"]),
        b"format-patch" => Grammar::new("ovn", &["output-directory", "output"]),
        b"checkout-index" => Grammar::new("", &["prefix", "output"]),
        b"send-email" => Grammar::new("", &["smtp-server", "to-cmd", "cc-cmd", "header-cmd", "sendmail-cmd"]),
        b"init" => Grammar::new("b", &["template", "separate-git-dir"]),
        _ => Grammar::new("", &["output"]),
    }
}

fn looks(job: &mut Job<'_, '_>, command: &str, rest: &[Text], options: &Options) {
    if command == "grep"
        && let Some((_, value)) = options
            .all()
            .find(|(name, _)| *name == "-O" || "--open-files-in-pager".starts_with(name) && name.len() > 5)
    {
        let pager = value.cloned();
        if let Some(pager) = pager {
            job.shell(&pager);
        }
        job.opaque("git grep -O runs a pager");
    }
    for path in options.values(&["-f"]).cloned().collect::<Vec<_>>() {
        job.read(&path);
    }
    let reads =
        (command == "diff" && options.has(&["--no-index"])) || command == "blame" || command == "annotate";
    if reads || command == "grep" && options.has(&["--no-index"]) {
        job.read_all(&options.operands);
    }
    shows(job, command, rest, options);
    if options.value(&["--output"]).is_none() && command != "reflog" {
        job.is_pure();
    }
}

/// The files whose content it shows, as far as they are named: `-- PATH`, `PATH` and `REVISION:PATH`.
fn shows(job: &mut Job<'_, '_>, command: &str, rest: &[Text], options: &Options) {
    let of_revision = matches!(command, "show" | "cat-file" | "diff" | "grep" | "log" | "blame" | "annotate");
    for (_, path) in options.operands.iter().filter(|_| of_revision).filter_map(|word| word.split_once(':')) {
        job.read(&path);
        // `:1:PATH` is one of the files of a conflict.
        if let Some((_, path)) = path.split_once(':') {
            job.read(&path);
        }
    }
    let has_patch = options.all().any(|(name, _)| {
        matches!(
            name,
            "-p" | "-u"
                | "-U"
                | "-c"
                | "--cc"
                | "--patch"
                | "--patch-with-stat"
                | "--patch-with-raw"
                | "--binary"
        ) || ["--unified", "--word-diff", "--color-words"].iter().any(|one| name.starts_with(one))
    });
    let only_tells = options.all().any(|(name, _)| {
        matches!(
            name,
            "-s" | "-q"
                | "--no-patch"
                | "--quiet"
                | "--raw"
                | "--summary"
                | "--check"
                | "--shortstat"
                | "--numstat"
        ) || ["--stat", "--name-only", "--name-status", "--dirstat"].iter().any(|one| name.starts_with(one))
    });
    let named = match command {
        "grep" => {
            let names_only = options.has(&[
                "-l",
                "--files-with-matches",
                "--name-only",
                "-L",
                "--files-without-match",
                "-c",
                "--count",
                "-q",
                "--quiet",
            ]);
            let skip = usize::from(!options.has(&["-e", "-f"]));
            if names_only && !options.has(&["-O"]) {
                &[]
            } else {
                options.operands.get(skip..).unwrap_or_default()
            }
        }
        "diff" | "show" | "diff-tree" | "diff-index" | "diff-files" if has_patch || !only_tells => {
            options.operands.as_slice()
        }
        "log" | "whatchanged" | "reflog" | "range-diff" if has_patch => options.operands.as_slice(),
        _ => &[],
    };
    let behind =
        rest.iter().position(|word| word.literal() == Some("--")).map_or(0, |at| rest.len() - at - 1);
    let from = named.len().saturating_sub(behind);
    for (at, word) in named.iter().enumerate() {
        // A revision may stand here too; one that is unknown is hardly a path.
        if at >= from || !word.begins_unknown() {
            pathspec(job, word);
        }
    }
    for range in options.values(&["-L"]).filter_map(|value| value.prefix().rsplit_once(':')) {
        job.read(&Text::lit(range.1));
    }
}

/// A path as git understands it: with wildcards of its own, and words of its own before it.
fn pathspec(job: &mut Job<'_, '_>, word: &Text) {
    let Some(text) = word.literal() else { return job.read(word) };
    let path = match text.strip_prefix(':') {
        Some(rest) if rest.starts_with(['!', '^']) || rest.starts_with("(exclude") => return,
        Some(rest) if rest.starts_with('(') => rest.split_once(')').map_or("", |(_, path)| path),
        Some(rest) => rest.trim_start_matches('/'),
        None => text,
    };
    let mut globbed = Text::default();
    push_globbed(&mut globbed, path);
    if !globbed.is_empty() {
        job.read(&globbed);
    }
}

fn talks(job: &mut Job<'_, '_>, command: &str, options: &Options) {
    for text in
        options.values(&["-u", "--upload-pack", "--receive-pack", "--exec"]).cloned().collect::<Vec<_>>()
    {
        if text.prefix().contains(['/', ' ', ';', '|', '$', '`']) {
            job.shell(&text);
            job.opaque("it names the program that runs on the other side");
            job.judge_both();
        }
    }
    for setting in options.values(&["-c", "--config"]).cloned().collect::<Vec<_>>() {
        if command == "clone" {
            setting_runs(job, &setting, &mut Vec::new());
        }
    }
    if command == "submodule" && options.operands.first().and_then(Text::literal) == Some("foreach") {
        let words: Vec<String> = options.operands[1..].iter().map(Text::masked).collect();
        job.shell(&Text::lit(words.join(" ")));
        job.judge_both();
        return;
    }
    for operand in &options.operands {
        let text = operand.prefix();
        if let Some(shell) = text.strip_prefix("ext::") {
            let shell = Text::lit(shell);
            job.shell(&shell);
            job.opaque("ext:: runs a program");
            job.judge_both();
        } else if text.contains("://")
            || (text.contains('@') && text.contains(':'))
            || (text.contains(':')
                && !text.starts_with([':', '+', '/', '.'])
                && !matches!(command, "push" | "fetch" | "pull"))
        {
            let text = text.strip_prefix("git+").map_or_else(|| operand.clone(), Text::lit);
            remote(job, &text);
        }
    }
    if command == "clone" {
        let named = options.operands.get(1).cloned();
        let folder = named.clone().or_else(|| {
            let name =
                options.operands.first()?.literal()?.trim_end_matches('/').rsplit(['/', ':']).next()?;
            Some(Text::lit(name.strip_suffix(".git").unwrap_or(name)))
        });
        if let Some(folder) = &folder {
            job.brought(folder);
        }
        if let Some(folder) = named {
            job.write(&folder);
        }
        if let Some(source) = options.operands.first().filter(|source| source.prefix().starts_with('/')) {
            let source = source.clone();
            job.read_below(&source);
        }
    }
}

/// Settings that stay can name programs that later commands run.
fn configured(job: &mut Job<'_, '_>, options: &Options) {
    if let Some(path) = options.value(&["-f", "--file"]) {
        let path = path.clone();
        job.write(&path);
    }
    if options.has(&["--global", "--system"]) && options.operands.len() > 1 {
        let file = if options.has(&["--system"]) { "/etc/gitconfig" } else { "~/.gitconfig" };
        job.write(&Text::lit(file));
    }
    let operands: Vec<&Text> = options
        .operands
        .iter()
        .filter(|word| !matches!(word.literal(), Some("set" | "get" | "unset" | "list")))
        .collect();
    if let [name, value, ..] = operands.as_slice() {
        let mut setting = Text::lit(name.prefix());
        setting.push_lit("=");
        setting.append(value);
        let mut aliases = Vec::new();
        setting_runs(job, &setting, &mut aliases);
        for (_, text) in aliases {
            if let Some(shell) = text.strip_prefix('!') {
                job.walker.payload_apart(&Text::lit(shell), job.scope);
                job.opaque("an alias of git runs a shell");
            }
        }
    }
}
