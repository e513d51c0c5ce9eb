//! Shells: what they run by `-c`, by a file, and from their input.

use super::{
    job::Job,
    options::{Grammar, can_be_option},
};
use crate::{
    effect::Class,
    text::{Hole, Origin, Text},
};

/// `sh`, `bash`, `zsh`, `dash`, `ksh`, …
pub(super) fn shell(job: &mut Job<'_, '_>) {
    let arguments = job.arguments().to_vec();
    let mut at = 0;
    let mut takes_text = false;
    let mut only_reads = false;
    let mut reads_input = false;
    while let Some(word) = arguments.get(at) {
        let prefix = word.prefix();
        let is_option = (prefix.starts_with('-') || prefix.starts_with('+'))
            && prefix.len() > 1
            && word.literal() != Some("--");
        if word.literal() == Some("--") || word.literal() == Some("-") {
            at += 1;
            break;
        }
        if !is_option {
            break;
        }
        at += 1;
        match word.literal() {
            Some("--rcfile" | "--init-file") => {
                if let Some(file) = arguments.get(at) {
                    let file = file.clone();
                    job.script(&file);
                }
                at += 1;
            }
            Some("-o" | "+o" | "-O" | "+O") => at += 1,
            Some(long) if long.starts_with("--") => {}
            Some(cluster) => {
                let letters = &cluster[1..];
                takes_text |= letters.contains('c') && cluster.starts_with('-');
                only_reads |= letters.contains('n') && cluster.starts_with('-');
                reads_input |= letters.contains('s');
                // `-ec -o pipefail`: `o` in a cluster takes the next word.
                at += usize::from(letters.contains('o') && letters.len() > 1);
            }
            None => {
                job.opaque("which options the shell gets is known only when it runs");
                takes_text = true;
            }
        }
    }
    if only_reads {
        job.is_pure();
        return;
    }
    let rest = arguments.get(at..).unwrap_or_default();
    if takes_text {
        let Some(text) = rest.first() else { return };
        job.is_wrapper();
        let mut scope = job.scope.inside_shell(rest.get(2..).unwrap_or_default().to_vec());
        let (input, name) = (job.input.cloned(), job.name().to_owned());
        job.printed = job.walker.payload(text, &mut scope, input.as_ref(), &name);
        return;
    }
    match rest.first() {
        Some(file) if !reads_input => {
            let file = file.clone();
            job.script(&file);
        }
        _ => {
            let input = job.input.cloned();
            job.fed_shell(input.as_ref());
        }
    }
}

impl Job<'_, '_> {
    /// A file that a shell or an interpreter runs.
    pub(super) fn script(&mut self, file: &Text) {
        if let Some(text) = self.behind(file) {
            self.fed_shell(text.as_ref());
            return;
        }
        let (place, name) = (self.place(file), self.name().to_owned());
        self.walker.script_file(&place, &name, self.scope);
        self.read(file);
    }

    /// A shell that runs its input.
    pub(super) fn fed_shell(&mut self, input: Option<&Text>) {
        let name = self.name().to_owned();
        let Some(input) = input else { return };
        match (input.literal(), input.origin()) {
            (Some(_), _) => {
                self.is_wrapper();
                let mut scope = self.scope.inside_shell(Vec::new());
                self.printed = self.walker.payload(input, &mut scope, None, &name);
            }
            (None, Some(Origin::Fetched)) => {
                self.class(Class::PipeToShell, format!("{name} runs what is downloaded or decoded"));
            }
            _ => {
                self.is_wrapper();
                let mut scope = self.scope.inside_shell(Vec::new());
                let text = input.clone();
                self.walker.payload(&text, &mut scope, None, &name);
                self.printed = Text::hole(Hole::UNKNOWN);
            }
        }
    }
}

/// `fish`, `pwsh`, `cmd`: other languages; their text is asked about.
pub(super) fn other_shell(job: &mut Job<'_, '_>) {
    let options = job.options(Grammar {
        single_dash: matches!(job.name(), "pwsh" | "powershell"),
        ..Grammar::new("cC", &["command", "Command", "c", "EncodedCommand", "init-command", "File"])
    });
    let texts: Vec<Text> =
        options.values(&["-c", "--command", "-C", "--init-command", "-Command", "-c"]).cloned().collect();
    if texts.is_empty() && options.operands.is_empty() {
        let input = job.input.cloned();
        job.fed_shell(input.as_ref());
        return;
    }
    for text in &texts {
        job.shell(text);
    }
    let is_encoded = job
        .arguments()
        .iter()
        .any(|word| can_be_option(word, "-EncodedCommand") || can_be_option(word, "-enc"));
    if is_encoded {
        job.class(Class::PipeToShell, "it runs what is encoded");
    } else if !texts.is_empty() {
        job.opaque(format!("{} speaks another language than the shell", job.name()));
    } else if let Some(file) = options.operands.first() {
        let file = file.clone();
        job.script(&file);
    }
}
