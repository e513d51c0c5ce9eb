//! Forks: sessions that begin with the history of another one.

use std::{
    collections::{HashMap, HashSet},
    io,
    path::{Path, PathBuf},
};

use domain::{
    actor::Actor,
    audit_action::AuditAction,
    fork::{Cut, cut},
    id::{MessageId, SessionId, ToolCallId},
    message::{Message, MessageBody, MessageType},
    session::{Session, SessionMode, SessionTotals},
    session_state::StateKey,
    session_status::SessionStatus,
    timeline::{Change, TimelineEntry, TimelineItem},
    tool_call::ToolCall,
};
use serde_json::Value;
use store::{Guard, NewState, SessionChange, SessionUpdate, StoreError, Tx};

use super::{
    record,
    start::{FORK_AT, FORK_OF, FORK_TOLD, record_new},
};
use crate::{
    App, Caller,
    audit::Deed,
    folder::{self, Copied},
};

/// A fork that is to be.
#[derive(Debug, Clone)]
pub struct ForkSession {
    /// Whose history it begins with.
    pub parent: SessionId,
    /// How much of it.
    pub history: History,
    /// The folder in which it gets a folder of its own.
    pub folder: PathBuf,
    /// What its folder holds at first: all that is in this one; `None` is nothing.
    pub files: Option<PathBuf>,
    /// For people; the parent's name otherwise.
    pub name: Option<String>,
    /// What is kept under its keys from the beginning.
    pub state: Vec<(StateKey, Value)>,
}

/// How much of a history a fork begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum History {
    /// Up to the last answer.
    All,
    /// The first messages of people and the model, so many; none is an empty history.
    Messages(u32),
    /// Up to this number of the timeline, or a little before it.
    Until(i64),
}

/// A fork, and what came of its files.
#[derive(Debug, Clone, PartialEq)]
pub struct Forked {
    /// As it stands.
    pub session: Session,
    /// What was copied; `None` when its folder is empty.
    pub copied: Option<Copied>,
}

/// Why there is no fork.
#[derive(Debug, thiserror::Error)]
pub enum ForkSessionError {
    /// There is none of this id in the caller's team.
    #[error("there is no session {0}")]
    NotFound(SessionId),
    /// Nothing was said in it, or it is out of daily use.
    #[error("session {id} is {status}; only one that was started can be forked, until it is archived")]
    NotForkable {
        /// The session.
        id: SessionId,
        /// Where it is in its life.
        status: SessionStatus,
    },
    /// The files.
    #[error("the folder cannot be copied: {0}")]
    Files(#[from] io::Error),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl App {
    /// Makes a session that begins with the history of another one, in a folder of its own. The parent is not touched and goes
    /// on. The fork waits to be started. What was said is found in it after [`App::index_waiting`].
    ///
    /// # Errors
    /// See [`ForkSessionError`]; then nothing of it is left.
    pub async fn fork_session(&self, caller: Caller, fork: ForkSession) -> Result<Forked, ForkSessionError> {
        self.fork_by(caller, fork, None).await
    }

    /// The same as a part of another deed, which is audited with it.
    pub(super) async fn fork_by(
        &self,
        caller: Caller,
        fork: ForkSession,
        by: Option<Deed>,
    ) -> Result<Forked, ForkSessionError> {
        let (parent, entries) = self.read_parent(caller, fork.parent).await?;
        let plan = Plan::of(&entries, fork.history);
        let id = SessionId::from_uuid(self.next_id());
        let folder = fork.folder.join(id.to_string());
        let copied = match fork.files {
            Some(files) => Some(folder::copy_whole(files, folder.clone()).await?),
            None => {
                std::fs::create_dir_all(&folder)?;
                None
            }
        };
        let session = self.forked(caller, id, &parent, &folder, &plan, fork.name);
        let by = by.map(|deed| deed.with("fork_session_id", id.to_string()));
        match self.write_fork(caller, session, entries, &plan, (fork.state, by)).await {
            Ok(session) => Ok(Forked { session, copied }),
            Err(error) => {
                // It may be stored when only the answer was lost, and then it needs its folder.
                if !error.is_retryable() {
                    folder::discard(folder).await;
                }
                Err(error.into())
            }
        }
    }

    async fn read_parent(
        &self,
        caller: Caller,
        id: SessionId,
    ) -> Result<(Session, Vec<TimelineEntry>), ForkSessionError> {
        let read = move |conn: &store::Conn| {
            let team = conn.team(caller.team_id);
            let parent = team.sessions().find(id)?.ok_or(ForkSessionError::NotFound(id))?;
            if matches!(parent.status, SessionStatus::Created | SessionStatus::Archived) {
                return Err(ForkSessionError::NotForkable { id, status: parent.status });
            }
            let entries = team.timeline().list(id, 0, u32::MAX)?;
            Ok((parent, entries))
        };
        self.store().scan(read).await
    }

    fn forked(
        &self,
        caller: Caller,
        id: SessionId,
        parent: &Session,
        folder: &Path,
        plan: &Plan,
        name: Option<String>,
    ) -> Session {
        let mut options = parent.options.clone();
        [FORK_OF, FORK_AT, FORK_TOLD].into_iter().for_each(|key| drop(options.sdk_options.remove(key)));
        options.sdk_options.extend(
            plan.beginning(parent.external_id.as_deref()).map(|(key, value)| (key.to_owned(), value)),
        );
        Session {
            user_id: Some(caller.user_id),
            agent_id: parent.agent_id,
            agent_version: parent.agent_version,
            template_id: parent.template_id,
            parent_session_id: Some(parent.id),
            fork_at_message: plan.messages,
            mode: SessionMode::Forked,
            name: name.unwrap_or_else(|| parent.name.clone()),
            working_directory: folder.to_string_lossy().into_owned(),
            ..Session::new(id, caller.team_id, parent.runtime, options, self.now())
        }
    }

    async fn write_fork(
        &self,
        caller: Caller,
        session: Session,
        entries: Vec<TimelineEntry>,
        plan: &Plan,
        (state, further): (Vec<(StateKey, Value)>, Option<Deed>),
    ) -> Result<Session, StoreError> {
        let (id, now, author) = (session.id, self.now(), Actor::User(caller.user_id));
        let reason =
            format!("forked from {}", session.parent_session_id.map(|id| id.to_string()).unwrap_or_default());
        let created = record::transition(self, id, None, SessionStatus::Created, &reason, &author);
        let mut items = vec![(Change::Created, TimelineItem::Transition(created))];
        let history = self.copy_of(entries, id, plan);
        let count = |is_it: fn(&TimelineItem) -> bool| {
            i64::try_from(history.iter().filter(|item| is_it(item)).count()).unwrap_or(i64::MAX)
        };
        let added = SessionTotals {
            total_messages: count(|item| matches!(item, TimelineItem::Message(_))),
            total_tool_calls: count(|item| matches!(item, TimelineItem::ToolCall(_))),
            ..SessionTotals::default()
        };
        items.extend(history.into_iter().map(|item| (Change::Created, item)));
        let update = SessionUpdate { added, ..SessionUpdate::default() };
        let by = caller.to_string();
        let parent = session.parent_session_id.map(|id| id.to_string());
        let deed =
            self.deed(caller, AuditAction::SessionFork).on_session(id).with("parent_session_id", parent);
        let write = move |tx: &Tx<'_>| {
            record_new(tx, &session)?;
            deed.append(tx)?;
            further.map_or(Ok(()), |deed| deed.append(tx))?;
            let team = tx.team(session.team_id);
            for (key, value) in &state {
                let new = NewState { key, value, expected: 0, by: &by, at: now };
                team.session_state().set(id, Guard::Anyone, &new)?;
            }
            let sessions = team.sessions();
            let (session_id, guard) = (id, Guard::Anyone);
            sessions.change_in_bulk(SessionChange { session_id, guard, at: now, update, items })?;
            sessions.find(id)?.ok_or_else(|| StoreError::Missing { what: format!("session {id}") })
        };
        self.store().write(write).await
    }

    /// The messages up to a number of the timeline, and the tool calls between them, as those of another session.
    fn copy_of(&self, entries: Vec<TimelineEntry>, session: SessionId, plan: &Plan) -> Vec<TimelineItem> {
        let until = plan.cut.as_ref().map_or(0, |cut| cut.sequence);
        let mut ids: HashMap<MessageId, MessageId> = HashMap::new();
        let of_history =
            entries.into_iter().filter(|entry| entry.change == Change::Created && entry.sequence <= until);
        let mut copies = Vec::new();
        for entry in of_history {
            match entry.item {
                TimelineItem::Message(message)
                    if !message.is_partial && !plan.unfinished.contains(&message.id) =>
                {
                    let id = MessageId::from_uuid(self.next_id());
                    ids.insert(message.id, id);
                    let parent_message_id = message.parent_message_id.and_then(|id| ids.get(&id).copied());
                    let copy = Message { id, session_id: session, sequence: 0, parent_message_id, ..message };
                    copies.push(TimelineItem::Message(copy));
                }
                TimelineItem::ToolCall(call) => {
                    let message_id = call.message_id.and_then(|id| ids.get(&id).copied());
                    let id = ToolCallId::from_uuid(self.next_id());
                    let copy = ToolCall { id, session_id: session, sequence: 0, message_id, ..call };
                    copies.push(TimelineItem::ToolCall(copy));
                }
                _ => {}
            }
        }
        copies
    }
}

/// What a fork takes of its parent.
struct Plan {
    cut: Option<Cut>,
    /// After how many messages, where somebody said so.
    messages: Option<u32>,
    /// Messages that were being written there: what they became later is not known there.
    unfinished: HashSet<MessageId>,
}

impl Plan {
    fn of(entries: &[TimelineEntry], history: History) -> Self {
        let until = if let History::Until(until) = history { until } else { i64::MAX };
        let said = entries.iter().filter_map(|entry| match &entry.item {
            TimelineItem::Message(message) if entry.change == Change::Created => Some(message),
            _ => None,
        });
        let unfinished: HashSet<_> = entries
            .iter()
            .filter(|entry| entry.change == Change::Replaced && entry.sequence > until)
            .filter_map(|entry| match &entry.item {
                TimelineItem::Message(message) => Some(message.id),
                _ => None,
            })
            .collect();
        let within = said.filter(|message| message.sequence <= until && !unfinished.contains(&message.id));
        let messages = if let History::Messages(most) = history { Some(most) } else { None };
        Self { cut: cut(within, messages), messages, unfinished }
    }
}

impl Plan {
    /// What the fork keeps about how it begins. Where the agent program cannot cut, what was said is told to it.
    fn beginning(&self, parent: Option<&str>) -> impl Iterator<Item = (&'static str, Value)> {
        let cut = self.cut.as_ref();
        // Also at the end: the parent may have gone on when the fork starts.
        let own = parent.zip(cut.and_then(|cut| cut.model_message.as_deref()));
        let is_told = cut.is_some() && own.is_none();
        let kept = [
            own.map(|(own, _)| (FORK_OF, own.into())),
            own.map(|(_, at)| (FORK_AT, at.into())),
            is_told.then_some((FORK_TOLD, Value::Bool(true))),
        ];
        kept.into_iter().flatten()
    }
}

/// What was said so far, for an agent program that does not know it: the last of it when it is long.
pub(super) fn replay(messages: &[Message], calls: &[ToolCall]) -> String {
    /// An argument of a program is at most twice as long on Linux.
    const MOST_BYTES: usize = 60_000;
    const MOST_OF_A_CALL: usize = 500;
    const MOST_OF_A_MESSAGE: usize = 20_000;
    let mut pieces: Vec<(i64, String)> = Vec::new();
    for message in messages.iter().filter(|message| message.body.parent_tool_use_id.is_none()) {
        let MessageBody { message_type, content, .. } = &message.body;
        let who = match message_type {
            MessageType::User => "Person",
            MessageType::Assistant => "You",
            MessageType::System | MessageType::Result => continue,
        };
        let words = content.text();
        if !words.trim().is_empty() {
            let shown = &words[..words.floor_char_boundary(MOST_OF_A_MESSAGE)];
            let rest = if shown.len() < words.len() { " (The rest of this is left out.)" } else { "" };
            pieces.push((message.sequence, format!("{who}: {shown}{rest}")));
        }
    }
    for call in calls {
        let shown = |value: &Value| value.to_string().chars().take(MOST_OF_A_CALL).collect::<String>();
        let output = call.tool_output.as_ref().map_or_else(|| "no result".to_owned(), shown);
        let line =
            format!("You used {} with {}, which gave {output}", call.tool_name, shown(&call.tool_input));
        pieces.push((call.sequence, line));
    }
    pieces.sort_by_key(|(sequence, _)| *sequence);
    let (mut length, mut kept) = (0, Vec::new());
    for (_, piece) in pieces.into_iter().rev() {
        length += piece.len() + 2;
        if length > MOST_BYTES {
            kept.push("(What was said before is left out.)".to_owned());
            break;
        }
        kept.push(piece);
    }
    kept.reverse();
    format!(
        "This conversation goes on from an earlier one. That is what was said and done in it:\n\n{}",
        kept.join("\n\n")
    )
}
