//! The host table that a plugin calls back during one call.

#![allow(unsafe_code, reason = "these functions are called from C")]

use core::{ffi::c_void, marker::PhantomData, ptr};
use std::panic::{AssertUnwindSafe, catch_unwind};

use parfocal_abi::{
    Said, operator_1 as raw, read_bytes, read_columns, read_error, read_field, read_plan, read_regions,
    read_rows, read_text,
};
use parfocal_operator::{InputRegion, LogLevel, Plan, Services, Sink};
use parfocal_types::{Error, ErrorKind, Result};

/// What a plugin said during one call, and what it may use.
#[derive(Default)]
pub(crate) struct Context<'a> {
    pub(crate) services: Option<&'a dyn Services>,
    pub(crate) sink: Option<&'a mut dyn Sink>,
    pub(crate) plan: Option<Result<Plan>>,
    pub(crate) regions: Option<Result<Vec<InputRegion>>>,
    pub(crate) bytes: Option<Result<Vec<u8>>>,
    /// Whether the plugin said that its instance must not be used again.
    pub(crate) instance_lost: bool,
    /// What the plugin said before it returned a code.
    error: Option<Error>,
    /// What the host refused to take. It stands even when the plugin goes on as if nothing had been.
    refusal: Option<Error>,
    /// Number of columns of each table port that was declared.
    widths: Vec<(u32, usize)>,
}

impl<'a> Context<'a> {
    pub(crate) fn with_services(services: &'a dyn Services) -> Self {
        Self { services: Some(services), ..Self::default() }
    }

    /// Calls into the plugin with a host table for this context, and turns its code into a result.
    pub(crate) fn call(&mut self, label: &str, call: impl FnOnce(*const raw::Host) -> i32) -> Result<()> {
        let code = {
            let host = HostTable::new(self);
            call(&raw const host.table)
        };
        if let Some(refusal) = self.refusal.take() {
            return Err(refusal.with_origin(label));
        }
        if code == 0 {
            return Ok(());
        }
        let said = self.error.take().filter(|error| error.kind().code() == code);
        let error = said.unwrap_or_else(|| {
            let kind = ErrorKind::from_wire(code, &[]);
            let name = kind.name();
            Error::new(kind, format!("returned code {code} ({name}) without a message"))
        });
        Err(error.with_origin(label))
    }
}

/// The raw table, tied to the context that it points to.
struct HostTable<'c> {
    table: raw::Host,
    _context: PhantomData<&'c mut ()>,
}

impl<'c> HostTable<'c> {
    fn new(context: &'c mut Context<'_>) -> Self {
        let seed = context.services.map_or(0, Services::seed);
        let table = raw::Host {
            struct_size: size_of::<raw::Host>() as u64,
            context: ptr::from_mut(context).cast(),
            seed,
            log: Some(log),
            progress: Some(progress),
            is_cancelled: Some(is_cancelled),
            set_error: Some(set_error),
            answer_plan: Some(answer_plan),
            answer_regions: Some(answer_regions),
            answer_bytes: Some(answer_bytes),
            emit_columns: Some(emit_columns),
            emit_rows: Some(emit_rows),
            emit_field: Some(emit_field),
            get_extension: Some(get_extension),
        };
        Self { table, _context: PhantomData }
    }
}

/// Runs `work` on the context; a null context or a panic of the host's own code does nothing, instead of unwinding into
/// the plugin.
fn with<R: Default>(context: *mut c_void, work: impl FnOnce(&mut Context<'_>) -> R) -> R {
    try_with(context, work).unwrap_or_default()
}

/// As [`with`]; `None` for a null context or a panic, which the context keeps as its error.
fn try_with<R>(context: *mut c_void, work: impl FnOnce(&mut Context<'_>) -> R) -> Option<R> {
    // SAFETY: the pointer was made from a `Context` that outlives the call, and calls back come one at a time, from the
    // thread of the call, as the contract says.
    let context = unsafe { context.cast::<Context<'_>>().as_mut() }?;
    let result = catch_unwind(AssertUnwindSafe(|| work(context))).ok();
    if result.is_none() {
        context.refusal = Some(Error::internal("the host panicked while it served the plugin"));
    }
    result
}

unsafe extern "C" fn log(context: *mut c_void, level: u32, text: raw::Text) {
    // SAFETY: the plugin gives a valid text.
    let text = unsafe { read_text(text) };
    with(context, |context| {
        if let Some(services) = context.services {
            services.log(LogLevel::from_code(level), &text);
        }
    });
}

unsafe extern "C" fn progress(context: *mut c_void, fraction: f32) {
    with(context, |context| {
        if let Some(services) = context.services {
            services.progress(fraction);
        }
    });
}

unsafe extern "C" fn is_cancelled(context: *mut c_void) -> u32 {
    with(context, |context| u32::from(context.services.is_some_and(Services::is_cancelled)))
}

unsafe extern "C" fn set_error(context: *mut c_void, error: *const raw::ErrorInfo) {
    // SAFETY: the plugin gives null or a valid error.
    let Said { error, instance_lost } = unsafe { read_error(error) };
    with(context, |context| {
        context.error = Some(error);
        context.instance_lost |= instance_lost;
    });
}

unsafe extern "C" fn answer_plan(context: *mut c_void, plan: *const raw::Plan) {
    // SAFETY: the plugin gives null or a plan.
    let plan = (!plan.is_null()).then(|| unsafe { read_plan(plan) });
    with(context, |context| context.plan = plan);
}

unsafe extern "C" fn answer_regions(context: *mut c_void, regions: *const raw::InputRegion, count: u64) {
    // SAFETY: the plugin gives valid regions.
    let regions = unsafe { read_regions(regions, count) };
    with(context, |context| context.regions = Some(regions));
}

unsafe extern "C" fn answer_bytes(context: *mut c_void, bytes: raw::Bytes) {
    // SAFETY: the plugin gives valid bytes.
    let bytes = unsafe { read_bytes(bytes) };
    with(context, |context| context.bytes = Some(bytes));
}

/// Gives what was read to the sink; keeps the error, and returns its code.
fn emit(context: *mut c_void, work: impl FnOnce(&mut Context<'_>) -> Result<()>) -> i32 {
    let code = try_with(context, |context| match work(context) {
        Ok(()) => 0,
        Err(error) => {
            let code = error.kind().code();
            context.refusal.get_or_insert(error);
            code
        }
    });
    code.unwrap_or_else(|| ErrorKind::Internal.code())
}

fn no_sink() -> Error {
    Error::new(
        ErrorKind::BadState { need: "finish".into(), is: "another call".into() },
        "tables and records are taken during `finish` only",
    )
}

unsafe extern "C" fn emit_columns(
    context: *mut c_void,
    port: u32,
    columns: *const raw::Column,
    count: u64,
) -> i32 {
    // SAFETY: the plugin gives valid columns.
    let columns = unsafe { read_columns(columns, count) };
    emit(context, |context| {
        let columns = columns?;
        context.sink.as_deref_mut().ok_or_else(no_sink)?.columns(port, &columns)?;
        context.widths.retain(|(known, _)| *known != port);
        context.widths.push((port, columns.len()));
        Ok(())
    })
}

unsafe extern "C" fn emit_rows(
    context: *mut c_void,
    port: u32,
    scalars: *const raw::Scalar,
    row_count: u64,
) -> i32 {
    emit(context, |context| {
        let width = context.widths.iter().find(|(known, _)| *known == port).map(|(_, width)| *width);
        let width =
            width.ok_or_else(|| Error::invalid_argument("rows came before the columns of their table"))?;
        // SAFETY: the plugin gives as many scalars as rows times the columns that it declared.
        let rows = unsafe { read_rows(scalars, row_count, width) }?;
        context.sink.as_deref_mut().ok_or_else(no_sink)?.rows(port, rows)
    })
}

unsafe extern "C" fn emit_field(context: *mut c_void, port: u32, field: *const raw::Field) -> i32 {
    // SAFETY: the plugin gives null or a valid field.
    let field = unsafe { read_field(field) };
    emit(context, |context| context.sink.as_deref_mut().ok_or_else(no_sink)?.field(port, field?))
}

unsafe extern "C" fn get_extension(_context: *mut c_void, _id: raw::Text) -> *const c_void {
    ptr::null()
}
