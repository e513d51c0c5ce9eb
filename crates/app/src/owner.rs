//! Which process owns a session, and whether that process is still there.

use std::{fs, sync::OnceLock};

use domain::{
    session::{Lease, LeaseOwner},
    time::Timestamp,
};
use rustix::process::{Pid, getpid, test_kill_process};

/// This process, told apart from any other that ever had or will have its number.
#[must_use]
pub fn this_process() -> LeaseOwner {
    process(getpid().as_raw_pid().unsigned_abs())
}

/// The process of this machine that has this number now.
#[must_use]
pub fn process(pid: u32) -> LeaseOwner {
    LeaseOwner {
        host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
        boot_id: boot_id(),
        pid,
        started: start_time(pid).unwrap_or(0),
    }
}

/// Whether a lease's owner is known to be gone. A process of this machine is looked at; one elsewhere is believed until its
/// lease expires.
#[must_use]
pub fn is_gone(lease: &Lease, here: &LeaseOwner, now: Timestamp) -> bool {
    if lease.owner.host != here.host {
        return lease.expires_at < now;
    }
    if lease.owner.boot_id != here.boot_id {
        // The machine was started anew, or the owner lives in another container of the same name.
        return lease.expires_at < now;
    }
    !is_alive(&lease.owner)
}

/// Whether this process is a hook of an agent program that `owner` started: the agent program is a child of the owner, and
/// between it and this process is no other agent program, only a shell at most. An agent program that was started inside of
/// another one's tool is further away, and one that looks like it is taken for it.
#[must_use]
pub fn runs_our_agent(owner: &LeaseOwner, here: &LeaseOwner) -> bool {
    if (&owner.host, &owner.boot_id) != (&here.host, &here.boot_id) {
        return false;
    }
    let mut below = here.pid;
    // The agent program, or the shell that it starts hooks with.
    for _ in 0..2 {
        let Some(above) = parent(below) else { return false };
        if above == owner.pid {
            return false;
        }
        if parent(above) == Some(owner.pid) {
            return below == here.pid || program(below) != program(above);
        }
        below = above;
    }
    false
}

fn is_alive(owner: &LeaseOwner) -> bool {
    let Some(pid) = i32::try_from(owner.pid).ok().and_then(Pid::from_raw) else { return false };
    let exists = match test_kill_process(pid) {
        Ok(()) => true,
        // It exists and belongs to somebody else.
        Err(error) => error == rustix::io::Errno::PERM,
    };
    exists && start_time(owner.pid).unwrap_or(owner.started) == owner.started
}

/// The boot and, on Linux, the process-number space of this process: numbers mean something only inside it. Neither changes while
/// it runs.
fn boot_id() -> String {
    static READ: OnceLock<String> = OnceLock::new();
    let read = || {
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        let space = fs::read_link("/proc/self/ns/pid").unwrap_or_default();
        format!("{}:{}", boot.trim(), space.to_string_lossy().replace('/', "-"))
    };
    READ.get_or_init(read).clone()
}

/// `None` where the system does not tell.
fn parent(pid: u32) -> Option<u32> {
    field_after_name(pid, 1)?.parse().ok()
}

fn program(pid: u32) -> Option<std::path::PathBuf> {
    fs::read_link(format!("/proc/{pid}/exe")).ok()
}

/// Clock ticks from boot to the start of a process; `None` where the system does not tell.
fn start_time(pid: u32) -> Option<u64> {
    field_after_name(pid, 19)?.parse().ok()
}

/// A field of what Linux says about a process, counted from the one after its name.
fn field_after_name(pid: u32, index: usize) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is the name in brackets and may hold anything, brackets and blanks included.
    let after_name = stat.rsplit_once(')')?.1;
    after_name.split_whitespace().nth(index).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lease(owner: LeaseOwner, expires_at: i64) -> Lease {
        Lease { owner, expires_at: Timestamp::from_micros(expires_at) }
    }

    #[test]
    fn this_process_is_alive_whatever_its_lease_says() {
        let here = this_process();
        assert!(!is_gone(&lease(here.clone(), 0), &here, Timestamp::from_micros(1)));
    }

    #[test]
    fn a_process_with_a_reused_number_is_another_one() {
        let here = this_process();
        let earlier = LeaseOwner { started: here.started.wrapping_add(1), ..here.clone() };
        assert!(is_gone(&lease(earlier, i64::MAX), &here, Timestamp::from_micros(1)));
    }

    #[test]
    fn an_ended_process_is_gone_at_once() {
        let mut child = std::process::Command::new("true").spawn().expect("spawns");
        let here = this_process();
        let owner = LeaseOwner { pid: child.id(), started: 1, ..here.clone() };
        child.wait().expect("ends");
        assert!(is_gone(&lease(owner, i64::MAX), &here, Timestamp::from_micros(1)));
    }

    #[test]
    fn a_process_elsewhere_is_believed_until_its_lease_expires() {
        let here = this_process();
        let elsewhere = LeaseOwner { host: "elsewhere".into(), ..here.clone() };
        assert!(!is_gone(&lease(elsewhere.clone(), 10), &here, Timestamp::from_micros(10)));
        assert!(is_gone(&lease(elsewhere, 10), &here, Timestamp::from_micros(11)));
    }
}
