//! `provost policy lint`.

use std::process::ExitCode;

use clap::Args;
use policy::{LintFinding, Severity};
use serde_json::json;

use super::source::Source;
use crate::{
    composition::Context,
    failure::{Code, Failure},
    terminal::{Terminal, style::Style, text},
};

#[derive(Debug, Args)]
pub(crate) struct Lint {
    #[command(flatten)]
    source: Source,
}

impl Lint {
    pub(super) async fn run(self, context: Context) -> Result<ExitCode, Failure> {
        let file = self.source.read(&context).await?;
        let findings = policy::lint(&file.policies, &file.surroundings.unwrap_or_default());
        let count = |severity| findings.iter().filter(|finding| finding.severity == severity).count();
        let (errors, warnings, notes) =
            (count(Severity::Error), count(Severity::Warning), count(Severity::Note));
        let terminal = context.terminal;
        if terminal.is_json {
            let counts = json!({ "errors": errors, "warnings": warnings, "notes": notes });
            terminal.json(&json!({ "data": findings, "counts": counts }))?;
        } else {
            findings.iter().try_for_each(|finding| terminal.data(&line(terminal.out, finding)))?;
            terminal.say(&format!("{errors} errors, {warnings} warnings, {notes} notes"));
        }
        Ok(if errors == 0 { ExitCode::SUCCESS } else { Code::Failed.into() })
    }
}

/// Says what is wrong with these policies of a set; nothing when nothing is.
pub(super) fn warn(terminal: Terminal, findings: &[LintFinding], is_about: impl Fn(&str) -> bool) {
    for finding in findings.iter().filter(|finding| is_about(&finding.policy)) {
        terminal.say(&line(terminal.err, finding));
    }
}

fn line(style: Style, finding: &LintFinding) -> String {
    let LintFinding { policy, rule, field, code, severity, message, suggestion } = finding;
    let severity = match severity {
        Severity::Error => style.red(severity.as_str()),
        Severity::Warning => style.yellow(severity.as_str()),
        Severity::Note => severity.to_string(),
    };
    let place = match (field, rule) {
        (Some(field), Some(rule)) => format!(" {field} {}", text::one_line(rule, 120)),
        _ => String::new(),
    };
    let instead = suggestion.as_deref().map(|text| format!("; rather: {text}")).unwrap_or_default();
    let policy = text::one_line(policy, 200);
    let said = text::one_line(&format!("{message}{instead}"), 600);
    format!("{severity}: {policy}{place}: {said} [{code}]")
}
