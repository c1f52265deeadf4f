//! Failures, one after the other.

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use parfocal_core::{Frame, FrameAllocator, Library, RunServices};
use parfocal_image::{DType, Extent, ImageSpec, Region};
use parfocal_operator::{Input, InputSpec, Operator, Output, Tiles};
use parfocal_types::{Error, ErrorKind, ParameterValue, Parameters, Result};

/// The ways to fail, as the operator `culprit` calls them.
pub const FAULTS: [&str; 12] = [
    "segfault",
    "abort",
    "exit",
    "loop",
    "allocate",
    "overflow",
    "panic",
    "close",
    "child",
    "daemon",
    "late-write",
    "chatter",
];

/// What came of one failure.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The way it failed.
    pub fault: &'static str,
    /// The sentence that the host had for it.
    pub sentence: String,
    /// From the call to the sentence.
    pub noticed: Duration,
    /// From the sentence to a whole result of the next call.
    pub recovered: Duration,
    /// What was not as it has to be; empty when all was.
    pub complaints: Vec<String>,
}

/// A tile, and where its result goes.
struct Bench {
    spec: ImageSpec,
    input: Frame,
    output: Frame,
}

impl Bench {
    fn new() -> Result<Self> {
        let extent = Extent::plane(256, 256);
        let (spec, region) = (ImageSpec::new(extent, DType::U16), Region::whole(extent));
        let frames = FrameAllocator::new(16 << 20);
        let mut input = frames.allocate_input(DType::U16, region)?;
        let numbers = (0_u32..).map(|number| number.wrapping_mul(2_654_435_761).to_le_bytes()[3]);
        input.bytes_mut().iter_mut().zip(numbers).for_each(|(byte, number)| *byte = number);
        Ok(Self { spec, input, output: frames.allocate(DType::U16, region)? })
    }

    /// One call.
    fn run(&mut self, operator: &mut dyn Operator) -> Result<()> {
        self.output.clear();
        let full = self.spec.extent;
        let inputs = [Input { port: 0, pixels: self.input.pixels()?, full, frames: &[] }];
        let mut outputs = [Output { pixels: self.output.pixels_mut()?, full }];
        let mut tiles = Tiles { core: Region::whole(full), inputs: &inputs, outputs: &mut outputs };
        operator.run(&mut tiles, &RunServices::default())
    }

    fn is_copied(&self) -> bool {
        self.output.bytes() == self.input.bytes()
    }
}

/// Makes the plugin fail once, and looks at what comes of it.
///
/// # Errors
/// When the harness itself cannot work.
pub fn inject(library: &Arc<dyn Library>, fault: &'static str, moment: f64) -> Result<Outcome> {
    let mut bench = Bench::new()?;
    let mut complaints = Vec::new();
    let mut bad = operator(library, fault, moment, &bench.spec)?;
    let began = Instant::now();
    let mut result = bench.run(&mut *bad);
    // What is written after the call has returned comes too late for it, and for the result.
    if fault == "late-write" && result.is_ok() {
        thread::sleep(Duration::from_millis(20));
        if !bench.is_copied() {
            complaints.push("a late write changed a finished result".to_owned());
        }
        result = Bench::new()?.run(&mut *bad);
    }
    let noticed = began.elapsed();
    let sentence = match result {
        Ok(()) => {
            complaints.push("nobody noticed".to_owned());
            String::new()
        }
        Err(error) => {
            complaints.extend(unfit(fault, &error));
            error.to_string()
        }
    };
    drop(bad);
    let began = Instant::now();
    let mut good = operator(library, "none", moment, &bench.spec)?;
    match bench.run(&mut *good) {
        Ok(()) if bench.is_copied() => {}
        Ok(()) => complaints.push("the next result is wrong".to_owned()),
        Err(error) => complaints.push(format!("the next call failed: {error}")),
    }
    let recovered = began.elapsed();
    for (what, time) in [("noticed", noticed), ("back", recovered)] {
        if time > Duration::from_secs(1) {
            complaints.push(format!("{what} after {} ms", time.as_millis()));
        }
    }
    Ok(Outcome { fault, sentence, noticed, recovered, complaints })
}

fn operator(
    library: &Arc<dyn Library>,
    fault: &str,
    moment: f64,
    spec: &ImageSpec,
) -> Result<Box<dyn Operator>> {
    let known = library.operators().first().ok_or_else(|| Error::not_found("the plugin has no operator"))?;
    let given = [
        ("fault".to_owned(), ParameterValue::Text(fault.to_owned())),
        ("moment".to_owned(), ParameterValue::Number(moment)),
    ];
    let parameters = Parameters::complete(&known.parameters, given)?;
    let mut operator = library.create(&known.id, &parameters)?;
    operator.plan(&[InputSpec { port: 0, spec }], &RunServices::default())?;
    Ok(operator)
}

/// What a sentence lacks.
fn unfit(fault: &str, error: &Error) -> Vec<String> {
    let text = error.to_string();
    let kind = match fault {
        "loop" | "chatter" => matches!(error.kind(), ErrorKind::Timeout { .. }),
        // The library is still there to say it.
        "panic" => *error.kind() == ErrorKind::Internal,
        _ => matches!(error.kind(), ErrorKind::PluginDied { .. }),
    };
    let words: &[&str] = match fault {
        "segfault" | "overflow" | "late-write" => &["SIGSEGV", "SIGBUS", "SIGABRT"],
        "abort" | "child" | "daemon" => &["SIGABRT"],
        "exit" => &["exit code 0"],
        "panic" => &["on purpose"],
        _ => &[""],
    };
    let mut lacks = Vec::new();
    if !kind {
        lacks.push(format!("another kind of error: {}", error.kind().name()));
    }
    if !text.contains("org.parfocal.saboteurs 0.1.0") {
        lacks.push(format!("the culprit is not named: {text}"));
    }
    if !words.iter().any(|word| text.contains(word)) {
        lacks.push(format!("not said what happened: {text}"));
    }
    lacks
}
