//! What is said before anything runs: OPR-01, OPR-02, OPR-03, OPR-20.

use parfocal_image::{Axis, DType};
use parfocal_operator::{Descriptor, InputSpec, Kind, Plan, PortKind, TileSize, Tiling};
use parfocal_testkit::{Cut, Loose, Quiet, Setting, Work};
use parfocal_types::{ParameterKind, ParameterSpec, ParameterValue, Parameters};

use super::{honest, ran};
use crate::{
    case::{Applies, Case, Run},
    finding::{Check, Finding, OrFinding, said},
    scene::{Bench, Feed, Scene, Shape, is_refusal},
    subject::Subject,
};

pub(super) const CASES: &[Case] = &[
    Case {
        id: "OPR-01",
        sentence: "What comes out has the size, type, calibration and channels that `plan` said.",
        demands: "`plan` answers a valid description for each declared image output, the same for every instance; outputs differ in \
                  size only along axes that are kept whole; tile sizes and sequences make sense; every pixel of each tile is \
                  written, and tables and records go to the ports that are declared for them.",
        why: "Hosts allocate files and memory, and connect the next step, from the plan alone.",
        fix: "Compute in `plan` exactly what `run` will write, from the inputs' descriptions only.",
        run: Run::Written(opr_01),
        ..Case::USUAL
    },
    Case {
        id: "OPR-02",
        sentence: "Inputs that it does not declare are refused in `plan`, before any work.",
        demands: "A pixel type that a port does not declare, a missing required input, and an input at a port that does not exist \
                  make `plan` (or the lane before it) return a refusal: not-supported, invalid-argument or not-found.",
        why: "A refusal after an hour of work, or a wrong result, is worse than one before.",
        fix: "Hold each input against the declared types at the start of `plan`, and return `Error::not_supported`.",
        run: Run::Written(opr_02),
        ..Case::USUAL
    },
    Case {
        id: "OPR-03",
        sentence: "Every pixel type that it declares is accepted, and runs.",
        demands: "For each declared type of each input port: some image of that type is accepted by `plan` and runs; whole numbers \
                  with fewer significant bits (12 in u16) give outputs that fit the significant bits that the plan says.",
        why: "Users choose operators by what they declare; a 12-bit camera's images must not look 16 times darker.",
        fix: "Implement every declared type, or declare fewer.",
        run: Run::Written(opr_03),
        ..Case::USUAL
    },
    Case {
        id: "OPR-20",
        sentence: "Parameters are accepted within their declared limits and refused outside, unknown ones too.",
        demands: "An instance can be made with each parameter at its minimum, maximum and default; one beyond a limit, NaN, a word \
                  that is no option, another type, and a name that is not declared are refused when the instance is made.",
        why: "A value that is silently clamped or ignored is a result that nobody asked for.",
        fix: "Hold what comes against the declared limits when the instance is made; the SDK for Rust does it for you.",
        run: Run::Written(opr_20),
        ..Case::USUAL
    },
];

fn opr_01(scene: &mut Scene<'_>) -> Check {
    let bench = scene.bench()?;
    let trials = bench.trials()?;
    for (setting, feed) in &trials {
        let quiet = Quiet;
        let planned = bench.drive(&setting.parameters, &quiet, &Loose::default(), |driver| {
            let (_, first) = driver.plan(&feed.inputs())?;
            let (_, again) = driver.plan(&feed.inputs())?;
            Ok((first, again))
        });
        let (plan, again) = planned.or_fail("`plan` refuses what it accepted before")?;
        if plan != again {
            return Err(about("two instances with the same parameters plan otherwise", setting, feed));
        }
        check_plan(&bench.descriptor, &plan, feed).map_err(|what| about(&what, setting, feed))?;
        // Twice over different rubbish: a pixel that nobody wrote shows it.
        let over = |rubbish| {
            bench.drive(&setting.parameters, &quiet, &Loose { rubbish }, |driver| {
                driver.run(&feed.inputs(), Cut::WHOLE)
            })
        };
        let first = ran(over(0xA5), setting, feed)?;
        let second = ran(over(0x3C), setting, feed)?;
        honest(&first, setting, feed)?;
        if let Some(difference) = first.difference(&second) {
            return Err(super::differs(
                "a pixel that it did not write, or another result in a second run",
                &difference,
                setting,
                feed,
            ));
        }
    }
    Ok(Finding::pass(format!("{} plans hold", trials.len())))
}

fn about(sentence: &str, setting: &Setting, feed: &Feed) -> Finding {
    Finding::fail(sentence).with("parameters", &setting.name).with("input", &feed.name)
}

/// The rules for plans that hosts apply before they start.
fn check_plan(descriptor: &Descriptor, plan: &Plan, feed: &Feed) -> Result<(), String> {
    let ports: Vec<_> = descriptor.outputs.iter().filter(|port| port.kind.is_image()).collect();
    if plan.outputs.len() != ports.len() {
        return Err(format!("it plans {} image outputs and declares {}", plan.outputs.len(), ports.len()));
    }
    let work = Work::of(descriptor, plan, feed.images.first().map(|(_, image)| &image.spec));
    for (spec, port) in plan.outputs.iter().zip(&ports) {
        let name = &port.name;
        spec.validate()
            .map_err(|error| format!("the plan of output `{name}` is not valid: {}", error.message()))?;
        if spec.extent.is_empty() {
            return Err(format!("the plan of output `{name}` has no pixels: {}", spec.extent));
        }
        if port.kind == PortKind::Labels && matches!(spec.dtype, DType::F32 | DType::Mask) {
            return Err(format!("output `{name}` holds labels in pixels of type {}", spec.dtype));
        }
        let differs = |axis: &Axis| {
            spec.extent[*axis] != work.extent[*axis] && plan.tiling[*axis as usize] != Tiling::Whole
        };
        if let Some(axis) = Axis::ALL.iter().find(|axis| differs(axis)) {
            return Err(format!(
                "output `{name}` is {} and the work {}: they may differ along {} only if it is kept whole",
                spec.extent,
                work.extent,
                axis.letter()
            ));
        }
        check_calibration(spec, plan, feed).map_err(|what| format!("output `{name}` {what}"))?;
    }
    check_tiling(descriptor, plan, &work)
}

/// An output of the input's size lies at the input's place in the sample: its pixels are as large.
fn check_calibration(spec: &parfocal_image::ImageSpec, _: &Plan, feed: &Feed) -> Result<(), String> {
    let Some((_, first)) = feed.images.first() else { return Ok(()) };
    let same_size = spec.extent == first.spec.extent;
    if same_size && spec.pixel_size != first.spec.pixel_size {
        return Err(format!(
            "has pixels of {:?}, its input of the same size {:?}",
            spec.pixel_size, first.spec.pixel_size
        ));
    }
    let names = |spec: &parfocal_image::ImageSpec| {
        spec.channels.iter().map(|channel| channel.name.clone()).collect::<Vec<_>>()
    };
    if same_size && names(spec) != names(&first.spec) {
        return Err(format!(
            "has the channels {:?}, its input of the same size {:?}",
            names(spec),
            names(&first.spec)
        ));
    }
    Ok(())
}

fn check_tiling(descriptor: &Descriptor, plan: &Plan, work: &Work) -> Result<(), String> {
    let in_order: Vec<_> =
        Axis::ALL.iter().filter(|axis| plan.tiling[**axis as usize] == Tiling::InOrder).collect();
    if in_order.len() > 1 {
        return Err("it wants the positions of several axes in order".into());
    }
    if in_order.contains(&&Axis::C) || (!in_order.is_empty() && descriptor.kind != Kind::Map) {
        return Err("only operators of kind map see positions in order, and not those of channels".into());
    }
    for (axis, TileSize { step, max }) in Axis::ALL.into_iter().zip(plan.tile_sizes) {
        if work.fixed[axis as usize].is_some() && (TileSize { step, max }) != TileSize::ANY {
            return Err(format!(
                "it asks for tiles of certain sizes along {}, which is not cut anywhere",
                axis.letter()
            ));
        }
        if step == 0 || max < step || (max != u64::MAX && max % step != 0) {
            return Err(format!(
                "its tiles along {} shall be multiples of {step} and at most {max}",
                axis.letter()
            ));
        }
        let whole = work.grouped[axis as usize] && plan.tiling[axis as usize] == Tiling::Whole;
        if whole && work.extent[axis] > 1 {
            return Err(format!(
                "it wants axis {} whole, and one result for each position of it",
                axis.letter()
            ));
        }
    }
    Ok(())
}

fn opr_02(scene: &mut Scene<'_>) -> Check {
    let bench = scene.bench()?;
    let shape = bench.usual_shape()?;
    let setting = bench.settings().defaults().or_fail("the defaults lie outside of their own limits")?;
    let good = bench.feed(&shape)?;
    let mut refused = 0;
    for (index, port) in bench.descriptor.inputs.iter().enumerate() {
        for dtype in DType::ALL.into_iter().filter(|dtype| !port.dtypes.contains(dtype)) {
            let mut feed = good.clone();
            let Some((_, image)) = feed.images.get_mut(index) else { continue };
            let mut spec = image.spec.clone();
            (spec.dtype, spec.significant_bits) = (dtype, dtype.bits());
            *image = parfocal_testkit::Image::zeroed(spec).or_suite_error("a test image cannot be made")?;
            feed.name = format!("{dtype} at input `{}`", port.name);
            must_refuse(&bench, &setting, &feed)?;
            refused += 1;
        }
        if !port.optional {
            let mut feed = good.clone();
            feed.images.retain(|(number, _)| *number as usize != index);
            feed.name = format!("nothing at input `{}`", port.name);
            must_refuse(&bench, &setting, &feed)?;
            refused += 1;
        }
    }
    let mut feed = good;
    if let Some((_, image)) = feed.images.first().cloned() {
        let beyond = u32::try_from(bench.descriptor.inputs.len()).unwrap_or(u32::MAX);
        feed.images.push((beyond, image));
        feed.name = format!("an image at input {beyond}, which does not exist");
        must_refuse(&bench, &setting, &feed)?;
        refused += 1;
    }
    Ok(Finding::pass(format!("{refused} inputs that it does not declare are refused")))
}

fn must_refuse(bench: &Bench, setting: &Setting, feed: &Feed) -> Result<(), Finding> {
    let planned = bench.create(&setting.parameters).and_then(|mut operator| {
        let specs: Vec<_> =
            feed.images.iter().map(|(port, image)| InputSpec { port: *port, spec: &image.spec }).collect();
        operator.plan(&specs, &Quiet).map(drop)
    });
    match planned {
        Err(error) if is_refusal(error.kind()) => Ok(()),
        Err(error) => Err(said(
            Finding::fail("an input that it does not declare ends in an error that is no refusal")
                .with("input", &feed.name),
            &error,
        )),
        Ok(()) => {
            Err(Finding::fail("`plan` accepts an input that is not declared").with("input", &feed.name))
        }
    }
}

fn opr_03(scene: &mut Scene<'_>) -> Check {
    let bench = scene.bench()?;
    let shape = bench.usual_shape()?;
    let setting = bench.settings().defaults().or_fail("the defaults lie outside of their own limits")?;
    let mut count = 0;
    for (index, port) in bench.descriptor.inputs.iter().enumerate() {
        for &dtype in &port.dtypes {
            let feed = with_type(&bench, &shape, index, dtype, dtype.bits())?;
            must_run(&bench, &setting, &feed)?;
            count += 1;
            if dtype.is_integer() && dtype.bits() >= 16 {
                let feed = with_type(&bench, &shape, index, dtype, 12)?;
                must_run(&bench, &setting, &feed)?;
            }
        }
    }
    Ok(Finding::pass(format!("{count} declared types run")))
}

/// The usual images, with another type at one port.
fn with_type(bench: &Bench, shape: &Shape, port: usize, dtype: DType, bits: u32) -> Result<Feed, Finding> {
    let mut feed = bench.feed(shape)?;
    if let (Some((_, image)), Some(declared)) = (feed.images.get_mut(port), bench.descriptor.inputs.get(port))
    {
        let mut spec = image.spec.clone();
        (spec.dtype, spec.significant_bits) = (dtype, bits);
        let mut random = parfocal_testkit::Random::new(bits.into());
        *image = shape
            .pattern
            .draw(&spec, declared.kind, &mut random)
            .or_suite_error("a test image cannot be made")?;
        feed.name = format!("{dtype} with {bits} bits at input `{}`", declared.name);
    }
    Ok(feed)
}

fn must_run(bench: &Bench, setting: &Setting, feed: &Feed) -> Result<(), Finding> {
    let outcome = match bench.run(&setting.parameters, feed, Cut::WHOLE) {
        Ok(outcome) => outcome,
        Err(error) => {
            return Err(said(
                Finding::fail("a declared pixel type does not run").with("input", &feed.name),
                &error,
            ));
        }
    };
    for (index, image) in outcome.images.iter().enumerate() {
        let most = parfocal_testkit::full_scale(&image.spec);
        let beyond =
            image.spec.dtype.is_integer().then(|| image.values().find(|value| *value > most)).flatten();
        if let Some(value) = beyond {
            return Err(Finding::fail("an output has values beyond the significant bits that the plan says")
                .with("input", &feed.name)
                .with("output", index)
                .with("bits", image.spec.significant_bits)
                .with("value", value));
        }
    }
    Ok(())
}

fn opr_20(scene: &mut Scene<'_>) -> Check {
    let bench = scene.bench()?;
    let settings = bench.settings();
    let edges = settings.edges().or_fail("the defaults lie outside of their own limits")?;
    let shape = bench.usual_shape()?;
    let feed = bench.feed(&shape)?;
    for setting in &edges {
        if let Err(error) = bench.create(&setting.parameters) {
            return Err(said(
                Finding::fail("a value within its declared limits is refused")
                    .with("parameters", &setting.name),
                &error,
            ));
        }
        bench.accepts(setting, &feed)?;
    }
    let mut refused = 0;
    let specs = &bench.descriptor.parameters;
    let defaults = settings.defaults().or_fail("the defaults lie outside of their own limits")?.parameters;
    for spec in specs {
        for value in beyond(spec) {
            let name = format!("{}={value}", spec.name);
            // Nobody checks these on the way.
            let given = defaults.iter().map(|(name, default)| {
                (name.to_owned(), if name == spec.name { value.clone() } else { default.clone() })
            });
            must_not_be_made(&bench, &given.collect(), &name)?;
            refused += 1;
        }
    }
    let mut doctored = specs.clone();
    doctored.push(ParameterSpec {
        name: "parfocal-conformance-unknown".into(),
        doc: "Declared by nobody.".into(),
        role: parfocal_types::ParameterRole::Setting,
        unit: parfocal_types::Unit::None,
        kind: ParameterKind::Flag { default: true },
    });
    let given = Parameters::complete(&doctored, []).or_suite_error("a wrong value cannot be made")?;
    must_not_be_made(&bench, &given, "a parameter that it does not declare")?;
    Ok(Finding::pass(format!(
        "{} sets within the limits are accepted, {} wrong ones refused",
        edges.len(),
        refused + 1
    )))
}

fn must_not_be_made(bench: &Bench, parameters: &Parameters, name: &str) -> Result<(), Finding> {
    match bench.create(parameters) {
        Err(error) if is_refusal(error.kind()) => Ok(()),
        Err(error) => Err(said(
            Finding::fail("a wrong value ends in an error that is no refusal").with("parameters", name),
            &error,
        )),
        Ok(_) => Err(Finding::fail("a value that is not allowed is accepted").with("parameters", name)),
    }
}

/// Values that a parameter does not allow.
fn beyond(spec: &ParameterSpec) -> Vec<ParameterValue> {
    let (number, whole) = (ParameterValue::Number, ParameterValue::Integer);
    let text = |value: &str| ParameterValue::Text(value.into());
    match &spec.kind {
        ParameterKind::Number { min, max, .. } => {
            let step = |limit: f64| limit.abs().max(1.0) * 0.5;
            let mut values = vec![text("wide")];
            values.extend((*min > f64::MIN / 4.0).then(|| number(min - step(*min))));
            values.extend((*max < f64::MAX / 4.0).then(|| number(max + step(*max))));
            values.extend([f64::NAN, f64::INFINITY].map(number));
            values
        }
        ParameterKind::Integer { min, max, .. } => {
            let mut values = vec![text("wide")];
            values.extend(min.checked_sub(1).map(whole));
            values.extend(max.checked_add(1).map(whole));
            values
        }
        ParameterKind::Choice { .. } => vec![text("parfocal-conformance-unknown"), whole(0)],
        ParameterKind::Flag { .. } => vec![text("perhaps")],
        ParameterKind::Text { .. } => vec![whole(0)],
    }
}

/// For cases that need an image input.
pub(super) fn has_input(_: &Subject, operator: Option<&Descriptor>) -> Applies {
    match operator {
        Some(operator) if operator.inputs.is_empty() => Applies::NotDeclared("it has no inputs".into()),
        _ => Applies::Yes,
    }
}
