//! Editors and pagers, which can run anything.

use super::{job::Job, options::Grammar};
use crate::text::Text;

/// `vim`, `nvim`, `ex`, `ed`, `emacs`
pub(super) fn editor(job: &mut Job<'_, '_>) {
    let grammar = match job.name() {
        "emacs" | "emacsclient" => Grammar::new("lfde", &["eval", "execute", "load", "funcall", "script"]),
        _ => Grammar::new("cSusTtwWi", &["cmd", "startuptime"]),
    };
    let options = job.options(grammar);
    let commands: Vec<Text> = options
        .all()
        .filter_map(|(_, value)| value.cloned())
        .chain(options.operands.iter().filter_map(|word| word.strip_prefix("+")))
        .collect();
    for command in &commands {
        let text = command.literal().map(str::to_owned);
        let runs = text.as_deref().is_none_or(|text| {
            text.contains('!')
                || text.contains("system")
                || text.contains("shell")
                || text.contains("python")
                || text.contains("lua")
                || text.contains("job")
                || text.contains("term")
                || text.contains("exec")
                || text.contains("delete")
                || text.contains("process")
        });
        if runs {
            if let Some(text) = text.and_then(|text| text.split_once('!').map(|(_, shell)| shell.to_owned()))
            {
                job.shell(&Text::lit(text));
                job.judge_both();
            }
            job.opaque(format!("{} runs a command of its own", job.name()));
        }
    }
    for path in options.operands.iter().filter(|word| !word.prefix().starts_with('+')) {
        job.write(path);
        job.read(path);
    }
    if job.input.is_some() && matches!(job.name(), "ed" | "ex") {
        let text = job.input.and_then(Text::literal).map(str::to_owned);
        let runs = text.as_deref().is_none_or(|text| text.contains('!'));
        if runs {
            if let Some((_, shell)) = text.as_deref().and_then(|text| text.split_once('!')) {
                job.shell(&Text::lit(shell));
                job.judge_both();
            }
            job.opaque("an editor runs what it is fed");
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
}
