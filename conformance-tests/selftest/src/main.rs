//! Tries the conformance suite on itself: `parfocal-selftest`.
//!
//! The goldens have to pass every case. Each saboteur has to fail its own case, and those that its table names besides; every
//! other case has to end as it does for the golden operator that the saboteur spoils. And each case that is written has to have
//! a saboteur.
//!
//! It is its own child: the suite starts it once for each case.

mod judge;
mod matrix;
mod packages;
mod tools;

use std::{env, path::PathBuf, process::ExitCode};

use clap::Parser;
use parfocal_conformance::{CHILD_COMMAND, Lanes, Options, Program, Transport, child_main};
use parfocal_native::NativeLane;
use parfocal_types::{Error, Result};
use parfocal_wasm::{WasmLane, WasmOptions};
use parfocal_worker::{ProgramLane, WorkerLane, WorkerOptions, interpreter::Python};

use matrix::{Matrix, Width};
use tools::Tools;

/// Tries the conformance suite on plugins that pass it and on plugins that fail it.
#[derive(Debug, Parser)]
#[command(disable_version_flag = true)]
struct Arguments {
    /// Only saboteurs of these cases, or of these names.
    #[arg(long)]
    only: Vec<String>,
    /// Which cases are tried on each saboteur.
    #[arg(long, value_enum, default_value_t = Width::Own)]
    width: Width,
    /// What everything random follows from, the third of the cases among it.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Writes the matrix as Markdown.
    #[arg(long)]
    markdown: Option<PathBuf>,
    /// How many children run at once.
    #[arg(long)]
    jobs: Option<usize>,
    /// Says nothing about the goldens.
    #[arg(long)]
    without_goldens: bool,
    /// Keeps the packages in this folder.
    #[arg(long)]
    keep: Option<PathBuf>,
}

fn main() -> ExitCode {
    let mut words = env::args_os().skip(1);
    if words.next().is_some_and(|word| word == CHILD_COMMAND) {
        let (cache_dir, python) = (words.next().map(PathBuf::from), words.next().map(PathBuf::from));
        return child_main(&Lanes::new(|transport| match transport {
            Transport::Native => Ok(Box::new(NativeLane::new())),
            Transport::Worker => Ok(Box::new(WorkerLane::new(WorkerOptions::installed()?))),
            Transport::Wasm => Ok(Box::new(WasmLane::new(WasmOptions { cache_dir: cache_dir.clone() })?)),
            Transport::Program => {
                let python =
                    python.as_deref().ok_or_else(|| Error::not_supported("programs without Python"))?;
                Ok(Box::new(ProgramLane::with_python(WorkerOptions::installed()?, Python::ask(python)?)))
            }
        }));
    }
    match run(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

/// Whether everything is as it has to be.
fn run(arguments: &Arguments) -> Result<bool> {
    let program = env::current_exe()
        .map_err(|error| Error::internal("this program does not know its own file").with_source(error))?;
    WorkerOptions::installed()
        .map_err(|error| error.with_remedy("run `cargo build --release -p parfocal-worker-program` first"))?;
    let scratch =
        tempfile::tempdir().map_err(|error| Error::internal("no folder for packages").with_source(error))?;
    let folder = arguments.keep.as_deref().unwrap_or_else(|| scratch.path());
    let tools = Tools::find();
    // The environment of a child is empty: what it needs to know are its arguments.
    let mut words = vec![CHILD_COMMAND.into(), scratch.path().join("cache").into()];
    words.extend(tools.python.as_ref().map(|python| python.program.clone().into()));
    let mut options = Options::new(Program { path: program, arguments: words });
    options.available = vec![Transport::Native, Transport::Worker];
    options.seed = arguments.seed;
    if let Some(jobs) = arguments.jobs {
        options.jobs = jobs;
    }
    let mut matrix = Matrix::new(options, arguments.width, folder, tools)?;
    if !arguments.without_goldens {
        matrix.goldens()?;
    }
    matrix.saboteurs(&arguments.only)?;
    if let Some(path) = &arguments.markdown {
        std::fs::write(path, matrix.markdown()).map_err(|error| {
            Error::invalid_argument(format!("{} cannot be written: {error}", path.display()))
        })?;
    }
    matrix.print();
    Ok(matrix.holds(arguments.only.is_empty()))
}
