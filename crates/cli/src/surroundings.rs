//! What a process finds around itself: variables, folders, terminals. Read once, here and nowhere else.

use std::{
    ffi::OsString,
    io::{self, IsTerminal},
    path::PathBuf,
};

use crate::variable;

/// The surroundings of this process.
#[derive(Debug, Clone)]
pub(crate) struct Surroundings {
    pub(crate) variables: Vec<(OsString, OsString)>,
    pub(crate) current_directory: PathBuf,
    pub(crate) stdin_is_terminal: bool,
    pub(crate) stdout_is_terminal: bool,
    pub(crate) stderr_is_terminal: bool,
}

/// This very program, as a child of this process can start it: also when its file was replaced since it began.
pub(crate) fn own_program() -> io::Result<PathBuf> {
    let file = std::env::current_exe()?;
    let process = PathBuf::from(format!("/proc/{}/exe", std::process::id()));
    Ok(if file.exists() || !process.exists() { file } else { process })
}

impl Surroundings {
    #[expect(clippy::disallowed_methods, reason = "this is where the environment is read")]
    pub(crate) fn read() -> io::Result<Self> {
        Ok(Self {
            variables: std::env::vars_os().collect(),
            current_directory: std::env::current_dir()?,
            stdin_is_terminal: io::stdin().is_terminal(),
            stdout_is_terminal: io::stdout().is_terminal(),
            stderr_is_terminal: io::stderr().is_terminal(),
        })
    }

    /// A variable that is set, not empty, and text.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        let found = self.variables.iter().find(|(key, _)| key == name)?;
        found.1.to_str().filter(|value| !value.is_empty()).map(str::to_owned)
    }

    /// Every variable that is text.
    pub(crate) fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.variables.iter().filter_map(|(name, value)| Some((name.to_str()?, value.to_str()?)))
    }

    pub(crate) fn config_directory(&self) -> Option<PathBuf> {
        self.xdg(variable::XDG_CONFIG_HOME, ".config")
    }

    pub(crate) fn data_directory(&self) -> Option<PathBuf> {
        self.xdg(variable::XDG_DATA_HOME, ".local/share")
    }

    pub(crate) fn user_name(&self) -> String {
        let name = variable::USER_NAMES.iter().find_map(|name| self.text(name));
        name.unwrap_or_else(|| "local".to_owned())
    }

    /// What a person here types to run this program: its name if the shell finds it, its path otherwise.
    pub(crate) fn program_name(&self) -> String {
        const NAME: &str = "provost";
        let Ok(program) = std::env::current_exe() else { return NAME.to_owned() };
        let path = self.text(variable::PATH).unwrap_or_default();
        let found = std::env::split_paths(&path).map(|folder| folder.join(NAME)).find(|file| file.is_file());
        if found.and_then(|file| file.canonicalize().ok()) == program.canonicalize().ok() {
            return NAME.to_owned();
        }
        program.strip_prefix(&self.current_directory).unwrap_or(&program).display().to_string()
    }

    /// Colours are wanted by a terminal unless somebody said no.
    pub(crate) fn wants_color(&self) -> bool {
        self.text(variable::NO_COLOR).is_none() && self.text(variable::TERM).is_none_or(|term| term != "dumb")
    }

    /// Relative paths in XDG variables are to be ignored, says their specification.
    fn xdg(&self, variable: &str, below_home: &str) -> Option<PathBuf> {
        let named = self.text(variable).map(PathBuf::from).filter(|path| path.is_absolute());
        let usual = || Some(PathBuf::from(self.text(variable::HOME)?).join(below_home));
        named.or_else(usual).map(|path| path.join("provost"))
    }
}
