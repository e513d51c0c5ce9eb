//! Checkpoints: named places in a session that work can go back to, in a fork.

use std::{io, path::PathBuf};

use domain::{
    audit_action::AuditAction,
    checkpoint::Checkpoint,
    id::{CheckpointId, SessionId},
    name::Name,
    session::Session,
    session_state::StateKey,
    session_status::SessionStatus,
};
use serde_json::{Map, Value, json};
use store::{Cursor, Guard, Page, StoreError, Tx};

use super::{ForkSession, ForkSessionError, Forked, History};
use crate::{App, Caller, folder};

/// Why nothing was done about a checkpoint.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// There is none of this id in the caller's team.
    #[error("there is no session {0}")]
    NotFound(SessionId),
    /// It is out of daily use.
    #[error("session {0} is archived")]
    Archived(SessionId),
    /// The session has no checkpoint of this name or id.
    #[error("session {session} has no checkpoint {checkpoint}")]
    NoCheckpoint {
        /// The session.
        session: SessionId,
        /// As it was named.
        checkpoint: String,
    },
    /// The files.
    #[error("the folder cannot be copied: {0}")]
    Files(#[from] io::Error),
    /// The fork that goes on from it.
    #[error(transparent)]
    Fork(#[from] ForkSessionError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl App {
    /// Notes where a session is: what was said, what is kept under its keys and, below `snapshots`, the files of its folder.
    ///
    /// # Errors
    /// See [`CheckpointError`].
    pub async fn create_checkpoint(
        &self,
        caller: Caller,
        session: SessionId,
        name: Name,
        snapshots: Option<PathBuf>,
    ) -> Result<Checkpoint, CheckpointError> {
        let (found, state, before) = self.read_for_checkpoint(caller, session).await?;
        let id = CheckpointId::from_uuid(self.next_id());
        let snapshot = snapshots.map(|folder| folder.join(id.to_string()));
        if let Some(snapshot) = snapshot.clone() {
            folder::copy_whole(found.working_directory.clone().into(), snapshot).await?;
        }
        let checkpoint = Checkpoint {
            id,
            team_id: caller.team_id,
            session_id: Some(session),
            task_id: found.task_id,
            name,
            iteration: before,
            state: json!({ "state": state }),
            message_sequence: Some(found.next_sequence - 1),
            file_snapshot: snapshot.as_ref().map(|folder| folder.to_string_lossy().into_owned()),
            created_by: caller.to_string(),
            created_at: self.now(),
        };
        let deed = self.deed(caller, AuditAction::CheckpointCreate).on(id).in_session(session);
        let deed = deed.with("name", checkpoint.name.as_str());
        let insert = move |tx: &Tx<'_>| {
            tx.team(caller.team_id).checkpoints().insert(&checkpoint, Guard::Anyone)?;
            deed.append(tx)?;
            Ok(checkpoint)
        };
        let made = self.store().write(insert).await;
        // It may be stored when only the answer was lost, and then it needs its files.
        let is_refused = match &made {
            Err(CheckpointError::Store(error)) => !error.is_retryable(),
            outcome => outcome.is_err(),
        };
        if let Some(snapshot) = snapshot.filter(|_| is_refused) {
            folder::discard(snapshot).await;
        }
        made
    }

    /// A page of a session's checkpoints, newest first.
    ///
    /// # Errors
    /// See [`CheckpointError`].
    pub async fn list_checkpoints(
        &self,
        caller: Caller,
        session: SessionId,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<Checkpoint>, CheckpointError> {
        let list = move |conn: &store::Conn| {
            let team = conn.team(caller.team_id);
            team.sessions().find(session)?.ok_or(CheckpointError::NotFound(session))?;
            Ok(team.checkpoints().list_of_session(session, after, limit)?)
        };
        self.store().read(list).await
    }

    /// Makes a fork that begins where a session was at a checkpoint: its history until then, its state, and its files as they
    /// were, if they were kept; otherwise as they are now. The checkpoint is named by its id or its name; of several of one
    /// name the newest counts.
    ///
    /// # Errors
    /// See [`CheckpointError`].
    pub async fn restore_checkpoint(
        &self,
        caller: Caller,
        session: SessionId,
        checkpoint: String,
        folder: PathBuf,
        name: Option<String>,
    ) -> Result<Forked, CheckpointError> {
        let (found, checkpoint) = self.find_checkpoint(caller, session, checkpoint).await?;
        let files = checkpoint.file_snapshot.clone().unwrap_or(found.working_directory);
        let history = History::Until(checkpoint.message_sequence.unwrap_or(i64::MAX));
        let kept = checkpoint.state.get("state").and_then(Value::as_object);
        let state = kept.into_iter().flatten().map(state_of).collect::<Result<_, _>>()?;
        let fork = ForkSession { parent: session, history, folder, files: Some(files.into()), name, state };
        let deed = self.deed(caller, AuditAction::CheckpointRestore).on(checkpoint.id).in_session(session);
        Ok(self.fork_by(caller, fork, Some(deed)).await?)
    }

    async fn read_for_checkpoint(
        &self,
        caller: Caller,
        id: SessionId,
    ) -> Result<(Session, Map<String, Value>, i64), CheckpointError> {
        let read = move |conn: &store::Conn| {
            let team = conn.team(caller.team_id);
            let session = team.sessions().find(id)?.ok_or(CheckpointError::NotFound(id))?;
            if session.status == SessionStatus::Archived {
                return Err(CheckpointError::Archived(id));
            }
            let state = team.session_state().list(id)?;
            let state = state.into_iter().map(|entry| (entry.key.as_str().to_owned(), entry.value)).collect();
            let last = team.checkpoints().list_of_session(id, None, 1)?.items;
            Ok((session, state, last.first().map_or(0, |last| last.iteration + 1)))
        };
        self.store().read(read).await
    }

    async fn find_checkpoint(
        &self,
        caller: Caller,
        session: SessionId,
        checkpoint: String,
    ) -> Result<(Session, Checkpoint), CheckpointError> {
        const PAGE: u32 = 200;
        let find = move |conn: &store::Conn| {
            let team = conn.team(caller.team_id);
            let found = team.sessions().find(session)?.ok_or(CheckpointError::NotFound(session))?;
            let is_meant =
                |one: &Checkpoint| one.name.as_str() == checkpoint || one.id.to_string() == checkpoint;
            let mut after = None;
            loop {
                let page = team.checkpoints().list_of_session(session, after, PAGE)?;
                if let Some(meant) = page.items.into_iter().find(|one| is_meant(one)) {
                    return Ok((found, meant));
                }
                after = page.next;
                if after.is_none() {
                    return Err(CheckpointError::NoCheckpoint { session, checkpoint });
                }
            }
        };
        self.store().read(find).await
    }
}

fn state_of((key, value): (&String, &Value)) -> Result<(StateKey, Value), StoreError> {
    let invalid = |_| StoreError::Invalid {
        field: "key",
        value: key.clone(),
        accepted: "the key of a state".to_owned(),
    };
    Ok((key.parse().map_err(invalid)?, value.clone()))
}
