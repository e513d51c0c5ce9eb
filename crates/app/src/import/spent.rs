//! What imported sessions cost: as their transcripts say it, or else computed from the tokens they count.

use std::collections::{BTreeMap, VecDeque};

use agent::transcript::{CostLine, Metered};
use domain::{
    cost::{CostEntry, CostSource},
    id::CostEntryId,
    money::MicroUsd,
    session::Session,
    time::Timestamp,
    usage::TokenUsage,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use store::{StoreError, Tx};

use crate::App;

/// Messages whose pieces may still come: of several subagents in one transcript, in any order.
const RECENT: usize = 32;

/// What one transcript says that was spent.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Spent {
    /// The program says what it costs; then nothing is computed.
    is_said: bool,
    /// What it said last; a smaller number than before begins again at zero.
    heard: Amount,
    /// All it said from the beginning of the transcript.
    total: Amount,
    /// Tokens of each model that are not added to the session yet, and when they were last used.
    metered: BTreeMap<String, (TokenUsage, Timestamp)>,
    /// The messages that were counted last, by the model's own id, with what was counted.
    recent: VecDeque<(String, TokenUsage)>,
    last_at: Option<Timestamp>,
}

/// Money and tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Amount {
    cost: MicroUsd,
    usage: TokenUsage,
}

/// What was added to a session for all its transcripts: each of them may be read again, and copies of them too.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Ledger {
    /// The most that one of them said in all.
    said: Option<Amount>,
    /// What was added.
    billed: Amount,
}

impl Amount {
    fn add(self, other: Self) -> Self {
        Self { cost: self.cost.saturating_add(other.cost), usage: self.usage.saturating_add(other.usage) }
    }

    /// What is more here than there.
    fn beyond(self, other: Self) -> Self {
        Self { cost: self.cost.minus(other.cost), usage: self.usage.growth_since(other.usage) }
    }
}

impl Spent {
    /// Counts the tokens that a message of a model took.
    pub(super) fn meter(&mut self, model: &str, Metered { message, usage: now }: Metered, at: Timestamp) {
        if self.is_said {
            return;
        }
        let known = self.recent.iter_mut().find(|(known, _)| *known == message && !message.is_empty());
        let before = match known {
            Some((_, before)) => std::mem::replace(before, now),
            None => {
                self.recent.push_back((message, now));
                TokenUsage::default()
            }
        };
        if self.recent.len() > RECENT {
            self.recent.pop_front();
        }
        let (sum, last_at) = self.metered.entry(model.to_owned()).or_insert((TokenUsage::default(), at));
        *sum = sum.saturating_add(now.growth_since(before));
        *last_at = at;
    }

    /// The program says what the session cost so far.
    pub(super) fn hear(&mut self, said: CostLine, at: Timestamp) {
        let said = Amount { cost: said.cost, usage: said.usage };
        let begins_again = said.cost < self.heard.cost;
        let grown = if begins_again { said } else { said.beyond(self.heard) };
        (self.is_said, self.heard, self.last_at) = (true, said, Some(at));
        self.total = self.total.add(grown);
        self.metered.clear();
    }

    /// The transcript is read from its beginning.
    pub(super) fn begin_again(&mut self) {
        *self = Self { metered: std::mem::take(&mut self.metered), ..Self::default() };
    }

    /// Whether something is to be added to the session at the end of its transcript.
    pub(super) fn is_owed(&self) -> bool {
        !self.metered.is_empty()
    }

    /// What is to be remembered for when reading goes on.
    pub(super) fn to_json(&self) -> Value {
        let metered: Vec<_> = self
            .metered
            .iter()
            .map(|(model, (usage, at))| json!({ "model": model, "usage": usage, "at": at.as_micros() }))
            .collect();
        json!({
            "is_said": self.is_said, "heard": self.heard, "total": self.total, "metered": metered,
            "recent": self.recent,
        })
    }

    pub(super) fn from_json(kept: &Value) -> Self {
        let metered = kept["metered"].as_array().into_iter().flatten().filter_map(|kept| {
            let usage = serde_json::from_value(kept["usage"].clone()).ok()?;
            let at = Timestamp::from_micros(kept["at"].as_i64()?);
            Some((kept["model"].as_str()?.to_owned(), (usage, at)))
        });
        Self {
            is_said: kept["is_said"] == true,
            heard: read(&kept["heard"]),
            total: read(&kept["total"]),
            metered: metered.collect(),
            recent: read(&kept["recent"]),
            last_at: None,
        }
    }

    /// What is to be added to the session now: what the program said beyond what was added, or, at the end of a transcript
    /// of a program that says nothing, what its tokens tell. Without a price, that cost is unknown.
    pub(super) fn bill(
        &mut self,
        app: &App,
        tx: &Tx<'_>,
        session: &Session,
        ledger: &mut Ledger,
        is_end: bool,
    ) -> Result<Vec<CostEntry>, StoreError> {
        let entry = |model, usage, cost, source, at| CostEntry {
            id: CostEntryId::from_uuid(app.next_id()),
            team_id: session.team_id,
            session_id: Some(session.id),
            user_id: session.user_id,
            agent_id: None,
            task_id: None,
            model,
            usage,
            cost,
            source,
            at,
        };
        let mut entries = Vec::new();
        if self.is_said {
            let said = ledger.said.unwrap_or_default();
            let size = |amount: &Amount| (amount.cost, amount.usage.total());
            ledger.said = Some(if size(&self.total) > size(&said) { self.total } else { said });
        }
        let Some(said) = ledger.said else {
            for (model, (usage, at)) in
                if is_end { std::mem::take(&mut self.metered) } else { BTreeMap::new() }
            {
                let price = tx.model_prices().find_at(&model, at)?;
                let cost = price.map(|price| price.cost(&usage));
                ledger.billed = ledger.billed.add(Amount { cost: cost.unwrap_or_default(), usage });
                entries.push(entry(Some(model), usage, cost, CostSource::Computed, at));
            }
            return Ok(entries);
        };
        self.metered.clear();
        let owed = said.beyond(ledger.billed);
        if owed != Amount::default() {
            ledger.billed = ledger.billed.add(owed);
            let at = self.last_at.unwrap_or(session.last_activity_at);
            entries.push(entry(None, owed.usage, Some(owed.cost), CostSource::Imported, at));
        }
        Ok(entries)
    }
}

fn read<T: DeserializeOwned + Default>(kept: &Value) -> T {
    serde_json::from_value(kept.clone()).unwrap_or_default()
}
