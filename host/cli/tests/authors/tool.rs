//! Running programs, and the smallest TIFF.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    forget_the_workspace(&mut command);
    command
}

/// The program `parfocal` in a folder, with a home of its own there.
pub(crate) fn parfocal(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_parfocal"));
    forget_the_workspace(&mut command);
    at_home(&mut command, folder);
    command
}

pub(crate) fn at_home(command: &mut Command, folder: &Path) {
    command.current_dir(folder);
    for (variable, name) in
        [("XDG_DATA_HOME", "data"), ("XDG_STATE_HOME", "state"), ("XDG_CACHE_HOME", "cache")]
    {
        command.env(variable, folder.join("home").join(name));
    }
    command.env_remove("PARFOCAL_PLUGINS").env_remove("PARFOCAL_SDK");
}

/// Takes away what `cargo test` tells about this workspace.
pub(crate) fn forget_the_workspace(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") || text == "RUSTFLAGS" {
            command.env_remove(&name);
        }
    }
    command.env_remove("CARGO_ENCODED_RUSTFLAGS").env_remove("CARGO_TARGET_DIR");
}

/// Runs a program to its end; with all that it said when it failed.
pub(crate) fn succeed(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{command:?}\n{}\n{}", text(&output.stdout), text(&output.stderr));
    output
}

/// Runs a program that prints one JSON document, and gives its exit code too.
pub(crate) fn json(command: &mut Command) -> (i32, serde_json::Value) {
    let output = command.arg("--json").output().unwrap();
    let document = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stdout)));
    (output.status.code().unwrap_or(-1), document)
}

/// A little-endian TIFF of one uncompressed strip of 16-bit pixels.
pub(crate) fn tiff(width: u16, pixels: &[u16]) -> Vec<u8> {
    let height = u16::try_from(pixels.len()).unwrap() / width;
    let bytes = u32::try_from(pixels.len() * 2).unwrap();
    let mut file = b"II*\0".to_vec();
    file.extend((8 + bytes).to_le_bytes());
    file.extend(pixels.iter().flat_map(|pixel| pixel.to_le_bytes()));
    // Tag, type (3: 16 bits, 4: 32 bits), value: width, height, bits, no compression, black is zero, offset of the strip,
    // samples, rows of the strip, bytes of the strip.
    let entries: [(u16, u16, u32); 9] = [
        (256, 3, width.into()),
        (257, 3, height.into()),
        (258, 3, 16),
        (259, 3, 1),
        (262, 3, 1),
        (273, 4, 8),
        (277, 3, 1),
        (278, 3, height.into()),
        (279, 4, bytes),
    ];
    file.extend(9_u16.to_le_bytes());
    for (tag, kind, value) in entries {
        file.extend(tag.to_le_bytes());
        file.extend(kind.to_le_bytes());
        file.extend(1_u32.to_le_bytes());
        file.extend(value.to_le_bytes());
    }
    file.extend([0; 4]);
    file
}
