//! Versions of the agent program.

use std::{path::Path, process::Stdio, str::FromStr, time::Duration};

use tokio::process::Command;

use crate::{StartError, process::classify_spawn_error};

/// The oldest agent CLI this driver knows to speak to.
pub const MINIMUM_VERSION: Version = Version { major: 2, minor: 1, patch: 0 };

const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// A version of the agent program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// Incompatible changes.
    pub major: u32,
    /// New features.
    pub minor: u32,
    /// Corrections.
    pub patch: u32,
}

/// A text that does not begin with a version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a version such as 2.1.329")]
pub struct InvalidVersion(String);

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

impl FromStr for Version {
    type Err = InvalidVersion;

    /// Reads `2.1.329`, and `2.1.329 (Claude Code)` as `--version` prints it. A pre-release mark is not looked at.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidVersion(text.chars().take(80).collect());
        let number =
            text.trim_start().split(|c: char| c != '.' && !c.is_ascii_digit()).next().unwrap_or_default();
        let parts =
            number.split('.').map(str::parse).collect::<Result<Vec<u32>, _>>().map_err(|_| invalid())?;
        match parts[..] {
            [major, minor, patch] => Ok(Self { major, minor, patch }),
            _ => Err(invalid()),
        }
    }
}

/// Asks an agent program for its version by `--version`, which starts no session. A bare name is looked up in this
/// process's own `PATH`. Takes at most ten seconds.
///
/// # Errors
/// When the program is missing, cannot be run, hangs, fails or answers something that is no version.
pub async fn version(command: &Path) -> Result<Version, StartError> {
    let mut process = Command::new(command);
    process.arg("--version").env_remove("CLAUDECODE").stdin(Stdio::null()).kill_on_drop(true);
    let output = match tokio::time::timeout(LONGEST_WAIT, process.output()).await {
        Ok(output) => output.map_err(|source| classify_spawn_error(command, source))?,
        Err(_) => return Err(StartError::HandshakeTimeout { after: LONGEST_WAIT }),
    };
    let answer = String::from_utf8_lossy(&output.stdout);
    answer.parse().map_err(|InvalidVersion(answer)| StartError::NoVersion { answer })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_read_from_what_the_program_prints() {
        assert_eq!("2.1.329 (Claude Code)\n".parse(), Ok(Version { major: 2, minor: 1, patch: 329 }));
        assert_eq!("2.1.0".parse(), Ok(MINIMUM_VERSION));
        for text in ["", "claude", "2.1", "2..1", "v2.1.0", "2.1.3.4", "99999999999.1.1"] {
            assert!(text.parse::<Version>().is_err(), "{text}");
        }
    }

    #[test]
    fn versions_compare_by_number_and_not_by_text() {
        let version = |text: &str| text.parse::<Version>().expect("a version");
        assert!(version("2.1.100") > version("2.1.99"));
        assert!(version("2.0.999") < MINIMUM_VERSION);
    }
}
