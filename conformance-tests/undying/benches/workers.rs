//! What a worker costs: a frame in it against the same in process, and how soon a death is seen and mended. On a quiet machine,
//! and with every core busy.
//!
//! Run by `cargo xtask bench`. Medians, and the worst, of interleaved rounds of one run.

use std::{
    error::Error,
    hint::black_box,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::Instant,
};

use parfocal_core::{Frame, FrameAllocator, Lane, Library, RunServices};
use parfocal_image::{DType, Extent, ImageSpec, Region};
use parfocal_native::NativeLane;
use parfocal_operator::{Input, InputSpec, Operator, Output, Tiles};
use parfocal_types::Parameters;
use parfocal_undying::{inject::inject, plugins};
use parfocal_worker::{WorkerLane, WorkerOptions, process::Policy};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

const ROUNDS: usize = 400;
/// Frames in a row through the same lane, as in a stream.
const STREAM: usize = 20;
const DEATHS: usize = 20;
/// 2048 x 2048 pixels of 16 bits are 8 MiB.
const SIDE: u64 = 2048;

fn main() -> Outcome {
    println!("a frame of 8 MiB that lies in shared memory, through the operator `identity`; {ROUNDS} rounds");
    measure("quiet")?;
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    black_box(());
                }
            });
        }
        let outcome = measure("every core busy");
        stop.store(true, Ordering::Relaxed);
        outcome
    })
}

fn measure(when: &str) -> Outcome {
    let artifact = plugins::classical_artifact()?;
    let mut here = Bench::new(&NativeLane::new().load(&artifact)?)?;
    let mut there = Bench::new(&WorkerLane::new(WorkerOptions::installed()?).load(&artifact)?)?;
    let mut handed = Handed::new()?;
    let mut times = [Vec::new(), Vec::new(), Vec::new()];
    for _ in 0..ROUNDS / STREAM {
        for _ in 0..STREAM {
            times[0].push(here.run()?);
        }
        for _ in 0..STREAM {
            times[1].push(handed.run()?);
        }
        for _ in 0..STREAM {
            times[2].push(there.run()?);
        }
    }
    if here.output.bytes() != there.output.bytes() {
        return Err("the two lanes differ".into());
    }
    let best = times.each_ref().map(|times| times.iter().copied().fold(f64::INFINITY, f64::min));
    let [inside, thread, worker] = times.map(median);
    println!("\n{when}");
    println!(
        "  in process {inside:.3} ms, on another thread {thread:.3} ms, in a worker {worker:.3} ms a frame"
    );
    println!(
        "  a worker costs {:+.3} ms (at most 0.2), another thread {:+.3} ms",
        worker - inside,
        thread - inside
    );
    println!("  between the best rounds {:+.3} ms and {:+.3} ms", best[2] - best[0], best[1] - best[0]);
    let library = plugins::culprit(Policy::default())?;
    let outcomes = (0..DEATHS).map(|_| inject(&library, "segfault", 0.0)).collect::<Result<Vec<_>, _>>()?;
    let milliseconds = |time: std::time::Duration| time.as_secs_f64() * 1e3;
    let (seen, worst) = spread(outcomes.iter().map(|o| milliseconds(o.noticed)).collect());
    println!("  a segfault is seen after {seen:.1} ms, at worst {worst:.1} ms (at most 10)");
    let (back, worst) = spread(outcomes.iter().map(|o| milliseconds(o.recovered)).collect());
    println!(
        "  the next result after {back:.1} ms, at worst {worst:.1} ms (at most 200; 20 of them are a pause on purpose)"
    );
    Ok(())
}

fn median(times: Vec<f64>) -> f64 {
    spread(times).0
}

fn spread(mut times: Vec<f64>) -> (f64, f64) {
    times.sort_by(f64::total_cmp);
    let at = |index: usize| times.get(index).copied().unwrap_or(f64::NAN);
    (at(times.len() / 2), at(times.len().saturating_sub(1)))
}

/// The same in process, where each frame is handed to another thread, which a pipeline does as well: what is left of the
/// worker's cost beside it is the worker's own.
struct Handed {
    ask: mpsc::Sender<()>,
    answer: mpsc::Receiver<Result<f64, String>>,
}

impl Handed {
    fn new() -> Outcome<Self> {
        let artifact = plugins::classical_artifact()?;
        let (ask, asked) = mpsc::channel();
        let (say, answer) = mpsc::channel();
        thread::spawn(move || {
            let text = |error: Box<dyn Error>| error.to_string();
            let made = NativeLane::new().load(&artifact).map_err(|error| text(error.into()));
            let mut bench = made.and_then(|library| Bench::new(&library).map_err(text));
            while asked.recv().is_ok() {
                let said = bench.as_mut().map_err(|error| error.clone());
                let done = said.and_then(|bench| bench.run().map_err(text));
                if say.send(done).is_err() {
                    break;
                }
            }
        });
        Ok(Self { ask, answer })
    }

    /// One frame, in milliseconds, as whoever waits for it sees it.
    fn run(&mut self) -> Outcome<f64> {
        let begin = Instant::now();
        self.ask.send(())?;
        self.answer.recv()??;
        Ok(begin.elapsed().as_secs_f64() * 1e3)
    }
}

struct Bench {
    operator: Box<dyn Operator>,
    input: Frame,
    output: Frame,
    full: Extent,
}

impl Bench {
    fn new(library: &Arc<dyn Library>) -> Outcome<Self> {
        let full = Extent::plane(SIDE, SIDE);
        let (spec, region) = (ImageSpec::new(full, DType::U16), Region::whole(full));
        let frames = FrameAllocator::new(1 << 28);
        let mut input = frames.allocate_input(DType::U16, region)?;
        (0_u8..=255).cycle().zip(input.bytes_mut()).for_each(|(number, byte)| *byte = number);
        let output = frames.allocate(DType::U16, region)?;
        let mut operator = library.create("identity", &Parameters::default())?;
        operator.plan(&[InputSpec { port: 0, spec: &spec }], &RunServices::default())?;
        Ok(Self { operator, input, output, full })
    }

    /// One frame, in milliseconds.
    fn run(&mut self) -> Outcome<f64> {
        let inputs = [Input { port: 0, pixels: self.input.pixels()?, full: self.full, frames: &[] }];
        let mut outputs = [Output { pixels: self.output.pixels_mut()?, full: self.full }];
        let core = Region::whole(self.full);
        let mut tiles = Tiles { core, inputs: &inputs, outputs: &mut outputs };
        let begin = Instant::now();
        self.operator.run(&mut tiles, &RunServices::default())?;
        Ok(begin.elapsed().as_secs_f64() * 1e3)
    }
}
