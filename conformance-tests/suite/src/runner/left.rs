//! Processes that a child left behind: found by group, session and folder, ended, and verified to be gone.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open},
};
use std::os::fd::AsFd;

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

/// Ends whatever is left of a child whose group was killed and which is gone itself. One that left its group and session is
/// known by its folder.
pub(crate) fn end(leader: Pid, folder: &Path) -> Left {
    let mut left = Left::default();
    let deadline = Instant::now() + GONE;
    let mut seen = std::collections::BTreeSet::new();
    loop {
        let members = members(leader, folder);
        if members.is_empty() {
            return Left { found: seen.len(), alive: 0 };
        }
        left.alive = members.len();
        for pid in members {
            seen.insert(pid.as_raw_nonzero().get());
            left.found = seen.len();
            end_one(pid, deadline);
        }
        if Instant::now() >= deadline {
            return left;
        }
    }
}

/// Kills a process and waits until it is gone or a zombie.
fn end_one(pid: Pid, deadline: Instant) {
    let Ok(process) = pidfd_open(pid, PidfdFlags::empty()) else { return };
    let _ = kill_process(pid, Signal::KILL);
    let wait = deadline.saturating_duration_since(Instant::now());
    let timeout = Timespec { tv_sec: wait.as_secs() as _, tv_nsec: wait.subsec_nanos().into() };
    let _ = poll(&mut [PollFd::from_borrowed_fd(process.as_fd(), PollFlags::IN)], Some(&timeout));
}

/// Living processes of the child's group or session, or at work in its folder.
fn members(leader: Pid, folder: &Path) -> Vec<Pid> {
    let own = rustix::process::getpid();
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let leader = leader.as_raw_nonzero().get();
    let mut found = Vec::new();
    for entry in entries.flatten() {
        let Some(number) = entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) else {
            continue;
        };
        let Some(pid) = Pid::from_raw(number).filter(|pid| *pid != own) else { continue };
        let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else { continue };
        // `pid (name) state ppid pgrp session ...`; the name may hold anything.
        let Some((_, rest)) = stat.rsplit_once(") ") else { continue };
        let fields: Vec<_> = rest.split(' ').take(4).collect();
        let [state, _, group, session] = fields[..] else { continue };
        if matches!(state, "Z" | "X") {
            continue;
        }
        let of_child = [group, session].iter().any(|field| field.parse() == Ok(leader));
        if of_child || fs::read_link(entry.path().join("cwd")).is_ok_and(|cwd| cwd.starts_with(folder)) {
            found.push(pid);
        }
    }
    found
}
