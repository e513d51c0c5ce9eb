//! From what a person types to a session: a whole id, the beginning or end of one, or `last`.

use domain::id::SessionId;
use store::{Conn, StoreError};
use uuid::Uuid;

use crate::{App, Caller};

/// How a person names a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionReference {
    /// The newest one.
    Last,
    /// This one.
    Id(SessionId),
    /// The one whose id begins or ends with these characters: hexadecimal digits and hyphens, lower case.
    Part(String),
}

/// A text that names no session.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a session; accepted: an id, at least 4 characters of its beginning or end, or last")]
pub struct InvalidSessionReference(String);

/// Why a reference names no session.
#[derive(Debug, thiserror::Error)]
pub enum ResolveSessionError {
    /// Nothing fits.
    #[error("there is no session {0}")]
    NotFound(String),
    /// There is no session at all.
    #[error("there is no session yet")]
    NoneYet,
    /// Several fit.
    #[error("{part} fits {} sessions: {}", .candidates.len(), list(.candidates))]
    Ambiguous {
        /// As given.
        part: String,
        /// Some that fit.
        candidates: Vec<SessionId>,
    },
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl std::str::FromStr for SessionReference {
    type Err = InvalidSessionReference;

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
        if is_part && (4..32).contains(&digits) && folded.len() < 36 {
            Ok(Self::Part(folded))
        } else {
            Err(InvalidSessionReference(text.to_owned()))
        }
    }
}

impl App {
    /// The session a person means.
    ///
    /// # Errors
    /// See [`ResolveSessionError`].
    pub async fn resolve_session(
        &self,
        caller: Caller,
        reference: SessionReference,
    ) -> Result<SessionId, ResolveSessionError> {
        match reference {
            SessionReference::Id(id) => Ok(id),
            SessionReference::Last => {
                let last =
                    self.store().read(move |conn| conn.team(caller.team_id).sessions().find_last()).await?;
                last.map(|session| session.id).ok_or(ResolveSessionError::NoneYet)
            }
            SessionReference::Part(part) => {
                let wanted = part.clone();
                let mut candidates = self.store().read(move |conn| candidates(conn, caller, &wanted)).await?;
                match (candidates.pop(), candidates.is_empty()) {
                    (None, _) => Err(ResolveSessionError::NotFound(part)),
                    (Some(only), true) => Ok(only),
                    (Some(other), false) => {
                        candidates.push(other);
                        Err(ResolveSessionError::Ambiguous { part, candidates })
                    }
                }
            }
        }
    }
}

/// Some sessions that fit; more than one is too many.
fn candidates(conn: &Conn, caller: Caller, part: &str) -> Result<Vec<SessionId>, StoreError> {
    const ENOUGH: u32 = 4;
    let mut found = match bounds(part) {
        Some((first, last)) => conn.team(caller.team_id).sessions().list_ids_between(first, last, ENOUGH)?,
        None => Vec::new(),
    };
    found.extend(conn.team(caller.team_id).sessions().list_ids_ending(part, ENOUGH)?);
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

/// The smallest and the largest id that begin like this.
fn bounds(prefix: &str) -> Option<(Uuid, Uuid)> {
    let digits: String = prefix.chars().filter(char::is_ascii_hexdigit).collect();
    let fill = |digit: char| {
        let rest = std::iter::repeat_n(digit, 32_usize.checked_sub(digits.len())?);
        let id: Uuid = digits.chars().chain(rest).collect::<String>().parse().ok()?;
        Some(id)
    };
    let first = fill('0')?;
    first.to_string().starts_with(prefix.trim_end_matches('-')).then_some(first).zip(fill('f'))
}

fn list(ids: &[SessionId]) -> String {
    ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_person_types_is_told_apart() {
        let id = "01929f3e-7b1c-7cc0-98a2-0f4c9d3a5b6c";
        assert_eq!("last".parse(), Ok(SessionReference::Last));
        assert_eq!(id.to_uppercase().parse(), Ok(SessionReference::Id(id.parse().expect("an id"))));
        assert_eq!("9D3A5B6C".parse(), Ok(SessionReference::Part("9d3a5b6c".into())));
        for bad in ["", "abc", "newest", "zzzzzzzz", "--------", &"a".repeat(40)] {
            assert!(bad.parse::<SessionReference>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_prefix_spans_the_ids_that_begin_with_it() {
        let (first, last) = bounds("01929f3e-7b").expect("bounds");
        assert_eq!(first.to_string(), "01929f3e-7b00-0000-0000-000000000000");
        assert_eq!(last.to_string(), "01929f3e-7bff-ffff-ffff-ffffffffffff");
        assert_eq!(bounds("0192-9f3e"), None, "a hyphen where no id has one");
    }
}
