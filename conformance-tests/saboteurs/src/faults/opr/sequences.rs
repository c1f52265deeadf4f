//! Faults of sequences.

use parfocal_plugin::{prelude::*, private::operator::Operator as Behaviour};

use crate::fault::{Act, Fault, Running, Sabotage, with};

/// The faults.
pub(super) const FAULTS: &[Fault] = &[
    Fault {
        name: "long-memory",
        case: "OPR-18",
        also: &["OPR-04", "OPR-05", "OPR-07", "OPR-12", "OPR-23"],
        what: "forgets nothing when a new sequence starts",
        operator: "change",
        act: Act::Wrap(with::<LongMemory>),
    },
    Fault {
        name: "long-window",
        case: "OPR-18",
        also: &[],
        what: "remembers the first frame of a sequence, and declares that it sees one frame back",
        operator: "change",
        act: Act::Wrap(with::<LongWindow>),
    },
];

/// Forgets nothing when a new sequence starts.
#[derive(Default)]
struct LongMemory;

impl Sabotage for LongMemory {
    fn reset(&mut self, _: &mut dyn Behaviour, _: &dyn Services) -> Result<()> {
        Ok(())
    }

    fn run(&mut self, call: &mut Running<'_, '_>) -> Result<()> {
        // What is remembered of a place of another size would be noticed as an error.
        call.proceed().or_else(|_| {
            call.inner.reset(call.services)?;
            call.proceed()
        })
    }
}

/// Remembers the first frame of a sequence, and declares that it sees one frame back.
#[derive(Default)]
struct LongWindow {
    /// What came out for the first frame of bright pixels is kept, pixel by pixel.
    first: Vec<bool>,
}

impl Sabotage for LongWindow {
    fn reset(&mut self, inner: &mut dyn Behaviour, services: &dyn Services) -> Result<()> {
        self.first.clear();
        inner.reset(services)
    }

    fn run(&mut self, call: &mut Running<'_, '_>) -> Result<()> {
        let mut bright = Vec::new();
        with_pixel_type!(call.tiles.inputs[0].pixels.dtype(), T => {
            let pixels = call.tiles.inputs[0].pixels.view::<T>()?;
            bright.extend(pixels.rows().flatten().map(|pixel| pixel.to_f64() > 100.0));
        });
        if self.first.is_empty() {
            self.first = bright;
        }
        let mut remembered = self.first.iter();
        call.repaint(|_, value| if remembered.next() == Some(&true) { value + 1.0 } else { value })
    }
}
