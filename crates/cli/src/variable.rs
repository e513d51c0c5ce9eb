//! Every environment variable Provost itself reads; what passes on to agents is the `agent` crate's list.

/// Settings: `PROVOST_SESSION__MODEL` is `session.model`.
pub(crate) const SETTING_PREFIX: &str = "PROVOST_";
/// The database, as many tools call it.
pub(crate) const DATABASE_URL: &str = "DATABASE_URL";
/// Where a user's data, settings and state live, when not in the usual folders.
pub(crate) const XDG_DATA_HOME: &str = "XDG_DATA_HOME";
pub(crate) const XDG_CONFIG_HOME: &str = "XDG_CONFIG_HOME";
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
