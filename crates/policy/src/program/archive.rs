//! Archives: what goes in, where they are unpacked, and the programs they start.

use super::{
    job::Job,
    options::{Grammar, Options},
};
use crate::text::{Origin, Text};

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

/// Options of `tar` that name a program.
const TAR_RUNNERS: [&str; 8] = [
    "-I",
    "--use-compress-program",
    "--to-command",
    "--info-script",
    "-F",
    "--new-volume-script",
    "--rsh-command",
    "--rmt-command",
];

/// Programs that only pack and unpack.
const PACKERS: [&str; 11] =
    ["zstd", "pigz", "gzip", "xz", "lz4", "bzip2", "pbzip2", "pixz", "lzop", "brotli", "zstdmt"];

/// `tar`, with and without a dash before its first letters.
pub(super) fn tar(job: &mut Job<'_, '_>) {
    let options = TAR.read(&with_dash(job.arguments()));
    tar_runs(job, &options);
    for path in options.values(&["-T", "--files-from", "-X", "--exclude-from"]) {
        job.read(path);
    }
    let from_input = options.values(&["-T", "--files-from"]).any(|path| path.literal() == Some("-"));
    if let Some(text) = job.input.and_then(Text::literal).filter(|_| from_input).map(str::to_owned) {
        text.lines().for_each(|path| job.read(&Text::lit(path)));
    }
    let has = |letter: &str, long: &str| options.has(&[letter, long]);
    let creates =
        has("-c", "--create") || has("-r", "--append") || has("-u", "--update") || has("-A", "--concatenate");
    for file in options.values(&["-f", "--file"]) {
        if creates { job.write(file) } else { job.read(file) }
    }
    let folder = options.value(&["-C", "--directory"]);
    if creates {
        packed(job, folder, &options.operands);
    }
    if options.has(&["-x", "--extract", "--get"]) {
        if !options.has(&["-O", "--to-stdout"]) {
            let target = folder.cloned().unwrap_or_else(|| Text::lit("."));
            job.write(&target);
            if folder.is_some() || job.input.and_then(Text::origin) == Some(Origin::Fetched) {
                job.brought(&target);
            }
        }
        if options.has(&["-P", "--absolute-names"]) {
            job.opaque("tar -P unpacks to wherever the archive says");
        }
    }
}

/// The old form of its first argument, letters without a dash, as options.
fn with_dash(arguments: &[Text]) -> Vec<Text> {
    let mut arguments = arguments.to_vec();
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
    arguments
}

/// The programs that it is told to start.
fn tar_runs(job: &mut Job<'_, '_>, options: &Options) {
    for name in TAR_RUNNERS {
        for program in options.values(&[name]) {
            job.shell(program);
            job.judge_both();
            let is_packer = program
                .literal()
                .is_some_and(|text| PACKERS.contains(&text.split_whitespace().next().unwrap_or_default()));
            if !is_packer {
                job.opaque(format!("tar {name} runs a program"));
            }
        }
    }
    for action in options.values(&["--checkpoint-action"]) {
        if let Some(text) = action.strip_prefix("exec=") {
            job.shell(&text);
            job.judge_both();
            job.opaque("tar --checkpoint-action runs a program");
        }
    }
}

/// Reads what goes into an archive, from the folder that was named.
fn packed(job: &mut Job<'_, '_>, folder: Option<&Text>, paths: &[Text]) {
    let cwd = match folder {
        Some(folder) => job.walker.enter(folder, job.scope),
        None => job.scope.cwd.clone(),
    };
    let before = std::mem::replace(&mut job.scope.cwd, cwd);
    for path in paths {
        job.read_below(path);
        job.read(path);
    }
    job.scope.cwd = before;
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

/// `cpio` and `pax`: packs what its input names, or unpacks.
pub(super) fn cpio(job: &mut Job<'_, '_>) {
    let options = job.options(Grammar::new(
        "DFOIEHCMRs",
        &["directory", "file", "format", "owner", "pattern-file", "io-size", "rsh-command"],
    ));
    let copies_in = options.has(&["-i", "-p", "--extract", "--pass-through"])
        || (job.name() == "pax" && options.has(&["-r"]));
    for path in options.values(&["-E", "--pattern-file", "-I"]).cloned().collect::<Vec<_>>() {
        job.read(&path);
    }
    for path in options.values(&["-F", "--file", "-O"]).cloned().collect::<Vec<_>>() {
        if copies_in { job.read(&path) } else { job.write(&path) }
    }
    for program in options.values(&["--rsh-command"]).cloned().collect::<Vec<_>>() {
        job.shell(&program);
        job.judge_both();
    }
    if copies_in && !options.has(&["-t", "--list"]) {
        let folder = options.value(&["-D", "--directory"]).or_else(|| options.operands.last());
        let folder = folder.cloned().unwrap_or_else(|| Text::lit("."));
        job.write(&folder);
    } else {
        job.read_all(&options.operands);
        // What its input names is packed.
        if let Some(text) = job.input.and_then(Text::literal).map(str::to_owned) {
            text.lines().for_each(|path| job.read(&Text::lit(path)));
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
        if let Some(folder) = options.value(&["-d"]) {
            job.brought(folder);
        }
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
