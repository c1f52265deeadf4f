//! Tells the crate for which system it is built, so that it can tell which native plugins are for this one.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let target = std::env::var("TARGET").unwrap_or_default();
    println!("cargo::rustc-env=PARFOCAL_TARGET={target}");
}
