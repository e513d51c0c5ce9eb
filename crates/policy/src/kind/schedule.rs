//! Hours: outside of its windows a policy denies or asks.

use domain::permission::Decision;
use jiff::{
    Zoned,
    civil::{Time, Weekday},
    tz::TimeZone,
};
use serde_json::Value;

use super::{ConfigError, Context, Finding, form};
use crate::{effect::Effect, glob};

/// Windows of time in which tools may be used.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Schedule {
    windows: Vec<Window>,
    time_zone: TimeZone,
    outside: Decision,
    tools: Vec<String>,
}

#[derive(Debug, Clone, PartialEq)]
struct Window {
    days: Vec<Weekday>,
    from: Time,
    /// Not in it any more; at or before `from` it is of the next day.
    to: Time,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    windows: Vec<WindowForm>,
    #[serde(default = "utc")]
    time_zone: String,
    #[serde(default = "deny")]
    outside: Decision,
    #[serde(default)]
    tools: Vec<String>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct WindowForm {
    #[serde(default)]
    days: Vec<String>,
    from: String,
    to: String,
}

fn utc() -> String {
    "UTC".to_owned()
}

const fn deny() -> Decision {
    Decision::Deny
}

impl Schedule {
    pub(super) fn read(config: &Value) -> Result<Self, ConfigError> {
        let Form { windows, time_zone, outside, tools } = form(config)?;
        if windows.is_empty() || outside == Decision::Allow {
            return Err(ConfigError::Form("a schedule needs windows, and outside is deny or ask".to_owned()));
        }
        let windows = windows.iter().map(Window::read).collect::<Result<_, _>>()?;
        let zone = zone(&time_zone).ok_or_else(|| ConfigError::Value {
            field: "time_zone".to_owned(),
            value: time_zone,
            accepted: "UTC, or an offset such as +02:00".to_owned(),
        })?;
        Ok(Self { windows, time_zone: zone, outside, tools })
    }

    pub(super) fn judge(&self, effect: &Effect, context: &Context<'_>) -> Option<Finding> {
        let Effect::Tool(tool) = effect else { return None };
        if !self.tools.is_empty() && !self.tools.iter().any(|pattern| glob::fits(pattern, tool)) {
            return None;
        }
        let now = context.now.to_zoned(self.time_zone.clone());
        if self.windows.iter().any(|window| window.holds(&now)) {
            return None;
        }
        let reason =
            format!("{} lies outside of the hours in which this is allowed", now.strftime("%A %H:%M"));
        Some(Finding::new(self.outside, "outside", reason))
    }
}

/// `UTC`, or an offset from it. Names of places need a database of zones, which this crate does not read.
fn zone(text: &str) -> Option<TimeZone> {
    if matches!(text, "UTC" | "Z" | "utc") {
        return Some(TimeZone::UTC);
    }
    let (sign, rest) = match text.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = rest.split_once(':').unwrap_or((rest, "0"));
    let (hours, minutes) = (hours.parse::<i32>().ok()?, minutes.parse::<i32>().ok()?);
    let is_real = (0..=14).contains(&hours) && (0..60).contains(&minutes);
    let offset = jiff::tz::Offset::from_seconds(sign * (hours * 3600 + minutes * 60)).ok()?;
    is_real.then(|| TimeZone::fixed(offset))
}

impl Window {
    fn read(form: &WindowForm) -> Result<Self, ConfigError> {
        let days = form.days.iter().map(|day| weekday(day)).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { days, from: hour("from", &form.from)?, to: hour("to", &form.to)? })
    }

    fn holds(&self, now: &Zoned) -> bool {
        let (day, time) = (now.weekday(), now.time());
        let is_on = |day: Weekday| self.days.is_empty() || self.days.contains(&day);
        if self.from < self.to {
            return is_on(day) && self.from <= time && time < self.to;
        }
        // Over midnight: the evening of its day, and the morning after.
        (is_on(day) && self.from <= time) || (is_on(day.previous()) && time < self.to)
    }
}

fn weekday(text: &str) -> Result<Weekday, ConfigError> {
    Ok(match text.to_lowercase().as_str() {
        "mon" | "monday" => Weekday::Monday,
        "tue" | "tuesday" => Weekday::Tuesday,
        "wed" | "wednesday" => Weekday::Wednesday,
        "thu" | "thursday" => Weekday::Thursday,
        "fri" | "friday" => Weekday::Friday,
        "sat" | "saturday" => Weekday::Saturday,
        "sun" | "sunday" => Weekday::Sunday,
        _ => {
            let accepted = "mon, tue, wed, thu, fri, sat, sun".to_owned();
            return Err(ConfigError::Value { field: "days".to_owned(), value: text.to_owned(), accepted });
        }
    })
}

fn hour(field: &str, text: &str) -> Result<Time, ConfigError> {
    let parsed = text
        .split_once(':')
        .and_then(|(hours, minutes)| Time::new(hours.parse().ok()?, minutes.parse().ok()?, 0, 0).ok());
    parsed.ok_or_else(|| ConfigError::Value {
        field: field.to_owned(),
        value: text.to_owned(),
        accepted: "a time of the day from 00:00 to 23:59".to_owned(),
    })
}
