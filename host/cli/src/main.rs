//! The program `parfocal`.
//!
//! Results go to standard output, progress and errors to standard error; `--json` prints one JSON document. Exit codes:
//! 0 done, 1 something failed, 2 the command line was wrong.

mod archive;
mod args;
mod commands;
mod compile;
mod demo;
mod files;
mod folders;
mod host;
mod interrupt;
mod log;
mod names;
mod near;
mod output;
mod package;
mod progress;
mod sdk;
mod steps;
mod templates;
mod trust;

use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches};
use parfocal_types::Error;

use crate::args::{Cli, Command};

fn main() -> ExitCode {
    // Before everything else: a child of the suite starts a thousand times, and reads its task from a socket.
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_some_and(|first| first == parfocal_conformance::CHILD_COMMAND) {
        return commands::conform::child(arguments);
    }
    let matches = Cli::command().get_matches();
    let cli = match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(error) => error.exit(),
    };
    let output = output::Output { json: cli.json, quiet: cli.quiet, verbose: cli.verbose };
    if let Some(missing) = cli.plugins.iter().find(|folder| !folder.is_dir()) {
        let error = Error::invalid_argument(format!("there is no folder {} with plugins", missing.display()))
            .with_remedy("name one that exists, or leave out `--plugins`");
        return output.failure(&error);
    }
    let folders = folders::Folders::new(cli.plugins);
    let result = match cli.command {
        Command::Run(run) => {
            let order = matches.subcommand_matches("run").map(args::step_order).unwrap_or_default();
            commands::run::command(&output, &folders, &run, &order)
        }
        Command::Image(command) => commands::image::command(&output, &command),
        Command::Plugins(command) => commands::plugins::command(&output, &folders, &command),
        Command::New(command) => commands::new::command(&output, &command),
        Command::Build(arguments) => commands::build::command(&output, &arguments),
        Command::Package(arguments) => commands::package::command(&output, &arguments),
        Command::Conform(arguments) => return commands::conform::command(&output, &folders, &arguments),
        Command::Demo { folder } => demo::command(&output, &folders, &folder),
        Command::Doctor => commands::doctor::command(&output, &folders),
        Command::Completions { shell } => {
            // Into memory first: the generator panics when a reader goes away (`| head`).
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "parfocal", &mut script);
            output::print(&String::from_utf8_lossy(&script));
            Ok(ExitCode::SUCCESS)
        }
    };
    result.unwrap_or_else(|error| output.failure(&error))
}
