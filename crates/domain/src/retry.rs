//! When something that failed is tried again, and when it is not tried for a while.

use std::time::Duration;

use crate::time::Timestamp;

/// Pauses between tries: each twice as long as the one before, at most a minute, and up to a quarter more by chance, so that
/// many that failed together do not come back together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The pause before the first try again.
    pub base: Duration,
}

impl Backoff {
    /// The longest pause, before chance adds to it.
    pub const LONGEST: Duration = Duration::from_secs(60);

    /// The pause after so many failures, at least one. `chance` is between 0 and 1.
    #[must_use]
    pub fn pause(self, failures: u32, chance: f64) -> Duration {
        let doublings = failures.saturating_sub(1).min(31);
        let pause = self.base.saturating_mul(1 << doublings).min(Self::LONGEST);
        pause + pause.mul_f64(0.25 * chance.clamp(0.0, 1.0))
    }
}

/// Keeps from trying what fails each time, such as a model service that is down: after five failures in a row nothing is tried
/// for a minute; then one at a time is, and two successes end it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CircuitBreaker {
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Closed { failures: u32 },
    Open { until: Timestamp },
    HalfOpen { successes: u32, is_tried: bool },
}

impl Default for State {
    fn default() -> Self {
        Self::Closed { failures: 0 }
    }
}

impl CircuitBreaker {
    /// Failures in a row that open it.
    pub const FAILURES: u32 = 5;
    /// How long it stays open.
    pub const OPEN: Duration = Duration::from_secs(60);
    /// Successes in a row that close it again.
    pub const SUCCESSES: u32 = 2;
    /// How long whoever finds somebody else trying waits before asking again.
    const BUSY: Duration = Duration::from_secs(1);

    /// Lets a try begin, whose end must be told.
    ///
    /// # Errors
    /// When to ask again.
    pub fn begin(&mut self, now: Timestamp) -> Result<(), Timestamp> {
        if let State::Open { until } = self.state
            && now >= until
        {
            self.state = State::HalfOpen { successes: 0, is_tried: false };
        }
        match &mut self.state {
            State::Closed { .. } => Ok(()),
            State::Open { until } => Err(*until),
            State::HalfOpen { is_tried: true, .. } => Err(now.plus(Self::BUSY)),
            State::HalfOpen { is_tried, .. } => {
                *is_tried = true;
                Ok(())
            }
        }
    }

    /// A try ended well, or in a way that says nothing against whoever was asked.
    pub fn succeeded(&mut self) {
        self.state = match self.state {
            State::HalfOpen { successes, .. } if successes + 1 < Self::SUCCESSES => {
                State::HalfOpen { successes: successes + 1, is_tried: false }
            }
            State::Closed { .. } | State::HalfOpen { .. } => State::default(),
            // Begun before it opened.
            open @ State::Open { .. } => open,
        };
    }

    /// A try failed.
    pub fn failed(&mut self, now: Timestamp) {
        self.state = match self.state {
            State::Closed { failures } if failures + 1 < Self::FAILURES => {
                State::Closed { failures: failures + 1 }
            }
            State::Closed { .. } | State::HalfOpen { .. } => State::Open { until: now.plus(Self::OPEN) },
            open @ State::Open { .. } => open,
        };
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn pauses_double_up_to_a_minute_and_chance_adds_a_quarter() {
        let backoff = Backoff { base: Duration::from_secs(2) };
        let pauses: Vec<_> = (1..=7).map(|failures| backoff.pause(failures, 0.0).as_secs()).collect();
        assert_eq!(pauses, [2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(backoff.pause(1, 1.0), Duration::from_millis(2500));
        assert_eq!(backoff.pause(u32::MAX, 1.0), Duration::from_secs(75));
    }

    #[test]
    fn five_failures_in_a_row_open_it_for_a_minute() {
        let mut breaker = CircuitBreaker::default();
        for _ in 0..4 {
            assert_eq!(breaker.begin(at(0)), Ok(()));
            breaker.failed(at(0));
        }
        breaker.succeeded();
        for _ in 0..5 {
            assert_eq!(breaker.begin(at(1)), Ok(()));
            breaker.failed(at(1));
        }
        assert_eq!(breaker.begin(at(60)), Err(at(61)));
    }

    #[test]
    fn half_open_one_at_a_time_tries_and_two_successes_close_it() {
        let mut breaker = CircuitBreaker { state: State::Open { until: at(60) } };
        assert_eq!(breaker.begin(at(60)), Ok(()));
        assert_eq!(breaker.begin(at(60)), Err(at(61)));
        breaker.succeeded();
        assert_eq!(breaker.begin(at(62)), Ok(()));
        breaker.succeeded();
        assert_eq!((breaker.begin(at(62)), breaker.begin(at(62))), (Ok(()), Ok(())));
    }

    #[test]
    fn half_open_one_failure_opens_it_again() {
        let mut breaker = CircuitBreaker { state: State::Open { until: at(60) } };
        assert_eq!(breaker.begin(at(70)), Ok(()));
        breaker.failed(at(70));
        assert_eq!(breaker.begin(at(71)), Err(at(130)));
    }

    proptest! {
        /// Whatever happens, somebody may try again within a minute once those who try have ended.
        #[test]
        fn it_never_stays_open(ends in proptest::collection::vec(any::<bool>(), 0..40)) {
            let (mut breaker, mut now) = (CircuitBreaker::default(), 0);
            for is_success in ends {
                if breaker.begin(at(now)).is_ok() {
                    if is_success { breaker.succeeded() } else { breaker.failed(at(now)) }
                }
                now += 1;
            }
            prop_assert_eq!(breaker.begin(at(now + 60)), Ok(()));
        }
    }
}
