//! An operator whose process dies, hangs or leaves something behind, at a moment of the caller's choice.

use std::{hint::black_box, process, thread, time::Duration};

use parfocal_plugin::prelude::*;

choice! {
    /// What it does.
    pub enum Fault {
        /// Its work.
        None = "none",
        /// Writes to address 16.
        Segfault = "segfault",
        /// Calls `abort`.
        Abort = "abort",
        /// Calls `exit(0)`.
        Exit = "exit",
        /// Never returns, and asks nothing.
        Loop = "loop",
        /// Takes memory until there is none.
        Allocate = "allocate",
        /// Calls itself until the stack ends.
        Overflow = "overflow",
        /// Panics.
        Panic = "panic",
        /// Closes every descriptor that is not its own.
        Close = "close",
        /// Starts a child that sleeps for an hour, and dies.
        Child = "child",
        /// The same, and the child leaves the process group and the session.
        Daemon = "daemon",
        /// Does its work; a thread writes into the output long after the call has returned.
        LateWrite = "late-write",
        /// Writes lines to the log without end.
        Chatter = "chatter",
    }
}

/// Copies an image, or fails in the way that it is told to.
#[derive(Debug, Operator)]
#[operator(id = "culprit", kind = map, preserves = all, deterministic)]
pub struct Culprit {
    /// What it does.
    #[parameter(setting, default = "none")]
    fault: Fault,
    /// The share of the tile that is copied before.
    #[parameter(setting, default = 0.5, min = 0.0, max = 1.0)]
    moment: f64,
}

impl MapOperator for Culprit {
    fn run<T: Pixel>(
        &mut self,
        input: &View<'_, T>,
        output: &mut ViewMut<'_, T>,
        cx: &Context<'_>,
    ) -> Result<()> {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 1")]
        let moment = (self.moment * input.height() as f64) as usize;
        for (number, (from, to)) in input.rows().zip(output.rows_mut()).enumerate() {
            if number == moment {
                misbehave(self.fault, to, cx);
            }
            to.copy_from_slice(from);
        }
        Ok(())
    }
}

fn misbehave<T: Pixel>(fault: Fault, row: &mut [T], cx: &Context<'_>) {
    match fault {
        Fault::None => {}
        // SAFETY: none: this is the fault.
        Fault::Segfault => unsafe { black_box(16 as *mut u32).write_volatile(1) },
        Fault::Abort => process::abort(),
        Fault::Exit => process::exit(0),
        Fault::Loop => loop {
            black_box(());
        },
        Fault::Allocate => allocate(),
        Fault::Overflow => {
            black_box(dig(1));
        }
        #[allow(clippy::panic, reason = "this is the fault")]
        Fault::Panic => panic!("on purpose"),
        Fault::Close => {
            for descriptor in 0..1024 {
                // SAFETY: none: this is the fault.
                unsafe { libc::close(descriptor) };
            }
        }
        Fault::Child => leave_child(false),
        Fault::Daemon => leave_child(true),
        Fault::LateWrite => write_late(row),
        // With pauses that are too short to be noticed, and long enough for the log never to be full.
        Fault::Chatter => loop {
            cx.info("still here");
            thread::sleep(Duration::from_micros(100));
        },
    }
}

fn allocate() {
    let mut hoard = Vec::new();
    loop {
        hoard.push(vec![1_u8; 1 << 20]);
        black_box(&mut hoard);
    }
}

#[allow(unconditional_recursion, reason = "this is the fault")]
fn dig(depth: u64) -> u64 {
    let hole = black_box([depth; 64]);
    dig(depth + 1) + hole[63]
}

fn leave_child(daemon: bool) {
    // SAFETY: the child calls functions only that are allowed after a fork. That it is left behind is the fault.
    unsafe {
        if libc::fork() == 0 {
            if daemon {
                libc::setsid();
                if libc::fork() != 0 {
                    libc::_exit(0);
                }
            }
            libc::sleep(3600);
            libc::_exit(0);
        }
    }
    process::abort();
}

fn write_late<T: Pixel>(row: &mut [T]) {
    let (place, length) = (row.as_mut_ptr() as usize, row.len());
    thread::spawn(move || {
        loop {
            thread::sleep(Duration::from_millis(2));
            for index in 0..length {
                // SAFETY: none: writing after the call has returned is the fault.
                unsafe { (place as *mut T).add(index).write_volatile(T::from_f64(1.0)) };
            }
        }
    });
}
