//! What a call would do, free of any policy: the list that policies judge.

use crate::{shell::Folders, text::Text};

/// Everything a call would do, in the order in which it was found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Effects(pub(crate) Vec<Effect>);

/// One thing a call would do.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Effect {
    /// Uses a tool by name.
    Tool(String),
    /// Runs a command.
    Run(Run),
    /// Reads a file, or what lies below a folder.
    Read(Place),
    /// Lists a folder.
    List(Place),
    /// Reads everything below a folder.
    ReadBelow(Place),
    /// Creates, changes or removes a file.
    Write(Place, Written),
    /// Talks to a host.
    Connect(Endpoint),
    /// Does something that has a class of its own.
    Class(Class, String, Vec<Place>),
    /// Nobody can say what it does; it is asked, whatever the policies say.
    Unreadable(String),
    /// Words of a program that nobody knows, read as a command of their own: asked where that would be denied.
    Perhaps(Effects),
}

/// A command with its words.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Run {
    /// The program without its folder, and the arguments.
    pub(crate) words: Vec<Text>,
    /// Nothing runs inside it that is judged on its own; only such a command needs to be allowed.
    pub(crate) is_innermost: bool,
    /// The program is named by its name alone or lies in a folder of the system.
    pub(crate) is_genuine: bool,
    /// It changes nothing and reads what its effects say.
    pub(crate) is_pure: bool,
    /// It does nothing that a rule would have to allow: `cd`, `true`, an assignment.
    pub(crate) is_harmless: bool,
}

/// A path as a command names it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    pub(crate) path: Text,
    /// The folders it can be relative to.
    pub(crate) cwd: Folders,
}

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Written {
    /// By a redirection, which no rule for the command allows.
    Redirected,
    /// By a command or a tool.
    Changed,
    /// It is taken away.
    Removed,
    /// In a folder that was named, if it is a folder; no rule has to allow it.
    Inside,
}

/// Whom a call talks to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Endpoint {
    /// A URL or the name of a host.
    pub(crate) target: Text,
    /// It is a URL, not a host.
    pub(crate) is_url: bool,
    /// The scheme where the program gives it.
    pub(crate) scheme: Option<&'static str>,
}

domain::text_enum! {
    /// What a command does that has a name of its own.
    pub enum Class: "command class" {
        /// `rm` that is both recursive and forced.
        RecursiveForceRemove = "recursive_force_remove",
        /// `rm` with another user's rights.
        SudoRm = "sudo_rm",
        /// A new file system.
        MakeFilesystem = "make_filesystem",
        /// A disk or its table of partitions is emptied.
        DiskFormat = "disk_format",
        /// `dd` onto a device.
        DdToDevice = "dd_to_device",
        /// Anything else that writes to a device.
        DeviceWrite = "device_write",
        /// A function or a loop that starts itself without end.
        ForkBomb = "fork_bomb",
        /// A shell or interpreter runs what was downloaded or decoded.
        PipeToShell = "pipe_to_shell",
        /// `rm` that is recursive and not forced.
        RecursiveRemove = "recursive_remove",
        /// Many files are removed at once by something else than `rm`.
        BulkDelete = "bulk_delete",
        /// Another user's rights.
        Privilege = "privilege",
        /// The code that runs cannot be seen.
        OpaqueExec = "opaque_exec",
    }
}

impl Effect {
    /// The file or folder it is about, where it is about one.
    pub(crate) const fn place(&self) -> Option<&Place> {
        match self {
            Self::Read(place) | Self::List(place) | Self::ReadBelow(place) | Self::Write(place, _) => {
                Some(place)
            }
            _ => None,
        }
    }
}

impl Effects {
    pub(crate) fn push(&mut self, effect: Effect) {
        self.0.push(effect);
    }

    pub(crate) fn iter(&self) -> std::slice::Iter<'_, Effect> {
        self.0.iter()
    }
}
