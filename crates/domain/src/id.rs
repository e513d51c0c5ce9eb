//! Identifiers: one newtype over `UUIDv7` per noun, declared in one alphabetical registry.
//!
//! The domain never draws an id; the application's id source does and wraps it by `from_uuid`.

use uuid::Uuid;

macro_rules! id_types {
    ($($(#[$meta:meta])* $name:ident,)+) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Wraps an id drawn by the application's id source or read from a row.
            #[must_use]
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The plain UUID, as it stands on the wire and in the database.
            #[must_use]
            pub const fn as_uuid(&self) -> &Uuid {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(&self.0, f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    )+};
}

id_types! {
    /// A durable input to a session.
    CommandId,
    /// Something said in a session.
    MessageId,
    /// A conversation with an agent process.
    SessionId,
    /// The tenant every row belongs to.
    TeamId,
    /// One use of a tool.
    ToolCallId,
    /// One change of a session's status.
    TransitionId,
    /// A person.
    UserId,
}
