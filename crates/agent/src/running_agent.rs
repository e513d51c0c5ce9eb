//! A started agent program, as its owner sees it.

use domain::agent_event::{AgentEvent, AgentInput};
use tokio::sync::{mpsc, watch};

/// An agent program that is ready for prompts.
///
/// Dropping `events` ends the program at once, children included. Dropping every sender ends it as
/// [`AgentInput::Close`] does.
#[derive(Debug)]
pub struct RunningAgent {
    /// Its process id, which is also its process group.
    pub pid: u32,
    /// Its version, as it says.
    pub version: Option<String>,
    /// What it said about its login.
    pub account: Account,
    /// What it is told.
    pub input: InputSender,
    /// What it does, in order; the last one is [`AgentEvent::Exited`]. Bounded: who does not read slows the program
    /// down.
    pub events: mpsc::Receiver<AgentEvent>,
}

/// What an agent program said about its login. Each text is the program's own; `none` means it has none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Account {
    /// Where its login token comes from.
    pub token_source: Option<String>,
    /// Where its API key comes from.
    pub api_key_source: Option<String>,
    /// The model provider, such as `firstParty`.
    pub api_provider: Option<String>,
}

impl Account {
    /// Whether the program has a login to try. Another provider than Anthropic's brings its own, unseen by us.
    #[must_use]
    pub fn has_login(&self) -> bool {
        let is_set = |source: &Option<String>| source.as_deref().is_some_and(|source| source != "none");
        let other_provider = self.api_provider.as_deref().is_some_and(|provider| provider != "firstParty");
        is_set(&self.token_source) || is_set(&self.api_key_source) || other_provider
    }
}

/// Tells an agent program what to do. Clones speak to the same program.
#[derive(Debug, Clone)]
pub struct InputSender {
    pub(crate) inputs: mpsc::Sender<AgentInput>,
    pub(crate) stop: watch::Sender<Stop>,
}

/// How urgently a program is asked to end; it only grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stop {
    No,
    Close,
    Kill,
}

/// The agent program has ended, so nothing can be told to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the agent program has ended")]
pub struct AgentGone;

impl InputSender {
    /// Hands the input over; inputs arrive in the order they were sent. `Close` and `Kill` do not wait in a queue, so
    /// they work on a program that no longer reads.
    ///
    /// # Errors
    /// When the program has ended.
    pub async fn send(&self, input: AgentInput) -> Result<(), AgentGone> {
        match input {
            AgentInput::Close => self.stop(Stop::Close),
            AgentInput::Kill => self.stop(Stop::Kill),
            input => self.inputs.send(input).await.map_err(|_| AgentGone),
        }
    }

    fn stop(&self, stop: Stop) -> Result<(), AgentGone> {
        // Not the inputs: what a program said is still told after they are closed, and a kill ends that as well.
        if self.stop.is_closed() {
            return Err(AgentGone);
        }
        self.stop.send_if_modified(|current| {
            let grows = *current < stop;
            *current = (*current).max(stop);
            grows
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_without_any_source_has_no_login() {
        let none = Some("none".to_owned());
        let first_party = Account {
            token_source: none.clone(),
            api_key_source: none,
            api_provider: Some("firstParty".into()),
        };
        assert!(!first_party.has_login());
        assert!(!Account::default().has_login());
        assert!(
            Account { api_key_source: Some("ANTHROPIC_API_KEY".into()), ..first_party.clone() }.has_login()
        );
        assert!(Account { api_provider: Some("bedrock".into()), ..first_party }.has_login());
    }
}
