//! Tells what files are, read from their bytes alone: `cargo run -p parfocal-catalog --example inspect -- <file>...`

use std::{path::Path, process::ExitCode};

fn main() -> ExitCode {
    let mut code = ExitCode::SUCCESS;
    for file in std::env::args().skip(1) {
        match parfocal_catalog::inspect(Path::new(&file)) {
            Ok(inspection) => println!("{inspection:#?}"),
            Err(error) => {
                eprintln!("{error}\n  {}", error.remedy().unwrap_or_default());
                code = ExitCode::FAILURE;
            }
        }
    }
    code
}
