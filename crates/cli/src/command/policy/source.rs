//! Where policies come from: a file of either form, or the team's own.

use std::{
    fs,
    io::Read as _,
    path::{Path, PathBuf},
};

use app::permission;
use clap::Args;
use policy::{Batch, PolicyFile, PolicySource, SettingsPlace, SettingsRules, Surroundings};
use serde_json::Value;

use crate::{
    composition::{Context, Opened},
    definition_file,
    failure::{Code, Failure},
    terminal::text,
};

/// No file of policies is as large as this.
const LARGEST_BYTES: u64 = 1024 * 1024;

const KINDS: &str = "docs/policies.md describes each kind";

/// The policies that a command is about.
#[derive(Debug, Args)]
pub(super) struct Source {
    /// A policy file, or an agent CLI's settings.json. Otherwise what holds in every session: the built-in policies, and the
    /// team's that are enabled.
    #[arg(long, value_name = "FILE")]
    pub(super) policies: Option<PathBuf>,
}

impl Source {
    /// The policies of the file, or those that hold in every session. Without surroundings of their own they are tried in those of this machine and
    /// folder.
    pub(super) async fn read(&self, context: &Context) -> Result<PolicyFile, Failure> {
        match &self.policies {
            Some(path) => read_file(path, context),
            None => {
                let Opened { app, caller } = context.open().await?;
                let mut policies = context.default_policies().texts();
                policies.extend(app.list_enabled_policies(caller).await?);
                Ok(PolicyFile { surroundings: Some(surroundings(context)), policies })
            }
        }
    }
}

impl Source {
    /// The policies, ready to judge calls: each as in a session that works in the folder of the call, unless the file names
    /// surroundings of its own.
    pub(super) async fn judge(&self, context: &Context) -> Result<Batch, Failure> {
        let file = match &self.policies {
            Some(path) => read_unplaced(path, context)?,
            None => PolicyFile { surroundings: None, ..self.read(context).await? },
        };
        file.read_on(surroundings(context)).map_err(unreadable)
    }
}

/// Reads a policy file or a settings file. What of settings is no policy is said.
pub(crate) fn read_file(path: &Path, context: &Context) -> Result<PolicyFile, Failure> {
    let PolicyFile { surroundings: own, policies } = read_unplaced(path, context)?;
    Ok(PolicyFile { surroundings: Some(own.unwrap_or_else(|| surroundings(context))), policies })
}

/// As [`read_file`], with the surroundings that the file names, if any.
fn read_unplaced(path: &Path, context: &Context) -> Result<PolicyFile, Failure> {
    Ok(match read_source(path, context)? {
        PolicySource::Policies(file) => file,
        PolicySource::Settings(SettingsRules { policy, .. }) => {
            PolicyFile { surroundings: None, policies: vec![policy] }
        }
    })
}

/// As [`read_file`], with what kind of file it is.
pub(super) fn read_source(path: &Path, context: &Context) -> Result<PolicySource, Failure> {
    let path = context.surroundings.current_directory.join(path);
    let named = |code, error: &dyn std::fmt::Display| {
        Failure::new(code, format!("{}: {error}", path.display()))
            .hint("docs/policies.md describes both kinds of files")
    };
    let text = text_of(&path)?;
    let read =
        PolicySource::read(&text, &place(&path, context)).map_err(|error| named(Code::Usage, &error))?;
    if let PolicySource::Settings(SettingsRules { warnings, .. }) = &read {
        for warning in warnings {
            context.terminal.say(&text::printable(&format!("{}: {warning}", path.display())));
        }
    }
    Ok(read)
}

fn text_of(path: &Path) -> Result<String, Failure> {
    let named =
        |code, error: &dyn std::fmt::Display| Failure::new(code, format!("{}: {error}", path.display()));
    let mut bytes = Vec::new();
    let file = fs::File::open(path).map_err(|error| named(Code::Failed, &error))?;
    file.take(LARGEST_BYTES + 1).read_to_end(&mut bytes).map_err(|error| named(Code::Failed, &error))?;
    if bytes.len() as u64 > LARGEST_BYTES {
        return Err(named(Code::Usage, &format!("it is larger than {LARGEST_BYTES} bytes")));
    }
    String::from_utf8(bytes).map_err(|error| named(Code::Usage, &format!("it is not UTF-8: {error}")))
}

/// Where `/x` in a settings file begins, and a name for its policy. The agent CLI keeps a project's in the folder `.claude` of
/// the project, and those of a user in the folder `.claude` of their home.
fn place(path: &Path, context: &Context) -> SettingsPlace {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let folder = path.parent().unwrap_or_else(|| Path::new("/"));
    let home = PathBuf::from(surroundings(context).home);
    let is_of_project =
        folder.file_name().is_some_and(|name| name == ".claude") && folder.parent() != Some(&home);
    let is_local = path.file_name().is_some_and(|name| name == "settings.local.json");
    let (name, folder) = match (is_of_project, is_local) {
        (true, true) => ("claude-local", folder.parent().unwrap_or(folder)),
        (true, false) => ("claude-project", folder.parent().unwrap_or(folder)),
        (false, _) if folder.starts_with(&home) && folder.ends_with(".claude") => ("claude-user", folder),
        (false, _) => ("claude-settings", folder),
    };
    SettingsPlace { name: name.to_owned(), folder: folder.to_string_lossy().into_owned() }
}

/// This machine and folder, as policies see them.
pub(super) fn surroundings(context: &Context) -> Surroundings {
    permission::surroundings(&context.surroundings.current_directory, &context.basic_environment())
}

/// The details of a policy: JSON, or a file of TOML or JSON.
pub(super) fn read_details(given: &str, context: &Context) -> Result<Value, Failure> {
    if given.trim_start().starts_with('{') {
        return serde_json::from_str(given)
            .map_err(|error| Failure::new(Code::Usage, format!("--details: {error}")));
    }
    definition_file::read(&context.surroundings.current_directory, Path::new(given))
}

/// What a policy that cannot be read is told.
pub(crate) fn unreadable(error: policy::PolicyError) -> Failure {
    Failure::new(Code::Usage, error).hint(KINDS)
}

/// The same of a policy that cannot be read for the case at this place.
pub(super) fn unreadable_at(place: &str, error: &policy::PolicyError) -> Failure {
    Failure::new(Code::Usage, format!("{place}: {error}")).hint(KINDS)
}
