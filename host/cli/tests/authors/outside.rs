//! Plugins of strangers: built from the packed SDK alone, outside the workspace, with the network off.

use std::{
    env,
    fs::{self, File},
    hash::{DefaultHasher, Hash, Hasher},
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use parfocal_core::image::MemoryImage;
use parfocal_image::{Buffer, DType, Extent, ImageSpec, Region};

use crate::{
    embed, light,
    tool::{at_home, cargo, forget_the_workspace, json, parfocal, root, succeed, tiff},
};

/// A folder that has nothing to do with the workspace, and the unpacked SDK in it.
struct Outside {
    folder: PathBuf,
    sdk: PathBuf,
    /// Keeps other runs of these tests away.
    _lock: File,
}

fn outside() -> &'static Outside {
    static OUTSIDE: OnceLock<Outside> = OnceLock::new();
    OUTSIDE.get_or_init(|| {
        let root = root();
        // Always the same for this checkout: cargo knows what it has compiled before by its path.
        let mut hash = DefaultHasher::new();
        root.hash(&mut hash);
        let folder = env::temp_dir().join(format!("parfocal-outside-{:016x}", hash.finish()));
        fs::create_dir_all(&folder).unwrap();
        let folder = folder.canonicalize().unwrap();
        assert!(!folder.starts_with(&root), "the folder for temporary files lies inside the workspace");
        let lock = File::create(folder.join("lock")).unwrap();
        lock.lock().unwrap();
        let sdk = unpack(&folder, &pack(&root));
        Outside { folder, sdk, _lock: lock }
    })
}

/// `cargo xtask sdk`; gives the archive.
fn pack(root: &Path) -> PathBuf {
    let mut command = cargo();
    command.current_dir(root).args(["run", "--quiet", "--release", "--package", "xtask", "--", "sdk"]);
    let said = String::from_utf8(succeed(&mut command).stdout).unwrap();
    PathBuf::from(said.lines().last().unwrap())
}

/// Unpacks as the SDK's README says, when it is another archive than last time.
fn unpack(folder: &Path, archive: &Path) -> PathBuf {
    let name = archive.file_name().unwrap().to_str().unwrap().strip_suffix(".tar.gz").unwrap();
    let (unpacked, known) = (folder.join(name), folder.join("unpacked.tar.gz"));
    let bytes = fs::read(archive).unwrap();
    if !unpacked.is_dir() || fs::read(&known).ok().as_ref() != Some(&bytes) {
        let _ = fs::remove_dir_all(&unpacked);
        succeed(Command::new("tar").arg("-xzmf").arg(archive).arg("-C").arg(folder));
        fs::write(&known, bytes).unwrap();
    }
    unpacked
}

/// A command without a network: in a network namespace of its own where the system allows it, and offline for cargo
/// everywhere.
fn without_network(program: &str, folder: &Path) -> Command {
    let probe = Command::new("unshare").args(["--map-root-user", "--net", "cat", "/proc/net/dev"]).output();
    let interfaces = probe.ok().filter(|probe| probe.status.success());
    let mut command = if let Some(probe) = interfaces {
        let table = String::from_utf8_lossy(&probe.stdout).into_owned();
        let others = table.lines().filter(|line| line.contains(':') && !line.trim_start().starts_with("lo:"));
        assert_eq!(others.count(), 0, "a namespace of its own has no network: {table}");
        println!("network: off, in a namespace of its own");
        let mut command = Command::new("unshare");
        command.args(["--map-root-user", "--net", program]);
        command
    } else {
        println!("network: cargo is offline; the system allows no namespace of its own");
        Command::new(program)
    };
    forget_the_workspace(&mut command);
    at_home(&mut command, folder);
    command.env("CARGO_NET_OFFLINE", "true");
    // What was compiled for an earlier run is used again; the sources are outside all the same.
    command.env("CARGO_TARGET_DIR", root().join("target/outside"));
    command
}

/// `parfocal new` and `parfocal build` for a plugin in a folder that is made anew; gives the report of the build.
fn build(name: &str, language: &str) -> (PathBuf, serde_json::Value) {
    let outside = outside();
    let folder = outside.folder.join(name);
    let _ = fs::remove_dir_all(&folder);
    let mut new = parfocal(&outside.folder);
    succeed(new.args(["new", "operator", name, "--lang", language, "--sdk"]).arg(&outside.sdk));
    let mut build = without_network(env!("CARGO_BIN_EXE_parfocal"), &outside.folder);
    let (code, report) = json(build.args(["build", name]));
    assert_eq!(code, 0, "{report}");
    (folder, report)
}

const WIDTH: u16 = 3;
const PIXELS: [u16; 6] = [0, 99, 100, 101, 4095, 65535];
/// With the default offset of 100.
const EXPECTED: [u16; 6] = [0, 0, 0, 1, 3995, 65435];
/// With an offset of 4000.
const EXPECTED_4000: [u16; 6] = [0, 0, 0, 0, 95, 61535];

/// Runs the operator of the same name over a small TIFF, twice, and compares pixels.
fn run(plugin: &Path, name: &str, lane: &str) {
    let folder = tempfile::tempdir().unwrap();
    let write =
        |file: &str, pixels: &[u16]| fs::write(folder.path().join(file), tiff(WIDTH, pixels)).unwrap();
    write("in.tif", &PIXELS);
    for (offset, expected) in [(None, EXPECTED), (Some("offset=4000"), EXPECTED_4000)] {
        write("expected.tif", &expected);
        let mut program = parfocal(folder.path());
        program.arg("--plugins").arg(plugin.join("target/parfocal"));
        program.args(["run", name, "in.tif", "-o", "out.ome.tif", "--lane", lane]);
        if let Some(offset) = offset {
            program.args(["--param", offset]);
        }
        succeed(&mut program);
        succeed(parfocal(folder.path()).args(["image", "compare", "out.ome.tif", "expected.tif"]));
        let same =
            parfocal(folder.path()).args(["image", "compare", "out.ome.tif", "in.tif"]).output().unwrap();
        assert_eq!(same.status.code(), Some(1), "a comparison that sees no difference proves nothing");
        fs::remove_file(folder.path().join("out.ome.tif")).unwrap();
    }
}

#[test]
fn a_rust_plugin_from_the_packed_sdk_runs_in_every_lane_it_was_built_for() {
    let (folder, report) = build("outside-rust", "rust");
    run(&folder, "outside-rust", "native");
    match report["wasm_left_out"].as_str() {
        None => run(&folder, "outside-rust", "wasm"),
        Some(why) => println!("skipped: the WASM half, because {why}"),
    }
    let mut tests = without_network(cargo().get_program().to_str().unwrap(), &folder);
    let said = succeed(tests.args(["test", "--release", "--offline"])).stdout;
    let said = String::from_utf8_lossy(&said);
    assert!(said.contains("2 passed; 0 failed"), "the plugin's own tests: {said}");
    assert_eq!(light::heavy(&folder, &["--offline", "--edges", "normal,build"]), [""; 0]);
}

#[test]
fn a_c_plugin_from_the_packed_sdk_needs_the_header_alone_and_runs_in_a_host_of_forty_lines() {
    let (folder, _) = build("outside-c", "c");
    run(&folder, "outside-c", "native");
    let extent = Extent::plane(2, WIDTH.into());
    let pixels = Buffer::from_slice(&PIXELS, Region::whole(extent)).unwrap();
    let image = MemoryImage::new(ImageSpec::new(extent, DType::U16), pixels).unwrap();
    let result = embed::process(&folder.join("target/parfocal"), "outside-c", image).unwrap();
    assert_eq!(result.pixels().as_slice::<u16>().unwrap(), EXPECTED);
}

#[test]
fn the_example_in_the_archive_is_what_new_writes() {
    let outside = outside();
    let folder = outside.folder.join("subtract-offset");
    let _ = fs::remove_dir_all(&folder);
    let mut new = parfocal(&outside.folder);
    succeed(new.args(["new", "operator", "subtract-offset", "--sdk"]).arg(&outside.sdk));
    let example = outside.sdk.join("examples/subtract-offset-rust");
    let name = outside.sdk.file_name().unwrap().to_str().unwrap();
    for file in [
        "Cargo.toml",
        "plugin.toml",
        "src/lib.rs",
        "tests/behaviour.rs",
        "README.md",
        ".gitignore",
        "LICENSE-MIT",
    ] {
        let read = |folder: &Path| fs::read_to_string(folder.join(file)).unwrap();
        let written = read(&folder).replace(&format!("../{name}/"), "../../");
        assert_eq!(written, read(&example), "{file}");
    }
}
