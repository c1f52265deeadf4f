//! The host's operator trait, answered by an instance of a library that is made anew when it was lost.

#![allow(unsafe_code, reason = "calls the plugin's functions")]

use core::{cell::RefCell, ffi::c_void, mem, ptr};
use std::sync::Arc;

use parfocal_abi::{MarshalledInputs, codes::HOST_MEMORY, marshal_frames, operator_1 as raw, parameters_out};
use parfocal_image::{ImageSpec, PixelsMut, PixelsRef, Region};
use parfocal_operator::{
    Input, InputRegion, InputSpec, LogLevel, Operator, Output, Plan, Services, Sink, Tiles, Tiling,
};
use parfocal_types::{Error, ErrorKind, Parameters, Result};

use crate::context::Context;

/// The plugin's functions; every one that the host calls was checked to be there.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) raw: &'static raw::OperatorTable,
    pub(crate) label: String,
}

// SAFETY: the table is a constant of a library that is never unloaded; the contract allows calls on different
// instances at once.
unsafe impl Send for Table {}
// SAFETY: as above.
unsafe impl Sync for Table {}

/// An operator of a library.
pub(crate) struct NativeOperator {
    table: Arc<Table>,
    label: String,
    life: RefCell<Life>,
    story: Story,
    /// Whether it planned to see an axis in order: then an instance that is lost takes with it what it saw.
    in_order: bool,
}

/// The instance behind an operator.
enum Life {
    Living(Instance),
    /// The next call makes a new one.
    Lost,
    /// Lost in a sequence: a new one would go on as if it had seen what came before.
    Torn,
}

/// An instance that the plugin made.
struct Instance {
    table: Arc<Table>,
    raw: *mut c_void,
}

// SAFETY: the contract says that calls on an instance may come from different threads, one after the other; whoever holds
// it makes them so.
unsafe impl Send for Instance {}

impl Drop for Instance {
    fn drop(&mut self) {
        if let Some(destroy) = self.table.raw.destroy {
            // SAFETY: what `create` wrote, ended once.
            unsafe { destroy(self.raw) };
        }
    }
}

/// What an instance was told, to tell it again to its successor.
struct Story {
    operator: String,
    parameters: Parameters,
    planned: Option<Planned>,
    state: Option<Vec<u8>>,
    conclusion: Option<Vec<u8>>,
}

/// What it was planned for.
struct Planned {
    inputs: Vec<(u32, ImageSpec)>,
    seed: u64,
}

/// The services of what is told again: the user has read it, so nobody listens, and it is told as in the run that it was
/// planned for.
struct Again<'a> {
    now: Option<&'a dyn Services>,
    seed: u64,
}

impl Services for Again<'_> {
    fn log(&self, _level: LogLevel, _text: &str) {}

    fn progress(&self, _fraction: f32) {}

    fn is_cancelled(&self) -> bool {
        self.now.is_some_and(Services::is_cancelled)
    }

    fn seed(&self) -> u64 {
        self.seed
    }
}

impl NativeOperator {
    /// Makes the first instance at once, so that what the operator says to its parameters is heard now.
    pub(crate) fn create(table: &Arc<Table>, operator: &str, parameters: &Parameters) -> Result<Self> {
        let story = Story {
            operator: operator.to_owned(),
            parameters: parameters.clone(),
            planned: None,
            state: None,
            conclusion: None,
        };
        let label = format!("{}, operator `{operator}`", table.label);
        let life = RefCell::new(Life::Lost);
        let mut made = Self { table: Arc::clone(table), label, life, story, in_order: false };
        *made.life.get_mut() = Life::Living(made.bare()?);
        Ok(made)
    }

    /// An instance that knows its parameters only.
    fn bare(&self) -> Result<Instance> {
        let create = present(self.table.raw.create, "create", &self.label)?;
        let parameters = parameters_out(&self.story.parameters);
        let mut instance = ptr::null_mut();
        Context::default().call(&self.label, |host| {
            // SAFETY: host, texts, parameters and the place for the instance are valid during the call.
            unsafe {
                create(
                    host,
                    raw::Text::of(&self.story.operator),
                    parameters.as_ptr(),
                    parameters.len() as u64,
                    &raw mut instance,
                )
            }
        })?;
        Ok(Instance { table: Arc::clone(&self.table), raw: instance })
    }

    /// An instance that was told the whole story.
    fn told(&self, services: Option<&dyn Services>) -> Result<Instance> {
        let made = self.bare()?;
        let Story { planned, state, conclusion, .. } = &self.story;
        let (Some(Planned { inputs, seed }), Some(plan)) = (planned, self.table.raw.plan) else {
            return Ok(made);
        };
        let again = Again { now: services, seed: *seed };
        let tell =
            |work: &dyn Fn(*const raw::Host) -> i32| Context::with_services(&again).call(&self.label, work);
        let inputs: Vec<_> = inputs.iter().map(|(port, spec)| InputSpec { port: *port, spec }).collect();
        let inputs = MarshalledInputs::new(&inputs);
        let inputs = inputs.as_slice();
        // SAFETY: instance, host and inputs are valid during the call.
        tell(&|host| unsafe { plan(made.raw, host, inputs.as_ptr(), inputs.len() as u64) })?;
        if let (Some(state), Some(load)) = (state, self.table.raw.load) {
            // SAFETY: instance, host and bytes are valid during the call.
            tell(&|host| unsafe { load(made.raw, host, raw::Bytes::of(state)) })?;
        }
        if let (Some(conclusion), Some(conclude)) = (conclusion, self.table.raw.conclude) {
            // SAFETY: instance, host and bytes are valid during the call.
            tell(&|host| unsafe { conclude(made.raw, host, raw::Bytes::of(conclusion)) })?;
        }
        Ok(made)
    }

    /// A call on the living instance, or on a new one when the last was lost.
    fn call(
        &self,
        context: &mut Context<'_>,
        work: impl FnOnce(*mut c_void, *const raw::Host) -> i32,
    ) -> Result<()> {
        let mut life =
            self.life.try_borrow_mut().map_err(|_| Error::internal("an instance was entered twice"))?;
        let lost = if self.in_order { Life::Torn } else { Life::Lost };
        let instance = match mem::replace(&mut *life, lost) {
            Life::Living(instance) => instance,
            Life::Lost => self
                .told(context.services)
                .map_err(|error| error.context("making a new instance after the last was lost"))?,
            Life::Torn => return Err(self.torn()),
        };
        let result = context.call(&self.label, |host| work(instance.raw, host));
        if !context.instance_lost {
            *life = Life::Living(instance);
        }
        result
    }

    /// A call with which a sequence starts: it may come after an instance was lost in one, and only its success mends that.
    fn start(
        &mut self,
        services: &dyn Services,
        work: impl FnOnce(*mut c_void, *const raw::Host) -> i32,
    ) -> Result<()> {
        let torn = matches!(self.life.get_mut(), Life::Torn);
        if torn {
            *self.life.get_mut() = Life::Lost;
        }
        let result = self.call(&mut Context::with_services(services), work);
        if torn && result.is_err() {
            *self.life.get_mut() = Life::Torn;
        }
        result
    }

    fn torn(&self) -> Error {
        Error::new(
            ErrorKind::BadState { need: "reset".into(), is: "in a sequence whose instance was lost".into() },
            "its instance was lost in a sequence, with what it had seen of it",
        )
        .with_origin(&self.label)
        .with_remedy("start the sequence again with `reset`, or continue from a saved state with `load`")
    }

    fn silent(&self, what: &str) -> Error {
        Error::new(
            ErrorKind::Protocol { raw: String::new() },
            format!("returned success from `{what}` without an answer"),
        )
        .with_origin(&self.label)
        .with_remedy("this is a defect of the plugin: report it to its author")
    }

    /// Shows tiles to one of the plugin's functions.
    fn with_call(
        &self,
        context: &mut Context<'_>,
        tiles: (Region, &[Input<'_>], &mut [Output<'_>]),
        function: unsafe extern "C" fn(*mut c_void, *const raw::Call) -> i32,
    ) -> Result<()> {
        let (core, inputs, outputs) = tiles;
        let frames: Vec<_> = inputs.iter().map(|input| marshal_frames(input.frames)).collect();
        let inputs: Vec<raw::InputTile> =
            inputs.iter().zip(&frames).map(|(input, frames)| input_tile(input, frames)).collect();
        let outputs: Vec<raw::OutputTile> =
            outputs.iter_mut().map(|output| output_tile(&mut output.pixels, output.full.0)).collect();
        self.call(context, |instance, host| {
            let call = raw::Call {
                struct_size: size_of::<raw::Call>() as u64,
                core: core.into(),
                inputs: inputs.as_ptr(),
                input_count: inputs.len() as u64,
                outputs: outputs.as_ptr(),
                output_count: outputs.len() as u64,
                host,
            };
            // SAFETY: the instance is the plugin's own; everything the call points to lives during it; the outputs are
            // borrowed exclusively.
            unsafe { function(instance, &raw const call) }
        })
    }
}

fn present<F>(function: Option<F>, name: &str, label: &str) -> Result<F> {
    function.ok_or_else(|| Error::not_supported(format!("`{name}` by this plugin")).with_origin(label))
}

fn input_tile(input: &Input<'_>, frames: &[raw::FrameFacts]) -> raw::InputTile {
    let pixels: &PixelsRef<'_> = &input.pixels;
    raw::InputTile {
        port: input.port,
        reserved: 0,
        data: pixels.bytes().as_ptr().cast(),
        byte_len: pixels.bytes().len() as u64,
        dtype: pixels.dtype() as u32,
        memory_space: HOST_MEMORY,
        handle: 0,
        region: (*pixels.region()).into(),
        strides: pixels.strides().map(|stride| stride as u64),
        full: input.full.0,
        frames: frames.as_ptr(),
        frame_count: frames.len() as u64,
    }
}

fn output_tile(pixels: &mut PixelsMut<'_>, full: [u64; 5]) -> raw::OutputTile {
    raw::OutputTile {
        byte_len: pixels.bytes_mut().len() as u64,
        dtype: pixels.dtype() as u32,
        memory_space: HOST_MEMORY,
        handle: 0,
        region: (*pixels.region()).into(),
        strides: pixels.strides().map(|stride| stride as u64),
        full,
        data: pixels.bytes_mut().as_mut_ptr().cast(),
    }
}

impl Operator for NativeOperator {
    fn plan(&mut self, inputs: &[InputSpec<'_>], services: &dyn Services) -> Result<Plan> {
        let plan = present(self.table.raw.plan, "plan", &self.label)?;
        // What a new instance would be told is of the inputs before.
        (self.story.planned, self.story.state, self.story.conclusion) = (None, None, None);
        self.in_order = false;
        if let Life::Torn = self.life.get_mut() {
            *self.life.get_mut() = Life::Lost;
        }
        let specs = MarshalledInputs::new(inputs);
        let specs = specs.as_slice();
        let mut context = Context::with_services(services);
        self.call(&mut context, |instance, host| {
            // SAFETY: instance, host and specs are valid during the call.
            unsafe { plan(instance, host, specs.as_ptr(), specs.len() as u64) }
        })?;
        let answer = context.plan.take().unwrap_or_else(|| Err(self.silent("plan")))?;
        let inputs = inputs.iter().map(|input| (input.port, input.spec.clone())).collect();
        self.story.planned = Some(Planned { inputs, seed: services.seed() });
        self.in_order = answer.tiling.contains(&Tiling::InOrder);
        Ok(answer)
    }

    fn required_input(&self, core: &Region) -> Result<Vec<InputRegion>> {
        let required_input = present(self.table.raw.required_input, "required_input", &self.label)?;
        let core = raw::Region::from(*core);
        let mut context = Context::default();
        self.call(&mut context, |instance, host| {
            // SAFETY: instance, host and region are valid during the call.
            unsafe { required_input(instance, host, &raw const core) }
        })?;
        context.regions.take().unwrap_or_else(|| Err(self.silent("required_input")))
    }

    fn reset(&mut self, services: &dyn Services) -> Result<()> {
        self.story.state = None;
        let reset = self.table.raw.reset;
        // SAFETY: instance and host are valid during the call.
        self.start(services, |instance, host| reset.map_or(0, |reset| unsafe { reset(instance, host) }))
    }

    fn run(&mut self, tiles: &mut Tiles<'_>, services: &dyn Services) -> Result<()> {
        let run = present(self.table.raw.run, "run", &self.label)?;
        let mut context = Context::with_services(services);
        self.with_call(&mut context, (tiles.core, tiles.inputs, tiles.outputs), run)
    }

    fn accumulate(&mut self, tiles: &Tiles<'_>, services: &dyn Services) -> Result<Vec<u8>> {
        let accumulate = present(self.table.raw.accumulate, "accumulate", &self.label)?;
        let mut context = Context::with_services(services);
        self.with_call(&mut context, (tiles.core, tiles.inputs, &mut []), accumulate)?;
        context.bytes.take().unwrap_or_else(|| Err(self.silent("accumulate")))
    }

    fn merge(&mut self, left: Vec<u8>, right: &[u8], services: &dyn Services) -> Result<Vec<u8>> {
        let merge = present(self.table.raw.merge, "merge", &self.label)?;
        let mut context = Context::with_services(services);
        self.call(&mut context, |instance, host| {
            // SAFETY: instance, host and bytes are valid during the call.
            unsafe { merge(instance, host, raw::Bytes::of(&left), raw::Bytes::of(right)) }
        })?;
        context.bytes.take().unwrap_or_else(|| Err(self.silent("merge")))
    }

    fn finish(&mut self, total: &[u8], sink: &mut dyn Sink, services: &dyn Services) -> Result<Vec<u8>> {
        let finish = present(self.table.raw.finish, "finish", &self.label)?;
        let mut context = Context::with_services(services);
        context.sink = Some(sink);
        self.call(&mut context, |instance, host| {
            // SAFETY: instance, host and bytes are valid during the call.
            unsafe { finish(instance, host, raw::Bytes::of(total)) }
        })?;
        context.bytes.take().unwrap_or_else(|| Ok(Vec::new()))
    }

    fn conclude(&mut self, conclusion: &[u8], services: &dyn Services) -> Result<()> {
        let conclude = present(self.table.raw.conclude, "conclude", &self.label)?;
        self.call(&mut Context::with_services(services), |instance, host| {
            // SAFETY: instance, host and bytes are valid during the call.
            unsafe { conclude(instance, host, raw::Bytes::of(conclusion)) }
        })?;
        self.story.conclusion = Some(conclusion.to_vec());
        Ok(())
    }

    fn save(&mut self, services: &dyn Services) -> Result<Vec<u8>> {
        let Some(save) = self.table.raw.save else { return Ok(Vec::new()) };
        let mut context = Context::with_services(services);
        // SAFETY: instance and host are valid during the call.
        self.call(&mut context, |instance, host| unsafe { save(instance, host) })?;
        context.bytes.take().unwrap_or_else(|| Ok(Vec::new()))
    }

    fn load(&mut self, state: &[u8], services: &dyn Services) -> Result<()> {
        let Some(load) = self.table.raw.load else {
            return if state.is_empty() {
                Ok(())
            } else {
                Err(Error::corrupt("a state for an operator that has none").with_origin(&self.label))
            };
        };
        if !matches!(self.life.get_mut(), Life::Living(_)) {
            // A new instance is told the new state only.
            self.story.state = None;
        }
        self.start(services, |instance, host| {
            // SAFETY: instance, host and bytes are valid during the call.
            unsafe { load(instance, host, raw::Bytes::of(state)) }
        })?;
        self.story.state = Some(state.to_vec());
        Ok(())
    }
}
