//! The keeper and its init: they wait for a worker, and bury what it leaves.

use std::{
    fs, io,
    os::fd::{AsFd, OwnedFd},
    process::exit,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
    process::{
        Pid, PidfdFlags, Signal, WaitOptions, getpid, kill_process, kill_process_group, pidfd_open,
        pidfd_send_signal, set_child_subreaper, set_parent_process_death_signal, wait, waitpid,
    },
    thread::gettid,
};

use super::{
    Fences, Policy,
    leash::{self, Report},
    raw::{self, Fork},
    spaces,
};

/// What belongs to the worker alone: the keeper and init let go of it, so that it ends when the worker does.
pub(super) struct Ends {
    pub(super) control: OwnedFd,
    pub(super) code: Option<OwnedFd>,
    pub(super) words: OwnedFd,
}

/// A worker that has no fences yet but its namespaces.
pub(super) struct Newborn {
    pub(super) fences: Fences,
    pub(super) ends: Ends,
    /// To the host, for one report: what comes through the control socket later cannot overtake it.
    pub(super) leash: OwnedFd,
}

/// A copy of a descriptor with a number that is ours.
pub(super) fn own(descriptor: impl AsFd) -> io::Result<OwnedFd> {
    Ok(rustix::io::fcntl_dupfd_cloexec(descriptor, raw::FIRST_OWN)?)
}

/// Forks the worker. It alone returns; the keeper and init end in here.
///
/// # Errors
/// In the keeper only, and the host knows already: no worker exists then.
pub(super) fn start(leash: OwnedFd, policy: Policy, ends: Ends) -> io::Result<Newborn> {
    let mut fences = Fences::default();
    if policy.namespaces {
        spaces::enter(&mut fences);
    } else {
        fences.note("namespaces", "left away by the host");
    }
    let (here, line, fork) = fork().inspect_err(|error| {
        let _ = leash::say(&leash, &Report::Failed(format!("no process can be started: {error}")), None);
    })?;
    match fork {
        Fork::Parent(child) => {
            drop(line);
            let_go(ends);
            exit(i32::from(keep(&leash, &here, child, fences.pid_namespace).is_err()))
        }
        Fork::Child => {
            drop(here);
            if let Err(error) = settle(&line, fences.pid_namespace) {
                let _ = leash::say(&leash, &Report::Failed(error.to_string()), None);
                exit(1)
            }
            Ok(Newborn { fences, ends, leash })
        }
    }
}

/// A child with a line to it: our end, and its.
fn fork() -> io::Result<(OwnedFd, OwnedFd, Fork)> {
    set_child_subreaper(Some(getpid()))?;
    let (here, there) = leash::pair()?;
    let (here, there) = (own(here)?, own(there)?);
    Ok((here, there, raw::fork()?))
}

/// In the child of the keeper: sees to it that it does not outlive the keeper, and becomes init where one is needed.
fn settle(line: &OwnedFd, needs_init: bool) -> io::Result<()> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    // The keeper may have died before that.
    let mut polled = [PollFd::new(line, PollFlags::IN)];
    if poll(&mut polled, Some(&Timespec::default()))? > 0 {
        exit(1);
    }
    if needs_init && let Fork::Parent(worker) = raw::fork()? {
        // Init does not return. Its copies of what belongs to the worker are in nobody's hands below, and closed here.
        let closed = raw::close_from(0, line);
        exit(if closed.is_ok() { init(line, worker) } else { 1 })
    }
    Ok(())
}

/// Reaps everything; when the worker ended, says how, and ends, whereupon the kernel kills what is left.
fn init(line: &OwnedFd, worker: Pid) -> i32 {
    loop {
        match wait(WaitOptions::empty()) {
            Ok(Some((pid, status))) if pid == worker => {
                return i32::from(leash::say(line, &Report::Ended(status.as_raw()), None).is_err());
            }
            Ok(_) | Err(Errno::INTR) => {}
            Err(_) => return 1,
        }
    }
}

fn let_go(ends: Ends) {
    drop(ends);
    // The keeper's own errors went to the worker's pipe until now.
    if let Ok(null) = fs::File::options().read(true).write(true).open("/dev/null") {
        let _ = raw::place(null.as_fd(), 2);
    }
}

/// Waits for the end of the child, or of the host; leaves nothing alive, and says so.
fn keep(leash: &OwnedFd, line: &OwnedFd, child: Pid, is_init: bool) -> io::Result<()> {
    let watch = match pidfd_open(child, PidfdFlags::empty()) {
        Ok(watch) => watch,
        Err(error) => {
            // Without it the end could not be seen at once.
            let _ = kill_process(child, Signal::KILL);
            let _ = leash::say(leash, &Report::Failed(format!("a process cannot be watched: {error}")), None);
            return Err(error.into());
        }
    };
    watch_until_end(leash, &watch)?;
    // Init tells how the worker ended, where there is one that lived so long.
    let told = match leash::hear(line, false) {
        Ok(Some((Report::Ended(status), _))) => Some(status),
        _ => None,
    };
    if !is_init {
        // While the child is not reaped, no other group can have its number.
        let _ = kill_process_group(child, Signal::KILL);
    }
    let reaped = reap(child)?;
    sweep()?;
    leash::say(leash, &Report::Ended(told.unwrap_or(reaped)), None)
}

/// Returns when the child ended, by itself or since the host let go.
fn watch_until_end(leash: &OwnedFd, watch: &OwnedFd) -> io::Result<()> {
    let mut holding = true;
    loop {
        // A leash that hung up would be reported for ever.
        let wanted = [Some(watch), holding.then_some(leash)];
        let mut polled: Vec<_> =
            wanted.into_iter().flatten().map(|one| PollFd::new(one, PollFlags::IN)).collect();
        match poll(&mut polled, None) {
            Err(Errno::INTR) => continue,
            other => other?,
        };
        let mut ready = polled.iter().map(|one| !one.revents().is_empty());
        let (ended, released) = (ready.next() == Some(true), ready.next() == Some(true));
        if ended {
            return Ok(());
        }
        if released {
            // The host says nothing after the first packet: it let go, or died.
            holding = false;
            // It fails only for a process that ended, which the watch tells.
            let _ = pidfd_send_signal(watch, Signal::KILL);
        }
    }
}

fn reap(child: Pid) -> io::Result<i32> {
    loop {
        match waitpid(Some(child), WaitOptions::empty()) {
            Ok(Some((_, status))) => return Ok(status.as_raw()),
            Ok(None) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Kills and reaps what is left, until the kernel says that there is nothing: each round brings the children of those who
/// died in the last one.
fn sweep() -> io::Result<()> {
    loop {
        match wait(WaitOptions::NOHANG) {
            Err(Errno::CHILD) => return Ok(()),
            Ok(Some(_)) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
            Ok(None) => {
                for child in children() {
                    let _ = kill_process(child, Signal::KILL);
                }
                let _ = wait(WaitOptions::empty());
            }
        }
    }
}

/// Our children, as the kernel lists them.
fn children() -> Vec<Pid> {
    let pid = |text: &str| text.parse().ok().and_then(Pid::from_raw);
    let listed = format!("/proc/self/task/{}/children", gettid().as_raw_nonzero());
    match fs::read_to_string(listed) {
        Ok(list) => list.split_ascii_whitespace().filter_map(pid).collect(),
        // Not every kernel is built with the list.
        Err(_) => {
            let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
            let pids = entries.filter_map(|entry| pid(entry.file_name().to_str()?));
            pids.filter(|&pid| parent(pid) == Some(getpid())).collect()
        }
    }
}

fn parent(pid: Pid) -> Option<Pid> {
    let text = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).ok()?;
    // The name in parentheses may hold anything; state and parent come after it.
    let (_, after) = text.rsplit_once(')')?;
    Pid::from_raw(after.split_ascii_whitespace().nth(1)?.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parent_of_a_process_is_found() {
        assert_eq!(parent(getpid()), rustix::process::getppid());
    }
}
