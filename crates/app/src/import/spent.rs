//! What imported sessions cost: as their transcripts say it, or else computed from the tokens they count.

use std::collections::BTreeMap;

use agent::transcript::CostLine;
use domain::{
    cost::{CostEntry, CostSource},
    id::CostEntryId,
    message::MessageBody,
    money::MicroUsd,
    session::Session,
    time::Timestamp,
    usage::TokenUsage,
};
use serde_json::{Value, json};
use store::{StoreError, Tx};

use crate::App;

/// What a transcript says that was spent, since somebody last added it to the session.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Spent {
    /// The program says what it costs; then nothing is computed.
    is_said: bool,
    said: Option<(CostLine, Timestamp)>,
    /// Tokens of each model, and when they were last used.
    metered: BTreeMap<String, (TokenUsage, Timestamp)>,
    /// The message that was counted last, by the model's own id: its pieces come on lines of their own, each with all of its
    /// tokens so far.
    last: Option<(String, TokenUsage)>,
}

impl Spent {
    /// Counts the tokens that a message of the model says.
    pub(super) fn meter(&mut self, body: &MessageBody, at: Timestamp) {
        let (Some(usage), Some(model)) = (&body.usage, &body.model) else { return };
        let now = usage_of(usage);
        if self.is_said || now == TokenUsage::default() {
            return;
        }
        let message = body.content.extra.get("message").and_then(|message| message.get("id"));
        let message = message.and_then(Value::as_str).unwrap_or_default();
        let before = match &self.last {
            Some((last, before)) if last == message && !message.is_empty() => *before,
            _ => TokenUsage::default(),
        };
        let (sum, last_at) = self.metered.entry(model.clone()).or_insert((TokenUsage::default(), at));
        *sum = sum.saturating_add(now.growth_since(before));
        *last_at = at;
        self.last = Some((message.to_owned(), now));
    }

    /// Whether the program says what the session costs.
    pub(super) const fn is_said(&self) -> bool {
        self.is_said
    }

    /// The program says what was spent since it said so last.
    pub(super) fn say(&mut self, grown: CostLine, at: Timestamp) {
        self.is_said = true;
        self.metered.clear();
        let before = self.said.map_or(MicroUsd::ZERO, |(line, _)| line.cost);
        let usage = self.said.map_or(TokenUsage::default(), |(line, _)| line.usage);
        let cost = before.saturating_add(grown.cost);
        self.said = Some((CostLine { cost, usage: usage.saturating_add(grown.usage) }, at));
    }

    /// Whether something is to be added to the session at the end of its transcript.
    pub(super) fn is_owed(&self) -> bool {
        self.said.is_some() || !self.metered.is_empty()
    }

    /// What is to be remembered for when reading goes on.
    pub(super) fn to_json(&self) -> Value {
        let metered: Vec<_> = self
            .metered
            .iter()
            .map(|(model, (usage, at))| json!({ "model": model, "usage": usage, "at": at.as_micros() }))
            .collect();
        json!({ "is_said": self.is_said, "metered": metered, "last": self.last })
    }

    pub(super) fn from_json(kept: &Value) -> Self {
        let metered = kept["metered"].as_array().into_iter().flatten().filter_map(|kept| {
            let usage = serde_json::from_value(kept["usage"].clone()).ok()?;
            let at = Timestamp::from_micros(kept["at"].as_i64()?);
            Some((kept["model"].as_str()?.to_owned(), (usage, at)))
        });
        Self {
            is_said: kept["is_said"] == true,
            said: None,
            metered: metered.collect(),
            last: serde_json::from_value(kept["last"].clone()).unwrap_or_default(),
        }
    }

    /// What is to be added to the session now: what the program said, and at the end of a transcript what it did not say but
    /// its tokens tell. Without a price, the cost is unknown.
    pub(super) fn bill(
        &mut self,
        app: &App,
        tx: &Tx<'_>,
        session: &Session,
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
        let said = self.said.take().filter(|(line, _)| line.cost > MicroUsd::ZERO || line.usage.total() > 0);
        let mut entries: Vec<_> = said
            .map(|(line, at)| entry(None, line.usage, Some(line.cost), CostSource::Imported, at))
            .into_iter()
            .collect();
        if is_end {
            for (model, (usage, at)) in std::mem::take(&mut self.metered) {
                let price = tx.model_prices().find_at(&model, at)?;
                let cost = price.map(|price| price.cost(&usage));
                entries.push(entry(Some(model), usage, cost, CostSource::Computed, at));
            }
        }
        Ok(entries)
    }
}

fn usage_of(usage: &Value) -> TokenUsage {
    let count = |field: &str| usage.get(field).and_then(Value::as_i64).unwrap_or(0).max(0);
    TokenUsage {
        input_tokens: count("input_tokens"),
        output_tokens: count("output_tokens"),
        cache_creation_tokens: count("cache_creation_input_tokens"),
        cache_read_tokens: count("cache_read_input_tokens"),
    }
}
