//! Memories: namespaced, keyed, versioned facts, with their provenance and history.

mod history;
mod namespace;
mod rating;
mod status;

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{
    canonical::canonical_json,
    digest::Sha256Digest,
    embedding::EmbeddingModelName,
    id::{AgentId, MemoryId, MessageId, SessionId, TeamId, UserId},
    parsed_text::is_line,
    time::Timestamp,
};

pub use history::{MemoryAction, MemoryLogEntry, MemoryUse, MemoryVersion};
pub use namespace::{InvalidNamespace, MemoryLevel, Namespace};
pub use rating::{Confidence, Importance, InvalidConfidence, InvalidImportance};
pub use status::{IllegalMemoryMove, MemoryStatus};

text_enum! {
    /// What kind of thing is remembered.
    pub enum MemoryType: "memory type" {
        /// A fact.
        Semantic = "semantic",
        /// Something that happened.
        Episodic = "episodic",
        /// How something is done.
        Procedural = "procedural",
        /// Who the agent is.
        Identity = "identity",
        /// Who the person is.
        UserProfile = "user_profile",
    }
}

text_enum! {
    /// How near at hand a memory is kept, warmest first.
    pub enum MemoryTier: "memory tier" {
        /// In daily use.
        Hot = "hot",
        /// In use now and then.
        Warm = "warm",
        /// Hardly used.
        Cold = "cold",
    }
}

text_enum! {
    /// How a memory came about.
    pub enum MemorySource: "memory source" {
        /// Taken from a conversation by a model.
        Extraction = "extraction",
        /// Somebody said to remember it.
        Explicit = "explicit",
        /// Provost itself.
        System = "system",
        /// A person's judgement of an agent's work.
        Feedback = "feedback",
        /// Made of other memories.
        Consolidation = "consolidation",
        /// Kept from a conversation that was compacted.
        Compaction = "compaction",
        /// Came from elsewhere.
        Import = "import",
    }
}

parsed_text! {
    /// The name of a memory in its namespace.
    pub struct MemoryKey: "memory key",
        "1 to 500 bytes of text on one line, without blanks at its ends", |text| is_line(text, 500);
}

parsed_text! {
    /// A word that memories are found by.
    pub struct MemoryTag: "memory tag",
        "1 to 100 bytes of text on one line, without blanks at its ends", |text| is_line(text, 100);
}

parsed_text! {
    /// What a memory is about; two of one subject may contradict each other.
    pub struct MemorySubject: "memory subject",
        "1 to 300 bytes of text on one line, without blanks at its ends", |text| is_line(text, 300);
}

/// The text of a memory: what people read and search looks through. At most 100,000 bytes; may be empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
#[serde(transparent)]
pub struct MemoryContent(String);

/// A text too long to be remembered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a content of {0} bytes is refused; accepted: at most 100000 bytes")]
pub struct InvalidContent(usize);

impl MemoryContent {
    /// The most bytes it has.
    pub const LONGEST: usize = 100_000;

    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for MemoryContent {
    type Err = InvalidContent;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // As it will be stored, so that the digest is of what is stored.
        let text = text.replace('\0', "␀");
        if text.len() <= Self::LONGEST { Ok(Self(text)) } else { Err(InvalidContent(text.len())) }
    }
}

/// What is remembered, and where it comes from: all that a put writes.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct MemoryFact {
    /// What is known, for programs.
    pub value: Option<Value>,
    /// What is known, for people and search.
    pub content: MemoryContent,
    /// What kind of thing it is.
    pub memory_type: MemoryType,
    /// How it came about.
    pub source: MemorySource,
    /// What it is about.
    pub subject: Option<MemorySubject>,
    /// How much it matters.
    pub importance: Importance,
    /// How far it is to be believed.
    pub confidence: Confidence,
    /// When it goes out of use.
    pub expires_at: Option<Timestamp>,
    /// Memories it has to do with.
    pub related_to: Vec<MemoryId>,
    /// Memories it contradicts.
    pub contradicts: Vec<MemoryId>,
    /// The session it comes from.
    pub source_session_id: Option<SessionId>,
    /// The message it comes from.
    pub source_message_id: Option<MessageId>,
    /// Its place in the session's timeline.
    pub source_sequence: Option<i64>,
    /// Who said it.
    pub author: Option<String>,
    /// When it was true or said, not when it was stored.
    pub occurred_at: Option<Timestamp>,
    /// The agent it is about or for.
    pub agent_id: Option<AgentId>,
    /// The person it is about or for.
    pub user_id: Option<UserId>,
    /// Anything else.
    pub metadata: Value,
}

impl MemoryFact {
    /// A fact of which nothing is known but what it says.
    #[must_use]
    pub fn new(content: MemoryContent, memory_type: MemoryType, source: MemorySource) -> Self {
        Self {
            value: None,
            content,
            memory_type,
            source,
            subject: None,
            importance: Importance::DEFAULT,
            confidence: Confidence::CERTAIN,
            expires_at: None,
            related_to: Vec::new(),
            contradicts: Vec::new(),
            source_session_id: None,
            source_message_id: None,
            source_sequence: None,
            author: None,
            occurred_at: None,
            agent_id: None,
            user_id: None,
            metadata: Value::Object(serde_json::Map::new()),
        }
    }

    /// As it will be stored: no text of its value and metadata has the character NUL.
    #[must_use]
    pub fn storable(self) -> Self {
        Self { value: self.value.map(without_nul), metadata: without_nul(self.metadata), ..self }
    }

    /// The digest of value and content, as they will be stored.
    #[must_use]
    pub fn digest(&self) -> Sha256Digest {
        let value = self.value.clone().map(|value| canonical_json(&without_nul(value))).unwrap_or_default();
        Sha256Digest::of_pieces([value.as_bytes(), self.content.as_str().as_bytes()])
    }
}

fn without_nul(value: Value) -> Value {
    let text = |text: String| text.replace('\0', "␀");
    match value {
        Value::String(string) => Value::String(text(string)),
        Value::Array(items) => items.into_iter().map(without_nul).collect(),
        Value::Object(fields) => {
            fields.into_iter().map(|(key, value)| (text(key), without_nul(value))).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value,
    }
}

/// What is to be remembered under a key.
#[derive(Debug, Clone, PartialEq)]
pub struct MemoryDraft {
    /// Its identity if the key is new; a known key keeps the one it has.
    pub id: MemoryId,
    /// Where.
    pub namespace: Namespace,
    /// Its name there.
    pub key: MemoryKey,
    /// What.
    pub fact: MemoryFact,
    /// Words it is found by; they replace those it has.
    pub tags: BTreeSet<MemoryTag>,
}

/// A memory as it stands in the store.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Memory {
    /// Identity.
    pub id: MemoryId,
    /// The tenant.
    pub team_id: TeamId,
    /// Where it lives.
    pub namespace: Namespace,
    /// Its name there; unique in the namespace, also when it is deleted.
    pub key: MemoryKey,
    /// What it says.
    #[serde(flatten)]
    pub fact: MemoryFact,
    /// The digest of value and content, which outlives their redaction.
    pub content_sha256: Sha256Digest,
    /// How near at hand it is kept.
    pub tier: MemoryTier,
    /// Whether it is to be believed.
    pub status: MemoryStatus,
    /// A person holds it.
    pub is_pinned: bool,
    /// How often it was looked at.
    pub access_count: i64,
    /// When it was last looked at.
    pub last_accessed_at: Option<Timestamp>,
    /// Grows by 1 with each put, deletion, restoration and redaction.
    pub version: i64,
    /// It was deleted and can be restored.
    pub is_deleted: bool,
    /// The memory that took its place.
    pub superseded_by: Option<MemoryId>,
    /// The model that embedded it; `None` while it has no embedding.
    pub embedding_model: Option<EmbeddingModelName>,
    /// Who created it, as `user:ID` or `system:PART`.
    pub created_by: String,
    /// Who changed it last.
    pub updated_by: String,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed; looking at it is no change.
    pub updated_at: Timestamp,
}

impl Memory {
    /// What it said was blanked; the digest of that is kept.
    #[must_use]
    pub fn is_redacted(&self) -> bool {
        let says_nothing = self.fact.value.is_none() && self.fact.content.as_str().is_empty();
        says_nothing && self.content_sha256 != self.fact.digest()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn fact(value: Option<Value>, content: &str) -> MemoryFact {
        let content = content.parse().expect("short");
        MemoryFact { value, ..MemoryFact::new(content, MemoryType::Semantic, MemorySource::Explicit) }
    }

    proptest! {
        #[test]
        fn no_text_makes_a_parser_panic(text in ".*") {
            drop(text.parse::<MemoryKey>());
            drop(text.parse::<MemoryTag>());
            drop(text.parse::<MemorySubject>());
            drop(text.parse::<MemoryContent>());
        }

        #[test]
        fn a_key_survives_its_text(text in "[a-z]([a-z äß/.-]{0,20}[a-z])?") {
            let key: MemoryKey = text.parse().expect("a key");
            prop_assert_eq!(key.as_str(), text);
        }
    }

    #[test]
    fn the_digest_is_of_what_is_said() {
        let plain = fact(None, "tea");
        assert_eq!(
            plain.digest(),
            MemoryFact { importance: Importance::try_from(9).expect("9"), ..plain.clone() }.digest()
        );
        assert_ne!(plain.digest(), fact(None, "coffee").digest());
        assert_ne!(plain.digest(), fact(Some(Value::Null), "tea").digest());
        assert_eq!(
            fact(Some(json!({"a": 1, "b": 2})), "").digest(),
            fact(Some(json!({"b": 2, "a": 1})), "").digest()
        );
        assert_eq!(
            fact(Some(json!({"a\0": ["b\0"]})), "").digest(),
            fact(Some(json!({"a␀": ["b␀"]})), "").digest()
        );
    }

    #[test]
    fn keys_and_tags_are_single_lines_of_bounded_length() {
        for bad in ["", " a", "a ", "a\nb", "\0", &"a".repeat(501)] {
            assert!(bad.parse::<MemoryKey>().is_err(), "{bad}");
        }
        let error = "a\tb".parse::<MemoryTag>().expect_err("a control character").to_string();
        assert!(error.contains("memory tag") && error.contains("a\\tb") && error.contains("100"), "{error}");
    }

    #[test]
    fn a_content_is_kept_as_it_is_stored() {
        assert_eq!("a\0b".parse::<MemoryContent>().expect("short").as_str(), "a␀b");
        assert_eq!("a".repeat(100_001).parse::<MemoryContent>(), Err(InvalidContent(100_001)));
    }
}
