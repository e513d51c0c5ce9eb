//! What work cost: entries that are only ever added, and their sums.

use domain::{
    cost::{CostEntry, CostSource, CostTotal},
    id::{AgentId, CostEntryId, SessionId, TaskId, TeamId, UserId},
    money::MicroUsd,
    time::Timestamp,
    usage::TokenUsage,
};

use super::{
    Reads,
    page::{Cursor, Page},
};
use crate::{
    conn::Tx,
    error::StoreError,
    record::{Dated, Owned, Record},
    scope::Scope,
    statement::{Order, Statement},
    value::{Columns, FromValue, Value, params, stored_words},
};

stored_words! { CostSource }

/// A team's costs.
#[derive(Debug, Clone, Copy)]
pub struct Costs<'c, C> {
    pub(super) scope: Scope<'c, C>,
}

/// Which costs are meant; `None` is any.
#[derive(Debug, Clone, Default)]
pub struct CostFilter {
    /// From this time on.
    pub from: Option<Timestamp>,
    /// Until just before this time.
    pub to: Option<Timestamp>,
    /// In this session.
    pub session_id: Option<SessionId>,
    /// For this person.
    pub user_id: Option<UserId>,
    /// Of this agent.
    pub agent_id: Option<AgentId>,
    /// On this task.
    pub task_id: Option<TaskId>,
    /// Of this model.
    pub model: Option<String>,
    /// Known in this way.
    pub source: Option<CostSource>,
}

/// By what costs are put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CostGroup {
    /// By day in UTC.
    Day,
    /// By model.
    Model,
    /// By session.
    Session,
    /// By person.
    User,
    /// By agent.
    Agent,
    /// By task.
    Task,
    /// By how they came to be known.
    Source,
}

/// What the costs of a group have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CostKey {
    /// The first moment of the day.
    Day(Timestamp),
    /// The model.
    Model(String),
    /// The session.
    Session(SessionId),
    /// The person.
    User(UserId),
    /// The agent.
    Agent(AgentId),
    /// The task.
    Task(TaskId),
    /// How they came to be known.
    Source(CostSource),
}

/// The costs of a group together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CostSum {
    /// What they have in common; `None` are those of no model, session and so on.
    pub key: Option<CostKey>,
    /// All of them.
    pub total: CostTotal,
}

/// What a total is made of, in the order of [`read_total`]. Sums of PostgreSQL are of a type of their own unless cast.
const TOTAL: &str = "count(*), count(*) - count(cost_usd_micros),
     CAST(coalesce(sum(cost_usd_micros), 0) AS bigint), CAST(coalesce(sum(input_tokens), 0) AS bigint),
     CAST(coalesce(sum(output_tokens), 0) AS bigint), CAST(coalesce(sum(cache_creation_tokens), 0) AS bigint),
     CAST(coalesce(sum(cache_read_tokens), 0) AS bigint)";

/// The most tokens of one entry, as many as the most micro-dollars: nine million of the largest still have a sum.
const MOST: i64 = MicroUsd::LARGEST.as_micros();

impl<C: Reads> Costs<'_, C> {
    /// Newest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list(
        &self,
        filter: &CostFilter,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<CostEntry>, StoreError> {
        let mut statement = self.scope.select_by::<CostEntry>(filter.is_few());
        filter.narrow(&mut statement);
        statement.page(self.scope.connection(), Order::NewestFirst, after, limit)
    }

    /// All that the filter leaves, together.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn total(&self, filter: &CostFilter) -> Result<CostTotal, StoreError> {
        let team = filter.team_condition();
        let mut statement = self.scope.statement(&format!("SELECT {TOTAL} FROM cost_entries WHERE {team}"));
        filter.narrow(&mut statement);
        let totals = statement.query(self.scope.connection(), |row| read_total(&mut row.columns()))?;
        Ok(totals.into_iter().next().unwrap_or_default())
    }

    /// What the filter leaves by group, at most `limit` groups: days in their order, all others by cost, the largest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn sums(
        &self,
        group: CostGroup,
        filter: &CostFilter,
        limit: u32,
    ) -> Result<Vec<CostSum>, StoreError> {
        let key = self.key_expression(group);
        let team = filter.team_condition();
        let mut statement =
            self.scope.statement(&format!("SELECT {key}, {TOTAL} FROM cost_entries WHERE {team}"));
        filter.narrow(&mut statement);
        let order = match group {
            CostGroup::Day => key.to_owned(),
            _ => format!("coalesce(sum(cost_usd_micros), 0) DESC, {key} IS NULL, {key}"),
        };
        statement.push(&format!(" GROUP BY {key} ORDER BY {order} LIMIT ?"), [Value::Int(i64::from(limit))]);
        statement.query(self.scope.connection(), |row| {
            let mut columns = row.columns();
            Ok(CostSum { key: read_key(group, &mut columns)?, total: read_total(&mut columns)? })
        })
    }

    /// What a group has in common, alike on both databases: days are cut off the count of microseconds, also before the
    /// epoch, and texts are in the order of their bytes.
    fn key_expression(&self, group: CostGroup) -> &'static str {
        let pick = |sqlite: &'static str, postgres: &'static str| self.scope.pick(sqlite, postgres);
        match group {
            CostGroup::Day => {
                pick("(at - (at % 86400000000 + 86400000000) % 86400000000)", "date_trunc('day', at, 'UTC')")
            }
            CostGroup::Model => pick("model", "model COLLATE \"C\""),
            CostGroup::Session => "session_id",
            CostGroup::User => "user_id",
            CostGroup::Agent => "agent_id",
            CostGroup::Task => "task_id",
            CostGroup::Source => pick("source", "source COLLATE \"C\""),
        }
    }
}

impl Costs<'_, Tx<'_>> {
    /// Adds costs. All or none.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] when one has an amount or a count that is negative or beyond all measure;
    /// [`StoreError::Conflict`] when one is there already or of another team.
    pub fn insert_all(&self, entries: &[CostEntry]) -> Result<(), StoreError> {
        entries.iter().try_for_each(refuse_immeasurable)?;
        self.scope.insert_all(entries)
    }
}

impl CostFilter {
    /// Whether it leaves few entries, which an index of their own finds.
    const fn is_few(&self) -> bool {
        self.session_id.is_some() || self.task_id.is_some()
    }

    const fn team_condition(&self) -> &'static str {
        if self.is_few() { "(team_id = ?) IS TRUE" } else { "team_id = ?" }
    }

    fn narrow<'v>(&'v self, statement: &mut Statement<'v>) {
        if let Some(from) = self.from {
            statement.and("at >= ?", [Value::Time(from)]);
        }
        if let Some(to) = self.to {
            statement.and("at < ?", [Value::Time(to)]);
        }
        statement.and_equal("session_id", self.session_id.as_ref());
        statement.and_equal("user_id", self.user_id.as_ref());
        statement.and_equal("agent_id", self.agent_id.as_ref());
        statement.and_equal("task_id", self.task_id.as_ref());
        statement.and_equal("model", self.model.as_ref());
        statement.and_equal("source", self.source.as_ref());
    }
}

fn refuse_immeasurable(entry: &CostEntry) -> Result<(), StoreError> {
    let CostEntry { usage, cost, .. } = entry;
    let numbers = [
        ("input_tokens", usage.input_tokens),
        ("output_tokens", usage.output_tokens),
        ("cache_creation_tokens", usage.cache_creation_tokens),
        ("cache_read_tokens", usage.cache_read_tokens),
        ("cost_usd_micros", cost.unwrap_or_default().as_micros()),
    ];
    match numbers.into_iter().find(|(_, number)| !(0..=MOST).contains(number)) {
        None => Ok(()),
        Some((field, number)) => {
            Err(StoreError::Invalid { field, value: number.to_string(), accepted: format!("0 to {MOST}") })
        }
    }
}

fn read_key(group: CostGroup, columns: &mut Columns<'_>) -> Result<Option<CostKey>, StoreError> {
    fn read<T: FromValue>(
        columns: &mut Columns<'_>,
        key: fn(T) -> CostKey,
    ) -> Result<Option<CostKey>, StoreError> {
        Ok(columns.next::<Option<T>>()?.map(key))
    }
    match group {
        CostGroup::Day => read(columns, CostKey::Day),
        CostGroup::Model => read(columns, CostKey::Model),
        CostGroup::Session => read(columns, CostKey::Session),
        CostGroup::User => read(columns, CostKey::User),
        CostGroup::Agent => read(columns, CostKey::Agent),
        CostGroup::Task => read(columns, CostKey::Task),
        CostGroup::Source => read(columns, CostKey::Source),
    }
}

fn read_total(columns: &mut Columns<'_>) -> Result<CostTotal, StoreError> {
    Ok(CostTotal {
        entries: columns.next()?,
        unknown_costs: columns.next()?,
        cost: columns.next::<MicroUsd>()?,
        usage: read_usage(columns)?,
    })
}

fn read_usage(columns: &mut Columns<'_>) -> Result<TokenUsage, StoreError> {
    Ok(TokenUsage {
        input_tokens: columns.next()?,
        output_tokens: columns.next()?,
        cache_creation_tokens: columns.next()?,
        cache_read_tokens: columns.next()?,
    })
}

impl Record for CostEntry {
    const TABLE: &'static str = "cost_entries";
    const COLUMNS: &'static str = "id, team_id, session_id, user_id, agent_id, task_id, model, input_tokens, output_tokens, \
        cache_creation_tokens, cache_read_tokens, cost_usd_micros, source, at";

    fn values(&self) -> Vec<Value<'_>> {
        let Self { usage, .. } = self;
        params![
            self.id,
            self.team_id,
            self.session_id,
            self.user_id,
            self.agent_id,
            self.task_id,
            self.model,
            usage.input_tokens,
            usage.output_tokens,
            usage.cache_creation_tokens,
            usage.cache_read_tokens,
            self.cost,
            self.source,
            self.at,
        ]
        .to_vec()
    }

    fn from_columns(columns: &mut Columns<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            id: columns.next()?,
            team_id: columns.next()?,
            session_id: columns.next()?,
            user_id: columns.next()?,
            agent_id: columns.next()?,
            task_id: columns.next()?,
            model: columns.next()?,
            usage: read_usage(columns)?,
            cost: columns.next()?,
            source: columns.next()?,
            at: columns.next()?,
        })
    }
}

impl Owned for CostEntry {
    type Id = CostEntryId;
    const NOUN: &'static str = "cost entry";
    /// Costs are never deleted.
    const LIVE: &'static str = "TRUE";

    fn id(&self) -> CostEntryId {
        self.id
    }

    fn team_id(&self) -> TeamId {
        self.team_id
    }
}

impl Dated for CostEntry {
    const TIME: &'static str = "at";

    fn cursor(&self) -> Cursor {
        Cursor { created_at: self.at, id: *self.id.as_uuid() }
    }
}
