//! A plugin in Python, from nothing to its pixels.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::tool::{json, parfocal, root, succeed, tiff};

const PIXELS: [u16; 6] = [0, 99, 100, 101, 4095, 65535];

/// The Python with numpy that the tests may use; a test without one says so and returns.
pub(crate) fn python() -> Option<PathBuf> {
    let named = env::var_os("PARFOCAL_PYTHON").map(PathBuf::from);
    let tools = || {
        let text = fs::read_to_string(root().join(".tools/tools.json")).ok()?;
        let tools: serde_json::Value = serde_json::from_str(&text).ok()?;
        tools["python"].as_str().map(PathBuf::from)
    };
    let found = named.or_else(tools).filter(|path| path.exists());
    if found.is_none() {
        println!(
            "skipped: there is no Python with numpy; `cargo xtask tools` installs one, or name it in PARFOCAL_PYTHON"
        );
    }
    found
}

/// The program, with that Python.
fn with(python: &Path, folder: &Path) -> Command {
    let mut command = parfocal(folder);
    command.env("PARFOCAL_PYTHON", python);
    command
}

fn new(folder: &Path) -> PathBuf {
    let mut command = parfocal(folder);
    succeed(
        command.args(["new", "operator", "flat-field", "--lang", "python", "--sdk"]).arg(root().join("sdk")),
    );
    folder.join("flat-field")
}

fn change(plugin: &Path, from: &str, to: &str) {
    let path = plugin.join("plugin.py");
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{text}");
    fs::write(path, text.replace(from, to)).unwrap();
}

#[test]
fn a_plugin_is_written_whole_with_the_package_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let plugin = new(folder.path());
    for file in ["plugin.py", "plugin.toml", "README.md", "tests/test_plugin.py", "parfocal/__init__.py"] {
        let text = fs::read_to_string(plugin.join(file)).unwrap();
        assert!(!text.contains("{{"), "{file}: a placeholder is left\n{text}");
    }
    let source = fs::read_to_string(plugin.join("plugin.py")).unwrap();
    assert!(source.ends_with("serve(\"org.example.flat-field\", \"0.1.0\", [FlatField])\n"), "{source}");
}

#[test]
fn its_own_test_passes_as_the_readme_says() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    succeed(Command::new(python).current_dir(new(folder.path())).args(["-B", "-m", "unittest"]));
}

#[test]
fn it_is_built_packaged_and_run_in_a_process_of_its_own() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let plugin = new(folder.path());
    let (code, document) = json(with(&python, &plugin).arg("build"));
    assert_eq!((code, document["label"].as_str()), (0, Some("org.example.flat-field 0.1.0")), "{document}");
    let packages = plugin.join("target/parfocal");
    let manifest = fs::read_to_string(packages.join("org.example.flat-field-0.1.0/plugin.toml")).unwrap();
    assert!(
        manifest.contains("lane = \"program\"\ninterpreter = \"python3\"\npath = \"program/flat_field.pyz\"")
    );
    assert!(manifest.contains("name = \"offset\""), "{manifest}");
    fs::write(folder.path().join("in.tif"), tiff(3, &PIXELS)).unwrap();
    let mut run = with(&python, folder.path());
    run.args(["--plugins"]).arg(&packages).args(["run", "flat-field", "in.tif", "-o", "out.ome.tif"]);
    succeed(&mut run);
    fs::write(folder.path().join("expected.tif"), tiff(3, &[0, 0, 0, 1, 3995, 65435])).unwrap();
    succeed(parfocal(folder.path()).args(["image", "compare", "out.ome.tif", "expected.tif"]));
}

#[test]
fn what_goes_wrong_in_it_is_told_with_its_line() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let plugin = new(folder.path());
    change(&plugin, "np.maximum(source", "np.maximun(source");
    succeed(with(&python, &plugin).arg("build"));
    fs::write(folder.path().join("in.tif"), tiff(3, &PIXELS)).unwrap();
    let mut run = with(&python, folder.path());
    run.arg("--plugins").arg(plugin.join("target/parfocal"));
    let (code, document) = json(run.args(["run", "flat-field", "in.tif", "-o", "out.ome.tif"]));
    let message = document["images"][0]["error"]["message"].as_str().unwrap_or_default();
    assert_ne!(code, 0);
    assert!(
        message.contains("has no attribute 'maximun'") && message.contains("plugin.py, line "),
        "{document}"
    );
}

#[test]
fn a_source_that_is_another_plugin_or_none_makes_no_package() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let plugin = new(folder.path());
    for (from, to, words) in [
        ("serve(\"org.example.flat-field\"", "serve(\"org.example.other\"", "org.example.other"),
        ("serve(\"org.example.other\"", "print(\"org.example.other\"", "does not say what it has"),
    ] {
        change(&plugin, from, to);
        let (code, document) = json(with(&python, &plugin).arg("build"));
        assert_ne!(code, 0, "{document}");
        assert!(document["error"].to_string().contains(words), "{document}");
    }
    assert!(!plugin.join("target/parfocal/org.example.flat-field-0.1.0").exists());
}

#[test]
fn without_a_python_that_will_do_it_is_told_what_to_install() {
    let folder = tempfile::tempdir().unwrap();
    let plugin = new(folder.path());
    let (code, document) = json(with(Path::new("/there/is/none"), &plugin).arg("build"));
    assert_ne!(code, 0);
    assert_eq!(document["error"]["kind"].as_str(), Some("missing-runtime"), "{document}");
    assert!(document["error"]["remedy"].as_str().unwrap().contains("python3-numpy"), "{document}");
}
