//! The command line.

pub(crate) mod trust;

use std::{
    num::{NonZeroU64, NonZeroUsize},
    path::PathBuf,
};

use clap::{ArgMatches, Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

/// Run image operators on microscopy images: native, C and WASM plugins, tile by tile, in bounded memory.
#[derive(Debug, Parser)]
#[command(name = "parfocal", version, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    /// Print one JSON document instead of text.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// No progress bars.
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    /// Show everything that operators say, not their warnings only.
    #[arg(long, short, global = true)]
    pub(crate) verbose: bool,
    /// A folder with plugins (repeatable), which must exist. Searched before $PARFOCAL_PLUGINS and the user's own.
    #[arg(long, global = true, value_name = "FOLDER")]
    pub(crate) plugins: Vec<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run an operator, or a chain of operators, on images.
    Run(Run),
    /// Look at images: what they are, convert them, compare them.
    #[command(subcommand)]
    Image(Image),
    /// Look at plugins, sign, install and remove them.
    #[command(subcommand)]
    Plugins(Plugins),
    /// Write the beginning of a plugin that builds and runs.
    #[command(subcommand)]
    New(New),
    /// Compile the plugin in a folder, and package it.
    Build(Build),
    /// Put built code and a manifest together into a plugin that can be loaded.
    Package(Package),
    /// Check whether plugins keep to the contract.
    Conform(Conform),
    /// Make a stack whose truth is known, run operators of all kinds on it, and show what they found.
    Demo {
        /// Where files go.
        #[arg(default_value = "demo-output")]
        folder: PathBuf,
    },
    /// Tell what this installation has and what it lacks.
    Doctor,
    /// Print completions for a shell.
    Completions {
        /// The shell.
        shell: Shell,
    },
}

/// Run an operator, or a chain of operators, on images.
///
/// A chain: `parfocal run gaussian --param sigma=2 --then otsu-threshold --then connected-components --then
/// measure-objects cells.tif -o labels.ome.tif -o objects.csv`. Each step takes the image of the one before; further
/// inputs of a step (such as `intensity`) take the original unless `--input` says otherwise, or nothing where the original
/// itself holds the labels.
///
/// Several images: files in the order given, those of folders and patterns sorted. Results are called as the image's file
/// is without its ending; images that share this name are told apart by their endings (`a.png`, `a.tif`) or by the folders
/// they lie in (`x-a`, `y-a`), in files and in the column `image` of tables. Tables of all images are joined by the names of
/// columns; where an image has no such column, a number is NaN and a text is empty (whole numbers with such gaps become
/// numbers). A column that images give in different units stands once for each unit (`area`, `area_square_pixel`). No image
/// that the run reads is ever overwritten.
#[derive(Debug, Args)]
pub(crate) struct Run {
    /// The operator: `gaussian`, `gaussian@^1`, `org.example.filters/gaussian@1.2`.
    pub(crate) operator: String,
    /// Images, folders of images, or patterns such as 'plate/*.tif'.
    #[arg(required = true)]
    pub(crate) images: Vec<String>,
    /// A parameter of the step that was named last.
    #[arg(long, short, value_name = "NAME=VALUE")]
    pub(crate) param: Vec<String>,
    /// A further step: an operator, or `name=operator` to refer to its image later.
    #[arg(long, value_name = "[NAME=]OPERATOR")]
    pub(crate) then: Vec<String>,
    /// Where an input of the step that was named last comes from: `port=image` for the original (with `--channel`, that
    /// channel), `port=image:CHANNEL` for a channel of the original's file by name or number, `port=<step>` for a step,
    /// `port=file:PATH` for another file (with one image only), `port=none` to leave an optional one without.
    #[arg(long, value_name = "PORT=SOURCE")]
    pub(crate) input: Vec<String>,
    /// Where results go: an image (.ome.tif, .tif, .png), a table (.csv, .parquet), a record (.json); repeatable. With
    /// several images: a folder.
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Vec<PathBuf>,
    /// Take only this channel, by name or number (from 0).
    #[arg(long)]
    pub(crate) channel: Option<String>,
    /// Which image of a file with several, from 0.
    #[arg(long, default_value_t = 0)]
    pub(crate) series: usize,
    /// Size of a pixel in micrometers, for images that do not say; recorded as the user's word. Where the file says
    /// something else, it counts, with a warning.
    #[arg(long, value_name = "MICROMETERS", value_parser = length)]
    pub(crate) pixel_size: Option<f64>,
    /// Declare images that do not say measured, straight from a detector; recorded as the user's word.
    #[arg(long)]
    pub(crate) declare_measured: bool,
    /// Declare that what goes to inputs for labels (else the image itself) holds labels: each object's pixels its number,
    /// 0 around. For whole-number pixels of files that do not say; recorded as the user's word.
    #[arg(long)]
    pub(crate) declare_labels: bool,
    /// Run in this lane only.
    #[arg(long)]
    pub(crate) lane: Option<LaneName>,
    /// Run native code in the program's own process: a little faster, without fences, and able to take the program down. Only
    /// for files that `parfocal plugins grant` allowed it.
    #[arg(long)]
    pub(crate) in_process: bool,
    /// Memory for tiles.
    #[arg(long, default_value = "1GiB", value_parser = bytes)]
    pub(crate) memory: u64,
    /// Threads; as many as processors by default.
    #[arg(long)]
    pub(crate) threads: Option<NonZeroUsize>,
    /// Side of a tile in pixels; chosen from the memory by default.
    #[arg(long)]
    pub(crate) tile: Option<NonZeroU64>,
    /// Seed of operators that draw random numbers.
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
    /// Check everything, say how much memory it will take, and stop; nothing is written.
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LaneName {
    /// Native code in this process.
    Native,
    /// WASM components.
    Wasm,
    /// Programs in Python, in processes of their own.
    Program,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Image {
    /// Tell size, channels, calibration, conditions, class.
    Info {
        /// The image files.
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Write an image in another format: .ome.tif, or one plane as .png.
    Convert {
        /// The image file.
        from: PathBuf,
        /// The new file.
        to: PathBuf,
        /// Which image of a file with several, from 0; must be said there.
        #[arg(long)]
        series: Option<usize>,
        /// For PNG: time point, channel and plane, from 0. By default the first time point and channel (all three of red,
        /// green and blue) and the middle plane.
        #[arg(long, value_name = "T,C,Z", value_parser = position)]
        plane: Option<[u64; 3]>,
        /// For PNG: stretch the range between the 0.1 and 99.9 percentiles to 8 bits. Types that PNG does not have always
        /// are, labels and masks never.
        #[arg(long)]
        stretch: bool,
    },
    /// Compare the pixels of all images of two files; exit code 1 when they differ.
    Compare {
        /// The first image file.
        first: PathBuf,
        /// The second image file.
        second: PathBuf,
        /// Largest difference that counts as equal.
        #[arg(long, default_value_t = 0.0)]
        tolerance: f64,
    },
    /// Make a plane of any size with bright spots, for trying what large images cost.
    Make {
        /// The new file (.ome.tif).
        to: PathBuf,
        /// Columns.
        #[arg(long, default_value_t = 20_000)]
        width: u64,
        /// Rows.
        #[arg(long, default_value_t = 20_000)]
        height: u64,
        /// What noise and radii follow from.
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Plugins {
    /// List plugins and their operators, and those that cannot be used.
    List,
    /// Explain a plugin or operator: what was searched, found, accepted or refused, and which is used.
    Why {
        /// A plugin's id or an operator's name.
        id: String,
    },
    /// Tell what a file of plugin code is, without running it.
    Inspect {
        /// The file.
        file: PathBuf,
    },
    /// Take a plugin back from quarantine.
    Release {
        /// The plugin's id, or the sha256 of its file.
        id: String,
    },
    /// Print one operator's ports and parameters.
    Describe {
        /// The operator.
        operator: String,
    },
    Pack(trust::Pack),
    Sign(trust::Sign),
    Verify(trust::Verify),
    Install(trust::Install),
    Remove(trust::Remove),
    /// Make and list your own keys, which sign.
    #[command(subcommand)]
    Keys(trust::Keys),
    /// Say whose plugins you trust.
    #[command(subcommand)]
    Trust(trust::Trust),
    Index(trust::Index),
    Grant(trust::Grant),
    Revoke(trust::Revoke),
}

#[derive(Debug, Subcommand)]
pub(crate) enum New {
    /// Write an operator plugin.
    Operator {
        /// Its name in kebab-case.
        name: String,
        /// The language.
        #[arg(long, value_enum, default_value_t = Language::Rust)]
        lang: Language,
        /// The folder; the name by default.
        #[arg(long)]
        folder: Option<PathBuf>,
        /// The folder of the SDK; else $PARFOCAL_SDK, else the nearest `sdk` or `parfocal-sdk-<version>` beside the
        /// plugin's folder or above it.
        #[arg(long)]
        sdk: Option<PathBuf>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Language {
    /// Rust: one source for native and WASM.
    Rust,
    /// C, with the header alone.
    C,
    /// Python, with numpy.
    Python,
}

/// Compile the plugin in a folder, and package it.
///
/// Rust (a folder with `Cargo.toml`): `cargo build --release`, native and, where the target wasm32-unknown-unknown is
/// installed, as a WASM component. C (a folder with `.c` files): the system's C compiler, with `parfocal.h` from the
/// folder or the SDK. Python (a folder with `plugin.py`): an archive of all modules of the folder, with the package
/// `parfocal` from the folder or the SDK. What is left out is told.
#[derive(Debug, Args)]
pub(crate) struct Build {
    /// The plugin's folder, with its `plugin.toml`.
    #[arg(default_value = ".")]
    pub(crate) folder: PathBuf,
    /// Where the package's folder is made; `target/parfocal` in the plugin's folder by default.
    #[arg(long, short)]
    pub(crate) output: Option<PathBuf>,
    /// Native code only.
    #[arg(long)]
    pub(crate) without_wasm: bool,
    /// The folder of the SDK, for C plugins without a `parfocal.h`, and Python plugins without a `parfocal`, of their own.
    #[arg(long)]
    pub(crate) sdk: Option<PathBuf>,
}

/// Put built code and a manifest together into a plugin that can be loaded.
///
/// Operators and interfaces are read from the code (it is loaded for that), hashes are computed, and all is written into
/// the manifest of a new folder `<id>-<version>`.
#[derive(Debug, Args)]
pub(crate) struct Package {
    /// The plugin's folder, with its `plugin.toml`.
    pub(crate) folder: PathBuf,
    /// The native library for this system.
    #[arg(long)]
    pub(crate) native: Option<PathBuf>,
    /// The WASM component.
    #[arg(long)]
    pub(crate) wasm: Option<PathBuf>,
    /// The Python program, an archive.
    #[arg(long)]
    pub(crate) program: Option<PathBuf>,
    /// Where the package's folder is made.
    #[arg(long, short)]
    pub(crate) output: PathBuf,
}

/// Check whether plugins keep to the contract.
///
/// Every case runs in a process of its own, so that nothing that a plugin does takes the program along. `--list` shows the
/// cases, `--explain OPR-06` tells what one demands, why, and how to mend it. Known deviations stand in `conformance.toml`
/// beside the plugin. Exit codes: 0 the level is reached, 1 it is not, 2 the command line or this computer is wrong, 3 the
/// suite itself broke.
#[derive(Debug, Args)]
pub(crate) struct Conform {
    /// Folders of plugins, or folders of such folders.
    #[arg(required_unless_present_any = ["list", "explain"])]
    pub(crate) paths: Vec<PathBuf>,
    /// How much is tried: `ci` takes less than a minute an operator, `full` everything.
    #[arg(long, value_enum, default_value_t = ProfileName::Ci)]
    pub(crate) profile: ProfileName,
    /// The level that must be reached, L0 to L4.
    #[arg(long, default_value = "L2")]
    pub(crate) level: parfocal_conformance::Level,
    /// Only this case (repeatable).
    #[arg(long, value_name = "NUMBER")]
    pub(crate) case: Vec<String>,
    /// Only this operator.
    #[arg(long)]
    pub(crate) operator: Option<String>,
    /// Only this way of running (repeatable).
    #[arg(long, value_enum)]
    pub(crate) transport: Vec<TransportName>,
    /// What everything random follows from.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Run again what failed with this seed: the same as `--seed`, and one case at a time.
    #[arg(long, value_name = "SEED", conflicts_with = "seed")]
    pub(crate) reproduce: Option<u64>,
    /// Show the cases, with one sentence each; with a plugin, which of them apply to it.
    #[arg(long)]
    pub(crate) list: bool,
    /// Tell what a case demands, why, and how to mend it (repeatable).
    #[arg(long, value_name = "NUMBER")]
    pub(crate) explain: Vec<String>,
    /// How many cases run at once; as many as processors by default.
    #[arg(long)]
    pub(crate) jobs: Option<NonZeroUsize>,
    /// End at the first case that fails. It is written into the report.
    #[arg(long)]
    pub(crate) fail_fast: bool,
    /// Give cases so many times their time. It is written into the report.
    #[arg(long, default_value_t = 1.0, value_parser = patience)]
    pub(crate) patience: f64,
    /// Write the report (JSON).
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
    /// Write JUnit XML.
    #[arg(long, value_name = "FILE")]
    pub(crate) junit: Option<PathBuf>,
    /// Write a summary in Markdown.
    #[arg(long, value_name = "FILE")]
    pub(crate) markdown: Option<PathBuf>,
    /// Write each event as it happens, one line of JSON each.
    #[arg(long, value_name = "FILE")]
    pub(crate) events: Option<PathBuf>,
    /// Write everything that a vendor hands in into a folder.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) bundle: Option<PathBuf>,
    /// Run one case in this process, for a debugger: with `--case`, and with `--operator` where there are several.
    #[arg(long, requires = "case")]
    pub(crate) in_process: bool,
    /// Known deviations; `conformance.toml` beside the plugin by default.
    #[arg(long, value_name = "FILE")]
    pub(crate) waivers: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProfileName {
    /// Less than a minute an operator.
    Ci,
    /// Everything.
    Full,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TransportName {
    /// Native code in the process of the case.
    Native,
    /// WASM components.
    Wasm,
    /// Native code in a worker.
    Worker,
    /// Programs, such as those in Python.
    Program,
}

/// One word of a chain on the command line, in the order in which it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Word {
    Then(usize),
    Param(usize),
    Input(usize),
}

/// The order in which `--then`, `--param` and `--input` stand on the command line.
pub(crate) fn step_order(matches: &ArgMatches) -> Vec<Word> {
    let mut words: Vec<(usize, Word)> = Vec::new();
    for (name, word) in
        [("then", Word::Then as fn(usize) -> Word), ("param", Word::Param), ("input", Word::Input)]
    {
        if let Some(indices) = matches.indices_of(name) {
            words.extend(indices.enumerate().map(|(nth, place)| (place, word(nth))));
        }
    }
    words.sort_by_key(|(place, _)| *place);
    words.into_iter().map(|(_, word)| word).collect()
}

/// `512MiB`, `1 GiB`, `800MB`, or a number of bytes.
fn bytes(text: &str) -> Result<u64, String> {
    let size: parfocal_manifest::ByteSize =
        text.parse().map_err(|_| "write for example 512MiB or 1GiB".to_owned())?;
    Ok(size.0)
}

fn length(text: &str) -> Result<f64, String> {
    let length = text.parse().ok().filter(|length: &f64| length.is_finite() && *length > 0.0);
    length.ok_or_else(|| "write a length above 0, for example 0.108".to_owned())
}

fn patience(text: &str) -> Result<f64, String> {
    let times = text.parse().ok().filter(|times: &f64| (1.0..=1000.0).contains(times));
    times.ok_or_else(|| "write a number from 1 to 1000".to_owned())
}

fn position(text: &str) -> Result<[u64; 3], String> {
    let numbers: Vec<u64> =
        text.split(',').map(|number| number.trim().parse()).collect::<Result<_, _>>().unwrap_or_default();
    <[u64; 3]>::try_from(numbers).map_err(|_| "write three numbers from 0, for example 0,1,5".to_owned())
}
