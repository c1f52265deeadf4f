//! How WASM components are built here.
//!
//! Two routes lead to a compiler for `wasm32-unknown-unknown`: the ordinary one, where rustup has the target or can add
//! it, and Debian's compiler for the web ([`super::debian`]), for places that reach a Debian archive but not rustup's
//! servers. Both link with the `wasm-component-ld` that comes with rustup's stable toolchains, so that the linker's
//! output is a component, without any WASI import: what is not in our WIT does not exist for the guest.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use serde::Serialize;

use super::debian;
use crate::process;

const TARGET: &str = "wasm32-unknown-unknown";

/// The first eight bytes of every component: `\0asm`, version 13, layer 1 (a core module has version 1, layer 0).
const COMPONENT_PREAMBLE: [u8; 8] = [0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00];

/// rustup fetches about 20 MB, and answers quickly where its servers cannot be reached.
const RUSTUP_LIMIT: Duration = Duration::from_secs(180);

/// A way to compile for `wasm32-unknown-unknown`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Route {
    /// The target of the rustup toolchain.
    Rustup,
    /// Debian's compiler for the web, unpacked into `.tools`.
    Debian,
}

impl Route {
    /// What this route is, for a table.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Rustup => "the rustup toolchain's target wasm32-unknown-unknown",
            Self::Debian => "Debian's compiler for the web, unpacked in .tools/debian-rust",
        }
    }
}

/// A compiler, a linker and a target folder that together make components.
#[derive(Debug, Clone, Serialize)]
pub struct WasmToolchain {
    /// Which route was open.
    pub route: Route,
    /// The compiler.
    pub rustc: PathBuf,
    /// `wasm-component-ld`: links the module and wraps it into a component.
    pub linker: PathBuf,
    /// `wasm-ld`, which the linker calls.
    wasm_ld: PathBuf,
    /// The compiler's own libraries, when they are not where the system looks.
    libraries: Option<PathBuf>,
    /// `<root>/target/wasm`: a folder of its own, so that native and WASM builds do not push each other out.
    target_dir: PathBuf,
}

/// Finds the open route, installing what it needs on the way.
///
/// # Errors
/// When no route is open: why each one is closed, and what to do.
pub fn wasm_toolchain(root: &Path) -> Result<WasmToolchain> {
    find(root, None)
}

/// Like [`wasm_toolchain`], with an only route to try when one is given.
///
/// What is already here is taken first: the rustup target, then the unpacked Debian compiler; then rustup is asked to
/// add the target, then the Debian archive.
///
/// # Errors
/// When no route is open: why each one is closed, and what to do.
pub fn find(root: &Path, only: Option<Route>) -> Result<WasmToolchain> {
    let may = |route| only.is_none_or(|only| only == route);
    let sysroot = sysroot()?;
    let rustup = || toolchain(root, &sysroot, Route::Rustup, sysroot.join("bin").join("rustc"), None);
    let debian = |usr: &Path| {
        toolchain(root, &sysroot, Route::Debian, usr.join("bin").join("rustc"), Some(debian::libraries(usr)))
    };
    if may(Route::Rustup) && has_target(&sysroot) {
        return rustup();
    }
    if let (true, Some(usr)) = (may(Route::Debian), debian::installed(root)) {
        return debian(&usr);
    }
    let mut closed = Vec::new();
    if may(Route::Rustup) {
        match add_target(root, &sysroot) {
            Ok(()) => return rustup(),
            Err(why) => closed.push(format!("rustup: {why:#}")),
        }
    }
    if may(Route::Debian) {
        match debian::install(root) {
            Ok(usr) => return debian(&usr),
            Err(why) => closed.push(format!("Debian: {why:#}")),
        }
    }
    bail!(
        "WASM components cannot be built here. Run `rustup target add {TARGET}` where rustup reaches its servers, or \
         pass --without-wasm. The routes that were tried:\n{}",
        closed.join("\n")
    )
}

impl WasmToolchain {
    /// `cargo build --release` of one package for the component target, with the compiler, linker and flags of this
    /// route; the caller may add arguments and runs it.
    ///
    /// Debug information is stripped (1.6 MB in the smallest component), names stay for the backtrace of a trap.
    pub fn cargo_build(&self, package: &str, manifest: &Path) -> Command {
        let mut command = process::cargo();
        command.args(["build", "--release", "--target", TARGET, "--package", package, "--manifest-path"]);
        command.arg(manifest).arg("--target-dir").arg(&self.target_dir);
        // The encoded form wins over every RUSTFLAGS of the caller's shell, and survives spaces in paths.
        command.env("CARGO_ENCODED_RUSTFLAGS", self.rustflags()).env_remove("RUSTFLAGS");
        command.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", &self.linker);
        command.env("CARGO_PROFILE_RELEASE_STRIP", "debuginfo");
        if let Some(libraries) = &self.libraries {
            command.arg("-Zbuild-std=std,panic_abort").env("RUSTC_BOOTSTRAP", "1").env("RUSTC", &self.rustc);
            command.env("LD_LIBRARY_PATH", prepended(libraries));
        }
        command
    }

    /// Builds one package and returns the path of the component it made.
    ///
    /// # Errors
    /// When the build fails, makes no `.wasm` file (the library needs `crate-type = ["cdylib"]`), or makes a core
    /// module instead of a component.
    pub fn build(&self, package: &str, manifest: &Path) -> Result<PathBuf> {
        let mut command = self.cargo_build(package, manifest);
        command.args(["--quiet", "--message-format", "json-render-diagnostics"]).stdin(Stdio::null());
        let output = command
            .stderr(Stdio::inherit())
            .output()
            .with_context(|| format!("could not start `{}`", process::describe(&command)))?;
        if !output.status.success() {
            bail!("the WASM component of {package} could not be built (`{}`)", process::describe(&command));
        }
        let messages = String::from_utf8_lossy(&output.stdout);
        let component = messages.lines().filter_map(wasm_file).next_back().ok_or_else(|| {
            anyhow!("{package} made no .wasm file; its library needs crate-type = [\"cdylib\"]")
        })?;
        check_component(&component)?;
        Ok(component)
    }

    fn rustflags(&self) -> OsString {
        let mut wasm_ld = OsString::from("link-arg=--wasm-ld-path=");
        wasm_ld.push(&self.wasm_ld);
        let mut flags = OsString::from("-C\u{1f}linker-flavor=wasm-ld");
        for flag in [wasm_ld, "link-arg=--wasi-adapter=none".into(), "target-feature=+simd128".into()] {
            flags.push("\u{1f}-C\u{1f}");
            flags.push(flag);
        }
        flags
    }
}

/// Builds the smallest component and checks what came out.
///
/// # Errors
/// Those of [`WasmToolchain::build`].
pub fn prove(root: &Path, toolchain: &WasmToolchain) -> Result<PathBuf> {
    let manifest = root.join("xtask").join("fixtures").join("probe").join("Cargo.toml");
    toolchain.build("parfocal-toolchain-probe", &manifest)
}

/// Refuses a file that does not begin as a component does.
///
/// # Errors
/// When the file cannot be read, or is something else: a core module means that another linker was used.
pub fn check_component(path: &Path) -> Result<()> {
    let mut start = [0; 8];
    File::open(path)
        .and_then(|mut file| file.read_exact(&mut start))
        .with_context(|| format!("could not read the start of {}", path.display()))?;
    if start != COMPONENT_PREAMBLE {
        bail!(
            "{} is not a WASM component: it begins with {start:02x?}, a component with {COMPONENT_PREAMBLE:02x?}; \
             was it linked with wasm-component-ld?",
            path.display()
        );
    }
    Ok(())
}

/// The `.wasm` file in one of cargo's JSON messages.
fn wasm_file(message: &str) -> Option<PathBuf> {
    let message: serde_json::Value = serde_json::from_str(message).ok()?;
    let files = message.get("filenames")?.as_array()?;
    files.iter().filter_map(|file| file.as_str()).find(|file| file.ends_with(".wasm")).map(PathBuf::from)
}

/// The compiler that belongs to the cargo that runs us: the one beside it, else the one in `PATH`.
fn rustc() -> PathBuf {
    std::env::var_os("CARGO")
        .map(|cargo| Path::new(&cargo).with_file_name("rustc"))
        .filter(|rustc| rustc.is_file())
        .unwrap_or_else(|| PathBuf::from("rustc"))
}

fn sysroot() -> Result<PathBuf> {
    let printed = process::output(Command::new(rustc()).args(["--print", "sysroot"]))?;
    Ok(PathBuf::from(printed.trim()))
}

fn has_target(sysroot: &Path) -> bool {
    sysroot.join("lib").join("rustlib").join(TARGET).join("lib").is_dir()
}

fn add_target(root: &Path, sysroot: &Path) -> Result<()> {
    if !process::in_path("rustup") {
        bail!("there is no rustup in PATH");
    }
    eprintln!("tools: wasm: asking rustup to add the target {TARGET}");
    let log = super::folder(root).join("log").join("rustup.txt");
    let mut rustup = Command::new("rustup");
    rustup.args(["target", "add", TARGET]).env("RUST_BACKTRACE", "0");
    process::run_logged(&mut rustup, &log, RUSTUP_LIMIT)?;
    if !has_target(sysroot) {
        bail!("rustup added {TARGET} to another toolchain than the one in use ({})", sysroot.display());
    }
    Ok(())
}

fn toolchain(
    root: &Path,
    sysroot: &Path,
    route: Route,
    rustc: PathBuf,
    libraries: Option<PathBuf>,
) -> Result<WasmToolchain> {
    let tools = linker_folder(sysroot)?;
    Ok(WasmToolchain {
        route,
        rustc,
        linker: tools.join("wasm-component-ld"),
        wasm_ld: tools.join("gcc-ld").join("wasm-ld"),
        libraries,
        target_dir: root.join("target").join("wasm"),
    })
}

/// The folder of the toolchain's own linkers, whatever the host's target is called.
fn linker_folder(sysroot: &Path) -> Result<PathBuf> {
    let rustlib = sysroot.join("lib").join("rustlib");
    let entries = fs::read_dir(&rustlib).with_context(|| format!("could not list {}", rustlib.display()))?;
    entries
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .filter(|bin| bin.join("wasm-component-ld").is_file() && bin.join("gcc-ld").join("wasm-ld").is_file())
        .min()
        .ok_or_else(|| {
            anyhow!(
                "the Rust toolchain in {} brings no wasm-component-ld; use rustup's stable toolchain (rust-toolchain.toml \
                 names it), or pass --without-wasm",
                sysroot.display()
            )
        })
}

/// `LD_LIBRARY_PATH` with `first` in front of what is there.
pub(super) fn prepended(first: &Path) -> OsString {
    let mut path = first.as_os_str().to_owned();
    if let Some(rest) = std::env::var_os("LD_LIBRARY_PATH").filter(|rest| !rest.is_empty()) {
        path.push(":");
        path.push(rest);
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_core_module_is_not_taken_for_a_component() {
        let path = std::env::temp_dir().join(format!("parfocal-xtask-{}-core.wasm", std::process::id()));
        fs::write(&path, [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00]).unwrap();
        let error = check_component(&path).unwrap_err().to_string();
        fs::write(&path, COMPONENT_PREAMBLE).unwrap();
        let component = check_component(&path);
        fs::remove_file(&path).unwrap();
        assert!(error.contains("is not a WASM component"), "{error}");
        component.unwrap();
    }

    #[test]
    fn the_component_is_found_in_cargos_messages() {
        let message = r#"{"reason":"compiler-artifact","filenames":["/t/libx.rlib","/t/x.wasm"]}"#;
        assert_eq!(wasm_file(message), Some(PathBuf::from("/t/x.wasm")));
        assert_eq!(wasm_file(r#"{"reason":"build-finished","success":true}"#), None);
    }
}
