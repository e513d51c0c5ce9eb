//! Reading all layers in their order.

use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
};

use super::{Layers, Origin, SettingsProblem};
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

pub(crate) fn load(surroundings: &Surroundings, flags: Flags) -> Result<Layers, SettingsProblem> {
    let mut layers = Layers::defaults()?;
    add_file(&mut layers, Path::new(SYSTEM_FILE), Trust::Full)?;
    if let Some(directory) = surroundings.config_directory() {
        add_file(&mut layers, &directory.join("config.toml"), Trust::Full)?;
    }
    match flags.config {
        Some(path) => {
            let text = read(&path)?.ok_or_else(|| SettingsProblem::Unreadable {
                path: path.clone(),
                source: ErrorKind::NotFound.into(),
            })?;
            layers.add_text(&text, &Origin::File(path))?;
        }
        None => add_file(&mut layers, &surroundings.current_directory.join(PROJECT_FILE), Trust::Project)?,
    }
    add_variables(&mut layers, surroundings)?;
    if let Some(database) = flags.database {
        layers.add_plain("database.url".to_owned(), &database, Origin::Flag("--database"))?;
    }
    Ok(layers)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Trust {
    Full,
    Project,
}

fn add_file(layers: &mut Layers, path: &Path, trust: Trust) -> Result<(), SettingsProblem> {
    let Some(text) = read(path)? else { return Ok(()) };
    let origin = Origin::File(path.to_owned());
    layers.add_text(&text, &origin)?;
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

/// `DATABASE_URL`, then every `PROVOST_SECTION__KEY`.
fn add_variables(layers: &mut Layers, surroundings: &Surroundings) -> Result<(), SettingsProblem> {
    if let Some(url) = surroundings.text(variable::DATABASE_URL) {
        let origin = Origin::Variable(variable::DATABASE_URL.to_owned());
        layers.add_plain("database.url".to_owned(), &url, origin)?;
    }
    // An empty variable is one that is not set.
    for (name, value) in surroundings.texts().filter(|(_, value)| !value.is_empty()) {
        let Some(key) = name.strip_prefix(variable::SETTING_PREFIX).filter(|key| key.contains("__")) else {
            continue;
        };
        let key = key.to_ascii_lowercase().replace("__", ".");
        layers.add_plain(key, value, Origin::Variable(name.to_owned()))?;
    }
    Ok(())
}
