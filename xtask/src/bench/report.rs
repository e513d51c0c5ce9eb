//! One line per figure.

use std::{
    fmt,
    io::{Write, stdout},
};

/// What is printed, and how it ends.
#[derive(Debug)]
pub(super) struct Report {
    missed: usize,
}

/// A figure against what it should be.
pub(super) struct Figure<'f> {
    pub(super) name: &'f str,
    pub(super) figure: String,
    /// To the raw database.
    pub(super) ratio: Option<f64>,
    pub(super) target: String,
    /// `None` is not judged.
    pub(super) is_met: Option<bool>,
}

impl Report {
    pub(super) fn begin() -> anyhow::Result<Self> {
        print(format_args!(
            "{:<44} {:>34} {:>8}  {:<26} {}",
            "figure", "measured", "ratio", "target", "verdict"
        ))?;
        Ok(Self { missed: 0 })
    }

    pub(super) fn add(&mut self, figure: &Figure<'_>) -> anyhow::Result<()> {
        let verdict = match figure.is_met {
            Some(true) => "ok",
            Some(false) => "MISSED",
            None => "",
        };
        self.missed += usize::from(figure.is_met == Some(false));
        let ratio = figure.ratio.map_or_else(String::new, |ratio| format!("{ratio:.2}×"));
        let Figure { name, figure, target, .. } = figure;
        print(format_args!("{name:<44} {figure:>34} {ratio:>8}  {target:<26} {verdict}"))
    }

    pub(super) fn skip(&self, name: &str, why: &str) -> anyhow::Result<()> {
        print(format_args!("{name:<44} not measured: {why}"))
    }

    pub(super) fn end(self) -> anyhow::Result<()> {
        match self.missed {
            0 => print(format_args!("every target was met")),
            missed => print(format_args!("targets missed: {missed}")),
        }
    }
}

fn print(line: fmt::Arguments<'_>) -> anyhow::Result<()> {
    Ok(writeln!(stdout().lock(), "{line}")?)
}
