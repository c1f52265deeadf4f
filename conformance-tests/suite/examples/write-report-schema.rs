//! Writes the JSON Schema of `conformance-report/1` into `manifests/schemas`; with `--check` only tells whether they are current.

use std::{path::Path, process::ExitCode};

fn main() -> ExitCode {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(parfocal_conformance::SCHEMA_FILE);
    let text = parfocal_conformance::schema_text();
    let outcome = match std::env::args().nth(1).as_deref() {
        Some("--check") => match std::fs::read_to_string(&file) {
            Ok(found) if found == text => Ok("is current"),
            Ok(_) => {
                Err("differs from the types; run the example without --check and commit the file".to_owned())
            }
            Err(error) => Err(error.to_string()),
        },
        None => std::fs::write(&file, text).map(|()| "written").map_err(|error| error.to_string()),
        Some(other) => Err(format!("there is no option {other}; the only one is --check")),
    };
    match outcome {
        Ok(done) => {
            println!("{}: {done}", parfocal_conformance::SCHEMA_FILE);
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{}: {error}", parfocal_conformance::SCHEMA_FILE);
            ExitCode::FAILURE
        }
    }
}
