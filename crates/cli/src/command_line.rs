//! The command line as it is parsed: nouns, verbs, and the flags all of them share.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::command;

/// The control plane and system of record for AI coding agents.
#[derive(Debug, Parser)]
#[command(name = "provost", version, propagate_version = true, arg_required_else_help = true)]
#[command(
    after_help = "New here? `provost demo` shows everything in half a minute, without an account or a network."
)]
pub(crate) struct CommandLine {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Flags of every command.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Global {
    /// An SQLite file, or postgres://user:password@host:port/database.
    #[arg(long, global = true, value_name = "FILE|URL")]
    pub(crate) database: Option<String>,
    /// A settings file to use instead of ./provost.toml.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Write JSON: one document, or one a line where output goes on.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// No colours.
    #[arg(long, global = true)]
    pub(crate) no_color: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start a session, give it a prompt, and watch it.
    Run(Box<command::run::Run>),
    /// Watch a built-in agent repair a small program: no account, no network, nothing to set up.
    Demo(command::demo::Demo),
    /// Look after agents: definitions that sessions run with.
    #[command(subcommand)]
    Agent(command::agent::AgentCommand),
    /// Look after session templates: options to start from.
    #[command(subcommand)]
    Template(command::template::TemplateCommand),
    /// Run background sessions from the queue.
    Worker(command::worker::Worker),
    /// Look at sessions, and tell them something.
    #[command(subcommand)]
    Session(SessionCommand),
    /// Look after hooks: code that runs at an event of an agent.
    #[command(subcommand)]
    Hook(command::hook::HookCommand),
    #[command(name = command::hook_client::SUBCOMMAND, about = command::hook_client::ABOUT)]
    HookClient(command::hook_client::HookClient),
    /// See what agents ask, and answer.
    #[command(subcommand)]
    Approval(command::approval::ApprovalCommand),
    /// See what policies say about tool calls.
    #[command(subcommand)]
    Policy(command::policy::PolicyCommand),
    /// What tokens of models cost.
    #[command(subcommand)]
    Price(command::price::PriceCommand),
    /// Read what other programs kept.
    #[command(subcommand)]
    Import(command::import::ImportCommand),
    /// Look at the audit log, and prove that it is whole.
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Look after the database.
    #[command(subcommand)]
    Db(DbCommand),
    /// Look at settings.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Write a commented settings file and create the database.
    Init(command::init::Init),
    /// Find out what is there, what is missing, and how to mend it.
    Doctor(command::doctor::Doctor),
    /// Print a completion script for a shell.
    Completion(command::completion::Completion),
    /// The child process of the scripted runtime.
    #[command(name = agent::scripted::SUBCOMMAND, hide = true)]
    AgentScripted(command::agent_scripted::AgentScripted),
    /// Ends the agents of a Provost that was killed.
    #[command(name = agent::guard::SUBCOMMAND, hide = true)]
    AgentGuard(command::agent_guard::AgentGuard),
    /// Judges events for hook clients.
    #[command(name = crate::hook_server::SUBCOMMAND, hide = true)]
    HookServer(command::hook_server::HookServer),
    /// The program at the command hooks that Provost gives an agent CLI.
    #[command(name = agent::session_hook::SUBCOMMAND, hide = true)]
    AgentHook(command::agent_hook::AgentHook),
}

#[derive(Debug, Subcommand)]
pub(crate) enum SessionCommand {
    /// List sessions, newest first.
    List(command::session_list::SessionList),
    /// Show one session.
    Show(command::session_show::SessionShow),
    /// Show everything that was recorded in a session, in order.
    Timeline(command::session_timeline::SessionTimeline),
    /// Find what was said in sessions.
    Search(command::session_search::SessionSearch),
    /// Watch a session, whichever process runs it, until it rests.
    Follow(command::session_follow::SessionFollow),
    /// Begin a session with the history of another one, in a copy of its folder.
    Fork(command::session_fork::SessionFork),
    /// Note where a session is, under a name.
    Checkpoint(command::session_checkpoint::SessionCheckpoint),
    /// List the checkpoints of a session, newest first.
    Checkpoints(command::session_checkpoint::SessionCheckpoints),
    /// Begin a session where another one was at a checkpoint.
    Restore(command::session_checkpoint::SessionRestore),
    /// Write a session with everything that belongs to it as lines of JSON.
    Export(command::session_bundle::SessionExport),
    /// Read what session export wrote, here or elsewhere.
    Import(command::session_bundle::SessionImport),
    /// Show, set and remove values that programs keep about a session.
    State(command::session_state::SessionState),
    /// Give a session a further prompt; one without a process waits for a worker.
    Send(command::session_tell::Send),
    /// Stop what a session works on, and keep its process.
    Interrupt(command::session_tell::Interrupt),
    /// End a session's process; the next prompt resumes it.
    Pause(command::session_tell::Pause),
    /// Let a worker go on with a session.
    Resume(command::session_tell::Resume),
    /// End a session, or take it out of the queue.
    Terminate(command::session_tell::Terminate),
    /// Change the model or the permission mode of a running session.
    Set(command::session_tell::Set),
}

#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// List what actors did, newest first.
    List(command::audit_list::AuditList),
    /// Look at every line and seal, and say where the log is broken.
    Verify(command::audit_verify::AuditVerify),
    /// Write the log with its seals and public keys as lines of JSON.
    Export(command::audit_export::AuditExport),
    /// Blank the details of a line; the log verifies as before.
    Redact(command::audit_redact::AuditRedact),
}

#[derive(Debug, Subcommand)]
pub(crate) enum DbCommand {
    /// Bring the schema forward.
    Migrate(command::db_migrate::DbMigrate),
    /// Take the newest migration back, and all that is stored in what it created.
    Rollback(command::db_rollback::DbRollback),
    /// Show which migrations are applied.
    Status(command::db_status::DbStatus),
    /// Check that everything stored is whole.
    Check(command::db_check::DbCheck),
    /// Copy the database file while it is in use.
    Backup(command::db_backup::DbBackup),
    /// Put a copy back, where there is no database or an empty one.
    Restore(command::db_restore::DbRestore),
    /// Write the whole database as lines of JSON, the same from SQLite and PostgreSQL.
    Export(command::db_export::DbExport),
    /// Read what db export wrote into an empty database of either kind.
    Import(command::db_import::DbImport),
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Show every setting with its value.
    Show(command::config_show::ConfigShow),
}
