//! Workers for tests.

use std::{
    fs::File,
    io::Write,
    os::fd::{AsFd, OwnedFd},
    path::{Path, PathBuf},
    process::Command,
    sync::{
        LazyLock,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use parfocal_core::Sha256;
use parfocal_worker::process::{Code, Ending, Launch, Policy, Process};
use parfocal_worker_protocol::{
    Channel, Want,
    control::LENGTH,
    message::{Answer, Call, FromWorker, Request},
};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::{MemfdFlags, SealFlags, fcntl_add_seals, ftruncate, memfd_create},
};

/// With every fence.
pub(crate) const ALL: Policy = Policy { namespaces: true, landlock: true, seccomp: true, demand: false };
/// Where the system refuses namespaces.
pub(crate) const NO_NAMESPACES: Policy = Policy { namespaces: false, ..ALL };
/// A worker that can start other processes, in namespaces.
pub(crate) const FREE: Policy = Policy { landlock: false, seccomp: false, ..ALL };
/// The same where the system refuses everything.
pub(crate) const BARE: Policy = Policy { namespaces: false, ..FREE };

/// Long enough that only a hang reaches it.
const HANG: Duration = Duration::from_secs(60);

/// A word that no other process has in its command line.
pub(crate) fn token() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("parfocal-test-{}-{}-", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// The processes whose command line has the word; zombies have no command line.
pub(crate) fn processes_of(token: &str) -> Vec<String> {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let mut found: Vec<_> = pids
        .filter(|pid| {
            let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            pid.parse::<u32>().is_ok() && String::from_utf8_lossy(&line).contains(token)
        })
        .collect();
    found.sort();
    found
}

fn sealed(bytes: &[u8]) -> OwnedFd {
    let descriptor = memfd_create("parfocal-test", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING).unwrap();
    let mut file = File::from(descriptor);
    file.write_all(bytes).unwrap();
    fcntl_add_seals(&file, SealFlags::WRITE | SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL).unwrap();
    file.into()
}

fn launch(token: &str, code: Code, readable: Vec<PathBuf>, policy: Policy) -> Launch {
    Launch {
        program: env!("CARGO_BIN_EXE_parfocal-worker").into(),
        arguments: vec![token.into()],
        code,
        readable,
        memory: 64 << 20,
        policy,
    }
}

/// A worker that becomes another program, without files.
pub(crate) fn start(code: Code, policy: Policy) -> Process {
    Process::start(launch("", code, Vec::new(), policy)).unwrap()
}

/// A worker that becomes the system's shell.
pub(crate) fn shell(token: &str, script: &str, policy: Policy) -> Process {
    let args = vec!["-c".into(), script.into(), token.into()];
    let code = Code::Program { interpreter: "/bin/sh".into(), args, descriptor: None };
    Process::start(launch(token, code, Vec::new(), policy)).unwrap()
}

/// A worker that becomes Python, with this text as its program.
pub(crate) fn python(token: &str, script: &str, policy: Policy) -> Process {
    static PYTHON: LazyLock<(PathBuf, Vec<PathBuf>)> = LazyLock::new(|| {
        let ask = "import sys, sysconfig as s\n\
            print(sys.executable, s.get_path('stdlib'), s.get_path('platstdlib'), s.get_config_var('LIBDIR'), sep='\\n')";
        let output =
            Command::new("python3").args(["-c", ask]).output().expect("Python is needed for this test");
        let text = String::from_utf8(output.stdout).unwrap();
        let mut lines = text.lines().map(PathBuf::from);
        (lines.next().unwrap(), lines.collect())
    });
    let (interpreter, readable) = PYTHON.clone();
    let args = vec!["-I".into(), "/proc/self/fd/4".into(), token.into()];
    let code = Code::Program { interpreter, args, descriptor: Some(sealed(script.as_bytes())) };
    Process::start(launch(token, code, readable, policy)).unwrap()
}

const PLUGIN: &str = r#"
#include "parfocal.h"
static const uint32_t dtypes[] = { PF_U8 };
static const pf_input_port image = PF_IMAGE_INPUT("image", dtypes);
static int32_t run(const pf_simple *self, const pf_call *call) { (void)self; (void)call; return PF_OK; }
static const pf_simple_operator operators[] = {
    { PF_MAP_OPERATOR("nothing", "Does nothing.", &image, NULL, 0, PF_SUPPORT_ALL), .run = run },
};
PF_PLUGIN("org.example.bad", "0.1.0", operators)
"#;

/// The bytes of a C plugin with this code beside an operator that does nothing.
pub(crate) fn compile(extra: &str, flags: &[&str]) -> Vec<u8> {
    compile_source(&format!("#define _GNU_SOURCE\n{PLUGIN}{extra}"), flags)
}

/// The bytes of a C plugin with this source.
pub(crate) fn compile_source(text: &str, flags: &[&str]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let (source, library) = (folder.path().join("plugin.c"), folder.path().join("plugin.so"));
    std::fs::write(&source, text).unwrap();
    let include = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sdk/abi/include");
    let output = Command::new("cc")
        .args(["-std=gnu11", "-O1", "-Wall", "-Werror", "-shared", "-fPIC", "-fvisibility=hidden", "-I"])
        .arg(include)
        .args(flags)
        .arg("-o")
        .args([&library, &source])
        .output()
        .expect("a C compiler named `cc` is needed for this test");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    std::fs::read(library).unwrap()
}

/// A worker for a library.
pub(crate) fn library(bytes: &[u8], policy: Policy) -> Process {
    let code = Code::Library { descriptor: sealed(bytes) };
    let arguments = vec![
        "org.example.bad".into(),
        "0.1.0".into(),
        Sha256::of(bytes).to_string(),
        parfocal_operator::VERSION.to_string(),
    ];
    let launch = Launch { arguments, ..launch("", code, Vec::new(), policy) };
    Process::start(launch).unwrap()
}

/// A worker whose library does this as soon as it is mapped.
pub(crate) fn on_load(body: &str, policy: Policy) -> Process {
    let includes = "#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n#include <unistd.h>\n#include <signal.h>\n";
    let constructor =
        format!("{includes}__attribute__((constructor)) static void loaded(void) {{ {body} }}\n");
    library(&compile(&constructor, &[]), policy)
}

/// Waits for something that leash, words or control socket will bring.
pub(crate) fn wait_until<T>(process: &mut Process, mut there: impl FnMut(&mut Process) -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        process.listen();
        if let Some(result) = there(process) {
            return result;
        }
        assert!(start.elapsed() < HANG, "the worker hangs: {process:?}");
        let leash = process.leash();
        let mut polled = vec![PollFd::new(&leash, PollFlags::IN)];
        let words = process.words();
        polled.extend(words.as_ref().map(|words| PollFd::new(words, PollFlags::IN)));
        let timeout = Timespec { tv_sec: 1, tv_nsec: 0 };
        poll(&mut polled, Some(&timeout)).unwrap();
    }
}

pub(crate) fn until_ended(process: &mut Process) -> Ending {
    wait_until(process, |process| process.ended().cloned())
}

/// Waits until the worker wrote a line.
pub(crate) fn until_said(process: &mut Process, line: &str) {
    wait_until(process, |process| {
        assert!(process.ended().is_none(), "it ended before it said `{line}`: {process:?}");
        process.last_words().iter().any(|said| said == line).then_some(())
    });
}

/// Greets the worker, and waits for its answer.
pub(crate) fn greet(process: &Process) -> FromWorker {
    let channel = Channel::new(process.socket().try_clone().unwrap()).unwrap();
    let page = memfd_create("parfocal-test", MemfdFlags::CLOEXEC).unwrap();
    ftruncate(&page, LENGTH as u64).unwrap();
    let call = Call::Hello {
        worker: vec![parfocal_worker_protocol::VERSION],
        operator: vec![parfocal_operator::VERSION],
        plugin: "org.example.bad".into(),
        version: "0.1.0".into(),
    };
    let mut wait = |want| {
        let events = if want == Want::Read { PollFlags::IN } else { PollFlags::OUT };
        let timeout = Timespec::try_from(HANG).unwrap();
        let ready = poll(&mut [PollFd::new(&channel, events)], Some(&timeout)).unwrap();
        assert!(ready > 0, "the worker hangs: {process:?}");
        Ok(())
    };
    channel.send(&Request { id: 1, call }, &[], &[page.as_fd()], &mut wait).unwrap();
    channel
        .receive(&mut wait)
        .and_then(|message| message.read())
        .unwrap_or_else(|error| panic!("{error}: {process:?}"))
}

/// Waits until the worker serves.
pub(crate) fn until_serving(process: &Process) {
    let answer = greet(process);
    assert!(matches!(&answer, FromWorker::Done { answer: Answer::Welcome { .. }, .. }), "{answer:?}");
}
