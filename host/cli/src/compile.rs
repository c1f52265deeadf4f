//! Compiles an author's plugin with the author's own tools: cargo, or a C compiler. Python is packed.

use std::{
    env,
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use parfocal_manifest::{FILE_NAME, Manifest};
use parfocal_types::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};

use crate::{archive, args::Build, package::cannot, sdk::Sdk};

const TARGET: &str = "wasm32-unknown-unknown";

/// What was compiled.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Compiled {
    /// The library for this system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) native: Option<PathBuf>,
    /// The WASM component.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) wasm: Option<PathBuf>,
    /// Why there is no component.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) wasm_left_out: Option<String>,
    /// The Python program.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) program: Option<PathBuf>,
}

/// Compiles the plugin in a folder.
///
/// # Errors
/// `not-found` when the folder has neither `Cargo.toml`, `plugin.py` nor `.c` files; `missing-runtime` without a compiler;
/// `corrupt` when the source does not compile (the compiler has told why on standard error).
pub(crate) fn plugin(arguments: &Build, quiet: bool) -> Result<Compiled> {
    let folder = arguments.folder.canonicalize().map_err(|error| cannot("find", &arguments.folder, error))?;
    if folder.join("Cargo.toml").is_file() {
        return rust(&folder, arguments.without_wasm, quiet);
    }
    if folder.join(archive::PLUGIN).is_file() {
        let program = target_folder(&folder, "python").join(format!("{}.pyz", name(&folder)?));
        archive::write(&folder, arguments.sdk.as_deref(), &program)?;
        return Ok(Compiled { program: Some(program), ..Compiled::default() });
    }
    let sources = c_sources(&folder)?;
    if sources.is_empty() {
        return Err(Error::not_found(format!(
            "{} has neither Cargo.toml, plugin.py nor .c files",
            folder.display()
        ))
        .with_remedy("build the plugin your own way, then package it with `parfocal package`"));
    }
    let native = c(&folder, &sources, arguments.sdk.as_deref())?;
    let wasm_left_out =
        Some("components are built from Rust; one from C is packaged with `parfocal package`".into());
    Ok(Compiled { native: Some(native), wasm_left_out, ..Compiled::default() })
}

fn rust(folder: &Path, without_wasm: bool, quiet: bool) -> Result<Compiled> {
    let native = Some(cargo(folder, None, quiet)?);
    let tools = if without_wasm { Err("--without-wasm was given".into()) } else { WasmTools::find(folder) };
    match tools {
        Ok(tools) => {
            let wasm = Some(cargo(folder, Some(&tools), quiet)?);
            Ok(Compiled { native, wasm, ..Compiled::default() })
        }
        Err(why) => Ok(Compiled { native, wasm_left_out: Some(why), ..Compiled::default() }),
    }
}

/// One of cargo's JSON messages, as far as it matters here.
#[derive(Deserialize)]
struct Message {
    reason: String,
    #[serde(default)]
    manifest_path: PathBuf,
    #[serde(default)]
    filenames: Vec<PathBuf>,
}

/// `cargo build --release`; gives the file that cargo says it made.
fn cargo(folder: &Path, wasm: Option<&WasmTools>, quiet: bool) -> Result<PathBuf> {
    let manifest = folder.join("Cargo.toml");
    let program = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut cargo = Command::new(&program);
    cargo.current_dir(folder).args(["build", "--release", "--lib"]);
    cargo.args(["--message-format", "json-render-diagnostics"]);
    if quiet {
        cargo.arg("--quiet");
    }
    if let Some(tools) = wasm {
        tools.apply(&mut cargo);
    }
    let answer = cargo.stdin(Stdio::null()).stderr(Stdio::inherit()).output();
    let answer = answer.map_err(|error| no_tool("cargo", "https://rustup.rs", error))?;
    if !answer.status.success() {
        return Err(not_compiled(folder));
    }
    let extension = if wasm.is_some() { "wasm" } else { env::consts::DLL_EXTENSION };
    String::from_utf8_lossy(&answer.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<Message>(line).ok())
        .filter(|message| message.reason == "compiler-artifact" && message.manifest_path == manifest)
        .flat_map(|message| message.filenames)
        .find(|file| file.extension().is_some_and(|end| end == extension))
        .ok_or_else(|| {
            let kind = ErrorKind::Corrupt { what: "the plugin's Cargo.toml".into() };
            Error::new(kind, format!("{} makes no library that can be loaded", manifest.display()))
                .with_remedy("write `crate-type = [\"cdylib\", \"rlib\"]` into its [lib]")
        })
}

fn not_compiled(folder: &Path) -> Error {
    let kind = ErrorKind::Corrupt { what: "the plugin's source".into() };
    Error::new(kind, format!("{} could not be compiled", folder.display()))
        .with_remedy("mend what the compiler says above")
}

/// The linkers that make components; they come with rustup's toolchains.
struct WasmTools {
    component_linker: PathBuf,
    module_linker: PathBuf,
}

impl WasmTools {
    /// Those of the compiler that is used in `folder`, or what is missing.
    fn find(folder: &Path) -> Result<Self, String> {
        let libraries = rustc(folder, &["--print", "target-libdir", "--target", TARGET]);
        if !libraries.is_some_and(|libraries| libraries.is_dir()) {
            return Err(format!("the compiler lacks its target; run `rustup target add {TARGET}`"));
        }
        let sysroot = rustc(folder, &["--print", "sysroot"]).unwrap_or_default();
        let hosts = fs::read_dir(sysroot.join("lib").join("rustlib")).into_iter().flatten().flatten();
        let tools = hosts.map(|host| host.path().join("bin")).map(|bin| Self {
            component_linker: bin.join("wasm-component-ld"),
            module_linker: bin.join("gcc-ld").join("wasm-ld"),
        });
        let there = |tools: &Self| tools.component_linker.is_file() && tools.module_linker.is_file();
        tools.filter(there).min_by(|a, b| a.component_linker.cmp(&b.component_linker)).ok_or_else(|| {
            format!("{} has no wasm-component-ld; use a stable toolchain from rustup", sysroot.display())
        })
    }

    /// No WASI: what is not in the plugin's WIT does not exist for it. SIMD always.
    fn apply(&self, cargo: &mut Command) {
        let mut module_linker = OsString::from("link-arg=--wasm-ld-path=");
        module_linker.push(&self.module_linker);
        let mut flags = OsString::from("-C\u{1f}linker-flavor=wasm-ld");
        for flag in [module_linker, "link-arg=--wasi-adapter=none".into(), "target-feature=+simd128".into()] {
            flags.push("\u{1f}-C\u{1f}");
            flags.push(flag);
        }
        // The encoded form wins over the caller's RUSTFLAGS and survives spaces in paths.
        cargo.args(["--target", TARGET]).env("CARGO_ENCODED_RUSTFLAGS", flags).env_remove("RUSTFLAGS");
        cargo.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", &self.component_linker);
    }
}

/// A path that the compiler prints.
fn rustc(folder: &Path, arguments: &[&str]) -> Option<PathBuf> {
    let program = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let answer = Command::new(program).current_dir(folder).args(arguments).output().ok()?;
    answer.status.success().then(|| PathBuf::from(String::from_utf8_lossy(&answer.stdout).trim()))
}

fn c_sources(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).map_err(|error| cannot("list", folder, error))?;
    let mut sources: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|end| end == "c"))
        .collect();
    sources.sort();
    Ok(sources)
}

/// One library of all C files, called after the last part of the plugin's id.
fn c(folder: &Path, sources: &[PathBuf], sdk: Option<&Path>) -> Result<PathBuf> {
    let place = target_folder(folder, "c");
    fs::create_dir_all(&place).map_err(|error| cannot("make", &place, error))?;
    let (prefix, suffix) = (env::consts::DLL_PREFIX, env::consts::DLL_SUFFIX);
    let library = place.join(format!("{prefix}{}{suffix}", name(folder)?));
    let include = if sdk.is_none() && folder.join("parfocal.h").is_file() {
        folder.to_owned()
    } else {
        let header = Sdk::find(sdk, folder)?.header();
        header.parent().map(Path::to_owned).unwrap_or_default()
    };
    let mut cc = Command::new(env::var_os("CC").unwrap_or_else(|| "cc".into()));
    cc.current_dir(folder).args([
        "-std=c11",
        "-O2",
        "-Wall",
        "-Wextra",
        "-shared",
        "-fPIC",
        "-fvisibility=hidden",
    ]);
    cc.arg("-I").arg(std::path::absolute(&include).map_err(|error| cannot("use", &include, error))?);
    cc.arg("-o").arg(&library).args(sources).arg("-lm");
    let status = cc.stdin(Stdio::null()).status();
    let status = status
        .map_err(|error| no_tool("a C compiler", "the packages gcc or clang; or name it in CC", error))?;
    if !status.success() {
        return Err(not_compiled(folder));
    }
    Ok(library)
}

/// Where cargo would put its results, for other languages too.
fn target_folder(folder: &Path, language: &str) -> PathBuf {
    folder.join(env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into())).join(language)
}

fn name(folder: &Path) -> Result<String> {
    let path = folder.join(FILE_NAME);
    let text = fs::read_to_string(&path).map_err(|error| cannot("read", &path, error))?;
    let manifest = Manifest::parse(&text).map_err(|error| Error::from(error).context(path.display()))?;
    let id = manifest.plugin.id.as_str();
    Ok(id.rsplit('.').next().unwrap_or(id).replace('-', "_"))
}

fn no_tool(what: &str, place: &str, error: io::Error) -> Error {
    let kind = ErrorKind::MissingRuntime { what: what.into(), r#where: place.into() };
    Error::new(kind, format!("{what} could not be started"))
        .with_remedy(format!("get it: {place}"))
        .with_source(error)
}
