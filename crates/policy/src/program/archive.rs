//! Archives: what goes in, where they are unpacked, and the programs they start.

use super::{job::Job, options::Grammar};
use crate::text::Text;

const TAR: Grammar = Grammar::new(
    "fCTXbgHIKLNFV",
    &[
        "file",
        "directory",
        "files-from",
        "exclude-from",
        "exclude",
        "use-compress-program",
        "checkpoint-action",
        "checkpoint",
        "to-command",
        "info-script",
        "new-volume-script",
        "rsh-command",
        "rmt-command",
        "transform",
        "strip-components",
        "owner",
        "group",
        "mode",
        "mtime",
        "newer",
        "format",
        "listed-incremental",
        "index-file",
        "volno-file",
        "add-file",
        "suffix",
        "warning",
    ],
);

/// `tar`, with and without a dash before its first letters.
#[expect(clippy::too_many_lines, reason = "one step per option of tar")]
pub(super) fn tar(job: &mut Job<'_, '_>) {
    let mut arguments = job.arguments().to_vec();
    if let Some(first) = arguments.first().and_then(Text::literal)
        && !first.starts_with('-')
        && first.chars().all(|letter| letter.is_ascii_alphabetic())
        && first.contains(['c', 'x', 't', 'r', 'u', 'A'])
    {
        // The old form takes the values of its letters in turn, which comes to the same for one `f`.
        let letters: String = first
            .chars()
            .filter(|letter| *letter != 'f')
            .chain(first.chars().filter(|letter| *letter == 'f'))
            .collect();
        arguments[0] = Text::lit(format!("-{letters}"));
    }
    let options = TAR.read(&arguments);
    let has = |letter: &str, long: &str| options.has(&[letter, long]);
    let creates =
        has("-c", "--create") || has("-r", "--append") || has("-u", "--update") || has("-A", "--concatenate");
    let extracts = options.has(&["-x", "--extract", "--get"]);
    for name in [
        "-I",
        "--use-compress-program",
        "--to-command",
        "--info-script",
        "-F",
        "--new-volume-script",
        "--rsh-command",
        "--rmt-command",
    ] {
        for program in options.values(&[name]).cloned().collect::<Vec<_>>() {
            job.shell(&program);
            job.judge_both();
            let known = program.literal().is_some_and(|text| {
                let first = text.split_whitespace().next().unwrap_or_default();
                matches!(
                    first,
                    "zstd"
                        | "pigz"
                        | "gzip"
                        | "xz"
                        | "lz4"
                        | "bzip2"
                        | "pbzip2"
                        | "pixz"
                        | "lzop"
                        | "brotli"
                        | "zstdmt"
                )
            });
            if !known {
                job.opaque(format!("tar {name} runs a program"));
            }
        }
    }
    for action in options.values(&["--checkpoint-action"]).cloned().collect::<Vec<_>>() {
        if let Some(text) = action.strip_prefix("exec=") {
            job.shell(&text);
            job.judge_both();
            job.opaque("tar --checkpoint-action runs a program");
        }
    }
    for path in options.values(&["-T", "--files-from", "-X", "--exclude-from"]).cloned().collect::<Vec<_>>() {
        job.read(&path);
    }
    let files: Vec<Text> = options.values(&["-f", "--file"]).cloned().collect();
    for file in &files {
        if creates { job.write(file) } else { job.read(file) }
    }
    let folder = options.value(&["-C", "--directory"]).cloned();
    if creates {
        let mut scope = job.scope.clone();
        if let Some(folder) = &folder {
            scope.cwd = job.walker.enter(folder, &scope);
        }
        let before = std::mem::replace(&mut job.scope.cwd, scope.cwd);
        for path in &options.operands {
            job.read_below(path);
            job.read(path);
        }
        job.scope.cwd = before;
    }
    if extracts {
        let to_pipe = options.has(&["-O", "--to-stdout"]);
        if !to_pipe {
            job.write(&folder.unwrap_or_else(|| Text::lit(".")));
        }
        if options.has(&["-P", "--absolute-names"]) {
            job.opaque("tar -P unpacks to wherever the archive says");
        }
    }
}

/// `zip`, `7z`, `rar`: the archive, then what goes in.
pub(super) fn zip(job: &mut Job<'_, '_>) {
    let options = job.options(Grammar::new("bxitnPTO", &["unzip-command", "exclude", "include"]));
    if options.has(&["-T", "--test", "--unzip-command"])
        && options.all().any(|(name, _)| name.starts_with("-T") || name == "--unzip-command")
    {
        let programs: Vec<Text> = options.values(&["-T", "--unzip-command"]).cloned().collect();
        for program in &programs {
            job.shell(program);
            job.judge_both();
            job.opaque("zip -TT runs a program");
        }
    }
    let mut operands = options.operands;
    if matches!(job.name(), "7z" | "7za" | "rar") && !operands.is_empty() {
        let command = operands.remove(0);
        if matches!(command.literal(), Some("x" | "e" | "l" | "t")) {
            job.read_all(&operands);
            return;
        }
    }
    if let Some((archive, paths)) = operands.split_first() {
        job.write(archive);
        for path in paths {
            job.read_below(path);
            job.read(path);
        }
    }
}

/// `unzip`: the archive is read, the folder written.
pub(super) fn unzip(job: &mut Job<'_, '_>) {
    let options = job.options(Grammar::new("dxP", &[]));
    if let Some(archive) = options.operands.first() {
        job.read(archive);
    }
    if !options.has(&["-l", "-t", "-p", "-v", "-Z"]) {
        let folder = options.value(&["-d"]).cloned().unwrap_or_else(|| Text::lit("."));
        job.write(&folder);
    }
}

/// `gzip` and the like change each file into another, unless they print.
pub(super) fn compress(job: &mut Job<'_, '_>) {
    let options = job.options(Grammar::new("SbTo", &["suffix", "threads"]));
    let prints = options.has(&["-c", "--stdout", "--to-stdout", "-l", "-t", "--list", "--test"])
        || job.name().ends_with("cat");
    for path in &options.operands {
        job.read(path);
        if !prints {
            job.write(path);
        }
    }
    if prints {
        job.is_pure();
    }
}
