//! Keys of stored objects: the only names under which anything is put into a storage backend.

use crate::{
    archive::Compression,
    id::{ArchiveId, SessionId, TeamId},
};

/// The key of an object. Keys hold ids only, so no name that a person chose can lead out of the storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StorageKey {
    /// A packed working directory: `archives/TEAM/SESSION/ARCHIVE.tar.gz`, `.tar.zst` or `.tar`.
    Archive {
        /// The tenant.
        team_id: TeamId,
        /// The session whose working directory it is.
        session_id: SessionId,
        /// The archive.
        archive_id: ArchiveId,
        /// How it was made smaller, which says how the name ends.
        compression: Compression,
    },
}

/// A text that is no key of a stored object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a storage key; accepted: archives/TEAM/SESSION/ARCHIVE.tar.gz, .tar.zst or .tar, with ids"
)]
pub struct InvalidStorageKey(String);

impl std::fmt::Display for StorageKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Archive { team_id, session_id, archive_id, compression } => {
                write!(f, "archives/{team_id}/{session_id}/{archive_id}.{}", compression.extension())
            }
        }
    }
}

impl std::str::FromStr for StorageKey {
    type Err = InvalidStorageKey;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = || {
            let mut parts = text.strip_prefix("archives/")?.split('/');
            let (team, session, object) = (parts.next()?, parts.next()?, parts.next()?);
            let (archive, extension) = object.split_once('.')?;
            let key = Self::Archive {
                team_id: team.parse().ok()?,
                session_id: session.parse().ok()?,
                archive_id: archive.parse().ok()?,
                compression: *Compression::ALL.iter().find(|kind| kind.extension() == extension)?,
            };
            // Ids have several spellings and keys only one.
            (key.to_string() == text).then_some(key)
        };
        parse().ok_or_else(|| InvalidStorageKey(text.to_owned()))
    }
}

impl serde::Serialize for StorageKey {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use uuid::Uuid;

    proptest! {
        #[test]
        fn a_key_survives_its_text(ids in any::<[u128; 3]>(), compression in proptest::sample::select(Compression::ALL)) {
            let [team, session, archive] = ids.map(Uuid::from_u128);
            let key = StorageKey::Archive {
                team_id: TeamId::from_uuid(team),
                session_id: SessionId::from_uuid(session),
                archive_id: ArchiveId::from_uuid(archive),
                compression,
            };
            prop_assert_eq!(key.to_string().parse::<StorageKey>(), Ok(key));
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in "(archives/)?[./a-f0-9-]*.*") {
            drop(text.parse::<StorageKey>());
        }
    }

    #[test]
    fn only_the_one_spelling_is_a_key() {
        let id = "0189f7a0-0000-7000-8000-00000000000a";
        let good = format!("archives/{id}/{id}/{id}.tar.zst");
        assert!(good.parse::<StorageKey>().is_ok());
        for bad in [
            good.to_uppercase(),
            good.replace("zst", "ZST"),
            good.replace(".tar.zst", ".zip"),
            good.replace(".tar.zst", ""),
            good.replace('-', ""),
            format!("/{good}"),
            format!("{good}/"),
            format!("archives/../{id}/{id}.tar"),
            String::new(),
        ] {
            assert!(bad.parse::<StorageKey>().is_err(), "{bad}");
        }
    }
}
