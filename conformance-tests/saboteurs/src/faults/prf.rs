//! Faults of those who are slow, or take more than they say.

use std::{cell::Cell, hint, sync::Once, thread, time::Duration};

use parfocal_plugin::{prelude::*, private::operator::Operator as Behaviour};

use crate::fault::{Act, Fault, Planning, Running, Sabotage, with};

/// The faults.
pub const FAULTS: &[Fault] = &[
    Fault {
        name: "late-first-frame",
        case: "PRF-02",
        also: &[],
        what: "needs four seconds before its first result",
        operator: "subtract",
        act: Act::Plan(late_first_frame),
    },
    Fault {
        name: "slow-subnormals",
        case: "PRF-04",
        also: &[],
        what: "takes its time over subnormal numbers",
        operator: "subtract",
        act: Act::Run(slow_subnormals),
    },
    Fault {
        name: "own-threads",
        case: "PRF-05",
        also: &[],
        what: "starts a thread for each tile",
        operator: "subtract",
        act: Act::Run(own_threads),
    },
    Fault {
        name: "slow-question",
        case: "PRF-06",
        also: &[],
        what: "takes 30 ms to say what it needs when it is asked the same again and again",
        operator: "subtract",
        act: Act::Wrap(with::<SlowQuestion>),
    },
    Fault {
        name: "large-copy",
        case: "PRF-07",
        also: &[],
        what: "takes 64 bytes for each pixel of a large tile, and declares none",
        operator: "subtract",
        act: Act::Run(large_copy),
    },
];

fn late_first_frame(call: &mut Planning<'_>) -> Result<Plan> {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| thread::sleep(Duration::from_secs(4)));
    call.proceed()
}

fn slow_subnormals(call: &mut Running<'_, '_>) -> Result<()> {
    let image = call.tiles.inputs.iter().find_map(|input| input.pixels.view::<f32>().ok());
    let subnormal = |row: &[f32]| row.iter().filter(|value| value.is_subnormal()).count();
    if image.is_some_and(|image| image.rows().map(subnormal).sum::<usize>() > 1000) {
        thread::sleep(Duration::from_millis(20));
    }
    call.proceed()
}

fn own_threads(call: &mut Running<'_, '_>) -> Result<()> {
    let _ = thread::spawn(|| hint::black_box(0)).join();
    call.proceed()
}

/// Takes 30 ms to say what it needs when it is asked the same again and again.
#[derive(Default)]
struct SlowQuestion {
    asked: Cell<(Region, u32)>,
}

impl Sabotage for SlowQuestion {
    fn required_input(&self, inner: &dyn Behaviour, core: &Region) -> Result<Vec<InputRegion>> {
        let (last, times) = self.asked.get();
        let times = if last == *core { times + 1 } else { 0 };
        self.asked.set((*core, times));
        if times > 20 {
            thread::sleep(Duration::from_millis(30));
        }
        inner.required_input(core)
    }
}

fn large_copy(call: &mut Running<'_, '_>) -> Result<()> {
    let pixels = call.tiles.core.extent.count().unwrap_or(0) as usize;
    // Not for the largest, where filling so much takes longer than a call may be silent.
    if (500_000..2_000_000).contains(&pixels) {
        hint::black_box(vec![1_u8; 64 * pixels]);
    }
    call.proceed()
}
