//! One repository per noun. Reading methods work on any connection, writing ones only inside a transaction.

pub(crate) mod check;
mod command;
mod message;
pub(crate) mod page;
pub(crate) mod session;
pub(crate) mod team;
pub(crate) mod timeline;
mod tool_call;
mod transition;
pub(crate) mod user;

use crate::conn::{Conn, Tx};

/// A connection of either kind, for the reading half of a repository.
pub trait Reads {
    /// The connection.
    fn conn(&self) -> &Conn;
}

impl Reads for Conn {
    fn conn(&self) -> &Conn {
        self
    }
}

impl Reads for Tx<'_> {
    fn conn(&self) -> &Conn {
        self
    }
}

macro_rules! openers {
    ($($method:ident: $name:ident),+ $(,)?) => {
        impl Conn {
            $(
                /// The repository of this noun, for reading.
                #[must_use]
                pub const fn $method(&self) -> $name<'_, Self> {
                    $name { conn: self }
                }
            )+
        }

        impl<'t> Tx<'t> {
            $(
                /// The repository of this noun, for reading and writing.
                #[must_use]
                pub const fn $method(&self) -> $name<'_, Tx<'t>> {
                    $name { conn: self }
                }
            )+
        }
    };
}

use session::Sessions;
use team::Teams;
use timeline::Timeline;
use user::Users;

openers! { sessions: Sessions, teams: Teams, timeline: Timeline, users: Users }
