//! Editors and pagers, which can run anything.

use super::{job::Job, options::Grammar};
use crate::text::Text;

/// Words in a command of an editor that make it run something else.
const RUNS: [&str; 14] = [
    "system", "shell", "python", "lua", "perl", "ruby", "job", "term", "exec", "delete", "process", "source",
    "make", "call-",
];

/// `vim`, `nvim`, `ex`, `ed`, `emacs`
pub(super) fn editor(job: &mut Job<'_, '_>) {
    let is_line = matches!(job.name(), "ed" | "red" | "ex");
    let is_silent = job.arguments().iter().any(|word| {
        let text = word.prefix();
        text.starts_with('-') && !text.starts_with("--") && text.contains("es")
    });
    let grammar = match job.name() {
        "emacs" | "emacsclient" => Grammar::new("lfde", &["eval", "execute", "load", "funcall", "script"]),
        "ed" | "red" => Grammar::new("p", &["prompt"]),
        // `-s` is a script, but takes nothing in `ex` and behind `-e`.
        _ if is_line || is_silent => Grammar::new("cSuTtwWi", &["cmd", "startuptime"]),
        "kak" => Grammar::new("eEpsc", &[]),
        _ => Grammar::new("cSusTtwWi", &["cmd", "startuptime"]),
    };
    let options = job.options(grammar);
    for script in options.values(&["-S", "-u", "--load", "-l"]).cloned().collect::<Vec<_>>() {
        if script.prefix().starts_with(['/', '~', '.']) {
            let (place, name) = (job.place(&script), job.name().to_owned());
            job.walker.script_file(&place, &name, job.scope);
        }
    }
    let commands: Vec<Text> = options
        .all()
        .filter_map(|(_, value)| value.cloned())
        .chain(options.operands.iter().filter_map(|word| word.strip_prefix("+")))
        .collect();
    commands.iter().for_each(|command| commanded(job, command));
    for path in options.operands.iter().filter(|word| !word.prefix().starts_with('+')) {
        if let Some(command) = path.strip_prefix("!").filter(|_| is_line) {
            commanded(job, &Text::lit(format!("!{}", command.masked())));
            continue;
        }
        job.write(path);
        job.read(path);
    }
    if (is_line || is_silent)
        && let Some(input) = job.input.cloned()
    {
        commanded(job, &input);
    }
}

/// What a command of an editor or a pager runs, reads and writes; there may be several, one in a line.
pub(super) fn commanded(job: &mut Job<'_, '_>, command: &Text) {
    let Some(text) = command.literal().map(str::to_owned) else {
        job.opaque(format!("{} runs what is known only when it runs", job.name()));
        return;
    };
    let has_bang = text.contains('!') && text.split('!').skip(1).any(|rest| !rest.trim().is_empty());
    if has_bang || RUNS.iter().any(|word| text.contains(word)) {
        for line in text.lines().filter(|line| line.contains('!')) {
            if let Some((_, shell)) = line.split_once('!') {
                job.shell(&Text::lit(shell.trim_end_matches(['"', '\''])));
                job.judge_both();
            }
        }
        super::stranger::perhaps_holds(job, &text);
        job.opaque(format!("{} runs a command of its own", job.name()));
    }
    for line in text.split(['\n', '|']) {
        let line = line.trim_start_matches(|next: char| next.is_ascii_digit() || ":%,$. ".contains(next));
        let Some((word, path)) = line.split_once(' ') else { continue };
        let path = Text::lit(path.trim());
        if path.prefix().starts_with('!') || path.is_empty() {
            continue;
        }
        match word.trim_end_matches('!') {
            "w" | "wq" | "W" | "write" | "sav" | "saveas" | "x" => job.write(&path),
            "r" | "read" | "e" | "edit" | "E" | "f" | "sp" | "split" | "vs" | "tabe" => job.read(&path),
            "so" | "source" | "luafile" | "pyfile" => {
                let (place, name) = (job.place(&path), job.name().to_owned());
                job.walker.script_file(&place, &name, job.scope);
            }
            _ => {}
        }
    }
}

/// `man`, `journalctl`, `systemctl`: `-P` names a pager.
pub(super) fn manual(job: &mut Job<'_, '_>) {
    let options = job.options(Grammar::new("PHuUCLMRserEn", &["pager", "html", "unit", "since", "until"]));
    if let Some(pager) = options.value(&["-P", "--pager", "-H", "--html"]) {
        let pager = pager.clone();
        if !matches!(pager.literal(), Some("cat" | "less" | "more")) {
            job.shell(&pager);
            job.judge_both();
            job.opaque("it runs a pager that an option names");
        }
    }
    let starts = matches!(
        options.operands.first().and_then(Text::literal),
        Some("enable" | "link" | "start" | "reenable")
    );
    for path in options.operands.iter().filter(|word| word.prefix().contains('/')) {
        if starts && job.name() == "systemctl" {
            let (place, name) = (job.place(path), job.name().to_owned());
            job.walker.script_file(&place, &name, job.scope);
        }
        job.perhaps_reads(path);
    }
}
