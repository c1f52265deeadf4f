//! What the project needs besides a Rust toolchain, installed once into the ignored folder `.tools`.
//!
//! Three things, each pinned by version and sha256: a way to build WASM components ([`wasm`]), a virtual environment
//! with the Python judges ([`python`]), and the Bio-Formats jar ([`bioformats`]). The judges are programs of other
//! people that read what we wrote; they are never linked and never shipped.
//!
//! A tool that is already there in the pinned version costs a few file reads. Where everything is, and what was left
//! out and why, stands in `.tools/tools.json` for the tests of the other crates:
//!
//! ```json
//! {
//!   "python": "<root>/.tools/python/bin/python",
//!   "bioformats": { "jar": "<root>/.tools/bioformats/bioformats_package.jar", "java": "/usr/bin/java" },
//!   "wasm": { "route": "rustup", "rustc": "<sysroot>/bin/rustc", "linker": "<sysroot>/.../wasm-component-ld", ... },
//!   "left_out": { "bioformats": "why, when the entry above is null" }
//! }
//! ```

pub mod bioformats;
pub mod debian;
pub mod digest;
pub mod mutation;
pub mod pin;
pub mod python;
pub mod wasm;

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::Serialize;

pub use bioformats::BioFormats;
pub use wasm::{Route, WasmToolchain, wasm_toolchain};

/// Which tools the caller can do without, and which WASM route it insists on.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Wanted {
    /// Go on when WASM components cannot be built here; what needs them is left out.
    #[arg(long)]
    pub without_wasm: bool,
    /// Go on when the judges (Python, Bio-Formats) cannot be installed; tests that ask them are skipped.
    #[arg(long)]
    pub without_judges: bool,
    /// Insist on one way to build WASM components instead of taking the first that is open.
    #[arg(long, value_enum)]
    pub wasm_route: Option<Route>,
}

/// A tool that is ready, or a sentence that says why it is not.
#[derive(Debug, Clone)]
pub enum Status<T> {
    /// Installed in the pinned version.
    Ready(T),
    /// Not here, and the work goes on without it: the reason and what is left out.
    LeftOut(String),
}

impl<T> Status<T> {
    /// The tool, when it is ready.
    pub fn ready(&self) -> Option<&T> {
        match self {
            Self::Ready(tool) => Some(tool),
            Self::LeftOut(_) => None,
        }
    }
}

/// All tools, as [`install`] left them.
#[derive(Debug, Clone)]
pub struct Installed {
    /// How WASM components are built here.
    pub wasm: Status<WasmToolchain>,
    /// The interpreter of the judges' virtual environment.
    pub python: Status<PathBuf>,
    /// The Bio-Formats jar and the Java that runs it.
    pub bioformats: Status<BioFormats>,
}

/// The ignored folder everything goes into.
pub fn folder(root: &Path) -> PathBuf {
    root.join(".tools")
}

/// Installs every tool that is missing or has another pin, and writes `.tools/tools.json`.
///
/// Says on standard error, in one line each, what takes time. Holds a lock meanwhile: a second `cargo xtask` waits.
///
/// # Errors
/// After all tools were tried: the sentences of those that failed and that `wanted` does not let go.
pub fn install(root: &Path, wanted: &Wanted) -> Result<Installed> {
    let _lock = lock(root)?;
    let mut failures = Vec::new();
    let python =
        settle(python::install(root), wanted.without_judges, "tests that ask a Python judge", &mut failures);
    let bioformats = if let Some(java) = bioformats::java() {
        let jar = bioformats::install(root, &java);
        settle(jar, wanted.without_judges, "tests that ask Bio-Formats", &mut failures)
    } else {
        Status::LeftOut(
            "there is no Java in PATH, so the tests that ask Bio-Formats are skipped; install a Java 11 or newer \
             to run them"
                .into(),
        )
    };
    let wasm = wasm::find(root, wanted.wasm_route);
    let wasm = settle(wasm, wanted.without_wasm, "WASM plugins and their tests", &mut failures);
    let installed = Installed { wasm, python, bioformats };
    write_json(root, &installed)?;
    if !failures.is_empty() {
        bail!("{}", failures.join("\n"));
    }
    Ok(installed)
}

/// Turns a failed installation into what is left out, and into a failure unless the caller can do without.
fn settle<T>(result: Result<T>, dispensable: bool, what: &str, failures: &mut Vec<String>) -> Status<T> {
    match result {
        Ok(tool) => Status::Ready(tool),
        Err(error) => {
            let sentence = format!("{error:#}\n  Left out: {what}.");
            if !dispensable {
                failures.push(sentence.clone());
            }
            Status::LeftOut(sentence)
        }
    }
}

/// Keeps a second installation away; released when the file is dropped.
fn lock(root: &Path) -> Result<File> {
    let folder = folder(root);
    fs::create_dir_all(&folder).with_context(|| format!("could not make the folder {}", folder.display()))?;
    let path = folder.join("lock");
    let file = File::create(&path).with_context(|| format!("could not open {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            eprintln!("tools: another `cargo xtask` is installing; waiting for it");
            file.lock().with_context(|| format!("could not lock {}", path.display()))?;
        }
        Err(TryLockError::Error(error)) => {
            return Err(error).with_context(|| format!("could not lock {}", path.display()));
        }
    }
    Ok(file)
}

#[derive(Serialize)]
struct Json<'a> {
    python: Option<&'a Path>,
    bioformats: Option<&'a BioFormats>,
    wasm: Option<&'a WasmToolchain>,
    left_out: BTreeMap<&'static str, &'a str>,
}

fn json(installed: &Installed) -> Result<String> {
    let mut left_out = BTreeMap::new();
    note("python", &installed.python, &mut left_out);
    note("bioformats", &installed.bioformats, &mut left_out);
    note("wasm", &installed.wasm, &mut left_out);
    let json = Json {
        python: installed.python.ready().map(PathBuf::as_path),
        bioformats: installed.bioformats.ready(),
        wasm: installed.wasm.ready(),
        left_out,
    };
    Ok(serde_json::to_string_pretty(&json)? + "\n")
}

fn note<'a, T>(name: &'static str, status: &'a Status<T>, left_out: &mut BTreeMap<&'static str, &'a str>) {
    if let Status::LeftOut(why) = status {
        left_out.insert(name, why);
    }
}

fn write_json(root: &Path, installed: &Installed) -> Result<()> {
    let path = folder(root).join("tools.json");
    let text = json(installed)?;
    if fs::read_to_string(&path).is_ok_and(|old| old == text) {
        return Ok(());
    }
    fs::write(&path, text).with_context(|| format!("could not write {}", path.display()))
}

/// `cargo xtask tools`: installs, then prints a table, or the paths as JSON.
///
/// # Errors
/// Those of [`install`]; with `prove`, also when the toolchain does not yield a component.
pub fn command(root: &Path, wanted: &Wanted, as_json: bool, prove: bool) -> Result<()> {
    let installed = install(root, wanted)?;
    if as_json {
        print!("{}", json(&installed)?);
    } else {
        table(root, &installed);
    }
    if let (true, Some(toolchain)) = (prove, installed.wasm.ready()) {
        let component = wasm::prove(root, toolchain)?;
        eprintln!("tools: proved: {} is a component", component.display());
    }
    Ok(())
}

fn table(root: &Path, installed: &Installed) {
    row("python", &installed.python, |python| relative(root, python));
    row("bioformats", &installed.bioformats, |tool| {
        format!("{} with {}", relative(root, &tool.jar), tool.java.display())
    });
    row("wasm", &installed.wasm, |toolchain| toolchain.route.sentence().to_owned());
}

fn row<T>(name: &str, status: &Status<T>, show: impl Fn(&T) -> String) {
    match status {
        Status::Ready(tool) => println!("{name:<12}ready     {}", show(tool)),
        Status::LeftOut(why) => println!("{name:<12}left out  {why}"),
    }
}

fn relative(root: &Path, path: &Path) -> String {
    path.strip_prefix(root).unwrap_or(path).display().to_string()
}
