//! Programs that read files and change nothing.

use super::{
    job::{Job, found_names},
    options::{Grammar, PLAIN},
};
use crate::text::Text;

/// Text goes in and comes out; nothing is read.
pub(super) fn text_only(job: &mut Job<'_, '_>) {
    if !sets_the_machine(job) {
        job.is_pure();
    }
}

/// Whether a program that tells of the machine is used to change it.
fn sets_the_machine(job: &Job<'_, '_>) -> bool {
    match job.name() {
        "date" => {
            let grammar =
                Grammar::new("dfrsv", &["date", "file", "reference", "set", "rfc-3339", "resolution"]);
            let options = job.options(grammar);
            let shows = |word: &Text| word.prefix().starts_with('+') || word.literal() == Some("");
            options.has(&["-s", "--set"]) || !options.has(&["-j"]) && !options.operands.iter().all(shows)
        }
        "hostname" => {
            let options = job.options(Grammar::new("F", &["file"]));
            options.has(&["-F", "--file", "-b", "--boot"]) || !options.operands.is_empty()
        }
        "ss" => job.options(Grammar::new("fFAN", &[])).has(&["-K", "--kill", "-D", "--diag"]),
        "dmesg" => job.options(Grammar::new("flns", &[])).has(&[
            "-C",
            "--clear",
            "-c",
            "--read-clear",
            "-D",
            "--console-off",
            "-E",
            "--console-on",
            "-n",
            "--console-level",
        ]),
        "ifconfig" => job.arguments().len() > 1,
        "info" => job.options(PLAIN).has(&["-o", "--output"]),
        _ => false,
    }
}

/// Text for people and agents; an agent that nobody watches may do anything.
pub(super) fn prose(job: &mut Job<'_, '_>) {
    for word in job.arguments().to_vec() {
        let text = word.prefix();
        if text.starts_with("--dangerously") || matches!(text, "--yolo" | "--full-auto" | "bypassPermissions")
        {
            job.opaque(format!("{} works without asking anybody", job.name()));
        }
        if !text.contains(' ') {
            job.perhaps_reads(&word);
        }
    }
}

/// `getent`: what stands in one of the files in `/etc` that tell of users, hosts and the like.
pub(super) fn entries(job: &mut Job<'_, '_>) {
    if let Some(database) =
        job.arguments().iter().find_map(|word| word.literal().filter(|_| !word.prefix().starts_with('-')))
    {
        // One entry is a look-up; all of them are the file.
        if job.arguments().len() == 1 || database == "shadow" {
            job.read(&Text::lit(format!("/etc/{database}")));
        }
    }
    job.is_pure();
}

/// Runs, and touches no file that a rule could name.
pub(super) fn nothing(_: &mut Job<'_, '_>) {}

const HEAD: Grammar = Grammar::new("ncsSkfjtdwaINAbvhpqTDlLoerRzZ", &[]);

/// The options of programs that read their operands.
fn grammar_of(name: &str) -> Grammar {
    match name {
        "head" | "tail" => {
            Grammar::new("ncs", &["lines", "bytes", "pid", "sleep-interval", "max-unchanged-stats"])
        }
        "sort" => Grammar::new(
            "kotST",
            &[
                "key",
                "output",
                "field-separator",
                "buffer-size",
                "temporary-directory",
                "compress-program",
                "files0-from",
                "parallel",
                "batch-size",
                "random-source",
            ],
        ),
        "file" => Grammar::new("FfmeP", &["separator", "files-from", "magic-file", "exclude", "parameter"]),
        "cut" => Grammar::new("bcfd", &["bytes", "characters", "fields", "delimiter", "output-delimiter"]),
        "wc" => Grammar::new("", &["files0-from"]),
        "uniq" => Grammar::new("fsw", &["skip-fields", "skip-chars", "check-chars"]),
        "xxd" => Grammar::new("cglosR", &[]),
        "od" | "hexdump" | "hd" => {
            Grammar::new("jNtAwSenf", &["format", "skip-bytes", "read-bytes", "address-radix", "width"])
        }
        "paste" | "join" | "column" | "fold" | "fmt" | "nl" | "pr" | "expand" | "unexpand" | "strings" => {
            HEAD
        }
        "less" | "more" | "bat" | "batcat" => {
            Grammar::new("pPtTkoOxljbh", &["language", "line-range", "style", "theme", "pager"])
        }
        "diff" | "cmp" | "sdiff" | "colordiff" => Grammar::new(
            "UCIxXFWLnio",
            &[
                "unified",
                "context",
                "exclude",
                "exclude-from",
                "label",
                "ignore-matching-lines",
                "from-file",
                "to-file",
                "bytes",
                "ignore-initial",
            ],
        ),
        _ => Grammar::new("", &[]),
    }
}

/// All operands are read.
pub(super) fn files(job: &mut Job<'_, '_>) {
    let options = job.options(grammar_of(job.name()));
    for value in options.values(&["--files0-from", "--exclude-from", "--from-file", "--to-file", "-X"]) {
        job.read(value);
    }
    let writes = match job.name() {
        "sort" => options.values(&["-o", "--output"]).cloned().collect(),
        // Its second operand is where it writes.
        "uniq" | "xxd" | "pdftotext" => options.operands.get(1).cloned().into_iter().collect(),
        _ => Vec::new(),
    };
    if let Some(program) = options.value(&["--compress-program", "--pager"]) {
        let program = program.clone();
        job.shell(&program);
    }
    // Whether an option takes a value differs between versions; what looks like a path may be one that is read.
    for value in options.all().filter_map(|(_, value)| value.cloned()).collect::<Vec<_>>() {
        job.perhaps_reads(&value);
    }
    for file in options.operands.iter().filter(|word| word.prefix().starts_with('@')) {
        job.perhaps_reads(file);
    }
    let is_pager = matches!(job.name(), "less" | "more" | "most" | "zless" | "zmore");
    for command in options.operands.iter().filter_map(|word| word.strip_prefix("+").filter(|_| is_pager)) {
        if command.prefix().contains(['!', '|', '#']) || command.literal().is_none() {
            super::editor::commanded(job, &command);
        }
    }
    let recursive = matches!(job.name(), "diff" | "colordiff") && options.has(&["-r", "--recursive"]);
    for path in &options.operands {
        if recursive { job.read_below(path) } else { job.read(path) }
    }
    // It writes what it made of its list of patterns.
    let compiles = job.name() == "file" && options.has(&["-C", "--compile"]);
    if writes.is_empty() && !recursive && !compiles {
        job.is_pure();
    }
    writes.iter().for_each(|path| job.write_aside(path));
}

/// The folders and files are listed, not read.
pub(super) fn listed(job: &mut Job<'_, '_>) {
    let grammar = Grammar::new(
        "IwTLP",
        &[
            "ignore",
            "hide",
            "width",
            "tabsize",
            "exclude",
            "max-depth",
            "time",
            "format",
            "sort",
            "color",
            "block-size",
            "level",
            "filelimit",
            "files0-from",
            "exclude-from",
            "threshold",
        ],
    );
    let grammar = if job.name() == "du" { Grammar { short: "XdtB", ..grammar } } else { grammar };
    let options = job.options(grammar);
    for path in options.values(&["--files0-from", "--exclude-from", "-X"]) {
        job.read(path);
    }
    if options.operands.is_empty() {
        job.list(&Text::lit("."));
    }
    for path in &options.operands {
        job.list(path);
    }
    job.is_pure();
}

/// `grep` and its kin: a pattern, then what is searched.
pub(super) fn search(job: &mut Job<'_, '_>) {
    let grammar = Grammar::new(
        "efmABCdDgtTjMrE",
        &[
            "regexp",
            "file",
            "max-count",
            "after-context",
            "before-context",
            "context",
            "directories",
            "devices",
            "include",
            "exclude",
            "exclude-dir",
            "exclude-from",
            "glob",
            "iglob",
            "type",
            "type-not",
            "threads",
            "max-depth",
            "max-columns",
            "replace",
            "encoding",
            "pre",
            "pre-glob",
            "sort",
            "sortr",
            "ignore-file",
            "path-separator",
            "color",
            "colors",
            "label",
            "binary-files",
            "max-filesize",
            "engine",
            "depth",
            "ignore-dir",
            "file-search-regex",
        ],
    );
    let is_grep = job.name().ends_with("grep");
    // `-r` of grep and `-E`, `-T`, `-M` take no value there.
    let grammar = if is_grep { Grammar { short: "efmABCdD", ..grammar } } else { grammar };
    let options = job.options(grammar);
    for path in options.values(&["-f", "--file", "--exclude-from", "--ignore-file"]) {
        job.read(path);
    }
    let has_pattern = options.has(&["-e", "--regexp", "-f", "--file", "--files"]);
    let skip = usize::from(!has_pattern && !options.has(&["--files"]));
    let paths: Vec<Text> = options.operands.iter().skip(skip).cloned().collect();
    let is_recursive = !is_grep || options.has(&["-r", "-R", "--recursive", "--dereference-recursive"]);
    if let Some(program) = options.value(&["--pre"]) {
        let program = program.clone();
        job.run(&[program, found_names()]);
        job.opaque("--pre runs a program on every file");
        return;
    }
    for path in &paths {
        if is_recursive {
            job.read_below(path);
            job.read(path);
        } else {
            job.read(path);
        }
    }
    if paths.is_empty() && is_recursive && job.input.is_none() {
        job.read_below(&Text::lit("."));
    }
    job.is_pure();
}

/// `jq` and `yq`: a filter, then what is read.
pub(super) fn query(job: &mut Job<'_, '_>) {
    let grammar = Grammar::new(
        "fLoIp",
        &[
            "from-file",
            "indent",
            "slurpfile",
            "rawfile",
            "arg",
            "argjson",
            "tab",
            "input-format",
            "output-format",
        ],
    );
    let arguments = job.arguments().to_vec();
    let options = grammar.read(&arguments);
    for (at, word) in arguments.iter().enumerate() {
        if matches!(word.literal(), Some("--slurpfile" | "--rawfile"))
            && let Some(path) = arguments.get(at + 2)
        {
            job.read(path);
        }
    }
    let filter = options.value(&["-f", "--from-file"]).cloned();
    if let Some(path) = &filter {
        job.read(path);
    }
    let in_place = options.has(&["-i", "--inplace", "--in-place"]);
    let skip = usize::from(filter.is_none());
    let files: Vec<Text> = options.operands.iter().skip(skip).cloned().collect();
    for path in &files {
        job.read(path);
        if in_place {
            job.write(path);
        }
    }
    if !in_place {
        job.is_pure();
    }
}

/// `awk`: a program, then what is read.
pub(super) fn awk(job: &mut Job<'_, '_>) {
    let grammar =
        Grammar::new("fFvieEl", &["file", "field-separator", "assign", "include", "load", "source", "exec"]);
    let options = job.options(grammar);
    let files: Vec<Text> =
        options.values(&["-f", "--file", "-i", "--include", "-E", "--exec"]).cloned().collect();
    for file in &files {
        job.read(file);
        let place = job.place(file);
        job.walker.script_file(&place, "awk", job.scope);
    }
    if options.has(&["-l", "--load"]) {
        job.opaque("awk loads a library");
    }
    let mut operands = options.operands.clone();
    let mut programs: Vec<Text> = options.values(&["-e", "--source"]).cloned().collect();
    if files.is_empty() && programs.is_empty() && !operands.is_empty() {
        programs.push(operands.remove(0));
    }
    let mut is_quiet =
        files.is_empty() && !options.values(&["-i"]).any(|value| value.literal() == Some("inplace"));
    for program in &programs {
        is_quiet &= super::code::awk(job, program);
    }
    for path in operands.iter().filter(|path| !path.prefix().contains('=')) {
        if options.values(&["-i"]).any(|value| value.literal() == Some("inplace")) {
            job.write(path);
        }
        job.read(path);
    }
    if is_quiet {
        job.is_pure();
    }
}

/// Decoders and encoders that print.
pub(super) fn coder(job: &mut Job<'_, '_>) {
    let options = job.options(Grammar::new("wio", &["wrap"]));
    for path in options.values(&["-i"]) {
        job.read(path);
    }
    let writes: Vec<Text> = options.values(&["-o"]).cloned().collect();
    job.read_all(&options.operands);
    if writes.is_empty() {
        job.is_pure();
    }
    writes.iter().for_each(|path| job.write_aside(path));
}

/// `openssl`: what it reads and writes by name.
pub(super) fn openssl(job: &mut Job<'_, '_>) {
    let arguments = job.arguments().to_vec();
    for pair in arguments.windows(2) {
        match pair[0].literal() {
            Some(
                "-in" | "-inkey" | "-key" | "-kfile" | "-CAfile" | "-cert" | "-certfile" | "-signkey"
                | "-sign" | "-verify",
            ) => {
                job.read(&pair[1]);
            }
            Some("-out" | "-keyout" | "-writerand") => job.write(&pair[1]),
            Some("-connect" | "-host" | "-proxy") => {
                let host = pair[1].split_once(':').map_or(pair[1].clone(), |(host, _)| Text::lit(host));
                job.connect_host(&host, "tls");
            }
            _ => {}
        }
    }
    if arguments.first().and_then(Text::literal) == Some("dgst") {
        let options = Grammar {
            single_dash: true,
            ..Grammar::new("", &["out", "sign", "verify", "signature", "hmac"])
        }
        .read(&arguments[1..]);
        job.read_all(&options.operands);
    }
}
