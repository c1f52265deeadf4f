//! Runs the harness: `parfocal-undying --injections 1000`.

use std::{collections::BTreeMap, process::ExitCode, thread, time::Duration};

use clap::Parser;
use parfocal_types::Result;
use parfocal_undying::{
    inject::{FAULTS, Outcome, inject},
    plugins, processes,
    stream::Stream,
};
use parfocal_worker::process::Policy;

/// Makes a plugin fail in every way, at random moments, while images stream through another, and counts what survives.
#[derive(Parser)]
struct Arguments {
    /// How often it fails.
    #[arg(long, default_value_t = 1000)]
    injections: u32,
    /// What the random moments follow from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Streams of images beside it.
    #[arg(long, default_value_t = 1)]
    streams: usize,
}

fn main() -> ExitCode {
    match harness(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

/// Whether everything held.
fn harness(arguments: &Arguments) -> Result<bool> {
    let classical = plugins::classical()?;
    println!("the plugins run {}", classical.info().isolation);
    let streams: Vec<_> = (0..arguments.streams).map(|_| Stream::default()).collect();
    let outcomes = thread::scope(|scope| {
        let flows: Vec<_> = streams.iter().map(|stream| scope.spawn(|| stream.flow(&classical))).collect();
        let outcomes = injections(arguments);
        streams.iter().for_each(Stream::stop);
        flows.into_iter().try_for_each(|flow| flow.join().unwrap_or(Ok(())))?;
        outcomes
    })?;
    drop(classical);
    let left = processes::left();
    let images: u64 = streams.iter().map(Stream::images).sum();
    let wrong: u64 = streams.iter().map(Stream::wrong).sum();
    let failures: Vec<_> = streams.iter().flat_map(Stream::failures).collect();
    print(&outcomes);
    let complaints: Vec<_> =
        outcomes.iter().flat_map(|outcome| outcome.complaints.iter().map(|c| (outcome.fault, c))).collect();
    println!("{} failures injected (seed {}), the host survived each", outcomes.len(), arguments.seed);
    println!("{images} images finished beside them, {wrong} of them wrong, {} not finished", failures.len());
    println!("{} processes left", left.len());
    failures.iter().take(5).for_each(|failure| println!("  an image: {failure}"));
    complaints.iter().take(20).for_each(|(fault, complaint)| println!("  {fault}: {complaint}"));
    left.iter().for_each(|(id, name)| println!("  left: {id} {name}"));
    Ok(complaints.is_empty() && failures.is_empty() && wrong == 0 && left.is_empty() && images > 0)
}

/// The fences under which the plugin fails: all; and those that let a child start and hide.
const POLICIES: [(&str, Policy); 3] = {
    let all = Policy { namespaces: true, landlock: true, seccomp: true, demand: false };
    [
        ("all fences", all),
        ("without seccomp", Policy { seccomp: false, ..all }),
        ("without seccomp and namespaces", Policy { seccomp: false, namespaces: false, ..all }),
    ]
};

fn injections(arguments: &Arguments) -> Result<Vec<Outcome>> {
    let mut random = Random(arguments.seed);
    let libraries =
        POLICIES.iter().map(|(_, policy)| plugins::culprit(*policy)).collect::<Result<Vec<_>>>()?;
    let mut outcomes = Vec::new();
    for number in 0..arguments.injections {
        let library = &libraries[number as usize / FAULTS.len() % libraries.len()];
        thread::sleep(Duration::from_micros((random.next() * 5000.0) as u64));
        outcomes.push(inject(library, FAULTS[number as usize % FAULTS.len()], random.next())?);
    }
    Ok(outcomes)
}

fn print(outcomes: &[Outcome]) {
    let mut by_fault: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for outcome in outcomes {
        by_fault.entry(outcome.fault).or_default().push(outcome);
    }
    println!(
        "{:12} {:>6} {:>12} {:>12} {:>12} {:>12}",
        "", "times", "noticed", "worst", "back after", "worst"
    );
    for (fault, outcomes) in by_fault {
        let median = |of: fn(&Outcome) -> Duration| {
            let mut times: Vec<_> = outcomes.iter().map(|outcome| of(outcome)).collect();
            times.sort();
            (milliseconds(times[times.len() / 2]), milliseconds(times[times.len() - 1]))
        };
        let ((noticed, worst), (back, last)) = (median(|o| o.noticed), median(|o| o.recovered));
        println!("{fault:12} {:>6} {noticed:>12} {worst:>12} {back:>12} {last:>12}", outcomes.len());
        println!("{:12} {}", "", outcomes[0].sentence);
    }
}

fn milliseconds(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}

/// The mixer of SplitMix64: numbers from 0 to 1.
struct Random(u64);

impl Random {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }
}
