//! Which system calls plugin code makes, as the kernel tells.
//!
//! The code runs on a thread with a seccomp filter that stops at the calls that reach files, the network, other processes
//! or the system's doors, and asks us. We write down which call it was and on which path, and let it go on, or refuse it
//! with `EPERM`. Threads and processes that the code starts inherit the filter. Other threads of this process are not
//! concerned.

#![allow(unsafe_code, reason = "puts up a filter of the kernel, and reads memory that a call points to")]

use std::{
    collections::BTreeSet,
    io,
    os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd},
    os::unix::net::UnixStream,
    sync::mpsc,
    thread,
};

use rustix::event::{PollFd, PollFlags, poll};

use crate::finding::Finding;

/// What a call reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reach {
    /// Files and folders.
    Files,
    /// The network, and other programs through sockets.
    Network,
    /// Other processes, and programs.
    Processes,
    /// Doors around all fences.
    System,
}

/// A call that was seen.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Seen {
    /// Its name, as the manual has it.
    pub(crate) call: &'static str,
    pub(crate) reach: Reach,
    /// The path that it names.
    pub(crate) path: Option<String>,
}

/// What happens to calls that are seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Policy {
    /// They go on.
    Note,
    /// They are refused; threads go on.
    Deny,
}

/// What was seen: every kind of call once, sorted; and how many there were.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sight {
    pub(crate) seen: BTreeSet<Seen>,
    pub(crate) calls: usize,
    pub(crate) threads: usize,
}

struct Watched {
    number: libc::c_long,
    name: &'static str,
    reach: Reach,
    /// Which argument is a path.
    path: Option<usize>,
}

const fn watched(number: libc::c_long, name: &'static str, reach: Reach, path: Option<usize>) -> Watched {
    Watched { number, name, reach, path }
}

use Reach::{Files, Network, Processes, System};

/// The calls of every processor.
const WATCHED: &[Watched] = &[
    watched(libc::SYS_openat, "openat", Files, Some(1)),
    watched(libc::SYS_openat2, "openat2", Files, Some(1)),
    watched(libc::SYS_unlinkat, "unlinkat", Files, Some(1)),
    watched(libc::SYS_mkdirat, "mkdirat", Files, Some(1)),
    watched(libc::SYS_renameat2, "renameat2", Files, Some(1)),
    watched(libc::SYS_linkat, "linkat", Files, Some(1)),
    watched(libc::SYS_symlinkat, "symlinkat", Files, Some(0)),
    watched(libc::SYS_truncate, "truncate", Files, Some(0)),
    watched(libc::SYS_chdir, "chdir", Files, Some(0)),
    watched(libc::SYS_socket, "socket", Network, None),
    watched(libc::SYS_connect, "connect", Network, None),
    watched(libc::SYS_bind, "bind", Network, None),
    watched(libc::SYS_clone, "clone", Processes, None),
    watched(libc::SYS_clone3, "clone3", Processes, None),
    watched(libc::SYS_execve, "execve", Processes, Some(0)),
    watched(libc::SYS_execveat, "execveat", Processes, Some(1)),
    watched(libc::SYS_ptrace, "ptrace", Processes, None),
    watched(libc::SYS_process_vm_readv, "process_vm_readv", Processes, None),
    watched(libc::SYS_process_vm_writev, "process_vm_writev", Processes, None),
    watched(libc::SYS_pidfd_open, "pidfd_open", Processes, None),
    watched(libc::SYS_kill, "kill", Processes, None),
    watched(libc::SYS_setsid, "setsid", Processes, None),
    watched(libc::SYS_shmget, "shmget", Processes, None),
    watched(libc::SYS_msgget, "msgget", Processes, None),
    watched(libc::SYS_mq_open, "mq_open", Processes, Some(0)),
    watched(libc::SYS_io_uring_setup, "io_uring_setup", System, None),
    watched(libc::SYS_bpf, "bpf", System, None),
    watched(libc::SYS_perf_event_open, "perf_event_open", System, None),
    watched(libc::SYS_userfaultfd, "userfaultfd", System, None),
    watched(libc::SYS_mount, "mount", System, Some(1)),
    watched(libc::SYS_unshare, "unshare", System, None),
    watched(libc::SYS_setns, "setns", System, None),
];

/// Older calls, which this processor still has.
#[cfg(target_arch = "x86_64")]
const WATCHED_HERE: &[Watched] = &[
    watched(libc::SYS_open, "open", Files, Some(0)),
    watched(libc::SYS_creat, "creat", Files, Some(0)),
    watched(libc::SYS_unlink, "unlink", Files, Some(0)),
    watched(libc::SYS_mkdir, "mkdir", Files, Some(0)),
    watched(libc::SYS_rmdir, "rmdir", Files, Some(0)),
    watched(libc::SYS_rename, "rename", Files, Some(0)),
    watched(libc::SYS_link, "link", Files, Some(0)),
    watched(libc::SYS_symlink, "symlink", Files, Some(0)),
    watched(libc::SYS_fork, "fork", Processes, None),
    watched(libc::SYS_vfork, "vfork", Processes, None),
];
#[cfg(not(target_arch = "x86_64"))]
const WATCHED_HERE: &[Watched] = &[];

/// `AUDIT_ARCH_...` of the kernel's `linux/audit.h`; numbers of calls mean something under it only.
#[cfg(target_arch = "x86_64")]
const PROCESSOR: Option<u32> = Some(0xC000_003E);
#[cfg(target_arch = "aarch64")]
const PROCESSOR: Option<u32> = Some(0xC000_00B7);
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
const PROCESSOR: Option<u32> = None;

/// What the C library and the runtime of Rust look up about the machine: how many processors there are, how large a stack,
/// whether memory may shrink. It is refused where calls are refused, and held against nobody.
const FACTS_OF_THE_MACHINE: &[&str] = &[
    "/proc/sys/vm/overcommit_memory",
    "/proc/self/maps",
    "/proc/self/cgroup",
    "/proc/self/mountinfo",
    "/proc/stat",
    "/proc/cpuinfo",
];
const FOLDERS_OF_FACTS: &[&str] = &["/sys/devices/system/cpu/", "/sys/fs/cgroup/", "/sys/kernel/mm/"];

/// Runs work on a watched thread.
///
/// # Errors
/// A skip: this kernel does not let us watch.
pub(crate) fn watch<T: Send>(policy: Policy, work: impl FnOnce() -> T + Send) -> Result<(T, Sight), Finding> {
    let unable = |why: &dyn std::fmt::Display| {
        Finding::skip(format!("this computer cannot watch system calls: {why}"))
    };
    let Some(processor) = PROCESSOR else { return Err(unable(&"its processor is not known")) };
    let (end, ended) = UnixStream::pair().map_err(|error| unable(&error))?;
    thread::scope(|scope| {
        let (tell, told) = mpsc::sync_channel(1);
        let worker = scope.spawn(move || {
            // Dropped when the work is done, which the other side sees.
            let _end = end;
            let listener = put_up(processor);
            let up = listener.is_ok();
            let _ = tell.send(listener);
            up.then(work)
        });
        let sight = match told.recv() {
            Ok(Ok(listener)) => look_on(&listener, &ended, policy),
            Ok(Err(error)) => return Err(unable(&error)),
            Err(error) => return Err(unable(&error)),
        };
        match worker.join() {
            Ok(Some(result)) => Ok((result, sight)),
            Ok(None) => Err(unable(&"the filter was not put up")),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

/// Puts the filter up for this thread; what comes back tells of calls.
fn put_up(processor: u32) -> io::Result<OwnedFd> {
    rustix::thread::set_no_new_privs(true)?;
    let mut program = program(processor);
    let filter = libc::sock_fprog {
        len: u16::try_from(program.len()).unwrap_or(u16::MAX),
        filter: program.as_mut_ptr(),
    };
    // SAFETY: the program lives during the call, and its length is its own.
    let listener = unsafe {
        libc::syscall(
            libc::SYS_seccomp,
            libc::SECCOMP_SET_MODE_FILTER,
            libc::SECCOMP_FILTER_FLAG_NEW_LISTENER,
            &raw const filter,
        )
    };
    let listener = i32::try_from(listener).ok().filter(|descriptor| *descriptor >= 0);
    // SAFETY: a new descriptor, which nobody else owns.
    listener
        .map(|descriptor| unsafe { OwnedFd::from_raw_fd(descriptor) })
        .ok_or_else(io::Error::last_os_error)
}

/// The filter: stops at the calls of the lists, lets all others pass.
fn program(processor: u32) -> Vec<libc::sock_filter> {
    let code = |code: u32| u16::try_from(code).unwrap_or(u16::MAX);
    let statement = |what, k| libc::sock_filter { code: code(what), jt: 0, jf: 0, k };
    let unless = |k, skip| libc::sock_filter {
        code: code(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K),
        jt: 0,
        jf: skip,
        k,
    };
    let load = libc::BPF_LD | libc::BPF_W | libc::BPF_ABS;
    let answer = libc::BPF_RET | libc::BPF_K;
    // `struct seccomp_data`: the number of the call at 0, the processor at 4.
    let mut program = vec![
        statement(load, 4),
        libc::sock_filter { jt: 1, ..unless(processor, 0) },
        statement(answer, libc::SECCOMP_RET_ALLOW),
        statement(load, 0),
    ];
    for watched in WATCHED.iter().chain(WATCHED_HERE) {
        program.push(unless(u32::try_from(watched.number).unwrap_or(u32::MAX), 1));
        program.push(statement(answer, libc::SECCOMP_RET_USER_NOTIF));
    }
    program.push(statement(answer, libc::SECCOMP_RET_ALLOW));
    program
}

/// Answers the kernel until the work is done.
fn look_on(listener: &OwnedFd, ended: &UnixStream, policy: Policy) -> Sight {
    let mut sight = Sight::default();
    loop {
        let mut polled = [PollFd::new(listener, PollFlags::IN), PollFd::new(ended, PollFlags::IN)];
        match poll(&mut polled, None) {
            Err(rustix::io::Errno::INTR) => continue,
            Err(_) => return sight,
            Ok(_) => {}
        }
        let [asked, done] = polled.each_ref().map(|one| !one.revents().is_empty());
        if asked && !answer_one(listener, policy, &mut sight) && done {
            return sight;
        }
        if done && !asked {
            return sight;
        }
    }
}

/// Answers one question; whether there was one.
fn answer_one(listener: &OwnedFd, policy: Policy, sight: &mut Sight) -> bool {
    // SAFETY: the kernel wants zeros, and all-zero is a valid value.
    let mut question: libc::seccomp_notif = unsafe { std::mem::zeroed() };
    // SAFETY: the listener's own request, with its struct.
    let received = unsafe {
        libc::ioctl(listener.as_fd().as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_RECV, &raw mut question)
    };
    if received != 0 {
        return false;
    }
    let goes_on = note(&question, policy, sight);
    let mut answer = libc::seccomp_notif_resp { id: question.id, val: 0, error: 0, flags: 0 };
    if goes_on {
        answer.flags = u32::try_from(libc::SECCOMP_USER_NOTIF_FLAG_CONTINUE).unwrap_or(1);
    } else {
        answer.error = -libc::EPERM;
    }
    // SAFETY: as above. That the caller is gone meanwhile is no matter.
    unsafe { libc::ioctl(listener.as_fd().as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_SEND, &raw mut answer) };
    true
}

/// Writes a call down; whether it goes on.
fn note(question: &libc::seccomp_notif, policy: Policy, sight: &mut Sight) -> bool {
    let number = libc::c_long::from(question.data.nr);
    let Some(watched) = WATCHED.iter().chain(WATCHED_HERE).find(|watched| watched.number == number) else {
        return true;
    };
    let argument = |index: usize| question.data.args.get(index).copied().unwrap_or(0);
    let thread = u64::from(libc::CLONE_THREAD.unsigned_abs());
    let flags = match number {
        libc::SYS_clone => argument(0),
        // The first field of `struct clone_args`.
        libc::SYS_clone3 => u64::from_ne_bytes(memory::<8>(question.pid, argument(0)).0),
        _ => 0,
    };
    if flags & thread != 0 {
        sight.threads += 1;
        return true;
    }
    let path = watched.path.map(|index| {
        let (bytes, length) = memory::<256>(question.pid, argument(index));
        let bytes = bytes.get(..length).unwrap_or_default();
        let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
        String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).into_owned()
    });
    if !path.as_deref().is_some_and(is_fact_of_the_machine) {
        sight.calls += 1;
        // A plugin that tries a million paths does not fill our memory.
        if sight.seen.len() < 100 {
            sight.seen.insert(Seen { call: watched.name, reach: watched.reach, path });
        }
    }
    policy == Policy::Note
}

fn is_fact_of_the_machine(path: &str) -> bool {
    let inside = |folder: &str| path.starts_with(folder) && !path.contains("..");
    FACTS_OF_THE_MACHINE.contains(&path) || FOLDERS_OF_FACTS.iter().any(|folder| inside(folder))
}

/// Bytes of a process that waits for our answer, and how many of them could be read.
fn memory<const SIZE: usize>(process: u32, address: u64) -> ([u8; SIZE], usize) {
    let mut bytes = [0; SIZE];
    let here = libc::iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: SIZE };
    let there = libc::iovec {
        iov_base: std::ptr::without_provenance_mut(usize::try_from(address).unwrap_or(0)),
        iov_len: SIZE,
    };
    let process = libc::pid_t::try_from(process).unwrap_or(0);
    // SAFETY: the kernel writes at most `SIZE` bytes to `bytes`, and checks the other address itself.
    let read = unsafe { libc::process_vm_readv(process, &raw const here, 1, &raw const there, 1, 0) };
    if let Ok(read) = usize::try_from(read) {
        return (bytes, read);
    }
    // The text ends before the next page, which is not there: byte by byte up to the end of its own.
    let page = rustix::param::page_size();
    let rest = page - usize::try_from(address).unwrap_or(0) % page;
    let there = libc::iovec { iov_len: rest.min(SIZE), ..there };
    // SAFETY: as above.
    let read = unsafe { libc::process_vm_readv(process, &raw const here, 1, &raw const there, 1, 0) };
    (bytes, usize::try_from(read).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_sockets_and_programs_are_seen_by_name_and_refused_where_they_should_be() {
        let (result, sight) = watch(Policy::Note, || std::fs::read("/etc/hostname").is_ok()).unwrap();
        assert_eq!(result, std::fs::read("/etc/hostname").is_ok());
        let seen = Seen { call: "openat", reach: Files, path: Some("/etc/hostname".into()) };
        assert_eq!(sight.seen, BTreeSet::from([seen]));

        let (refused, sight) = watch(Policy::Deny, || {
            let file = std::fs::File::open("/dev/null").is_err();
            let socket = std::net::UdpSocket::bind("127.0.0.1:0").is_err();
            let program = std::process::Command::new("/bin/true").spawn().is_err();
            [file, socket, program]
        })
        .unwrap();
        assert_eq!(refused, [true; 3]);
        let reached: BTreeSet<_> = sight.seen.iter().map(|seen| seen.reach).collect();
        assert!([Files, Network, Processes].iter().all(|reach| reached.contains(reach)), "{sight:?}");
    }

    #[test]
    fn threads_are_counted_and_work_in_both_ways() {
        for policy in [Policy::Note, Policy::Deny] {
            let (sum, sight) =
                watch(policy, || (0..3).map(|n| thread::spawn(move || n).join().unwrap()).sum::<i32>())
                    .unwrap();
            assert_eq!((sum, sight.threads), (3, 3));
            assert_eq!(sight.seen, BTreeSet::new());
        }
    }

    #[test]
    fn other_threads_are_not_concerned() {
        let (_, sight) = watch(Policy::Deny, || {}).unwrap();
        assert_eq!(sight.calls, 0);
        assert!(std::fs::File::open("/dev/null").is_ok());
    }
}
