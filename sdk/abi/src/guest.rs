//! The plugin's side of the native interface: a [`Registry`] of Rust operators behind the C table.
//!
//! [`export_native!`](crate::export_native) puts the note into its section and exports the one symbol; the functions
//! here stand behind it. Each turns a panic into the error `internal`, so that nothing unwinds across the border, and says
//! that the instance is lost: what a call that stopped halfway left behind is nothing to go on with.

#![allow(unsafe_code, reason = "this module is called through the C table")]

use core::{cell::RefCell, ffi::c_void, ptr};
use std::sync::OnceLock;

use parfocal_image::{Extent, FrameFacts, ImageSpec, PixelsMut, PixelsRef, Region};
use parfocal_operator::{
    Input, InputRegion, InputSpec, LogLevel, Operator, Output, Registry, Services, Sink, Tiles,
};
use parfocal_types::{Column, Error, Field, InterfaceVersion, Result, Scalar};

use crate::{
    codes::HOST_MEMORY,
    convert::{
        self, Marshalled, MarshalledSpecs, Said, plan_out, read_bytes, read_dtype, read_frames,
        read_parameters, read_spec, read_text, regions_out, scalar_out, with_error,
    },
    entry::{ENTRY_VERSION, Entry, Negotiated},
    layout::TypeLayout,
    operator_1 as raw,
    panics::caught,
};

#[doc(hidden)]
#[must_use]
pub const fn layouts() -> &'static [TypeLayout] {
    crate::layout::OPERATOR_1
}

/// Exports a [`Registry`] as a native plugin: the symbol `parfocal_entry` and the note in the section `.parfocal`.
///
/// Use it once in a `cdylib`. `parfocal_plugin::export_plugin!` calls it for native targets.
#[macro_export]
macro_rules! export_native {
    ($registry:ty) => {
        const _: () = {
            #[used]
            #[allow(unsafe_code, reason = "the note must lie in its own section")]
            #[unsafe(link_section = ".parfocal")]
            static NOTE: [u8; $crate::note::NoteBuilder::SIZE] = $crate::note::NoteBuilder::new(
                <$registry as $crate::Registry>::PLUGIN,
                <$registry as $crate::Registry>::VERSION,
                "rust",
            )
            .interface($crate::OPERATOR, $crate::OPERATOR_VERSION)
            .layouts($crate::guest::layouts())
            .bytes();

            static ENTRY: $crate::entry::Entry = $crate::guest::entry::<$registry>();

            /// The one symbol of the plugin.
            #[allow(unsafe_code, reason = "the one symbol of a native plugin")]
            #[unsafe(no_mangle)]
            pub extern "C" fn parfocal_entry(host_min: u32, host_max: u32) -> *const $crate::entry::Entry {
                $crate::guest::negotiate(&ENTRY, host_min, host_max)
            }
        };
    };
}

/// The entry of a plugin with this registry.
#[must_use]
pub const fn entry<R: Registry>() -> Entry {
    Entry {
        struct_size: size_of::<Entry>() as u64,
        version: ENTRY_VERSION,
        min: ENTRY_VERSION,
        max: ENTRY_VERSION,
        reserved: 0,
        id: raw::Text::of(R::PLUGIN),
        plugin_version: raw::Text::of(R::VERSION),
        get_interface: Some(get_interface::<R>),
        get_extension: Some(no_extension),
    }
}

/// The entry that says "none of your versions".
static REFUSAL: Entry = Entry {
    struct_size: size_of::<Entry>() as u64,
    version: 0,
    min: ENTRY_VERSION,
    max: ENTRY_VERSION,
    reserved: 0,
    id: raw::Text::of(""),
    plugin_version: raw::Text::of(""),
    get_interface: None,
    get_extension: None,
};

/// Answers `parfocal_entry`.
#[must_use]
pub fn negotiate(entry: &'static Entry, host_min: u32, host_max: u32) -> *const Entry {
    if (host_min..=host_max).contains(&ENTRY_VERSION) { entry } else { &raw const REFUSAL }
}

unsafe extern "C" fn no_extension(_id: raw::Text) -> *const c_void {
    ptr::null()
}

/// A table that lives as long as the library.
struct Table(raw::OperatorTable);
// SAFETY: the table points to leaked descriptors that never change, and functions.
unsafe impl Send for Table {}
// SAFETY: as above.
unsafe impl Sync for Table {}

unsafe extern "C" fn get_interface<R: Registry>(
    name: raw::Text,
    host_min: u32,
    host_max: u32,
    answer: *mut Negotiated,
) -> i32 {
    const OWN: InterfaceVersion = parfocal_operator::VERSION;
    // One library has one registry, so one table; a generic static would be shared anyway.
    static TABLE: OnceLock<Table> = OnceLock::new();
    guarded(ptr::null(), || {
        // SAFETY: the host gives a valid name and a valid place for the answer.
        let (name, answer) = unsafe { (read_text(name), answer.as_mut()) };
        let answer = answer.ok_or_else(|| Error::invalid_argument("no place for the answer"))?;
        if name != parfocal_operator::INTERFACE {
            return Err(Error::not_found(format!("the interface `{name}`")));
        }
        let fits = (host_min..=host_max).contains(&OWN.to_wire());
        let table = if fits { &raw const TABLE.get_or_init(|| Table(table::<R>())).0 } else { ptr::null() };
        *answer = Negotiated {
            chosen: if fits { OWN.to_wire() } else { 0 },
            min: OWN.to_wire(),
            max: OWN.to_wire(),
            reserved: 0,
            table: table.cast(),
        };
        Ok(())
    })
}

fn table<R: Registry>() -> raw::OperatorTable {
    // Made once a process; a library is never unloaded.
    let descriptors = Box::leak(R::descriptors().into_boxed_slice());
    let marshalled = Box::leak(Box::new(Marshalled::new(descriptors))).as_slice();
    raw::OperatorTable {
        struct_size: size_of::<raw::OperatorTable>() as u64,
        operators: marshalled.as_ptr(),
        operator_count: marshalled.len() as u64,
        operator_stride: size_of::<raw::Descriptor>() as u64,
        create: Some(create::<R>),
        destroy: Some(destroy),
        plan: Some(plan),
        required_input: Some(required_input),
        reset: Some(reset),
        run: Some(run),
        accumulate: Some(accumulate),
        merge: Some(merge),
        finish: Some(finish),
        conclude: Some(conclude),
        save: Some(save),
        load: Some(load),
        get_extension: Some(no_extension),
    }
}

/// Rows of so many columns that are handed over in one call: a host takes so many scalars in one.
fn rows_at_once(width: usize) -> usize {
    (convert::MAX_COUNT as usize / width.max(1)).clamp(1, 4096)
}

/// What `create` hands out.
type Instance = Box<dyn Operator>;

/// Runs `work`; reports its error, or its panic as an error, to the host and returns the code.
fn guarded(host: *const raw::Host, work: impl FnOnce() -> Result<()>) -> i32 {
    let said = match caught(work) {
        Ok(Ok(())) => return 0,
        Ok(Err(error)) => Said { error, instance_lost: false },
        Err(panic) => Said {
            error: Error::internal(format!("the plugin panicked: {panic}"))
                .with_remedy("this is a defect of the plugin: report it to its author with this message"),
            instance_lost: true,
        },
    };
    // SAFETY: null, or valid during the call that this runs in.
    if let Some((host, set_error)) = unsafe { host.as_ref() }.and_then(|host| Some((host, host.set_error?))) {
        // SAFETY: the host's own function with the host's own context; the error lives during the call.
        with_error(&said, |raw| unsafe { set_error(host.context, raw) });
    }
    said.error.kind().code()
}

/// # Safety
/// `instance` is what `create` wrote and `destroy` has not ended, and no other call uses it.
unsafe fn operator<'a>(instance: *mut c_void) -> Result<&'a mut Instance> {
    // SAFETY: as the caller vouches.
    unsafe { instance.cast::<Instance>().as_mut() }.ok_or_else(|| Error::invalid_argument("no instance"))
}

unsafe extern "C" fn create<R: Registry>(
    host: *const raw::Host,
    operator_id: raw::Text,
    parameters: *const raw::Parameter,
    parameter_count: u64,
    instance: *mut *mut c_void,
) -> i32 {
    guarded(host, || {
        // SAFETY: the host gives valid arguments.
        let (id, parameters) =
            unsafe { (read_text(operator_id), read_parameters(parameters, parameter_count)?) };
        let created: Box<Instance> = Box::new(R::create(&id, &parameters)?);
        if instance.is_null() {
            return Err(Error::invalid_argument("no place for the instance"));
        }
        // SAFETY: not null; the host gives a place for one pointer.
        unsafe { *instance = Box::into_raw(created).cast() };
        Ok(())
    })
}

unsafe extern "C" fn destroy(instance: *mut c_void) {
    guarded(ptr::null(), || {
        if !instance.is_null() {
            // SAFETY: what `create` made, ended once.
            drop(unsafe { Box::from_raw(instance.cast::<Instance>()) });
        }
        Ok(())
    });
}

unsafe extern "C" fn plan(
    instance: *mut c_void,
    host: *const raw::Host,
    inputs: *const raw::InputSpec,
    input_count: u64,
) -> i32 {
    guarded(host, || {
        // SAFETY: the host gives a valid instance, host and inputs.
        let (operator, host) = unsafe { (operator(instance)?, RawHost::new(host)?) };
        // SAFETY: as above.
        let specs: Vec<(u32, ImageSpec)> = unsafe { convert::slice_of(inputs, input_count, "input specs")? }
            .iter()
            // SAFETY: as above.
            .map(|input| Ok((input.port, unsafe { read_spec(&input.spec) }?)))
            .collect::<Result<_>>()?;
        let inputs: Vec<InputSpec<'_>> =
            specs.iter().map(|(port, spec)| InputSpec { port: *port, spec }).collect();
        let plan = operator.plan(&inputs, &host)?;
        let outputs = MarshalledSpecs::new(&plan.outputs);
        host.answer_plan(&plan_out(&plan, &outputs))
    })
}

unsafe extern "C" fn required_input(
    instance: *mut c_void,
    host: *const raw::Host,
    core: *const raw::Region,
) -> i32 {
    guarded(host, || {
        // SAFETY: the host gives a valid instance, host and region.
        let (operator, host, core) = unsafe { (operator(instance)?, RawHost::new(host)?, core.as_ref()) };
        let core = core.ok_or_else(|| Error::invalid_argument("no region"))?;
        host.answer_regions(&operator.required_input(&Region::from(*core))?)
    })
}

unsafe extern "C" fn reset(instance: *mut c_void, host: *const raw::Host) -> i32 {
    guarded(host, || {
        // SAFETY: the host gives a valid instance and host.
        let (operator, host) = unsafe { (operator(instance)?, RawHost::new(host)?) };
        operator.reset(&host)
    })
}

unsafe extern "C" fn run(instance: *mut c_void, call: *const raw::Call) -> i32 {
    // SAFETY: the host gives a valid call.
    let host = unsafe { host_of(call) };
    guarded(host, || {
        // SAFETY: the host gives a valid instance and call.
        unsafe { with_tiles(call, |tiles, host| operator(instance)?.run(tiles, host)) }
    })
}

unsafe extern "C" fn accumulate(instance: *mut c_void, call: *const raw::Call) -> i32 {
    // SAFETY: the host gives a valid call.
    let host = unsafe { host_of(call) };
    guarded(host, || {
        // SAFETY: the host gives a valid instance and call.
        unsafe {
            with_tiles(call, |tiles, host| {
                let partial = operator(instance)?.accumulate(tiles, host)?;
                host.answer_bytes(&partial)
            })
        }
    })
}

unsafe extern "C" fn merge(
    instance: *mut c_void,
    host: *const raw::Host,
    left: raw::Bytes,
    right: raw::Bytes,
) -> i32 {
    guarded(host, || {
        // SAFETY: the host gives a valid instance, host and bytes.
        let (operator, host, left, right) =
            unsafe { (operator(instance)?, RawHost::new(host)?, read_bytes(left)?, read_bytes(right)?) };
        host.answer_bytes(&operator.merge(left, &right, &host)?)
    })
}

unsafe extern "C" fn finish(instance: *mut c_void, host: *const raw::Host, total: raw::Bytes) -> i32 {
    guarded(host, || {
        // SAFETY: the host gives a valid instance, host and bytes.
        let (operator, mut host, total) =
            unsafe { (operator(instance)?, RawHost::new(host)?, read_bytes(total)?) };
        let services = host.clone();
        let conclusion = operator.finish(&total, &mut host, &services)?;
        host.answer_bytes(&conclusion)
    })
}

unsafe extern "C" fn conclude(instance: *mut c_void, host: *const raw::Host, conclusion: raw::Bytes) -> i32 {
    guarded(host, || {
        // SAFETY: the host gives a valid instance, host and bytes.
        let (operator, host, conclusion) =
            unsafe { (operator(instance)?, RawHost::new(host)?, read_bytes(conclusion)?) };
        operator.conclude(&conclusion, &host)
    })
}

unsafe extern "C" fn save(instance: *mut c_void, host: *const raw::Host) -> i32 {
    guarded(host, || {
        // SAFETY: the host gives a valid instance and host.
        let (operator, host) = unsafe { (operator(instance)?, RawHost::new(host)?) };
        host.answer_bytes(&operator.save(&host)?)
    })
}

unsafe extern "C" fn load(instance: *mut c_void, host: *const raw::Host, state: raw::Bytes) -> i32 {
    guarded(host, || {
        // SAFETY: the host gives a valid instance, host and bytes.
        let (operator, host, state) =
            unsafe { (operator(instance)?, RawHost::new(host)?, read_bytes(state)?) };
        operator.load(&state, &host)
    })
}

/// # Safety
/// `call` is null or valid.
unsafe fn host_of(call: *const raw::Call) -> *const raw::Host {
    // SAFETY: as the caller vouches.
    unsafe { call.as_ref() }.map_or(ptr::null(), |call| call.host)
}

/// Shows a call's tiles to `work`.
///
/// # Safety
/// `call` is null or valid; its tiles point to pixels that live during the call, outputs to pixels that nobody else
/// uses.
unsafe fn with_tiles(
    call: *const raw::Call,
    work: impl FnOnce(&mut Tiles<'_>, &RawHost<'_>) -> Result<()>,
) -> Result<()> {
    // SAFETY: as the caller vouches.
    let call = unsafe { call.as_ref() }.ok_or_else(|| Error::invalid_argument("no call"))?;
    // SAFETY: as the caller vouches, for the reads below.
    let (host, inputs, outputs) = unsafe {
        (
            RawHost::new(call.host)?,
            convert::slice_of(call.inputs, call.input_count, "input tiles")?,
            convert::slice_of(call.outputs, call.output_count, "output tiles")?,
        )
    };
    let frames: Vec<Vec<FrameFacts>> = inputs
        .iter()
        // SAFETY: as the caller vouches.
        .map(|tile| unsafe { read_frames(tile.frames, tile.frame_count) })
        .collect::<Result<_>>()?;
    let inputs: Vec<Input<'_>> = inputs
        .iter()
        .zip(&frames)
        // SAFETY: as the caller vouches.
        .map(|(tile, frames)| unsafe { input(tile, frames) })
        .collect::<Result<_>>()?;
    // SAFETY: as the caller vouches.
    let mut outputs: Vec<Output<'_>> =
        outputs.iter().map(|tile| unsafe { output(tile) }).collect::<Result<_>>()?;
    let mut tiles = Tiles { core: call.core.into(), inputs: &inputs, outputs: &mut outputs };
    work(&mut tiles, &host)
}

fn strides(strides: [u64; 4]) -> Result<[usize; 4]> {
    let mut result = [0; 4];
    for (to, from) in result.iter_mut().zip(strides) {
        *to = usize::try_from(from)
            .map_err(|_| Error::invalid_argument("a stride that does not fit memory"))?;
    }
    Ok(result)
}

fn in_host_memory(space: u32) -> Result<()> {
    if space == HOST_MEMORY {
        Ok(())
    } else {
        Err(Error::not_supported(format!("pixels in memory space {space}")))
    }
}

/// # Safety
/// `tile.data` is null or points to `tile.byte_len` bytes that live for `'a`.
unsafe fn input<'a>(tile: &raw::InputTile, frames: &'a [FrameFacts]) -> Result<Input<'a>> {
    in_host_memory(tile.memory_space)?;
    // SAFETY: as the caller vouches.
    let data = unsafe { pixels(tile.data.cast(), tile.byte_len) }?;
    let pixels = PixelsRef::new(read_dtype(tile.dtype)?, data, tile.region.into(), strides(tile.strides)?)?;
    Ok(Input { port: tile.port, pixels, full: Extent(tile.full), frames })
}

/// A length that a slice can have.
fn in_memory(len: u64) -> Result<usize> {
    let len = isize::try_from(len).map_err(|_| Error::invalid_argument("a tile larger than memory"))?;
    Ok(len.unsigned_abs())
}

/// # Safety
/// `data` is null or points to `len` bytes that live for `'a`.
unsafe fn pixels<'a>(data: *const u8, len: u64) -> Result<&'a [u8]> {
    let len = in_memory(len)?;
    if len == 0 {
        return Ok(&[]);
    }
    if data.is_null() {
        return Err(Error::invalid_argument("a tile without pixels"));
    }
    // SAFETY: not null; the caller vouches for the length and lifetime.
    Ok(unsafe { core::slice::from_raw_parts(data, len) })
}

/// # Safety
/// `tile.data` is null or points to `tile.byte_len` bytes that live for `'a` and that nobody else uses.
unsafe fn output<'a>(tile: &raw::OutputTile) -> Result<Output<'a>> {
    in_host_memory(tile.memory_space)?;
    let len = in_memory(tile.byte_len)?;
    let data: &mut [u8] = if len == 0 {
        &mut []
    } else if tile.data.is_null() {
        return Err(Error::invalid_argument("a tile without pixels"));
    } else {
        // SAFETY: not null; the caller vouches for length, lifetime and exclusive use.
        unsafe { core::slice::from_raw_parts_mut(tile.data.cast(), len) }
    };
    let pixels = PixelsMut::new(read_dtype(tile.dtype)?, data, tile.region.into(), strides(tile.strides)?)?;
    Ok(Output { pixels, full: Extent(tile.full) })
}

/// The host's services, seen from the plugin.
#[derive(Clone)]
struct RawHost<'a> {
    host: &'a raw::Host,
    widths: RefCell<Vec<(u32, usize)>>,
}

impl<'a> RawHost<'a> {
    /// # Safety
    /// `host` is null or valid for `'a`.
    unsafe fn new(host: *const raw::Host) -> Result<Self> {
        // SAFETY: as the caller vouches.
        let host: &'a raw::Host =
            unsafe { host.as_ref() }.ok_or_else(|| Error::invalid_argument("no host"))?;
        if host.struct_size != size_of::<raw::Host>() as u64 {
            return Err(Error::invalid_argument("a host table of another size"));
        }
        Ok(Self { host, widths: RefCell::new(Vec::new()) })
    }

    fn lacks(what: &str) -> Error {
        Error::invalid_argument(format!("the host does not take {what}"))
    }

    fn answer_plan(&self, plan: &raw::Plan) -> Result<()> {
        let answer = self.host.answer_plan.ok_or_else(|| Self::lacks("a plan"))?;
        // SAFETY: the host's own function and context; the plan lives during the call.
        unsafe { answer(self.host.context, plan) };
        Ok(())
    }

    fn answer_regions(&self, regions: &[InputRegion]) -> Result<()> {
        let answer = self.host.answer_regions.ok_or_else(|| Self::lacks("regions"))?;
        let regions = regions_out(regions);
        // SAFETY: the host's own function and context; the regions live during the call.
        unsafe { answer(self.host.context, regions.as_ptr(), regions.len() as u64) };
        Ok(())
    }

    fn answer_bytes(&self, bytes: &[u8]) -> Result<()> {
        let answer = self.host.answer_bytes.ok_or_else(|| Self::lacks("bytes"))?;
        // SAFETY: the host's own function and context; the bytes live during the call.
        unsafe { answer(self.host.context, raw::Bytes::of(bytes)) };
        Ok(())
    }
}

fn status(code: i32, what: &str) -> Result<()> {
    if code == 0 { Ok(()) } else { Err(Error::invalid_argument(format!("the host refused {what}"))) }
}

impl Services for RawHost<'_> {
    fn log(&self, level: LogLevel, text: &str) {
        if let Some(log) = self.host.log {
            // SAFETY: the host's own function and context; the text lives during the call.
            unsafe { log(self.host.context, level as u32, raw::Text::of(text)) };
        }
    }

    fn progress(&self, fraction: f32) {
        if let Some(progress) = self.host.progress {
            // SAFETY: the host's own function and context.
            unsafe { progress(self.host.context, fraction) };
        }
    }

    fn is_cancelled(&self) -> bool {
        // SAFETY: the host's own function and context.
        self.host.is_cancelled.is_some_and(|is_cancelled| unsafe { is_cancelled(self.host.context) } != 0)
    }

    fn seed(&self) -> u64 {
        self.host.seed
    }
}

impl Sink for RawHost<'_> {
    fn columns(&mut self, port: u32, columns: &[Column]) -> Result<()> {
        let emit = self.host.emit_columns.ok_or_else(|| Self::lacks("tables"))?;
        self.widths.borrow_mut().push((port, columns.len()));
        let columns: Vec<raw::Column> = columns
            .iter()
            .map(|column| raw::Column {
                name: raw::Text::of(&column.name),
                unit: column.unit as u32,
                kind: column.kind as u32,
            })
            .collect();
        // SAFETY: the host's own function and context; the columns live during the call.
        status(
            unsafe { emit(self.host.context, port, columns.as_ptr(), columns.len() as u64) },
            "the columns",
        )
    }

    fn rows(&mut self, port: u32, rows: Vec<Vec<Scalar>>) -> Result<()> {
        let emit = self.host.emit_rows.ok_or_else(|| Self::lacks("tables"))?;
        let width = self.widths.borrow().iter().find(|(known, _)| *known == port).map(|(_, width)| *width);
        if rows.iter().any(|row| Some(row.len()) != width) {
            return Err(Error::invalid_argument("a row that does not fit the declared columns"));
        }
        let at_once = rows_at_once(width.unwrap_or_default());
        // In portions: a host takes so many scalars in one call, and the copies of all rows need not exist at once.
        rows.chunks(at_once).try_for_each(|rows| {
            let scalars: Vec<raw::Scalar> = rows.iter().flatten().map(scalar_out).collect();
            // SAFETY: the host's own function and context; the scalars live during the call.
            status(unsafe { emit(self.host.context, port, scalars.as_ptr(), rows.len() as u64) }, "a row")
        })
    }

    fn field(&mut self, port: u32, field: Field) -> Result<()> {
        let emit = self.host.emit_field.ok_or_else(|| Self::lacks("records"))?;
        let raw = raw::Field {
            name: raw::Text::of(&field.name),
            unit: field.unit as u32,
            reserved: 0,
            value: scalar_out(&field.value),
        };
        // SAFETY: the host's own function and context; the field lives during the call.
        status(unsafe { emit(self.host.context, port, &raw const raw) }, "a record value")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_portion_of_rows_has_no_more_scalars_than_a_host_takes_in_one_call() {
        let most = convert::MAX_COUNT as usize;
        let portions =
            [(0, 4096), (4, 4096), (4096, 4096), (4097, 4095), (1 << 20, 16), (most, 1), (most + 1, 1)];
        for (width, rows) in portions {
            assert_eq!(rows_at_once(width), rows, "{width} columns");
        }
    }
}
