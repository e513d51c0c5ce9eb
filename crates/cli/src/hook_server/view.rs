//! What a process sees of this machine, and may do there: the same path or address can be another one to somebody else.

use std::{fs, os::unix::fs::MetadataExt as _};

/// Of this process; `None` when its root folder cannot be seen.
pub(super) fn own() -> Option<String> {
    if fs::exists("/proc/self/ns").unwrap_or(false) {
        return of("self");
    }
    // Where there are no such spaces, all share one.
    let root = fs::metadata("/").ok()?;
    Some(format!("{}:{}", root.dev(), root.ino()))
}

/// Of another process of this user; `None` when it is gone, or more than this one may look at.
pub(super) fn of_process(pid: Option<u32>) -> Option<String> {
    if fs::exists("/proc/self/ns").unwrap_or(false) { of(&pid?.to_string()) } else { own() }
}

fn of(process: &str) -> Option<String> {
    let root = fs::metadata(format!("/proc/{process}/root/.")).ok()?;
    let mut view = format!("{}:{}", root.dev(), root.ino());
    for space in ["mnt", "pid", "net", "user"] {
        let space = fs::read_link(format!("/proc/{process}/ns/{space}")).ok()?;
        view.push_str(&format!(" {}", space.display()));
    }
    // What keeps a process in a sandbox keeps it from having others work for it outside.
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let is_bound = |line: &&str| line.starts_with("NoNewPrivs:") || line.starts_with("Seccomp:");
    view.extend(status.lines().filter(is_bound));
    Some(view)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_sees_what_its_child_sees() {
        assert_eq!(of_process(Some(std::process::id())), own());
        assert!(own().is_some());
    }
}
