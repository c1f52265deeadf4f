//! What results mean: OPR-26 to OPR-29.

use std::collections::BTreeSet;

use parfocal_image::{DType, Extent, ImageSpec, PixelSize};
use parfocal_operator::{Descriptor, PortKind};
use parfocal_testkit::{Cut, Image, Outcome, Setting};
use parfocal_types::{ParameterKind, ParameterValue, Scalar, Table, Unit, units::Micrometers};

use super::{differs, ran};
use crate::{
    case::{Applies, Case, Run},
    finding::{Check, Finding, OrFinding, said},
    scene::{Bench, Feed, Scene, Shape, is_refusal},
    subject::Subject,
};

pub(super) const CASES: &[Case] = &[
    Case {
        id: "OPR-26",
        sentence: "Outputs carry what made them, and what is predicted stays marked.",
        demands: "Each output names operator, version, model, parameters and the digest of its input; \
                  predicted channels are marked, and measurements refuse or flag them as declared.",
        why: "A number without its origin cannot be trusted, and a predicted image is no measurement.",
        fix: "Nothing to do in the plugin: the host writes it from what is declared; declare outputs \
                  honestly.",
        applies: |_, _| Applies::NotYet("provenance in outputs (it comes with evidence)"),
        ..Case::USUAL
    },
    Case {
        id: "OPR-27",
        sentence: "Physical parameters and columns follow the pixel size; without one they are refused.",
        demands: "Pixel size and physical parameters scaled together give the same pixels; columns in \
                  micrometers scale with the pixel size, those in pixels do not; without a pixel size a \
                  physical parameter is refused, never taken as 1.0. A warning: the physical parameters times two, \
                  for the same image, change nothing.",
        why: "A radius of 2 means something else in micrometers, and a silent 1.0 has been published.",
        fix: "Ask `PixelSize::in_plane`, which refuses what is unknown, and compute in pixels from there.",
        applies: is_physical,
        run: Run::Written(opr_27),
        ..Case::USUAL
    },
    Case {
        id: "OPR-28",
        sentence: "Labels are numbered from 1 without gaps, 0 is background, and tiles do not split objects.",
        demands: "Separated discs, some across tile borders, are numbered 1 to n, and the same in one piece and in \
                  tiles. A warning: with its defaults an operator finds another number than there are discs, as \
                  one may that looks for something else.",
        why: "A nucleus on a tile border that counts twice changes the statistics with the memory of the \
                  machine.",
        fix: "Join what touches across tile borders in `merge`, and number in raster order in `finish`.",
        applies: gives_labels,
        run: Run::Written(opr_28),
        ..Case::USUAL
    },
    Case {
        id: "OPR-29",
        sentence: "Tables declare their units, and known shapes measure what geometry says.",
        demands: "Every column of a length, area, volume or intensity has a unit; a disc of radius 10 px with \
                  0.5 um pixels has the area, diameter and outline of a disc of 5 um, within the tolerance of \
                  its pixels, and its centre to a thousandth of one, counted from the middle of the first pixel.",
        why: "Tables are read by people who do not see the code.",
        fix: "Declare units with `Column::new`, and test against shapes whose size is known.",
        applies: measures_labels,
        run: Run::Written(opr_29),
        ..Case::USUAL
    },
];

/// Whether a parameter is a length in the sample by its own unit.
fn is_length(spec: &parfocal_types::ParameterSpec) -> bool {
    matches!(spec.unit, Unit::Micrometer | Unit::Nanometer)
        && matches!(spec.kind, ParameterKind::Number { .. })
}

/// The choice that says in which unit others are, and its word for micrometers.
fn unit_choice(descriptor: &Descriptor) -> Option<(&str, &str)> {
    descriptor.parameters.iter().find_map(|spec| match &spec.kind {
        ParameterKind::Choice { options, .. } if spec.name == "unit" || spec.name.ends_with("-unit") => {
            let word =
                options.iter().find(|word| matches!(word.as_str(), "micrometer" | "micrometers" | "um"))?;
            Some((spec.name.as_str(), word.as_str()))
        }
        _ => None,
    })
}

fn gives_tables(descriptor: &Descriptor) -> bool {
    descriptor.outputs.iter().any(|port| port.kind == PortKind::Table)
}

fn is_physical(_: &Subject, operator: Option<&Descriptor>) -> Applies {
    match operator {
        Some(operator)
            if operator.parameters.iter().any(is_length)
                || unit_choice(operator).is_some()
                || gives_tables(operator) =>
        {
            Applies::Yes
        }
        _ => Applies::NotDeclared("it has neither parameters in physical units nor tables".into()),
    }
}

fn opr_27(scene: &mut Scene<'_>) -> Check {
    let bench = scene.bench()?;
    let (mut told, mut idle) = (Vec::new(), false);
    if bench.descriptor.parameters.iter().any(is_length) || unit_choice(&bench.descriptor).is_some() {
        match scaled_parameters(&bench)? {
            Some(sentence) => told.push(sentence),
            None => idle = true,
        }
    }
    if gives_tables(&bench.descriptor) {
        told.push(scaled_columns(&bench)?);
    }
    if idle {
        return Ok(Finding::warn("twice the physical length changes nothing in the images of the suite"));
    }
    Ok(Finding::pass(told.join("; ")))
}

/// The lengths among the parameters, each a value whose double is within its limits too, times a factor.
fn lengths(bench: &Bench, factor: f64) -> Vec<(String, ParameterValue)> {
    let unit = unit_choice(&bench.descriptor);
    let mut given: Vec<_> = unit
        .map(|(name, word)| (name.to_owned(), ParameterValue::Text(word.to_owned())))
        .into_iter()
        .collect();
    for spec in &bench.descriptor.parameters {
        let counts = is_length(spec) || (unit.is_some() && matches!(spec.unit, Unit::None | Unit::Pixel));
        if let (true, ParameterKind::Number { min, max, .. }) = (counts, &spec.kind) {
            // About two pixels of 0.1 micrometers, so that small images show something.
            let base: f64 = if spec.unit == Unit::Nanometer { 200.0 } else { 0.2 };
            // Where no double fits, the limit is kept for both.
            let base = base.min(max / 2.0).max(*min);
            let value = if 2.0 * base > *max { base } else { base * factor };
            given.push((spec.name.clone(), ParameterValue::Number(value)));
        }
    }
    given
}

fn setting_of(bench: &Bench, given: &[(String, ParameterValue)]) -> Result<Setting, Finding> {
    let given: Vec<_> = given.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
    bench.settings().with(&given).or_suite_error("a length in physical units cannot be set")
}

fn sized(shape: &Shape, factor: f64) -> Shape {
    Shape {
        pixel_size: PixelSize::voxel(Micrometers(0.1 * factor), Micrometers(0.3 * factor)),
        ..shape.clone()
    }
}

/// What was found of parameters that are lengths; `None` when nothing of the images depends on them.
fn scaled_parameters(bench: &Bench) -> Result<Option<String>, Finding> {
    let shape = bench.usual_shape()?;
    let (once, twice) = (lengths(bench, 1.0), lengths(bench, 2.0));
    let kept =
        once.iter().zip(&twice).any(|(one, two)| matches!(one.1, ParameterValue::Number(_)) && one == two);
    // A power of two keeps every quotient the same to the last bit.
    let single = (setting_of(bench, &once)?, bench.feed(&sized(&shape, 1.0))?);
    let double = (setting_of(bench, &twice)?, bench.feed(&sized(&shape, 2.0))?);
    let run = |(setting, feed): &(Setting, Feed)| {
        ran(bench.run(&setting.parameters, feed, Cut::WHOLE), setting, feed)
    };
    let (first, second) = (run(&single)?, run(&double)?);
    let (first, second) = (Outcome { tables: Vec::new(), ..first }, Outcome { tables: Vec::new(), ..second });
    if let Some(difference) = first.difference(&second).filter(|_| !kept) {
        return Err(differs(
            "pixel size and physical parameters times two give another result",
            &difference,
            &double.0,
            &double.1,
        ));
    }
    let other = Outcome { tables: Vec::new(), ..run(&(double.0.clone(), single.1.clone()))? };
    let moves = first.difference(&other).is_some();
    let blind = bench.feed(&Shape { pixel_size: PixelSize::UNKNOWN, ..shape })?;
    let planned = bench.drive(
        &single.0.parameters,
        &parfocal_testkit::Quiet,
        &parfocal_testkit::Loose::default(),
        |driver| driver.plan(&blind.inputs()).map(drop),
    );
    match planned {
        Err(error) if is_refusal(error.kind()) => {
            if kept {
                return Ok(Some(
                    "physical parameters need a pixel size; none can be doubled within its limits".into(),
                ));
            }
            Ok(moves.then(|| "physical parameters follow the pixel size, and need one".into()))
        }
        Err(error) => {
            Err(said(Finding::fail("a missing pixel size ends in an error that is no refusal"), &error))
        }
        Ok(()) => Err(Finding::fail(
            "a physical parameter is accepted for an image that does not say how large a pixel is",
        )
        .with("parameters", &single.0.name)),
    }
}

/// The power of a length in a unit; `None` for units that have nothing to do with the pixel size.
fn power(unit: Unit) -> Option<i32> {
    match unit {
        Unit::Micrometer | Unit::Nanometer => Some(1),
        Unit::SquareMicrometer => Some(2),
        Unit::CubicMicrometer => Some(3),
        _ => None,
    }
}

fn scaled_columns(bench: &Bench) -> Result<String, Finding> {
    let shape = bench.usual_shape()?;
    let setting = bench.settings().defaults().or_fail("the defaults lie outside of their own limits")?;
    let run = |factor: f64| {
        let feed = bench.feed(&sized(&shape, factor))?;
        ran(bench.run(&setting.parameters, &feed, Cut::WHOLE), &setting, &feed)
    };
    let (single, double) = (run(1.0)?, run(2.0)?);
    let mut physical = 0;
    for ((_, _, first), (_, _, second)) in single.tables.iter().zip(&double.tables) {
        if first.columns() != second.columns() || first.rows().len() != second.rows().len() {
            return Err(Finding::fail("another pixel size gives a table of another shape"));
        }
        for (index, column) in first.columns().iter().enumerate() {
            let factor = 2.0_f64.powi(power(column.unit).unwrap_or(0));
            physical += usize::from(power(column.unit).is_some());
            for (row, (one, other)) in first.rows().iter().zip(second.rows()).enumerate() {
                let (Some(Scalar::Number(one)), Some(Scalar::Number(other))) =
                    (one.get(index), other.get(index))
                else {
                    continue;
                };
                let right = one * factor;
                if !(one.is_nan() && other.is_nan()) && (other - right).abs() > 1e-6 * right.abs().max(1e-9) {
                    return Err(Finding::fail("a column does not follow the pixel size as its unit says")
                        .with("column", format!("{} ({})", column.name, column.unit.name()))
                        .with("row", row)
                        .with("expected", right)
                        .with("got", other));
                }
            }
        }
    }
    let blind = bench.feed(&Shape { pixel_size: PixelSize::UNKNOWN, ..shape })?;
    if let Ok(outcome) = bench.run(&setting.parameters, &blind, Cut::WHOLE) {
        let column = outcome
            .tables
            .iter()
            .flat_map(|(_, _, table)| table.columns())
            .find(|column| power(column.unit).is_some());
        if let Some(column) = column {
            return Err(Finding::fail(
                "a column in physical units comes from an image that does not say how large a pixel is",
            )
            .with("column", format!("{} ({})", column.name, column.unit.name())));
        }
    }
    Ok(format!("{physical} columns follow the pixel size"))
}

fn gives_labels(_: &Subject, operator: Option<&Descriptor>) -> Applies {
    match operator {
        Some(operator) if operator.outputs.iter().any(|port| port.kind == PortKind::Labels) => Applies::Yes,
        _ => Applies::NotDeclared("no output holds labels".into()),
    }
}

/// Discs that touch neither each other nor the border, some across the lines where tiles of 32 pixels meet.
const DISCS: [(f64, f64, f64); 6] = [
    (16.0, 16.0, 6.0),
    (32.0, 40.0, 7.0),
    (64.0, 64.0, 9.0),
    (20.0, 64.0, 5.0),
    (70.0, 20.0, 8.0),
    (45.0, 88.0, 4.0),
];
const FIELD: (u64, u64) = (128, 128);

/// Discs for every input: bright on dark, or numbered.
fn discs(bench: &Bench, shape: &Shape, pixel_size: PixelSize) -> Result<Feed, Finding> {
    let [t, c, z, ..] = shape.extent.0;
    let mut images = Vec::new();
    for (number, port) in (0_u32..).zip(&bench.descriptor.inputs) {
        let dtype = port.dtypes.first().copied().unwrap_or(DType::U16);
        let mut spec = ImageSpec::new(Extent::new(t, c, z, FIELD.0, FIELD.1), dtype);
        spec.pixel_size = pixel_size;
        let labels = port.kind == PortKind::Labels;
        for channel in &mut spec.channels {
            *channel = parfocal_image::Channel::named("discs").measured();
            if labels {
                channel.class = parfocal_image::PixelClass::Labels;
            }
        }
        let scale = parfocal_testkit::full_scale(&spec);
        let image = Image::drawn(spec, |[.., y, x]| {
            let inside = |(cy, cx, radius): &(f64, f64, f64)| (y as f64 - cy).hypot(x as f64 - cx) <= *radius;
            let disc = DISCS.iter().position(inside);
            if labels {
                disc.map_or(0.0, |index| (index + 1) as f64)
            } else {
                disc.map_or(0.0, |_| (scale * 0.8).ceil())
            }
        });
        images.push((number, image.or_suite_error("a test image cannot be made")?));
    }
    Ok(Feed {
        name: format!(
            "{} discs of {} in {}",
            DISCS.len(),
            bench.descriptor.id,
            Extent::plane(FIELD.0, FIELD.1)
        ),
        images,
    })
}

fn opr_28(scene: &mut Scene<'_>) -> Check {
    let bench = scene.bench()?;
    let shape = bench.usual_shape()?;
    let mut warning = None;
    let mut count = 0;
    for setting in bench.settings().words(12).or_fail("the defaults lie outside of their own limits")? {
        let feed = discs(&bench, &shape, shape.pixel_size)?;
        if !bench.accepts(&setting, &feed)? {
            continue;
        }
        let whole = ran(bench.run(&setting.parameters, &feed, Cut::WHOLE), &setting, &feed)?;
        for cut in [Cut::in_plane(32, 32), Cut::in_plane(5, 7), Cut::in_stack(2, 40, 9)] {
            let tiled = ran(bench.run(&setting.parameters, &feed, cut), &setting, &feed)?;
            if let Some(difference) = whole.difference(&tiled) {
                return Err(differs(
                    "objects across tile borders are numbered otherwise",
                    &difference,
                    &setting,
                    &feed,
                )
                .with("tiles", format!("{:?}", cut.tile)));
            }
        }
        let ports = bench.descriptor.outputs.iter().filter(|port| port.kind.is_image());
        for (image, _) in whole.images.iter().zip(ports).filter(|(_, port)| port.kind == PortKind::Labels) {
            if let Some(odd) = numbered(image, &setting)? {
                warning = Some(odd);
            }
            count += 1;
        }
    }
    if count == 0 {
        return Ok(Finding::na("it accepts no image of discs"));
    }
    match warning {
        Some(warning) => Ok(warning),
        None => Ok(Finding::pass(format!(
            "{} discs are counted once and numbered from 1 in {count} label images",
            DISCS.len()
        ))),
    }
}

/// Numbers without gaps, in each piece that is numbered by itself: a plane, or the stack of a channel and time point. A
/// warning when there are not as many as discs: an operator may look for something else.
fn numbered(image: &Image, setting: &Setting) -> Result<Option<Finding>, Finding> {
    let [t, c, z, ..] = image.spec.extent.0;
    let numbers = |planes: std::ops::Range<u64>, t: u64, c: u64| {
        let mut numbers = BTreeSet::new();
        for plane in planes {
            let region = parfocal_image::Region::new(
                [t, c, plane, 0, 0].map(u64::cast_signed),
                Extent::new(1, 1, 1, image.spec.extent.0[3], image.spec.extent.0[4]),
            );
            let part = image.part(&region).or_suite_error("an output cannot be cut")?;
            numbers.extend(part.values().map(|value| value as u64).filter(|value| *value > 0));
        }
        Ok::<_, Finding>(numbers)
    };
    let gapless = |numbers: &BTreeSet<u64>| numbers.last().copied().unwrap_or(0) == numbers.len() as u64;
    for (t, c) in (0..t).flat_map(|t| (0..c).map(move |c| (t, c))) {
        let stack = numbers(0..z, t, c)?;
        let planes = (0..z).map(|plane| numbers(plane..plane + 1, t, c)).collect::<Result<Vec<_>, _>>()?;
        if !gapless(&stack) && !planes.iter().all(gapless) {
            let shown: Vec<_> = stack.iter().take(12).map(u64::to_string).collect();
            return Err(Finding::fail("labels have gaps in their numbers")
                .with("parameters", &setting.name)
                .with("numbers", shown.join(" ")));
        }
        let most = planes.iter().map(BTreeSet::len).max().unwrap_or(0);
        if most != DISCS.len() {
            let finding =
                Finding::warn("separated discs are not found one by one").with("parameters", &setting.name);
            return Ok(Some(finding.with("discs", DISCS.len()).with("found", most)));
        }
    }
    Ok(None)
}

fn measures_labels(_: &Subject, operator: Option<&Descriptor>) -> Applies {
    match operator {
        Some(operator) if gives_tables(operator) => {
            if operator.inputs.iter().any(|port| port.kind == PortKind::Labels) {
                Applies::Yes
            } else {
                Applies::NotDeclared("its table does not come from labels".into())
            }
        }
        _ => Applies::NotDeclared("it gives no table".into()),
    }
}

fn opr_29(scene: &mut Scene<'_>) -> Check {
    let bench = scene.bench()?;
    let shape = bench.usual_shape()?;
    let setting = bench.settings().defaults().or_fail("the defaults lie outside of their own limits")?;
    let usual = bench.feed(&shape)?;
    let outcome = ran(bench.run(&setting.parameters, &usual, Cut::WHOLE), &setting, &usual)?;
    if outcome.tables.is_empty() {
        return Err(Finding::fail("it declares a table and gives none"));
    }
    for column in outcome.tables.iter().flat_map(|(_, _, table)| table.columns()) {
        let length =
            ["area", "volume", "perimeter", "diameter", "length", "width", "centroid", "intensity", "axis"];
        if column.unit == Unit::None
            && length.iter().any(|word| column.name.contains(word))
            && !column.name.contains("ratio")
        {
            return Err(Finding::fail("a column of a length, area, volume or intensity has no unit")
                .with("column", &column.name));
        }
    }
    // One disc of radius 10 px: 5 micrometers with pixels of 0.5 micrometers.
    let disc = one_disc(&bench, &shape)?;
    let outcome = ran(bench.run(&setting.parameters, &disc, Cut::in_plane(32, 32)), &setting, &disc)?;
    let mut judged = Vec::new();
    for (_, _, table) in &outcome.tables {
        if table.rows().len() != 1 {
            return Err(Finding::fail("one disc does not give one row").with("rows", table.rows().len()));
        }
        judged.extend(golden(table)?);
    }
    judged.sort_unstable();
    judged.dedup();
    if judged.is_empty() {
        return Ok(Finding::pass("every column has its unit; none is one that geometry can judge"));
    }
    Ok(Finding::pass(format!("a known disc measures what geometry says: {}", judged.join(", "))))
}

const RADIUS: f64 = 10.0;
/// Y and X of the disc's centre: the middle of a pixel, so that the disc is symmetric.
const CENTRE: [f64; 2] = [30.0, 33.0];
const SIDE: f64 = 0.5;

fn one_disc(bench: &Bench, shape: &Shape) -> Result<Feed, Finding> {
    let sized = Shape { pixel_size: PixelSize::voxel(Micrometers(SIDE), Micrometers(1.0)), ..shape.clone() };
    let mut feed = bench.feed(&sized.sized(Extent::plane(64, 64)))?;
    feed.name = "one disc of radius 10 px, pixels of 0.5 µm".into();
    for (number, image) in &mut feed.images {
        let labels =
            bench.descriptor.inputs.get(*number as usize).is_some_and(|port| port.kind == PortKind::Labels);
        let scale = if labels { 1.0 } else { parfocal_testkit::full_scale(&image.spec) * 0.5 };
        let drawn = Image::drawn(image.spec.clone(), |[.., y, x]| {
            if (y as f64 - CENTRE[0]).hypot(x as f64 - CENTRE[1]) <= RADIUS { scale } else { 0.0 }
        });
        *image = drawn.or_suite_error("a test image cannot be made")?;
    }
    Ok(feed)
}

/// Holds the columns whose meaning is known by name and unit against the disc; which were judged.
fn golden(table: &Table) -> Result<Vec<String>, Finding> {
    let mut judged = Vec::new();
    for (column, value) in table.columns().iter().zip(table.rows().first().map_or(&[][..], Vec::as_slice)) {
        let value = match value {
            Scalar::Number(value) => *value,
            #[allow(clippy::cast_precision_loss, reason = "areas of small discs")]
            Scalar::Integer(value) => *value as f64,
            _ => continue,
        };
        let area = std::f64::consts::PI * RADIUS * RADIUS;
        // Pixels of a disc of radius 10 are off by at most 2 %; of its outline by 8 %, whatever way it is estimated.
        let expected = match (column.name.as_str(), column.unit) {
            ("area", Unit::SquarePixel | Unit::Pixel | Unit::Count) => Some((area, 0.02)),
            ("area", Unit::SquareMicrometer) => Some((area * SIDE * SIDE, 0.02)),
            ("equivalent_diameter", Unit::Micrometer) => Some((2.0 * RADIUS * SIDE, 0.02)),
            ("equivalent_diameter", Unit::Pixel) => Some((2.0 * RADIUS, 0.02)),
            ("perimeter", Unit::Micrometer) => Some((2.0 * std::f64::consts::PI * RADIUS * SIDE, 0.08)),
            ("perimeter", Unit::Pixel) => Some((2.0 * std::f64::consts::PI * RADIUS, 0.08)),
            // A thousandth of a pixel.
            ("centroid_y", Unit::Pixel) => Some((CENTRE[0], 3e-5)),
            ("centroid_x", Unit::Pixel) => Some((CENTRE[1], 3e-5)),
            ("centroid_y", Unit::Micrometer) => Some((CENTRE[0] * SIDE, 3e-5)),
            ("centroid_x", Unit::Micrometer) => Some((CENTRE[1] * SIDE, 3e-5)),
            _ => None,
        };
        let Some((expected, tolerance)) = expected else { continue };
        if (value - expected).abs() > tolerance * expected {
            return Err(Finding::fail("a known disc measures something else than geometry says")
                .with("column", format!("{} ({})", column.name, column.unit.name()))
                .with("expected", format!("{expected:.3}, {} % more or less", tolerance * 100.0))
                .with("got", value));
        }
        judged.push(column.name.clone());
    }
    Ok(judged)
}
