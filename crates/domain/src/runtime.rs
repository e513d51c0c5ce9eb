//! The programs Provost drives.

text_enum! {
    /// The program that runs a session.
    pub enum RuntimeKind: "runtime" {
        /// The Claude Code CLI.
        Claude = "claude",
        /// The built-in agent that plays a scenario file: for demo and tests.
        Scripted = "scripted",
    }
}
