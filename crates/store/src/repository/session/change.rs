//! The one way to change a session and what belongs to it.

use domain::{
    id::SessionId,
    message::Message,
    money::MicroUsd,
    permission::PermissionMode,
    session::{Session, SessionTotals},
    session_status::SessionStatus,
    time::Timestamp,
    timeline::{Change, SessionEvent, TimelineEntry, TimelineItem},
    transition::Transition,
};
use serde_json::Value as Json;

use super::{Sessions, row::push_totals};
use crate::{
    conn::Tx,
    error::StoreError,
    record::record,
    repository::{message_search, search_backlog, timeline},
    scope::missing,
    value::{Value, params},
};

record! {
    SessionEvent in "session_events" { session_id, sequence, kind, row_id, change, at }
}

/// One change of a session with everything that belongs to it. All of it happens or nothing does, and each row in it
/// takes the session's next number in the timeline.
#[derive(Debug, Clone)]
pub struct SessionChange {
    /// The session.
    pub session_id: SessionId,
    /// Who may make it.
    pub guard: Guard,
    /// When.
    pub at: Timestamp,
    /// What changes on the session itself.
    pub update: SessionUpdate,
    /// Rows that are new or changed. A transition also sets the session's status.
    pub items: Vec<(Change, TimelineItem)>,
}

/// When new rows are found by their words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    AtOnce,
    Later,
}

/// Who may change a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guard {
    /// Anybody, for input that any process may give.
    Anyone,
    /// The owner with this fence; an earlier owner is refused with [`StoreError::Fenced`].
    Fence(i64),
}

impl Guard {
    /// Why a session that is to be written was not found.
    pub(super) fn refusal(self, session: SessionId) -> StoreError {
        match self {
            Self::Fence(_) => StoreError::Fenced,
            Self::Anyone => missing::<Session>(session),
        }
    }
}

/// What changes on a session. `None` leaves as it is; totals are added.
#[derive(Debug, Clone, Default)]
pub struct SessionUpdate {
    /// Added to the session's totals.
    pub added: SessionTotals,
    /// The agent program's own id.
    pub external_id: Option<String>,
    /// The model that works.
    pub model: Option<String>,
    /// In which mode tool calls are decided.
    pub permission_mode: Option<PermissionMode>,
    /// The agent program's cumulative cost.
    pub reported_cost: Option<MicroUsd>,
    /// Where the agent works.
    pub working_directory: Option<String>,
    /// The last result's text.
    pub result: Option<Json>,
    /// Why it failed. Resuming clears it.
    pub error_message: Option<String>,
    /// The owner lets go.
    pub release_lease: bool,
}

impl Sessions<'_, Tx<'_>> {
    /// Makes a change and gives its timeline entries, numbered.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] when the guard does not hold; [`StoreError::Conflict`] when a transition does not start from
    /// the session's status, or goes where the state machine does not and nobody forces it, or a row is gone.
    pub fn change(&self, change: SessionChange) -> Result<Vec<TimelineEntry>, StoreError> {
        self.change_found(change, Found::AtOnce)
    }

    /// As [`Sessions::change`], for very many rows at once: they are found by their words only after
    /// [`Store::index_waiting`](crate::Store::index_waiting).
    ///
    /// # Errors
    /// As [`Sessions::change`].
    pub fn change_in_bulk(&self, change: SessionChange) -> Result<Vec<TimelineEntry>, StoreError> {
        self.change_found(change, Found::Later)
    }

    fn change_found(&self, change: SessionChange, found: Found) -> Result<Vec<TimelineEntry>, StoreError> {
        let first = self.advance(&change)?;
        let SessionChange { session_id, at, items, .. } = change;
        let mut entries = Vec::with_capacity(items.len());
        for (sequence, (change, mut item)) in (first..).zip(items) {
            if change == Change::Created {
                timeline::number(&mut item, sequence);
            }
            entries.push(TimelineEntry { sequence, change, at, item });
        }
        self.write_rows(session_id, &entries, found)?;
        self.append(session_id, &entries)?;
        Ok(entries)
    }

    /// Writes the rows of a change: first all new messages at once, which other rows may refer to, then the rest in its order.
    fn write_rows(
        &self,
        session: SessionId,
        entries: &[TimelineEntry],
        found: Found,
    ) -> Result<(), StoreError> {
        if let Some(entry) = entries.iter().find(|entry| entry.item.session_id() != session) {
            let (kind, id) = (entry.item.kind(), entry.item.row_id());
            return Err(StoreError::Conflict {
                what: format!("the {kind} {id} is not of session {session}"),
            });
        }
        self.scope.tx().insert_all(entries.iter().filter_map(new_message))?;
        match found {
            Found::AtOnce => message_search::index(&self.scope, session, entries)?,
            Found::Later => search_backlog::enqueue(&self.scope, session)?,
        }
        for entry in entries.iter().filter(|entry| new_message(entry).is_none()) {
            if let TimelineItem::Transition(transition) = &entry.item {
                self.set_status(transition, entry.at)?;
            }
            timeline::write_row(self.scope.tx(), entry.change, &entry.item)?;
        }
        Ok(())
    }

    fn append(&self, session_id: SessionId, entries: &[TimelineEntry]) -> Result<(), StoreError> {
        let events: Vec<_> = entries
            .iter()
            .map(|TimelineEntry { sequence, change, at, item }| SessionEvent {
                session_id,
                sequence: *sequence,
                kind: item.kind(),
                row_id: *item.row_id(),
                change: *change,
                at: *at,
            })
            .collect();
        self.scope.tx().insert_all(&events)
    }

    /// Takes as many numbers as the change has rows and applies its update; gives the first number.
    fn advance(&self, change: &SessionChange) -> Result<i64, StoreError> {
        let rows = i64::try_from(change.items.len()).unwrap_or(i64::MAX);
        let SessionUpdate {
            added,
            external_id,
            model,
            permission_mode,
            reported_cost,
            working_directory,
            result,
            error_message,
            release_lease,
        } = &change.update;
        let mut sql = String::from(
            "UPDATE sessions SET next_sequence = next_sequence + $1, last_activity_at = $2, updated_at = $2,
             total_messages = total_messages + $3, total_tool_calls = total_tool_calls + $4,
             total_hook_executions = total_hook_executions + $5,
             total_permission_checks = total_permission_checks + $6, total_errors = total_errors + $7,
             total_retries = total_retries + $8, input_tokens = input_tokens + $9, output_tokens = output_tokens + $10,
             cache_creation_tokens = cache_creation_tokens + $11, cache_read_tokens = cache_read_tokens + $12,
             total_cost_usd_micros = total_cost_usd_micros + $13, duration_ms = duration_ms + $14,
             external_id = coalesce($15, external_id), model = coalesce($16, model),
             reported_cost_usd_micros = coalesce($17, reported_cost_usd_micros), result = coalesce($18, result),
             error_message = coalesce($19, error_message), permission_mode = coalesce($20, permission_mode),
             working_directory = coalesce($21, working_directory)",
        );
        if *release_lease {
            sql.push_str(", lease_owner = NULL, lease_expires_at = NULL");
        }
        sql.push_str(" WHERE id = $22 AND ");
        let mut values = params![rows, change.at].to_vec();
        push_totals(&mut values, added);
        values.extend_from_slice(params![
            external_id,
            model,
            reported_cost,
            result,
            error_message,
            permission_mode,
            working_directory,
            change.session_id,
        ]);
        if let Guard::Fence(fence) = change.guard {
            sql.push_str("fence = $23 AND (team_id = $24 AND deleted_at IS NULL) IS TRUE");
            values.push(Value::Int(fence));
        } else {
            sql.push_str("(team_id = $23 AND deleted_at IS NULL) IS TRUE");
        }
        sql.push_str(" RETURNING next_sequence");
        let next: Option<i64> = self.scope.change(&sql, &values, |row| row.get(0))?;
        next.map_or_else(|| Err(change.guard.refusal(change.session_id)), |next| Ok(next - rows))
    }

    /// The first entry to active sets `started_at`; a final status sets `completed_at`, which stays when another follows, and
    /// leaves the queue, as does whoever connects; resuming clears the end and the error.
    fn set_status(&self, transition: &Transition, at: Timestamp) -> Result<(), StoreError> {
        let Transition { session_id: id, to, .. } = *transition;
        let Some(from) = transition.from else { return self.refuse_second_beginning(id, to) };
        let conflict = |what: String| StoreError::Conflict { what: format!("session {id}: {what}") };
        transition.permit().map_err(|error| conflict(error.to_string()))?;
        let started = (to == SessionStatus::Active).then_some(at);
        let completed = to.is_final().then_some(at);
        let end = if from.is_final() && to.is_final() { "coalesce(completed_at, $3)" } else { "$3" };
        let is_resumed = to == SessionStatus::Connecting;
        let error = if is_resumed { "NULL" } else { "error_message" };
        let leave =
            if is_resumed || to.is_final() { ", queued_at = NULL, next_attempt_at = NULL" } else { "" };
        let sql = format!(
            "UPDATE sessions SET status = $1, started_at = coalesce(started_at, $2), completed_at = {end},
             error_message = {error}{leave} WHERE id = $4 AND status = $5 AND team_id = $6"
        );
        match self.scope.execute(&sql, params![to, started, completed, id, from])? {
            0 => Err(conflict(format!("it is no longer {from}"))),
            _ => Ok(()),
        }
    }

    /// A transition from nowhere says in which status a session was recorded: it is the first or none.
    fn refuse_second_beginning(&self, id: SessionId, to: SessionStatus) -> Result<(), StoreError> {
        let sql = "SELECT 1 FROM sessions s WHERE (s.team_id = $1 AND s.status = $2) IS TRUE AND s.id = $3
             AND NOT EXISTS (SELECT 1 FROM session_transitions t WHERE t.session_id = s.id)";
        match self.scope.query(sql, params![to, id], |_| Ok(()))?.is_empty() {
            true => Err(StoreError::Conflict {
                what: format!(
                    "session {id}: only its first transition comes from nowhere, to the status it has"
                ),
            }),
            false => Ok(()),
        }
    }
}

/// The message of an entry that adds one.
const fn new_message(entry: &TimelineEntry) -> Option<&Message> {
    match (entry.change, &entry.item) {
        (Change::Created, TimelineItem::Message(message)) => Some(message),
        _ => None,
    }
}
