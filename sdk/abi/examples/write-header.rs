//! Writes `parfocal.h`: the boundary structs in C, constants, layout assertions, and the helpers.
//!
//! `cargo run --release -p parfocal-abi --example write-header [-- --check]`

use std::{fmt::Write as _, path::Path, process::ExitCode};

use parfocal_abi::{codes, entry, layout::TypeLayout, operator_1};

fn main() -> ExitCode {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = folder.join("include/parfocal.h");
    let header = match header(folder) {
        Ok(header) => header,
        Err(error) => {
            eprintln!("the header cannot be generated: {error}");
            return ExitCode::FAILURE;
        }
    };
    if std::env::args().any(|argument| argument == "--check") {
        if std::fs::read_to_string(&path).is_ok_and(|present| present == header) {
            return ExitCode::SUCCESS;
        }
        eprintln!(
            "{} is not what its source says; run `cargo run --release -p parfocal-abi --example write-header`",
            path.display()
        );
        return ExitCode::FAILURE;
    }
    match std::fs::write(&path, header) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{} cannot be written: {error}", path.display());
            ExitCode::FAILURE
        }
    }
}

fn layouts() -> impl Iterator<Item = &'static TypeLayout> {
    entry::LAYOUTS.iter().chain(operator_1::LAYOUTS)
}

fn header(folder: &Path) -> Result<String, Box<dyn std::error::Error>> {
    let mut config = cbindgen::Config {
        language: cbindgen::Language::C,
        cpp_compat: true,
        documentation: true,
        documentation_style: cbindgen::DocumentationStyle::C99,
        style: cbindgen::Style::Both,
        no_includes: true,
        line_length: 110,
        usize_is_size_t: true,
        ..cbindgen::Config::default()
    };
    for layout in layouts() {
        config.export.include.push(layout.name.to_owned());
        config.export.rename.insert(layout.name.to_owned(), c_name(layout.name));
    }
    config.export.exclude = ["EntryFunction", "ENTRY_VERSION", "ENTRY_SYMBOL"].map(str::to_owned).to_vec();
    let mut structs = Vec::new();
    cbindgen::Builder::new()
        .with_config(config)
        .with_src(folder.join("src/operator_1.rs"))
        .with_src(folder.join("src/entry.rs"))
        .generate()?
        .write(&mut structs);
    let helpers = std::fs::read_to_string(folder.join("include/helpers.h.in"))?;
    Ok(format!(
        "{FIRST}{}\n{}\n{}\n{helpers}\n#endif /* PARFOCAL_H */\n",
        constants()?,
        String::from_utf8(structs)?.trim(),
        assertions()?,
    ))
}

const FIRST: &str = "\
/* parfocal.h: the native interface of Parfocal for plugins in C and C++.
 *
 * Generated from the Rust sources of `parfocal-abi`; do not edit. SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * A plugin is a shared library that exports one symbol:
 *
 *     const pf_entry *parfocal_entry(uint32_t host_min, uint32_t host_max);
 *
 * The macros at the end write it. Build with `cc -shared -fPIC -fvisibility=hidden -o libmine.so mine.c`, or with
 * `c++ -std=c++20` and the same flags.
 *
 * Rules: nothing is allocated on one side and freed on the other; what has no known size is handed to a function of
 * pf_host, which copies it; texts are UTF-8 with a length; functions return PF_OK or an error code after set_error;
 * nothing unwinds across the border. A field that is `Zero.` is written as 0 and not read. In what is named `a::b`, `a`
 * is a struct of this file (`Host` is pf_host) and `b` a field of it. The rules of order, threads and lifetimes stand at
 * pf_operator_table and pf_host.
 */
#ifndef PARFOCAL_H
#define PARFOCAL_H

#include <stddef.h>
#include <stdint.h>
";

/// `InputTile` becomes `pf_input_tile`.
fn c_name(name: &str) -> String {
    let mut out = String::from("pf");
    for letter in name.chars() {
        if letter.is_ascii_uppercase() {
            out.push('_');
        }
        out.push(letter.to_ascii_lowercase());
    }
    out
}

fn constants() -> Result<String, std::fmt::Error> {
    let mut out = String::new();
    let version = parfocal_operator::VERSION;
    writeln!(out, "\n/* Versions. */")?;
    writeln!(out, "#define PF_ENTRY_VERSION {}u", entry::ENTRY_VERSION)?;
    writeln!(out, "#define PF_OPERATOR_VERSION 0x{:08X}u", version.to_wire())?;
    writeln!(out, "#define PF_OPERATOR_VERSION_TEXT \"{version}\"")?;
    for (index, group) in codes::groups().iter().enumerate() {
        // Status codes, the first group, are returned as `int32_t`.
        let suffix = if index == 0 { "" } else { "u" };
        writeln!(out, "\n/* {} */", group.title)?;
        for constant in &group.constants {
            writeln!(out, "#define {} {}{suffix}", constant.name, constant.value)?;
        }
    }
    Ok(out)
}

/// Sizes and offsets as this build has them: a compiler that lays structs out otherwise stops here.
fn assertions() -> Result<String, std::fmt::Error> {
    let mut out = String::from(
        "\n/* The layout of the interface: a compiler that lays structs out otherwise stops here. */\n\
         #if UINTPTR_MAX == 0xFFFFFFFFFFFFFFFFu\n\
         #ifdef __cplusplus\n#define PF_ASSERT_(condition, text) static_assert(condition, text)\n\
         #else\n#define PF_ASSERT_(condition, text) _Static_assert(condition, text)\n#endif\n",
    );
    for layout in layouts() {
        let name = c_name(layout.name);
        writeln!(out, "PF_ASSERT_(sizeof({name}) == {}, \"size of {name}\");", layout.size)?;
        for field in layout.fields {
            writeln!(
                out,
                "PF_ASSERT_(offsetof({name}, {0}) == {1}, \"{name}.{0}\");",
                field.name, field.offset
            )?;
        }
    }
    out.push_str("#endif\n");
    Ok(out)
}
