//! Values of pixels: OPR-13 to OPR-17.

use parfocal_image::{Axis, DType, Extent, Region};
use parfocal_operator::{Descriptor, Kind, Tiling};
use parfocal_testkit::{Cut, Image, Loose, Outcome, Pattern, Quiet, Setting, Work};
use parfocal_types::Scalar;

use super::{failed, ran};
use crate::{
    case::{Applies, Case, Run},
    finding::{Check, Finding, OrFinding},
    scene::{Bench, Feed, Scene, is_refusal},
    status::Severity,
    subject::Subject,
};

pub(super) const CASES: &[Case] = &[
    Case {
        id: "OPR-13",
        sentence: "NaN, infinities and subnormal numbers spoil no pixel farther away than the halo.",
        demands: "Single pixels of f32 inputs are NaN, +Inf, -Inf and subnormal: the operator refuses with a \
                  typed error, or its output differs only within the halo around them; nothing crashes.",
        why: "One dead pixel of a float camera must not turn an image into nothing.",
        fix: "Use windows that end at the halo instead of running sums over the whole row, or restart \
                  them.",
        applies: takes_floats,
        run: Run::Written(opr_13),
        ..Case::USUAL
    },
    Case {
        id: "OPR-14",
        sentence: "Constant, black, saturated and single-pixel images give finite outputs.",
        demands: "All-zero, constant, all-maximum and single-spot images run; pixels hold no NaN and no \
                  infinity, and tables and records no infinity. NaN in a table says that there is no value.",
        why: "Variances of 0, empty histograms and images without objects are ordinary.",
        fix: "Guard every division by a variance, range or count.",
        applies: super::plan::has_input,
        run: Run::Written(opr_14),
        ..Case::USUAL
    },
    Case {
        id: "OPR-15",
        sentence: "Outputs of whole numbers clamp and round half to even; they never wrap around.",
        demands: "For operators of kind map that take f32 and whole numbers, and give f32 for f32: the output of \
                  whole numbers is the clamped, rounded output of the same values as f32, for bright and dark \
                  images. One grey level apart is arithmetic, and passes, as does one pixel in a hundred; cut-off \
                  fractions, and halves that go away from the even number, do not.",
        why: "A saturated nucleus that turns black is a wrong count.",
        fix: "Convert with `Pixel::from_f32`, which rounds and clamps, not with a plain cast of an \
                  integer. In Python, compute in floats, then `np.clip` and `np.rint`: numpy's whole numbers wrap \
                  around without a word.",
        applies: takes_floats_and_integers,
        run: Run::Written(opr_15),
        ..Case::USUAL
    },
    Case {
        id: "OPR-16",
        sentence: "Declared relations of intensity hold.",
        demands: "Where an operator declares that f(a x) = a f(x) or f(x + b) = f(x) + b, seeded values of a \
                  and b confirm it.",
        why: "Background and gain corrections are exchanged with such relations in mind.",
        fix: "Declare only relations that hold exactly, up to rounding.",
        severity: Severity::Should,
        applies: |_, _| Applies::NotYet("declared relations of intensity"),
        ..Case::USUAL
    },
    Case {
        id: "OPR-17",
        sentence: "The result moves with the image, away from its borders.",
        demands: "For operators of kind map that can be cut anywhere in the plane: a part of an image gives \
                  the same pixels as the image, wherever it is cut out, beyond the halo from its border.",
        why: "A structure should look the same wherever the stage happened to stop.",
        fix: "Use no position of the image, unless the operator is about it.",
        severity: Severity::Should,
        applies: is_map,
        run: Run::Written(opr_17),
        ..Case::USUAL
    },
];

fn takes(operator: Option<&Descriptor>, wanted: impl Fn(&DType) -> bool) -> bool {
    operator.and_then(|operator| operator.inputs.first()).is_some_and(|port| port.dtypes.iter().any(wanted))
}

fn takes_floats(_: &Subject, operator: Option<&Descriptor>) -> Applies {
    if takes(operator, |dtype| *dtype == DType::F32) {
        Applies::Yes
    } else {
        Applies::NotDeclared("its first input takes no f32".into())
    }
}

fn takes_floats_and_integers(subject: &Subject, operator: Option<&Descriptor>) -> Applies {
    let integers = takes(operator, |dtype| dtype.is_integer() && *dtype != DType::Mask);
    match is_map(subject, operator) {
        Applies::Yes if integers => takes_floats(subject, operator),
        Applies::Yes => Applies::NotDeclared("its first input takes no whole numbers".into()),
        other => other,
    }
}

fn is_map(_: &Subject, operator: Option<&Descriptor>) -> Applies {
    match operator {
        Some(operator) if operator.kind == Kind::Map => Applies::Yes,
        _ => Applies::NotDeclared("it is not of kind map".into()),
    }
}

fn opr_13(scene: &mut Scene<'_>) -> Check {
    let bench = scene.bench()?;
    let shape = bench.usual_shape()?.typed(DType::F32);
    let mut random = scene.random();
    let (mut spread, mut refused) = (0, 0);
    let specials =
        [("NaN", f64::NAN), ("+Inf", f64::INFINITY), ("-Inf", f64::NEG_INFINITY), ("subnormal", 1e-42)];
    for setting in bench.settings().words(4).or_fail("the defaults lie outside of their own limits")? {
        let feed = bench.feed(&shape)?;
        if !bench.accepts(&setting, &feed)? {
            continue;
        }
        let before = ran(bench.run(&setting.parameters, &feed, Cut::WHOLE), &setting, &feed)?;
        for (name, value) in specials {
            let place: [u64; 5] = std::array::from_fn(|axis| random.below(shape.extent.0[axis]));
            let mut spoiled = feed.clone();
            spoiled.name = format!("{} with {name} at {place:?}", feed.name);
            if let Some((_, image)) = spoiled.images.first_mut() {
                image.set(place, value).or_suite_error("a test image cannot be made")?;
            }
            match bench.run(&setting.parameters, &spoiled, Cut::WHOLE) {
                Err(error) if is_refusal(error.kind()) => refused += 1,
                Err(error) => return Err(failed(&error, &setting, &spoiled)),
                Ok(after) => {
                    near(&bench, &setting, &spoiled, place, &before, &after)?;
                    spread += 1;
                }
            }
        }
    }
    Ok(Finding::pass(format!("{spread} odd values spoil nothing beyond their halo, {refused} are refused")))
}

/// Every pixel that changed asks for the pixel that was spoiled.
fn near(
    bench: &Bench,
    setting: &Setting,
    feed: &Feed,
    place: [u64; 5],
    before: &Outcome,
    after: &Outcome,
) -> Result<(), Finding> {
    if bench.descriptor.kind != Kind::Map {
        return Ok(());
    }
    let planned =
        bench.drive(&setting.parameters, &Quiet, &Loose::default(), |driver| driver.plan(&feed.inputs()));
    let (operator, plan) = planned.or_fail("`plan` refuses what it accepted before")?;
    let work = Work::of(&bench.descriptor, &plan, feed.images.first().map(|(_, image)| &image.spec));
    if work.sequence.is_some() {
        return Ok(());
    }
    let spoiled = Region::new(place.map(|index| i64::try_from(index).unwrap_or(0)), Extent([1; 5]));
    for (first, second) in before.images.iter().zip(&after.images) {
        for there in changed(first, second) {
            let mut core = Region::new(there.map(|index| i64::try_from(index).unwrap_or(0)), Extent([1; 5]));
            for axis in Axis::ALL {
                if plan.tiling[axis as usize] == Tiling::Whole {
                    core = core.with(axis, 0, work.extent[axis]);
                }
            }
            let asked =
                operator.required_input(&core).or_fail("`required_input` fails for a single pixel")?;
            if !asked.first().is_some_and(|asked| asked.region.contains(&spoiled)) {
                return Err(Finding::fail("an odd value spoils a pixel farther away than the halo")
                    .with("parameters", &setting.name)
                    .with("input", &feed.name)
                    .with("spoiled", format!("{there:?}")));
            }
        }
    }
    Ok(())
}

fn changed<'a>(first: &'a Image, second: &'a Image) -> impl Iterator<Item = [u64; 5]> + 'a {
    let extent = first.spec.extent;
    let pairs = first.values().zip(second.values()).enumerate();
    pairs.filter(|(_, (one, other))| one.to_bits() != other.to_bits()).map(move |(index, _)| {
        let mut rest = index as u64;
        let mut place = [0; 5];
        for axis in (0..5).rev() {
            place[axis] = rest % extent.0[axis].max(1);
            rest /= extent.0[axis].max(1);
        }
        place
    })
}

fn opr_14(scene: &mut Scene<'_>) -> Check {
    let bench = scene.bench()?;
    let shape = bench.usual_shape()?;
    let dtypes = bench.descriptor.inputs.first().map_or_else(Vec::new, |port| port.dtypes.clone());
    let mut count = 0;
    for setting in bench.settings().words(4).or_fail("the defaults lie outside of their own limits")? {
        for &dtype in &dtypes {
            for pattern in [Pattern::Zero, Pattern::Constant(0.4), Pattern::Full, Pattern::Spot] {
                let feed = bench.feed(&shape.clone().typed(dtype).showing(pattern))?;
                if !bench.accepts(&setting, &feed)? {
                    continue;
                }
                let outcome = ran(bench.run(&setting.parameters, &feed, Cut::WHOLE), &setting, &feed)?;
                for (index, image) in outcome.images.iter().enumerate() {
                    if let Some(value) = image.values().find(|value| !value.is_finite()) {
                        return Err(Finding::fail(
                            "an image without structure gives a pixel that is no number",
                        )
                        .with("parameters", &setting.name)
                        .with("input", &feed.name)
                        .with("output", index)
                        .with("value", value));
                    }
                }
                if let Some(place) = infinite(&outcome) {
                    return Err(Finding::fail("an image without structure gives an infinity")
                        .with("parameters", &setting.name)
                        .with("input", &feed.name)
                        .with("in", place));
                }
                count += 1;
            }
        }
    }
    Ok(Finding::pass(format!("{count} images without structure give finite results")))
}

/// Where a table or record has an infinity.
fn infinite(outcome: &Outcome) -> Option<String> {
    let infinite = |value: &Scalar| matches!(value, Scalar::Number(number) if number.is_infinite());
    for (_, port, table) in &outcome.tables {
        let found = table.rows().iter().flatten().position(infinite);
        if let Some(place) = found {
            let column = table.columns().get(place % table.columns().len().max(1));
            return Some(format!("table {port}, {}", column.map_or("", |column| column.name.as_str())));
        }
    }
    outcome.records.iter().find_map(|(_, port, record)| {
        let field = record.iter().find(|field| infinite(&field.value))?;
        Some(format!("record {port}, {}", field.name))
    })
}

fn opr_15(scene: &mut Scene<'_>) -> Check {
    let bench = scene.bench()?;
    let shape = bench.usual_shape()?;
    let port = bench.descriptor.inputs.first();
    let dtypes: Vec<_> = port.into_iter().flat_map(|port| &port.dtypes).copied().collect();
    let integers =
        dtypes.iter().filter(|dtype| dtype.is_integer() && !matches!(dtype, DType::Mask | DType::U32));
    let mut count = 0;
    for setting in bench.settings().words(4).or_fail("the defaults lie outside of their own limits")? {
        for &dtype in integers.clone() {
            for pattern in [Pattern::Texture, Pattern::Noise, Pattern::Full] {
                let whole = bench.feed(&shape.clone().typed(dtype).showing(pattern))?;
                let mut float = whole.clone();
                if let Some((_, image)) = float.images.first_mut() {
                    let mut spec = image.spec.clone();
                    (spec.dtype, spec.significant_bits) = (DType::F32, 32);
                    let old = image.clone();
                    *image = Image::drawn(spec, |place| old.value(place).unwrap_or(0.0))
                        .or_suite_error("a test image cannot be made")?;
                }
                if !bench.accepts(&setting, &whole)? || !bench.accepts(&setting, &float)? {
                    continue;
                }
                let expected = ran(bench.run(&setting.parameters, &float, Cut::WHOLE), &setting, &float)?;
                let found = ran(bench.run(&setting.parameters, &whole, Cut::WHOLE), &setting, &whole)?;
                for (expected, found) in expected.images.iter().zip(&found.images) {
                    let compared = clamped(expected, found).map_err(|finding| {
                        finding.with("parameters", &setting.name).with("input", &whole.name)
                    })?;
                    count += usize::from(compared);
                }
            }
        }
    }
    if count == 0 {
        return Ok(Finding::na("no output of whole numbers has one of f32 beside it"));
    }
    Ok(Finding::pass(format!(
        "{count} images of whole numbers give what their values as f32 give, rounded and clamped"
    )))
}

/// Holds an output of whole numbers against the same as f32; `false` where these are none. One grey level apart is arithmetic;
/// below the rounded value in many pixels is a cut-off fraction, on the wrong side of many halves another rounding.
fn clamped(expected: &Image, found: &Image) -> Result<bool, Finding> {
    let dtype = found.spec.dtype;
    if expected.spec.dtype != DType::F32 || !dtype.is_integer() || matches!(dtype, DType::Mask | DType::U32) {
        return Ok(false);
    }
    let bits = i32::try_from(dtype.bits()).unwrap_or(8);
    let signed = matches!(dtype, DType::I8 | DType::I16);
    let (min, max) = if signed {
        (-2.0_f64.powi(bits - 1), 2.0_f64.powi(bits - 1) - 1.0)
    } else {
        (0.0, 2.0_f64.powi(bits) - 1.0)
    };
    let (mut other, mut cut, mut pixels, mut halves, mut odd) = (0_u64, 0_u64, 0_u64, 0_u64, 0_u64);
    for (index, (wanted, got)) in expected.values().zip(found.values()).enumerate() {
        pixels += 1;
        let right = wanted.round_ties_even().clamp(min, max);
        if (got - right).abs() > (max - min) / 2.0 {
            return Err(Finding::fail("a value wraps around instead of being clamped")
                .with("pixel", index)
                .with("as f32", wanted)
                .with("expected", right)
                .with("got", got));
        }
        other += u64::from((got - right).abs() > 1.0);
        let fraction = wanted - wanted.trunc();
        cut += u64::from(got != right && got == wanted.trunc().clamp(min, max) && fraction.abs() > 0.501);
        // What is computed may lie beside a half where f32 says that it is one: single pixels say nothing.
        let half = fraction.abs() == 0.5 && (min..max).contains(&wanted);
        halves += u64::from(half);
        odd += u64::from(half && got != right);
    }
    // Single pixels may lie at a decision that arithmetic takes the other way.
    if other * 100 > pixels {
        return Err(Finding::fail("values are not those of the same pixels as f32, rounded and clamped")
            .with("pixels", other)
            .with("of", pixels));
    }
    if cut * 100 > pixels {
        return Err(Finding::fail("fractions are cut off instead of being rounded")
            .with("pixels", cut)
            .with("of", pixels));
    }
    // Another rule is wrong for every second half.
    if halves >= 16 && odd * 4 > halves {
        return Err(Finding::fail("halves are not rounded to the even number")
            .with("pixels", odd)
            .with("of", halves));
    }
    Ok(true)
}

fn opr_17(scene: &mut Scene<'_>) -> Check {
    let bench = scene.bench()?;
    let usual = bench.usual_shape()?;
    let setting = bench.settings().defaults().or_fail("the defaults lie outside of their own limits")?;
    let [t, c, z, ..] = usual.extent.0;
    let large = bench.feed(&usual.clone().sized(Extent::new(t, c, z, 176, 192)))?;
    let pixel = Region::new([0, 0, 0, 80, 80], Extent([1; 5]));
    let planned = bench.drive(&setting.parameters, &Quiet, &Loose::default(), |driver| {
        let (operator, plan) = driver.plan(&large.inputs())?;
        Ok((plan, operator.required_input(&pixel)?))
    });
    let (plan, asked) = planned.or_fail("a larger image is refused")?;
    if [Axis::Y, Axis::X].iter().any(|axis| plan.tiling[*axis as usize] != Tiling::Split) {
        return Ok(Finding::na("it cannot be cut anywhere in the plane"));
    }
    let step = plan.tile_sizes[3].step.max(plan.tile_sizes[4].step).max(1);
    let offset = [step.max(5).next_multiple_of(step), step.max(11).next_multiple_of(step)];
    let part = Region::new(
        [0, 0, 0, offset[0].cast_signed(), offset[1].cast_signed()],
        Extent::new(t, c, z, 150, 160),
    );
    let small = Feed {
        name: format!("the part {part} of {}", large.name),
        images: large
            .images
            .iter()
            .map(|(port, image)| Ok((*port, image.part(&part)?)))
            .collect::<parfocal_types::Result<_>>()
            .or_suite_error("a test image cannot be made")?,
    };
    let whole = ran(bench.run(&setting.parameters, &large, Cut::WHOLE), &setting, &large)?;
    let alone = ran(bench.run(&setting.parameters, &small, Cut::WHOLE), &setting, &small)?;
    let halo = asked.iter().map(|asked| {
        let before = |axis: usize| {
            (pixel.origin[axis] - asked.region.origin[axis])
                .max(asked.region.end(Axis::ALL[axis]) - pixel.end(Axis::ALL[axis]))
        };
        before(3).max(before(4)).max(0)
    });
    let halo = halo.max().unwrap_or(0);
    if 2 * halo + 16 > 150 {
        return Ok(Finding::na(format!("its halo of {halo} pixels leaves nothing of the image's middle")));
    }
    for (index, (first, second)) in whole.images.iter().zip(&alone.images).enumerate() {
        for y in halo..150 - halo {
            for x in halo..160 - halo {
                let here = [0, 0, 0, y.unsigned_abs(), x.unsigned_abs()];
                let there = [0, 0, 0, here[3] + offset[0], here[4] + offset[1]];
                let (one, other) = (first.value(there), second.value(here));
                if one.map(f64::to_bits) != other.map(f64::to_bits) {
                    return Err(Finding::fail(
                        "a part of an image gives other pixels than the image, away from its border",
                    )
                    .with("output", index)
                    .with("pixel of the part", format!("Y{y} X{x}"))
                    .with("whole", format!("{one:?}"))
                    .with("part", format!("{other:?}")));
                }
            }
        }
    }
    Ok(Finding::pass(format!("a part gives the pixels of the whole, {halo} pixels from its border")))
}
