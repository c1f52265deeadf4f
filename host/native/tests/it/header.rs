//! `parfocal.h` is what its source says, and compilers accept it.

use std::process::Command;

use crate::fixture::include_folder;

fn accepts(compiler: &str, arguments: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let extension = if compiler == "c++" { "cpp" } else { "c" };
    let source = folder.path().join(format!("include.{extension}"));
    std::fs::write(&source, "#include \"parfocal.h\"\nint main(void) { return PF_OK; }\n").unwrap();
    let result = Command::new(compiler)
        .args(arguments)
        .args([
            "-Wall",
            "-Wextra",
            "-Wno-unused-function",
            "-Wno-unused-variable",
            "-Werror",
            "-fsyntax-only",
            "-I",
        ])
        .arg(include_folder())
        .arg(&source)
        .output();
    match result {
        Ok(result) => assert!(result.status.success(), "{}", String::from_utf8_lossy(&result.stderr)),
        Err(error) => println!("skipped: {compiler} is not there ({error})"),
    }
}

#[test]
fn c_compilers_accept_the_header_and_its_layout_assertions() {
    accepts("cc", &["-std=c99", "-D_Static_assert(a,b)="]);
    accepts("cc", &["-std=c11", "-Wpedantic"]);
    accepts("c++", &["-std=c++20"]);
}

#[test]
fn a_struct_that_was_changed_does_not_compile() {
    let folder = tempfile::tempdir().unwrap();
    let header = std::fs::read_to_string(include_folder().join("parfocal.h")).unwrap();
    let changed =
        header.replacen("  uint64_t extent[5];\n} pf_region;", "  uint64_t extent[4];\n} pf_region;", 1);
    assert_ne!(header, changed, "the struct was found");
    std::fs::write(folder.path().join("parfocal.h"), changed).unwrap();
    let source = folder.path().join("include.c");
    std::fs::write(&source, "#include \"parfocal.h\"\n").unwrap();
    let result = Command::new("cc").args(["-std=c11", "-fsyntax-only"]).arg(&source).output().unwrap();
    assert!(!result.status.success());
    assert!(String::from_utf8_lossy(&result.stderr).contains("size of pf_region"));
}
