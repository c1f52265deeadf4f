//! The operator trait, answered by an instance in a worker.

use std::{cell::RefCell, sync::Arc};

use parfocal_core::{
    Frame, FrameAllocator, Maker, Mortal, Rationed,
    shared::{Access, Memory, Place},
};
use parfocal_image::{DType, Extent, PixelsMut, PixelsRef, Region};
use parfocal_operator::{Input, InputRegion, InputSpec, Operator, Output, Plan, Services, Sink, Tiles};
use parfocal_types::{Error, ErrorKind, Parameters, Result};
use parfocal_worker_protocol::{
    message::{Answer, Call, ConnectedInput, Tile, Work},
    value::Value,
};

use crate::{
    connection::{Asked, Connection},
    lane::Shop,
    notes::Desk,
};

/// Makes instances of one operator.
pub(crate) struct WorkerMaker {
    shop: Arc<Shop>,
    operator: String,
    parameters: Parameters,
    label: String,
}

impl WorkerMaker {
    pub(crate) fn new(shop: Arc<Shop>, operator: &str, parameters: &Parameters) -> Self {
        let label = format!("{}, operator `{operator}`", shop.label);
        Self { shop, operator: operator.to_owned(), parameters: parameters.clone(), label }
    }
}

impl Maker for WorkerMaker {
    type Instance = WorkerInstance;

    fn label(&self) -> &str {
        &self.label
    }

    fn make(&self) -> Result<WorkerInstance> {
        let connection = self.shop.take()?;
        let number = self.shop.number();
        let instance = WorkerInstance {
            number,
            label: self.label.clone(),
            arena: self.shop.arena(),
            shop: Arc::clone(&self.shop),
            connection: RefCell::new(Some(connection)),
        };
        let parameters = self.parameters.iter();
        let call = Call::Create {
            instance: number,
            operator: self.operator.clone(),
            parameters: parameters.map(|(name, value)| (name.to_owned(), Value::from(value))).collect(),
        };
        instance.ask(call, &[], &mut Desk::default())?;
        Ok(instance)
    }
}

/// An instance in a worker that nobody else uses meanwhile.
pub(crate) struct WorkerInstance {
    number: u32,
    label: String,
    shop: Arc<Shop>,
    /// Where pixels go that do not lie in shared memory.
    arena: FrameAllocator,
    /// `None` when the worker is lost.
    connection: RefCell<Option<Connection>>,
}

impl Drop for WorkerInstance {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            self.shop.part(connection, self.number);
        }
    }
}

impl Mortal for WorkerInstance {
    fn is_lost(&self) -> bool {
        self.connection.try_borrow().is_ok_and(|connection| connection.is_none())
    }
}

/// Pixels of a call, as the worker sees them.
struct Shown {
    tile: Tile,
    memory: Memory,
    /// The copy, when the pixels do not lie in shared memory.
    copy: Option<Frame>,
}

impl WorkerInstance {
    fn ask(&self, call: Call, body: &[&[u8]], desk: &mut Desk<'_>) -> Result<(Answer, Vec<u8>)> {
        self.converse(desk, |connection, limit, desk| connection.ask(Asked { call, body, limit }, desk))
    }

    /// Talks with the worker; one that is lost by it is never talked to again.
    fn converse<T>(
        &self,
        desk: &mut Desk<'_>,
        talk: impl FnOnce(&mut Connection, std::time::Duration, &mut Desk<'_>) -> Result<T>,
    ) -> Result<T> {
        let mut place =
            self.connection.try_borrow_mut().map_err(|_| Error::internal("an instance was entered twice"))?;
        let connection = place.as_mut().ok_or_else(|| Error::internal("the worker is lost"))?;
        let result = talk(connection, self.shop.limit(), desk);
        let dead = connection.is_dead();
        if dead {
            *place = None;
        }
        result.map_err(|error| {
            let error = error.with_origin(&self.label);
            if dead && *error.kind() != ErrorKind::Cancelled {
                self.shop.died(&error);
            }
            error
        })
    }

    fn nothing(&self, call: Call, body: &[&[u8]], services: &dyn Services) -> Result<()> {
        self.ask(call, body, &mut desk(services)).map(drop)
    }

    fn bytes(&self, call: Call, body: &[&[u8]], services: &dyn Services) -> Result<Vec<u8>> {
        self.ask(call, body, &mut desk(services)).map(|(_, bytes)| bytes)
    }

    fn strange(&self, call: &str) -> Error {
        let kind = ErrorKind::Protocol { raw: call.to_owned() };
        Error::new(kind, format!("answered `{call}` with something else"))
            .with_origin(&self.label)
            .with_remedy("this is a defect of the plugin: report it to its author")
    }

    fn show_input(&self, input: &Input<'_>) -> Result<Shown> {
        let pixels: &PixelsRef<'_> = &input.pixels;
        let (place, copy) = match Memory::of(pixels.bytes()) {
            Some(place) => (place, None),
            None => {
                let frame = self.copy(pixels.bytes(), FrameAllocator::allocate_input)?;
                (placed(&frame)?, Some(frame))
            }
        };
        let strides = pixels.strides().map(|stride| stride as u64);
        let tile = Tile {
            port: input.port,
            dtype: pixels.dtype(),
            region: *pixels.region(),
            strides,
            full: input.full,
            memory: place.memory.number(),
            offset: place.offset,
            length: pixels.bytes().len() as u64,
            frames: input.frames.to_vec(),
        };
        Ok(Shown { tile, memory: place.memory, copy })
    }

    fn show_output(&self, port: u32, pixels: &mut PixelsMut<'_>, full: Extent) -> Result<Shown> {
        let bytes: &[u8] = pixels.bytes_mut();
        let length = bytes.len() as u64;
        let (place, copy) = match Memory::of(bytes).filter(|place| place.memory.access() == Access::Write) {
            Some(place) => (place, None),
            // With what is there: between the rows lies what is not the operator's.
            None => {
                let frame = self.copy(bytes, FrameAllocator::allocate)?;
                (placed(&frame)?, Some(frame))
            }
        };
        let tile = Tile {
            port,
            dtype: pixels.dtype(),
            region: *pixels.region(),
            strides: pixels.strides().map(|stride| stride as u64),
            full,
            memory: place.memory.number(),
            offset: place.offset,
            length,
            frames: Vec::new(),
        };
        Ok(Shown { tile, memory: place.memory, copy })
    }

    fn copy(
        &self,
        bytes: &[u8],
        allocate: fn(&FrameAllocator, DType, Region) -> Result<Frame>,
    ) -> Result<Frame> {
        let region = Region::whole(Extent::plane(1, bytes.len() as u64));
        let mut frame = allocate(&self.arena, DType::U8, region)?;
        frame.bytes_mut().copy_from_slice(bytes);
        Ok(frame)
    }

    /// Works on tiles; `call` says how the worker is asked.
    fn work(
        &self,
        tiles: (Region, &[Input<'_>], &mut [Output<'_>]),
        services: &dyn Services,
        call: impl FnOnce(Work) -> Call,
    ) -> Result<Vec<u8>> {
        let (core, inputs, outputs) = tiles;
        let inputs = inputs.iter().map(|input| self.show_input(input)).collect::<Result<Vec<_>>>()?;
        let mut shown = Vec::with_capacity(outputs.len());
        for (port, output) in (0..).zip(outputs.iter_mut()) {
            shown.push(self.show_output(port, &mut output.pixels, output.full)?);
        }
        let work = Work {
            instance: self.number,
            seed: services.seed(),
            core,
            inputs: inputs.iter().map(|shown| shown.tile.clone()).collect(),
            outputs: shown.iter().map(|shown| shown.tile.clone()).collect(),
        };
        let (_, bytes) = self.converse(&mut desk(services), |connection, limit, desk| {
            inputs.iter().chain(&shown).try_for_each(|shown| connection.share(&shown.memory, limit))?;
            connection.ask(Asked { call: call(work), body: &[], limit }, desk)
        })?;
        self.shop.lives();
        for (output, shown) in outputs.iter_mut().zip(&shown) {
            if let Some(copy) = &shown.copy {
                output.pixels.bytes_mut().copy_from_slice(copy.bytes());
            }
        }
        Ok(bytes)
    }
}

fn placed(frame: &Frame) -> Result<Place> {
    Memory::of(frame.bytes())
        .ok_or_else(|| Error::not_supported("workers on this system, which has no shared memory"))
}

fn desk(services: &dyn Services) -> Desk<'_> {
    Desk { services: Some(services), sink: None }
}

impl Operator for WorkerInstance {
    fn plan(&mut self, inputs: &[InputSpec<'_>], services: &dyn Services) -> Result<Plan> {
        let inputs = inputs.iter();
        let call = Call::Plan {
            instance: self.number,
            seed: services.seed(),
            inputs: inputs.map(|i| ConnectedInput { port: i.port, spec: i.spec.clone() }).collect(),
        };
        match self.ask(call, &[], &mut desk(services))? {
            (Answer::Plan(plan), _) => Ok(*plan),
            _ => Err(self.strange("plan")),
        }
    }

    fn required_input(&self, core: &Region) -> Result<Vec<InputRegion>> {
        let call = Call::RequiredInput { instance: self.number, core: *core };
        match self.ask(call, &[], &mut Desk::default())? {
            (Answer::Regions(regions), _) => Ok(regions),
            _ => Err(self.strange("required-input")),
        }
    }

    fn reset(&mut self, services: &dyn Services) -> Result<()> {
        self.nothing(Call::Reset { instance: self.number, seed: services.seed() }, &[], services)
    }

    fn run(&mut self, tiles: &mut Tiles<'_>, services: &dyn Services) -> Result<()> {
        self.work((tiles.core, tiles.inputs, tiles.outputs), services, Call::Run).map(drop)
    }

    fn accumulate(&mut self, tiles: &Tiles<'_>, services: &dyn Services) -> Result<Vec<u8>> {
        self.work((tiles.core, tiles.inputs, &mut []), services, Call::Accumulate)
    }

    fn merge(&mut self, left: Vec<u8>, right: &[u8], services: &dyn Services) -> Result<Vec<u8>> {
        let call = Call::Merge { instance: self.number, seed: services.seed(), left: left.len() as u64 };
        self.bytes(call, &[&left, right], services)
    }

    fn finish(&mut self, total: &[u8], sink: &mut dyn Sink, services: &dyn Services) -> Result<Vec<u8>> {
        let call = Call::Finish { instance: self.number, seed: services.seed() };
        let mut sink = Rationed::new(sink, self.shop.artifact.limits.memory);
        let mut desk = Desk { services: Some(services), sink: Some(&mut sink) };
        self.ask(call, &[total], &mut desk).map(|(_, conclusion)| conclusion)
    }

    fn conclude(&mut self, conclusion: &[u8], services: &dyn Services) -> Result<()> {
        self.nothing(Call::Conclude { instance: self.number, seed: services.seed() }, &[conclusion], services)
    }

    fn save(&mut self, services: &dyn Services) -> Result<Vec<u8>> {
        self.bytes(Call::Save { instance: self.number, seed: services.seed() }, &[], services)
    }

    fn load(&mut self, state: &[u8], services: &dyn Services) -> Result<()> {
        self.nothing(Call::Load { instance: self.number, seed: services.seed() }, &[state], services)
    }
}
