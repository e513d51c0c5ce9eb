//! `find` and `fd`: what they run, write and remove.

use super::{
    job::{Job, found_names, with_placeholder},
    options::Grammar,
    remove::is_remover,
};
use crate::{
    effect::Class,
    shell::push_globbed,
    text::{Hole, Part, Text},
};

/// `find`: folders, then tests and actions.
pub(super) fn find(job: &mut Job<'_, '_>) {
    let arguments = job.arguments().to_vec();
    let is_start = |word: &&Text| {
        let prefix = word.prefix();
        !(prefix.starts_with('-') && prefix.len() > 1
            || matches!(word.literal(), Some("(" | ")" | "!" | ",")))
    };
    let skip = arguments.iter().take_while(|word| matches!(word.literal(), Some("-H" | "-L" | "-P"))).count();
    let starts: Vec<Text> = arguments.iter().skip(skip).take_while(is_start).cloned().collect();
    let starts = if starts.is_empty() { vec![Text::lit(".")] } else { starts };
    for start in &starts {
        job.list(start);
    }
    let name = arguments.windows(2).find(|pair| matches!(pair[0].literal(), Some("-name" | "-iname")));
    let name = name.map(|pair| pair[1].clone());
    let mut is_quiet = true;
    let mut at = skip;
    while at < arguments.len() {
        let word = arguments[at].literal().unwrap_or_default();
        at += 1;
        match word {
            "-delete" => {
                is_quiet = false;
                job.class(Class::BulkDelete, "find removes what it finds");
                starts.iter().for_each(|start| job.remove(start));
            }
            "-exec" | "-execdir" | "-ok" | "-okdir" => {
                is_quiet = false;
                let end = arguments[at..].iter().position(|word| matches!(word.literal(), Some(";" | "+")));
                let end = end.map_or(arguments.len(), |length| at + length);
                let found = found_below(&starts, name.as_ref());
                executed(job, &arguments[at..end], &found);
                at = end;
            }
            "-fprint" | "-fprint0" | "-fls" | "-fprintf" => {
                is_quiet = false;
                if let Some(path) = arguments.get(at) {
                    job.write_aside(path);
                }
            }
            "-files0-from" => {
                if let Some(path) = arguments.get(at) {
                    job.read(path);
                }
            }
            _ => {}
        }
        if arguments.get(at - 1).is_some_and(|word| word.begins_unknown() && word.splits())
            && at > skip + starts.len()
        {
            job.opaque("which actions find takes is known only when it runs");
        }
    }
    if is_quiet {
        job.is_pure();
    }
    job.printed = Text::hole(Hole::UNKNOWN);
}

fn executed(job: &mut Job<'_, '_>, words: &[Text], found: &Text) {
    let words: Vec<Text> = words.iter().map(|word| with_placeholder(word, "{}", found)).collect();
    if is_remover(&words) {
        job.class(Class::BulkDelete, "find removes what it finds");
        // The names are those it finds; only rm's options decide about the class.
    }
    let outer = job.printed.clone();
    job.run(&words);
    job.printed = outer;
    // find itself is judged as well as what it runs.
    job.judge_both();
}

/// A name that lies below one of these folders, and fits the pattern that is looked for.
fn found_below(starts: &[Text], name: Option<&Text>) -> Text {
    let [start] = starts else { return found_names() };
    if start.literal().is_none() {
        return found_names();
    }
    let mut found = start.clone();
    found.push_lit("/");
    match name.and_then(Text::literal) {
        Some(name) => {
            found.push(Part::Star);
            found.push(Part::Star);
            found.push_lit("/");
            push_globbed(&mut found, name);
        }
        None => found.append(&found_names()),
    }
    found
}

/// `fd`: a pattern, then folders; `-x` and `-X` run.
pub(super) fn fd(job: &mut Job<'_, '_>) {
    let arguments = job.arguments().to_vec();
    let runs = arguments
        .iter()
        .position(|word| matches!(word.literal(), Some("-x" | "-X" | "--exec" | "--exec-batch")));
    let grammar = Grammar::new(
        "edDtEScjoBg",
        &[
            "extension",
            "max-depth",
            "min-depth",
            "type",
            "exclude",
            "size",
            "color",
            "threads",
            "owner",
            "base-directory",
            "glob",
            "changed-within",
        ],
    );
    let options = grammar.read(&arguments[..runs.unwrap_or(arguments.len())]);
    for path in options.operands.iter().skip(1) {
        job.list(path);
    }
    match runs {
        None => job.is_pure(),
        Some(at) => {
            let mut words: Vec<Text> =
                arguments[at + 1..].iter().map(|word| with_placeholder(word, "{}", &found_names())).collect();
            if !arguments[at + 1..].iter().any(|word| word.prefix().contains('{')) {
                words.push(found_names());
            }
            if is_remover(&words) {
                job.class(Class::BulkDelete, "fd removes what it finds");
            }
            job.run(&words);
            job.judge_both();
        }
    }
}
