//! What a worker writes to its standard output and error.

use std::{
    collections::VecDeque,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

use parfocal_core::services::neutral;
use rustix::io::{Errno, read};

/// Lines kept.
const KEPT: usize = 20;
/// Longest line kept, in bytes; a longer one is cut to several.
const LONGEST: usize = 1024;
/// Most that is read at once, in bytes: a worker that writes without end does not keep the host.
const MOST_AT_ONCE: usize = 1 << 20;

/// The last lines that came through a pipe.
#[derive(Debug)]
pub(super) struct Words {
    pipe: Option<OwnedFd>,
    lines: VecDeque<String>,
    begun: Vec<u8>,
}

impl Words {
    /// Listens to a pipe that does not block.
    pub(super) fn new(pipe: OwnedFd) -> Self {
        Self { pipe: Some(pipe), lines: VecDeque::new(), begun: Vec::new() }
    }

    /// The pipe, until it ended.
    pub(super) fn pipe(&self) -> Option<BorrowedFd<'_>> {
        self.pipe.as_ref().map(AsFd::as_fd)
    }

    /// Reads what is there.
    pub(super) fn drain(&mut self) {
        let mut buffer = [0; 4096];
        let mut taken = 0;
        while let Some(pipe) = self.pipe.as_ref().filter(|_| taken < MOST_AT_ONCE) {
            match read(pipe, &mut buffer) {
                Ok(0) => self.pipe = None,
                Ok(count) => {
                    taken += count;
                    self.take(buffer.get(..count).unwrap_or_default());
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return,
                Err(_) => self.pipe = None,
            }
        }
    }

    fn take(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            if byte == b'\n' || self.begun.len() == LONGEST {
                let line = std::mem::take(&mut self.begun);
                self.keep(&line);
            }
            if byte != b'\n' {
                self.begun.push(byte);
            }
        }
    }

    fn keep(&mut self, line: &[u8]) {
        if self.lines.len() == KEPT {
            self.lines.pop_front();
        }
        self.lines.push_back(neutral(&String::from_utf8_lossy(line)));
    }

    /// The last lines, oldest first, without control characters; the last one may be unfinished.
    pub(super) fn last(&self) -> Vec<String> {
        let begun = (!self.begun.is_empty()).then(|| neutral(&String::from_utf8_lossy(&self.begun)));
        let skipped = (self.lines.len() + usize::from(begun.is_some())).saturating_sub(KEPT);
        self.lines.iter().cloned().chain(begun).skip(skipped).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::{fs::File, io::Write};

    use rustix::pipe::{PipeFlags, pipe_with};

    use super::*;

    #[test]
    fn the_last_lines_are_kept_and_cannot_drive_the_terminal() {
        let (read, write) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK).unwrap();
        let (mut words, mut write) = (Words::new(read), File::from(write));
        for number in 0..30 {
            writeln!(write, "line {number}").unwrap();
        }
        write!(write, "\u{1b}[31munfinished").unwrap();
        words.drain();
        let last = words.last();
        assert_eq!(last.len(), KEPT);
        assert_eq!(last.first().unwrap(), "line 11");
        assert_eq!(last.last().unwrap(), "\u{241b}[31munfinished");
        assert!(words.pipe().is_some());

        drop(write);
        words.drain();
        assert!(words.pipe().is_none());
        assert_eq!(words.last(), last);
    }

    #[test]
    fn a_line_without_end_is_bounded() {
        let (read, write) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK).unwrap();
        let (mut words, mut write) = (Words::new(read), File::from(write));
        for _ in 0..100 {
            write.write_all(&[b'x'; 4096]).unwrap();
            words.drain();
        }
        assert!(words.last().iter().all(|line| line.len() <= LONGEST));
        assert!(words.begun.len() <= LONGEST);
    }
}
