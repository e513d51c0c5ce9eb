//! `git`: its global options, and the commands that run, write, remove or talk.

use super::{
    copy::remote,
    job::Job,
    option_value,
    options::{Grammar, Options},
};
use crate::{
    effect::{Class, Effect},
    text::Text,
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
            ("-c" | "--config-env", Some(setting)) => setting_runs(job, &setting, &mut aliases),
            ("--git-dir", Some(folder)) => {
                // Its settings name programs.
                let (place, name) = (job.place(&folder), job.name().to_owned());
                job.walker.script_file(&place, &name, job.scope);
            }
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
    let Some(command) = rest.first().and_then(Text::literal) else { return };
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

fn setting_runs(job: &mut Job<'_, '_>, setting: &Text, aliases: &mut Vec<(String, String)>) {
    let Some((name, value)) = setting.split_once('=') else { return };
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
            looks(job, command, &options);
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

fn looks(job: &mut Job<'_, '_>, command: &str, options: &Options) {
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
    if command == "diff" && !reads {
        // Outside of a repository, or with two paths, it reads them as they are.
        let paths: Vec<Text> = options
            .operands
            .iter()
            .filter(|path| path.prefix().starts_with(['/', '~']) || path.prefix().starts_with(".."))
            .cloned()
            .collect();
        job.read_all(&paths);
    }
    if matches!(command, "show" | "cat-file") {
        // `REVISION:PATH`
        for (_, path) in options.operands.iter().filter_map(|word| word.split_once(':')).collect::<Vec<_>>() {
            job.read(&path);
        }
    }
    if options.value(&["--output"]).is_none() && command != "reflog" {
        job.is_pure();
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
