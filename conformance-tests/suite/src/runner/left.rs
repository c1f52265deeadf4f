//! Processes that a child left behind: found by group, session and folder, ended, and verified to be gone.
//!
//! The keepers of its workers are in its session. They end by themselves when it does, and take all that a worker left along:
//! they are waited for, and counted only when they stay.

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
        for (pid, is_keeper) in members {
            let number = pid.as_raw_nonzero().get();
            if is_keeper && !seen.contains(&number) && ends(pid, deadline) {
                continue;
            }
            seen.insert(number);
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
    let _ = kill_process(pid, Signal::KILL);
    let _ = ends(pid, deadline);
}

/// Waits for the end of a process; whether it came.
fn ends(pid: Pid, deadline: Instant) -> bool {
    let Ok(process) = pidfd_open(pid, PidfdFlags::empty()) else { return true };
    let wait = deadline.saturating_duration_since(Instant::now());
    let timeout = Timespec { tv_sec: wait.as_secs() as _, tv_nsec: wait.subsec_nanos().into() };
    let polled = poll(&mut [PollFd::from_borrowed_fd(process.as_fd(), PollFlags::IN)], Some(&timeout));
    polled.is_ok_and(|ready| ready > 0)
}

/// The name of the keepers of workers, as the system shows it.
const KEEPER: &str = "parfocal-worker";

/// Living processes of the child's group or session, or at work in its folder; and whether each is a keeper.
fn members(leader: Pid, folder: &Path) -> Vec<(Pid, bool)> {
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
        let Some((name, rest)) = stat.rsplit_once(") ") else { continue };
        let fields: Vec<_> = rest.split(' ').take(4).collect();
        let [state, _, group, session] = fields[..] else { continue };
        if matches!(state, "Z" | "X") {
            continue;
        }
        let of_child = [group, session].iter().any(|field| field.parse() == Ok(leader));
        if of_child || fs::read_link(entry.path().join("cwd")).is_ok_and(|cwd| cwd.starts_with(folder)) {
            found.push((pid, name.ends_with(KEEPER)));
        }
    }
    found
}
