//! How a worker ended.

use std::{fmt, os::unix::process::ExitStatusExt, process::ExitStatus};

/// How a worker ended, and whether everything that it started is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// How the worker itself ended.
    pub how: How,
    /// Whether the system confirmed that no process of the worker is left. What it could write to may be used again only
    /// then.
    pub gone: bool,
}

/// How a process ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum How {
    /// By itself, with this code.
    Exit(i32),
    /// By this signal.
    Signal(i32),
    /// Nobody knows, for this reason.
    Unknown(String),
}

impl How {
    /// From what `waitpid` says.
    pub(super) fn of(status: i32) -> Self {
        let status = ExitStatus::from_raw(status);
        match (status.code(), status.signal()) {
            (Some(code), _) => Self::Exit(code),
            (_, Some(signal)) => Self::Signal(signal),
            _ => Self::Unknown(status.to_string()),
        }
    }
}

impl fmt::Display for Ending {
    /// For example `signal 11 (SIGSEGV)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.how)?;
        if self.gone { Ok(()) } else { f.write_str(", and something that it started may still run") }
    }
}

impl fmt::Display for How {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // A worker that did its work does not exit.
            Self::Exit(0) => f.write_str("exit code 0 without an answer"),
            Self::Exit(code) => write!(f, "exit code {code}"),
            Self::Signal(number) => match name(*number) {
                Some(name) => write!(f, "signal {number} ({name})"),
                None => write!(f, "signal {number}"),
            },
            Self::Unknown(why) => f.write_str(why),
        }
    }
}

/// The names of the signals that end processes.
fn name(signal: i32) -> Option<&'static str> {
    Some(match signal {
        libc::SIGHUP => "SIGHUP",
        libc::SIGINT => "SIGINT",
        libc::SIGQUIT => "SIGQUIT",
        libc::SIGILL => "SIGILL",
        libc::SIGTRAP => "SIGTRAP",
        libc::SIGABRT => "SIGABRT",
        libc::SIGBUS => "SIGBUS",
        libc::SIGFPE => "SIGFPE",
        libc::SIGKILL => "SIGKILL",
        libc::SIGSEGV => "SIGSEGV",
        libc::SIGPIPE => "SIGPIPE",
        libc::SIGALRM => "SIGALRM",
        libc::SIGTERM => "SIGTERM",
        libc::SIGXCPU => "SIGXCPU",
        libc::SIGXFSZ => "SIGXFSZ",
        libc::SIGSYS => "SIGSYS",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ending_is_told_in_the_words_of_the_system() {
        let told = |status, gone| Ending { how: How::of(status), gone }.to_string();
        assert_eq!(told(11, true), "signal 11 (SIGSEGV)");
        assert_eq!(told(3 << 8, true), "exit code 3");
        assert_eq!(told(0, true), "exit code 0 without an answer");
        assert_eq!(told(9, false), "signal 9 (SIGKILL), and something that it started may still run");
        assert_eq!(told(50, true), "signal 50");
    }
}
