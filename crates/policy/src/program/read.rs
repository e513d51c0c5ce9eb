//! Programs that read files and change nothing.

use super::{
    job::{Job, found_names},
    options::Grammar,
};
use crate::text::Text;

/// Text goes in and comes out; nothing is read.
pub(super) fn text_only(job: &mut Job<'_, '_>) {
    job.is_pure();
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
        "uniq" | "xxd" => options.operands.get(1).cloned().into_iter().collect(),
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
    if writes.is_empty() && !recursive {
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
        ],
    );
    let options = job.options(grammar);
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

/// `sed`: a script, then what is read, or changed in place.
pub(super) fn sed(job: &mut Job<'_, '_>) {
    let grammar = Grammar::new("efl", &["expression", "file", "line-length"]);
    let options = job.options(grammar);
    let mut scripts: Vec<Text> = options.values(&["-e", "--expression"]).cloned().collect();
    for path in options.values(&["-f", "--file"]) {
        // Its commands can run and write.
        let place = job.place(path);
        job.walker.script_file(&place, "sed", job.scope);
        job.read(path);
    }
    let mut operands = options.operands.clone();
    if scripts.is_empty() && !options.has(&["-f", "--file"]) && !operands.is_empty() {
        scripts.push(operands.remove(0));
    }
    let mut is_quiet = true;
    for script in &scripts {
        is_quiet &= sed_script(job, script);
    }
    let in_place = options.has(&["-i", "--in-place", "-I"]);
    for path in &operands {
        if in_place { job.write(path) } else { job.read(path) }
    }
    if !in_place && is_quiet {
        job.is_pure();
    }
}

/// Commands of a script that run programs or touch other files; whether there are none.
fn sed_script(job: &mut Job<'_, '_>, script: &Text) -> bool {
    let Some(text) = script.literal() else { return true };
    let mut is_quiet = true;
    for line in text.split(['\n', ';']).map(str::trim) {
        let command = line.trim_start_matches(|next: char| {
            next.is_ascii_digit() || matches!(next, ',' | '$' | '!' | ' ' | '{')
        });
        let command = behind_address(command);
        if let Some(rest) = command.strip_prefix("e ").or_else(|| (command == "e").then_some("")) {
            is_quiet = false;
            job.shell(&Text::lit(rest));
            job.opaque("sed's command e runs a shell");
        }
        for (letter, is_write) in [('w', true), ('W', true), ('r', false), ('R', false)] {
            if let Some(path) = command.strip_prefix(letter).and_then(|rest| rest.strip_prefix(' ')) {
                let path = Text::lit(path.trim());
                if is_write {
                    job.write(&path);
                } else {
                    job.read(&path);
                }
                is_quiet = false;
            }
        }
        if let Some(flags) = substitution_flags(command) {
            if flags.contains('e') && !flags.contains('w') {
                is_quiet = false;
                job.opaque("sed's flag e runs what it made");
            }
            if let Some((_, path)) = flags.split_once("w ") {
                is_quiet = false;
                job.write(&Text::lit(path.trim()));
            }
        }
    }
    is_quiet
}

fn behind_address(command: &str) -> &str {
    let Some(rest) = command.strip_prefix('/') else { return command };
    match rest.find('/') {
        Some(end) => rest[end + 1..].trim_start_matches(['I', ' ', '!', '{']),
        None => command,
    }
}

/// What stands behind the last delimiter of `s/…/…/`.
fn substitution_flags(command: &str) -> Option<&str> {
    let rest = command.strip_prefix('s')?;
    let delimiter = rest.chars().next().filter(|next| !next.is_alphanumeric() && *next != ' ')?;
    let mut seen = 0;
    let mut is_escaped = false;
    for (at, character) in rest.char_indices() {
        match character {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            _ if character == delimiter => {
                seen += 1;
                if seen == 3 {
                    return Some(&rest[at + delimiter.len_utf8()..]);
                }
            }
            _ => {}
        }
    }
    None
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
