//! Reading all layers in their order.

use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{Layers, Origin, Settings, SettingsProblem};
use crate::{command_line::Global, surroundings::Surroundings, variable};

const SYSTEM_FILE: &str = "/etc/provost/config.toml";
const PROJECT_FILE: &str = "provost.toml";

/// What a repository's own file may not say; it would decide over the person who only cloned it.
const NOT_FOR_PROJECTS: &[&str] =
    &["database.", "data.", "runtime.", "audit.", "hook.", "policy.", "approval.", "session.permission_mode"];

/// Values given on the command line.
#[derive(Debug, Default)]
pub(crate) struct Flags {
    pub(crate) database: Option<String>,
    pub(crate) config: Option<PathBuf>,
}

impl Flags {
    pub(crate) fn of(global: &Global) -> Self {
        Self { database: global.database.clone(), config: global.config.clone() }
    }
}

/// All that settings are made of, as it was found: the same sources make the same settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sources {
    /// Files with their texts.
    files: Vec<(PathBuf, String, Trust)>,
    /// Single values over them, by key.
    values: Vec<(String, String, Origin)>,
}

/// Settings, and where each of them came from.
#[derive(Debug, Clone)]
pub(crate) struct Loaded {
    pub(crate) layers: Arc<Layers>,
    pub(crate) settings: Arc<Settings>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trust {
    Full,
    Project,
}

impl Sources {
    pub(crate) fn read(surroundings: &Surroundings, flags: Flags) -> Result<Self, SettingsProblem> {
        let mut files = Vec::new();
        let mut add = |path: PathBuf, trust| {
            let text = read(&path)?;
            files.extend(text.map(|text| (path, text, trust)));
            Ok::<_, SettingsProblem>(())
        };
        add(SYSTEM_FILE.into(), Trust::Full)?;
        if let Some(directory) = surroundings.config_directory() {
            add(directory.join("config.toml"), Trust::Full)?;
        }
        match flags.config {
            Some(path) => {
                let missing =
                    || SettingsProblem::Unreadable { path: path.clone(), source: ErrorKind::NotFound.into() };
                let text = read(&path)?.ok_or_else(missing)?;
                files.push((path, text, Trust::Full));
            }
            None => add(surroundings.current_directory.join(PROJECT_FILE), Trust::Project)?,
        }
        let mut values = variables(surroundings);
        let database = flags.database.map(|url| (DATABASE_URL.to_owned(), url, Origin::Flag("--database")));
        values.extend(database);
        Ok(Self { files, values })
    }

    pub(crate) fn load(&self) -> Result<Loaded, SettingsProblem> {
        let mut layers = Layers::defaults()?;
        for (path, text, trust) in &self.files {
            add_file(&mut layers, path, text, *trust)?;
        }
        for (key, value, origin) in &self.values {
            layers.add_plain(key.clone(), value, origin.clone())?;
        }
        let settings = Arc::new(layers.settings()?);
        Ok(Loaded { layers: Arc::new(layers), settings })
    }
}

const DATABASE_URL: &str = "database.url";

fn add_file(layers: &mut Layers, path: &Path, text: &str, trust: Trust) -> Result<(), SettingsProblem> {
    let origin = Origin::File(path.to_owned());
    layers.add_text(text, &origin)?;
    let is_refused =
        |key: &str| trust == Trust::Project && NOT_FOR_PROJECTS.iter().any(|start| key.starts_with(start));
    match layers.iter().find(|(key, _, from)| **from == origin && is_refused(key)) {
        Some((key, _, _)) => Err(SettingsProblem::Untrusted { key: key.to_owned(), origin }),
        None => Ok(()),
    }
}

fn read(path: &Path) -> Result<Option<String>, SettingsProblem> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(source) => Err(SettingsProblem::Unreadable { path: path.to_owned(), source }),
    }
}

/// `DATABASE_URL`, then every `PROVOST_SECTION__KEY`. An empty variable is one that is not set.
fn variables(surroundings: &Surroundings) -> Vec<(String, String, Origin)> {
    let mut values = Vec::new();
    if let Some(url) = surroundings.text(variable::DATABASE_URL) {
        let origin = Origin::Variable(variable::DATABASE_URL.to_owned());
        values.push((DATABASE_URL.to_owned(), url, origin));
    }
    for (name, value) in surroundings.texts().filter(|(_, value)| !value.is_empty()) {
        let Some(key) = name.strip_prefix(variable::SETTING_PREFIX).filter(|key| key.contains("__")) else {
            continue;
        };
        let key = key.to_ascii_lowercase().replace("__", ".");
        values.push((key, value.to_owned(), Origin::Variable(name.to_owned())));
    }
    values
}

/// Settings that were loaded before, for who needs them again and again: sources are read anew each time, and only what changed
/// is parsed.
#[derive(Debug, Default)]
pub(crate) struct KnownSettings(Vec<(Sources, Loaded)>);

impl KnownSettings {
    /// The most that are kept; the one used longest ago makes room.
    const MOST: usize = 8;

    pub(crate) fn load(&mut self, sources: Sources) -> Result<Loaded, SettingsProblem> {
        let known = self.0.iter().position(|(known, _)| *known == sources);
        let (sources, loaded) = match known {
            Some(at) => self.0.remove(at),
            None => {
                let loaded = sources.load()?;
                (sources, loaded)
            }
        };
        self.0.insert(0, (sources, loaded.clone()));
        self.0.truncate(Self::MOST);
        Ok(loaded)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn known_settings_follow_every_change_of_their_sources() {
        let folder = tempfile::TempDir::new().expect("a folder");
        let mut surroundings = Surroundings {
            variables: vec![("XDG_CONFIG_HOME".into(), folder.path().into())],
            current_directory: folder.path().to_owned(),
            stdin_is_terminal: false,
            stdout_is_terminal: false,
            stderr_is_terminal: false,
        };
        let mut known = KnownSettings::default();
        let mut timeout = |surroundings: &Surroundings| {
            let sources = Sources::read(surroundings, Flags::default()).expect("readable");
            let loaded = known.load(sources).expect("valid");
            loaded.settings.session.timeout_seconds.get()
        };
        let default = timeout(&surroundings);
        let file = folder.path().join(PROJECT_FILE);
        for seconds in [7, 8, 7] {
            fs::write(&file, format!("[session]\ntimeout_seconds = {seconds}\n")).expect("written");
            assert_eq!(timeout(&surroundings), seconds);
            assert_eq!(timeout(&surroundings), seconds);
        }
        surroundings.variables.push(("PROVOST_SESSION__TIMEOUT_SECONDS".into(), "9".into()));
        assert_eq!(timeout(&surroundings), 9);
        surroundings.variables.pop();
        fs::remove_file(&file).expect("removed");
        assert_eq!(timeout(&surroundings), default);
    }
}
