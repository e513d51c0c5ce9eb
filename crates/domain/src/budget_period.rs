//! The periods that budgets are for.

use jiff::{ToSpan as _, civil::Date, tz::TimeZone};

use crate::time::Timestamp;

text_enum! {
    /// How often a budget begins anew, in UTC.
    pub enum BudgetPeriod: "budget period" {
        /// At each full hour.
        Hourly = "hourly",
        /// At midnight.
        Daily = "daily",
        /// At midnight before Monday.
        Weekly = "weekly",
        /// At midnight before the first day of a month.
        Monthly = "monthly",
        /// Never.
        Total = "total",
    }
}

/// The time from `start` on, until just before `end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct BudgetWindow {
    /// The first moment.
    pub start: Timestamp,
    /// The first moment after it; for a window that the calendar's end cuts off, that end.
    pub end: Timestamp,
}

const SECOND: i64 = 1_000_000;
const HOUR: i64 = 3600 * SECOND;
const DAY: i64 = 24 * HOUR;
/// The first Monday of the epoch, which began on a Thursday.
const MONDAY: i64 = 4 * DAY;

impl BudgetPeriod {
    /// The window of this period in which `at` lies. Windows of one period follow each other without gaps. UTC knows no
    /// daylight saving and its stored form no leap seconds, so all but months are of one length.
    #[must_use]
    pub fn window(self, at: Timestamp) -> BudgetWindow {
        match self {
            Self::Hourly => even_window(at, HOUR, 0),
            Self::Daily => even_window(at, DAY, 0),
            Self::Weekly => even_window(at, 7 * DAY, MONDAY),
            Self::Monthly => month(at),
            Self::Total => BudgetWindow {
                start: Timestamp::from_micros(i64::MIN),
                end: Timestamp::from_micros(i64::MAX),
            },
        }
    }
}

impl BudgetWindow {
    /// Whether this moment lies in it.
    #[must_use]
    pub fn contains(self, at: Timestamp) -> bool {
        self.start <= at && at < self.end
    }
}

fn even_window(at: Timestamp, length: i64, origin: i64) -> BudgetWindow {
    let start = at.as_micros() - (at.as_micros() - origin).rem_euclid(length);
    BudgetWindow { start: Timestamp::from_micros(start), end: Timestamp::from_micros(start + length) }
}

fn month(at: Timestamp) -> BudgetWindow {
    let day = at.to_jiff().to_zoned(TimeZone::UTC).date();
    let first = day.first_of_month();
    let start = midnight(first).unwrap_or(Timestamp::from_micros(i64::MIN));
    let next = first.checked_add(1.month()).ok().and_then(midnight);
    BudgetWindow { start, end: next.unwrap_or(Timestamp::from_micros(i64::MAX)) }
}

/// `None` beyond the calendar.
fn midnight(day: Date) -> Option<Timestamp> {
    Some(day.to_zoned(TimeZone::UTC).ok()?.timestamp().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Years 1 to 9998: all but what the calendar's ends cut off.
    const MOMENTS: std::ops::Range<i64> = -62_135_596_800_000_000..253_370_764_800_000_000;

    fn periods() -> impl Strategy<Value = BudgetPeriod> {
        proptest::sample::select(BudgetPeriod::ALL)
    }

    fn window(period: BudgetPeriod, at: &str) -> (String, String) {
        let window = period.window(at.parse().unwrap());
        (window.start.to_string(), window.end.to_string())
    }

    proptest! {
        #[test]
        fn a_moment_lies_in_its_window(period in periods(), micros in MOMENTS) {
            let at = Timestamp::from_micros(micros);
            prop_assert!(period.window(at).contains(at));
        }

        #[test]
        fn windows_follow_each_other_without_gaps(period in periods(), micros in MOMENTS) {
            let window = period.window(Timestamp::from_micros(micros));
            let last = Timestamp::from_micros(window.end.as_micros() - 1);
            prop_assert_eq!(period.window(window.start), window);
            prop_assert_eq!(period.window(last), window);
            if period != BudgetPeriod::Total {
                prop_assert_eq!(period.window(window.end).start, window.end);
            }
        }

        #[test]
        fn a_longer_period_holds_the_whole_of_a_shorter_one(micros in MOMENTS) {
            let at = Timestamp::from_micros(micros);
            let (hour, day) = (BudgetPeriod::Hourly.window(at), BudgetPeriod::Daily.window(at));
            for longer in [BudgetPeriod::Weekly, BudgetPeriod::Monthly, BudgetPeriod::Total] {
                let longer = longer.window(at);
                prop_assert!(longer.start <= day.start && day.end <= longer.end);
            }
            prop_assert!(day.start <= hour.start && hour.end <= day.end);
        }

        #[test]
        fn no_moment_is_without_a_window(period in periods(), micros in any::<i64>()) {
            let at = Timestamp::from_micros(micros);
            let window = period.window(at);
            prop_assert!(window.start <= at && at <= window.end);
        }
    }

    #[test]
    fn windows_begin_where_the_calendar_says() {
        let expected = |start: &str, end: &str| (format!("{start}.000000Z"), format!("{end}.000000Z"));
        let at = "2024-02-29T13:59:59.999999Z";
        assert_eq!(window(BudgetPeriod::Hourly, at), expected("2024-02-29T13:00:00", "2024-02-29T14:00:00"));
        assert_eq!(window(BudgetPeriod::Daily, at), expected("2024-02-29T00:00:00", "2024-03-01T00:00:00"));
        assert_eq!(window(BudgetPeriod::Weekly, at), expected("2024-02-26T00:00:00", "2024-03-04T00:00:00"));
        assert_eq!(window(BudgetPeriod::Monthly, at), expected("2024-02-01T00:00:00", "2024-03-01T00:00:00"));
        let before_the_epoch = "1969-12-31T23:00:00Z";
        assert_eq!(
            window(BudgetPeriod::Weekly, before_the_epoch),
            expected("1969-12-29T00:00:00", "1970-01-05T00:00:00")
        );
    }
}
