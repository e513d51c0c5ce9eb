//! A process group and what its processes started outside of it.
//!
//! A group signal does not reach a tool that runs in a group of its own, as agents start them. So before each signal
//! the descendants are looked up in `/proc`, and before the hard one they are stopped until no further ones appear.
//! A process that left the group and lost its parent before it was seen is known by a variable that all of them inherit.
//! Where there is no `/proc` (macOS), the group is all that is reached.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    fs,
};

use rustix::process::{Pid, Signal, getuid, kill_process, kill_process_group};

use super::Mark;

/// How often a kill looks for processes that were started meanwhile. What is stopped starts nothing, so each round goes
/// at least one generation deeper.
const MOST_ROUNDS: usize = 32;

/// The processes under one leader. Dropping it kills them.
#[derive(Debug)]
pub(crate) struct Tree {
    /// `None` when it is whoever has the mark.
    leader: Option<Pid>,
    /// When the leader started; `None` without `/proc`.
    leader_started: Option<u64>,
    /// Descendants seen so far with their start times, because a number alone can be reused.
    seen: BTreeMap<i32, u64>,
    mark: Mark,
    is_over: bool,
}

impl Tree {
    /// The processes under a leader that was started with this mark.
    pub(crate) fn of(leader: Pid, mark: Mark) -> Self {
        let leader_started = start_time(leader.as_raw_nonzero().get());
        Self { leader: Some(leader), leader_started, seen: BTreeMap::new(), mark, is_over: false }
    }

    /// Every process with this mark.
    pub(crate) const fn of_all(mark: Mark) -> Self {
        Self { leader: None, leader_started: Some(0), seen: BTreeMap::new(), mark, is_over: false }
    }

    /// Sends a signal to the group.
    pub(crate) fn signal(&mut self, signal: Signal) {
        if self.is_over {
            return;
        }
        self.look();
        self.signal_group(signal);
    }

    /// Stops everything first, so that nothing is started between the last look and the end.
    pub(crate) fn kill(&mut self) {
        if !self.is_over {
            self.stop_and_kill();
        }
    }

    /// After the leader ended: kills what is left. Its number stays taken while its group has members, so the signal
    /// cannot reach a stranger unless the group is empty and all numbers went round in between.
    pub(crate) fn kill_survivors(&mut self) {
        if !self.is_over {
            self.is_over = true;
            self.stop_and_kill();
        }
    }

    /// Remembers the descendants there are now, those of processes known before included.
    pub(crate) fn look(&mut self) {
        self.find_new();
    }

    fn stop_and_kill(&mut self) {
        self.signal_group(Signal::STOP);
        self.signal_seen(Signal::STOP);
        for _ in 0..MOST_ROUNDS {
            let mut new = self.find_new();
            new.extend(self.find_marked());
            if new.is_empty() {
                break;
            }
            for (pid, started) in new {
                signal_process(pid, started, Signal::STOP);
            }
        }
        self.signal_group(Signal::KILL);
        self.signal_seen(Signal::KILL);
    }

    /// Descendants that were not seen before. A known process is looked into even when it lost its parent.
    fn find_new(&mut self) -> Vec<(i32, u64)> {
        self.seen.retain(|&pid, &mut started| start_time(pid) == Some(started));
        let leader = self.leader.map(Pid::as_raw_pid).zip(self.leader_started);
        let mut unvisited: Vec<_> =
            leader.into_iter().chain(self.seen.iter().map(|(&pid, &started)| (pid, started))).collect();
        let mut new = Vec::new();
        while let Some((parent, started)) = unvisited.pop() {
            for child in children(parent, started) {
                if let Entry::Vacant(place) = self.seen.entry(child.0) {
                    place.insert(child.1);
                    unvisited.push(child);
                    new.push(child);
                }
            }
        }
        new
    }

    /// Processes with the mark that were not seen before: looks at all of this user that are as young as the leader.
    fn find_marked(&mut self) -> Vec<(i32, u64)> {
        let Some(leader_started) = self.leader_started else { return Vec::new() };
        let leader = self.leader.map(Pid::as_raw_pid);
        let mut new = Vec::new();
        for pid in own_processes() {
            if Some(pid) == leader || self.seen.contains_key(&pid) {
                continue;
            }
            let Some(started) = start_time(pid).filter(|started| *started >= leader_started) else {
                continue;
            };
            if self.mark.is_on(pid) {
                self.seen.insert(pid, started);
                new.push((pid, started));
            }
        }
        new
    }

    fn signal_group(&self, signal: Signal) {
        // The only error is that nobody is left.
        let _gone = self.leader.map(|leader| kill_process_group(leader, signal));
    }

    fn signal_seen(&self, signal: Signal) {
        for (&pid, &started) in &self.seen {
            signal_process(pid, started, signal);
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

/// Signals a process unless its number is another's by now.
fn signal_process(pid: i32, started: u64, signal: Signal) {
    if start_time(pid) == Some(started)
        && let Some(pid) = Pid::from_raw(pid)
    {
        let _gone = kill_process(pid, signal);
    }
}

/// Direct children of all threads of a process with their start times; none when the number is another's by now.
fn children(pid: i32, started: u64) -> Vec<(i32, u64)> {
    let children = listed_children(pid).into_iter().filter_map(|child| {
        let stat = Stat::of(child).filter(|stat| stat.parent == pid)?;
        Some((child, stat.started))
    });
    let children = children.collect();
    if start_time(pid) == Some(started) { children } else { Vec::new() }
}

/// The processes of this user.
fn own_processes() -> Vec<i32> {
    use std::os::unix::fs::MetadataExt as _;
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let own = getuid().as_raw();
    let is_own = |entry: &fs::DirEntry| entry.metadata().is_ok_and(|metadata| metadata.uid() == own);
    let numbered = entries.flatten().filter_map(|entry| {
        let pid = entry.file_name().to_str()?.parse().ok()?;
        is_own(&entry).then_some(pid)
    });
    numbered.collect()
}

fn listed_children(pid: i32) -> Vec<i32> {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
    let lists =
        threads.flatten().filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    lists.flat_map(|list| list.split_whitespace().flat_map(str::parse).collect::<Vec<_>>()).collect()
}

pub(super) fn start_time(pid: i32) -> Option<u64> {
    Stat::of(pid).map(|stat| stat.started)
}

/// What the system says about a process.
struct Stat {
    parent: i32,
    /// When it started, in clock ticks since boot.
    started: u64,
}

impl Stat {
    /// The 4th and the 22nd field of its `stat` line, whose second field may hold blanks and parentheses.
    fn of(pid: i32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let (_, after_name) = stat.rsplit_once(')')?;
        let mut fields = after_name.split_whitespace();
        Some(Self { parent: fields.nth(1)?.parse().ok()?, started: fields.nth(17)?.parse().ok()? })
    }
}
