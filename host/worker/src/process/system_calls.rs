//! seccomp: which system calls a worker may not make.
//!
//! A list of what is refused, not of what is allowed: an allow-list breaks with each new version of the C library or an
//! interpreter, and fails in strangers' hands. What is refused answers `EPERM`, so that code can go another way. All of it
//! concerns other processes, the network, the system, or what Landlock leaves open of files; memory, threads, time and the
//! files it was given stay free.

use std::{collections::BTreeMap, io, ops::Range};

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    apply_filter,
};

use super::Fences;

/// Numbers that are younger than the library that has the others; from 424 on they are the same for every processor.
const FCHMODAT2: i64 = 452;
const SETXATTRAT: i64 = 463;
const REMOVEXATTRAT: i64 = 466;
const OPEN_TREE_ATTR: i64 = 467;
const FILE_SETATTR: i64 = 469;

/// Refused whatever the arguments.
const REFUSED: &[i64] = &[
    // Sockets. Those it was given stay usable, and so do pairs of streams, which reach nobody; see `pairs`.
    libc::SYS_socket,
    libc::SYS_connect,
    libc::SYS_bind,
    libc::SYS_listen,
    libc::SYS_accept,
    libc::SYS_accept4,
    // Other processes.
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_process_mrelease,
    libc::SYS_pidfd_open,
    libc::SYS_pidfd_getfd,
    libc::SYS_pidfd_send_signal,
    libc::SYS_tkill,
    libc::SYS_kcmp,
    libc::SYS_setpriority,
    libc::SYS_ioprio_set,
    libc::SYS_sched_setparam,
    libc::SYS_sched_setscheduler,
    libc::SYS_sched_setattr,
    libc::SYS_migrate_pages,
    libc::SYS_move_pages,
    // Memory and queues that outlive a process.
    libc::SYS_shmget,
    libc::SYS_shmat,
    libc::SYS_shmctl,
    libc::SYS_msgget,
    libc::SYS_msgctl,
    libc::SYS_msgsnd,
    libc::SYS_msgrcv,
    libc::SYS_semget,
    libc::SYS_semctl,
    libc::SYS_semop,
    libc::SYS_semtimedop,
    libc::SYS_mq_open,
    libc::SYS_mq_unlink,
    libc::SYS_memfd_secret,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    // What files are like beside their contents: Landlock guards none of it.
    libc::SYS_fchmod,
    libc::SYS_fchmodat,
    FCHMODAT2,
    libc::SYS_fchown,
    libc::SYS_fchownat,
    libc::SYS_utimensat,
    libc::SYS_setxattr,
    libc::SYS_lsetxattr,
    libc::SYS_fsetxattr,
    SETXATTRAT,
    libc::SYS_removexattr,
    libc::SYS_lremovexattr,
    libc::SYS_fremovexattr,
    REMOVEXATTRAT,
    FILE_SETATTR,
    // Ways around the other fences, and parts of the kernel that had many holes.
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_chroot,
    libc::SYS_pivot_root,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_mount_setattr,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    OPEN_TREE_ATTR,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_name_to_handle_at,
    libc::SYS_open_by_handle_at,
    libc::SYS_fanotify_init,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    // The system.
    libc::SYS_kexec_load,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_reboot,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_adjtimex,
    libc::SYS_acct,
    libc::SYS_quotactl,
    libc::SYS_quotactl_fd,
    libc::SYS_syslog,
    libc::SYS_vhangup,
];

/// Refused, and known to this processor alone.
#[cfg(target_arch = "x86_64")]
const REFUSED_HERE: &[i64] = &[
    libc::SYS_fork,
    libc::SYS_vfork,
    libc::SYS_kexec_file_load,
    libc::SYS_iopl,
    libc::SYS_ioperm,
    libc::SYS_uselib,
    libc::SYS_chmod,
    libc::SYS_chown,
    libc::SYS_lchown,
    libc::SYS_utime,
    libc::SYS_utimes,
    libc::SYS_futimesat,
];
#[cfg(not(target_arch = "x86_64"))]
const REFUSED_HERE: &[i64] = &[];

/// Becoming another program.
const EXECUTE: &[i64] = &[libc::SYS_execve, libc::SYS_execveat];

/// On x86-64 every call has a second number with this bit, for programs with 32-bit pointers, where a kernel knows them;
/// these have numbers of their own there.
#[cfg(target_arch = "x86_64")]
const SECOND: i64 = 0x4000_0000;
#[cfg(target_arch = "x86_64")]
const SECOND_EXECUTE: &[i64] = &[SECOND + 520, SECOND + 545];
#[cfg(target_arch = "x86_64")]
const SECOND_OTHERS: &[i64] = &[
    SECOND + 514,
    SECOND + 521,
    SECOND + 524,
    SECOND + 528,
    SECOND + 533,
    SECOND + 536,
    SECOND + 539,
    SECOND + 540,
];

/// Puts the filter up, for this thread and all that it starts.
pub(super) fn forbid(fences: &mut Fences, may_execute: bool) {
    let done = refusals(may_execute, fences.pid_namespace).and_then(|refused| {
        // Libraries take "not there" for an older kernel, and go the way that the filter can look into.
        let newer = filter(BTreeMap::from([(libc::SYS_clone3, Vec::new())]), libc::ENOSYS)?;
        let refused = filter(refused, libc::EPERM)?;
        apply_filter(&newer).and_then(|()| apply_filter(&refused)).map_err(io::Error::other)
    });
    match done {
        Ok(()) => fences.seccomp = true,
        Err(error) => fences.note("seccomp", error),
    }
}

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

fn filter(rules: Rules, answer: i32) -> io::Result<BpfProgram> {
    let refuse = SeccompAction::Errno(answer.unsigned_abs());
    let arch = std::env::consts::ARCH.try_into().map_err(io::Error::other)?;
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, refuse, arch).map_err(io::Error::other)?;
    filter.try_into().map_err(io::Error::other)
}

fn refusals(may_execute: bool, alone: bool) -> io::Result<Rules> {
    let mut rules = Rules::new();
    let execute = if may_execute { &[] } else { EXECUTE };
    for &call in REFUSED.iter().chain(REFUSED_HERE).chain(execute) {
        rules.insert(call, Vec::new());
    }
    let me = u64::from(std::process::id());
    let process = |value| condition(0, SeccompCmpOp::Ne, value);
    for call in [libc::SYS_kill, libc::SYS_tgkill, libc::SYS_rt_sigqueueinfo, libc::SYS_rt_tgsigqueueinfo] {
        // To itself it may: that is how `abort` ends a process.
        rules.insert(call, vec![rule(vec![process(me)?])?]);
    }
    // Limits of another process; zero means its own.
    let others = vec![rule(vec![process(me)?, process(0)?])?];
    rules.insert(libc::SYS_prlimit64, others.clone());
    // Processors of another: a library chooses those of its threads by their numbers, which are its own where it is alone.
    if !alone {
        rules.insert(libc::SYS_sched_setaffinity, others);
    }
    rules.insert(libc::SYS_socketpair, pairs()?);
    rules.insert(libc::SYS_ioctl, controls()?);
    let thread = u64::from(libc::CLONE_THREAD.unsigned_abs());
    rules.insert(libc::SYS_clone, vec![rule(vec![condition(0, SeccompCmpOp::MaskedEq(thread), 0)?])?]);
    // Shared memory without a file escapes every limit of memory, and is of use between processes only.
    let shared = u64::from((libc::MAP_SHARED | libc::MAP_ANONYMOUS).unsigned_abs());
    rules.insert(libc::SYS_mmap, vec![rule(vec![condition(3, SeccompCmpOp::MaskedEq(shared), shared)?])?]);
    #[cfg(target_arch = "x86_64")]
    add_second_numbers(&mut rules, may_execute);
    Ok(rules)
}

/// Refuses every pair but those of streams: one end of a pair of datagrams can send to any socket whose name is known.
fn pairs() -> io::Result<Vec<SeccompRule>> {
    let unix = u64::from(libc::AF_UNIX.unsigned_abs());
    let stream = libc::SOCK_STREAM.unsigned_abs();
    // The type is in the lowest four bits; above it are flags.
    let mut rules = differs(1, stream, 0..4)?;
    rules.push(rule(vec![condition(0, SeccompCmpOp::Ne, unix)?])?);
    Ok(rules)
}

/// Refuses every `ioctl` but those of terminals, with which a library asks where it writes, and which has some for all
/// descriptors: the others change files that are open for reading, or are for devices.
fn controls() -> io::Result<Vec<SeccompRule>> {
    // The second byte of a request says whose it is.
    differs(1, u32::from(b'T') << 8, 8..16)
}

/// A rule for each of these bits of an argument, which holds when it is another than in `wanted`.
fn differs(argument: u8, wanted: u32, bits: Range<u32>) -> io::Result<Vec<SeccompRule>> {
    bits.map(|bit| {
        let mask = 1 << bit;
        let other = u64::from(!wanted & mask);
        rule(vec![condition(argument, SeccompCmpOp::MaskedEq(u64::from(mask)), other)?])
    })
    .collect()
}

#[cfg(target_arch = "x86_64")]
fn add_second_numbers(rules: &mut Rules, may_execute: bool) {
    let second: Vec<_> = rules.iter().map(|(call, rule)| (call + SECOND, rule.clone())).collect();
    rules.extend(second);
    let execute = if may_execute { &[] } else { SECOND_EXECUTE };
    rules.extend(SECOND_OTHERS.iter().chain(execute).map(|&call| (call, Vec::new())));
    rules.insert(SECOND + libc::SYS_clone3, Vec::new());
}

fn condition(argument: u8, how: SeccompCmpOp, value: u64) -> io::Result<SeccompCondition> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, how, value).map_err(io::Error::other)
}

fn rule(conditions: Vec<SeccompCondition>) -> io::Result<SeccompRule> {
    SeccompRule::new(conditions).map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_filters_can_be_built() {
        for (may_execute, alone) in [(false, false), (true, false), (false, true)] {
            let program = filter(refusals(may_execute, alone).unwrap(), libc::EPERM).unwrap();
            // The kernel takes 4096 instructions.
            assert!(program.len() < 4096, "{}", program.len());
        }
    }
}
