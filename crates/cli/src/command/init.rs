//! `provost init`: a commented settings file and a database.

use std::{fs, io::ErrorKind, os::unix::fs::OpenOptionsExt, path::PathBuf, process::ExitCode, sync::Arc};

use app::{
    App,
    clock::{Clock, SystemClock, SystemIds},
    owner,
};
use clap::Args;
use serde_json::json;
use store::Migrate;

use super::init_claude::InitClaude;
use crate::{
    command_line::Global,
    composition::{Context, create_private_directory},
    failure::{Code, Failure},
    settings::DEFAULTS,
};

#[derive(Debug, Args)]
pub(crate) struct Init {
    #[command(flatten)]
    claude: InitClaude,
}

impl Init {
    /// Repeating it changes nothing.
    pub(crate) async fn run(self, context: Context, global: &Global) -> Result<ExitCode, Failure> {
        if self.claude.claude {
            if self.claude.puts_in() {
                // Without a database every tool call would be refused.
                Self::install(&context).await?;
            }
            return self.claude.run(&context, global).await;
        }
        let (file, is_new) = Self::install(&context).await?;
        let terminal = context.terminal;
        let database = context.database_name()?;
        if terminal.is_json {
            terminal.json(&json!({ "settings": file, "settings_created": is_new, "database": database }))?;
            return Ok(ExitCode::SUCCESS);
        }
        let what = if is_new { "written" } else { "kept as it is" };
        terminal.say(&format!("settings  {} ({what})", file.display()));
        terminal.say(&format!("database  {database}"));
        terminal.say(&format!("next: {} doctor", context.surroundings.program_name()));
        Ok(ExitCode::SUCCESS)
    }

    /// Gives the settings file, and whether it is new.
    async fn install(context: &Context) -> Result<(PathBuf, bool), Failure> {
        let written = write_settings(context)?;
        let store = context.open_store_creating(Migrate::Forward(SystemClock.now()), true)?;
        let app = App::new(store, Arc::new(SystemClock), Arc::new(SystemIds), owner::this_process());
        app.install(&context.surroundings.user_name()).await?;
        Ok(written)
    }
}

/// Writes the defaults, commented out, unless there is a file; its values would otherwise be frozen at today's.
fn write_settings(context: &Context) -> Result<(PathBuf, bool), Failure> {
    let directory = context.surroundings.config_directory().ok_or_else(|| {
        Failure::new(Code::Usage, "there is no home folder to keep settings in").hint("set HOME")
    })?;
    create_private_directory(&directory)?;
    let file = directory.join("config.toml");
    match fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&file) {
        Ok(mut created) => {
            std::io::Write::write_all(&mut created, commented(DEFAULTS).as_bytes())?;
            Ok((file, true))
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok((file, false)),
        Err(error) => {
            Err(Failure::new(Code::Failed, format!("{} cannot be written: {error}", file.display())))
        }
    }
}

/// Each value as a comment; sections stay, so that a line only needs its mark removed.
fn commented(defaults: &str) -> String {
    let lines = defaults.lines().map(|line| match line.chars().next() {
        None | Some('#' | '[') => line.to_owned(),
        Some(_) => format!("#{line}"),
    });
    lines.collect::<Vec<_>>().join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Layers, Origin};

    #[test]
    fn the_written_file_sets_nothing_and_is_valid() {
        let mut layers = Layers::defaults().expect("defaults");
        layers.add_text(&commented(DEFAULTS), &Origin::Flag("test")).expect("valid");
        assert!(layers.iter().all(|(_, _, origin)| *origin == Origin::Default));
    }
}
