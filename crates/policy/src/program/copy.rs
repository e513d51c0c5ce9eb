//! Programs that read some paths and write another.

use super::{job::Job, options::Grammar};
use crate::{
    effect::{Class, Effect, Written},
    text::{Hole, Part, Text},
};

const COPY: Grammar = Grammar::new(
    "tSgmoZ",
    &[
        "target-directory",
        "suffix",
        "group",
        "mode",
        "owner",
        "strip-program",
        "backup",
        "sparse",
        "reflink",
        "context",
    ],
);

/// `cp`, `mv`, `ln`, `install`
pub(super) fn copy(job: &mut Job<'_, '_>) {
    let options = job.options(if job.name() == "install" { COPY } else { Grammar::new("tS", COPY.long) });
    let mut sources = options.operands.clone();
    let is_linked = job.name() == "ln";
    if job.name() == "install" && options.has(&["-d", "--directory"]) {
        job.write_all(&sources);
        return;
    }
    let target = match options.value(&["-t", "--target-directory"]) {
        Some(folder) => folder.clone(),
        None if is_linked && sources.len() == 1 => Text::lit("."),
        None => match sources.pop() {
            Some(last) => last,
            None => return,
        },
    };
    if sources.is_empty() && options.is_unsure {
        job.read(&target);
    }
    let is_recursive = options.has(&["-r", "-R", "-a", "--recursive", "--archive"]);
    for source in &sources {
        // What lies below a folder is reached through a link to it.
        if is_linked || (is_recursive && job.name() == "cp") {
            job.read_below(source);
        }
        job.read(source);
        if job.name() == "mv" {
            job.remove(source);
        }
    }
    job.write(&target);
    into_folder(job, &sources, &target);
    if let Some(program) = options.value(&["--strip-program"]) {
        let program = program.clone();
        job.run(&[program]);
    }
}

/// A target that is a folder gets the names of the sources.
fn into_folder(job: &mut Job<'_, '_>, sources: &[Text], target: &Text) {
    for source in sources {
        let Some(name) = last_name(source) else { continue };
        let mut inside = target.clone();
        inside.push(Part::Lit("/".to_owned()));
        inside.append(&name);
        // Where the target is a file, nothing has this name.
        let place = job.place(&inside);
        job.walker.wrote(&place, job.scope);
        job.walker.effects.push(Effect::Write(place, Written::Inside));
    }
}

fn last_name(source: &Text) -> Option<Text> {
    let literal = source.literal()?;
    let name = literal.trim_end_matches('/').rsplit('/').next()?;
    (!matches!(name, "." | ".." | "")).then(|| Text::lit(name))
}

/// `rsync`: paths here and elsewhere.
pub(super) fn rsync(job: &mut Job<'_, '_>) {
    let grammar = Grammar::new(
        "efTBMF",
        &[
            "rsh",
            "filter",
            "exclude",
            "include",
            "exclude-from",
            "include-from",
            "files-from",
            "temp-dir",
            "block-size",
            "rsync-path",
            "compare-dest",
            "copy-dest",
            "link-dest",
            "partial-dir",
            "backup-dir",
            "suffix",
            "bwlimit",
            "port",
            "password-file",
            "log-file",
            "chmod",
            "chown",
            "max-size",
            "min-size",
            "timeout",
            "out-format",
            "info",
            "debug",
            "remote-option",
        ],
    );
    let options = job.options(grammar);
    for path in options.values(&["--exclude-from", "--include-from", "--files-from", "--password-file"]) {
        job.read(path);
    }
    let logs: Vec<Text> = options.values(&["--log-file"]).cloned().collect();
    job.write_all(&logs);
    if options.all().any(|(name, _)| name.starts_with("--delete") || name == "--remove-source-files") {
        job.class(Class::BulkDelete, "rsync removes files");
    }
    between(job, options.operands.clone());
    for program in options.values(&["-e", "--rsh", "--rsync-path"]).cloned().collect::<Vec<_>>() {
        job.shell(&program);
    }
}

/// From all operands but the last to the last, each here or on another machine.
pub(super) fn between(job: &mut Job<'_, '_>, mut operands: Vec<Text>) {
    let target = if operands.len() > 1 { operands.pop() } else { None };
    for source in &operands {
        if !remote(job, source) {
            job.read_below(source);
            job.read(source);
        }
    }
    if let Some(target) = target
        && !remote(job, &target)
    {
        job.write(&target);
        into_folder(job, &operands, &target);
    }
}

/// `host:path` and `user@host:path`; whether it is one.
pub(super) fn remote(job: &mut Job<'_, '_>, word: &Text) -> bool {
    let prefix = word.prefix();
    if prefix.contains("://") {
        job.connect_url(word);
        return true;
    }
    let Some((host, _)) = prefix.split_once(':') else {
        if word.begins_unknown()
            && word.parts().iter().any(|part| matches!(part, Part::Lit(text) if text.starts_with(':')))
        {
            job.connect_host(&Text::hole(Hole::UNKNOWN), "ssh");
            return true;
        }
        return false;
    };
    if host.contains('/') || host.is_empty() {
        return false;
    }
    let host = host.rsplit('@').next().unwrap_or(host);
    job.connect_host(&Text::lit(host), "ssh");
    true
}
