//! `parfocal-worker`: the program in which Parfocal runs plugin code.
//!
//! It is started by the host, never by hand. What the host asks for comes over the leash (`parfocal_worker::process`); for a
//! library the arguments say which one: id, version, sha256 and version of the interface `operator`. The program puts up its
//! fences, maps the library, gives up what only that needed, and serves the host until the control socket ends.

use std::process::ExitCode;

#[cfg(target_os = "linux")]
fn main() -> ExitCode {
    match parfocal_worker::process::child::enter() {
        Ok(inside) => match run(inside) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("{error}");
                ExitCode::FAILURE
            }
        },
        Err(sentence) => {
            eprintln!("{sentence}");
            ExitCode::from(2)
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn main() -> ExitCode {
    eprintln!("plugins run in a process of their own on Linux only, so far");
    ExitCode::from(2)
}

/// Maps the library and serves it. What goes wrong before is told to the host, as the answer to its first call.
#[cfg(target_os = "linux")]
fn run(inside: parfocal_worker::process::child::Inside) -> parfocal_types::Result<()> {
    use parfocal_core::Lane as _;

    let library = artifact(&inside.arguments)
        .and_then(|artifact| parfocal_native::NativeLane::new().load(&artifact))
        .and_then(|library| inside.seal().map(|()| library));
    parfocal_worker::serve(inside.socket, library, inside.threads)
}

/// What the arguments say about the library.
#[cfg(target_os = "linux")]
fn artifact(arguments: &[String]) -> parfocal_types::Result<parfocal_core::Artifact> {
    use parfocal_core::{Artifact, Limits};
    use parfocal_types::Error;
    use parfocal_worker::process::child::Inside;

    let [plugin, version, sha256, interface] = arguments else {
        return Err(Error::invalid_argument(
            "a worker needs four arguments: plugin, version, sha256 and interface version",
        ));
    };
    Ok(Artifact {
        plugin: plugin.clone(),
        version: version
            .parse()
            .map_err(|error| Error::invalid_argument(format!("`{version}` is not a version: {error}")))?,
        path: Inside::CODE_PATH.into(),
        sha256: sha256.parse()?,
        interface: interface.parse()?,
        // The host keeps them: memory by the limits of this process, time by killing it.
        limits: Limits::default(),
    })
}
