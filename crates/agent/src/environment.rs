//! The variables an agent program sees: an allow-list, because its tools inherit them.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    path::PathBuf,
};

/// Variables for an agent program. Whatever is not in here, the program does not see.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Environment {
    variables: BTreeMap<OsString, OsString>,
}

/// Whose login and configuration the agent program uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EnvironmentPolicy {
    /// The user's own: the program's own variables and those of proxies and certificates pass.
    OwnLogin,
    /// Nobody's: only the basic variables pass; a login is added with [`Environment::with`].
    Isolated {
        /// The program's configuration folder, one per tenant.
        config_directory: PathBuf,
    },
}

/// What every program needs to find other programs and to speak the user's language.
const BASIC: &[&str] = &[
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "LANGUAGE",
    "TZ",
    "TERM",
    "COLORTERM",
    "TMPDIR",
    "XDG_CONFIG_HOME",
    "XDG_CACHE_HOME",
    "XDG_DATA_HOME",
    "XDG_STATE_HOME",
];
const BASIC_PREFIXES: &[&str] = &["LC_"];

/// What the agent CLI documents for itself and for its model providers.
const OWN: &[&str] = &[
    "API_TIMEOUT_MS",
    "BASH_DEFAULT_TIMEOUT_MS",
    "BASH_MAX_TIMEOUT_MS",
    "BASH_MAX_OUTPUT_LENGTH",
    "CLAUDE_CONFIG_DIR",
    "CLOUD_ML_REGION",
    "DISABLE_AUTOUPDATER",
    "DISABLE_COST_WARNINGS",
    "DISABLE_ERROR_REPORTING",
    "DISABLE_PROMPT_CACHING",
    "DISABLE_TELEMETRY",
    "GCLOUD_PROJECT",
    "IS_SANDBOX",
    "MAX_MCP_OUTPUT_TOKENS",
    "MAX_THINKING_TOKENS",
    "MCP_TIMEOUT",
    "MCP_TOOL_TIMEOUT",
];
const OWN_PREFIXES: &[&str] = &["ANTHROPIC_", "CLAUDE_CODE_", "AWS_", "GOOGLE_", "VERTEX_", "BEDROCK_"];

/// Proxies and certificates, without which a company network lets nothing through.
const NETWORK: &[&str] = &[
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "ALL_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "all_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "NODE_EXTRA_CA_CERTS",
];

/// Set by a surrounding agent session for its own children; they would make this program take itself for one.
const OF_A_SURROUNDING_SESSION: &[&str] = &[
    "CLAUDECODE",
    "CLAUDE_CODE_ENTRYPOINT",
    "CLAUDE_CODE_SESSION_ID",
    "CLAUDE_CODE_SSE_PORT",
    "CLAUDE_CODE_TMPDIR",
];

impl Environment {
    /// Picks from `all` what the policy lets pass and adds what the driver needs.
    pub fn select(all: impl IntoIterator<Item = (OsString, OsString)>, policy: EnvironmentPolicy) -> Self {
        let passes = |name: &OsStr| is_basic(name) || (policy == EnvironmentPolicy::OwnLogin && is_own(name));
        let environment = Self { variables: all.into_iter().filter(|(name, _)| passes(name)).collect() };
        let environment = environment
            .with("CLAUDE_CODE_ENTRYPOINT", "sdk-rs")
            .with("CLAUDE_CODE_SDK_READS_SESSION_STATE", "1");
        match policy {
            EnvironmentPolicy::OwnLogin => environment,
            EnvironmentPolicy::Isolated { config_directory } => {
                environment.with("CLAUDE_CONFIG_DIR", config_directory)
            }
        }
    }

    /// Only what every program needs: no login, no key, nothing of the agent program's own.
    #[must_use]
    pub fn basic(&self) -> Self {
        let basic = self.variables.iter().filter(|(name, _)| is_basic(name));
        Self { variables: basic.map(|(name, value)| (name.clone(), value.clone())).collect() }
    }

    /// The folder for the program's temporary files. It holds a Unix socket, whose path may have about 100 bytes, so
    /// give a short one.
    #[must_use]
    pub fn with_temporary_directory(self, directory: impl Into<PathBuf>) -> Self {
        self.with("CLAUDE_CODE_TMPDIR", directory.into())
    }

    /// Adds or replaces one variable, whatever the policy says.
    #[must_use]
    pub fn with(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.variables.insert(name.into(), value.into());
        self
    }

    #[cfg(test)]
    fn get(&self, name: &str) -> Option<&OsStr> {
        self.variables.get(OsStr::new(name)).map(OsString::as_os_str)
    }

    /// All variables, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        self.variables.iter().map(|(name, value)| (name.as_os_str(), value.as_os_str()))
    }
}

impl std::fmt::Debug for Environment {
    /// Names only: a value may be a secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.variables.keys()).finish()
    }
}

fn is_basic(name: &OsStr) -> bool {
    matches(name, BASIC, BASIC_PREFIXES)
}

fn is_own(name: &OsStr) -> bool {
    !matches(name, OF_A_SURROUNDING_SESSION, &[]) && matches(name, OWN, OWN_PREFIXES)
        || matches(name, NETWORK, &[])
}

fn matches(name: &OsStr, names: &[&str], prefixes: &[&str]) -> bool {
    name.to_str()
        .is_some_and(|name| names.contains(&name) || prefixes.iter().any(|prefix| name.starts_with(prefix)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn select(names: &[&str], policy: EnvironmentPolicy) -> Environment {
        Environment::select(names.iter().map(|name| (OsString::from(name), OsString::from("x"))), policy)
    }

    #[test]
    fn what_is_not_allowed_is_not_passed() {
        let environment =
            select(&["PATH", "DATABASE_URL", "GITHUB_TOKEN", "PROVOST_KEY"], EnvironmentPolicy::OwnLogin);
        let names: Vec<_> = environment.iter().map(|(name, _)| name.to_owned()).collect();
        assert_eq!(names, ["CLAUDE_CODE_ENTRYPOINT", "CLAUDE_CODE_SDK_READS_SESSION_STATE", "PATH"]);
    }

    #[test]
    fn the_own_login_passes_only_when_asked_for() {
        let names = [
            "ANTHROPIC_API_KEY",
            "CLAUDE_CODE_USE_BEDROCK",
            "AWS_PROFILE",
            "https_proxy",
            "CLAUDE_CONFIG_DIR",
        ];
        let own = select(&names, EnvironmentPolicy::OwnLogin);
        assert!(names.iter().all(|name| own.get(name) == Some(OsStr::new("x"))), "{own:?}");

        let isolated = select(&names, EnvironmentPolicy::Isolated { config_directory: "/data/agent".into() });
        assert_eq!(isolated.get("ANTHROPIC_API_KEY"), None);
        assert_eq!(isolated.get("https_proxy"), None);
        assert_eq!(isolated.get("CLAUDE_CONFIG_DIR"), Some(OsStr::new("/data/agent")));
    }

    #[test]
    fn the_basic_variables_hold_no_login() {
        let own =
            select(&["PATH", "LC_ALL", "ANTHROPIC_API_KEY", "AWS_PROFILE"], EnvironmentPolicy::OwnLogin);
        assert_eq!(format!("{:?}", own.basic()), r#"{"LC_ALL", "PATH"}"#);
    }

    #[test]
    fn a_surrounding_agent_session_does_not_leak_in() {
        let environment = select(OF_A_SURROUNDING_SESSION, EnvironmentPolicy::OwnLogin);
        assert_eq!(environment.get("CLAUDECODE"), None);
        assert_eq!(environment.get("CLAUDE_CODE_TMPDIR"), None);
        assert_eq!(environment.get("CLAUDE_CODE_ENTRYPOINT"), Some(OsStr::new("sdk-rs")));
    }

    #[test]
    fn values_are_not_shown_in_debug_output() {
        let environment = Environment::default().with("ANTHROPIC_API_KEY", "invented");
        assert_eq!(format!("{environment:?}"), r#"{"ANTHROPIC_API_KEY"}"#);
    }
}
