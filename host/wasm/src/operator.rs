//! The host's operator trait, answered by an instance that is made anew when it was lost.

use std::{cell::RefCell, sync::Arc};

use parfocal_image::{ImageSpec, Region};
use parfocal_operator::{Operator, Output, Plan, Services, Sink, Tiles};
use parfocal_types::{
    error::{Error, ErrorKind, Result},
    parameter::Parameters,
};
use parfocal_wit::Cross;
use wasmtime::Store;

use crate::{
    bindings::types,
    death,
    exchange::{Desk, Request, drive},
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
    life: RefCell<Option<Live>>,
    story: Story,
}

struct Live {
    store: Store<State>,
    body: Body,
}

/// What an instance was told, to tell it again to its successor.
struct Story {
    parameters: Vec<(String, types::Scalar)>,
    inputs: Option<Vec<types::ImageSpec>>,
    state: Option<Vec<u8>>,
    conclusion: Option<Vec<u8>>,
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
        let story = Story { parameters, inputs: None, state: None, conclusion: None };
        let made = Self { library, operator: operator.to_owned(), life: RefCell::new(None), story };
        *made.life.borrow_mut() = Some(made.live()?);
        Ok(made)
    }

    fn doing(&self, call: &str) -> String {
        format!("operator `{}`, in `{call}`", self.operator)
    }

    /// A new instance that was told the whole story.
    fn live(&self) -> Result<Live> {
        let mut store = empty_store(&self.library.engine, self.library.limits.memory);
        let body = self.drive(&mut store, "create", &mut Nobody, async |store| {
            Body::create(store, &self.library.ready, &self.operator, &self.story.parameters).await
        })?;
        let mut live = Live { store, body };
        if let Some(inputs) = &self.story.inputs {
            self.step(&mut live, "plan", &mut Nobody, call!(call_plan, inputs))?;
        }
        if let Some(state) = &self.story.state {
            self.step(&mut live, "load", &mut Nobody, call!(call_load, state))?;
        }
        if let Some(conclusion) = &self.story.conclusion {
            self.step(&mut live, "conclude", &mut Nobody, call!(call_conclude, conclusion))?;
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
        let exchange = Arc::clone(&store.data().exchange);
        store.data_mut().last_words = None;
        store.data_mut().limiter.take_denied();
        let limit = self.library.limits.call;
        let ticking = self.library.engine.tick();
        let ended = drive(&exchange, desk, limit, work(store));
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
        let mut live = match life.take() {
            Some(live) => live,
            None => {
                self.live().map_err(|error| error.context("making a new instance after the last was lost"))?
            }
        };
        let result = self.step(&mut live, call, desk, work);
        if !live.store.data().dead {
            *life = Some(live);
        }
        result
    }
}

impl Operator for WasmOperator {
    fn plan(&mut self, inputs: &[ImageSpec]) -> Result<Plan> {
        let inputs: Vec<types::ImageSpec> = inputs.to_vec().cross();
        // What a new instance would be told is of the inputs before.
        self.story.inputs = None;
        self.story.conclusion = None;
        let plan = self.call("plan", &mut Nobody, call!(call_plan, &inputs))?;
        self.story.inputs = Some(inputs);
        Ok(plan.cross())
    }

    fn required_input(&self, core: &Region) -> Result<Vec<Region>> {
        let core = (*core).cross();
        Ok(self.call("required-input", &mut Nobody, call!(call_required_input, core))?.cross())
    }

    fn reset(&mut self) -> Result<()> {
        self.story.state = None;
        self.story.conclusion = None;
        self.call("reset", &mut Nobody, call!(call_reset))
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

    fn merge(&mut self, left: Vec<u8>, right: &[u8]) -> Result<Vec<u8>> {
        self.call("merge", &mut Nobody, call!(call_merge, &left, right))
    }

    fn finish(&mut self, total: &[u8], sink: &mut dyn Sink, services: &dyn Services) -> Result<Vec<u8>> {
        self.call("finish", &mut Clerk { sink, services }, call!(call_finish, total))
    }

    fn conclude(&mut self, conclusion: &[u8]) -> Result<()> {
        self.call("conclude", &mut Nobody, call!(call_conclude, conclusion))?;
        self.story.conclusion = Some(conclusion.to_vec());
        Ok(())
    }

    fn save(&mut self) -> Result<Vec<u8>> {
        self.call("save", &mut Nobody, call!(call_save))
    }

    fn load(&mut self, state: &[u8]) -> Result<()> {
        self.call("load", &mut Nobody, call!(call_load, state))?;
        self.story.state = Some(state.to_vec());
        Ok(())
    }
}

fn not_now(request: &Request) -> Error {
    let (what, need) = match request {
        Request::Pixels(..) => ("put-pixels", "run"),
        Request::Columns(..) => ("declare-columns", "finish"),
        Request::Rows(..) => ("add-rows", "finish"),
        _ => ("add-field", "finish"),
    };
    Error::new(
        ErrorKind::BadState { need: need.into(), is: "another call".into() },
        format!("`sink.{what}` can be called during `{need}` only"),
    )
}

/// Calls without services.
pub(crate) struct Nobody;

impl Desk for Nobody {
    fn services(&self) -> Option<&dyn Services> {
        None
    }

    fn answer(&mut self, request: Request) -> Result<()> {
        Err(not_now(&request))
    }
}

/// Calls with services only.
struct Listener<'a>(&'a dyn Services);

impl Desk for Listener<'_> {
    fn services(&self) -> Option<&dyn Services> {
        Some(self.0)
    }

    fn answer(&mut self, request: Request) -> Result<()> {
        Err(not_now(&request))
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

    fn answer(&mut self, request: Request) -> Result<()> {
        match request {
            Request::Columns(port, columns) => self.sink.columns(port, &columns),
            Request::Rows(port, rows) => self.sink.rows(port, rows),
            Request::Field(port, field) => self.sink.field(port, field),
            other => Err(not_now(&other)),
        }
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

    fn answer(&mut self, request: Request) -> Result<()> {
        let Request::Pixels(port, bytes) = request else { return Err(not_now(&request)) };
        let index = usize::try_from(port).unwrap_or(usize::MAX);
        match (self.outputs.get_mut(index), self.painters.get_mut(index)) {
            (Some(output), Some(painter)) => painter.put(&mut output.pixels, &bytes),
            _ => Err(Error::invalid_argument(format!(
                "there is no output tile {port}: this call has {}",
                self.painters.len()
            ))),
        }
    }
}
