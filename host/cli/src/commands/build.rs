//! `parfocal build`.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use parfocal_manifest::FILE_NAME;
use parfocal_types::{Error, Result};
use serde::Serialize;

use crate::{
    args::{Build, Package},
    compile::{self, Compiled},
    output::Output,
    package::{self, Made},
};

/// A plugin that was built and packaged.
#[derive(Debug, Serialize)]
struct Built {
    #[serde(flatten)]
    made: Made,
    #[serde(flatten)]
    compiled: Compiled,
    next: String,
}

pub(crate) fn command(output: &Output, arguments: &Build) -> Result<ExitCode> {
    let folder = &arguments.folder;
    if !folder.join(FILE_NAME).is_file() {
        return Err(Error::not_found(format!("there is no {FILE_NAME} in {}", folder.display()))
            .with_remedy("name the folder of a plugin; `parfocal new operator <name>` writes one"));
    }
    let compiled = compile::plugin(arguments, output.quiet || output.json)?;
    let place = arguments.output.clone().unwrap_or_else(|| folder.join("target").join("parfocal"));
    let made = package::make(&Package {
        folder: folder.clone(),
        native: compiled.native.clone(),
        wasm: compiled.wasm.clone(),
        program: compiled.program.clone(),
        output: place.clone(),
    })?;
    let built = Built { next: next(&made, &place), made, compiled };
    show(output, &built);
    output.document(&built)?;
    Ok(ExitCode::SUCCESS)
}

fn show(output: &Output, built: &Built) {
    output.text(format!("{} is ready in {}", built.made.label, built.made.folder.display()));
    let Compiled { native, wasm, program, .. } = &built.compiled;
    for (name, file) in [("native", native), ("wasm", wasm), ("program", program)] {
        if let Some(file) = file {
            output.text(format!("  {name:8} {}", file.display()));
        }
    }
    if let Some(why) = &built.compiled.wasm_left_out {
        output.text(format!("  wasm     left out: {why}"));
    }
    for operator in &built.made.operators {
        output.text(format!("  {operator}"));
    }
    output.text(format!("Next:\n  {}", built.next));
    output.text(format!("To give it away:\n  parfocal plugins pack {}", built.made.folder.display()));
}

/// The command that runs the first operator.
fn next(made: &Made, place: &Path) -> String {
    let first = made.operators.first().and_then(|text| text.split(':').next()).unwrap_or("<operator>");
    let place: PathBuf = place.components().collect();
    format!("parfocal --plugins {} run {first} in.tif -o out.ome.tif", place.display())
}
