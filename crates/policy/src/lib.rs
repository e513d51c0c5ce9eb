//! Judging tool calls: what a call would do, found without running anything, and what policies say about it.
//!
//! Pure: no disk, no network, no clock. Judging takes two steps. [`PolicySet::plan`] finds what a call would do and names the
//! paths it touches, the application looks up their links, [`PolicySet::judge`] decides.

mod batch;
mod call;
mod effect;
mod glob;
mod kind;
mod lint;
mod lookalike;
mod narrow;
mod nearest;
mod network;
mod path;
mod program;
mod rule;
mod set;
mod settings;
mod shell;
mod source;
mod surroundings;
mod text;

pub use self::{
    batch::{Answer, Batch, Case, Facts, PolicyFile},
    call::Call,
    effect::Class,
    kind::ConfigError,
    lint::{LintCode, LintFinding, Severity, TOOLS, lint},
    nearest::nearest,
    rule::RuleError,
    set::{Plan, PolicyError, PolicySet, PolicyText, PolicyVerdict, Verdict},
    settings::{SettingsError, SettingsPlace, SettingsRules},
    source::{PolicySource, SourceError},
    surroundings::{Links, Platform, Surroundings},
};
