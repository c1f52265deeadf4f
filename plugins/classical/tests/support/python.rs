//! Other people's implementations, asked through Python.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::images::root;

/// A Python that can import the modules, or why there is none.
pub(crate) fn python(modules: &str) -> Result<PathBuf, String> {
    let named = std::env::var_os("PARFOCAL_JUDGE_PYTHON").map(PathBuf::from).or_else(|| {
        let text = std::fs::read_to_string(root().join(".tools/tools.json")).ok()?;
        let json: serde_json::Value = serde_json::from_str(&text).ok()?;
        json.get("python")?.as_str().map(PathBuf::from)
    });
    let python = named.ok_or("no Python for judges: `cargo xtask test` installs one")?;
    let imports = Command::new(&python).args(["-c", &format!("import {modules}")]).output();
    match imports {
        Ok(output) if output.status.success() => Ok(python),
        _ => Err(format!("{} cannot import {modules}", python.display())),
    }
}

/// Runs a script of `tests/judges`, which needs these modules, with a text as its input; its output is JSON.
pub(crate) fn judge(script: &str, modules: &str, input: &str) -> Result<serde_json::Value, String> {
    let python = python(modules)?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/judges").join(script);
    let mut child = Command::new(python)
        .arg(&script)
        .env("OMP_NUM_THREADS", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| error.to_string())?;
    let mut pipe = child.stdin.take().ok_or("no pipe")?;
    let text = input.to_owned();
    let writer = std::thread::spawn(move || pipe.write_all(text.as_bytes()));
    let output = child.wait_with_output().map_err(|error| error.to_string())?;
    let _ = writer.join();
    assert!(output.status.success(), "{} failed", script.display());
    serde_json::from_slice(&output.stdout).map_err(|error| error.to_string())
}
