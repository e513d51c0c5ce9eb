//! A change on its way into the store, also when the database is away for a while.

use domain::{
    id::{SessionId, TeamId},
    session_status::SessionStatus,
    time::Timestamp,
    timeline::TimelineEntry,
};
use store::{Scope, SessionChange, StoreError, Tx};

use super::{
    AGENT,
    draft::{Beside, close_unheard, last_status},
};
use crate::{App, patience::patiently};

/// Makes a change, trying again for a while when the database is away: an agent's work is not lost to a restart of it. A
/// commit whose answer was lost is looked up first, so that nothing is recorded twice.
pub(super) async fn commit(
    app: &App,
    team: TeamId,
    change: SessionChange,
    beside: Beside,
) -> Result<Vec<TimelineEntry>, StoreError> {
    let mut is_repeated = false;
    patiently(|| {
        let (change, beside) = (change.clone(), beside.clone());
        let is_repeated = std::mem::replace(&mut is_repeated, true);
        async move {
            let recorded = if is_repeated { find_recorded(app, team, &change).await? } else { None };
            match recorded {
                Some(entries) => Ok(entries),
                None => attempt(app, team, change, beside).await,
            }
        }
    })
    .await
}

async fn attempt(
    app: &App,
    team: TeamId,
    change: SessionChange,
    beside: Beside,
) -> Result<Vec<TimelineEntry>, StoreError> {
    app.store().write(move |tx: &Tx<'_>| make(tx, team, change, beside)).await
}

/// Makes a change in a transaction that does more than that, or only that.
pub(super) fn make(
    tx: &Tx<'_>,
    team: TeamId,
    mut change: SessionChange,
    beside: Beside,
) -> Result<Vec<TimelineEntry>, StoreError> {
    beside.deeds.into_iter().try_for_each(|deed| deed.append(tx))?;
    let team = tx.team(team);
    if change.update.release_lease {
        // Nobody tells it anything while this looks.
        team.sessions().hold(change.session_id, change.guard)?;
        let open = team.timeline().list_open_commands(change.session_id)?;
        close_unheard(&mut change.items, &open, change.at);
    }
    let (session, at) = (change.session_id, change.at);
    let entries = team.sessions().change(change)?;
    cancel_unanswered(&team, session, &entries, at)?;
    team.costs().insert_all(&beside.costs)?;
    team.metrics().insert_all(&beside.metrics)?;
    Ok(entries)
}

/// Nobody uses an answer to what a session asked that is over.
pub(in crate::session) fn cancel_unanswered(
    team: &Scope<'_, Tx<'_>>,
    session: SessionId,
    entries: &[TimelineEntry],
    at: Timestamp,
) -> Result<(), StoreError> {
    if last_status(entries).is_some_and(SessionStatus::is_final) {
        team.approvals().cancel_pending(session, &AGENT.to_string(), at)?;
    }
    Ok(())
}

/// The entries of a change that was committed before its answer was lost.
pub(super) async fn find_recorded(
    app: &App,
    team: TeamId,
    change: &SessionChange,
) -> Result<Option<Vec<TimelineEntry>>, StoreError> {
    let Some((_, first)) = change.items.first() else { return Ok(None) };
    let (session, row, at) = (change.session_id, *first.row_id(), change.at);
    let count = u32::try_from(change.items.len()).unwrap_or(u32::MAX);
    let find = move |conn: &store::Conn| {
        let timeline = conn.team(team).timeline();
        let Some(sequence) = timeline.find_sequence(session, row, at)? else { return Ok(None) };
        timeline.list(session, sequence - 1, count).map(Some)
    };
    app.store().scan(find).await
}
