//! A process group and what its processes started outside of it.
//!
//! A group signal does not reach a tool that runs in a group of its own, as agents start them. So before the hard
//! signal the descendants are looked up in `/proc`; where there is none (macOS), the group is all that is reached. A
//! process that both left the group and lost its parent cannot be found.

use std::{collections::BTreeMap, fs};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

/// The processes under one leader. Dropping it kills them.
#[derive(Debug)]
pub(crate) struct Tree {
    leader: Pid,
    /// Descendants seen so far with their start times, because a number alone can be reused.
    seen: BTreeMap<i32, u64>,
    is_over: bool,
}

impl Tree {
    pub(crate) const fn of(leader: Pid) -> Self {
        Self { leader, seen: BTreeMap::new(), is_over: false }
    }

    /// Sends a signal to the group.
    pub(crate) fn signal(&mut self, signal: Signal) {
        if self.is_over {
            return;
        }
        self.look();
        // The only error is that nobody is left.
        let _gone = kill_process_group(self.leader, signal);
    }

    /// Stops the group first, so that it starts nothing between the look and the end.
    pub(crate) fn kill(&mut self) {
        self.signal(Signal::STOP);
        self.signal(Signal::KILL);
        self.kill_seen();
    }

    /// After the leader ended: kills what is left. Its number stays taken while its group has members, so the signal
    /// cannot reach a stranger unless the group is empty and all numbers went round in between.
    pub(crate) fn kill_survivors(&mut self) {
        if self.is_over {
            return;
        }
        self.is_over = true;
        let _gone = kill_process_group(self.leader, Signal::KILL);
        self.kill_seen();
    }

    /// Remembers the descendants there are now.
    pub(crate) fn look(&mut self) {
        let mut unvisited = vec![self.leader.as_raw_nonzero().get()];
        while let Some(parent) = unvisited.pop() {
            for child in children(parent) {
                if let Some(started) = start_time(child)
                    && self.seen.insert(child, started) != Some(started)
                {
                    unvisited.push(child);
                }
            }
        }
    }

    fn kill_seen(&mut self) {
        for (pid, started) in std::mem::take(&mut self.seen) {
            if start_time(pid) == Some(started)
                && let Some(pid) = Pid::from_raw(pid)
            {
                let _gone = kill_process(pid, Signal::KILL);
            }
        }
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        if !self.is_over {
            self.kill();
        }
    }
}

/// Direct children of all threads of a process.
fn children(pid: i32) -> Vec<i32> {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
    let lists =
        threads.flatten().filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    lists.flat_map(|list| list.split_whitespace().flat_map(str::parse).collect::<Vec<_>>()).collect()
}

/// When a process started, in clock ticks since boot: the 22nd field of its `stat` line, whose second field may hold
/// blanks and parentheses.
fn start_time(pid: i32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, after_name) = stat.rsplit_once(')')?;
    after_name.split_whitespace().nth(19)?.parse().ok()
}
