//! What an agent program is told by the hooks of an event.

/// What the hooks of an event say to it, all together. The default is that it goes on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HookAnswer {
    /// It does not go on, for this reason.
    pub block: Option<String>,
    /// What the model is told besides.
    pub context: Option<String>,
}
