//! Sends a 20000 x 20000 plane of 16-bit pixels (800 MB, made up while it is read) through a filter that looks three
//! pixels far, and says what memory was announced and what was taken. Watch the process with `/usr/bin/time -v`.

use std::{error::Error, sync::Arc, time::Instant};

use parfocal_core::{ImageSource, Library, LibraryInfo};
use parfocal_image::{Axis, DType, Extent, ImageSpec, PixelsMut, Region, Supports};
use parfocal_operator::{
    Descriptor, InputPort, InputRegion, InputSpec, Kind, Operator, OutputPort, Padding, Plan, PortKind,
    Services, ThreadSafety, Tiles,
};
use parfocal_pipeline::{Discard, Run, RunOptions, Step};
use parfocal_types::{Parameters, Result};

/// Brightest pixel of seven rows.
struct ColumnMaximum;

impl Operator for ColumnMaximum {
    fn plan(&mut self, inputs: &[InputSpec<'_>], _: &dyn Services) -> Result<Plan> {
        Ok(Plan::like(inputs[0].spec))
    }

    fn required_input(&self, core: &Region) -> Result<Vec<InputRegion>> {
        Ok(vec![InputRegion::new(0, core.grown(Axis::Y, 3, 3)).padded(Padding::Symmetric)])
    }

    fn run(&mut self, tiles: &mut Tiles<'_>, _services: &dyn Services) -> Result<()> {
        let input = tiles.inputs[0].pixels.view::<u16>()?;
        for (y, to) in tiles.outputs[0].pixels.view_mut::<u16>()?.rows_mut().enumerate() {
            to.copy_from_slice(input.row(0, 0, 0, y));
            for row in y + 1..y + 7 {
                to.iter_mut().zip(input.row(0, 0, 0, row)).for_each(|(to, from)| *to = (*to).max(*from));
            }
        }
        Ok(())
    }
}

struct Here(LibraryInfo, [Descriptor; 1]);

impl Library for Here {
    fn info(&self) -> &LibraryInfo {
        &self.0
    }

    fn operators(&self) -> &[Descriptor] {
        &self.1
    }

    fn create(&self, _operator: &str, _parameters: &Parameters) -> Result<Box<dyn Operator>> {
        Ok(Box::new(ColumnMaximum))
    }
}

struct MadeUp(ImageSpec);

impl ImageSource for MadeUp {
    fn spec(&self) -> &ImageSpec {
        &self.0
    }

    fn chunk(&self) -> Extent {
        Extent::plane(512, 512)
    }

    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a pattern")]
    fn read(&self, out: &mut PixelsMut<'_>) -> Result<()> {
        let [_, _, _, y, x] = out.region().origin;
        for (row, y) in out.view_mut::<u16>()?.rows_mut().zip(y..) {
            row.iter_mut().zip(x..).for_each(|(value, x)| *value = (x ^ (y << 3)) as u16);
        }
        Ok(())
    }
}

fn step() -> Step {
    let descriptor = Descriptor {
        id: "column-maximum".into(),
        summary: "Brightest pixel of seven rows.".into(),
        kind: Kind::Map,
        threads: ThreadSafety::Instance,
        deterministic: true,
        temporal_window: [0; 2],
        max_halo: [0, 0, 0, 3, 0],
        inputs: vec![InputPort::image("image", &[DType::U16])],
        outputs: vec![OutputPort::new("image", PortKind::Image, Supports::ALL)],
        parameters: Vec::new(),
    };
    let info = LibraryInfo {
        plugin: "org.example".into(),
        version: semver::Version::new(0, 1, 0),
        lane: "example",
        interface: parfocal_operator::VERSION,
        isolation: String::new(),
    };
    let library = Arc::new(Here(info, [descriptor]));
    Step { library, operator: "column-maximum".into(), parameters: Parameters::default() }
}

fn main() -> Result<(), Box<dyn Error>> {
    let threads = std::env::args().nth(1).map_or(Ok(2), |text| text.parse())?;
    let plane: Arc<dyn ImageSource> =
        Arc::new(MadeUp(ImageSpec::new(Extent::plane(20_000, 20_000), DType::U16)));
    let options = RunOptions { threads, ..RunOptions::default() };
    let mut nowhere = |_: usize, spec: &ImageSpec| Ok(Box::new(Discard::new(spec.clone())) as Box<_>);
    let run = Run::prepare(&step(), &[(0, plane)], &mut nowhere, &options)?;
    println!("announced: {:?}", run.estimate());
    let start = Instant::now();
    let report = run.start()?.report;
    println!("taken: {} bytes, {:.2} s", report.peak_bytes, start.elapsed().as_secs_f64());
    Ok(())
}
