//! The operator trait, answered by an instance that a library made.

#![allow(unsafe_code, reason = "calls the plugin's functions")]

use core::{cell::Cell, ffi::c_void, ptr};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use parfocal_abi::{MarshalledInputs, codes::HOST_MEMORY, marshal_frames, operator_1 as raw, parameters_out};
use parfocal_core::{Maker, Mortal};
use parfocal_image::{PixelsMut, PixelsRef, Region};
use parfocal_operator::{Input, InputRegion, InputSpec, Operator, Output, Plan, Services, Sink, Tiles};
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

/// Makes instances of one operator of a library.
pub(crate) struct NativeMaker {
    table: Arc<Table>,
    operator: String,
    parameters: Parameters,
    label: String,
    /// Held as long as the operator lives, when the plugin allows one at a time.
    _permit: Option<Permit>,
}

impl NativeMaker {
    pub(crate) fn new(
        table: &Arc<Table>,
        operator: &str,
        parameters: &Parameters,
        permit: Option<Permit>,
    ) -> Self {
        Self {
            table: Arc::clone(table),
            operator: operator.to_owned(),
            parameters: parameters.clone(),
            label: format!("{}, operator `{operator}`", table.label),
            _permit: permit,
        }
    }
}

impl Maker for NativeMaker {
    type Instance = NativeInstance;

    fn label(&self) -> &str {
        &self.label
    }

    fn make(&self) -> Result<NativeInstance> {
        let create = present(self.table.raw.create, "create", &self.label)?;
        let parameters = parameters_out(&self.parameters);
        let mut instance = ptr::null_mut();
        Context::default().call(&self.label, |host| {
            // SAFETY: host, texts, parameters and the place for the instance are valid during the call.
            unsafe {
                create(
                    host,
                    raw::Text::of(&self.operator),
                    parameters.as_ptr(),
                    parameters.len() as u64,
                    &raw mut instance,
                )
            }
        })?;
        let (table, label) = (Arc::clone(&self.table), self.label.clone());
        Ok(NativeInstance { table, raw: instance, label, lost: Cell::new(false) })
    }
}

/// The right to be the only one: given back when dropped.
pub(crate) struct Permit(Arc<AtomicBool>);

impl Permit {
    /// Takes the right, unless somebody has it.
    pub(crate) fn take(taken: &Arc<AtomicBool>) -> Option<Self> {
        (!taken.swap(true, Ordering::AcqRel)).then(|| Self(Arc::clone(taken)))
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

/// An instance that the plugin made.
pub(crate) struct NativeInstance {
    table: Arc<Table>,
    raw: *mut c_void,
    label: String,
    lost: Cell<bool>,
}

// SAFETY: the contract says that calls on an instance may come from different threads, one after the other; whoever holds
// it makes them so.
unsafe impl Send for NativeInstance {}

impl Drop for NativeInstance {
    fn drop(&mut self) {
        if let Some(destroy) = self.table.raw.destroy {
            // SAFETY: what `create` wrote, ended once.
            unsafe { destroy(self.raw) };
        }
    }
}

impl Mortal for NativeInstance {
    fn is_lost(&self) -> bool {
        self.lost.get()
    }
}

impl NativeInstance {
    fn call(
        &self,
        context: &mut Context<'_>,
        work: impl FnOnce(*mut c_void, *const raw::Host) -> i32,
    ) -> Result<()> {
        let result = context.call(&self.label, |host| work(self.raw, host));
        self.lost.set(context.instance_lost);
        result
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

impl Operator for NativeInstance {
    fn plan(&mut self, inputs: &[InputSpec<'_>], services: &dyn Services) -> Result<Plan> {
        let plan = present(self.table.raw.plan, "plan", &self.label)?;
        let specs = MarshalledInputs::new(inputs);
        let specs = specs.as_slice();
        let mut context = Context::with_services(services);
        self.call(&mut context, |instance, host| {
            // SAFETY: instance, host and specs are valid during the call.
            unsafe { plan(instance, host, specs.as_ptr(), specs.len() as u64) }
        })?;
        context.plan.take().unwrap_or_else(|| Err(self.silent("plan")))
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
        let Some(reset) = self.table.raw.reset else { return Ok(()) };
        // SAFETY: instance and host are valid during the call.
        self.call(&mut Context::with_services(services), |instance, host| unsafe { reset(instance, host) })
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
        })
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
        self.call(&mut Context::with_services(services), |instance, host| {
            // SAFETY: instance, host and bytes are valid during the call.
            unsafe { load(instance, host, raw::Bytes::of(state)) }
        })
    }
}
