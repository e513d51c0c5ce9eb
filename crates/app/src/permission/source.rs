//! Which policies hold in a session: the built-in ones, those of its team, and its own.

use std::{collections::HashMap, fs, path::Path, time::Duration};

use agent::Environment;
use domain::{
    approval::Approval,
    digest::Sha256Digest,
    id::{SessionId, TeamId},
    policy::PolicyKind,
    session::SessionOptions,
    time::Timestamp,
};
use policy::{Platform, PolicyError, PolicyText, Surroundings};
use serde_json::json;
use store::{Conn, StoreError};
use tokio::time::Instant;

use super::{DefaultPolicies, compiled::Read};
use crate::{App, patience::patiently, policies::stored_policies};

/// How long what was read is believed: a change takes effect a second later at the latest, for one read of an index a second.
const BELIEVED: Duration = Duration::from_secs(1);
/// Where the users of this machine stand with their home folders.
const USERS: &str = "/etc/passwd";

/// The policies of one session, as they were read last.
#[derive(Debug)]
pub(crate) struct Source {
    app: App,
    team_id: TeamId,
    /// Those that do not change while it runs.
    fixed: Vec<PolicyText>,
    surroundings: Surroundings,
    standing: Option<Standing>,
}

#[derive(Debug)]
struct Standing {
    read_at: Instant,
    set: CurrentSet,
}

/// The policies that hold now.
#[derive(Debug, Clone)]
pub(crate) struct CurrentSet {
    /// The version of the team's policies among them.
    pub(super) version: i64,
    /// One that cannot be read lets nothing pass.
    pub(super) set: Read,
}

/// Where a policy that cannot be used comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PolicyOrigin {
    /// The settings.
    Settings,
    /// The session's own.
    Session,
}

/// Why a session cannot have the policies that it is to have.
#[derive(Debug, thiserror::Error)]
pub enum UnusablePolicies {
    /// It may not bring any.
    #[error("the session brings policies of its own, and the setting policy.custom forbids that")]
    NotAccepted,
    /// One is no policy.
    #[error("policy {number} of the session: {error}")]
    Form {
        /// Its place, from 1.
        number: usize,
        /// What is wrong.
        error: serde_json::Error,
    },
    /// One cannot be read.
    #[error("{error}")]
    Policy {
        /// Where it comes from.
        origin: PolicyOrigin,
        /// What is wrong.
        error: PolicyError,
    },
}

impl Source {
    /// The policies of a session in this folder, with this environment.
    pub(crate) fn new(
        app: App,
        team_id: TeamId,
        (defaults, options): (&DefaultPolicies, &SessionOptions),
        (folder, environment): (&Path, &Environment),
    ) -> Result<Self, UnusablePolicies> {
        let surroundings = surroundings(folder, environment);
        let built_in = defaults.texts();
        let own = own_policies(options)?;
        if !defaults.custom && !options.custom_policies.is_empty() {
            return Err(UnusablePolicies::NotAccepted);
        }
        for (origin, policies) in [(PolicyOrigin::Settings, &built_in), (PolicyOrigin::Session, &own)] {
            if let Err(error) = &*app.compiled_policies().read(policies, &surroundings) {
                return Err(UnusablePolicies::Policy { origin, error: error.clone() });
            }
        }
        let fixed = built_in.into_iter().chain(own).collect();
        Ok(Self { app, team_id, fixed, surroundings, standing: None })
    }

    pub(super) fn now(&self) -> Timestamp {
        self.app.now()
    }

    /// The answer that a person gave to this very call when nobody was there to hear it.
    pub(super) async fn find_grant(
        &self,
        session: SessionId,
        tool_name: &str,
        input: Sha256Digest,
    ) -> Result<Option<Approval>, StoreError> {
        let (team_id, tool_name) = (self.team_id, tool_name.to_owned());
        let find = || {
            let tool_name = tool_name.clone();
            let find =
                move |conn: &Conn| conn.team(team_id).approvals().find_grant(session, &tool_name, &input);
            self.app.store().read(find)
        };
        patiently(find).await
    }

    /// What was read is not believed any more.
    pub(super) fn forget(&mut self) {
        self.standing = None;
    }

    /// The policies that hold now.
    pub(super) async fn current(&mut self) -> Result<CurrentSet, StoreError> {
        if let Some(standing) = self.standing.as_ref().filter(|known| known.read_at.elapsed() < BELIEVED) {
            return Ok(standing.set.clone());
        }
        let read_at = Instant::now();
        let known = self.standing.take().map(|standing| standing.set);
        let set = self.read(known).await?;
        self.standing = Some(Standing { read_at, set: set.clone() });
        Ok(set)
    }

    /// The policies that hold now as they are written, and the surroundings in which they are read.
    pub(crate) async fn policies(&mut self) -> Result<(Vec<PolicyText>, Surroundings), StoreError> {
        let team_id = self.team_id;
        let team = patiently(|| self.app.store().read(move |conn| stored_policies(conn, team_id))).await?;
        Ok((self.with_those_of_the_team(team), self.surroundings.clone()))
    }

    async fn read(&self, known: Option<CurrentSet>) -> Result<CurrentSet, StoreError> {
        let (team_id, known_version) = (self.team_id, known.as_ref().map(|known| known.version));
        let read = || {
            self.app.store().read(move |conn| {
                let version = conn.team(team_id).policies().current_version()?;
                let is_known = known_version == Some(version);
                let changed = if is_known { None } else { Some(stored_policies(conn, team_id)?) };
                Ok::<_, StoreError>((version, changed))
            })
        };
        match (patiently(read).await?, known) {
            ((_, None), Some(known)) => Ok(known),
            ((version, changed), _) => {
                let policies = self.with_those_of_the_team(changed.unwrap_or_default());
                let set = self.app.compiled_policies().read(&policies, &self.surroundings);
                Ok(CurrentSet { version, set })
            }
        }
    }

    fn with_those_of_the_team(&self, team: Vec<PolicyText>) -> Vec<PolicyText> {
        self.fixed.iter().cloned().chain(team).collect()
    }
}

/// What a session says about tools itself: its policies, and its lists of tools.
fn own_policies(options: &SessionOptions) -> Result<Vec<PolicyText>, UnusablePolicies> {
    let mut own = Vec::new();
    for (number, document) in (1..).zip(&options.custom_policies) {
        let read = serde_json::from_value(document.clone());
        own.push(read.map_err(|error| UnusablePolicies::Form { number, error })?);
    }
    let (allow, deny) = (&options.allowed_tools, &options.disallowed_tools);
    if !allow.is_empty() || !deny.is_empty() {
        own.push(PolicyText {
            name: "tools of the session".to_owned(),
            kind: PolicyKind::Rules,
            priority: 100,
            config: json!({ "allow": allow, "deny": deny }),
        });
    }
    Ok(own)
}

/// The machine as an agent in this folder sees it.
#[must_use]
pub fn surroundings(folder: &Path, environment: &Environment) -> Surroundings {
    let variable = |wanted: &str| {
        let found = environment.iter().find(|(name, _)| *name == wanted);
        found.map(|(_, value)| value.to_string_lossy().into_owned())
    };
    let platform = match std::env::consts::OS {
        "macos" => Platform::Macos,
        "windows" => Platform::Windows,
        _ => Platform::Linux,
    };
    Surroundings {
        user: variable("USER").unwrap_or_default(),
        home: variable("HOME").unwrap_or_else(|| Surroundings::default().home),
        homes: homes(&fs::read_to_string(USERS).unwrap_or_default()),
        project_root: folder.to_string_lossy().into_owned(),
        platform,
        case_sensitive_fs: platform == Platform::Linux,
    }
}

/// Home folders by user name, from lines as `passwd` has them.
fn homes(users: &str) -> HashMap<String, String> {
    let home = |line: &str| {
        let fields: Vec<&str> = line.split(':').collect();
        let (name, home) = (fields.first()?, fields.get(5)?);
        (!line.starts_with('#') && home.starts_with('/')).then(|| ((*name).to_owned(), (*home).to_owned()))
    };
    users.lines().filter_map(home).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn home_folders_are_read_by_user() {
        let users =
            "# a comment\nroot:x:0:0:root:/root:/bin/sh\nbroken\nada:x:1:1::/home/ada:\nnone:x:2:2:::\n";
        let expected = [("root", "/root"), ("ada", "/home/ada")];
        assert_eq!(homes(users), expected.map(|(name, home)| (name.to_owned(), home.to_owned())).into());
    }
}
