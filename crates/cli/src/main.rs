//! The binary `provost`: the command line, settings, and the place where everything is put together.
//!
//! Only this crate reads the environment, prints, and decides exit codes.

mod command;
mod command_line;
mod composition;
mod definition_file;
mod drive;
mod failure;
mod guarding;
mod hook_server;
mod json_text;
mod line_diff;
mod long_work;
mod moment;
mod new_file;
#[cfg(test)]
mod reference;
mod sealing;
mod settings;
mod signals;
mod surroundings;
mod telemetry;
mod terminal;
mod variable;
mod watch;

use std::process::ExitCode;

use clap::Parser;
use command::hook_client;
use command_line::{AuditCommand, Command, CommandLine, ConfigCommand, DbCommand, Global, SessionCommand};
use composition::Context;
use failure::Failure;
use surroundings::Surroundings;
use terminal::Terminal;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os();
    if arguments.by_ref().nth(1).is_some_and(|argument| argument == hook_client::SUBCOMMAND) {
        let hook_client::Line { global, command } = hook_client::Line::read(arguments);
        return command.run(global);
    }
    // Clap answers --help, --version and usage errors itself, with the exit codes 0 and 2.
    let command_line = CommandLine::parse();
    match run(command_line) {
        Ok(code) => code,
        Err((failure, terminal)) => {
            report(&failure, terminal);
            failure.code.into()
        }
    }
}

fn run(command_line: CommandLine) -> Result<ExitCode, (Failure, Option<Terminal>)> {
    let CommandLine { global, command } = command_line;
    // Children of ours get all they need as arguments and read no settings.
    if let Command::AgentScripted(command) = command {
        return Ok(command.run());
    }
    if let Command::AgentGuard(command) = command {
        return Ok(command.run());
    }
    if let Command::HookServer(command) = command {
        return command.run().map_err(|failure| (failure, None));
    }
    if let Command::AgentHook(command) = command {
        return Ok(command.run());
    }
    // Its exit code decides whether a tool runs, so that whatever goes wrong is its own business.
    if let Command::HookClient(command) = command {
        return Ok(command.run(global));
    }
    let surroundings = Surroundings::read().map_err(|error| (Failure::from(error), None))?;
    let terminal = Terminal::new(&surroundings, global.json, global.no_color);
    let failed = |failure: Failure| (failure, Some(terminal));
    if let Command::Completion(command) = command {
        return command.run(terminal).map_err(failed);
    }
    let flags = settings::Flags::of(&global);
    let context = Context::new(surroundings, terminal, flags).map_err(failed)?;
    telemetry::start(&context.settings.log.level, terminal).map_err(failed)?;
    let (sealing, layers) = (context.sealing.clone(), context.layers.clone());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.map_err(|error| failed(error.into()))?;
    let outcome = runtime.block_on(async {
        let outcome = dispatch(command, context, &global).await;
        sealing.end().await;
        outcome
    });
    // A thread may still wait for a line nobody will type.
    runtime.shutdown_background();
    outcome.map_err(|failure| failed(failure.of_database_in(&layers)))
}

async fn dispatch(command: Command, context: Context, global: &Global) -> Result<ExitCode, Failure> {
    match command {
        Command::Run(command) => command.run(context).await,
        Command::Demo(command) => command.run(context).await,
        Command::Session(SessionCommand::List(command)) => command.run(context).await,
        Command::Session(SessionCommand::Show(command)) => command.run(context).await,
        Command::Session(SessionCommand::Timeline(command)) => command.run(context).await,
        Command::Session(SessionCommand::Follow(command)) => command.run(context).await,
        Command::Session(SessionCommand::Fork(command)) => command.run(context).await,
        Command::Session(SessionCommand::Checkpoint(command)) => command.run(context).await,
        Command::Session(SessionCommand::Checkpoints(command)) => command.run(context).await,
        Command::Session(SessionCommand::Restore(command)) => command.run(context).await,
        Command::Session(SessionCommand::Export(command)) => command.run(context).await,
        Command::Session(SessionCommand::Import(command)) => command.run(context).await,
        Command::Session(SessionCommand::State(command)) => command.run(context).await,
        Command::Session(SessionCommand::Send(command)) => command.run(context).await,
        Command::Session(SessionCommand::Interrupt(command)) => command.run(context).await,
        Command::Session(SessionCommand::Pause(command)) => command.run(context).await,
        Command::Session(SessionCommand::Resume(command)) => command.run(context).await,
        Command::Session(SessionCommand::Terminate(command)) => command.run(context).await,
        Command::Session(SessionCommand::Set(command)) => command.run(context).await,
        Command::Session(SessionCommand::Search(command)) => command.run(context).await,
        Command::Hook(command) => command.run(context).await,
        Command::Approval(command) => command.run(context).await,
        Command::Policy(command) => command.run(context).await,
        Command::Price(command) => command.run(context).await,
        Command::Import(command) => command.run(context).await,
        Command::Agent(command) => command.run(context).await,
        Command::Template(command) => command.run(context).await,
        Command::Worker(command) => command.run(context).await,
        Command::Audit(AuditCommand::List(command)) => command.run(context).await,
        Command::Audit(AuditCommand::Verify(command)) => command.run(context).await,
        Command::Audit(AuditCommand::Export(command)) => command.run(context).await,
        Command::Audit(AuditCommand::Redact(command)) => command.run(context).await,
        Command::Db(DbCommand::Migrate(command)) => command.run(context).await,
        Command::Db(DbCommand::Rollback(command)) => command.run(context).await,
        Command::Db(DbCommand::Status(command)) => command.run(context).await,
        Command::Db(DbCommand::Check(command)) => command.run(context).await,
        Command::Db(DbCommand::Backup(command)) => command.run(context).await,
        Command::Db(DbCommand::Restore(command)) => command.run(context).await,
        Command::Db(DbCommand::Export(command)) => command.run(context).await,
        Command::Db(DbCommand::Import(command)) => command.run(context).await,
        Command::Config(ConfigCommand::Show(command)) => command.run(&context),
        Command::Init(command) => command.run(context, global).await,
        Command::Doctor(command) => command.run(context).await,
        Command::Completion(command) => command.run(context.terminal),
        Command::AgentScripted(command) => Ok(command.run()),
        Command::AgentGuard(command) => Ok(command.run()),
        Command::HookServer(command) => command.run(),
        Command::AgentHook(command) => Ok(command.run()),
        Command::HookClient(_) => Err(anyhow::anyhow!("hook-client runs by itself").into()),
    }
}

fn report(failure: &Failure, terminal: Option<Terminal>) {
    let style = terminal.map_or(terminal::style::Style { color: false }, |terminal| terminal.err);
    // A message may quote an agent.
    let mut lines = vec![format!("{} {}", style.red("error:"), terminal::text::printable(&failure.message))];
    let hints = failure.hints.iter().map(|hint| terminal::text::printable(hint));
    lines.extend(hints.map(|hint| format!("{} {hint}", style.cyan("hint:"))));
    for line in lines {
        // Nobody is left to be told that nobody listens.
        drop(std::io::Write::write_fmt(&mut std::io::stderr(), format_args!("{line}\n")));
    }
}
