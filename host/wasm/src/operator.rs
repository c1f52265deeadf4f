//! The host's operator trait, answered by an instance that is made anew when it was lost.

use std::cell::RefCell;
use std::sync::Arc;

use parfocal_image::Region;
use parfocal_operator::{
    InputRegion, InputSpec, LogLevel, Operator, Output, Plan, Services, Sink, Tiles, Tiling,
};
use parfocal_types::{
    error::{Error, ErrorKind, Result},
    parameter::Parameters,
    table::{Column, Field, Scalar},
};
use parfocal_wit::Cross;
use wasmtime::Store;

use crate::{
    bindings::types,
    death,
    desk::{Desk, Listener, Nobody, drive},
    instance::{Body, Called, empty_store, wanted_all},
    lane::Loaded,
    state::State,
    tiles::Painter,
};

/// An operator of a component.
pub(crate) struct WasmOperator {
    library: Arc<Loaded>,
    /// For messages.
    operator: String,
    life: RefCell<Life>,
    story: Story,
    /// Whether it planned to see an axis in order: then an instance that is lost takes with it what it saw.
    in_order: bool,
}

/// The instance behind an operator.
enum Life {
    Living(Box<Live>),
    /// The next call makes a new one.
    Lost,
    /// Lost in a sequence: a new one would go on as if it had seen what came before.
    Torn,
}

struct Live {
    store: Store<State>,
    body: Body,
}

/// What an instance was told, to tell it again to its successor.
struct Story {
    parameters: Vec<(String, types::Scalar)>,
    planned: Option<Planned>,
    state: Option<Vec<u8>>,
    conclusion: Option<Vec<u8>>,
}

/// What it was planned for.
struct Planned {
    inputs: Vec<types::InputSpec>,
    seed: u64,
}

/// The services of what is told again: the user has read it, so nobody listens, and it is told as in the run that it was
/// planned for.
struct Again<'a> {
    now: Option<&'a dyn Services>,
    seed: u64,
}

impl Services for Again<'_> {
    fn log(&self, _: LogLevel, _: &str) {}

    fn progress(&self, _: f32) {}

    fn is_cancelled(&self) -> bool {
        self.now.is_some_and(Services::is_cancelled)
    }

    fn seed(&self) -> u64 {
        self.seed
    }
}

/// A call on the body of a living instance; the borrows are those of the call.
macro_rules! call {
    ($method:ident $(, $argument:expr)*) => {
        async |store: &mut Store<State>, body: &mut Body| {
            let (calls, handle) = body.calls();
            calls.$method(&mut *store, handle $(, $argument)*).await
        }
    };
}

impl WasmOperator {
    /// Makes the first instance at once, so that what the operator says to its parameters is heard now.
    pub(crate) fn new(library: Arc<Loaded>, operator: &str, parameters: &Parameters) -> Result<Self> {
        let parameters =
            parameters.iter().map(|(name, value)| (name.to_owned(), value.clone().cross())).collect();
        let story = Story { parameters, planned: None, state: None, conclusion: None };
        let life = RefCell::new(Life::Lost);
        let mut made = Self { library, operator: operator.to_owned(), life, story, in_order: false };
        *made.life.get_mut() = Life::Living(Box::new(made.live(None)?));
        Ok(made)
    }

    fn doing(&self, call: &str) -> String {
        format!("operator `{}`, in `{call}`", self.operator)
    }

    /// A new instance that was told the whole story.
    fn live(&self, services: Option<&dyn Services>) -> Result<Live> {
        let mut store = empty_store(&self.library.engine, self.library.limits.memory);
        let body = self.drive(&mut store, "create", &mut Nobody, async |store| {
            Body::create(store, &self.library.ready, &self.operator, &self.story.parameters).await
        })?;
        let mut live = Live { store, body };
        let Story { planned, state, conclusion, .. } = &self.story;
        let Some(Planned { inputs, seed }) = planned else { return Ok(live) };
        let again = Again { now: services, seed: *seed };
        let desk = &mut Listener(&again);
        self.step(&mut live, "plan", desk, call!(call_plan, inputs))?;
        if let Some(state) = state {
            self.step(&mut live, "load", desk, call!(call_load, state))?;
        }
        if let Some(conclusion) = conclusion {
            self.step(&mut live, "conclude", desk, call!(call_conclude, conclusion))?;
        }
        Ok(live)
    }

    /// Runs a call to its end; an error of the runtime is turned into ours and marks the store as dead.
    fn drive<T>(
        &self,
        store: &mut Store<State>,
        call: &str,
        desk: &mut dyn Desk,
        work: impl AsyncFnOnce(&mut Store<State>) -> Called<T>,
    ) -> Result<T> {
        store.data_mut().last_words = None;
        store.data_mut().limiter.take_denied();
        let limit = self.library.limits.call;
        let ticking = self.library.engine.tick();
        let ended = drive(desk, limit, work(store));
        drop(ticking);
        let result = match ended {
            Ok(Ok(Ok(value))) => return Ok(value),
            Ok(Ok(Err(error))) => return Err(Cross::<Error>::cross(error).with_origin(&self.library.label)),
            Ok(Err(trap)) => death::of_trap(&trap, store.data_mut(), &self.doing(call)),
            Err(stopped) => death::of_stop(stopped, limit, &self.doing(call)),
        };
        store.data_mut().dead = true;
        Err(result.with_origin(&self.library.label))
    }

    fn step<T>(
        &self,
        live: &mut Live,
        call: &str,
        desk: &mut dyn Desk,
        work: impl AsyncFnOnce(&mut Store<State>, &mut Body) -> Called<T>,
    ) -> Result<T> {
        let Live { store, body } = live;
        self.drive(store, call, desk, async |store| work(store, body).await)
    }

    /// A call on the living instance, or on a new one when the last was lost.
    fn call<T>(
        &self,
        call: &str,
        desk: &mut dyn Desk,
        work: impl AsyncFnOnce(&mut Store<State>, &mut Body) -> Called<T>,
    ) -> Result<T> {
        let mut life =
            self.life.try_borrow_mut().map_err(|_| Error::internal("an instance was entered twice"))?;
        let lost = || if self.in_order { Life::Torn } else { Life::Lost };
        let mut live = match std::mem::replace(&mut *life, lost()) {
            Life::Living(live) => live,
            Life::Lost => Box::new(
                self.live(desk.services())
                    .map_err(|error| error.context("making a new instance after the last was lost"))?,
            ),
            Life::Torn => return Err(self.torn(call)),
        };
        let result = self.step(&mut live, call, desk, work);
        if !live.store.data().dead {
            *life = Life::Living(live);
        }
        result
    }

    /// A call with which a sequence starts: it may come after an instance was lost in one, and only its success mends that.
    fn start<T>(
        &mut self,
        call: &str,
        desk: &mut dyn Desk,
        work: impl AsyncFnOnce(&mut Store<State>, &mut Body) -> Called<T>,
    ) -> Result<T> {
        let torn = matches!(self.life.get_mut(), Life::Torn);
        if torn {
            *self.life.get_mut() = Life::Lost;
        }
        let result = self.call(call, desk, work);
        if torn && result.is_err() {
            *self.life.get_mut() = Life::Torn;
        }
        result
    }

    fn torn(&self, call: &str) -> Error {
        let doing = self.doing(call);
        Error::new(
            ErrorKind::BadState { need: "reset".into(), is: "in a sequence whose instance was lost".into() },
            format!("{doing}: its instance was lost in a sequence, with what it had seen of it"),
        )
        .with_origin(&self.library.label)
        .with_remedy("start the sequence again with `reset`, or continue from a saved state with `load`")
    }
}

impl Operator for WasmOperator {
    fn plan(&mut self, inputs: &[InputSpec<'_>], services: &dyn Services) -> Result<Plan> {
        let inputs: Vec<types::InputSpec> = inputs.iter().map(|input| input.cross()).collect();
        // What a new instance would be told is of the inputs before.
        self.story = Story {
            parameters: std::mem::take(&mut self.story.parameters),
            planned: None,
            state: None,
            conclusion: None,
        };
        self.in_order = false;
        if let Life::Torn = self.life.get_mut() {
            *self.life.get_mut() = Life::Lost;
        }
        let plan: Plan = self.call("plan", &mut Listener(services), call!(call_plan, &inputs))?.cross();
        self.story.planned = Some(Planned { inputs, seed: services.seed() });
        self.in_order = plan.tiling.contains(&Tiling::InOrder);
        Ok(plan)
    }

    fn required_input(&self, core: &Region) -> Result<Vec<InputRegion>> {
        let core = (*core).cross();
        Ok(self.call("required-input", &mut Nobody, call!(call_required_input, core))?.cross())
    }

    fn reset(&mut self, services: &dyn Services) -> Result<()> {
        self.story.state = None;
        self.start("reset", &mut Listener(services), call!(call_reset))
    }

    fn run(&mut self, tiles: &mut Tiles<'_>, services: &dyn Services) -> Result<()> {
        let (core, inputs) = (tiles.core.cross(), tiles.inputs);
        let wanted = wanted_all(tiles.outputs);
        let mut desk = Easel::new(tiles.outputs, services)?;
        self.call("run", &mut desk, async |store, body| body.run(store, core, inputs, &wanted).await)?;
        desk.finish().map_err(|error| error.context(self.doing("run")).with_origin(&self.library.label))
    }

    fn accumulate(&mut self, tiles: &Tiles<'_>, services: &dyn Services) -> Result<Vec<u8>> {
        let (core, inputs) = (tiles.core.cross(), tiles.inputs);
        let mut desk = Listener(services);
        self.call("accumulate", &mut desk, async |store, body| body.accumulate(store, core, inputs).await)
    }

    fn merge(&mut self, left: Vec<u8>, right: &[u8], services: &dyn Services) -> Result<Vec<u8>> {
        self.call("merge", &mut Listener(services), call!(call_merge, &left, right))
    }

    fn finish(&mut self, total: &[u8], sink: &mut dyn Sink, services: &dyn Services) -> Result<Vec<u8>> {
        self.call("finish", &mut Clerk { sink, services }, call!(call_finish, total))
    }

    fn conclude(&mut self, conclusion: &[u8], services: &dyn Services) -> Result<()> {
        self.call("conclude", &mut Listener(services), call!(call_conclude, conclusion))?;
        self.story.conclusion = Some(conclusion.to_vec());
        Ok(())
    }

    fn save(&mut self, services: &dyn Services) -> Result<Vec<u8>> {
        self.call("save", &mut Listener(services), call!(call_save))
    }

    fn load(&mut self, state: &[u8], services: &dyn Services) -> Result<()> {
        if !matches!(self.life.get_mut(), Life::Living(_)) {
            // A new instance is told the new state only.
            self.story.state = None;
        }
        self.start("load", &mut Listener(services), call!(call_load, state))?;
        self.story.state = Some(state.to_vec());
        Ok(())
    }
}

/// Takes tables and records.
struct Clerk<'a> {
    sink: &'a mut dyn Sink,
    services: &'a dyn Services,
}

impl Desk for Clerk<'_> {
    fn services(&self) -> Option<&dyn Services> {
        Some(self.services)
    }

    fn columns(&mut self, port: u32, columns: &[Column]) -> Result<()> {
        self.sink.columns(port, columns)
    }

    fn rows(&mut self, port: u32, rows: Vec<Vec<Scalar>>) -> Result<()> {
        self.sink.rows(port, rows)
    }

    fn field(&mut self, port: u32, field: Field) -> Result<()> {
        self.sink.field(port, field)
    }
}

/// Takes pixels.
struct Easel<'a, 'b> {
    outputs: &'a mut [Output<'b>],
    painters: Vec<Painter>,
    services: &'a dyn Services,
}

impl<'a, 'b> Easel<'a, 'b> {
    fn new(outputs: &'a mut [Output<'b>], services: &'a dyn Services) -> Result<Self> {
        let painters = outputs.iter().map(Painter::new).collect::<Result<_>>()?;
        Ok(Self { outputs, painters, services })
    }

    /// Checks that every tile was given whole.
    fn finish(&self) -> Result<()> {
        match self.painters.iter().position(|painter| !painter.is_complete()) {
            None => Ok(()),
            Some(index) => Err(Error::new(
                ErrorKind::DataIncomplete { missing: format!("pixels of output tile {index}") },
                format!("it returned without giving all pixels of output tile {index}"),
            )
            .with_remedy("report it to the plugin's author")),
        }
    }
}

impl Desk for Easel<'_, '_> {
    fn services(&self) -> Option<&dyn Services> {
        Some(self.services)
    }

    fn pixels(&mut self, output: u32, bytes: &[u8]) -> Result<()> {
        let index = usize::try_from(output).unwrap_or(usize::MAX);
        match (self.outputs.get_mut(index), self.painters.get_mut(index)) {
            (Some(output), Some(painter)) => painter.put(&mut output.pixels, bytes),
            _ => Err(Error::invalid_argument(format!(
                "there is no output tile {output}: this call has {}",
                self.painters.len()
            ))),
        }
    }
}
