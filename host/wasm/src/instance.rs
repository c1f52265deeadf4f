//! One living instance: a store, the component in it, and the operator in that.

use parfocal_operator::{Input, Output};
use parfocal_wit::Cross;
use wasmtime::{
    Store,
    component::{
        Component, ComponentNamedList, Instance, InstancePre, Lift, Linker, Lower, ResourceAny, TypedFunc,
    },
};

use crate::{
    bindings::{GuestInstance, InputTileIn, Plugin, PluginIndices, types},
    check::interface_name,
    engine::TickingEngine,
    state::State,
    tiles::{Scratch, wanted},
};

/// What a call into a guest gives: a trap, the operator's error, or its result.
pub(crate) type Called<T> = wasmtime::Result<Result<T, types::Error>>;

type RunParameters<'a> = (ResourceAny, types::Region, &'a [InputTileIn<'a>], &'a [types::OutputTile]);
type AccumulateParameters<'a> = (ResourceAny, types::Region, &'a [InputTileIn<'a>]);

/// A component whose imports are connected and whose exports were found.
pub(crate) struct Ready {
    component: InstancePre<State>,
    indices: PluginIndices,
}

impl Ready {
    /// Holds the types of all functions against the package.
    pub(crate) fn new(linker: &Linker<State>, component: &Component) -> wasmtime::Result<Self> {
        let component = linker.instantiate_pre(component)?;
        let indices = PluginIndices::new(&component)?;
        Ok(Self { component, indices })
    }

    /// Puts an instance of the component into a store.
    pub(crate) async fn enter(&self, store: &mut Store<State>) -> wasmtime::Result<(Instance, Plugin)> {
        let instance = self.component.instantiate_async(&mut *store).await?;
        let plugin = self.indices.load(store, &instance)?;
        Ok((instance, plugin))
    }
}

/// A store with these limits, still empty. The deadline is set before anything runs in it: a component's start function
/// is the guest's code too.
pub(crate) fn empty_store(engine: &TickingEngine, memory: u64) -> Store<State> {
    let mut store = Store::new(engine.engine(), State::new(memory));
    store.limiter(|state| &mut state.limiter);
    store.set_epoch_deadline(1);
    store.epoch_deadline_async_yield_and_update(1);
    // What a guest may make the host copy in one call: as much as it may have itself.
    store.set_hostcall_fuel(usize::try_from(memory).unwrap_or(usize::MAX));
    store
}

/// An instance of an operator, in a store that lies beside it.
pub(crate) struct Body {
    plugin: Plugin,
    handle: ResourceAny,
    // Bound by hand, because the generated bindings take their tiles by value: a copy of all pixels.
    run: TypedFunc<RunParameters<'static>, (Result<(), types::Error>,)>,
    accumulate: TypedFunc<AccumulateParameters<'static>, (Result<Vec<u8>, types::Error>,)>,
    scratch: Scratch,
}

impl Body {
    pub(crate) async fn create(
        store: &mut Store<State>,
        ready: &Ready,
        operator: &str,
        parameters: &[(String, types::Scalar)],
    ) -> Called<Self> {
        let (instance, plugin) = ready.enter(store).await?;
        let calls = plugin.parfocal_operator_operator().instance();
        let handle = match calls.call_create(&mut *store, operator, parameters).await? {
            Ok(handle) => handle,
            Err(error) => return Ok(Err(error)),
        };
        let run = method(store, &instance, "run")?;
        let accumulate = method(store, &instance, "accumulate")?;
        Ok(Ok(Self { plugin, handle, run, accumulate, scratch: Scratch::default() }))
    }

    /// The generated calls, and the instance that they are for.
    pub(crate) fn calls(&self) -> (GuestInstance<'_>, ResourceAny) {
        (self.plugin.parfocal_operator_operator().instance(), self.handle)
    }

    pub(crate) async fn run(
        &mut self,
        store: &mut Store<State>,
        core: types::Region,
        inputs: &[Input<'_>],
        outputs: &[types::OutputTile],
    ) -> Called<()> {
        let tiles = match self.scratch.lower(inputs) {
            Ok(tiles) => tiles,
            Err(error) => return Ok(Err(error.cross())),
        };
        let call: TypedFunc<RunParameters<'_>, _> = self.run;
        let (result,) = call.call_async(store, (self.handle, core, &tiles, outputs)).await?;
        Ok(result)
    }

    pub(crate) async fn accumulate(
        &mut self,
        store: &mut Store<State>,
        core: types::Region,
        inputs: &[Input<'_>],
    ) -> Called<Vec<u8>> {
        let tiles = match self.scratch.lower(inputs) {
            Ok(tiles) => tiles,
            Err(error) => return Ok(Err(error.cross())),
        };
        let call: TypedFunc<AccumulateParameters<'_>, _> = self.accumulate;
        let (result,) = call.call_async(store, (self.handle, core, &tiles)).await?;
        Ok(result)
    }
}

/// A method of the resource, by its name.
fn method<P, R>(
    store: &mut Store<State>,
    instance: &Instance,
    name: &str,
) -> wasmtime::Result<TypedFunc<P, R>>
where
    P: ComponentNamedList + Lower,
    R: ComponentNamedList + Lift,
{
    let missing = || wasmtime::Error::msg(format!("the component has no method `instance.{name}`"));
    let interface =
        instance.get_export_index(&mut *store, None, &interface_name("operator")).ok_or_else(missing)?;
    let method = format!("[method]instance.{name}");
    let function = instance.get_export_index(&mut *store, Some(&interface), &method).ok_or_else(missing)?;
    instance.get_typed_func(store, function)
}

/// The output tiles as they are asked for.
pub(crate) fn wanted_all(outputs: &[Output<'_>]) -> Vec<types::OutputTile> {
    outputs.iter().map(wanted).collect()
}
