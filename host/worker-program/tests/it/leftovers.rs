//! What a worker leaves behind is found, wherever it went.

use parfocal_worker::process::{How, Policy};

use crate::fixture::{BARE, FREE, processes_of, python, shell, token, until_ended, until_said};

/// Python that starts a child in a way, has it close all it inherited but its words until it stands, and ends or stays.
fn parent(way: &str, end: &str) -> String {
    format!(
        "import os, signal, sys, time\n\
         ready, tell = os.pipe()\n\
         def stay():\n\
         \x20   signal.signal(signal.SIGTERM, signal.SIG_IGN)\n\
         \x20   os.write(tell, b'x')\n\
         \x20   os.closerange(0, 256)\n\
         \x20   while True: signal.pause()\n\
         {way}\n\
         os.read(ready, 1)\n\
         print('started', flush=True)\n\
         {end}\n"
    )
}

const CHILD: &str = "if os.fork() == 0: stay()";
const OWN_SESSION: &str = "if os.fork() == 0: os.setsid(); stay()";
const DAEMON: &str = "if os.fork() == 0:\n    os.setsid()\n    if os.fork(): os._exit(0)\n    stay()";
/// Three generations, each in a session of its own, all alive.
const FAMILY: &str = "if os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n        os.setsid()\n        \
                      if os.fork() == 0: os.setsid(); stay()\n        while True: signal.pause()\n    \
                      while True: signal.pause()";
const WAYS: [&str; 4] = [CHILD, OWN_SESSION, DAEMON, FAMILY];

fn each(end: &str, check: impl Fn(&str, &str, Policy)) {
    for way in WAYS {
        for policy in [FREE, BARE] {
            check(way, &parent(way, end), policy);
        }
    }
}

#[test]
fn a_child_left_behind_is_gone_when_the_end_is_told() {
    each("os._exit(5)", |way, script, policy| {
        let token = token();
        let mut process = python(&token, script, policy);
        let ending = until_ended(&mut process);
        assert_eq!((ending.how, ending.gone), (How::Exit(5), true), "{way} {:?}", process.last_words());
        assert_eq!(processes_of(&token), Vec::<String>::new(), "{way} {policy:?}");
        assert!(policy.namespaces || !process.fences().unwrap().pid_namespace);
    });
}

#[test]
fn a_crash_takes_the_children_along() {
    each("os.kill(os.getpid(), signal.SIGSEGV)", |way, script, policy| {
        let token = token();
        let ending = until_ended(&mut python(&token, script, policy));
        assert_eq!((ending.how, ending.gone), (How::Signal(11), true), "{way} {policy:?}");
        assert_eq!(processes_of(&token), Vec::<String>::new(), "{way} {policy:?}");
    });
}

#[test]
fn killing_a_worker_kills_its_children() {
    each("while True: pass", |way, script, policy| {
        let token = token();
        let mut process = python(&token, script, policy);
        until_said(&mut process, "started");
        assert!(processes_of(&token).len() >= 3, "keeper, worker and child");
        assert!(process.kill().gone);
        assert_eq!(processes_of(&token), Vec::<String>::new(), "{way} {policy:?}");
    });
}

#[test]
fn a_process_that_goes_on_forking_is_buried_too() {
    for policy in [FREE, BARE] {
        let token = token();
        let mut process = shell(&token, "f() { (sleep 0; f) & }; f; f; f; echo started; exit 4", policy);
        let ending = until_ended(&mut process);
        assert_eq!((ending.how, ending.gone), (How::Exit(4), true), "{policy:?}");
        assert_eq!(processes_of(&token), Vec::<String>::new(), "{policy:?}");
    }
}
