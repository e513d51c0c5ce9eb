//! Policies of a team: kept with the history of their whole set, checked before they are kept.
//!
//! How they are applied to a session is not known here; [`stored_policies`] gives what applies.

mod add;
mod history;
mod list;
mod replay;
mod switch;
mod update;

use domain::{InvalidText, policy::PolicyName};
use store::StoreError;

pub use self::{
    add::NewPolicies,
    history::{PolicyHistoryEntry, PolicyMove},
    list::{StoredSet, stored_policies},
    replay::{Difference, Outcome, Replay, ReplayCounts, ReplayReport},
    update::PolicyEdit,
};

/// Why nothing was done about a policy.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// The team has none of this name.
    #[error("there is no policy {name}")]
    NotFound {
        /// As asked for.
        name: PolicyName,
        /// One that was perhaps meant.
        nearest: Option<PolicyName>,
    },
    /// The team has one of this name already.
    #[error("there is a policy {0} already")]
    Taken(PolicyName),
    /// Two of those to be added have one name.
    #[error("the policy {0} is there twice; a name is unique in a team")]
    Repeated(PolicyName),
    /// Its name.
    #[error(transparent)]
    Name(#[from] InvalidText),
    /// What it says.
    #[error(transparent)]
    Unreadable(#[from] policy::PolicyError),
    /// The set never had this version.
    #[error("the set of policies has no version {version}; accepted: 1 to {current}")]
    NoRevision {
        /// As asked for.
        version: i64,
        /// The latest.
        current: i64,
    },
    /// The set had none of this name then.
    #[error("there was no policy {name} in version {version} of the set")]
    NotThen {
        /// As asked for.
        name: PolicyName,
        /// As asked for.
        version: i64,
    },
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The error that there is none of this name among these.
fn not_found<'n>(name: &PolicyName, known: impl IntoIterator<Item = &'n PolicyName>) -> PolicyError {
    let nearest = policy::nearest(name.as_str(), known.into_iter().map(PolicyName::as_str));
    PolicyError::NotFound { name: name.clone(), nearest: nearest.and_then(|nearest| nearest.parse().ok()) }
}
