//! A step that has answered its plan, and the checks that everything fits: all refusals happen here, before any work.

use std::ops::Range;

use parfocal_core::RunServices;
use parfocal_image::{Axis, Extent, ImageSpec, Region};
use parfocal_operator::{
    Descriptor, InputRegion, InputSpec, Kind, Operator, Plan, PortKind, Services, TileSize, Tiling,
};
use parfocal_types::error::{Error, Result};

use crate::{marks, ports::check_inputs, read::Window, step::Step};

/// Checks that a step takes inputs like these, each with the index of its port, and says what its image outputs will be,
/// with class and supports, each with the index of its port.
///
/// # Errors
/// A sentence that names operator and port, with what to do: `invalid-argument`, `not-supported` or `not-found`; what
/// the operator itself says to the inputs; `internal` for an operator that contradicts itself.
pub fn check(step: &Step, inputs: &[(usize, ImageSpec)]) -> Result<Vec<(usize, ImageSpec)>> {
    check_with(step, inputs, &RunServices::default())
}

/// As [`check`], heard and stopped through these services.
pub(crate) fn check_with(
    step: &Step,
    inputs: &[(usize, ImageSpec)],
    services: &dyn Services,
) -> Result<Vec<(usize, ImageSpec)>> {
    let planned = Planned::new(step, inputs.to_vec(), services)?;
    let Facts { images, plan, .. } = planned.facts;
    Ok(images.into_iter().zip(plan.outputs).collect())
}

/// What is known of a step once it has answered `plan`.
pub(crate) struct Facts {
    pub(crate) label: String,
    pub(crate) descriptor: Descriptor,
    pub(crate) plan: Plan,
    /// The plan as the first instance answered it, to hold the answers of others against.
    answered: Plan,
    /// Indices of the input ports that are connected, ascending, and what is connected to them.
    pub(crate) ports: Vec<usize>,
    pub(crate) inputs: Vec<ImageSpec>,
    pub(crate) work: Extent,
    /// Indices of the ports that give images.
    pub(crate) images: Vec<usize>,
    /// The axes whose positions are groups of their own.
    pub(crate) grouped: [bool; 5],
    /// Sizes of a tile along the axes that leave no choice.
    pub(crate) fixed: [Option<u64>; 5],
    /// For each channel of the work, the channels of each input that its marks were derived from; empty before that.
    heritage: Vec<Vec<Range<usize>>>,
}

impl Facts {
    /// The windows into the inputs that an instance needs for a part of the work.
    ///
    /// # Errors
    /// What the operator says; `internal` when it does not answer for each input, `invalid-argument` for parts that
    /// show nothing.
    pub(crate) fn windows(&self, operator: &dyn Operator, core: &Region) -> Result<Vec<Window>> {
        let regions = self.required(operator, core)?;
        let windows: Vec<_> = regions
            .iter()
            .zip(&self.inputs)
            .map(|(region, spec)| Window::new(region, &spec.extent))
            .collect::<Result<_>>()?;
        self.check_heritage(core, &windows)?;
        Ok(windows)
    }

    /// No channel is shown to the operator that the marks of its outputs do not account for.
    fn check_heritage(&self, core: &Region, windows: &[Window]) -> Result<()> {
        let channels = channels_of(core);
        for accounted in self.heritage.get(channels).unwrap_or_default() {
            let outside = |(window, range): (&Window, &Range<usize>)| {
                let seen = channels_of(&window.read);
                !seen.is_empty() && (seen.start < range.start || seen.end > range.end)
            };
            if windows.iter().zip(accounted).any(outside) {
                return Err(contradiction("it asks for other channels here than elsewhere".into()));
            }
        }
        Ok(())
    }

    /// Asks an instance which part of each input it needs.
    ///
    /// # Errors
    /// What the operator says; `internal` when it does not answer for each input, in their order.
    fn required(&self, operator: &dyn Operator, core: &Region) -> Result<Vec<InputRegion>> {
        let regions = operator.required_input(core)?;
        if regions.iter().map(|region| region.port as usize).eq(self.ports.iter().copied()) {
            return Ok(regions);
        }
        let named: Vec<_> = regions.iter().map(|region| region.port).collect();
        Err(contradiction(format!(
            "it says which parts of the inputs {named:?} it needs, the connected ones are {:?}",
            self.ports
        )))
    }

    /// Asks a further instance for its plan, which must be that of the first.
    ///
    /// # Errors
    /// What the operator says; `internal` when it answers otherwise now.
    pub(crate) fn plan_again(&self, operator: &mut dyn Operator, services: &dyn Services) -> Result<()> {
        if operator.plan(&connected(&self.ports, &self.inputs), services)? == self.answered {
            return Ok(());
        }
        Err(contradiction(
            "it plans otherwise when it is asked again, for the same inputs and parameters".into(),
        ))
    }

    /// The axes whose positions are numbered apart from those of the others: groups, or the positions of sequences.
    pub(crate) fn apart(&self) -> [bool; 5] {
        let sequence = self.sequence();
        std::array::from_fn(|axis| self.grouped[axis] || sequence.is_some_and(|own| own as usize == axis))
    }

    /// The axis whose positions an instance must see in order.
    pub(crate) fn sequence(&self) -> Option<Axis> {
        Axis::ALL.into_iter().find(|&axis| self.plan.tiling[axis as usize] == Tiling::InOrder)
    }

    /// Where a part of the work lies in an image output.
    pub(crate) fn output_region(&self, output: usize, core: &Region) -> Region {
        let full = self.plan.outputs.get(output).map_or(self.work, |spec| spec.extent);
        Axis::ALL.into_iter().fold(*core, |region, axis| match self.plan.tiling[axis as usize] {
            Tiling::Whole => region.with(axis, 0, full[axis]),
            _ => region,
        })
    }
}

/// A step with its first instance, which has answered `plan`.
pub(crate) struct Planned {
    pub(crate) facts: Facts,
    pub(crate) operator: Box<dyn Operator>,
}

impl Planned {
    /// Plans a step.
    ///
    /// # Errors
    /// See [`check`].
    pub(crate) fn new(
        step: &Step,
        mut inputs: Vec<(usize, ImageSpec)>,
        services: &dyn Services,
    ) -> Result<Self> {
        let label = step.label();
        let descriptor = step.descriptor()?.clone();
        inputs.sort_by_key(|(port, _)| *port);
        check_inputs(&descriptor, &label, &inputs)?;
        let (ports, inputs): (Vec<_>, Vec<_>) = inputs.into_iter().unzip();
        let own = |error: Error| error.with_origin(&label);
        descriptor.validate().map_err(own)?;
        let mut operator = step.library.create(&step.operator, &step.parameters).map_err(own)?;
        let plan = operator.plan(&connected(&ports, &inputs), services).map_err(own)?;
        let outputs = descriptor.outputs.iter().enumerate();
        let images = outputs.filter(|(_, port)| port.kind.is_image()).map(|(index, _)| index).collect();
        let work = plan.outputs.first().or(inputs.first()).map(|spec| spec.extent).unwrap_or_default();
        let reduces = descriptor.kind == Kind::Reduce;
        let grouped = std::array::from_fn(|axis| reduces && !plan.reduce_over[axis]);
        let fixed = fixed_sizes(&plan, &work, &grouped);
        let facts = Facts {
            answered: plan.clone(),
            label,
            descriptor,
            plan,
            ports,
            inputs,
            work,
            images,
            grouped,
            fixed,
            heritage: Vec::new(),
        };
        let mut planned = Self { facts, operator };
        let checked =
            planned.check_outputs().and_then(|()| planned.check_cut()).and_then(|()| planned.mark(step));
        match checked {
            Ok(()) => Ok(planned),
            Err(error) => Err(error.with_origin(&planned.facts.label)),
        }
    }

    /// Which part of each input a part of the work needs.
    ///
    /// # Errors
    /// What the operator says; `internal` when it does not answer for each input.
    pub(crate) fn required(&self, core: &Region) -> Result<Vec<InputRegion>> {
        self.facts.required(self.operator.as_ref(), core)
    }

    /// The windows into the inputs that a part of the work needs.
    ///
    /// # Errors
    /// As [`Facts::windows`].
    pub(crate) fn windows(&self, core: &Region) -> Result<Vec<Window>> {
        self.facts.windows(self.operator.as_ref(), core)
    }

    /// Parts of the work as small as the plan allows, at its start, middle and end, where tiles may lie.
    pub(crate) fn probes(&self) -> [Region; 3] {
        [0, 1, 2].map(|third: u64| {
            Axis::ALL.into_iter().fold(Region::default(), |core, axis| {
                let size =
                    self.facts.fixed[axis as usize].unwrap_or(self.facts.plan.tile_sizes[axis as usize].step);
                let last = (self.facts.work[axis] - 1) / size;
                let origin = [0, last / 2, last][third as usize] * size;
                core.with(axis, origin as i64, size.min(self.facts.work[axis] - origin))
            })
        })
    }

    fn check_outputs(&self) -> Result<()> {
        let (announced, declared) = (self.facts.plan.outputs.len(), self.facts.images.len());
        if announced != declared {
            return Err(contradiction(format!("it plans {announced} image outputs and declares {declared}")));
        }
        if self.facts.work.is_empty() {
            return Err(Error::invalid_argument(format!(
                "there is nothing to do: the work is {}",
                self.facts.work
            )));
        }
        for (spec, &port) in self.facts.plan.outputs.iter().zip(&self.facts.images) {
            let port = &self.facts.descriptor.outputs[port];
            let context = |what: &str| contradiction(format!("output `{}` {what}", port.name));
            spec.validate().map_err(|error| context(&format!("is not valid: {}", error.message())))?;
            if spec.extent.is_empty() || spec.bytes().is_none() {
                return Err(context(&format!("would be {}", spec.extent)));
            }
            use parfocal_image::DType;
            if port.kind == PortKind::Labels && matches!(spec.dtype, DType::F32 | DType::Mask) {
                return Err(context(&format!("holds labels in pixels of type {}", spec.dtype)));
            }
            let differs = |axis: &Axis| {
                spec.extent[*axis] != self.facts.work[*axis]
                    && self.facts.plan.tiling[*axis as usize] != Tiling::Whole
            };
            if let Some(axis) = Axis::ALL.iter().find(|axis| differs(axis)) {
                return Err(context(&format!(
                    "is {}, the first output {}: they may differ along {} only if the plan keeps it whole",
                    spec.extent,
                    self.facts.work,
                    axis.letter()
                )));
            }
        }
        Ok(())
    }

    fn check_cut(&self) -> Result<()> {
        for axis in Axis::ALL {
            let index = axis as usize;
            if self.facts.grouped[index]
                && self.facts.plan.tiling[index] == Tiling::Whole
                && self.facts.work[axis] > 1
            {
                return Err(contradiction(format!(
                    "it wants axis {} whole, and one result for each position of it",
                    axis.letter()
                )));
            }
        }
        self.check_sequence()?;
        self.check_tile_sizes()?;
        for core in self.probes() {
            for (required, spec) in self.required(&core)?.iter().zip(&self.facts.inputs) {
                self.check_halo(&core, &required.region, spec)?;
            }
            self.windows(&core)?;
        }
        Ok(())
    }

    fn check_sequence(&self) -> Result<()> {
        let Facts { plan, descriptor, .. } = &self.facts;
        match plan.tiling.iter().filter(|tiling| **tiling == Tiling::InOrder).count() {
            0 => Ok(()),
            1 if plan.tiling[Axis::C as usize] == Tiling::InOrder => {
                Err(contradiction("it wants channels in order, which would mix their pixel classes".into()))
            }
            1 if descriptor.kind == Kind::Map => Ok(()),
            1 => Err(contradiction("it wants positions in order, which is for operators of kind map".into())),
            _ => Err(contradiction("it wants the positions of several axes in order".into())),
        }
    }

    fn check_tile_sizes(&self) -> Result<()> {
        for (axis, TileSize { step, max }) in Axis::ALL.into_iter().zip(self.facts.plan.tile_sizes) {
            if self.facts.fixed[axis as usize].is_some() && (TileSize { step, max }) != TileSize::ANY {
                return Err(contradiction(format!(
                    "it asks for tiles of certain sizes along {}, which is not cut anywhere",
                    axis.letter()
                )));
            }
            if step == 0 || max < step || (max != u64::MAX && max % step != 0) {
                return Err(contradiction(format!(
                    "its tiles along {} shall be multiples of {step} and at most {max}",
                    axis.letter()
                )));
            }
        }
        Ok(())
    }

    /// The halo stays below the declared bound, along the axes where input and work have the same size.
    fn check_halo(&self, core: &Region, required: &Region, spec: &ImageSpec) -> Result<()> {
        for axis in Axis::ALL.into_iter().filter(|&axis| spec.extent[axis] == self.facts.work[axis]) {
            let declared = match axis {
                Axis::T => self
                    .facts
                    .descriptor
                    .temporal_window
                    .into_iter()
                    .fold(self.facts.descriptor.max_halo[0], u32::max),
                _ => self.facts.descriptor.max_halo_along(axis),
            };
            let before = core.origin[axis as usize].saturating_sub(required.origin[axis as usize]);
            let halo = before.max(required.end(axis).saturating_sub(core.end(axis)));
            if halo > i64::from(declared) {
                return Err(contradiction(format!(
                    "it asks for a halo of {halo} pixels along {} and declares at most {declared}",
                    axis.letter()
                )));
            }
        }
        Ok(())
    }

    fn mark(&mut self, step: &Step) -> Result<()> {
        let heritage = (0..self.facts.work[Axis::C]).map(|channel| self.needed_channels(channel));
        self.facts.heritage = heritage.collect::<Result<_>>()?;
        let mut outputs = std::mem::take(&mut self.facts.plan.outputs);
        let ports: Vec<_> =
            self.facts.images.iter().map(|&port| &self.facts.descriptor.outputs[port]).collect();
        let needs = |channel| self.needed_channels(channel);
        marks::mark(&mut outputs, &ports, &step.finder(), &self.facts.inputs, needs)?;
        self.facts.plan.outputs = outputs;
        Ok(())
    }

    /// The channels of each input that reach one channel of the work: all, where channels are worked on together.
    fn needed_channels(&self, channel: u64) -> Result<Vec<Range<usize>>> {
        let together = self.facts.fixed[Axis::C as usize] != Some(1)
            || (self.facts.descriptor.kind == Kind::Reduce && self.facts.plan.reduce_over[Axis::C as usize]);
        if together || channel >= self.facts.work[Axis::C] {
            return Ok(self.facts.inputs.iter().map(|spec| 0..spec.channels.len()).collect());
        }
        let [_, core, _] = self.probes();
        let core = core.with(Axis::C, channel as i64, 1);
        let windows = self.windows(&core)?;
        Ok(windows
            .iter()
            .map(|window| channels_of(&window.held))
            .zip(&self.facts.inputs)
            .map(|(range, spec)| range.start..range.end.min(spec.channels.len()))
            .collect())
    }
}

/// The indices of the channels of a part.
fn channels_of(region: &Region) -> Range<usize> {
    let index = |position: i64| usize::try_from(position.max(0)).unwrap_or(usize::MAX);
    index(region.origin[Axis::C as usize])..index(region.end(Axis::C))
}

fn connected<'a>(ports: &[usize], inputs: &'a [ImageSpec]) -> Vec<InputSpec<'a>> {
    let numbers = ports.iter().map(|&port| u32::try_from(port).unwrap_or(u32::MAX));
    numbers.zip(inputs).map(|(port, spec)| InputSpec { port, spec }).collect()
}

/// Channels are always worked on one by one where the plan allows it, so that their marks stay apart.
fn fixed_sizes(plan: &Plan, work: &Extent, grouped: &[bool; 5]) -> [Option<u64>; 5] {
    std::array::from_fn(|axis| match plan.tiling[axis] {
        Tiling::Whole => Some(work.0[axis]),
        Tiling::Each | Tiling::InOrder => Some(1),
        Tiling::Split if grouped[axis] || axis == Axis::C as usize => Some(1),
        Tiling::Split => None,
    })
}

/// An operator that does not keep to what it declares.
fn contradiction(what: String) -> Error {
    Error::internal(what)
        .with_remedy("this is a defect of the plugin: tell its author, or use another version")
}
