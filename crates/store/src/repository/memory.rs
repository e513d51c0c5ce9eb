//! Memories: reading them. How they change is in `put`, `change` and `erase`, how they are searched in `search`, what
//! became of them in `history`.

mod change;
mod erase;
mod head;
mod history;
mod put;
mod search;

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    id::{AgentId, MemoryId, UserId},
    memory::{
        Confidence, Importance, Memory, MemoryContent, MemoryFact, MemoryKey, MemorySource, MemoryStatus,
        MemorySubject, MemoryTag, MemoryTier, MemoryType, Namespace,
    },
    time::Timestamp,
};

use super::{
    Reads,
    page::{Cursor, Page},
    search::{Narrow, Searched},
};
use crate::{
    error::StoreError,
    record::{Dated, Owned, Record},
    scope::Scope,
    statement::{Order, Statement},
    value::{Columns, FromValue, ToValue, Value, stored_documents, stored_words},
};

pub use change::MemoryChange;
pub use put::{Expected, Put, PutError};

stored_words! {
    MemoryContent, MemoryKey, MemorySource, MemoryStatus, MemorySubject, MemoryTag, MemoryTier, MemoryType, Namespace,
}

stored_documents! { Vec<MemoryId> }

impl ToValue for Importance {
    fn to_value(&self) -> Value<'_> {
        Value::Int(i64::from(self.get()))
    }
}

impl FromValue for Importance {
    fn from_value(value: Value<'_>) -> Option<Self> {
        i64::from_value(value)?.try_into().ok()
    }
}

impl ToValue for Confidence {
    fn to_value(&self) -> Value<'_> {
        Value::Real(self.get())
    }
}

impl FromValue for Confidence {
    fn from_value(value: Value<'_>) -> Option<Self> {
        f64::from_value(value)?.try_into().ok()
    }
}

/// The columns of [`MemoryFact`].
const FACT_COLUMNS: [&str; 18] = [
    "value",
    "content",
    "memory_type",
    "source",
    "subject",
    "importance",
    "confidence",
    "expires_at",
    "related_to",
    "contradicts",
    "source_session_id",
    "source_message_id",
    "source_sequence",
    "author",
    "occurred_at",
    "agent_id",
    "user_id",
    "metadata",
];

fn fact_values(fact: &MemoryFact) -> [Value<'_>; FACT_COLUMNS.len()] {
    [
        fact.value.to_value(),
        fact.content.to_value(),
        fact.memory_type.to_value(),
        fact.source.to_value(),
        fact.subject.to_value(),
        fact.importance.to_value(),
        fact.confidence.to_value(),
        fact.expires_at.to_value(),
        fact.related_to.to_value(),
        fact.contradicts.to_value(),
        fact.source_session_id.to_value(),
        fact.source_message_id.to_value(),
        fact.source_sequence.to_value(),
        fact.author.to_value(),
        fact.occurred_at.to_value(),
        fact.agent_id.to_value(),
        fact.user_id.to_value(),
        fact.metadata.to_value(),
    ]
}

fn fact_from_columns(columns: &mut Columns<'_>) -> Result<MemoryFact, StoreError> {
    Ok(MemoryFact {
        value: columns.next()?,
        content: columns.next()?,
        memory_type: columns.next()?,
        source: columns.next()?,
        subject: columns.next()?,
        importance: columns.next()?,
        confidence: columns.next()?,
        expires_at: columns.next()?,
        related_to: columns.next()?,
        contradicts: columns.next()?,
        source_session_id: columns.next()?,
        source_message_id: columns.next()?,
        source_sequence: columns.next()?,
        author: columns.next()?,
        occurred_at: columns.next()?,
        agent_id: columns.next()?,
        user_id: columns.next()?,
        metadata: columns.next()?,
    })
}

impl Record for Memory {
    const TABLE: &'static str = "memories";
    const COLUMNS: &'static str = "id, team_id, namespace, key, value, content, memory_type, source, subject, importance, \
         confidence, expires_at, related_to, contradicts, source_session_id, source_message_id, source_sequence, author, \
         occurred_at, agent_id, user_id, metadata, content_sha256, tier, status, is_pinned, access_count, \
         last_accessed_at, version, is_deleted, superseded_by, embedding_model, created_by, updated_by, created_at, \
         updated_at";

    fn values(&self) -> Vec<Value<'_>> {
        let mut values =
            vec![self.id.to_value(), self.team_id.to_value(), self.namespace.to_value(), self.key.to_value()];
        values.extend(fact_values(&self.fact));
        values.extend([
            self.content_sha256.to_value(),
            self.tier.to_value(),
            self.status.to_value(),
            self.is_pinned.to_value(),
            self.access_count.to_value(),
            self.last_accessed_at.to_value(),
            self.version.to_value(),
            self.is_deleted.to_value(),
            self.superseded_by.to_value(),
            self.embedding_model.to_value(),
            self.created_by.to_value(),
            self.updated_by.to_value(),
            self.created_at.to_value(),
            self.updated_at.to_value(),
        ]);
        values
    }

    fn from_columns(columns: &mut Columns<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            id: columns.next()?,
            team_id: columns.next()?,
            namespace: columns.next()?,
            key: columns.next()?,
            fact: fact_from_columns(columns)?,
            content_sha256: columns.next()?,
            tier: columns.next()?,
            status: columns.next()?,
            is_pinned: columns.next()?,
            access_count: columns.next()?,
            last_accessed_at: columns.next()?,
            version: columns.next()?,
            is_deleted: columns.next()?,
            superseded_by: columns.next()?,
            embedding_model: columns.next()?,
            created_by: columns.next()?,
            updated_by: columns.next()?,
            created_at: columns.next()?,
            updated_at: columns.next()?,
        })
    }
}

impl Owned for Memory {
    type Id = MemoryId;
    const NOUN: &'static str = "memory";
    const LIVE: &'static str = "NOT is_deleted";

    fn id(&self) -> MemoryId {
        self.id
    }

    fn team_id(&self) -> domain::id::TeamId {
        self.team_id
    }
}

impl Dated for Memory {
    const TIME: &'static str = "created_at";

    fn cursor(&self) -> Cursor {
        Cursor { created_at: self.created_at, id: *self.id.as_uuid() }
    }
}

impl Searched for Memory {
    const WORDS: &'static str = "memory_words";
}

/// A team's memories.
#[derive(Debug, Clone, Copy)]
pub struct Memories<'c, C> {
    pub(super) scope: Scope<'c, C>,
}

/// Which memories a list or a search holds; `None` and nothing are any.
#[derive(Debug, Clone, Default)]
pub struct MemoryFilter {
    /// In one of these namespaces or below it, by segments.
    pub namespaces: Vec<Namespace>,
    /// Of this type.
    pub memory_type: Option<MemoryType>,
    /// In this tier.
    pub tier: Option<MemoryTier>,
    /// In this status.
    pub status: Option<MemoryStatus>,
    /// With all of these tags.
    pub tags: Vec<MemoryTag>,
    /// About this.
    pub subject: Option<MemorySubject>,
    /// About or for this agent.
    pub agent_id: Option<AgentId>,
    /// About or for this person.
    pub user_id: Option<UserId>,
}

impl Narrow for MemoryFilter {
    fn narrow<'v>(&'v self, statement: &mut Statement<'v>) {
        within(statement, &self.namespaces);
        statement.and_equal("memory_type", self.memory_type.as_ref());
        statement.and_equal("tier", self.tier.as_ref());
        statement.and_equal("status", self.status.as_ref());
        statement.and_equal("subject", self.subject.as_ref());
        statement.and_equal("agent_id", self.agent_id.as_ref());
        statement.and_equal("user_id", self.user_id.as_ref());
        for tag in &self.tags {
            statement.and("id IN (SELECT memory_id FROM memory_tags WHERE tag = ?)", [tag.to_value()]);
        }
    }

    fn names_a_place(&self) -> bool {
        !self.namespaces.is_empty() || !self.tags.is_empty()
    }
}

/// The condition that a namespace is one of these or below it. The first two comparisons are what an index searches; the
/// others leave out the neighbours that only begin alike.
fn within(statement: &mut Statement<'_>, namespaces: &[Namespace]) {
    for (index, namespace) in namespaces.iter().enumerate() {
        let piece = "(namespace >= ? AND namespace < ? AND (namespace = ? OR namespace >= ?))";
        let text = |suffix: &str| Value::Text(format!("{namespace}{suffix}").into());
        let before = if index == 0 { " AND (" } else { " OR " };
        // `;` is the sign after `:`.
        statement.push(&format!("{before}{piece}"), [text(""), text(";"), text(""), text(":")]);
    }
    if !namespaces.is_empty() {
        statement.push(")", []);
    }
}

impl<C: Reads> Memories<'_, C> {
    /// The memory of this id, unless it was deleted.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn find(&self, id: MemoryId) -> Result<Option<Memory>, StoreError> {
        self.scope.find_row(id)
    }

    /// The memory of this name, unless it was deleted.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn find_by_key(&self, namespace: &Namespace, key: &MemoryKey) -> Result<Option<Memory>, StoreError> {
        let mut statement = self.scope.select::<Memory>();
        statement.and_equal("namespace", Some(namespace));
        statement.and_equal("key", Some(key));
        Ok(statement.rows(self.scope.connection())?.into_iter().next())
    }

    /// Newest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list(
        &self,
        filter: &MemoryFilter,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<Memory>, StoreError> {
        let mut statement = self.scope.select::<Memory>();
        filter.narrow(&mut statement);
        statement.page(self.scope.connection(), Order::NewestFirst, after, limit)
    }

    /// Memories whose time ran out before `at` and that are not archived yet, the longest expired first, at most `limit`.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list_expired(&self, at: Timestamp, limit: u32) -> Result<Vec<Memory>, StoreError> {
        let mut statement = self.scope.select::<Memory>();
        // The very condition of the index, so with the word itself.
        statement.and("status <> 'archived' AND expires_at IS NOT NULL AND expires_at < ?", [at.to_value()]);
        statement.push(" ORDER BY expires_at, id LIMIT ?", [Value::Int(i64::from(limit))]);
        statement.rows(self.scope.connection())
    }

    /// The tags of memories; one without tags is not in it.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list_tags(
        &self,
        memories: &[MemoryId],
    ) -> Result<BTreeMap<MemoryId, BTreeSet<MemoryTag>>, StoreError> {
        let among = self.scope.pick(
            "IN (SELECT value FROM json_each($2))",
            "= ANY (ARRAY(SELECT value::uuid FROM jsonb_array_elements_text($2)))",
        );
        // For each tag its memory: `EXISTS` would let PostgreSQL begin with all memories.
        let sql = format!(
            "SELECT memory_id, tag FROM memory_tags
             WHERE (SELECT p.team_id FROM memories p WHERE p.id = memory_tags.memory_id AND NOT p.is_deleted) = $1
             AND memory_id {among}"
        );
        let mut tags = BTreeMap::<_, BTreeSet<_>>::new();
        self.scope.query(&sql, &[Value::document(&memories)], |row| {
            tags.entry(row.get(0)?).or_default().insert(row.get(1)?);
            Ok(())
        })?;
        Ok(tags)
    }
}
