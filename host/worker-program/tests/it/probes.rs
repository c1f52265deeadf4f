//! A library that tries to get out.

use std::os::unix::net::UnixDatagram;

use parfocal_worker::process::{Fences, How, Policy, child};

use crate::fixture::{ALL, BARE, NO_NAMESPACES, compile, library, until_ended, until_serving};

/// Tries everything when it is mapped; and files once more when the process ends, long after it was sealed. Says what was
/// allowed, and how much was tried.
const PROBES: &str = r#"
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <utime.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static int tried;
static char allowed[4000];
static void refused(const char *what, long result) {
    tried++;
    if (result != -1) { strcat(allowed, what); strcat(allowed, "; "); }
}
/* Said by the fence, and not by what lies behind it. */
#define denied(what, call) do { errno = 0; long result = (call); refused(what, errno == EPERM ? result : 0); } while (0)
/* A child of vfork must not leave the function that made it. */
#define CHILD(what, call) do { long made = (call); if (made == 0) _exit(0); refused(what, made); } while (0)

/* What a file is like beside its contents. `old` is the host's, and the worker runs as its user. */
static void change_files(void) {
    const char *old = FOLDER "/old";
    struct { unsigned char flags[8]; unsigned int other[4]; } attributes = { { 0 }, { 0 } };
    denied("chmod", chmod(old, 0600));
    denied("fchmod", fchmod(3, 0600));
    denied("fchmodat", fchmodat(AT_FDCWD, old, 0600, 0));
    denied("fchmodat2", syscall(452, AT_FDCWD, old, 0600, 0));
    denied("chown", chown(old, getuid(), getgid()));
    denied("lchown", lchown(old, getuid(), getgid()));
    denied("fchown", fchown(3, getuid(), getgid()));
    denied("fchownat", fchownat(AT_FDCWD, old, getuid(), getgid(), 0));
    denied("utime", utime(old, 0));
    denied("utimes", utimes(old, 0));
    denied("utimensat", utimensat(AT_FDCWD, old, 0, 0));
    denied("futimens", futimens(3, 0));
    denied("setxattr", setxattr(old, "user.probe", "1", 1, 0));
    denied("lsetxattr", lsetxattr(old, "user.probe", "1", 1, 0));
    denied("fsetxattr", fsetxattr(3, "user.probe", "1", 1, 0));
    denied("setxattrat", syscall(463, AT_FDCWD, old, 0, "user.probe", &attributes, 16));
    denied("removexattr", removexattr(old, "user.probe"));
    denied("lremovexattr", lremovexattr(old, "user.probe"));
    denied("fremovexattr", fremovexattr(3, "user.probe"));
    denied("removexattrat", syscall(466, AT_FDCWD, old, 0, "user.probe"));
    denied("file_setattr", syscall(469, AT_FDCWD, old, &attributes, sizeof attributes, 0));
    // Libraries of the system can be opened for reading still, and flags of files are changed through such descriptors. Asked
    // for only: without a fence, and for root, the other request would change the file.
    int library = open("/etc/ld.so.cache", O_RDONLY);
    denied("flags of a file", ioctl(library, 0x80086601, &attributes));
    if (library >= 0) close(library);
}

/* Pairs that are not of streams can send to whoever has a name. */
static void reach_sockets(void) {
    int types[] = { SOCK_DGRAM, SOCK_DGRAM | SOCK_CLOEXEC, SOCK_RAW, SOCK_SEQPACKET | SOCK_NONBLOCK };
    struct sockaddr_un named = { AF_UNIX, FOLDER "/socket" };
    for (int number = 0; number < 4; number++) {
        int pair[2], made = -1;
        denied("a pair of datagrams", (made = socketpair(AF_UNIX, types[number], 0, pair)));
        if (made) continue;
        refused("a named socket", sendto(pair[0], "probe", 5, 0, (struct sockaddr *)&named, sizeof named));
        close(pair[0]);
        close(pair[1]);
    }
    int stream[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, stream)) {
        strcat(allowed, "no pair of streams; ");
        return;
    }
    refused("a named socket, from a stream", sendto(stream[0], "probe", 5, 0, (struct sockaddr *)&named, sizeof named));
    close(stream[0]);
    close(stream[1]);
    denied("a pair of another family", socketpair(AF_TIPC, SOCK_STREAM, 0, stream));
}

__attribute__((constructor)) static void loaded(void) {
    extern char **environ;
    char byte, path[64], room[512] = { 0 };
    struct iovec here = { &byte, 1 }, there = { (void *)&tried, 1 };
    struct rlimit limit;
    __attribute__((unused)) char *none[] = { 0 };
    refused("a file", open("/etc/passwd", O_RDONLY));
    refused("a new file", open(FOLDER "/new", O_CREAT | O_WRONLY, 0600));
    refused("a folder", open("/", O_RDONLY | O_DIRECTORY));
    refused("cutting a file", truncate(FOLDER "/old", 1));
    snprintf(path, sizeof path, "/proc/%d/mem", HOST);
    refused("memory of the host", open(path, O_RDWR));
    snprintf(path, sizeof path, "/proc/%d/environ", HOST);
    refused("environment of the host", open(path, O_RDONLY));
    refused("/proc/self", open("/proc/self/status", O_RDONLY));
    refused("a device", open("/dev/null", O_RDWR));
#ifndef CONTROL
    refused("execve", execve("/bin/true", none, none));
#endif
    refused("TCP", socket(AF_INET, SOCK_STREAM, 0));
    refused("UDP", socket(AF_INET6, SOCK_DGRAM, 0));
    refused("a unix socket", socket(AF_UNIX, SOCK_STREAM, 0));
    refused("a raw socket", socket(AF_PACKET, SOCK_RAW, 0));
    refused("ptrace", ptrace(PTRACE_SEIZE, HOST, 0, 0));
    refused("signals", kill(HOST, 0));
    refused("signals to all", kill(-1, 0));
    refused("signals to a thread", syscall(SYS_tgkill, HOST, HOST, 0));
    refused("reading memory", process_vm_readv(HOST, &here, 1, &there, 1, 0));
    refused("a handle of a process", syscall(SYS_pidfd_open, HOST, 0));
    refused("limits of the host", prlimit(HOST, RLIMIT_CPU, 0, &limit));
    refused("priority of the host", setpriority(PRIO_PROCESS, HOST, getpriority(PRIO_PROCESS, HOST)));
    CHILD("fork", fork());
    CHILD("vfork", vfork());
    CHILD("clone", syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
    refused("unshare", unshare(CLONE_NEWUSER));
    int shared = shmget(IPC_PRIVATE, 4096, 0600);
    refused("shared memory", shared);
    shmctl(shared, IPC_RMID, 0);
    refused("shared memory without a file", (long)mmap(0, 4096, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    denied("facts of shared memory", shmctl(0, IPC_INFO, (struct shmid_ds *)room));
    denied("facts of queues", msgctl(0, IPC_INFO, (struct msqid_ds *)room));
    denied("facts of semaphores", semctl(0, 0, IPC_INFO, room));
    denied("an end to a named queue", syscall(SYS_mq_unlink, "parfocal-probe"));
    errno = 0;
    syscall(SYS_sched_setaffinity, HOST, sizeof room, room);
    refused("processors of the host", errno == EPERM || errno == ESRCH ? -1 : 0);
    change_files();
    reach_sockets();
    refused("io_uring", syscall(SYS_io_uring_setup, 1, path));
    refused("bpf", syscall(SYS_bpf, 0, path, 0));
    refused("keys", syscall(SYS_keyctl, 0, 0));
    refused("raising a limit", setrlimit(RLIMIT_DATA, &(struct rlimit){ RLIM_INFINITY, RLIM_INFINITY }));
    refused("the environment", environ && environ[0] ? 0 : -1);
    // Numbers 5 and 6 are the folder of its own threads and the copy of the library in memory.
    for (int number = 7; number < 256; number++) refused("a descriptor", fcntl(number, F_GETFD));
    dprintf(2, "mapped: %s%d tried\n", allowed, tried);
}

__attribute__((destructor)) static void sealed(void) {
    tried = 0;
    allowed[0] = 0;
    refused("a library of the system", open("/etc/ld.so.cache", O_RDONLY));
    refused("a folder of libraries", open("/usr/lib", O_RDONLY | O_DIRECTORY));
    signal(SIGXFSZ, SIG_IGN);
    int memory = memfd_create("probe", 0);
    if (memory >= 0) refused("a file in memory", ftruncate(memory, 4096));
    dprintf(2, "sealed: %s%d tried\n", allowed, tried);
}
"#;

/// A namespace stands where it was asked for, or the report says why not: some systems refuse them.
fn assert_told(fences: &Fences, policy: Policy, stands: bool, what: &str) {
    let told = fences.notes.iter().any(|note| note.starts_with(what));
    assert_eq!(stands || told, policy.namespaces, "{fences:?}");
}

fn probe(policy: Policy, flags: &[&str]) -> (Vec<String>, Fences) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("old"), "old").unwrap();
    // A service that the user runs, say: nobody of a plugin's may reach it.
    let service = UnixDatagram::bind(folder.path().join("socket")).unwrap();
    service.set_nonblocking(true).unwrap();
    let place = format!("-DFOLDER=\"{}\"", folder.path().display());
    let host = format!("-DHOST={}", std::process::id());
    let flags: Vec<_> = [place.as_str(), &host].into_iter().chain(flags.iter().copied()).collect();
    let mut process = library(&compile(PROBES, &flags), policy);
    until_serving(&process);
    process.socket().shutdown(std::net::Shutdown::Both).unwrap();
    assert_eq!(until_ended(&mut process).how, How::Exit(0), "{:?}", process.last_words());
    assert_eq!(service.recv(&mut [0; 16]).is_err(), policy.seccomp, "a datagram came");
    (process.last_words(), process.fences().unwrap().clone())
}

#[test]
fn every_way_out_is_refused() {
    for policy in [ALL, NO_NAMESPACES] {
        let (words, fences) = probe(policy, &[]);
        assert_eq!(words, ["mapped: 314 tried", "sealed: 3 tried"], "{policy:?}");
        assert!(fences.is_full(), "{fences:?}");
        assert_eq!(fences.to_string(), "sandboxed: no files, no network, no new processes");
        assert_told(&fences, policy, fences.pid_namespace, "processes of its own: ");
        assert_told(&fences, policy, fences.network_namespace, "a network of its own: ");
    }
}

#[test]
fn the_probes_get_out_where_no_fence_stands() {
    let (words, fences) = probe(BARE, &["-DCONTROL"]);
    assert!(!fences.is_full());
    let open = [
        "a file;",
        "a new file;",
        "a folder;",
        "cutting a file;",
        "/proc/self;",
        "a device;",
        "TCP;",
        "UDP;",
        "a unix socket;",
        "signals;",
        "fork;",
        "vfork;",
        "clone;",
        "shared memory;",
        "shared memory without a file;",
        "a handle of a process;",
        "chmod;",
        "fchmod;",
        "fchmodat2;",
        "chown;",
        "utime;",
        "utimensat;",
        "setxattr;",
        "removexattr;",
        "flags of a file;",
        "a pair of datagrams;",
        "a named socket;",
        "facts of shared memory;",
        "processors of the host;",
    ];
    for what in open {
        assert!(
            words.iter().any(|line| line.starts_with("mapped: ") && line.contains(what)),
            "{what}: {words:?}"
        );
    }
    assert!(
        words.iter().any(|line| line == "sealed: a library of the system; a folder of libraries; 3 tried"),
        "{words:?}"
    );
}

#[test]
fn a_missing_fence_is_told() {
    let bytes = compile("", &[]);
    let report = |policy| {
        let mut process = library(&bytes, policy);
        until_serving(&process);
        process.listen();
        process.fences().unwrap().clone()
    };
    let fences = report(BARE);
    assert!(!fences.is_full());
    assert!(fences.no_new_privileges && fences.capabilities_dropped);
    assert!(
        fences.to_string().starts_with("fault isolation only: namespaces: left away by the host"),
        "{fences}"
    );

    for (policy, held, missing) in [
        (Policy { landlock: false, ..ALL }, "no network, no new processes", "Landlock"),
        (Policy { seccomp: false, ..ALL }, "no files", "seccomp"),
    ] {
        let fences = report(policy);
        assert!(!fences.is_full());
        let text = fences.to_string();
        assert!(text.starts_with(&format!("partly sandboxed: {held}")), "{text}");
        assert!(text.ends_with(&format!("{missing}: left away by the host)")), "{text}");
        assert_eq!(text.contains("no network"), policy.seccomp || fences.network_namespace, "{text}");
    }
}

#[test]
fn a_worker_that_must_be_fenced_runs_no_plugin_code_otherwise() {
    let bytes = compile(
        "#include <unistd.h>\n__attribute__((constructor)) static void loaded(void) { _exit(9); }\n",
        &[],
    );
    let unfenced = Policy { landlock: false, demand: true, ..ALL };
    let mut process = library(&bytes, unfenced);
    assert_eq!(until_ended(&mut process).how, How::Exit(child::UNFENCED));
    assert!(process.last_words().concat().starts_with("no plugin code was run: partly sandboxed"));

    let mut process = library(&bytes, Policy { demand: true, ..ALL });
    assert_eq!(until_ended(&mut process).how, How::Exit(9));
}
