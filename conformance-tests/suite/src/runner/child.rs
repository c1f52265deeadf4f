//! One child: started, watched, ended, and verified to be gone.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    os::{
        fd::{AsFd, OwnedFd},
        unix::{net::UnixStream, process::ExitStatusExt},
    },
    path::Path,
    process::{self, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use parfocal_types::{Error, Result};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open},
};

use super::{
    left::{self, Traces},
    mark::Mark,
    plan::Job,
};
use crate::{
    finding::Finding,
    guard,
    options::Options,
    subject::Subject,
    task::{Answer, Task},
};

/// How long a child may take to end after its answer, on the reference machine.
const LAST_BREATH: Duration = Duration::from_secs(2);

/// Longest log that is kept, in bytes: the end of it.
const KEPT_LOG: usize = 4096;

/// What became of a case that ran.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// The finding: of the case, or about the child's end.
    pub finding: Finding,
    /// How long it took, from the start of the child to its end.
    pub took: Duration,
    /// The last lines that it wrote to its standard output and error.
    pub log: Vec<String>,
}

impl Verdict {
    pub(crate) fn without_child(finding: Finding) -> Self {
        Self { finding, took: Duration::ZERO, log: Vec::new() }
    }
}

/// Runs a case in a child.
///
/// # Errors
/// `internal` when the system does not let the suite do its work: no folder, no socket, no process.
pub(crate) fn run_child(
    subject: &Subject,
    job: &Job,
    options: &Options,
    factor: f64,
    folder: &Path,
) -> Result<Verdict> {
    let work = folder.join("work");
    fs::create_dir_all(&work).map_err(broken("the child's folder cannot be made"))?;
    let absolute = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let task = Task {
        case: job.case.id.to_owned(),
        folder: absolute(subject.folder()),
        operator: job.operator.clone(),
        transport: job.transport,
        code: job
            .code
            .iter()
            .map(|code| crate::task::Code { path: absolute(&code.path), ..code.clone() })
            .collect(),
        seed: options.seed,
        profile: options.profile,
        factor,
        scratch: absolute(&work),
        program: (
            absolute(&options.program.path),
            options.program.arguments.iter().map(|word| word.to_string_lossy().into_owned()).collect(),
        ),
        errand: None,
    };
    let budget = job.case.budget * options.profile.pick(1, 10);
    let child = Child { options, task: &task, folder, work: &task.scratch };
    let budget = options.time_limit.unwrap_or_else(|| budget.mul_f64(factor));
    let verdict = child.run(budget, LAST_BREATH.mul_f64(factor));
    let _ = fs::remove_dir_all(folder);
    verdict
}

fn broken(what: &'static str) -> impl FnOnce(io::Error) -> Error {
    move |error| Error::internal(format!("{what}: {error}")).with_source(error)
}

struct Child<'a> {
    options: &'a Options,
    task: &'a Task,
    folder: &'a Path,
    work: &'a Path,
}

/// How a child ended.
#[derive(Debug)]
struct End {
    status: Option<ExitStatus>,
    answers: Vec<u8>,
    overdue: bool,
}

/// A process that is ended with all that it started, whatever becomes of whoever watches it.
struct Running<'a> {
    process: process::Child,
    traces: Traces<'a>,
    ended: bool,
}

impl<'a> Running<'a> {
    fn new(process: process::Child, folder: &'a Path) -> Self {
        let traces = Traces { leader: Pid::from_child(&process), folder, mark: None };
        Self { process, traces, ended: false }
    }

    /// Marks the process, before it has its task: nothing of a plugin runs until then. Where the system does not let us, what
    /// is left behind is known by its group, session and folder only.
    fn mark(&mut self) {
        self.traces.mark = Mark::put(self.traces.leader).ok();
    }

    /// Kills it, buries it, and ends what is left.
    fn end(&mut self) -> (io::Result<ExitStatus>, left::Left) {
        self.ended = true;
        // Its own group once it has read its task; before that it is alone.
        let _ = kill_process_group(self.traces.leader, Signal::KILL);
        let _ = self.process.kill();
        (self.process.wait(), left::end(self.traces))
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if !self.ended {
            let _ = self.end();
        }
    }
}

impl Child<'_> {
    fn run(&self, budget: Duration, last_breath: Duration) -> Result<Verdict> {
        let start = Instant::now();
        let log = self.folder.join("log");
        let output = File::create(&log).map_err(broken("the child's log cannot be made"))?;
        let errors = output.try_clone().map_err(broken("the child's log cannot be made"))?;
        let (mut own, theirs) = UnixStream::pair().map_err(broken("no socket for the child"))?;
        let program = &self.options.program;
        let process = Command::new(&program.path)
            .args(&program.arguments)
            .env_clear()
            .current_dir(self.work)
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(output)
            .stderr(errors)
            .spawn()
            .map_err(|error| {
                Error::internal(format!("{} cannot be started: {error}", program.path.display()))
                    .with_source(error)
            })?;
        let mut running = Running::new(process, self.work);
        running.mark();
        let line = serde_json::to_string(self.task).map_err(|error| Error::internal(error.to_string()))?;
        // A child that is gone already has ended without a result: that is found below.
        let _ = own.write_all(format!("{line}\n").as_bytes());
        let watched = self.watch(&own, running.traces.leader, start, budget, last_breath)?;
        // A child that ended by itself is a zombie until it is waited for: whoever lives now was left behind.
        let orphans = if watched.overdue { left::Left::default() } else { left::end(running.traces) };
        let (status, rest) = running.end();
        let status = status.map_err(broken("the child's end cannot be read"))?;
        let left = left::Left { found: orphans.found, alive: rest.alive };
        let end = End { status: Some(status), ..watched };
        let took = start.elapsed();
        let finding = self.finding(&end, budget, left);
        Ok(Verdict { finding, took, log: tail(&log) })
    }

    /// Reads answers until the child ends or its time is over.
    fn watch(
        &self,
        own: &UnixStream,
        pid: Pid,
        start: Instant,
        budget: Duration,
        last_breath: Duration,
    ) -> Result<End> {
        own.set_nonblocking(true).map_err(broken("the child's socket"))?;
        let process = pidfd_open(pid, PidfdFlags::empty())
            .map_err(|error| broken("the child cannot be watched")(error.into()))?;
        let mut end = End { status: None, answers: Vec::new(), overdue: false };
        let mut deadline = start + budget;
        let mut seen = Duration::ZERO;
        let mut talking = true;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                // Others may have had the processor: what still works gets its own time of it, within reason.
                let worked = processor_time(pid);
                let starved = !found_line(&end.answers)
                    && worked < budget
                    && worked.saturating_sub(seen) > budget / 50
                    && start.elapsed() < budget * 8;
                seen = worked;
                if starved {
                    deadline = Instant::now() + budget / 2;
                    continue;
                }
                end.overdue = true;
                return Ok(end);
            }
            let timeout = Timespec { tv_sec: left.as_secs() as _, tv_nsec: left.subsec_nanos().into() };
            let mut events = vec![PollFd::from_borrowed_fd(process.as_fd(), PollFlags::IN)];
            if talking {
                events.push(PollFd::from_borrowed_fd(own.as_fd(), PollFlags::IN));
            }
            match poll(&mut events, Some(&timeout)) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(broken("the child cannot be watched")(error.into())),
            }
            let ended = events.first().is_some_and(|event| !event.revents().is_empty());
            let before = found_line(&end.answers);
            talking &= read_all(own, &mut end.answers);
            if ended {
                return Ok(end);
            }
            if !before && found_line(&end.answers) {
                deadline = Instant::now() + last_breath;
            }
        }
    }

    fn finding(&self, end: &End, budget: Duration, left: left::Left) -> Finding {
        if left.alive > 0 {
            return Finding::suite_error(format!("{} processes of the child could not be ended", left.alive));
        }
        let answers: Vec<_> = String::from_utf8_lossy(&end.answers)
            .lines()
            .filter_map(|line| Answer::read(line).ok())
            .collect();
        let found = answers.iter().find_map(|answer| match answer {
            Answer::Found(finding) => Some(finding.clone()),
            Answer::Fault { .. } => None,
        });
        let fault = answers.iter().find_map(|answer| match answer {
            Answer::Fault { signal, address, guard } => Some((*signal, address.clone(), *guard)),
            Answer::Found(_) => None,
        });
        let seconds = budget.as_secs_f64();
        if end.overdue && found.is_none() {
            return Finding::new(crate::Status::Timeout, "it was not done in its time, and was killed")
                .noting(format!("the time was {seconds:.1} s"));
        }
        if end.overdue {
            return Finding::new(
                crate::Status::Timeout,
                "the process did not end after the case was done, and was killed",
            );
        }
        let signal = end.status.and_then(|status| status.signal());
        if let Some((_, address, guard)) = &fault
            && let Some(name) = guard::name(*guard)
        {
            return Finding::fail(name).noting(format!("at address 0x{address}"));
        }
        if let Some(signal) = signal {
            let crash = Finding::new(
                crate::Status::Crash,
                format!("the process died of signal {signal} ({})", signal_name(signal)),
            );
            return match &fault {
                Some((_, address, _)) => crash.noting(format!("at address 0x{address}")),
                None => crash,
            };
        }
        let code = end.status.and_then(|status| status.code()).unwrap_or(-1);
        match found {
            None => Finding::new(
                crate::Status::Crash,
                format!("the process ended with exit code {code} and without a result"),
            ),
            Some(_) if code != 0 => Finding::new(
                crate::Status::Crash,
                format!("the process ended with exit code {code} after the case was done"),
            ),
            Some(finding) if left.found > 0 => {
                let sentence = format!("it left {} process(es) behind, which were killed", left.found);
                Finding::fail(sentence).with("otherwise", finding.sentence)
            }
            Some(finding) => finding,
        }
    }
}

/// What a process has had of the processors so far; zero when the system does not say.
fn processor_time(pid: Pid) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).unwrap_or_default();
    let fields = stat.rsplit_once(") ").map_or("", |(_, rest)| rest).split(' ');
    // The 14th and 15th field of all, counted from the state, which is the third.
    let ticks: u64 = fields.skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks.saturating_mul(1000) / rustix::param::clock_ticks_per_second().max(1))
}

/// Whether a whole line with the result has come.
fn found_line(answers: &[u8]) -> bool {
    answers.ends_with(b"\n")
        && answers.split(|byte| *byte == b'\n').any(|line| line.starts_with(b"{\"found\""))
}

/// Reads what has come; whether there may be more.
fn read_all(mut socket: &UnixStream, answers: &mut Vec<u8>) -> bool {
    let mut buffer = [0; 4096];
    // A child that never stops talking is cut off.
    while answers.len() < 4 << 20 {
        match socket.read(&mut buffer) {
            Ok(0) => return false,
            Ok(count) => answers.extend_from_slice(&buffer[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return error.kind() == io::ErrorKind::WouldBlock,
        }
    }
    false
}

/// The last lines of a log, without control characters.
fn tail(path: &Path) -> Vec<String> {
    let bytes = fs::read(path).unwrap_or_default();
    let start = bytes.len().saturating_sub(KEPT_LOG);
    let text = String::from_utf8_lossy(bytes.get(start..).unwrap_or_default());
    let plain =
        |line: &str| line.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect::<String>();
    let lines: Vec<_> = text.lines().map(plain).collect();
    lines[lines.len().saturating_sub(20)..].to_vec()
}

fn signal_name(signal: i32) -> &'static str {
    match signal {
        libc::SIGSEGV => "a fault of memory",
        libc::SIGBUS => "a fault of mapped memory",
        libc::SIGABRT => "it aborted itself",
        libc::SIGILL => "an illegal instruction",
        libc::SIGFPE => "a division by zero",
        libc::SIGKILL => "killed by the system: out of memory",
        libc::SIGXFSZ => "a file larger than allowed",
        libc::SIGXCPU => "more processor time than allowed",
        libc::SIGPIPE => "a broken pipe",
        libc::SIGTRAP => "a trap",
        _ => "see signal(7)",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use super::*;

    #[test]
    fn a_child_that_nobody_watches_any_more_is_ended_and_buried() {
        let folder = tempfile::tempdir().unwrap();
        let process = Command::new("/bin/sleep").arg("31557600").spawn().unwrap();
        let place = format!("/proc/{}", process.id());
        let mut running = Running::new(process, folder.path());
        running.mark();
        assert!(running.traces.mark.is_some());
        assert!(Path::new(&place).exists());
        drop(running);
        assert!(!Path::new(&place).exists(), "not even a zombie is left");
    }
}
