//! Rows that sessions refer to, written past the store.

use domain::id::{AgentId, ArchiveId, EpicId, FeatureId, SessionId, TaskId, TeamId};

use crate::{fixture::Fixture, sample};

fn now(fixture: &Fixture) -> &'static str {
    fixture.place().pick("0", "'epoch'")
}

/// An agent in its first version.
pub(crate) fn agent(fixture: &Fixture, team: TeamId) -> AgentId {
    let (id, at) = (AgentId::from_uuid(sample::uuid()), now(fixture));
    let sql = format!(
        "INSERT INTO agents (id, team_id, slug, name, tagline, status, current_version, created_by, created_at, updated_at)
         VALUES ('{id}', '{team}', '{id}', 'Ada', '', 'active', 1, 'system:test', {at}, {at});
         INSERT INTO agent_versions (agent_id, version, dna, created_by, created_at)
         VALUES ('{id}', 1, '{{}}', 'system:test', {at})"
    );
    fixture.place().raw(&sql).unwrap();
    id
}

pub(crate) fn task(fixture: &Fixture, team: TeamId, session: Option<SessionId>) -> TaskId {
    let (id, at) = (TaskId::from_uuid(sample::uuid()), now(fixture));
    let session = session.map_or_else(|| "NULL".to_owned(), |session| format!("'{session}'"));
    let sql = format!(
        "INSERT INTO tasks (id, team_id, key, title, description, status, priority, source, max_retries, session_id,
                            created_at, updated_at)
         VALUES ('{id}', '{team}', '{id}', 'a', '', 'todo', 5, 'human', 0, {session}, {at}, {at})"
    );
    fixture.place().raw(&sql).unwrap();
    id
}

/// A feature with its epic.
pub(crate) fn feature(fixture: &Fixture, team: TeamId) -> (EpicId, FeatureId) {
    let (epic, feature) = (EpicId::from_uuid(sample::uuid()), FeatureId::from_uuid(sample::uuid()));
    let (at, no) = (now(fixture), fixture.place().pick("0", "false"));
    let sql = format!(
        "INSERT INTO epics (id, team_id, key, title, description, status, is_status_overridden, priority, created_at, updated_at)
         VALUES ('{epic}', '{team}', 'E01', 'a', '', 'draft', {no}, 'high', {at}, {at});
         INSERT INTO features (id, team_id, epic_id, key, title, description, status, is_status_overridden, created_at, updated_at)
         VALUES ('{feature}', '{team}', '{epic}', 'E01-F01', 'a', '', 'draft', {no}, {at}, {at})"
    );
    fixture.place().raw(&sql).unwrap();
    (epic, feature)
}

pub(crate) fn archive(fixture: &Fixture, team: TeamId, session: SessionId) -> ArchiveId {
    let (id, at) = (ArchiveId::from_uuid(sample::uuid()), now(fixture));
    let sql = format!(
        "INSERT INTO working_directory_archives (id, team_id, session_id, storage_backend, archive_path, compression,
                                                 status, created_at, updated_at)
         VALUES ('{id}', '{team}', '{session}', 'local', '{id}', 'gzip', 'completed', {at}, {at})"
    );
    fixture.place().raw(&sql).unwrap();
    id
}
