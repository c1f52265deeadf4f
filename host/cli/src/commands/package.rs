//! `parfocal package`.

use std::process::ExitCode;

use parfocal_types::Result;

use crate::{args::Package, output::Output, package};

pub(crate) fn command(output: &Output, arguments: &Package) -> Result<ExitCode> {
    let made = package::make(arguments)?;
    output.text(format!("{} is ready in {}", made.label, made.folder.display()));
    for operator in &made.operators {
        output.text(format!("  {operator}"));
    }
    output.document(&made)?;
    Ok(ExitCode::SUCCESS)
}
