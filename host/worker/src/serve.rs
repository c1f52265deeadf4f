//! The worker's side: answers the protocol with a library.

use std::{
    collections::BTreeMap,
    os::{fd::AsFd, unix::net::UnixStream},
    sync::Arc,
};

use parfocal_core::Library;
use parfocal_image::{PixelsMut, PixelsRef};
use parfocal_operator::{Input, InputSpec, LogLevel, Operator, Output, Services, Sink, Tiles};
use parfocal_types::{
    Error, ErrorKind, InterfaceVersion, Result,
    table::{Column, Field, Scalar},
};
use parfocal_worker_protocol::{
    Channel, Message,
    channel::wait_for,
    failure::Failure,
    message::{Answer, Call, FromWorker, Request, Tile, Work},
    value::{Cell, Value},
};

use crate::{
    memory::{ControlPage, Part, SharedMemory},
    process::Threads,
};

/// Answers calls until the host closes the connection. `library` is what was loaded, or why it could not be: the host is told
/// in the answer to its `hello`.
///
/// Outputs cannot be written any more when a call is answered, so that a thread which writes late dies here instead of changing
/// what the host has read. That takes a tenth of a millisecond for 8 MiB, and is left out where `threads` says that there is no
/// other thread.
///
/// # Errors
/// `protocol` when the other side does not speak `worker/1`; `lost` when the connection breaks in the middle of a message.
pub fn serve(socket: UnixStream, library: Result<Arc<dyn Library>>, threads: Option<Threads>) -> Result<()> {
    let channel = Channel::new(socket)?;
    let wait = &mut |want| wait_for(&channel, want);
    let hello = channel.receive(wait)?;
    let request: Request = hello.read()?;
    let (library, control) =
        match library.and_then(|library| Ok((welcome(&request.call, &library)?, library, page(&hello)?))) {
            Ok((answer, library, control)) => {
                channel.send(&FromWorker::Done { id: request.id, answer }, &[], &[], wait)?;
                (library, control)
            }
            Err(error) => {
                let error = Failure::of(&error);
                return channel.send(&FromWorker::Failed { id: request.id, error }, &[], &[], wait);
            }
        };
    let (instances, memories) = (BTreeMap::new(), BTreeMap::new());
    let mut worker = Worker { library, channel, control, threads, instances, memories };
    while let Some(message) = worker.next()? {
        worker.answer(&message)?;
    }
    Ok(())
}

fn welcome(call: &Call, library: &Arc<dyn Library>) -> Result<Answer> {
    let Call::Hello { worker, operator, .. } = call else {
        let kind = ErrorKind::BadState { need: "`hello` first".into(), is: format!("`{}`", call.name()) };
        return Err(Error::new(kind, "the first call is not `hello`"));
    };
    let info = library.info();
    let ours = parfocal_worker_protocol::VERSION;
    Ok(Answer::Welcome {
        worker: chosen("worker", ours, worker)?,
        operator: chosen("operator", info.interface, operator)?,
        plugin: info.plugin.clone(),
        version: info.version.to_string(),
        operators: library.operators().to_vec(),
    })
}

fn chosen(name: &str, ours: InterfaceVersion, theirs: &[InterfaceVersion]) -> Result<InterfaceVersion> {
    if theirs.contains(&ours) {
        return Ok(ours);
    }
    let need: Vec<_> = theirs.iter().map(|version| format!("{name}/{version}")).collect();
    let (have, need) = (format!("{name}/{ours}"), need.join(", "));
    let sentence = format!("the worker speaks {have}, the host {need}");
    Err(Error::new(ErrorKind::Incompatible { have, need }, sentence)
        .with_remedy("install Parfocal again: `parfocal` and `parfocal-worker` belong together"))
}

fn page(hello: &Message) -> Result<ControlPage> {
    match hello.descriptors.first() {
        Some(descriptor) => ControlPage::map(descriptor),
        None => {
            Err(Error::new(ErrorKind::Protocol { raw: "hello".into() }, "`hello` without the control page"))
        }
    }
}

struct Worker {
    library: Arc<dyn Library>,
    channel: Channel,
    control: ControlPage,
    threads: Option<Threads>,
    instances: BTreeMap<u32, Box<dyn Operator>>,
    memories: BTreeMap<u64, SharedMemory>,
}

impl Worker {
    /// The next message; `None` when the host closed the connection.
    fn next(&self) -> Result<Option<Message>> {
        match self.channel.receive(&mut |want| wait_for(&self.channel, want)) {
            Ok(message) => Ok(Some(message)),
            Err(error) if *error.kind() == ErrorKind::Lost => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn answer(&mut self, message: &Message) -> Result<()> {
        let Request { id, call } = message.read()?;
        let call = match call {
            Call::Share { memory, length, writable } => return self.share(message, memory, length, writable),
            Call::Forget { memory } => {
                self.memories.remove(&memory);
                return Ok(());
            }
            call => call,
        };
        let outcome = self.call(call, &message.body);
        self.close_outputs()?;
        let (reply, body) = match outcome {
            Ok((answer, body)) => (FromWorker::Done { id, answer }, body),
            Err(error) => (FromWorker::Failed { id, error: Failure::of(&error) }, Vec::new()),
        };
        self.channel.send(&reply, &[&body], &[], &mut |want| wait_for(&self.channel, want))
    }

    fn share(&mut self, message: &Message, memory: u64, length: u64, writable: bool) -> Result<()> {
        let Some(descriptor) = message.descriptors.first() else {
            let kind = ErrorKind::Protocol { raw: "share".into() };
            return Err(Error::new(kind, "`share` without a descriptor"));
        };
        self.memories.insert(memory, SharedMemory::map(descriptor.as_fd(), length, writable)?);
        Ok(())
    }

    /// Takes away the right to write outputs, when somebody is there who might.
    fn close_outputs(&mut self) -> Result<()> {
        if self.threads.as_ref().is_some_and(Threads::is_alone) {
            return Ok(());
        }
        self.memories.values_mut().try_for_each(|memory| memory.open(&[]))
    }

    /// Does what was asked for; the answer, and its body.
    fn call(&mut self, call: Call, body: &[u8]) -> Result<(Answer, Vec<u8>)> {
        let Self { library, channel, control, instances, memories, .. } = self;
        let nothing = |()| (Answer::Nothing, Vec::new());
        let bytes = |bytes| (Answer::Nothing, bytes);
        let desk = |seed| Desk { channel, control, seed };
        let instance = |number: u32, instances: &mut BTreeMap<u32, Box<dyn Operator>>| {
            instances.remove(&number).map(|instance| (number, instance)).ok_or_else(|| no_instance(number))
        };
        // An instance is out of the table while it works, and back whatever comes of it.
        macro_rules! with {
            ($number:expr, |$operator:ident| $work:expr) => {{
                let (number, mut taken) = instance($number, instances)?;
                let $operator = &mut taken;
                let result = $work;
                instances.insert(number, taken);
                result
            }};
        }
        match call {
            Call::Hello { .. } | Call::Share { .. } | Call::Forget { .. } => {
                let kind =
                    ErrorKind::BadState { need: "a call on an instance".into(), is: "connected".into() };
                Err(Error::new(kind, "`hello` comes once"))
            }
            Call::Create { instance, operator, parameters } => {
                let parameters = parameters.into_iter().map(|(name, value)| (name, value.into())).collect();
                instances.insert(instance, library.create(&operator, &parameters)?);
                Ok(nothing(()))
            }
            Call::Destroy { instance } => {
                instances.remove(&instance).map(drop).map(nothing).ok_or_else(|| no_instance(instance))
            }
            Call::Plan { instance: number, seed, inputs } => with!(number, |operator| {
                let inputs: Vec<_> =
                    inputs.iter().map(|input| InputSpec { port: input.port, spec: &input.spec }).collect();
                let plan = operator.plan(&inputs, &desk(seed));
                plan.map(|plan| (Answer::Plan(Box::new(plan)), Vec::new()))
            }),
            Call::RequiredInput { instance: number, core } => with!(number, |operator| {
                operator.required_input(&core).map(|regions| (Answer::Regions(regions), Vec::new()))
            }),
            Call::Reset { instance: number, seed } => {
                with!(number, |operator| operator.reset(&desk(seed)).map(nothing))
            }
            Call::Run(work) => with!(work.instance, |operator| {
                let services = desk(work.seed);
                with_tiles(memories, &work, |tiles| operator.run(tiles, &services)).map(nothing)
            }),
            Call::Accumulate(work) => with!(work.instance, |operator| {
                let services = desk(work.seed);
                with_tiles(memories, &work, |tiles| operator.accumulate(tiles, &services)).map(bytes)
            }),
            Call::Merge { instance: number, seed, left } => with!(number, |operator| {
                let cut = usize::try_from(left).ok().filter(|cut| *cut <= body.len());
                match cut.map(|cut| body.split_at(cut)) {
                    Some((left, right)) => operator.merge(left.to_vec(), right, &desk(seed)).map(bytes),
                    None => Err(Error::invalid_argument("two partial results that are shorter than said")),
                }
            }),
            Call::Finish { instance: number, seed } => with!(number, |operator| {
                let services = desk(seed);
                operator.finish(body, &mut Notes { channel }, &services).map(bytes)
            }),
            Call::Conclude { instance: number, seed } => {
                with!(number, |operator| operator.conclude(body, &desk(seed)).map(nothing))
            }
            Call::Save { instance: number, seed } => {
                with!(number, |operator| operator.save(&desk(seed)).map(bytes))
            }
            Call::Load { instance: number, seed } => {
                with!(number, |operator| operator.load(body, &desk(seed)).map(nothing))
            }
        }
    }
}

fn no_instance(number: u32) -> Error {
    Error::not_found(format!("there is no instance {number}"))
}

/// Shows the tiles of a call to whoever works on them.
fn with_tiles<T>(
    memories: &mut BTreeMap<u64, SharedMemory>,
    work: &Work,
    run: impl FnOnce(&mut Tiles<'_>) -> Result<T>,
) -> Result<T> {
    let parts = open(memories, &work.outputs)?;
    let memory = |tile: &Tile| memories.get(&tile.memory).ok_or_else(|| not_shared(tile));
    let inputs = work
        .inputs
        .iter()
        .map(|tile| {
            let bytes = memory(tile)?.bytes(tile.offset, tile.length)?;
            let pixels = PixelsRef::new(tile.dtype, bytes, tile.region, strides(tile)?)?;
            Ok(Input { port: tile.port, pixels, full: tile.full, frames: &tile.frames })
        })
        .collect::<Result<Vec<_>>>()?;
    let mut outputs = work
        .outputs
        .iter()
        .zip(parts)
        .map(|(tile, part)| {
            let bytes = memory(tile)?.bytes_mut(part)?;
            let pixels = PixelsMut::new(tile.dtype, bytes, tile.region, strides(tile)?)?;
            Ok(Output { pixels, full: tile.full })
        })
        .collect::<Result<Vec<_>>>()?;
    run(&mut Tiles { core: work.core, inputs: &inputs, outputs: &mut outputs })
}

/// Makes the places of the outputs writable and no others; where they lie in their memories.
fn open(memories: &mut BTreeMap<u64, SharedMemory>, outputs: &[Tile]) -> Result<Vec<Part>> {
    let mut parts: Vec<Part> = Vec::with_capacity(outputs.len());
    for (number, tile) in outputs.iter().enumerate() {
        let memory = memories.get(&tile.memory).ok_or_else(|| not_shared(tile))?;
        let (start, length) = memory.part(tile.offset, tile.length)?;
        let overlaps = |(other, (from, size)): (&Tile, &Part)| {
            other.memory == tile.memory && start < from + size && *from < start + length
        };
        if outputs[..number].iter().zip(&parts).any(overlaps) {
            return Err(Error::invalid_argument("two outputs at the same place"));
        }
        parts.push((start, length));
    }
    for (number, memory) in memories {
        let own = outputs.iter().zip(&parts).filter(|(tile, _)| tile.memory == *number);
        memory.open(&own.map(|(_, part)| *part).collect::<Vec<_>>())?;
    }
    Ok(parts)
}

fn not_shared(tile: &Tile) -> Error {
    Error::not_found(format!("memory {} was not shared", tile.memory))
}

fn strides(tile: &Tile) -> Result<[usize; 4]> {
    let mut strides = [0; 4];
    for (into, stride) in strides.iter_mut().zip(tile.strides) {
        *into = usize::try_from(stride).map_err(|_| Error::invalid_argument("strides beyond the memory"))?;
    }
    Ok(strides)
}

/// The host's services, over the connection and the control page.
struct Desk<'a> {
    channel: &'a Channel,
    control: &'a ControlPage,
    seed: u64,
}

impl Services for Desk<'_> {
    fn log(&self, level: LogLevel, text: &str) {
        let note = FromWorker::Log { level, text: text.to_owned() };
        // A host that cannot be told is gone, which the next message tells.
        let _ = self.channel.send(&note, &[], &[], &mut |want| wait_for(self.channel, want));
    }

    fn progress(&self, fraction: f32) {
        self.control.set_progress(fraction);
        self.control.beat();
    }

    fn is_cancelled(&self) -> bool {
        self.control.beat();
        self.control.is_cancelled()
    }

    fn seed(&self) -> u64 {
        self.seed
    }
}

/// Tables and records, as notes.
struct Notes<'a> {
    channel: &'a Channel,
}

impl Notes<'_> {
    fn send(&self, note: &FromWorker) -> Result<()> {
        self.channel.send(note, &[], &[], &mut |want| wait_for(self.channel, want))
    }
}

impl Sink for Notes<'_> {
    fn columns(&mut self, port: u32, columns: &[Column]) -> Result<()> {
        self.send(&FromWorker::Columns { port, columns: columns.to_vec() })
    }

    fn rows(&mut self, port: u32, rows: Vec<Vec<Scalar>>) -> Result<()> {
        let rows = rows.into_iter().map(|row| row.into_iter().map(Cell::from).collect()).collect();
        self.send(&FromWorker::Rows { port, rows })
    }

    fn field(&mut self, port: u32, field: Field) -> Result<()> {
        let Field { name, unit, value } = field;
        self.send(&FromWorker::Field { port, name, unit, value: Value::from(value) })
    }
}
