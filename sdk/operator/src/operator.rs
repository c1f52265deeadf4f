//! The one trait that every operator answers, whichever lane it runs in.

use parfocal_image::{Extent, ImageSpec, PixelsMut, PixelsRef, PlaneConditions, Region};
use parfocal_types::error::{Error, Result};

use crate::{
    plan::Plan,
    services::{Services, Sink},
};

/// A tile that goes in.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// The pixels, padded as the plan says. Their region tells where they lie in the image.
    pub pixels: PixelsRef<'a>,
    /// Extent of the whole image.
    pub full: Extent,
    /// Facts of this tile's planes that were not known when the plan was made (live frames); usually empty.
    pub planes: &'a [PlaneConditions],
}

/// A tile that comes out. The host owns the buffer; every pixel of it must be written.
#[derive(Debug)]
pub struct Output<'a> {
    /// The pixels.
    pub pixels: PixelsMut<'a>,
    /// Extent of the whole image.
    pub full: Extent,
}

/// The work of one call of [`Operator::run`] or [`Operator::accumulate`].
#[derive(Debug)]
pub struct Tiles<'a> {
    /// The part of the work that this call is for; inputs cover it and their halo.
    pub core: Region,
    /// One for each input port that is connected, in order.
    pub inputs: &'a [Input<'a>],
    /// One for each image output port, in order; empty for [`Operator::accumulate`].
    pub outputs: &'a mut [Output<'a>],
}

/// An instance of an operator.
///
/// # Order of calls
/// `plan` first, once; then any number of `required_input`, `run` and `accumulate`. A kind-reduce operator gets, for
/// each group of the axes that are not reduced: `accumulate` for every tile (perhaps on several instances),
/// `merge` from left to right in the order of the tiles, `finish` on one instance, and, if it has image outputs,
/// `conclude` on every instance and `run` for the same tiles. `reset` may come before any group. An instance is used
/// by one thread at a time, and by several in turn unless the descriptor says otherwise.
///
/// # Errors
/// After an error the instance stays usable for the next `run`; the outputs of the failed call are thrown away.
pub trait Operator: Send {
    /// Answers, before anything runs, what comes out for these inputs.
    ///
    /// Shapes: one spec for each connected input port. Does not block.
    ///
    /// # Errors
    /// `not-supported` or `invalid-argument` for inputs that cannot be processed: refused here, before any work.
    fn plan(&mut self, inputs: &[ImageSpec]) -> Result<Plan>;

    /// Which part of each input the output region `core` needs, halo included; it may reach beyond the image.
    ///
    /// # Errors
    /// `bad-state` before `plan`.
    fn required_input(&self, core: &Region) -> Result<Vec<Region>>;

    /// Forgets what was seen: a new sequence starts.
    ///
    /// # Errors
    /// Rarely any.
    fn reset(&mut self) -> Result<()> {
        Ok(())
    }

    /// Computes the output tiles from the input tiles.
    ///
    /// # Errors
    /// `cancelled` when the host asked to stop; else what went wrong.
    fn run(&mut self, tiles: &mut Tiles<'_>, services: &dyn Services) -> Result<()>;

    /// Computes the partial result of one tile. Its bytes are the plugin's own; they may travel to another instance on
    /// the same machine.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    fn accumulate(&mut self, tiles: &Tiles<'_>, services: &dyn Services) -> Result<Vec<u8>> {
        let _ = (tiles, services);
        Err(not_this_kind("accumulate", "reduce"))
    }

    /// Joins two partial results; `left` is of earlier tiles than `right`. The result must not depend on how the image was
    /// cut.
    ///
    /// # Errors
    /// `corrupt` when the bytes are not such results.
    fn merge(&mut self, left: Vec<u8>, right: &[u8]) -> Result<Vec<u8>> {
        let _ = (left, right);
        Err(not_this_kind("merge", "reduce"))
    }

    /// Turns the joined result into table rows and record values, and into the conclusion for the second pass.
    ///
    /// # Errors
    /// `corrupt` when the bytes are not such a result; what the sink says.
    fn finish(&mut self, total: &[u8], sink: &mut dyn Sink, services: &dyn Services) -> Result<Vec<u8>> {
        let _ = (total, sink, services);
        Err(not_this_kind("finish", "reduce"))
    }

    /// Takes the conclusion of the first pass, before `run` is called for the same tiles.
    ///
    /// # Errors
    /// `corrupt` when the bytes are no conclusion.
    fn conclude(&mut self, conclusion: &[u8]) -> Result<()> {
        let _ = conclusion;
        Err(not_this_kind("conclude", "reduce"))
    }

    /// The state to continue a sequence later; empty for an operator without memory.
    ///
    /// # Errors
    /// Rarely any.
    fn save(&mut self) -> Result<Vec<u8>> {
        Ok(Vec::new())
    }

    /// Takes a state that [`save`](Self::save) gave, perhaps from an earlier version of the plugin.
    ///
    /// # Errors
    /// `corrupt` for bytes that are no state, `incompatible` for those of a version that it does not know.
    fn load(&mut self, state: &[u8]) -> Result<()> {
        if state.is_empty() { Ok(()) } else { Err(Error::corrupt("a state for an operator that has none")) }
    }
}

fn not_this_kind(call: &str, kind: &str) -> Error {
    Error::not_supported(format!("`{call}`, because the operator is not of kind {kind}"))
}
