//! Programs in other languages.

use parfocal_worker::process::{Code, How};

use crate::fixture::{ALL, NO_NAMESPACES, python, shell, start, token, until_ended};

const PROBES: &str = r#"
import ctypes, math, os, signal, socket, sys, threading

def refused(what, attempt, *arguments):
    try:
        result = attempt(*arguments)
    except OSError:
        return
    print("allowed:", what, result)

host = int(sys.argv[1].split("-")[2])
control = socket.socket(fileno=int(os.environ["PARFOCAL_WORKER"]))
refused("a file", open, "/etc/passwd")
refused("a new file", open, "/tmp/parfocal-probe", "w")
refused("memory of the host", open, f"/proc/{host}/mem", "rb")
refused("a folder", os.listdir, "/etc")
refused("TCP", socket.socket, socket.AF_INET, socket.SOCK_STREAM)
refused("UDP", socket.socket, socket.AF_INET, socket.SOCK_DGRAM)
refused("a unix socket", socket.socket, socket.AF_UNIX, socket.SOCK_STREAM)
refused("fork", os.fork)
refused("a process", os.posix_spawn, "/bin/true", ["true"], {})
refused("another program", os.execv, "/bin/true", ["true"])
refused("a signal", os.kill, host, 0)
thread = threading.Thread(target=lambda: print("a thread runs"))
thread.start()
thread.join()
control.sendall(b"\x01")
print("done")
"#;

#[test]
fn a_program_speaks_for_itself_and_cannot_get_out() {
    for policy in [ALL, NO_NAMESPACES] {
        let mut process = python(&token(), PROBES, policy);
        assert_eq!(until_ended(&mut process).how, How::Exit(0), "{:?}", process.last_words());
        assert_eq!(process.last_words(), ["a thread runs", "done"]);
        let mut byte = [0];
        std::io::Read::read_exact(&mut process.socket(), &mut byte).unwrap();
        let fences = process.fences().unwrap();
        assert!(fences.is_full());
        let text = fences.to_string();
        assert!(text.starts_with("sandboxed: no files but the system's libraries, /"), "{text}");
        assert!(text.contains("no new processes, may replace itself only by `python"), "{text}");
    }
}

#[test]
fn a_program_that_is_not_there_or_not_allowed_is_named() {
    let missing = Code::Program { interpreter: "/nowhere/python".into(), args: Vec::new(), descriptor: None };
    let mut process = start(missing, ALL);
    assert_eq!(until_ended(&mut process).how, How::Exit(126));
    let words = process.last_words();
    assert_eq!(words, ["/nowhere/python cannot be executed: No such file or directory (os error 2)"]);

    let mut process = shell(&token(), "exec /bin/true", ALL);
    assert_eq!(until_ended(&mut process).how, How::Exit(126));
    assert!(process.last_words().concat().contains("Permission denied"), "{:?}", process.last_words());
}
