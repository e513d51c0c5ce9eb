//! Approvals: asked through the timeline of their session, answered once.

use std::collections::BTreeSet;

use domain::{
    approval::{Approval, ApprovalAnswer, ApprovalStatus, ApprovalVerdict},
    digest::Sha256Digest,
    id::{ApprovalId, SessionId, TeamId},
    time::Timestamp,
    timeline::{Change, TimelineEntry, TimelineItem},
};

use super::{
    Reads,
    page::{Cursor, Page},
    session::{Guard, SessionChange, SessionUpdate},
};
use crate::{
    conn::Tx,
    error::StoreError,
    record::{Record, record},
    scope::{Scope, missing},
    statement::{Order, Statement},
    value::{ToValue, params, stored_words},
};

stored_words! { ApprovalStatus }

record! {
    Approval in "approvals" {
        id, team_id, session_id, sequence, tool_use_id, tool_name, input, input_sha256, suggestions, status, requested_at,
        expires_at, decided_by, decided_at, note, updated_input, updated_at,
    }
    owned by ApprovalId as "approval" while
        "(SELECT s.deleted_at IS NULL FROM sessions s WHERE s.id = approvals.session_id)";
    dated by requested_at;
}

/// A team's approvals.
#[derive(Debug, Clone, Copy)]
pub struct Approvals<'c, C> {
    pub(super) scope: Scope<'c, C>,
}

/// Which approvals a list holds; `None` is any.
#[derive(Debug, Clone, Copy, Default)]
pub struct ApprovalFilter {
    /// In this status.
    pub status: Option<ApprovalStatus>,
    /// Of this session.
    pub session_id: Option<SessionId>,
}

impl<C: Reads> Approvals<'_, C> {
    /// The approval of this id.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn find(&self, id: ApprovalId) -> Result<Option<Approval>, StoreError> {
        self.scope.find_row(id)
    }

    /// Newest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list(
        &self,
        filter: ApprovalFilter,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<Approval>, StoreError> {
        let mut statement = self.scope.select_by::<Approval>(filter.session_id.is_some());
        statement.and_equal("status", filter.status.as_ref());
        statement.and_equal("session_id", filter.session_id.as_ref());
        statement.page(self.scope.connection(), Order::NewestFirst, after, limit)
    }

    /// The oldest approved approval of the same call in the same session that no decision made use of yet: it was answered
    /// when nobody was there to hear it. Recording a decision to allow that names it uses it up; of two who do so at once, the
    /// second gets [`StoreError::Conflict`].
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn find_grant(
        &self,
        session: SessionId,
        tool_name: &str,
        input_sha256: &Sha256Digest,
    ) -> Result<Option<Approval>, StoreError> {
        let sql = format!(
            "SELECT {} FROM approvals a
             WHERE (a.team_id = $1 AND a.status = 'approved') IS TRUE
             AND a.session_id = $2 AND a.tool_name = $3 AND a.input_sha256 = $4
             AND NOT EXISTS (SELECT 1 FROM permission_decisions d
               WHERE d.session_id = a.session_id AND d.decision = 'allow' AND d.approval_id = a.id)
             ORDER BY a.sequence LIMIT 1",
            Approval::columns_of("a")
        );
        let values = params![session, tool_name, *input_sha256];
        self.scope.find(&sql, values, |row| Approval::from_columns(&mut row.columns()))
    }
}

impl Approvals<'_, Tx<'_>> {
    /// Answers an approval and gives the entry of its session's timeline. Of several who answer at once, the first wins.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when it is not there; [`StoreError::Conflict`] when it has its answer, when the time for
    /// this one is over or has not come, or when somebody else was faster.
    pub fn answer(&self, id: ApprovalId, answer: &ApprovalAnswer) -> Result<TimelineEntry, StoreError> {
        let approval = self.find(id)?.ok_or_else(|| missing::<Approval>(id))?;
        let session = approval.session_id;
        let entries = settle(self.scope, session, vec![approval], answer)?;
        entries.into_iter().next().ok_or_else(|| StoreError::corrupt("an answer made no entry"))
    }

    /// Cancels what a session asked and nobody answered.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn cancel_pending(
        &self,
        session: SessionId,
        decided_by: &str,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let sql = format!(
            "SELECT {} FROM approvals
             WHERE team_id = $1 AND session_id = $2 AND status = 'pending' ORDER BY sequence",
            Approval::COLUMNS
        );
        let pending =
            self.scope.query(&sql, params![session], |row| Approval::from_columns(&mut row.columns()))?;
        let verdict = ApprovalVerdict::Cancelled;
        let answer = ApprovalAnswer { verdict, decided_by: decided_by.to_owned(), note: None, at };
        settle(self.scope, session, pending, &answer).map(drop)
    }
}

/// Approvals of all teams whose time to answer is over, for the process that says so.
#[derive(Debug, Clone, Copy)]
pub struct DueApprovals<'c, C> {
    pub(super) conn: &'c C,
}

impl<C: Reads> DueApprovals<'_, C> {
    /// Whether any is due.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn has_due(&self, at: Timestamp) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM approvals WHERE status = 'pending' AND expires_at <= $1 LIMIT 1";
        Ok(self.conn.conn().find(sql, params![at], |row| row.get::<i64>(0))?.is_some())
    }
}

impl DueApprovals<'_, Tx<'_>> {
    /// Lets approvals expire whose time was over at `at`, at most `limit`, and gives them as they are now. Sessions that are
    /// being changed at this moment are left for the next time, so several processes may do this at once.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn expire(&self, decided_by: &str, at: Timestamp, limit: u32) -> Result<Vec<Approval>, StoreError> {
        let answer = ApprovalAnswer {
            verdict: ApprovalVerdict::Expired,
            decided_by: decided_by.to_owned(),
            note: None,
            at,
        };
        let mut expired = Vec::new();
        for (team, session) in self.sessions(at, limit)? {
            let left = limit.saturating_sub(u32::try_from(expired.len()).unwrap_or(u32::MAX));
            let due = self.hold_due(session, at, left)?;
            let entries = settle(self.conn.team(team), session, due, &answer)?;
            expired.extend(entries.into_iter().filter_map(|entry| match entry.item {
                TimelineItem::Approval(approval) => Some(approval),
                _ => None,
            }));
        }
        Ok(expired)
    }

    fn sessions(&self, at: Timestamp, limit: u32) -> Result<BTreeSet<(TeamId, SessionId)>, StoreError> {
        let sql = "SELECT a.team_id, a.session_id FROM approvals a
             WHERE a.status = 'pending' AND a.expires_at <= $1 AND EXISTS
               (SELECT 1 FROM sessions s WHERE s.id = a.session_id AND (s.deleted_at IS NULL) IS TRUE)
             ORDER BY a.expires_at LIMIT $2";
        let rows = self.conn.query(sql, params![at, limit], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.into_iter().collect())
    }

    /// The session's due approvals, nobody else changing the session any more. Whoever changes a session takes its row
    /// first; so does this, or the two could wait for each other.
    fn hold_due(&self, session: SessionId, at: Timestamp, limit: u32) -> Result<Vec<Approval>, StoreError> {
        let hold = self.conn.pick(
            "SELECT id FROM sessions WHERE id = $1 AND (deleted_at IS NULL) IS TRUE",
            "SELECT id FROM sessions WHERE id = $1 AND (deleted_at IS NULL) IS TRUE FOR NO KEY UPDATE SKIP LOCKED",
        );
        if self.conn.find(hold, params![session], |row| row.get::<SessionId>(0))?.is_none() {
            return Ok(Vec::new());
        }
        let sql = format!(
            "SELECT {} FROM approvals WHERE session_id = $1 AND status = 'pending' AND expires_at <= $2
             ORDER BY sequence LIMIT $3",
            Approval::COLUMNS
        );
        self.conn.query(&sql, params![session, at, limit], |row| Approval::from_columns(&mut row.columns()))
    }
}

/// Gives pending approvals of one session their answer, each with its number in the timeline.
fn settle(
    scope: Scope<'_, Tx<'_>>,
    session_id: SessionId,
    approvals: Vec<Approval>,
    answer: &ApprovalAnswer,
) -> Result<Vec<TimelineEntry>, StoreError> {
    let settled = approvals.into_iter().map(|approval| {
        let id = approval.id;
        let answered = approval.answered(answer.clone());
        answered.map_err(|error| StoreError::Conflict { what: format!("approval {id}: {error}") })
    });
    let items: Vec<_> = settled
        .map(|approval| Ok((Change::Updated, TimelineItem::Approval(approval?))))
        .collect::<Result<_, StoreError>>()?;
    if items.is_empty() {
        return Ok(Vec::new());
    }
    let update = SessionUpdate::default();
    scope.sessions().change(SessionChange { session_id, guard: Guard::Anyone, at: answer.at, update, items })
}

/// Adds an approval to a session of its team.
pub(super) fn insert(tx: &Tx<'_>, approval: &Approval) -> Result<(), StoreError> {
    let values = approval.values();
    let places = values.iter().map(|_| "?").collect::<Vec<_>>().join(", ");
    let insert = format!("INSERT INTO approvals ({}) SELECT {places}", Approval::COLUMNS);
    let mut statement = Statement::new(&insert, values);
    let parent = [approval.session_id.to_value(), approval.team_id.to_value()];
    statement.push(" FROM sessions WHERE id = ? AND team_id = ?", parent);
    match tx.execute(statement.text(), statement.values())? {
        0 => Err(StoreError::Conflict {
            what: format!("approval {} is of another team than its session", approval.id),
        }),
        _ => Ok(()),
    }
}

/// Writes an answer where there is none yet.
pub(super) fn update(tx: &Tx<'_>, approval: &Approval) -> Result<(), StoreError> {
    let settled = ApprovalStatus::Pending.transition_to(approval.status);
    settled.map_err(|error| StoreError::Conflict { what: format!("approval {}: {error}", approval.id) })?;
    let sql =
        "UPDATE approvals SET status = $1, decided_by = $2, decided_at = $3, note = $4, updated_input = $5,
         updated_at = $6 WHERE id = $7 AND session_id = $8 AND status = 'pending'";
    let values = params![
        approval.status,
        approval.decided_by,
        approval.decided_at,
        approval.note,
        approval.updated_input,
        approval.updated_at,
        approval.id,
        approval.session_id,
    ];
    tx.execute_one(&format!("approval {}", approval.id), sql, values)
}
