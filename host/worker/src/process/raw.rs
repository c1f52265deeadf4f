//! The system calls that Rust cannot vouch for.

#![allow(unsafe_code, reason = "forks, and gives descriptors their numbers")]

use std::{
    io,
    os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd},
};

use rustix::{process::Pid, thread::UnshareFlags};

/// Which side of a fork this is.
pub(super) enum Fork {
    Parent(Pid),
    Child,
}

/// Forks. Only for a process of one thread: in the child of another, locks may be held by threads that are not there.
pub(super) fn fork() -> io::Result<Fork> {
    // SAFETY: keeper and init never start a thread, so that the child is a whole copy, and may do what its parent may.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        child => Ok(Pid::from_raw(child).map_or(Fork::Child, Fork::Parent)),
    }
}

/// Makes `number` a copy of `descriptor` that survives `exec`. What had the number is closed; nothing of ours owns a number
/// below [`FIRST_OWN`].
pub(super) fn place(descriptor: BorrowedFd<'_>, number: RawFd) -> io::Result<()> {
    debug_assert!(number < FIRST_OWN);
    // SAFETY: both are descriptors by number; no owner of `number` exists, as callers keep theirs from `FIRST_OWN`.
    match unsafe { libc::dup2(descriptor.as_raw_fd(), number) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

/// Undoes what a host may have done to signals, which a process inherits: without it, the ends of children could go unseen.
pub(super) fn reset_signals() {
    // SAFETY: default actions and an empty mask; no handler of ours is replaced.
    unsafe {
        libc::signal(libc::SIGCHLD, libc::SIG_DFL);
        let mut none = core::mem::zeroed();
        libc::sigemptyset(&raw mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const none, core::ptr::null_mut());
    }
}

/// Descriptors below have a meaning that both sides know; those of the keeper itself begin here.
pub(super) const FIRST_OWN: RawFd = 10;

/// Takes a descriptor that was [placed](place).
pub(super) fn taken(number: RawFd) -> OwnedFd {
    // SAFETY: called once for each number, in the worker, which placed it there and gave it no other owner.
    unsafe { OwnedFd::from_raw_fd(number) }
}

/// Closes every descriptor from `first` on but one, whoever owns it: for a process in which no owner will run again.
pub(super) fn close_from(first: RawFd, kept: &OwnedFd) -> io::Result<()> {
    let kept = kept.as_raw_fd();
    for (low, high) in [(first, kept - 1), (kept + 1, RawFd::MAX)] {
        if low > high {
            continue;
        }
        // SAFETY: closes descriptors; the caller let go of all owners but that of `kept`.
        match unsafe { libc::syscall(libc::SYS_close_range, low, high, 0) } {
            -1 => return Err(io::Error::last_os_error()),
            _ => continue,
        }
    }
    Ok(())
}

/// Leaves a namespace for a new one.
pub(super) fn separate(flag: UnshareFlags) -> io::Result<()> {
    // SAFETY: namespaces only, no `CLONE_FILES`: descriptors and memory stay what they are; there is one thread.
    Ok(unsafe { rustix::thread::unshare_unsafe(flag) }?)
}

/// Gives up the right to ever gain a capability; false when there is no capability of that number.
pub(super) fn give_up(capability: u64) -> io::Result<bool> {
    // SAFETY: numbers only; the call changes rights of this process, and no memory.
    match unsafe { libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0) } {
        -1 => match io::Error::last_os_error() {
            error if error.raw_os_error() == Some(libc::EINVAL) => Ok(false),
            error => Err(error),
        },
        _ => Ok(true),
    }
}
