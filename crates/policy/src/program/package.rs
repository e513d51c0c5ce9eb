//! Tools of a project: package managers, builds, tests. What they run of the project is the project's.

use super::{job::Job, options::Grammar};
use crate::{effect::Class, text::Text};

/// `npm`, `pnpm`, `yarn`, `bun`
pub(super) fn npm(job: &mut Job<'_, '_>) {
    let words = job.arguments().to_vec();
    let options = Grammar::leading("Cw", &["prefix", "dir", "cwd", "workspace", "filter"]).read(&words);
    if let Some(folder) = options.value(&["-C", "--prefix", "--dir", "--cwd"]) {
        elsewhere(job, folder);
    }
    words.iter().filter(|word| word.prefix().contains("://")).for_each(|url| job.perhaps_reads(url));
    let Some(command) = options.operands.first().and_then(Text::literal) else { return };
    let rest = &options.operands[1..];
    match command {
        "exec" | "x" | "dlx" => executed(job, rest),
        "config" if rest.first().and_then(Text::literal) == Some("set") => {
            let names_program = ["script-shell", "editor", "yarnPath", "plugins"]
                .iter()
                .any(|name| rest.iter().any(|word| word.prefix().contains(name)));
            if names_program {
                job.opaque("it names the shell that scripts run in");
            }
        }
        "pkg" | "set-script" if rest.first().and_then(Text::literal) != Some("get") => {
            job.write(&Text::lit("package.json"));
        }
        "cache" if rest.first().and_then(Text::literal) == Some("clean") => {}
        _ => rest.iter().for_each(|word| job.perhaps_reads(word)),
    }
}

/// A tool works in another folder: what it finds there says what it runs.
fn elsewhere(job: &mut Job<'_, '_>, folder: &Text) {
    let (place, name) = (job.place(folder), job.name().to_owned());
    job.walker.script_file(&place, &name, job.scope);
    job.list(folder);
    job.scope.cwd = job.walker.enter(folder, job.scope);
}

/// `npx`, `bunx`, `pnpx`
pub(super) fn npx(job: &mut Job<'_, '_>) {
    let words = job.arguments().to_vec();
    executed(job, &words);
}

fn executed(job: &mut Job<'_, '_>, words: &[Text]) {
    let options =
        Grammar::leading("pcw", &["package", "call", "workspace", "from", "spec", "with", "python"])
            .read(words);
    if let Some(text) = options.value(&["-c", "--call"]) {
        let text = text.clone();
        job.shell(&text);
        job.judge_both();
        return;
    }
    let packages = options.values(&["-p", "--package", "--from", "--spec"]).chain(options.operands.first());
    let mut packages = packages;
    if let Some(package) = packages.find(|package| is_fetched(package)).cloned() {
        job.connect_url(&package.strip_prefix("git+").unwrap_or(package));
        job.opaque(format!("{} runs what it downloads", job.name()));
        return;
    }
    if !options.operands.is_empty() {
        job.run(&options.operands);
        job.judge_both();
    }
}

/// A package that is named by where it lies, not by its name in a registry.
fn is_fetched(package: &Text) -> bool {
    let text = package.prefix();
    ["github:", "gitlab:", "bitbucket:", "gist:", "git+", "git@", "git:"]
        .iter()
        .any(|from| text.starts_with(from))
        || text.contains("://")
}

/// `pipx run`, `uvx`
pub(super) fn tool_run(job: &mut Job<'_, '_>) {
    let words = job.arguments().to_vec();
    if job.name() == "pipx" {
        if words.first().and_then(Text::literal) == Some("run") {
            executed(job, &words[1..]);
        } else {
            installer(job);
        }
    } else {
        executed(job, &words);
    }
}

/// `nix`: what it downloads and runs; the command behind `-c` is one of a runner.
pub(super) fn nix(job: &mut Job<'_, '_>) {
    let words = job.arguments().to_vec();
    let package = words.iter().skip(1).find(|word| !word.prefix().starts_with('-'));
    let runs = matches!(words.first().and_then(Text::literal), Some("run" | "shell" | "develop"));
    if runs && package.is_some_and(is_fetched) {
        job.opaque("nix runs what it downloads");
    }
    super::runner::runner(job);
}

/// `cargo`: mostly the project's; `--config` can name programs.
pub(super) fn cargo(job: &mut Job<'_, '_>) {
    let words = job.arguments().to_vec();
    let options = Grammar::new(
        "pFjCZ",
        &[
            "config",
            "manifest-path",
            "package",
            "features",
            "target-dir",
            "target",
            "bin",
            "test",
            "example",
            "profile",
            "git",
            "path",
        ],
    )
    .read(&words);
    for setting in options.values(&["--config"]).cloned().collect::<Vec<_>>() {
        let text = setting.prefix().to_lowercase();
        if ["runner", "rustc", "linker", "wrapper", "alias", "credential"]
            .iter()
            .any(|word| text.contains(word))
        {
            job.opaque("cargo --config names a program");
            if let Some((_, value)) = setting.split_once('=') {
                let text = value.masked();
                job.walker
                    .payload_apart(&Text::lit(text.trim().trim_matches(['"', '\'', '[', ']'])), job.scope);
            }
        }
    }
    if options.has(&["--manifest-path"]) {
        let paths: Vec<Text> = options.values(&["--manifest-path"]).cloned().collect();
        for path in &paths {
            let (place, name) = (job.place(path), job.name().to_owned());
            job.walker.script_file(&place, &name, job.scope);
        }
    }
    if let Some(url) = options.value(&["--git"]) {
        let url = url.clone();
        job.connect_url(&url);
    }
}

/// `pip`, `gem`, `go`: what they install can run code.
pub(super) fn installer(job: &mut Job<'_, '_>) {
    let words = job.arguments().to_vec();
    let options = Grammar::new(
        "rcietf",
        &[
            "requirement",
            "constraint",
            "index-url",
            "extra-index-url",
            "editable",
            "target",
            "find-links",
            "toolexec",
            "exec",
        ],
    )
    .read(&words);
    for path in options.values(&["-r", "--requirement", "-c", "--constraint"]) {
        if !path.prefix().contains("://") {
            job.read(path);
        }
    }
    for url in options
        .values(&["-i", "--index-url", "--extra-index-url", "-f", "--find-links"])
        .chain(options.operands.iter())
    {
        if url.prefix().contains("://") {
            let url = url.strip_prefix("git+").unwrap_or_else(|| url.clone());
            job.connect_url(&url);
        }
    }
    if job.name() == "go"
        && matches!(options.operands.first().and_then(Text::literal), Some("get" | "install" | "run"))
    {
        // Modules are named by the host they come from.
        for module in options.operands[1..].iter().filter_map(Text::literal) {
            let host = module.split(['/', '@']).next().unwrap_or_default();
            if host.contains('.') && !host.starts_with('.') && module.contains('/') {
                job.connect_host(&Text::lit(host), "https");
            }
        }
    }
    if let Some(text) =
        options.value(&["--toolexec", "--exec"]).or_else(|| options.value(&["-toolexec", "-exec"]))
    {
        let text = text.clone();
        job.shell(&text);
        job.judge_both();
        job.opaque("it runs a program that an option names");
    }
    let named = words.windows(2).find(|pair| matches!(pair[0].literal(), Some("-toolexec" | "-exec")));
    if let Some(pair) = named {
        let text = pair[1].clone();
        job.shell(&text);
        job.judge_both();
        job.opaque("it runs a program that an option names");
    }
}

/// `make`: the project's rules; a rule file from elsewhere, or text on the command line, is not.
pub(super) fn make(job: &mut Job<'_, '_>) {
    let options = job
        .options(Grammar::new("CEfIjloW", &["directory", "file", "makefile", "include-dir", "jobs", "eval"]));
    if let Some(folder) = options.value(&["-C", "--directory"]) {
        elsewhere(job, folder);
    }
    for file in options.values(&["-f", "--file", "--makefile"]).cloned().collect::<Vec<_>>() {
        if matches!(file.literal(), Some("-" | "/dev/stdin")) || file.piped().is_some() {
            let rules = file.piped().cloned().or_else(|| job.input.cloned());
            make_rules(job, rules.as_ref());
        } else {
            let (place, name) = (job.place(&file), job.name().to_owned());
            job.walker.script_file(&place, &name, job.scope);
            job.read(&file);
        }
    }
    for text in options.values(&["--eval", "-E"]).cloned().collect::<Vec<_>>() {
        make_rules(job, Some(&text));
    }
    // `CC=…` and the like stand in rules.
    for value in options.operands.iter().filter_map(|word| word.split_once('=').map(|(_, value)| value)) {
        job.walker.perhaps_started(&value, job.scope);
    }
    let shell = options.operands.iter().find_map(|word| word.strip_prefix("SHELL="));
    if let Some(shell) = shell {
        job.opaque("it names the shell that make runs");
        job.walker.payload_apart(&shell, job.scope);
    }
}

fn make_rules(job: &mut Job<'_, '_>, rules: Option<&Text>) {
    if let Some(text) = rules.and_then(Text::literal).map(str::to_owned) {
        for line in text.lines() {
            let line =
                line.split_once(':').map_or(line, |(_, rest)| rest.trim_start_matches([':', '=', ' ']));
            let line = line
                .trim_start_matches(['\t', ' ', ';', '@', '-', '+'])
                .replace("$(shell ", "")
                .replace("$$", "$");
            job.walker.payload_denied(&Text::lit(line.trim_end_matches(')')), job.scope);
        }
    }
    let fetched = rules.and_then(Text::origin) == Some(crate::text::Origin::Fetched);
    if fetched {
        job.class(Class::PipeToShell, "make runs what is downloaded or decoded");
    }
    job.opaque("make runs rules that stand in no file of the project");
}

/// `crontab`, `at`, `batch`: something runs later.
pub(super) fn later(job: &mut Job<'_, '_>) {
    if job.name() == "crontab" && job.arguments().iter().any(|word| word.literal() == Some("-l")) {
        job.is_pure();
        return;
    }
    if let Some(text) = job.input.and_then(Text::literal).map(str::to_owned) {
        for line in text.lines() {
            let command = if job.name() == "crontab" {
                line.split_whitespace().skip(5).collect::<Vec<_>>().join(" ")
            } else {
                line.to_owned()
            };
            job.walker.payload_denied(&Text::lit(command), job.scope);
        }
    }
    if job.name() == "crontab" && job.arguments().iter().any(|word| word.literal() == Some("-r")) {
        job.class(Class::BulkDelete, "it removes all jobs that run at times");
    }
    job.opaque("it runs something later");
}

/// `gh`: an API of its own; `gh api` with a method changes things there, `gh extension exec` runs here.
pub(super) fn gh(job: &mut Job<'_, '_>) {
    let words = job.arguments().to_vec();
    let options = Grammar::new(
        "bFtRfHXq",
        &[
            "body",
            "body-file",
            "title",
            "repo",
            "field",
            "raw-field",
            "header",
            "method",
            "input",
            "notes",
            "notes-file",
            "jq",
            "template",
        ],
    )
    .read(&words);
    for path in options.values(&["--body-file", "--input", "--notes-file"]) {
        job.read(path);
    }
    // `-F` is a file for a text, and a field for the API.
    let is_api = words.first().and_then(Text::literal) == Some("api");
    for value in options.values(&["-F", "-f", "--field"]) {
        if is_api {
            if let Some((_, path)) = value.split_once('@') {
                job.read(&path);
            }
        } else if words.first().and_then(Text::literal) != Some("alias") {
            job.read(value);
        }
    }
    let said: Vec<&str> = words.iter().map_while(Text::literal).take(2).collect();
    let sends = matches!(
        said.as_slice(),
        ["gist" | "snippet", "create" | "edit"]
            | ["release", "upload" | "create"]
            | ["ssh-key" | "gpg-key", "add"]
    );
    for path in options.operands.iter().skip(2) {
        if sends { job.read(path) } else { job.perhaps_reads(path) }
    }
    if words.first().and_then(Text::literal) == Some("alias")
        && let Some(text) = words.last().and_then(|word| word.strip_prefix("!"))
    {
        job.walker.payload_apart(&text, job.scope);
        job.opaque("an alias of gh runs a shell");
    }
}
