//! Faults of tiles and halos.

use std::collections::BTreeSet;

use parfocal_plugin::{prelude::*, private::operator::Operator as Behaviour};

use crate::fault::{Act, Fault, Running, Sabotage, with};

/// The faults.
pub(super) const FAULTS: &[Fault] = &[
    Fault {
        name: "tile-corner",
        case: "OPR-05",
        also: &["OPR-12", "OPR-18"],
        what: "adds one to the first pixel of each tile",
        operator: "smooth",
        act: Act::Run(tile_corner),
    },
    Fault {
        name: "halo-in-vain",
        case: "OPR-06",
        also: &[],
        what: "asks for a halo that it does not use",
        operator: "smooth",
        act: Act::Wrap(with::<HaloInVain>),
    },
    Fault {
        name: "raster-order",
        case: "OPR-07",
        also: &[],
        what: "is wrong for a tile that lies before the one that the instance worked on last",
        operator: "subtract",
        act: Act::Wrap(with::<RasterOrder>),
    },
    Fault {
        name: "one-sided-merge",
        case: "OPR-07",
        also: &["OPR-05"],
        what: "forgets the pixels of the right side when it joins results that were joined before",
        operator: "stretch",
        act: Act::Wrap(with::<OneSidedMerge>),
    },
];

fn tile_corner(call: &mut Running<'_, '_>) -> Result<()> {
    let corner = call.tiles.core.origin;
    call.repaint(|place, value| if place == corner { value + 1.0 } else { value })
}

/// Asks for a halo that it does not use: the operator gets the part of it that it asked for itself.
#[derive(Default)]
struct HaloInVain;

impl Sabotage for HaloInVain {
    fn required_input(&self, inner: &dyn Behaviour, core: &Region) -> Result<Vec<InputRegion>> {
        let mut regions = inner.required_input(core)?;
        for InputRegion { region, .. } in &mut regions {
            let halo = core.origin[4] - region.origin[4];
            *region = region.grown(Axis::X, (3 - halo).unsigned_abs(), 0);
        }
        Ok(regions)
    }

    fn run(&mut self, call: &mut Running<'_, '_>) -> Result<()> {
        let wanted = call.inner.required_input(&call.tiles.core)?;
        let mut inputs = call.tiles.inputs.to_vec();
        for (input, wanted) in inputs.iter_mut().zip(wanted) {
            input.pixels = input.pixels.part(&wanted.region)?;
        }
        let (core, mut outputs) = (call.tiles.core, Vec::new());
        for Output { pixels, full } in &mut *call.tiles.outputs {
            outputs.push(Output { pixels: pixels.reborrow(), full: *full });
        }
        call.inner.run(&mut Tiles { core, inputs: &inputs, outputs: &mut outputs }, call.services)
    }
}

/// Is wrong for a tile that lies before the one that the instance worked on last.
#[derive(Default)]
struct RasterOrder {
    last: Option<[i64; 5]>,
}

impl Sabotage for RasterOrder {
    fn run(&mut self, call: &mut Running<'_, '_>) -> Result<()> {
        let back =
            self.last.replace(call.tiles.core.origin).is_some_and(|last| last > call.tiles.core.origin);
        call.repaint(|_, value| if back { value + 1.0 } else { value })
    }
}

/// Forgets the pixels of the right side when it joins results that were joined before.
#[derive(Default)]
struct OneSidedMerge {
    joined: BTreeSet<Vec<u8>>,
}

impl Sabotage for OneSidedMerge {
    fn merge(
        &mut self,
        inner: &mut dyn Behaviour,
        left: Vec<u8>,
        right: &[u8],
        services: &dyn Services,
    ) -> Result<Vec<u8>> {
        if self.joined.contains(right) {
            return Ok(left);
        }
        let both = inner.merge(left, right, services)?;
        self.joined.insert(both.clone());
        Ok(both)
    }
}
