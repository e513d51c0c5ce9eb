//! First start: the default team and the local user.

use domain::{
    actor::Actor,
    audit_action::AuditAction,
    email::Email,
    id::{TeamId, UserId},
    slug::Slug,
    team::{Role, Team, TeamSettings},
    user::User,
};
use store::{StoreError, Tx};

use crate::{App, Caller};

/// The team of a fresh install.
const DEFAULT_TEAM: &str = "default";

/// Why a fresh install could not be made.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// The user's name on this machine cannot be an address.
    #[error(transparent)]
    Email(#[from] domain::email::InvalidEmail),
    /// The user's name on this machine cannot be shown to people.
    #[error(transparent)]
    Name(#[from] domain::name::InvalidName),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl App {
    /// Makes sure that the team `default` and the person at this machine exist, and gives them. Repeating it changes
    /// nothing, and after the first time it writes nothing.
    ///
    /// # Errors
    /// See [`InstallError`].
    pub async fn install(&self, user_name: &str) -> Result<Caller, InstallError> {
        let email: Email = format!("{user_name}@localhost").parse()?;
        let found = self.find_caller(email.clone()).await?;
        if let Some(caller) = found {
            return Ok(caller);
        }
        let now = self.now();
        let user = User {
            id: UserId::from_uuid(self.next_id()),
            email: email.clone(),
            display_name: user_name.parse()?,
            password_hash: None,
            is_active: true,
            version: 1,
            created_at: now,
            updated_at: now,
        };
        let team = Team {
            id: TeamId::from_uuid(self.next_id()),
            slug: default_team(),
            name: "Default".parse()?,
            settings: TeamSettings::default(),
            retention_days: None,
            version: 1,
            created_at: now,
            updated_at: now,
        };
        // Another process may have made the team meanwhile; its line is in that team's log.
        let app = self.clone();
        let create = move |tx: &Tx<'_>| {
            let made = create(tx, &team, &user)?;
            let deed = app.deed((made, &Actor::User(user.id)), AuditAction::InstallationCreate);
            deed.on(made).with("user", user.email.as_str()).append(tx)
        };
        self.store().write(create).await?;
        self.find_caller(email).await?.ok_or_else(|| gone().into())
    }

    async fn find_caller(&self, email: Email) -> Result<Option<Caller>, StoreError> {
        let find = move |conn: &store::Conn| {
            let team = conn.teams().find_by_slug(&default_team())?;
            let user = conn.users().find_by_email(&email)?;
            Ok(team.zip(user).map(|(team, user)| Caller { team_id: team.id, user_id: user.id }))
        };
        self.store().read(find).await
    }
}

/// Gives the team.
fn create(tx: &Tx<'_>, team: &Team, user: &User) -> Result<TeamId, StoreError> {
    tx.teams().insert_if_absent(team)?;
    tx.users().insert_if_absent(user)?;
    let team = tx.teams().find_by_slug(&team.slug)?.ok_or_else(gone)?;
    let stored = tx.users().find_by_email(&user.email)?.ok_or_else(gone)?;
    tx.team(team.id).members().add(stored.id, Role::Owner, user.created_at)?;
    Ok(team.id)
}

#[expect(clippy::expect_used, reason = "a constant of the right form")]
fn default_team() -> Slug {
    DEFAULT_TEAM.parse().expect("a slug")
}

fn gone() -> StoreError {
    StoreError::Conflict { what: "the default team or the local user was removed meanwhile".into() }
}
