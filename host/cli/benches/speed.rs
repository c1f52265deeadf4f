//! Speed as ratios: lanes against memcpy, filters against `scipy.ndimage`, in one run on one machine.
//!
//! Run by `cargo xtask bench`, which builds the plugins and says where the Python with SciPy is
//! (`PARFOCAL_BENCH_PYTHON`). Prints medians; every ratio is of two medians of interleaved rounds of the same run.

use std::{
    error::Error,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::Instant,
};

use parfocal_catalog::{Catalog, HostSupport, LaneOrder, OperatorRef};
use parfocal_core::{Lane, Library, RunServices};
use parfocal_image::{Buffer, DType, Extent, ImageSpec, Region};
use parfocal_manifest::LaneKind;
use parfocal_native::NativeLane;
use parfocal_operator::{Input, InputSpec, Operator, Output, Tiles};
use parfocal_types::Parameters;
use parfocal_wasm::{WasmLane, WasmOptions};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// Rounds of each measurement.
const ROUNDS: usize = 9;
/// Side of a frame: 2048 x 2048 pixels of 16 bits are 8 MiB.
const SIDE: u64 = 2048;

fn main() -> Outcome {
    let lanes = load()?;
    let c = load_c()?;
    println!("medians of {ROUNDS} rounds, one thread, frame {SIDE} x {SIDE}\n");
    overhead(&lanes, &c)?;
    identity(&lanes)?;
    for dtype in [DType::U16, DType::F32] {
        filters(&lanes, dtype)?;
    }
    large_plane()
}

/// A lane by its name, with the classical plugin loaded in it.
type Loaded = (&'static str, Arc<dyn Library>);

fn load() -> Outcome<Vec<Loaded>> {
    let catalog = catalog();
    let wanted = OperatorRef::parse("org.parfocal.classical/identity")?;
    let pick = |lane| catalog.pick(&wanted, &LaneOrder::only(lane));
    Ok(vec![
        ("native", NativeLane::new().load(&pick(LaneKind::Native)?.artifact)?),
        ("WASM", WasmLane::new(WasmOptions::default())?.load(&pick(LaneKind::Wasm)?.artifact)?),
    ])
}

/// The plugin in C, in the native lane.
fn load_c() -> Outcome<Arc<dyn Library>> {
    let selection =
        catalog().pick(&OperatorRef::parse("subtract-offset")?, &LaneOrder::only(LaneKind::Native))?;
    Ok(NativeLane::new().load(&selection.artifact)?)
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn catalog() -> Catalog {
    let state = std::env::temp_dir().join("parfocal-bench-state");
    Catalog::scan(&[root().join("target/plugins")], &HostSupport::this_computer(), &state)
}

fn median(mut seconds: Vec<f64>) -> f64 {
    seconds.sort_by(f64::total_cmp);
    seconds.get(seconds.len() / 2).copied().unwrap_or(f64::NAN)
}

fn timed(mut work: impl FnMut() -> Outcome) -> Outcome<f64> {
    let begin = Instant::now();
    work()?;
    Ok(begin.elapsed().as_secs_f64())
}

/// An operator that was planned, with its tiles.
struct Bench {
    operator: Box<dyn Operator>,
    input: Buffer,
    output: Buffer,
    core: Region,
    full: Extent,
}

impl Bench {
    fn new(
        library: &Arc<dyn Library>,
        operator: &str,
        given: &[(&str, &str)],
        image: &Buffer,
    ) -> Outcome<Self> {
        let descriptor = library.operators().iter().find(|d| d.id == operator).ok_or("no such operator")?;
        let parameters = Parameters::parse(&descriptor.parameters, given.iter().copied())?;
        let mut instance = library.create(operator, &parameters)?;
        let full = image.region().extent;
        let spec = ImageSpec::new(full, image.dtype());
        instance.plan(&[InputSpec { port: 0, spec: &spec }], &RunServices::default())?;
        let core = Region::whole(full);
        let needed = instance.required_input(&core)?.first().ok_or("no input")?.region;
        let output = Buffer::zeroed(image.dtype(), core)?;
        Ok(Self { operator: instance, input: padded(image, needed)?, output, core, full })
    }

    fn run(&mut self) -> Outcome {
        let inputs = [Input { port: 0, pixels: self.input.pixels()?, full: self.full, frames: &[] }];
        let mut outputs = [Output { pixels: self.output.pixels_mut()?, full: self.full }];
        let mut tiles = Tiles { core: self.core, inputs: &inputs, outputs: &mut outputs };
        Ok(self.operator.run(&mut tiles, &RunServices::default())?)
    }
}

/// The image grown to a region, mirrored at its edges, as the scheduler gives it.
fn padded(image: &Buffer, region: Region) -> Outcome<Buffer> {
    let size = image.dtype().size();
    let mut result = Buffer::zeroed(image.dtype(), region)?;
    let [_, _, _, height, width] = image.region().extent.0.map(|size| size as i64);
    let mirror = |position: i64, size: i64| {
        let inside = position.rem_euclid(2 * size);
        if inside < size { inside } else { 2 * size - 1 - inside }
    };
    let source = image.bytes();
    let row_bytes = region.extent.0[4] as usize * size;
    for (y, row) in (region.origin[3]..).zip(result.bytes_mut().chunks_exact_mut(row_bytes)) {
        for (x, pixel) in (region.origin[4]..).zip(row.chunks_exact_mut(size)) {
            let from = (mirror(y, height) * width + mirror(x, width)) as usize * size;
            pixel.copy_from_slice(&source[from..from + size]);
        }
    }
    Ok(result)
}

fn frame(dtype: DType, side: u64) -> Outcome<Buffer> {
    let region = Region::whole(Extent::plane(side, side));
    let mut state = 1_u64;
    let mut next = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 52) as u16
    };
    let count = (side * side) as usize;
    Ok(match dtype {
        DType::F32 => Buffer::from_slice(&(0..count).map(|_| f32::from(next())).collect::<Vec<_>>(), region)?,
        _ => Buffer::from_slice(&(0..count).map(|_| next()).collect::<Vec<_>>(), region)?,
    })
}

/// What a call costs, with a tile of one pixel.
fn overhead(lanes: &[Loaded], c: &Arc<dyn Library>) -> Outcome {
    const CALLS: u32 = 2000;
    println!("call overhead (a tile of one pixel; identity, in C subtract-offset)");
    let image = frame(DType::U16, 1)?;
    let rust = lanes.iter().map(|(name, library)| (*name, library, "identity"));
    for (name, library, operator) in rust.chain([("C", c, "subtract-offset")]) {
        let mut bench = Bench::new(library, operator, &[], &image)?;
        let rounds = (0..ROUNDS)
            .map(|_| timed(|| (0..CALLS).try_for_each(|_| bench.run())))
            .collect::<Outcome<Vec<_>>>()?;
        println!("  {name:7} {:8.2} us a call", median(rounds) / f64::from(CALLS) * 1e6);
    }
    Ok(())
}

/// An 8 MiB frame through identity, next to copying it.
fn identity(lanes: &[Loaded]) -> Outcome {
    println!("\nidentity on a frame of 8 MiB, as a ratio to memcpy");
    let image = frame(DType::U16, SIDE)?;
    let mut copy = image.clone();
    let mut benches = lanes
        .iter()
        .map(|(name, library)| Ok((*name, Bench::new(library, "identity", &[], &image)?)))
        .collect::<Outcome<Vec<_>>>()?;
    let mut seconds = vec![Vec::new(); benches.len() + 1];
    for _ in 0..=ROUNDS {
        seconds[0].push(timed(|| {
            copy.bytes_mut().copy_from_slice(std::hint::black_box(image.bytes()));
            Ok(())
        })?);
        for (place, (_, bench)) in benches.iter_mut().enumerate() {
            seconds[place + 1].push(timed(|| bench.run())?);
        }
    }
    // The first round warms caches and pages.
    let medians: Vec<f64> = seconds.into_iter().map(|rounds| median(rounds[1..].to_vec())).collect();
    println!("  memcpy  {:8.3} ms", medians[0] * 1e3);
    for ((name, _), seconds) in benches.iter().zip(&medians[1..]) {
        println!("  {name:7} {:8.3} ms  {:5.2} x memcpy", seconds * 1e3, seconds / medians[0]);
    }
    Ok(())
}

/// Operator, parameters, title.
type Filter = (&'static str, &'static [(&'static str, &'static str)], &'static str);

/// Gaussian and median in both lanes, next to `scipy.ndimage` on the same pixels.
fn filters(lanes: &[Loaded], dtype: DType) -> Outcome {
    const FILTERS: [Filter; 2] = [
        ("gaussian", &[("sigma", "2")], "gaussian, sigma 2"),
        ("median", &[("radius", "2")], "median, 5 x 5"),
    ];
    println!("\nfilters on {dtype}");
    let image = frame(dtype, SIDE)?;
    let scipy = scipy(&image)?;
    for (operator, parameters, title) in FILTERS {
        let mut medians = Vec::new();
        for (name, library) in lanes {
            let mut bench = Bench::new(library, operator, parameters, &image)?;
            bench.run()?;
            let rounds = (0..ROUNDS).map(|_| timed(|| bench.run())).collect::<Outcome<Vec<_>>>()?;
            medians.push((*name, median(rounds)));
        }
        println!("  {title}");
        let native = medians.first().map_or(f64::NAN, |(_, seconds)| *seconds);
        let judge = scipy.iter().find(|(name, _)| name == operator).map(|(_, seconds)| *seconds);
        if let Some(seconds) = judge {
            println!("    SciPy   {:8.1} ms", seconds * 1e3);
        }
        for (name, seconds) in medians {
            let faster =
                judge.map_or(String::new(), |judge| format!("  {:5.2} x as fast as SciPy", judge / seconds));
            let to_native = if name == "native" {
                String::new()
            } else {
                format!("  {:5.2} x native's time", seconds / native)
            };
            println!("    {name:7} {:8.1} ms{faster}{to_native}", seconds * 1e3);
        }
    }
    Ok(())
}

/// A plane of 20000 x 20000 pixels through the program: read, filtered, written, and the most memory that it took.
fn large_plane() -> Outcome {
    println!("\na plane of 20000 x 20000 pixels of 16 bits (800 MB) through the program");
    let folder = std::env::temp_dir().join(format!("parfocal-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let steps: [(&str, &[&str]); 2] = [
        ("made", &["image", "make", "plane.ome.tif"]),
        ("gaussian", &["run", "gaussian", "--param", "sigma=2", "plane.ome.tif", "-o", "smooth.ome.tif"]),
    ];
    let mut result = Ok(());
    for (title, arguments) in steps {
        result = watched(&folder, arguments).map(|(seconds, peak)| {
            println!("  {title:9} {seconds:6.1} s, peak {:4} MiB of 512 MiB allowed", peak.div_ceil(1024));
        });
        if result.is_err() {
            break;
        }
    }
    std::fs::remove_dir_all(&folder)?;
    result
}

/// Runs the program and watches the most memory that it had resident, in KiB, as the kernel counts it.
fn watched(folder: &Path, arguments: &[&str]) -> Outcome<(f64, u64)> {
    let begin = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_parfocal"))
        .current_dir(folder)
        .arg("--plugins")
        .arg(root().join("target/plugins").canonicalize()?)
        .arg("--quiet")
        .args(arguments)
        .stdout(std::process::Stdio::null())
        .spawn()?;
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    let ended = loop {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let high = text.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix("kB"));
        peak = high.and_then(|kib| kib.trim().parse().ok()).unwrap_or(peak).max(peak);
        if let Some(ended) = child.try_wait()? {
            break ended;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    };
    if !ended.success() {
        return Err(format!("`parfocal {}` ended with {ended}", arguments.join(" ")).into());
    }
    Ok((begin.elapsed().as_secs_f64(), peak))
}

/// SciPy's medians, by filter; empty where there is no Python with SciPy.
fn scipy(image: &Buffer) -> Outcome<Vec<(String, f64)>> {
    let Some(python) = std::env::var_os("PARFOCAL_BENCH_PYTHON").map(PathBuf::from) else {
        println!("  SciPy is left out: `cargo xtask bench` installs it");
        return Ok(Vec::new());
    };
    let file = std::env::temp_dir().join(format!("parfocal-bench-{}.raw", std::process::id()));
    std::fs::write(&file, image.bytes())?;
    let dtype = if image.dtype() == DType::F32 { "float32" } else { "uint16" };
    let output = Command::new(python)
        .env("OMP_NUM_THREADS", "1")
        .env("OPENBLAS_NUM_THREADS", "1")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/scipy_filters.py"))
        .arg(&file)
        .args([SIDE.to_string(), SIDE.to_string(), dtype.to_owned(), ROUNDS.to_string()])
        .output();
    std::fs::remove_file(&file)?;
    let output = output?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    let mut medians = Vec::new();
    for line in String::from_utf8(output.stdout)?.lines() {
        let value: serde_json::Value = serde_json::from_str(line)?;
        let (Some(name), Some(seconds)) = (value["filter"].as_str(), value["seconds"].as_f64()) else {
            continue;
        };
        medians.push((name.to_owned(), seconds));
    }
    Ok(medians)
}
