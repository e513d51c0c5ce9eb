//! Programs that create and change files.

use super::{
    job::Job,
    options::{Grammar, PLAIN},
};
use crate::{effect::Class, text::Text};

/// All operands are written.
pub(super) fn files(job: &mut Job<'_, '_>) {
    let grammar = match job.name() {
        "touch" => Grammar::new("dtr", &["date", "reference", "time"]),
        "mkdir" | "mkfifo" | "mknod" => Grammar::new("mZ", &["mode", "context"]),
        "truncate" => Grammar::new("srI", &["size", "reference"]),
        "split" | "csplit" => {
            Grammar::new("abClntfn", &["suffix-length", "bytes", "lines", "number", "prefix"])
        }
        _ => PLAIN,
    };
    let options = job.options(grammar);
    let operands = if job.name() == "mknod" {
        options.operands.get(..1).unwrap_or_default().to_vec()
    } else {
        options.operands
    };
    job.write_all(&operands);
}

/// `tee`: what comes in goes to each operand, and on.
pub(super) fn tee(job: &mut Job<'_, '_>) {
    let options = job.options(PLAIN);
    for path in &options.operands {
        // `tee >(sh)` feeds a shell; what is printed into it was judged where it stands.
        job.write(path);
    }
}

/// `chmod`, `chown`, `chgrp`: the first operand says what, the rest where.
pub(super) fn change_mode(job: &mut Job<'_, '_>) {
    let grammar = Grammar::new("", &["reference", "from"]);
    let arguments: Vec<Text> = job
        .arguments()
        .iter()
        .filter(|word| {
            // `-x`, `-w` and the like are modes.
            let prefix = word.prefix();
            !(prefix.len() > 1
                && prefix.starts_with('-')
                && prefix[1..].chars().all(|letter| "rwxXst".contains(letter)))
        })
        .cloned()
        .collect();
    let options = grammar.read(&arguments);
    let has_mode = arguments.len() == job.arguments().len() && !options.has(&["--reference"]);
    let operands: Vec<Text> = options.operands.iter().skip(usize::from(has_mode)).cloned().collect();
    job.write_all(&operands);
}

/// `patch`, `git apply` and the like write what their input says, below the folder they stand in.
pub(super) fn patch(job: &mut Job<'_, '_>) {
    let options = job.options(Grammar::new(
        "pidoBDFrVYzg",
        &["strip", "input", "directory", "output", "reject-file", "fuzz"],
    ));
    for path in options.values(&["-i", "--input"]) {
        job.read(path);
    }
    let named: Vec<Text> = options
        .values(&["-o", "--output", "-r", "--reject-file"])
        .chain(options.operands.first())
        .cloned()
        .collect();
    job.write_all(&named);
    let folder = options.value(&["-d", "--directory"]).cloned().unwrap_or_else(|| Text::lit("."));
    job.write(&folder);
    if let Some(path) = options.operands.get(1) {
        job.read(path);
    }
}

/// `dd`: operands by name.
pub(super) fn dd(job: &mut Job<'_, '_>) {
    for word in job.arguments().to_vec() {
        let Some((name, value)) = word.split_once('=') else { continue };
        match name.as_str() {
            "if" => job.read(&value),
            "of" => {
                let (name, target) = (job.name().to_owned(), [value]);
                job.class_at(Class::DdToDevice, format!("{name} writes onto a device"), &target);
                job.write(&target[0]);
            }
            _ => {}
        }
    }
}
