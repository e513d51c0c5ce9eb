//! The order in which a program is asked to end: input closed, gentle signal, hard signal.

use std::time::Duration;

use tokio::time::Instant;

/// How far a shutdown got.
#[derive(Debug)]
pub(super) struct Shutdown {
    stage: Stage,
    grace: Duration,
    wait: Wait,
}

/// Whether the program waits for us while it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wait {
    NotYet,
    Now,
    Over,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Running,
    InputClosed { until: Instant },
    Terminated { until: Instant },
    Killed,
}

/// What is due when a grace period is over.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Urge {
    Terminate,
    Kill,
}

impl Shutdown {
    pub(super) const fn new(grace: Duration) -> Self {
        Self { stage: Stage::Running, grace, wait: Wait::NotYet }
    }

    /// Starts the first grace period, unless the shutdown is already under way.
    pub(super) fn begin(&mut self, now: Instant) {
        if self.stage == Stage::Running {
            self.stage = Stage::InputClosed { until: now + self.grace };
        }
    }

    pub(super) const fn skip_to_last_stage(&mut self) {
        self.stage = Stage::Killed;
    }

    /// Notes whether the program waits for what hooks say. The first grace period begins anew once it does not any more; once only, so
    /// that nothing puts the end off for ever.
    pub(super) fn note(&mut self, is_waited_for: bool, now: Instant) {
        let Stage::InputClosed { .. } = self.stage else { return };
        match (self.wait, is_waited_for) {
            (Wait::NotYet, true) => self.wait = Wait::Now,
            (Wait::Now, false) => {
                self.wait = Wait::Over;
                self.stage = Stage::InputClosed { until: now + self.grace };
            }
            _ => {}
        }
    }

    /// Moves on when a grace period is over.
    pub(super) fn pass(&mut self, now: Instant) -> Option<Urge> {
        match self.stage {
            Stage::InputClosed { until } if until <= now && self.wait != Wait::Now => {
                self.stage = Stage::Terminated { until: now + self.grace };
                Some(Urge::Terminate)
            }
            Stage::Terminated { until } if until <= now => {
                self.stage = Stage::Killed;
                Some(Urge::Kill)
            }
            _ => None,
        }
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        match self.stage {
            Stage::InputClosed { .. } if self.wait == Wait::Now => None,
            Stage::InputClosed { until } | Stage::Terminated { until } => Some(until),
            Stage::Running | Stage::Killed => None,
        }
    }

    pub(super) fn was_asked(&self) -> bool {
        self.stage != Stage::Running
    }

    pub(super) fn is_last_stage(&self) -> bool {
        self.stage == Stage::Killed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_urge_comes_after_its_grace_period() {
        let grace = Duration::from_secs(5);
        let start = Instant::now();
        let mut shutdown = Shutdown::new(grace);
        assert_eq!((shutdown.pass(start), shutdown.was_asked()), (None, false));

        shutdown.begin(start);
        shutdown.begin(start + grace);
        assert_eq!(shutdown.pass(start + grace / 2), None);
        assert_eq!(shutdown.pass(start + grace), Some(Urge::Terminate));
        assert_eq!(shutdown.pass(start + grace), None);
        assert_eq!(shutdown.pass(start + 2 * grace), Some(Urge::Kill));
        assert_eq!((shutdown.pass(start + 9 * grace), shutdown.deadline()), (None, None));
    }

    #[test]
    fn the_time_in_which_hooks_are_waited_for_does_not_count_once() {
        let grace = Duration::from_secs(5);
        let start = Instant::now();
        let mut shutdown = Shutdown::new(grace);
        shutdown.note(true, start);
        shutdown.begin(start);
        shutdown.note(true, start);
        assert_eq!((shutdown.pass(start + 3 * grace), shutdown.deadline()), (None, None));
        shutdown.note(false, start + 3 * grace);
        assert_eq!(shutdown.deadline(), Some(start + 4 * grace));
        shutdown.note(true, start + 3 * grace);
        assert_eq!(shutdown.pass(start + 4 * grace), Some(Urge::Terminate));
    }
}
