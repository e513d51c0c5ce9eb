//! Mirrors of agent programs' transcripts.

use domain::{
    id::SessionId,
    session::Session,
    time::Timestamp,
    transcript::{TranscriptPath, TranscriptPiece, TranscriptSegment},
};

use super::{Reads, session::Guard};
use crate::{
    conn::Tx,
    error::StoreError,
    record::Record,
    scope::{Scope, below},
    value::{Columns, Value, params, stored_words},
};

stored_words! { TranscriptPath }

/// Transcripts of a team's sessions.
#[derive(Debug, Clone, Copy)]
pub struct Transcripts<'c, C> {
    pub(super) scope: Scope<'c, C>,
}

impl<C: Reads> Transcripts<'_, C> {
    /// The pieces of a file from one place on, `from` included, at most `limit`, in their order.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list(
        &self,
        session: SessionId,
        path: &TranscriptPath,
        from: i64,
        limit: u32,
    ) -> Result<Vec<TranscriptSegment>, StoreError> {
        let sql = format!(
            "SELECT {} FROM transcript_segments t WHERE {} AND t.session_id = $2 AND t.path_key = $3 AND t.ordinal >= $4
             ORDER BY t.ordinal LIMIT $5",
            TranscriptSegment::columns_of("t"),
            below::<Session>("t.session_id")
        );
        self.scope.query(&sql, params![session, *path, from, limit], |row| {
            TranscriptSegment::from_columns(&mut row.columns())
        })
    }

    /// The files of a session's transcript, with the number of their pieces.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list_paths(&self, session: SessionId) -> Result<Vec<(TranscriptPath, i64)>, StoreError> {
        let sql = format!(
            "SELECT t.path_key, count(*) FROM transcript_segments t WHERE {} AND t.session_id = $2
             GROUP BY t.path_key ORDER BY t.path_key",
            below::<Session>("t.session_id")
        );
        self.scope.query(&sql, params![session], |row| Ok((row.get(0)?, row.get(1)?)))
    }
}

impl Transcripts<'_, Tx<'_>> {
    /// Adds a piece at the end of a file and gives its place there.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] when the session is not the one of this fence's owner any more.
    pub fn append(
        &self,
        session: SessionId,
        fence: i64,
        path: &TranscriptPath,
        piece: TranscriptPiece,
        at: Timestamp,
    ) -> Result<i64, StoreError> {
        // Also so that places are given one by one.
        self.scope.sessions().hold(session, Guard::Fence(fence))?;
        let sql = format!(
            "SELECT coalesce(max(t.ordinal) + 1, 0) FROM transcript_segments t
             WHERE {} AND t.session_id = $2 AND t.path_key = $3",
            below::<Session>("t.session_id")
        );
        let ordinal = self.scope.scalar(&sql, params![session, *path])?;
        let path_key = path.clone();
        let segment = TranscriptSegment { session_id: session, path_key, ordinal, piece, created_at: at };
        self.scope.tx().insert(&segment)?;
        Ok(ordinal)
    }

    /// Puts other pieces in the place of all of a file: an agent program that rewrites its transcript, or one that was packed
    /// better. Without pieces, the file is gone.
    ///
    /// # Errors
    /// As [`Transcripts::append`].
    pub fn replace(
        &self,
        session: SessionId,
        fence: i64,
        path: &TranscriptPath,
        pieces: Vec<TranscriptPiece>,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        self.scope.sessions().hold(session, Guard::Fence(fence))?;
        let sql = "DELETE FROM transcript_segments WHERE session_id = $1 AND path_key = $2";
        self.scope.tx().execute(sql, params![session, *path])?;
        let segments: Vec<_> = (0..)
            .zip(pieces)
            .map(|(ordinal, piece)| TranscriptSegment {
                session_id: session,
                path_key: path.clone(),
                ordinal,
                piece,
                created_at: at,
            })
            .collect();
        self.scope.tx().insert_all(&segments)
    }
}

impl Record for TranscriptSegment {
    const TABLE: &'static str = "transcript_segments";
    const COLUMNS: &'static str = "session_id, path_key, ordinal, bytes, size_bytes, created_at";

    fn values(&self) -> Vec<Value<'_>> {
        let TranscriptSegment { session_id, path_key, ordinal, piece, created_at } = self;
        params![*session_id, *path_key, *ordinal]
            .iter()
            .cloned()
            .chain([
                Value::Bytes(piece.bytes.as_slice().into()),
                Value::Int(i64::from(piece.size_bytes)),
                Value::Time(*created_at),
            ])
            .collect()
    }

    fn from_columns(columns: &mut Columns<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            session_id: columns.next()?,
            path_key: columns.next()?,
            ordinal: columns.next()?,
            piece: TranscriptPiece { bytes: columns.next()?, size_bytes: columns.next()? },
            created_at: columns.next()?,
        })
    }
}
