//! How many threads a process has.

use std::{
    fs::{self, File},
    io,
    os::fd::OwnedFd,
};

/// Counts the threads of this process.
#[derive(Debug)]
pub struct Threads {
    /// `/proc/self/task`: the number of its links follows that of the threads.
    tasks: OwnedFd,
    others: u64,
}

impl Threads {
    /// A counter; to be made before files are out of reach.
    ///
    /// # Errors
    /// What the system says where `/proc` is not as it should be.
    pub fn count() -> io::Result<Self> {
        let tasks = OwnedFd::from(File::open("/proc/self/task")?);
        let now = fs::read_dir("/proc/self/task")?.count() as u64;
        let others = Self::links(&tasks)?.checked_sub(now).ok_or(io::ErrorKind::InvalidData)?;
        Ok(Self { tasks, others })
    }

    fn links(tasks: &OwnedFd) -> io::Result<u64> {
        Ok(rustix::fs::fstat(tasks)?.st_nlink)
    }

    /// Whether the thread that asks is the only one.
    #[must_use]
    pub fn is_alone(&self) -> bool {
        Self::links(&self.tasks).is_ok_and(|links| links == self.others + 1)
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc, thread};

    use super::*;

    #[test]
    fn a_thread_is_counted_while_it_lives() {
        let threads = Threads::count().unwrap();
        // Tests run in threads: this one is never alone.
        assert!(!threads.is_alone());
        let before = Threads::links(&threads.tasks).unwrap();
        let (end, wait) = mpsc::channel::<()>();
        let other = thread::spawn(move || wait.recv());
        assert!(Threads::links(&threads.tasks).unwrap() > before);
        drop(end);
        let _ = other.join();
    }
}
