//! Builds the program and the plugins that tests, demo and benchmarks load, in folders as a user would have them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::process;
use crate::tools::{self, Installed, Wanted};

/// A plugin of this repository.
#[derive(Debug, Clone, Copy)]
pub struct Plugin {
    /// The folder with its manifest.
    pub folder: &'static str,
    /// What it is written in.
    pub kind: Kind,
}

/// What a plugin is written in.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// Rust, built natively and as a WASM component.
    Rust {
        /// The cargo package.
        package: &'static str,
    },
    /// C, one file.
    C {
        /// The file, in the plugin's folder.
        source: &'static str,
    },
    /// Python.
    Python,
}

/// The plugins of this repository.
pub const PLUGINS: &[Plugin] = &[
    Plugin { folder: "plugins/classical", kind: Kind::Rust { package: "parfocal-classical" } },
    Plugin { folder: "plugins/c-examples/subtract-offset", kind: Kind::C { source: "subtract_offset.c" } },
    Plugin { folder: "plugins/python-examples/invert-contrast", kind: Kind::Python },
    Plugin { folder: "plugins/python-examples/intensity-summary", kind: Kind::Python },
];

/// What was built.
#[derive(Debug, Clone)]
pub struct Built {
    /// The program `parfocal`.
    pub program: PathBuf,
    /// The folder in which every plugin has a folder of its own.
    pub plugins: PathBuf,
}

/// Builds the program and all plugins.
///
/// The Rust ones with `cargo build --release` and as components with
/// [`WasmToolchain::build`](crate::tools::WasmToolchain::build), the C ones with the system's compiler, the Python ones with
/// `parfocal build`. Where the WASM toolchain or Python was left out, what needs it is left out too, and a line says so.
///
/// # Errors
/// When something does not build.
pub fn build(root: &Path, tools: &Installed) -> Result<Built> {
    compile_workspace(root)?;
    let target = root.join("target/release");
    let built = Built { program: target.join("parfocal"), plugins: root.join("target/plugins") };
    fs::create_dir_all(&built.plugins)
        .with_context(|| format!("could not make {}", built.plugins.display()))?;
    for Plugin { folder, kind } in PLUGINS {
        match kind {
            Kind::Rust { package } => {
                let library = target.join(format!("lib{}.so", package.replace('-', "_")));
                let mut files = vec![("--native", library)];
                match tools.wasm.ready() {
                    Some(toolchain) => {
                        let manifest = root.join(folder).join("Cargo.toml");
                        files.push(("--wasm", toolchain.build(package, &manifest)?));
                    }
                    None => eprintln!("  {package} is built without its WASM component"),
                }
                pack(root, &built, folder, &files)?;
            }
            Kind::C { source } => {
                let library = compile(root, folder, source)?;
                pack(root, &built, folder, &[("--native", library)])?;
            }
            Kind::Python => match tools.python.ready() {
                Some(python) => pack_python(root, &built, folder, python)?,
                None => eprintln!("  {folder} is left out: there is no Python with numpy"),
            },
        }
    }
    Ok(built)
}

/// Compiles everything in Rust that runs natively.
///
/// # Errors
/// When something does not build.
pub fn compile_workspace(root: &Path) -> Result<()> {
    eprintln!("building the program and the plugins");
    // The same selection as the tests', although it is more than is needed here: with another one cargo would choose
    // other features for shared dependencies, and compile the WASM runtime twice.
    let mut cargo = process::cargo();
    cargo.current_dir(root).args(["build", "--release", "--quiet", "--workspace"]);
    cargo.args(["--lib", "--bins", "--tests", "--examples"]);
    process::run(&mut cargo)
}

/// `cargo xtask plugins`: builds everything and says where it is.
///
/// # Errors
/// As [`build`], and when a tool cannot be installed.
pub fn command(root: &Path, wanted: &Wanted) -> Result<()> {
    let built = build(root, &tools::install(root, wanted)?)?;
    println!("program  {}", built.program.display());
    println!("plugins  {}", built.plugins.display());
    Ok(())
}

/// Compiles one C file into a library with the header alone.
fn compile(root: &Path, folder: &str, source: &str) -> Result<PathBuf> {
    let output = root.join("target/c");
    fs::create_dir_all(&output).with_context(|| format!("could not make {}", output.display()))?;
    let library = output.join(format!("lib{}.so", source.trim_end_matches(".c")));
    let mut cc = Command::new("cc");
    cc.args(["-std=c11", "-O2", "-Wall", "-Wextra", "-shared", "-fPIC", "-fvisibility=hidden", "-I"])
        .arg(root.join("sdk/abi/include"))
        .arg("-o")
        .arg(&library)
        .arg(root.join(folder).join(source));
    process::run(&mut cc)?;
    Ok(library)
}

/// The variable that tells the program which Python runs plugins.
pub const PYTHON_VARIABLE: &str = "PARFOCAL_PYTHON";

/// Packs a plugin in Python; its operators are asked for what they declare, in the judges' Python.
fn pack_python(root: &Path, built: &Built, folder: &str, python: &Path) -> Result<()> {
    let mut program = Command::new(&built.program);
    program.arg("build").arg(root.join(folder)).arg("--output").arg(&built.plugins).arg("--json");
    program.arg("--sdk").arg(root.join("sdk"));
    program.env(PYTHON_VARIABLE, python).env("CARGO_TARGET_DIR", root.join("target"));
    process::output(&mut program).map(|_| ())
}

fn pack(root: &Path, built: &Built, folder: &str, files: &[(&str, PathBuf)]) -> Result<()> {
    let mut program = Command::new(&built.program);
    program.arg("package").arg(root.join(folder)).arg("--output").arg(&built.plugins).arg("--json");
    for (flag, file) in files {
        program.arg(flag).arg(file);
    }
    process::output(&mut program).map(|_| ())
}
