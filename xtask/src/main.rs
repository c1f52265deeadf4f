//! `cargo xtask`: one command for each thing. The work is in the library.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};
use xtask::tools::Wanted;
use xtask::{bench, check, demo, museum, mutants, plugins, reports, sdk, test, tools, undying};

/// The repository's tasks. Each can be run from a clean clone; what it needs is installed into .tools, once.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Make a synthetic stack with known truth, run it through plugins of every kind, write the results to demo-output.
    Demo {
        #[command(flatten)]
        wanted: Wanted,
    },
    /// Build the program and the plugins of this repository, and print where they are.
    Plugins {
        #[command(flatten)]
        wanted: Wanted,
    },
    /// Install the tools, build the plugins, run all tests, and count them.
    Test {
        #[command(flatten)]
        wanted: Wanted,
        /// Arguments for `cargo test`, after `--`; without any, the whole workspace is tested.
        #[arg(last = true)]
        cargo: Vec<String>,
    },
    /// Ask what a reviewer would: format, lints, docs, generated files, who depends on whom, licences, advisories.
    Check {
        /// Only this step (repeatable); `cargo xtask check --list` names them.
        #[arg(long)]
        only: Vec<String>,
        /// Print the steps instead of running them.
        #[arg(long)]
        list: bool,
    },
    /// Write the generated files (C header, schemas) in place.
    Generate,
    /// Measure the lanes and the operators, and print ratios.
    Bench {
        #[command(flatten)]
        wanted: Wanted,
    },
    /// Make a plugin fail in every way while images stream through another, and count what survives.
    Undying {
        /// How often it fails.
        #[arg(long, default_value_t = 1000)]
        injections: u32,
        /// What the random moments follow from.
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Keep binaries of the interface version of today, for the hosts of tomorrow.
    Museum {
        #[command(flatten)]
        wanted: Wanted,
    },
    /// Run the whole conformance suite on the plugins of this repository, for half an hour, and keep the reports.
    Reports {
        #[command(flatten)]
        wanted: Wanted,
        /// Only plugins whose id contains this.
        plugins: Vec<String>,
    },
    /// Break the golden operators in small ways, and count who notices.
    Mutants {
        #[command(flatten)]
        asked: mutants::Asked,
    },
    /// Pack what an author outside this repository needs into one archive.
    Sdk,
    /// Install the tools (WASM toolchain, Python judges, Bio-Formats) and print where they are.
    Tools {
        #[command(flatten)]
        wanted: Wanted,
        /// Print the paths as JSON.
        #[arg(long)]
        json: bool,
        /// Build the smallest WASM component with the toolchain that was found.
        #[arg(long)]
        prove: bool,
    },
}

fn main() -> ExitCode {
    match run(Cli::parse().task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> Result<()> {
    let root = xtask::workspace_root();
    match task {
        Task::Demo { wanted } => demo::command(&root, &wanted),
        Task::Plugins { wanted } => plugins::command(&root, &wanted),
        Task::Test { wanted, cargo } => test::command(&root, &wanted, &cargo),
        Task::Check { list: true, .. } => {
            check::list();
            Ok(())
        }
        Task::Check { only, .. } => check::command(&root, &only),
        Task::Generate => check::generated::write(&root),
        Task::Bench { wanted } => bench::command(&root, &wanted),
        Task::Undying { injections, seed } => undying::command(&root, injections, seed),
        Task::Museum { wanted } => museum::command(&root, &wanted),
        Task::Reports { wanted, plugins } => reports::command(&root, &wanted, &plugins),
        Task::Mutants { asked } => mutants::command(&root, &asked),
        Task::Sdk => sdk::command(&root),
        Task::Tools { wanted, json, prove } => tools::command(&root, &wanted, json, prove),
    }
}
