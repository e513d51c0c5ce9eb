//! Putting the layers together from settings.

use std::{
    fs,
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use agent::{Environment, EnvironmentPolicy, Limits, Runtime, SessionHooks, SettingSources};
use app::{
    App, Caller,
    clock::{Clock, SystemClock, SystemIds},
    hook::DefaultHooks,
    owner,
    permission::DefaultPolicies,
    session::LaunchSettings,
};
use domain::{id::TeamId, runtime::RuntimeKind};
use store::{Database, Migrate, OpenOptions, PostgresServer, SqliteFile, Store, WhenMissing};

use tempfile::TempDir;

use crate::{
    failure::{Code, Failure},
    guarding::Guarding,
    sealing::Sealing,
    settings::{self, Flags, Layers, Loaded, Settings, Sources},
    surroundings::{Surroundings, own_program},
    terminal::{Terminal, text},
};

/// The database file in the data folder.
const DATABASE_FILE: &str = "provost.db";
/// The private key of the audit log in the data folder.
const AUDIT_KEY_FILE: &str = "audit.key";

/// Whose login and settings of the agent program a session uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Login {
    /// Those of the person at this machine.
    Own,
    /// Those of a team: a folder of its own.
    OfTeam(TeamId),
}

/// What every command starts from.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) layers: Arc<Layers>,
    pub(crate) settings: Arc<Settings>,
    pub(crate) surroundings: Surroundings,
    pub(crate) terminal: Terminal,
    pub(crate) sealing: Sealing,
    pub(crate) guarding: Guarding,
}

/// The use cases on an open database, for the person at this machine.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) app: App,
    pub(crate) caller: Caller,
}

impl Context {
    pub(crate) fn new(surroundings: Surroundings, terminal: Terminal, flags: Flags) -> Result<Self, Failure> {
        let loaded = Sources::read(&surroundings, flags)?.load()?;
        Ok(Self::with(surroundings, terminal, loaded))
    }

    /// The same with settings that were read before.
    pub(crate) fn with(surroundings: Surroundings, terminal: Terminal, loaded: Loaded) -> Self {
        let Loaded { layers, settings } = loaded;
        let (sealing, guarding) = (Sealing::default(), Guarding::default());
        Self { layers, settings, surroundings, terminal, sealing, guarding }
    }

    /// Opens the database, with its schema brought forward unless that is switched off, recovers sessions whose process died,
    /// and seals the audit log from now on. It is closed when the command has ended.
    pub(crate) async fn open(&self) -> Result<Opened, Failure> {
        let now = SystemClock.now();
        let migrate =
            if self.settings.database.auto_migrate { Migrate::Forward(now) } else { Migrate::Expect };
        let store = self.open_store(migrate)?;
        let app = App::new(store, Arc::new(SystemClock), Arc::new(SystemIds), owner::this_process());
        self.seal(app.clone());
        let caller = app.install(&self.surroundings.user_name()).await?;
        for session in app.recover_sessions().await? {
            self.terminal.say(&text::recovered(&session));
        }
        Ok(Opened { app, caller })
    }

    /// Seals the audit log of an open database from now on.
    pub(crate) fn seal(&self, app: App) {
        self.sealing.start(app, self.audit_key_file(), self.settings.audit.seal_interval_seconds);
    }

    pub(crate) fn open_store(&self, migrate: Migrate) -> Result<Store, Failure> {
        self.open_store_creating(migrate, false)
    }

    /// As [`Context::open_store`]; with `create`, a file that was named explicitly may be new.
    pub(crate) fn open_store_creating(&self, migrate: Migrate, create: bool) -> Result<Store, Failure> {
        self.open_database(OpenOptions::new(self.database(create)?, migrate))
    }

    fn open_database(&self, options: OpenOptions) -> Result<Store, Failure> {
        let server = match &options.database {
            Database::Sqlite(_) => None,
            Database::Postgres(server) => Some(without_password(&server.url)),
        };
        let opened = Store::open(options);
        if let Some(backup) = opened.as_ref().ok().and_then(Store::backup) {
            let backup = backup.display();
            self.terminal.say(&format!("the schema was brought forward; the database as it was: {backup}"));
        }
        opened.map_err(|error| match (Failure::from(error), server) {
            (failure, None) => failure,
            (failure, Some(server)) => {
                Failure { message: format!("{server}: {}", failure.message), ..failure }
            }
        })
    }

    /// Opens a database that is there with its schema as it is to be, for a command that does one thing and that nobody waits
    /// for longer than this: nothing is created, migrated, recovered or sealed.
    pub(crate) fn open_current(&self, patience: Duration) -> Result<Store, Failure> {
        self.open_database(self.current_database(patience, 1)?)
    }

    /// How a database is opened that is there with its schema as it is to be, for small things that nobody waits for longer than
    /// this, with so many connections to a server at most.
    pub(crate) fn current_database(
        &self,
        patience: Duration,
        connections: usize,
    ) -> Result<OpenOptions, Failure> {
        let database = match self.database(true)? {
            Database::Sqlite(file) => Database::Sqlite(SqliteFile {
                when_missing: WhenMissing::Refuse,
                busy_timeout: file.busy_timeout.min(patience),
                ..file
            }),
            Database::Postgres(server) => Database::Postgres(PostgresServer {
                pool_size: server.pool_size.min(connections),
                connect_timeout: server.connect_timeout.min(patience),
                ..server
            }),
        };
        Ok(OpenOptions { inline: true, ..OpenOptions::new(database, Migrate::Expect) })
    }

    /// Where the key is that signs seals of the audit log.
    fn audit_key_file(&self) -> Result<PathBuf, Failure> {
        let set = &self.settings.audit.key_file;
        if set.as_os_str().is_empty() {
            Ok(self.data_directory()?.join(AUDIT_KEY_FILE))
        } else {
            Ok(self.surroundings.current_directory.join(set))
        }
    }

    /// Where everything is kept.
    pub(crate) fn data_directory(&self) -> Result<PathBuf, Failure> {
        let set = &self.settings.data.directory;
        if !set.as_os_str().is_empty() {
            return Ok(self.surroundings.current_directory.join(set));
        }
        self.surroundings.data_directory().ok_or_else(|| {
            Failure::new(Code::Usage, "there is no home folder to keep data in")
                .hint("set HOME, or PROVOST_DATA__DIRECTORY")
        })
    }

    /// The database in words, without its password.
    pub(crate) fn database_name(&self) -> Result<String, Failure> {
        Ok(match self.database(false)? {
            Database::Sqlite(file) => file.path.display().to_string(),
            Database::Postgres(server) => without_password(&server.url),
        })
    }

    /// The database as a file; `hint` says what to do instead when it is on a server.
    pub(crate) fn database_file(&self, hint: &str) -> Result<SqliteFile, Failure> {
        match self.database(true)? {
            Database::Sqlite(file) => Ok(file),
            Database::Postgres(server) => {
                let server = without_password(&server.url);
                let refused = format!("{server} is on a server, not in a file");
                Err(Failure::new(Code::Refused, refused).hint(hint))
            }
        }
    }

    fn database(&self, create: bool) -> Result<Database, Failure> {
        let settings = &self.settings.database;
        let url = settings.url.as_str();
        if is_postgres(url) {
            let certificate = &settings.tls_root_certificate;
            return Ok(Database::Postgres(PostgresServer {
                url: url.to_owned(),
                pool_size: usize::from(settings.pool_size.get()),
                root_certificate: (!certificate.as_os_str().is_empty())
                    .then(|| self.surroundings.current_directory.join(certificate)),
                connect_timeout: Duration::from_secs(settings.connect_timeout_seconds.into()),
            }));
        }
        if let Some((scheme, _)) = url.split_once("://").filter(|(scheme, _)| *scheme != "sqlite") {
            return Err(Failure::new(Code::Usage, format!("{scheme}:// is not a database Provost knows"))
                .hint("accepted: a file, or postgres://user:password@host:port/database"));
        }
        let busy_timeout = Duration::from_secs(settings.busy_timeout_seconds.into());
        let (path, when_missing) = if url.is_empty() {
            let directory = self.data_directory()?;
            create_private_directory(&directory)?;
            (directory.join(DATABASE_FILE), WhenMissing::Create)
        } else {
            let path = url.strip_prefix("sqlite://").or_else(|| url.strip_prefix("sqlite:")).unwrap_or(url);
            let when_missing = if create { WhenMissing::Create } else { WhenMissing::Refuse };
            (self.surroundings.current_directory.join(path), when_missing)
        };
        Ok(Database::Sqlite(SqliteFile { path, when_missing, busy_timeout }))
    }

    /// How an agent is started: with whose login and settings, and a temporary folder that lasts as long as the caller keeps it.
    /// From now on agents of this process are ended should it be killed.
    pub(crate) fn launch_settings(
        &self,
        kind: RuntimeKind,
        scenario: Option<&Path>,
        temporary: &Path,
        login: Login,
    ) -> Result<LaunchSettings, Failure> {
        self.guarding.start()?;
        let settings = &self.settings.runtime;
        let runtime = match kind {
            RuntimeKind::Claude => Runtime::Claude {
                command: settings.claude.command.clone(),
                session_hooks: Some(SessionHooks {
                    program: own_program()?,
                    directory: temporary.to_owned(),
                }),
            },
            RuntimeKind::Scripted => self.scripted(scenario)?,
        };
        let handshake = Duration::from_secs(settings.claude.handshake_timeout_seconds.get().into());
        let (policy, setting_sources) = match login {
            Login::Own => (EnvironmentPolicy::OwnLogin, SettingSources::User),
            Login::OfTeam(team) => {
                let config_directory = self.data_directory()?.join("agent-config").join(team.to_string());
                create_private_directory(&config_directory)?;
                (EnvironmentPolicy::Isolated { config_directory }, SettingSources::Isolated)
            }
        };
        let mut environment = Environment::select(self.surroundings.variables.clone(), policy);
        let further =
            settings.claude.environment.iter().filter_map(|name| Some((name, self.surroundings.text(name)?)));
        for (name, value) in further {
            environment = environment.with(name, value);
        }
        Ok(LaunchSettings {
            extra_arguments: match kind {
                RuntimeKind::Claude => settings.claude.arguments.clone(),
                RuntimeKind::Scripted => Vec::new(),
            },
            runtime,
            environment: environment.with_temporary_directory(temporary),
            limits: Limits { handshake, ..Limits::default() },
            setting_sources,
            default_hooks: self.default_hooks(),
            default_policies: self.default_policies(),
            approval_wait: Duration::from_secs(self.settings.approval.interactive_seconds.get().into()),
            idle: Duration::from_secs(self.settings.session.idle_seconds.get().into()),
            include_partial_messages: self.terminal.out_is_terminal && !self.terminal.is_json,
        })
    }

    /// The hooks that run in every session.
    pub(crate) fn default_hooks(&self) -> DefaultHooks {
        let settings::Hook { audit, metrics, persistence, notification, .. } = self.settings.hook;
        DefaultHooks { audit, metrics, persistence, notification }
    }

    /// The variables that every program sees.
    pub(crate) fn basic_environment(&self) -> Environment {
        Environment::select(self.surroundings.variables.clone(), EnvironmentPolicy::OwnLogin).basic()
    }

    /// The policies that hold in every session.
    pub(crate) fn default_policies(&self) -> DefaultPolicies {
        let settings = self.settings.policy.clone();
        DefaultPolicies {
            built_in: settings.built_in,
            blocked_commands: settings.blocked_commands,
            restricted_paths: settings.restricted_paths,
            restricted_except: settings.restricted_except,
            removable: settings.removable,
            custom: settings.custom,
        }
    }

    fn scripted(&self, scenario: Option<&Path>) -> Result<Runtime, Failure> {
        Ok(Runtime::Scripted {
            program: own_program()?,
            scenario: self.scenario(scenario)?,
            state_directory: self.data_directory()?.join("scripted"),
        })
    }

    /// The scenario file that is played: the one given, or the one set.
    pub(crate) fn scenario(&self, given: Option<&Path>) -> Result<PathBuf, Failure> {
        let scenario = given.unwrap_or(&self.settings.runtime.scripted.scenario);
        if scenario.as_os_str().is_empty() {
            return Err(Failure::new(Code::Usage, "the scripted runtime needs a scenario")
                .hint("name a file with --scenario; docs/agent-protocol.md describes it"));
        }
        Ok(self.surroundings.current_directory.join(scenario))
    }
}

/// A folder only its owner may look into.
pub(crate) fn create_private_directory(path: &Path) -> Result<(), Failure> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|error| {
        Failure::new(Code::Failed, format!("the folder {} cannot be created: {error}", path.display()))
            .hint("choose another one with PROVOST_DATA__DIRECTORY")
    })
}

/// A folder for an agent's temporary files, gone when dropped. Its path is short, because a Unix socket lives in it, and
/// only its owner may look into it, because task output does too.
pub(crate) fn temporary_directory() -> Result<TempDir, Failure> {
    let private = fs::Permissions::from_mode(0o700);
    Ok(tempfile::Builder::new().prefix("provost-").permissions(private).tempdir()?)
}

fn is_postgres(url: &str) -> bool {
    url.starts_with("postgres://") || url.starts_with("postgresql://")
}

/// An address fit to be shown. Where a login ends is only guessed when it is not well-formed, so then nothing is shown.
pub(crate) fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let Some((login, place)) = rest.rsplit_once('@') else {
        return format!("{scheme}://{}", rest.split('?').next().unwrap_or_default());
    };
    let place = place.split('?').next().unwrap_or_default();
    let user = login.split(':').next().unwrap_or_default();
    let is_plain = !user.contains(['/', '?', '@']) && !login.contains('?');
    if is_plain { format!("{scheme}://{user}@{place}") } else { format!("{scheme}://…") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shown_address_holds_no_password() {
        let shown = without_password("postgres://ada:s3cret@db:5432/provost?password=s3cret");
        assert_eq!(shown, "postgres://ada@db:5432/provost");
        for url in [
            "postgres://ada:s3/cret@db/x",
            "postgres://ada:s3?cret@db/x",
            "postgres://db/x?password=s3cret@db",
        ] {
            assert!(!without_password(url).contains("cret"), "{url}");
        }
        assert_eq!(without_password("postgres://ada:s3/cret@db/x"), "postgres://ada@db/x");
        assert_eq!(without_password("postgres://db/x"), "postgres://db/x");
        assert_eq!(without_password("/a/file"), "/a/file");
    }
}
