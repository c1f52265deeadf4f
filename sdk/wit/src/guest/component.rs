//! The exports: a registry of operators as the component's functions.

use std::{cell::RefCell, marker::PhantomData};

use parfocal_image::ImageSpec;
use parfocal_operator::{Input, InputSpec, Operator, Registry, Tiles};
use parfocal_types::{
    error::{Error, Result},
    parameter::Parameters,
};

use super::{
    bindings::{
        exports::parfocal::operator::operator::{Guest, GuestInstance, Instance as Handle},
        parfocal::operator::types as wit,
    },
    services::{HostServices, HostSink, report_panics},
    tiles::{Canvas, Held},
};
use crate::Cross;

/// The component of a [`Registry`]; see [`export_component!`](crate::export_component).
pub struct Component<R>(PhantomData<R>);

impl<R: Registry> Guest for Component<R> {
    type Instance = Instance<R>;

    fn describe() -> Vec<wit::Descriptor> {
        report_panics();
        R::descriptors().cross()
    }
}

/// An instance of an operator, with the memory that it keeps.
pub struct Instance<R> {
    state: RefCell<State>,
    registry: PhantomData<R>,
}

struct State {
    operator: Box<dyn Operator>,
    canvases: Vec<Canvas>,
}

impl<R> Instance<R> {
    /// Calls the operator. A component is never entered twice at once, so the borrow cannot fail; if a host did, it
    /// would get an error.
    fn with<T>(&self, call: impl FnOnce(&mut State) -> Result<T>) -> Result<T, wit::Error> {
        let mut state = self
            .state
            .try_borrow_mut()
            .map_err(|_| Error::internal("the instance was entered twice").cross())?;
        call(&mut state).map_err(Cross::cross)
    }
}

impl<R: Registry> GuestInstance for Instance<R> {
    fn create(operator: String, parameters: Vec<(String, wit::Scalar)>) -> Result<Handle, wit::Error> {
        report_panics();
        let parameters: Parameters =
            parameters.into_iter().map(|(name, value)| (name, value.cross())).collect();
        let operator = R::create(&operator, &parameters).map_err(Cross::cross)?;
        let state = RefCell::new(State { operator, canvases: Vec::new() });
        Ok(Handle::new(Self { state, registry: PhantomData }))
    }

    fn plan(&self, inputs: Vec<wit::InputSpec>) -> Result<wit::Plan, wit::Error> {
        let specs: Vec<(u32, ImageSpec)> =
            inputs.into_iter().map(|input| (input.port, input.spec.cross())).collect();
        let inputs: Vec<InputSpec<'_>> =
            specs.iter().map(|(port, spec)| InputSpec { port: *port, spec }).collect();
        self.with(|state| Ok(state.operator.plan(&inputs, &HostServices)?.cross()))
    }

    fn required_input(&self, core: wit::Region) -> Result<Vec<wit::InputRegion>, wit::Error> {
        self.with(|state| Ok(state.operator.required_input(&core.cross())?.cross()))
    }

    fn reset(&self) -> Result<(), wit::Error> {
        self.with(|state| state.operator.reset(&HostServices))
    }

    fn run(
        &self,
        core: wit::Region,
        inputs: Vec<wit::InputTile>,
        outputs: Vec<wit::OutputTile>,
    ) -> Result<(), wit::Error> {
        self.with(|State { operator, canvases }| {
            let held = Held::all(inputs);
            let inputs = held.iter().map(Held::input).collect::<Result<Vec<Input<'_>>>>()?;
            let count = outputs.len();
            canvases.resize_with(count.max(canvases.len()), Canvas::default);
            let mut outputs = canvases
                .iter_mut()
                .zip(outputs)
                .map(|(canvas, tile)| canvas.output(tile))
                .collect::<Result<Vec<_>>>()?;
            operator.run(
                &mut Tiles { core: core.cross(), inputs: &inputs, outputs: &mut outputs },
                &HostServices,
            )?;
            canvases.iter().take(count).enumerate().try_for_each(|(index, canvas)| canvas.deliver(index))
        })
    }

    fn accumulate(&self, core: wit::Region, inputs: Vec<wit::InputTile>) -> Result<Vec<u8>, wit::Error> {
        self.with(|state| {
            let held = Held::all(inputs);
            let inputs = held.iter().map(Held::input).collect::<Result<Vec<Input<'_>>>>()?;
            let tiles = Tiles { core: core.cross(), inputs: &inputs, outputs: &mut [] };
            state.operator.accumulate(&tiles, &HostServices)
        })
    }

    fn merge(&self, left: Vec<u8>, right: Vec<u8>) -> Result<Vec<u8>, wit::Error> {
        self.with(|state| state.operator.merge(left, &right, &HostServices))
    }

    fn finish(&self, total: Vec<u8>) -> Result<Vec<u8>, wit::Error> {
        self.with(|state| state.operator.finish(&total, &mut HostSink, &HostServices))
    }

    fn conclude(&self, conclusion: Vec<u8>) -> Result<(), wit::Error> {
        self.with(|state| state.operator.conclude(&conclusion, &HostServices))
    }

    fn save(&self) -> Result<Vec<u8>, wit::Error> {
        self.with(|state| state.operator.save(&HostServices))
    }

    fn load(&self, bytes: Vec<u8>) -> Result<(), wit::Error> {
        self.with(|state| state.operator.load(&bytes, &HostServices))
    }
}
