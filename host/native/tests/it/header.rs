//! `parfocal.h` is what its source says, and compilers accept it.

use std::{collections::BTreeMap, fmt::Write, process::Command};

use parfocal_abi::codes;

use crate::fixture::{compile, include_folder};

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

/// The names that the header defines as plain numbers.
fn defined() -> BTreeMap<String, String> {
    let header = std::fs::read_to_string(include_folder().join("parfocal.h")).unwrap();
    let number = |value: &str| value.starts_with(|c: char| c.is_ascii_digit());
    header
        .lines()
        .filter_map(|line| line.strip_prefix("#define PF_")?.split_once(' '))
        .filter(|(name, value)| !name.ends_with("_VERSION") && number(value))
        .map(|(name, value)| (format!("PF_{name}"), value.to_owned()))
        .collect()
}

#[test]
fn every_number_has_its_name_in_c_and_no_name_another_number() {
    let mut names = defined();
    assert_eq!(names.remove("PF_SIMPLE_PARAMETERS").as_deref(), Some("16"), "a limit of the helpers");
    let mut source = String::from("#include \"parfocal.h\"\n");
    for constant in codes::groups().into_iter().flat_map(|group| group.constants) {
        let codes::Constant { name, value } = constant;
        writeln!(source, "_Static_assert({name} == {value}, \"{name}\");").unwrap();
        assert!(names.remove(&name).is_some(), "the header lacks {name}");
    }
    assert_eq!(names, BTreeMap::new(), "names that no enum has");
    let folder = tempfile::tempdir().unwrap();
    compile(folder.path(), "constants", &source, &["-Wno-unused-function"]);
}
