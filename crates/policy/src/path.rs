//! Paths as commands name them, resolved without looking at the disk, and patterns they are held against.

mod pattern;
mod resolve;

pub(crate) use self::{
    pattern::{Anchors, PathPattern},
    resolve::{Candidate, Component},
};
use crate::{effect::Place, surroundings::Surroundings};

/// Without `.`, `..`, doubled and trailing slashes; `..` at the root stays there.
pub(crate) fn normal(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            other => parts.push(other),
        }
    }
    format!("/{}", parts.join("/"))
}

/// Whether a path is this folder or lies below it; both are normal.
pub(crate) fn is_below(path: &str, folder: &str) -> bool {
    folder == "/" || path == folder || path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

/// Names in `/dev` of disks, partitions and memory; what only prints or swallows is none.
const DISKS: [&str; 17] = [
    "sd", "nvme", "vd", "hd", "xvd", "mmcblk", "disk", "rdisk", "mapper", "mem", "kmem", "port", "loop",
    "md", "dm-", "sr", "nbd",
];

impl Candidate {
    /// A disk, a partition, or memory, or a wildcard that can be one.
    pub(crate) fn is_device(&self) -> bool {
        let [Component::Name(folder), Component::Name(name), ..] = self.components.as_slice() else {
            return false;
        };
        let is_known = DISKS.iter().any(|disk| name.prefix().starts_with(disk));
        let is_wild = name.literal().is_none() && DISKS.iter().any(|disk| disk.starts_with(name.prefix()));
        folder.literal() == Some("dev") && (is_known || is_wild)
    }
}

impl Place {
    /// Its absolute path from each folder it can stand in; none when some of it is unknown.
    pub(crate) fn absolute(&self, surroundings: &Surroundings) -> Vec<String> {
        let Some(path) = self.path.literal() else { return Vec::new() };
        if path.starts_with('/') {
            return vec![normal(path)];
        }
        if let Some(rest) = path.strip_prefix("~/") {
            return vec![normal(&format!("{}/{rest}", surroundings.home))];
        }
        self.cwd.known.iter().map(|folder| normal(&format!("{folder}/{path}"))).collect()
    }

    /// Whether it certainly lies below a folder.
    pub(crate) fn is_inside(&self, folder: &str, surroundings: &Surroundings) -> bool {
        let absolute = self.absolute(surroundings);
        !absolute.is_empty()
            && (!self.cwd.has_unknown || self.path.prefix().starts_with('/'))
            && absolute.iter().all(|path| is_below(path, folder))
    }
}
