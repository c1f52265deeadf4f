//! Faults of those who leave traces.

use std::{
    process::Command,
    sync::{
        Once,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use parfocal_plugin::{prelude::*, private::operator::Operator as Behaviour};

use crate::fault::{Act, Fault, Planning, Running, Sabotage, with};

/// The faults.
pub const FAULTS: &[Fault] = &[
    Fault {
        name: "slow-end",
        case: "ROB-06",
        also: &[],
        what: "takes eight seconds, once, to end after a call that failed",
        operator: "subtract",
        act: Act::Wrap(with::<SlowEnd>),
    },
    Fault {
        name: "starts-a-program",
        case: "ROB-07",
        also: &["SEC-02"],
        what: "starts another program while it works",
        operator: "subtract",
        act: Act::Wrap(with::<StartsAProgram>),
    },
    Fault {
        name: "keeps-a-descriptor",
        case: "ROB-10",
        also: &[],
        what: "leaves a descriptor open",
        operator: "subtract",
        act: Act::Run(keeps_a_descriptor),
    },
    Fault {
        name: "changes-the-mask",
        case: "ROB-11",
        also: &[],
        what: "changes with which permissions the process makes files",
        operator: "subtract",
        act: Act::Run(changes_the_mask),
    },
    Fault {
        name: "late-write",
        case: "ROB-12",
        also: &["PRF-05"],
        what: "writes to a tile after its call has returned",
        operator: "subtract",
        act: Act::Run(late_write),
    },
    Fault {
        name: "saves-once",
        case: "ROB-13",
        also: &[],
        what: "breaks when its state is saved twice in a row",
        operator: "change",
        act: Act::Wrap(with::<SavesOnce>),
    },
    Fault {
        name: "freed-by-others",
        case: "ROB-15",
        also: &["ABI-09"],
        what: "is wrong when another instance ends while it works",
        operator: "subtract",
        act: Act::Wrap(with::<FreedByOthers>),
    },
];

/// Takes eight seconds to end after a call that failed.
#[derive(Default)]
struct SlowEnd {
    failed: bool,
}

impl Sabotage for SlowEnd {
    fn run(&mut self, call: &mut Running<'_, '_>) -> Result<()> {
        let result = call.proceed();
        self.failed |= result.is_err();
        result
    }
}

impl Drop for SlowEnd {
    fn drop(&mut self) {
        static ONCE: Once = Once::new();
        if self.failed {
            ONCE.call_once(|| thread::sleep(Duration::from_secs(8)));
        }
    }
}

/// Starts another program while it works.
#[derive(Default)]
struct StartsAProgram {
    done: bool,
}

impl Sabotage for StartsAProgram {
    fn run(&mut self, call: &mut Running<'_, '_>) -> Result<()> {
        if !self.done {
            self.done = true;
            let _ = Command::new("/bin/true").status();
        }
        call.proceed()
    }
}

/// Leaves a descriptor open, one in the life of the process.
fn keeps_a_descriptor(call: &mut Running<'_, '_>) -> Result<()> {
    static ONCE: Once = Once::new();
    // SAFETY: copies a descriptor; that nobody closes the copy is the fault.
    ONCE.call_once(|| assert!(unsafe { libc::dup(0) } >= 0));
    call.proceed()
}

fn changes_the_mask(call: &mut Running<'_, '_>) -> Result<()> {
    // SAFETY: always succeeds; that it concerns the whole process is the fault.
    unsafe { libc::umask(0o027) };
    call.proceed()
}

/// Writes to a tile after its call has returned: once in the life of the process, and only over what the suite fills such
/// memory with, so that no other case dies of it by chance.
fn late_write(call: &mut Running<'_, '_>) -> Result<()> {
    static ONCE: Once = Once::new();
    let place = call
        .tiles
        .outputs
        .first_mut()
        .map(|output| output.pixels.bytes_mut())
        .filter(|bytes| bytes.len() >= 16);
    if let Some(place) = place.map(|bytes| bytes.as_mut_ptr() as usize) {
        ONCE.call_once(|| drop(thread::spawn(move || write_late(place))));
    }
    call.proceed()
}

fn write_late(place: usize) {
    for _ in 0..100 {
        thread::sleep(Duration::from_millis(5));
        let mut seen = [0_u8; 16];
        let own = libc::iovec { iov_base: seen.as_mut_ptr().cast(), iov_len: seen.len() };
        let there = libc::iovec { iov_base: place as *mut _, iov_len: seen.len() };
        // SAFETY: the kernel copies, and refuses where there is no memory.
        let read =
            unsafe { libc::process_vm_readv(libc::getpid(), &raw const own, 1, &raw const there, 1, 0) };
        if read == 16 && seen == [0x5C; 16] {
            seen.fill(0x11);
            // SAFETY: as above. That the memory is another's by now is the fault.
            unsafe { libc::process_vm_writev(libc::getpid(), &raw const own, 1, &raw const there, 1, 0) };
        }
    }
}

/// Breaks when its state is saved twice in a row.
#[derive(Default)]
struct SavesOnce {
    saved: bool,
}

impl Sabotage for SavesOnce {
    fn save(&mut self, inner: &mut dyn Behaviour, services: &dyn Services) -> Result<Vec<u8>> {
        if self.saved {
            return Err(Error::internal("the state is gone"));
        }
        self.saved = true;
        inner.save(services)
    }
}

/// Is wrong when another instance ends while it works.
struct FreedByOthers {
    ends: u64,
}

/// How many instances have ended.
static ENDS: AtomicU64 = AtomicU64::new(0);

impl Default for FreedByOthers {
    fn default() -> Self {
        Self { ends: ENDS.load(Ordering::SeqCst) }
    }
}

impl Sabotage for FreedByOthers {
    fn plan(&mut self, call: &mut Planning<'_>) -> Result<Plan> {
        self.ends = ENDS.load(Ordering::SeqCst);
        call.proceed()
    }

    fn run(&mut self, call: &mut Running<'_, '_>) -> Result<()> {
        let freed = ENDS.load(Ordering::SeqCst) != self.ends;
        call.repaint(|_, value| if freed { value + 1.0 } else { value })
    }
}

impl Drop for FreedByOthers {
    fn drop(&mut self) {
        ENDS.fetch_add(1, Ordering::SeqCst);
    }
}
