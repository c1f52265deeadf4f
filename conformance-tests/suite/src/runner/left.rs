//! Processes that a child left behind: found by the child's mark, group, session and folder, ended, and verified to be gone.
//!
//! The keepers of its workers end by themselves when it does, and take all that a worker left along: they are waited for, and
//! counted only when they stay.

use std::{
    collections::HashSet,
    fs,
    os::fd::{AsFd, OwnedFd},
    path::Path,
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal},
};

use super::mark::Mark;

/// How long a killed process may take to be gone.
const GONE: Duration = Duration::from_secs(5);

/// What was left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Left {
    /// How many processes outlived the child.
    pub(crate) found: usize,
    /// How many are there still after they were killed.
    pub(crate) alive: usize,
}

/// What the processes of one child are known by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Traces<'a> {
    /// The child, who leads its group and session.
    pub(crate) leader: Pid,
    /// The folder it started in.
    pub(crate) folder: &'a Path,
    /// Its mark; `None` when it has none yet.
    pub(crate) mark: Option<Mark>,
}

/// Ends whatever is left of a child which is gone itself, or is waited for by nobody yet.
pub(crate) fn end(traces: Traces<'_>) -> Left {
    let patience = Instant::now() + GONE;
    let (mut waited, mut seen) = (HashSet::new(), HashSet::new());
    let mut deadline = None;
    let mut quiet = false;
    loop {
        let members = traces.members();
        if members.is_empty() {
            // Twice: one that was started while the system listed the others may not have been among them.
            if quiet {
                return Left { found: seen.len(), alive: 0 };
            }
            quiet = true;
            continue;
        }
        quiet = false;
        let keepers = members.iter().filter(|member| member.is_keeper && waited.insert(member.pid));
        let keepers: Vec<_> = keepers.collect();
        if !keepers.is_empty() {
            keepers.iter().filter_map(|keeper| open(keeper.pid)).for_each(|keeper| ends(&keeper, patience));
            continue;
        }
        let deadline = *deadline.get_or_insert_with(|| Instant::now() + GONE);
        seen.extend(members.iter().map(|member| member.pid));
        let killed: Vec<_> = members.iter().filter_map(|member| traces.kill(member.pid)).collect();
        killed.iter().for_each(|process| ends(process, deadline));
        if Instant::now() >= deadline {
            return Left { found: seen.len(), alive: traces.members().len() };
        }
    }
}

/// A process to wait for; `None` when it is gone.
fn open(pid: Pid) -> Option<OwnedFd> {
    pidfd_open(pid, PidfdFlags::empty()).ok()
}

/// Waits for the end of a process, until the deadline.
fn ends(process: &OwnedFd, deadline: Instant) {
    let wait = deadline.saturating_duration_since(Instant::now());
    let timeout = Timespec { tv_sec: wait.as_secs() as _, tv_nsec: wait.subsec_nanos().into() };
    let _ = poll(&mut [PollFd::from_borrowed_fd(process.as_fd(), PollFlags::IN)], Some(&timeout));
}

/// The name of the keepers of workers, as the system shows it.
const KEEPER: &str = "parfocal-worker";

/// A living process of a child.
#[derive(Debug, Clone, Copy)]
struct Member {
    pid: Pid,
    is_keeper: bool,
}

impl Traces<'_> {
    fn members(&self) -> Vec<Member> {
        let own = rustix::process::getpid();
        let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
        let number = |entry: fs::DirEntry| entry.file_name().to_str()?.parse::<i32>().ok();
        let pids = entries.flatten().filter_map(number).filter_map(Pid::from_raw);
        pids.filter(|pid| *pid != own).filter_map(|pid| self.member(pid)).collect()
    }

    /// A process, when it lives and is of the child.
    fn member(&self, pid: Pid) -> Option<Member> {
        let process = Path::new("/proc").join(pid.as_raw_nonzero().to_string());
        let stat = fs::read_to_string(process.join("stat")).ok()?;
        // `pid (name) state ppid pgrp session ...`; the name may hold anything.
        let (name, rest) = stat.rsplit_once(") ")?;
        let fields: Vec<_> = rest.split(' ').take(4).collect();
        let [state, _, group, session] = fields[..] else { return None };
        // The first thread of a process may be gone before the others.
        let threads = || fs::read_dir(process.join("task")).map_or(0, Iterator::count);
        if matches!(state, "Z" | "X") && threads() < 2 {
            return None;
        }
        let leader = self.leader.as_raw_nonzero().get();
        let is_of_child = [group, session].iter().any(|field| field.parse() == Ok(leader))
            || fs::read_link(process.join("cwd")).is_ok_and(|cwd| cwd.starts_with(self.folder))
            || self.mark.is_some_and(|mark| mark.is_on(&process));
        is_of_child.then_some(Member { pid, is_keeper: name.ends_with(KEEPER) })
    }

    /// Kills a process of the child; gives it to be waited for.
    fn kill(&self, pid: Pid) -> Option<OwnedFd> {
        let process = open(pid)?;
        // While it is held open its number may have become that of another.
        self.member(pid)?;
        let _ = pidfd_send_signal(&process, Signal::KILL);
        Some(process)
    }
}
