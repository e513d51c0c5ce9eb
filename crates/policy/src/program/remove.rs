//! Programs that remove files.

use super::{
    job::Job,
    options::{Grammar, PLAIN},
};
use crate::{effect::Class, text::Text};

/// `rm`, by its own grammar: clusters, long names and their abbreviations, `--`, options behind operands.
pub(super) fn rm(job: &mut Job<'_, '_>) {
    let options = job.options(PLAIN);
    let is_recursive = options.has(&["-r", "-R", "--recursive"]);
    let forced = options.last(&["-f", "--force"]);
    let asked = options.last(&["-i", "-I", "--interactive"]);
    // Of both, the last counts.
    let is_forced = forced > asked;
    let targets = &options.operands;
    if job.scope.is_privileged {
        job.class(Class::SudoRm, "rm runs with another user's rights");
    }
    let shown = targets.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    if is_recursive && is_forced {
        job.class_at(
            Class::RecursiveForceRemove,
            format!("rm removes {shown} with all below it, without asking"),
            targets,
        );
    } else if options.is_unsure {
        job.opaque("which options rm gets is known only when it runs");
    } else if is_recursive {
        job.class_at(Class::RecursiveRemove, format!("rm removes {shown} with all below it"), targets);
    }
    if targets.len() == 1 && targets[0].is_bare_star() {
        job.class(Class::BulkDelete, "rm removes every file of a folder");
    }
    for target in targets {
        job.remove(target);
    }
}

/// `rmdir`, `unlink`, `trash`
pub(super) fn few(job: &mut Job<'_, '_>) {
    let options = job.options(PLAIN);
    for target in &options.operands {
        job.remove(target);
    }
}

/// `shred` and the like leave nothing to get back.
pub(super) fn shred(job: &mut Job<'_, '_>) {
    let options = job.options(Grammar::new("ns", &["iterations", "size", "random-source"]));
    job.class(Class::BulkDelete, format!("{} destroys what it is given", job.name()));
    for target in &options.operands {
        job.write(target);
        job.remove(target);
    }
}

/// `rimraf`, `del-cli`, `trash`: removal of folders by other names.
pub(super) fn rimraf(job: &mut Job<'_, '_>) {
    let options = job.options(PLAIN);
    job.class_at(
        Class::BulkDelete,
        format!("{} removes folders with all below them", job.name()),
        &options.operands,
    );
    for target in &options.operands {
        job.remove(target);
    }
}

/// Commands whose input names what is removed.
pub(super) fn is_remover(words: &[Text]) -> bool {
    words.first().and_then(Text::literal).is_some_and(|name| {
        let name = super::name_of(name);
        matches!(name.as_str(), "rm" | "unlink" | "rmdir" | "shred")
    })
}

/// Commands that remove much at once, by the words that all stand in them.
const IN_BULK: &[(&str, &[&str])] = &[
    ("aws", &["s3", "rm", "--recursive"]),
    ("aws", &["s3", "rb", "--force"]),
    ("az", &["group", "delete"]),
    ("dropdb", &[]),
    ("gh", &["repo", "delete"]),
    ("gsutil", &["rm", "-r"]),
    ("hg", &["purge"]),
    ("mysqladmin", &["drop"]),
    ("podman", &["system", "reset"]),
    ("pulumi", &["destroy"]),
    ("rclone", &["delete"]),
    ("rclone", &["purge"]),
    ("redis-cli", &["flushall"]),
    ("redis-cli", &["flushdb"]),
    ("s3cmd", &["del", "--recursive"]),
    ("svn", &["cleanup", "--remove-unversioned"]),
    ("tar", &["--remove-files"]),
    ("terraform", &["destroy"]),
    ("tofu", &["destroy"]),
    ("vagrant", &["destroy"]),
    ("zip", &["-m"]),
    ("zip", &["--move"]),
];

/// Asks about programs that remove much when they are told to.
pub(super) fn in_bulk(job: &mut Job<'_, '_>) {
    let name = job.name();
    let has = |word: &str| {
        job.arguments()
            .iter()
            .any(|given| given.literal().is_some_and(|given| given.eq_ignore_ascii_case(word)))
    };
    let found = IN_BULK.iter().any(|(program, words)| *program == name && words.iter().all(|word| has(word)));
    if found {
        let reason = format!("{name} removes much at once");
        job.class(Class::BulkDelete, reason);
    }
}
