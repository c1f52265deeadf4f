//! The one trait that every operator answers, whichever lane it runs in.

use parfocal_image::{Extent, FrameFacts, PixelsMut, PixelsRef, Region};
use parfocal_types::error::{Error, Result};

use crate::{
    plan::{InputRegion, InputSpec, Plan},
    services::{Services, Sink},
};

/// A tile that goes in.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// The number of the input port.
    pub port: u32,
    /// The pixels, padded as `required_input` said. Their region tells where they lie in the image.
    pub pixels: PixelsRef<'a>,
    /// Extent of the whole image.
    pub full: Extent,
    /// Facts of this tile's planes that were not known when the plan was made (live frames); usually empty.
    pub frames: &'a [FrameFacts],
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
    /// One for each input port that is connected, in the order of the ports.
    pub inputs: &'a [Input<'a>],
    /// One for each image output port, in order; empty for [`Operator::accumulate`].
    pub outputs: &'a mut [Output<'a>],
}

impl<'a> Tiles<'a> {
    /// The tile of an input port; `None` when the port is not connected.
    #[must_use]
    pub fn input(&self, port: u32) -> Option<&'a Input<'a>> {
        self.inputs.iter().find(|input| input.port == port)
    }
}

/// An instance of an operator.
///
/// Marks such as `OPR-05` are the numbers of the rules, which the conformance suite tests one by one.
///
/// # Order of calls
/// Making an instance only stores its parameters: no work, no services. `plan` comes first, once; then any number of
/// `required_input`, `run` and `accumulate`. A kind-reduce operator gets, for each group of the axes that are not
/// reduced: `accumulate` for every tile (perhaps on several instances), `merge` from left to right in the order of the
/// tiles, `finish` on one instance, and, if it has image outputs, `conclude` on every instance and `run` for the same
/// tiles. A new group needs no forgetting: what an instance knows of a group is in the bytes that it gave and took.
///
/// An operator that planned [`Tiling::InOrder`](crate::Tiling::InOrder) gets sequences: `reset`, then `run` for the
/// positions along that axis from the first to the last, for one place of the other axes, on one instance. Then perhaps
/// another place, again after a `reset`. (OPR-18)
///
/// # Threads
/// An instance is used by one thread at a time, and by several in turn. Different instances work at once, unless the
/// descriptor says [`ThreadSafety::Single`](crate::ThreadSafety::Single). (OPR-23)
///
/// # Lifetimes
/// Everything that a call is handed (specs, tiles, texts, bytes, services) is valid until the call returns, and no
/// longer.
///
/// # What every operator keeps to
/// - What comes out has the size, type, pixel size and channels that `plan` said (OPR-01), and inputs that cannot be
///   processed are refused there, before any work (OPR-02).
/// - Every pixel of an output tile is written. Nothing outside the tiles is read or written (OPR-09), and inputs are not
///   changed (OPR-08).
/// - The result depends on the image alone: not on the cut into tiles (OPR-05), their order or the number of instances
///   (OPR-07), nor on anything beyond the halo that it asked for (OPR-06); nor on time, language or folder (OPR-31).
/// - It asks [`Services::is_cancelled`] every few milliseconds (OPR-21).
///
/// # Errors
/// After an error the instance stays usable for the next `run`; the outputs of the failed call are thrown away. An
/// instance that was in the middle of a sequence starts again with `reset`.
pub trait Operator: Send {
    /// Answers, before anything runs, what comes out for these inputs: the place to open a model and to compute what
    /// depends on the image but not on its pixels.
    ///
    /// `inputs` has one spec for each connected input port, in the order of the ports.
    ///
    /// # Errors
    /// `not-supported` or `invalid-argument` for inputs that cannot be processed: refused here, before any work.
    fn plan(&mut self, inputs: &[InputSpec<'_>], services: &dyn Services) -> Result<Plan>;

    /// Which part of each connected input the part `core` of the work needs, halo included, and what is filled in where it
    /// reaches beyond the image. Asked often: a short computation, the same answer for the same question.
    ///
    /// # Errors
    /// `bad-state` before `plan`.
    fn required_input(&self, core: &Region) -> Result<Vec<InputRegion>>;

    /// Forgets what was seen: a new sequence starts.
    ///
    /// # Errors
    /// Rarely any.
    fn reset(&mut self, services: &dyn Services) -> Result<()> {
        let _ = services;
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
    /// `corrupt` when the bytes are not such results; `cancelled`.
    fn merge(&mut self, left: Vec<u8>, right: &[u8], services: &dyn Services) -> Result<Vec<u8>> {
        let _ = (left, right, services);
        Err(not_this_kind("merge", "reduce"))
    }

    /// Turns the joined result into table rows and record values, and into the conclusion for the second pass.
    ///
    /// # Errors
    /// `corrupt` when the bytes are not such a result; `cancelled`; what the sink says.
    fn finish(&mut self, total: &[u8], sink: &mut dyn Sink, services: &dyn Services) -> Result<Vec<u8>> {
        let _ = (total, sink, services);
        Err(not_this_kind("finish", "reduce"))
    }

    /// Takes the conclusion of the first pass, before `run` is called for the same tiles. A later conclusion takes the place
    /// of an earlier one.
    ///
    /// # Errors
    /// `corrupt` when the bytes are no conclusion.
    fn conclude(&mut self, conclusion: &[u8], services: &dyn Services) -> Result<()> {
        let _ = (conclusion, services);
        Err(not_this_kind("conclude", "reduce"))
    }

    /// The state to continue a sequence later; empty for an operator without memory.
    ///
    /// # Errors
    /// Rarely any.
    fn save(&mut self, services: &dyn Services) -> Result<Vec<u8>> {
        let _ = services;
        Ok(Vec::new())
    }

    /// Takes a state that [`save`](Self::save) gave, perhaps from an earlier version of the plugin. (ABI-15)
    ///
    /// # Errors
    /// `corrupt` for bytes that are no state, `incompatible` for those of a version that it does not know.
    fn load(&mut self, state: &[u8], services: &dyn Services) -> Result<()> {
        let _ = services;
        if state.is_empty() { Ok(()) } else { Err(Error::corrupt("a state for an operator that has none")) }
    }
}

fn not_this_kind(call: &str, kind: &str) -> Error {
    Error::not_supported(format!("`{call}`, because the operator is not of kind {kind}"))
}
