//! One session as a bundle: all its rows out of one database and into a team of another.

use std::{
    collections::{BTreeMap, HashMap},
    io::{BufRead, Write},
};

use domain::{
    digest::Sha256Digest,
    id::{SessionId, TeamId, UserId},
    money::MicroUsd,
    session::Session,
    time::Timestamp,
};
use serde_json::value::{RawValue, to_raw_value};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{
    END, Footer, Header, SESSION_FORMAT, Summary, TableSummary, TransferError,
    line::{self, Fields, RowLine},
    lines::Lines,
    order::{self, Ordered},
    rows::Rows,
};
use crate::{
    conn::{Conn, Tx},
    error::StoreError,
    migration,
    repository::{check, search_backlog},
    schema::Kind,
    scope::missing,
    value::params,
};

const SESSIONS: &str = "sessions";

/// The tables whose rows belong to a session, and go with it.
const BUNDLED: &[&str] = &[
    "agent_instances",
    "approvals",
    "checkpoints",
    "cost_entries",
    "hook_executions",
    "messages",
    "permission_decisions",
    "session_commands",
    "session_events",
    "session_metrics_snapshots",
    "session_state",
    "session_transitions",
    SESSIONS,
    "tool_calls",
    "transcript_segments",
];

/// What else names a session, and stays: it belongs to somebody else.
#[cfg(test)]
const STAYS: &[&str] = &[
    "audit_log",
    "budget_reservations",
    "memory_log",
    "memory_uses",
    "message_search",
    "metrics",
    "search_pending",
    "tasks",
    "working_directory_archives",
];

/// The columns that name something beside the session, and the table where it is, or is not, when the bundle comes.
const OUTSIDE: &[(&str, &str)] = &[
    ("agent_id", "agents"),
    ("archive_id", "working_directory_archives"),
    ("parent_session_id", SESSIONS),
    ("task_id", "tasks"),
    ("template_id", "session_templates"),
    ("user_id", "team_memberships"),
];

/// What stays when a session is removed for good.
const OUTLIVING: &[&str] = &["cost_entries", "permission_decisions"];

/// The columns that hold an id of ours, in the one way of writing it: elsewhere an id may be a text like any other.
const IDS: &[&str] =
    &["approval_id", "id", "message_id", "parent_message_id", "row_id", "session_id", "tool_call_id"];

/// The most of anything that is counted, so that sums of it stay sums.
const MOST: i64 = MicroUsd::LARGEST.as_micros();

/// What a session had where it ran, and has not where it is brought: an owner, a place in a queue, files.
const LEFT_BEHIND: &[(&str, &str)] = &[
    (SESSIONS, "lease_owner"),
    (SESSIONS, "lease_expires_at"),
    (SESSIONS, "queued_at"),
    (SESSIONS, "next_attempt_at"),
    ("checkpoints", "file_snapshot"),
];

/// Who takes a session in.
#[derive(Debug, Clone)]
pub struct Receiver {
    /// The team it belongs to from then on.
    pub team_id: TeamId,
    /// Whose it is, when the person it belonged to is not of the team.
    pub user_id: UserId,
    /// Where its agent works from then on; otherwise where it worked.
    pub working_directory: Option<String>,
}

/// Writes a session as it is at this moment, with everything that belongs to it.
///
/// # Errors
/// [`TransferError`]; [`StoreError::Missing`] in it when the team has no such session.
pub fn export_session(
    conn: &Conn,
    team: TeamId,
    session: SessionId,
    out: &mut dyn Write,
    exported_at: Timestamp,
) -> Result<Summary, TransferError> {
    let header = Header::new(conn.pick("sqlite", "postgres"), exported_at, Some(session));
    let summary = conn.in_snapshot(|| {
        let schema = migration::version(conn)?;
        if schema != migration::LATEST {
            return Err(TransferError::OtherSchema { found: schema, known: migration::LATEST });
        }
        conn.team(team).sessions().find(session)?.ok_or_else(|| missing::<Session>(session))?;
        write_line(out, &header)?;
        let mut summary = Summary::default();
        for Ordered { table, .. } in bundled(conn)? {
            let own = if table.name == SESSIONS { "id" } else { "session_id" };
            let condition = format!("{own} = '{session}'");
            let rows = line::each(conn, &table, Some(&condition), |line| Ok(out.write_all(line)?))?;
            if rows.rows > 0 {
                summary.rows += rows.rows;
                summary.tables.insert(table.name, rows);
            }
        }
        Ok::<_, TransferError>(summary)
    })?;
    let footer = Footer { end: summary };
    write_line(out, &footer)?;
    out.flush()?;
    Ok(footer.end)
}

fn write_line(out: &mut dyn Write, line: &impl serde::Serialize) -> Result<(), TransferError> {
    serde_json::to_writer(&mut *out, line).map_err(std::io::Error::from)?;
    Ok(out.write_all(b"\n")?)
}

/// Reads a bundle into a team. The session and its rows keep their ids and times; they belong to the team, and what they name
/// beside the session is kept where the team has it. Nobody owns the session and it waits for nobody, whatever its status says.
/// It belongs into one unit of work: then an error leaves nothing behind. What can be found by its words is then left to
/// [`Store::index_waiting`](crate::Store::index_waiting).
///
/// # Errors
/// [`TransferError`]: another version, a wrong line, rows that are not of this session; [`StoreError::Conflict`] in it when
/// the session is here already.
pub fn import_session(
    tx: &Tx<'_>,
    receiver: &Receiver,
    input: &mut dyn BufRead,
) -> Result<SessionId, TransferError> {
    let mut lines = Lines::of(input);
    let header = lines.header(SESSION_FORMAT)?;
    if header.schema > migration::LATEST {
        let (found, known) = (header.schema, migration::LATEST);
        return Err(TransferError::OtherVersion { what: "schema version", found, known });
    }
    let session = header.session.ok_or_else(|| lines.wrong("the bundle names no session"))?;
    refuse_present(tx, session)?;
    let mut import = Import {
        tx,
        receiver,
        session,
        rows: Rows::begin(tx, bundled(tx)?)?,
        sums: BTreeMap::new(),
        present: HashMap::new(),
    };
    let footer = loop {
        if lines.next_of_whole()?.starts_with(END) {
            break lines.parse::<Footer>()?.end;
        }
        import.add(&lines)?;
    };
    lines.end()?;
    import.end(&footer)?;
    Ok(session)
}

/// The tables of a bundle in their order. What sessions themselves refer to is outside, other sessions too.
fn bundled(conn: &Conn) -> Result<Vec<Ordered>, StoreError> {
    let mut tables = order::of(conn)?;
    tables.retain(|ordered| BUNDLED.contains(&ordered.table.name.as_str()));
    for Ordered { table, late } in &mut tables {
        late.retain(|column| OUTSIDE.iter().all(|(outside, _)| outside != column));
        table.references.retain(|reference| BUNDLED.contains(&reference.table.as_str()));
    }
    Ok(tables)
}

fn refuse_present(tx: &Tx<'_>, session: SessionId) -> Result<(), StoreError> {
    let present = tx.query("SELECT 1 FROM sessions WHERE id = $1", params![session], |_| Ok(()))?;
    if present.is_empty() {
        return Ok(());
    }
    Err(StoreError::Conflict { what: format!("session {session} is here already") })
}

struct Import<'x, 't> {
    tx: &'x Tx<'t>,
    receiver: &'x Receiver,
    session: SessionId,
    rows: Rows<'x, 't>,
    /// Rows of each table so far, and their digest.
    sums: BTreeMap<String, (u64, Sha256)>,
    /// What was looked up: whether the team has it.
    present: HashMap<(&'static str, Uuid), bool>,
}

impl Import<'_, '_> {
    fn add(&mut self, lines: &Lines<'_>) -> Result<(), TransferError> {
        let RowLine { t, mut r } = lines.parse()?;
        let is_first = !self.sums.contains_key(&t);
        let (count, digest) = self.sums.entry(t.clone()).or_default();
        *count += 1;
        digest.update(lines.text());
        if is_first {
            self.accept_columns(&t, &r);
        }
        self.adopt(&t, &mut r).map_err(|error| in_line(error, lines.number(), &t))?;
        if self.has_outlived(&t, &r)? {
            return Ok(());
        }
        self.rows.add(RowLine { t, r }, lines.number(), lines.text().len())
    }

    /// What stays when a session is purged is here already when it is brought back.
    fn has_outlived(&self, table: &str, fields: &Fields) -> Result<bool, TransferError> {
        if !OUTLIVING.contains(&table) {
            return Ok(false);
        }
        // Costs no longer name the session, decisions go on to.
        let (column, whose) = match table {
            "permission_decisions" => ("session_id", *self.session.as_uuid()),
            _ => ("team_id", *self.receiver.team_id.as_uuid()),
        };
        let sql = format!("SELECT 1 FROM {table} WHERE id = $1 AND {column} = $2");
        let found = self.tx.query(&sql, params![id(fields, "id")?, whose], |_| Ok(()))?;
        Ok(!found.is_empty())
    }

    /// A bundle of an older schema lacks columns: the database fills them.
    fn accept_columns(&mut self, table: &str, fields: &Fields) {
        let found = self.rows.tables.iter_mut().find(|ordered| ordered.table.name == table);
        if let Some(Ordered { table, .. }) = found {
            table.columns.retain(|column| {
                (column.kind == Kind::Json && !column.is_required) || fields.contains_key(&column.name)
            });
        }
    }

    /// Makes a row one of the receiver's.
    fn adopt(&mut self, table: &str, fields: &mut Fields) -> Result<(), TransferError> {
        let own = if table == SESSIONS { "id" } else { "session_id" };
        if id(fields, own)? != Some(*self.session.as_uuid()) {
            return Err(wrong(own, "is not the session that the first line names"));
        }
        for column in IDS {
            id(fields, column)?;
        }
        refuse_immeasurable(fields)?;
        set(fields, "team_id", &self.receiver.team_id)?;
        for (_, column) in LEFT_BEHIND.iter().filter(|(of, _)| *of == table) {
            set(fields, column, &())?;
        }
        for &(column, of) in OUTSIDE {
            let Some(named) = id(fields, column)? else { continue };
            if !self.has(of, named)? {
                set(fields, column, &())?;
            }
        }
        if table == SESSIONS {
            if id(fields, "user_id")?.is_none() {
                set(fields, "user_id", &self.receiver.user_id)?;
            }
            if id(fields, "agent_id")?.is_none() {
                set(fields, "agent_version", &())?;
            }
            if let Some(folder) = &self.receiver.working_directory {
                set(fields, "working_directory", folder)?;
            }
        }
        Ok(())
    }

    /// Whether the team has what a row names.
    fn has(&mut self, table: &'static str, id: Uuid) -> Result<bool, StoreError> {
        if let Some(known) = self.present.get(&(table, id)) {
            return Ok(*known);
        }
        let condition = match table {
            "team_memberships" => "user_id = $1",
            "working_directory_archives" => "id = $1",
            _ => "id = $1 AND deleted_at IS NULL",
        };
        let sql = format!("SELECT 1 FROM {table} WHERE {condition} AND team_id = $2");
        let found = self.tx.query(&sql, params![id, self.receiver.team_id], |_| Ok(()))?;
        self.present.insert((table, id), !found.is_empty());
        Ok(!found.is_empty())
    }

    fn end(self, footer: &Summary) -> Result<(), TransferError> {
        let Self { tx, receiver, session, rows, sums, .. } = self;
        let tables = sums.into_iter().map(|(name, (rows, digest))| {
            (name, TableSummary { rows, sha256: Sha256Digest::from_bytes(digest.finalize().into()) })
        });
        let tables: BTreeMap<_, _> = tables.collect();
        let names = tables.keys().chain(footer.tables.keys());
        for name in names {
            if tables.get(name) != footer.tables.get(name) {
                return Err(differs(name, "their number or digest is another"));
            }
        }
        if !tables.contains_key(SESSIONS) {
            return Err(differs(SESSIONS, "the session itself is missing"));
        }
        let tables = rows.end()?;
        refuse_foreign(tx, session, &tables)?;
        refuse_gaps(tx, session)?;
        refuse_unreadable(tx, receiver.team_id, session)?;
        Ok(search_backlog::enqueue(&tx.team(receiver.team_id), session)?)
    }
}

/// Whatever a row of the bundle leads to is of the same session: nobody reads another's rows through a bundle that was made up.
fn refuse_foreign(tx: &Tx<'_>, session: SessionId, tables: &[Ordered]) -> Result<(), TransferError> {
    for Ordered { table, .. } in tables {
        for reference in table.references.iter().filter(|reference| reference.table != SESSIONS) {
            let (name, column, to) = (&table.name, &reference.column, &reference.table);
            let sql = format!(
                "SELECT count(*) FROM {name} r WHERE r.session_id = $1 AND r.{column} IS NOT NULL
                 AND NOT EXISTS (SELECT 1 FROM {to} t WHERE t.id = r.{column} AND t.session_id = r.session_id)"
            );
            if tx.scalar::<i64>(&sql, params![session])? > 0 {
                return Err(differs(name, &format!("{column} leads to another session")));
            }
        }
    }
    for (kind, table) in check::timeline::KINDS {
        let sql = format!(
            "SELECT count(*) FROM session_events e WHERE e.session_id = $1 AND e.kind = '{kind}' AND e.change <> 'removed'
             AND NOT EXISTS (SELECT 1 FROM {table} t WHERE t.id = e.row_id AND t.session_id = e.session_id)
             AND NOT EXISTS (SELECT 1 FROM session_events g
                             WHERE g.session_id = e.session_id AND g.row_id = e.row_id AND g.change = 'removed')"
        );
        if tx.scalar::<i64>(&sql, params![session])? > 0 {
            return Err(differs("session_events", &format!("not every {kind} is a row of the session")));
        }
    }
    Ok(())
}

/// Everything can be read as what it says it is.
fn refuse_unreadable(tx: &Tx<'_>, team: TeamId, session: SessionId) -> Result<(), TransferError> {
    const PAGE: u32 = 500;
    let unreadable = |error: StoreError| match error {
        StoreError::Unavailable { .. } => TransferError::Store(error),
        error => differs("session_events", &error.to_string()),
    };
    let team = tx.team(team);
    let mut after = 0;
    loop {
        let entries = team.timeline().list(session, after, PAGE).map_err(unreadable)?;
        let Some(last) = entries.last() else { break };
        after = last.sequence;
    }
    team.session_state().list(session).map_err(unreadable)?;
    team.transcripts().list_paths(session).map_err(unreadable)?;
    team.checkpoints().list_of_session(session, None, PAGE).map_err(unreadable)?;
    Ok(())
}

fn refuse_gaps(tx: &Tx<'_>, session: SessionId) -> Result<(), TransferError> {
    let sql = "SELECT coalesce(max(sequence), 0) - count(*) FROM session_events WHERE session_id = $1";
    let gaps: i64 = tx.scalar(sql, params![session])?;
    let sql = "SELECT s.next_sequence - 1 - (SELECT count(*) FROM session_events e WHERE e.session_id = s.id)
         FROM sessions s WHERE s.id = $1";
    let beyond: i64 = tx.scalar(sql, params![session])?;
    if gaps != 0 || beyond != 0 {
        return Err(differs("session_events", "their numbers have gaps"));
    }
    Ok(())
}

/// The id in a field; `None` when there is none.
fn id(fields: &Fields, column: &str) -> Result<Option<Uuid>, TransferError> {
    let Some(field) = fields.get(column) else { return Ok(None) };
    let text: Option<String> = serde_json::from_str(field.get()).map_err(|_| wrong(column, "is no id"))?;
    let Some(text) = text else { return Ok(None) };
    match text.parse::<Uuid>() {
        Ok(id) if id.to_string() == text => Ok(Some(id)),
        _ => Err(wrong(column, &format!("{text:?} is no id"))),
    }
}

fn refuse_immeasurable(fields: &Fields) -> Result<(), TransferError> {
    let is_counted = |name: &str| name.ends_with("_tokens") || name.ends_with("_usd_micros");
    for (name, field) in fields.iter().filter(|(name, _)| is_counted(name)) {
        let number: Option<i64> =
            serde_json::from_str(field.get()).map_err(|_| wrong(name, "is no whole number"))?;
        if number.is_some_and(|number| !(0..=MOST).contains(&number)) {
            return Err(wrong(name, &format!("is not between 0 and {MOST}")));
        }
    }
    Ok(())
}

/// Sets a field that a row has.
fn set(fields: &mut Fields, column: &str, value: &impl serde::Serialize) -> Result<(), TransferError> {
    if let Some(field) = fields.get_mut(column) {
        let raw: Box<RawValue> = to_raw_value(value).map_err(|error| wrong(column, &error.to_string()))?;
        *field = raw;
    }
    Ok(())
}

fn wrong(field: &str, what: &str) -> TransferError {
    TransferError::Line { line: 0, table: None, field: Some(field.to_owned()), what: what.to_owned() }
}

/// Says where it was wrong.
fn in_line(error: TransferError, line: u64, table: &str) -> TransferError {
    match error {
        TransferError::Line { field, what, .. } => {
            TransferError::Line { line, table: Some(table.to_owned()), field, what }
        }
        error => error,
    }
}

fn differs(table: &str, what: &str) -> TransferError {
    TransferError::Differs { table: table.to_owned(), what: what.to_owned() }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{Database, Migrate, OpenOptions, SqliteFile, Store, WhenMissing, schema};

    #[tokio::test]
    async fn whatever_names_a_session_goes_with_it_or_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = SqliteFile {
            path: folder.path().join("x.db"),
            when_missing: WhenMissing::Create,
            busy_timeout: Duration::from_secs(1),
        };
        let migrate = Migrate::Forward(Timestamp::from_micros(0));
        let store = Store::open(OpenOptions::new(Database::Sqlite(file), migrate)).expect("opens");
        let tables = store.scan(schema::tables).await.expect("read");
        let named: Vec<_> = tables
            .iter()
            .filter(|table| table.name == SESSIONS || table.column("session_id").is_some())
            .map(|table| table.name.as_str())
            .collect();
        let mut known = [BUNDLED, STAYS].concat();
        known.sort_unstable();
        assert_eq!(named, known);
        // What a row of a bundle names is in the bundle, is the team, or is looked up.
        let bundled = tables.iter().filter(|table| BUNDLED.contains(&table.name.as_str()));
        for reference in bundled.flat_map(|table| &table.references) {
            let is_outside = OUTSIDE.iter().any(|(column, _)| *column == reference.column);
            let is_inside = reference.table == SESSIONS || BUNDLED.contains(&reference.table.as_str());
            assert!(is_outside || is_inside || reference.column == "team_id", "{reference:?}");
        }
    }
}
