//! Times as people give them: as such, or as how long ago.

use std::{str::FromStr, time::Duration};

use domain::time::Timestamp;

/// A time, or one so long ago.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    At(Timestamp),
    Ago(Duration),
}

impl Moment {
    /// The time, seen from now.
    pub(crate) fn from(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(time) => time,
            Self::Ago(duration) => {
                let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
                Timestamp::from_micros(now.as_micros().saturating_sub(micros))
            }
        }
    }
}

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(time) = text.parse() {
            return Ok(Self::At(time));
        }
        ago(text).map(Self::Ago).ok_or_else(|| {
            "accepted: a time such as 2026-11-01T00:00:00Z, or how long ago, such as 90m, 12h, 7d or 2w"
                .to_owned()
        })
    }
}

fn ago(text: &str) -> Option<Duration> {
    let unit = text.chars().last()?;
    let number: u64 = text.strip_suffix(unit)?.parse().ok()?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        'w' => 604_800,
        _ => return None,
    };
    number.checked_mul(seconds).map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_given_as_such_or_as_how_long_ago() {
        let now: Timestamp = "2026-11-08T00:00:00Z".parse().expect("a time");
        let read = |text: &str| text.parse::<Moment>().map(|moment| moment.from(now).to_string());
        assert_eq!(read("7d").as_deref(), Ok("2026-11-01T00:00:00.000000Z"));
        assert_eq!(read("90m").as_deref(), Ok("2026-11-07T22:30:00.000000Z"));
        assert_eq!(read("2026-01-01T00:00:00Z").as_deref(), Ok("2026-01-01T00:00:00.000000Z"));
        for text in ["", "d", "7", "-7d", "7 d", "7x", "99999999999999999999d", "ä", "tomorrow"] {
            assert!(read(text).is_err(), "{text}");
        }
        assert!(read("999999999999w").is_ok(), "held at the beginning of the calendar");
    }
}
