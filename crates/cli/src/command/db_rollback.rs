//! `provost db rollback`.

use std::process::ExitCode;

use clap::Args;
use serde_json::json;
use store::Migrate;

use crate::{
    composition::Context,
    failure::{Code, Failure},
    terminal::keyboard::Keyboard,
};

#[derive(Debug, Args)]
pub(crate) struct DbRollback {
    /// Do not ask.
    #[arg(long)]
    yes: bool,
}

impl DbRollback {
    pub(crate) async fn run(self, context: Context) -> Result<ExitCode, Failure> {
        let store = context.open_store(Migrate::Leave)?;
        if !self.yes {
            confirm(&context).await?;
        }
        let taken_back = store.roll_back().await?;
        store.close().await;
        if context.terminal.is_json {
            context.terminal.json(&json!({ "rolled_back": taken_back }))?;
        } else {
            context.terminal.say(&match taken_back {
                Some(version) => format!("migration {version} was taken back"),
                None => "no migration is applied".to_owned(),
            });
        }
        Ok(ExitCode::SUCCESS)
    }
}

async fn confirm(context: &Context) -> Result<(), Failure> {
    let database = context.database_name()?;
    let refused =
        |message: &str| Failure::new(Code::Refused, message).hint("to do it without a question: --yes");
    if !context.surroundings.stdin_is_terminal {
        return Err(refused(
            "taking a migration back deletes what is stored in its tables, and nobody can be asked",
        ));
    }
    let question = format!(
        "this deletes what the newest migration created in {database}, rows included; type yes to go on:"
    );
    match Keyboard::open().answer(|| context.terminal.say(&question)).await {
        Some(answer) if answer.trim() == "yes" => Ok(()),
        _ => Err(refused("nothing was changed")),
    }
}
