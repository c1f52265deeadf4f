//! Hosts that go, and what a worker gets of its host.

use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use parfocal_worker::process::How;

use crate::fixture::{
    ALL, BARE, FREE, NO_NAMESPACES, processes_of, python, shell, token, until_ended, until_said,
};

#[test]
fn a_worker_that_is_dropped_is_gone() {
    for policy in [ALL, NO_NAMESPACES] {
        let token = token();
        let mut process = shell(&token, "echo here; while :; do :; done", policy);
        until_said(&mut process, "here");
        assert!(!processes_of(&token).is_empty());
        drop(process);
        assert_eq!(processes_of(&token), Vec::<String>::new());
    }
}

const LONELY: &str = "import os, signal\n\
    if os.fork() == 0: os.setsid(); os.closerange(0, 256)\n\
    else: print('here', flush=True)\n\
    while True: signal.pause()";

#[test]
#[ignore = "the host that the test below kills"]
fn host_that_is_killed() {
    let token = std::env::var("PARFOCAL_TEST_TOKEN").unwrap();
    let policy = if token.ends_with("bare") { BARE } else { FREE };
    let mut process = python(&token, LONELY, policy);
    until_said(&mut process, "here");
    println!("\nrunning");
    // The test kills us here.
    let _ = until_ended(&mut process);
}

#[test]
fn a_host_that_is_killed_takes_its_workers_along() {
    for kind in ["free", "bare"] {
        let token = token() + kind;
        let mut host = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "--nocapture", "hosts::host_that_is_killed"])
            .env("PARFOCAL_TEST_TOKEN", &token)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(host.stdout.as_mut().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap() == "running"));
        assert!(processes_of(&token).len() >= 3, "keeper, worker and child");
        host.kill().unwrap();
        host.wait().unwrap();
        // Nobody is left who could be told: the keeper's end is no event for us.
        let start = Instant::now();
        while !processes_of(&token).is_empty() {
            assert!(start.elapsed() < Duration::from_secs(60), "{kind}: {:?}", processes_of(&token));
            std::thread::yield_now();
        }
    }
}

#[test]
fn a_keeper_that_is_lost_is_no_success() {
    for policy in [ALL, NO_NAMESPACES] {
        let token = token();
        let mut process = shell(&token, "echo here; while :; do :; done", policy);
        until_said(&mut process, "here");
        // The keeper is the oldest, and so the first by number but for an overflow.
        let keeper = processes_of(&token).into_iter().min_by_key(|pid| pid.parse::<i32>().unwrap()).unwrap();
        let keeper = rustix::process::Pid::from_raw(keeper.parse().unwrap()).unwrap();
        rustix::process::kill_process(keeper, rustix::process::Signal::KILL).unwrap();
        let ending = until_ended(&mut process);
        assert!(!ending.gone);
        assert!(matches!(&ending.how, How::Unknown(why) if why.contains("keeper was lost")), "{ending}");
        // The worker dies with its keeper all the same.
        let start = Instant::now();
        while !processes_of(&token).is_empty() {
            assert!(start.elapsed() < Duration::from_secs(60), "{:?}", processes_of(&token));
            std::thread::yield_now();
        }
    }
}

#[test]
fn a_worker_gets_no_descriptor_and_no_variable_of_its_host() {
    // One that a careless host would leak, and workers side by side.
    let first = shell(&token(), "while :; do :; done", ALL);
    let script = "import os\n\
        found = []\n\
        for number in range(256):\n\
        \x20   try: os.fstat(number); found.append(number)\n\
        \x20   except OSError: pass\n\
        print(found, dict(os.environ), os.getcwd())";
    for policy in [ALL, BARE] {
        let mut process = python(&token(), script, policy);
        assert_eq!(until_ended(&mut process).how, How::Exit(0));
        let words = process.last_words().pop().unwrap();
        assert!(words.starts_with("[0, 1, 2, 3, 4] {"), "{words}");
        assert!(words.contains("'PARFOCAL_WORKER': '3'"), "{words}");
        assert!(!words.contains("PATH") && !words.contains("HOME"), "{words}");
        assert!(words.ends_with("} /"), "{words}");
    }
    drop(first);
}

#[test]
fn a_program_that_is_not_there_is_named() {
    use parfocal_worker::process::{Code, Launch, Policy, Process};
    let launch = Launch {
        program: "/nowhere/parfocal-worker".into(),
        arguments: Vec::new(),
        code: Code::Program { interpreter: "/bin/sh".into(), args: Vec::new(), descriptor: None },
        readable: Vec::new(),
        memory: 1 << 20,
        policy: Policy::default(),
    };
    let error = Process::start(launch).unwrap_err();
    assert_eq!(error.kind().name(), "not-found");
    assert!(error.to_string().contains("/nowhere/parfocal-worker"), "{error}");
}

#[test]
fn started_by_hand_the_program_says_who_starts_it() {
    let output = Command::new(env!("CARGO_BIN_EXE_parfocal-worker")).stdin(Stdio::null()).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(text, "this program is started by Parfocal, to run a plugin in it\n");
}
