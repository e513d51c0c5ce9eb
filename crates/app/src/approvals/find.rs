//! From what a person types to a question: a whole id, the beginning or end of one, or `last`.

use domain::{approval::Approval, id::ApprovalId};
use store::{ApprovalFilter, Conn, StoreError};

use crate::{App, Caller};

/// Among how many of the newest a part of an id is looked for.
const NEWEST: u32 = 1000;

/// How a person names a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ApprovalReference {
    /// The newest that waits for an answer, or the newest of all.
    Last,
    /// This one.
    Id(ApprovalId),
    /// The one whose id begins or ends with these characters.
    Part(String),
}

/// A text that names no question.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an approval; accepted: an id, at least 4 characters of its beginning or end, or last")]
pub struct InvalidApprovalReference(String);

/// Why a reference names no question.
#[derive(Debug, thiserror::Error)]
pub enum FindApprovalError {
    /// Nothing fits.
    #[error("there is no approval {0}")]
    NotFound(String),
    /// There is none at all.
    #[error("there is no approval yet")]
    NoneYet,
    /// Several fit.
    #[error("{part} fits {} approvals: {}", .candidates.len(), list(.candidates))]
    Ambiguous {
        /// As given.
        part: String,
        /// Those that fit.
        candidates: Vec<ApprovalId>,
    },
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl std::str::FromStr for ApprovalReference {
    type Err = InvalidApprovalReference;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let folded = text.trim().to_ascii_lowercase();
        if folded == "last" {
            return Ok(Self::Last);
        }
        if let Ok(id) = folded.parse() {
            return Ok(Self::Id(id));
        }
        let is_part = folded.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
        let digits = folded.bytes().filter(u8::is_ascii_hexdigit).count();
        if is_part && (4..32).contains(&digits) {
            Ok(Self::Part(folded))
        } else {
            Err(InvalidApprovalReference(text.to_owned()))
        }
    }
}

impl App {
    /// The question a person means.
    ///
    /// # Errors
    /// See [`FindApprovalError`].
    pub async fn find_approval(
        &self,
        caller: Caller,
        reference: ApprovalReference,
    ) -> Result<Approval, FindApprovalError> {
        let find = move |conn: &Conn| {
            let approvals = conn.team(caller.team_id).approvals();
            let newest = |limit| {
                let filter = ApprovalFilter { status: None, session_id: None };
                Ok::<_, StoreError>(approvals.list(filter, None, limit)?.items)
            };
            match reference {
                ApprovalReference::Id(id) => {
                    approvals.find(id)?.ok_or_else(|| FindApprovalError::NotFound(id.to_string()))
                }
                ApprovalReference::Last => {
                    // Not the newest that waits: who says it twice would answer another one, unseen.
                    newest(1)?.into_iter().next().ok_or(FindApprovalError::NoneYet)
                }
                ApprovalReference::Part(part) => {
                    let fits = |approval: &Approval| {
                        let id = approval.id.to_string();
                        id.starts_with(&part) || id.ends_with(&part)
                    };
                    let mut fitting: Vec<_> = newest(NEWEST)?.into_iter().filter(fits).collect();
                    match (fitting.pop(), fitting.is_empty()) {
                        (None, _) => Err(FindApprovalError::NotFound(part)),
                        (Some(only), true) => Ok(only),
                        (Some(other), false) => {
                            fitting.push(other);
                            let candidates = fitting.iter().map(|approval| approval.id).collect();
                            Err(FindApprovalError::Ambiguous { part, candidates })
                        }
                    }
                }
            }
        };
        self.store().read(find).await
    }
}

fn list(ids: &[ApprovalId]) -> String {
    ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_person_types_is_told_apart() {
        let id = "01929f3e-7b1c-7cc0-98a2-0f4c9d3a5b6c";
        assert_eq!("LAST".parse(), Ok(ApprovalReference::Last));
        assert_eq!(id.parse(), Ok(ApprovalReference::Id(id.parse().expect("an id"))));
        assert_eq!("9D3A5B6C".parse(), Ok(ApprovalReference::Part("9d3a5b6c".into())));
        for bad in ["", "abc", "newest", "zzzz"] {
            assert!(bad.parse::<ApprovalReference>().is_err(), "{bad}");
        }
    }
}
