//! Programs that run something, or copy, on another machine.

use super::{copy::between, job::Job, options::Grammar};
use crate::{
    effect::Effect,
    text::{Origin, Text},
};

/// `ssh`: a host and a command for it.
pub(super) fn ssh(job: &mut Job<'_, '_>) {
    let grammar = Grammar::leading("BbcDEeFIiJLlmOopQRSWw", &[]);
    let options = job.options(grammar);
    for value in options.values(&["-o"]).cloned().collect::<Vec<_>>() {
        let Some(text) = value.literal() else { continue };
        let (name, command) = text.split_once(['=', ' ']).unwrap_or((text, ""));
        if matches!(
            name.to_lowercase().as_str(),
            "proxycommand" | "localcommand" | "permitlocalcommand" | "knownhostscommand"
        ) && command != "no"
            && command != "none"
        {
            job.shell(&Text::lit(command.trim_matches(['"', '\''])));
            job.judge_both();
            job.opaque(format!("ssh -o {name} runs a program here"));
        }
    }
    for value in options.values(&["-o"]).filter_map(Text::literal).map(str::to_lowercase).collect::<Vec<_>>()
    {
        let host = value.strip_prefix("proxyjump").or_else(|| value.strip_prefix("hostname"));
        if let Some(host) = host.filter(|host| !host.ends_with("none")) {
            job.connect_host(&host_of(&Text::lit(host.trim_start_matches(['=', ' ']))), "ssh");
        }
    }
    for path in options.values(&["-i", "-F"]).cloned().collect::<Vec<_>>() {
        // It uses the key; it shows it to nobody.
        if options.has(&["-F"]) {
            job.read(&path);
        }
    }
    if let Some(jump) = options.value(&["-J"]) {
        let host = host_of(jump);
        job.connect_host(&host, "ssh");
    }
    let Some((host, command)) = options.operands.split_first() else { return };
    let host = host_of(host);
    job.connect_host(&host, "ssh");
    elsewhere(job, command);
    let shells = ["sh", "bash", "zsh", "dash", "ksh", "sudo", "env"];
    let feeds_shell = command.first().is_none_or(|word| {
        word.prefix().split(' ').next().is_some_and(|name| shells.contains(&super::name_of(name).as_str()))
    });
    if feeds_shell && job.input.is_some() {
        let input = job.input.cloned().unwrap_or_default();
        if input.literal().is_some() || input.origin() == Some(Origin::Fetched) {
            hypothetical(job, &input);
        }
    }
}

/// What runs on another machine is asked about where it would be denied here.
fn elsewhere(job: &mut Job<'_, '_>, command: &[Text]) {
    if command.is_empty() {
        return;
    }
    let mut text = Text::default();
    for (at, word) in command.iter().enumerate() {
        if at > 0 {
            text.push_lit(" ");
        }
        text.append(word);
    }
    hypothetical(job, &text);
}

fn hypothetical(job: &mut Job<'_, '_>, text: &Text) {
    job.walker.payload_apart(text, job.scope);
}

/// The host in `user@host:path`.
pub(super) fn host_of(word: &Text) -> Text {
    match word.literal() {
        Some(text) => {
            let text = text.strip_prefix("ssh://").or_else(|| text.strip_prefix("//")).unwrap_or(text);
            let text = text.rsplit('@').next().unwrap_or(text);
            Text::lit(text.split([':', '/']).next().unwrap_or(text))
        }
        None => word.clone(),
    }
}

/// `scp`, `sftp`: paths here and elsewhere.
pub(super) fn scp(job: &mut Job<'_, '_>) {
    let options = job.options(Grammar::new("cDFiJloPSXbBRs", &[]));
    for value in options.values(&["-o", "-S"]).cloned().collect::<Vec<_>>() {
        if options.has(&["-S"]) || value.prefix().to_lowercase().starts_with("proxycommand") {
            job.opaque(format!("{} runs a program that an option names", job.name()));
            if let Some((_, command)) = value.split_once('=') {
                job.shell(&command);
                job.judge_both();
            }
        }
    }
    if job.name() == "sftp" {
        for path in options.values(&["-b"]) {
            job.read(path);
        }
        if let Some(host) = options.operands.first() {
            let host = host_of(host);
            job.connect_host(&host, "ssh");
        }
    }
    between(job, options.operands);
}

/// `docker exec`, `kubectl exec` and the like: a command somewhere else, whose words no shell reads again.
pub(super) fn command_there(job: &mut Job<'_, '_>, command: &[Text]) {
    if !command.is_empty() {
        let effects = job.apart_fed(command);
        job.walker.effects.push(Effect::Perhaps(effects));
    }
}
