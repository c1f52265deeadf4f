//! `parfocal new`.

use std::process::ExitCode;

use parfocal_types::{Error, Result};

use crate::{args::New, output::Output};

pub(crate) fn command(_output: &Output, command: &New) -> Result<ExitCode> {
    let New::Operator { name, .. } = command;
    Err(Error::not_supported(format!("`new operator {name}`")))
}
