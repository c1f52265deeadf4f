//! The suite tried on itself: every saboteur against every case.

use std::process::Command;

#[test]
fn goldens_pass_and_each_case_notices_its_saboteur() {
    let program = env!("CARGO_BIN_EXE_parfocal-selftest");
    let output = Command::new(program).args(["--width", "all"]).output().unwrap();
    let (said, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    println!("{said}");
    assert!(output.status.success(), "{said}{errors}");
}
