//! Every environment variable Provost itself reads; what passes on to agents is the `agent` crate's list.

/// Settings: `PROVOST_SESSION__MODEL` is `session.model`.
pub(crate) const SETTING_PREFIX: &str = "PROVOST_";
/// The database, as many tools call it.
pub(crate) const DATABASE_URL: &str = "DATABASE_URL";
/// Where a user's data, settings and state live, when not in the usual folders.
pub(crate) const XDG_DATA_HOME: &str = "XDG_DATA_HOME";
pub(crate) const XDG_CONFIG_HOME: &str = "XDG_CONFIG_HOME";
/// Where sockets of a user's running programs live, if anywhere.
pub(crate) const XDG_RUNTIME_DIR: &str = "XDG_RUNTIME_DIR";
/// The home folder.
pub(crate) const HOME: &str = "HOME";
/// Where the Claude Code CLI keeps its things, when not in the usual folder.
pub(crate) const CLAUDE_CONFIG_DIR: &str = "CLAUDE_CONFIG_DIR";
/// The project that the Claude Code CLI works on, as it tells its hooks.
pub(crate) const CLAUDE_PROJECT_DIR: &str = "CLAUDE_PROJECT_DIR";
/// Who is at this machine.
pub(crate) const USER_NAMES: [&str; 2] = ["USER", "LOGNAME"];
/// Any value turns colours off (no-color.org).
pub(crate) const NO_COLOR: &str = "NO_COLOR";
/// `dumb` is a terminal without colours.
pub(crate) const TERM: &str = "TERM";
/// Where the shell looks for programs.
pub(crate) const PATH: &str = "PATH";
/// Set for agents that Provost runs, and inherited by whatever they start.
pub(crate) const AGENT_PROCESS_MARK: &str = agent::MARK_VARIABLE;
/// The authorities that are trusted instead of the operating system's, as many programs know them.
pub(crate) const CERTIFICATES: [&str; 2] = ["SSL_CERT_FILE", "SSL_CERT_DIR"];
