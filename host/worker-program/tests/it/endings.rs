//! Workers that end, and workers that are ended.

use parfocal_worker::process::How;
use parfocal_worker_protocol::message::FromWorker;

use crate::fixture::{
    ALL, BARE, FREE, NO_NAMESPACES, compile, greet, library, on_load, processes_of, python, shell, token,
    until_ended, until_said, until_serving,
};

#[test]
fn how_a_library_ends_its_process_is_told() {
    let cases = [
        ("_exit(0);", "exit code 0 without an answer"),
        ("exit(3);", "exit code 3"),
        ("abort();", "signal 6 (SIGABRT)"),
        ("*(volatile int *)8 = 1;", "signal 11 (SIGSEGV)"),
        ("raise(SIGTERM);", "signal 15 (SIGTERM)"),
        ("kill(getpid(), SIGKILL);", "signal 9 (SIGKILL)"),
        ("__builtin_trap();", "signal 4 (SIGILL)"),
    ];
    for (body, told) in cases {
        for policy in [ALL, NO_NAMESPACES] {
            let mut process = on_load(body, policy);
            let ending = until_ended(&mut process);
            assert_eq!(ending.to_string(), told, "{body} {policy:?}");
            assert!(ending.gone);
            // Known already: there is nothing to kill.
            assert_eq!(process.kill(), ending);
        }
    }
}

#[test]
fn a_stack_that_overflows_ends_the_worker_alone() {
    let source = "static volatile int sink; int deep(int n); int deep(int n) { volatile char room[4096]; room[0] = 1; \
        sink = room[0]; return n ? deep(n + 1) + 1 : 0; } \
        __attribute__((constructor)) static void loaded(void) { sink = deep(1); }";
    for policy in [ALL, NO_NAMESPACES] {
        let ending = until_ended(&mut library(&compile(source, &[]), policy));
        assert!(matches!(ending.how, How::Signal(6 | 11)), "{ending}");
    }
}

#[test]
fn a_worker_serves_until_the_host_hangs_up() {
    let bytes = compile("", &[]);
    for policy in [ALL, NO_NAMESPACES, FREE, BARE] {
        let mut process = library(&bytes, policy);
        until_serving(&process);
        process.listen();
        assert!(process.ended().is_none());
        process.socket().shutdown(std::net::Shutdown::Both).unwrap();
        assert_eq!(until_ended(&mut process).how, How::Exit(0), "{policy:?}: {:?}", process.last_words());
    }
}

#[test]
fn a_worker_that_nothing_stops_is_killed() {
    let endless = [
        "for (;;) {}",
        "signal(SIGTERM, SIG_IGN); signal(SIGINT, SIG_IGN); for (;;) pause();",
        "sigset_t all; sigfillset(&all); sigprocmask(SIG_BLOCK, &all, 0); for (;;) pause();",
    ];
    for body in endless {
        for policy in [ALL, NO_NAMESPACES] {
            let body = format!("(void)!write(2, \"here\\n\", 5); {body}");
            let mut process = on_load(&body, policy);
            until_said(&mut process, "here");
            let ending = process.kill();
            assert_eq!((&ending.how, ending.gone), (&How::Signal(9), true), "{body} {policy:?}");
            assert_eq!(process.ended(), Some(&ending));
        }
    }
}

#[test]
fn a_worker_can_be_killed_before_it_lives() {
    for policy in [ALL, NO_NAMESPACES] {
        let token = token();
        let mut process = shell(&token, "while :; do :; done", policy);
        assert!(process.kill().gone);
        assert_eq!(processes_of(&token), Vec::<String>::new());
    }
}

#[test]
fn memory_without_end_ends_at_the_worker_s_limit() {
    let hoard = "for (;;) { char *more = malloc(1 << 20); if (!more) { (void)!write(2, \"full\\n\", 5); abort(); } \
                 memset(more, 1, 1 << 20); }";
    let mut process = on_load(hoard, ALL);
    // SIGKILL would be the system's.
    assert_eq!(until_ended(&mut process).to_string(), "signal 6 (SIGABRT)");
    assert_eq!(process.last_words().last().unwrap(), "full");

    let hoard = "hoard = []\nwhile True: hoard.append(bytearray(1 << 20))";
    let mut process = python(&token(), hoard, ALL);
    assert_eq!(until_ended(&mut process).how, How::Exit(1));
    assert_eq!(process.last_words().last().unwrap(), "MemoryError");
}

#[test]
fn last_words_are_heard_whole_once_the_end_is_known() {
    let mut process =
        on_load("for (int i = 0; i < 100; i++) dprintf(1 + i % 2, \"word %d\\x1b[1m\\n\", i); abort();", ALL);
    until_ended(&mut process);
    let words = process.last_words();
    assert_eq!(words.len(), 20);
    assert_eq!(words.last().unwrap(), "word 99\u{241b}[1m");
    assert!(process.words().is_none(), "nobody is left to write");
}

#[test]
fn a_library_that_cannot_be_loaded_says_why() {
    let mut bytes = compile("", &[]);
    let mut process = library(&bytes, ALL);
    until_serving(&process);
    drop(process);
    let note = b"org.example.bad";
    let at = bytes.windows(note.len()).position(|window| window == note).unwrap();
    bytes[at] = b'x';
    process = library(&bytes, ALL);
    let answer = greet(&process);
    assert!(
        matches!(&answer, FromWorker::Failed { error, .. } if error.kind == "incompatible"),
        "{answer:?}"
    );
    assert_eq!(until_ended(&mut process).how, How::Exit(0));
}
