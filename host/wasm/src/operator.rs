//! The operator trait, answered by an instance of a component.

use std::cell::RefCell;
use std::sync::Arc;

use parfocal_core::{Maker, Mortal, Rationed, services::neutral_error};
use parfocal_image::Region;
use parfocal_operator::{InputRegion, InputSpec, Operator, Output, Plan, Services, Sink, Tiles};
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

/// Makes instances of one operator of a component.
pub(crate) struct WasmMaker {
    library: Arc<Loaded>,
    operator: String,
    parameters: Vec<(String, types::Scalar)>,
    label: String,
}

/// An instance of an operator, in a store of its own.
pub(crate) struct WasmInstance {
    library: Arc<Loaded>,
    /// For messages.
    operator: String,
    live: RefCell<Live>,
}

struct Live {
    store: Store<State>,
    body: Body,
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

impl WasmMaker {
    pub(crate) fn new(library: Arc<Loaded>, operator: &str, parameters: &Parameters) -> Self {
        let parameters =
            parameters.iter().map(|(name, value)| (name.to_owned(), value.clone().cross())).collect();
        let label = format!("{}, operator `{operator}`", library.label);
        Self { library, operator: operator.to_owned(), parameters, label }
    }
}

impl Maker for WasmMaker {
    type Instance = WasmInstance;

    fn label(&self) -> &str {
        &self.label
    }

    fn make(&self) -> Result<WasmInstance> {
        let mut store = empty_store(&self.library.engine, self.library.limits.memory);
        let body =
            drive_in(&self.library, &self.operator, &mut store, "create", &mut Nobody, async |store| {
                Body::create(store, &self.library.ready, &self.operator, &self.parameters).await
            })?;
        let (library, operator) = (Arc::clone(&self.library), self.operator.clone());
        Ok(WasmInstance { library, operator, live: RefCell::new(Live { store, body }) })
    }
}

impl Mortal for WasmInstance {
    fn is_lost(&self) -> bool {
        self.live.try_borrow().is_ok_and(|live| live.store.data().dead)
    }
}

fn doing(operator: &str, call: &str) -> String {
    format!("operator `{operator}`, in `{call}`")
}

/// Runs a call to its end; an error of the runtime is turned into ours and marks the store as dead.
fn drive_in<T>(
    library: &Loaded,
    operator: &str,
    store: &mut Store<State>,
    call: &str,
    desk: &mut dyn Desk,
    work: impl AsyncFnOnce(&mut Store<State>) -> Called<T>,
) -> Result<T> {
    store.data_mut().last_words = None;
    store.data_mut().limiter.take_denied();
    let limit = library.limits.call;
    let ticking = library.engine.tick();
    let ended = drive(desk, limit, work(store));
    drop(ticking);
    let error = match ended {
        Ok(Ok(Ok(value))) => return Ok(value),
        Ok(Ok(Err(error))) => {
            return Err(neutral_error(Cross::<Error>::cross(error)).with_origin(&library.label));
        }
        Ok(Err(trap)) => death::of_trap(&trap, store.data_mut(), &doing(operator, call)),
        Err(stopped) => death::of_stop(stopped, limit, &doing(operator, call)),
    };
    store.data_mut().dead = true;
    Err(neutral_error(error).with_origin(&library.label))
}

impl WasmInstance {
    /// A call into the guest. What the host refused to take stands, even when the guest goes on as if nothing had been.
    fn call<T>(
        &self,
        call: &str,
        desk: &mut dyn Desk,
        work: impl AsyncFnOnce(&mut Store<State>, &mut Body) -> Called<T>,
    ) -> Result<T> {
        let mut live =
            self.live.try_borrow_mut().map_err(|_| Error::internal("an instance was entered twice"))?;
        let Live { store, body } = &mut *live;
        let mut desk = Strict { desk, refusal: None };
        let result = drive_in(&self.library, &self.operator, store, call, &mut desk, async |store| {
            work(store, body).await
        });
        match desk.refusal {
            Some(refusal) if result.is_ok() => {
                Err(refusal.context(doing(&self.operator, call)).with_origin(&self.library.label))
            }
            _ => result,
        }
    }
}

impl Operator for WasmInstance {
    fn plan(&mut self, inputs: &[InputSpec<'_>], services: &dyn Services) -> Result<Plan> {
        let inputs: Vec<types::InputSpec> = inputs.iter().map(|input| input.cross()).collect();
        Ok(self.call("plan", &mut Listener(services), call!(call_plan, &inputs))?.cross())
    }

    fn required_input(&self, core: &Region) -> Result<Vec<InputRegion>> {
        let core = (*core).cross();
        Ok(self.call("required-input", &mut Nobody, call!(call_required_input, core))?.cross())
    }

    fn reset(&mut self, services: &dyn Services) -> Result<()> {
        self.call("reset", &mut Listener(services), call!(call_reset))
    }

    fn run(&mut self, tiles: &mut Tiles<'_>, services: &dyn Services) -> Result<()> {
        let (core, inputs) = (tiles.core.cross(), tiles.inputs);
        let wanted = wanted_all(tiles.outputs);
        let mut desk = Easel::new(tiles.outputs, services)?;
        self.call("run", &mut desk, async |store, body| body.run(store, core, inputs, &wanted).await)?;
        desk.finish()
            .map_err(|error| error.context(doing(&self.operator, "run")).with_origin(&self.library.label))
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
        let sink = Rationed::new(sink, self.library.limits.memory);
        self.call("finish", &mut Clerk { sink, services }, call!(call_finish, total))
    }

    fn conclude(&mut self, conclusion: &[u8], services: &dyn Services) -> Result<()> {
        self.call("conclude", &mut Listener(services), call!(call_conclude, conclusion))
    }

    fn save(&mut self, services: &dyn Services) -> Result<Vec<u8>> {
        self.call("save", &mut Listener(services), call!(call_save))
    }

    fn load(&mut self, state: &[u8], services: &dyn Services) -> Result<()> {
        self.call("load", &mut Listener(services), call!(call_load, state))
    }
}

/// Takes tables and records.
struct Clerk<'a> {
    sink: Rationed<'a>,
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

/// Another desk, and the first thing that it refused.
struct Strict<'a> {
    desk: &'a mut dyn Desk,
    refusal: Option<Error>,
}

impl Strict<'_> {
    /// The guest gets a copy of a refusal, the caller the refusal itself.
    fn keep<T>(&mut self, taken: Result<T>) -> Result<T> {
        taken.map_err(|error| {
            let copy = Error::new(error.kind().clone(), error.message());
            self.refusal.get_or_insert(error);
            copy
        })
    }
}

impl Desk for Strict<'_> {
    fn services(&self) -> Option<&dyn Services> {
        self.desk.services()
    }

    fn pixels(&mut self, output: u32, bytes: &[u8]) -> Result<()> {
        let taken = self.desk.pixels(output, bytes);
        self.keep(taken)
    }

    fn columns(&mut self, port: u32, columns: &[Column]) -> Result<()> {
        let taken = self.desk.columns(port, columns);
        self.keep(taken)
    }

    fn rows(&mut self, port: u32, rows: Vec<Vec<Scalar>>) -> Result<()> {
        let taken = self.desk.rows(port, rows);
        self.keep(taken)
    }

    fn field(&mut self, port: u32, field: Field) -> Result<()> {
        let taken = self.desk.field(port, field);
        self.keep(taken)
    }
}
