//! Debian's compiler for the web, unpacked and not installed.
//!
//! Debian keeps a current Rust for building browsers, with the sources of its standard library. Where rustup cannot
//! reach its servers this compiles for WASM: `-Zbuild-std` builds the standard library for the target from those
//! sources. The packages conflict with rustup's when installed, so they are only fetched and unpacked into
//! `.tools/debian-rust`. All of them must be of one version: the library's sources build with their own compiler only.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};

use super::{digest, pin, wasm};
use crate::process;

struct Package {
    name: &'static str,
    version: &'static str,
    sha256: &'static str,
}

const RUST: &str = "1.96.0+dfsg1-1~deb12u2";

const PINNED: &[Package] = &[
    Package {
        name: "rustc-web",
        version: RUST,
        sha256: "8fefe1d6377fe4082f5a9d2a47e095e2d20319eaab9754bd2f0275155c9adf90",
    },
    Package {
        name: "libstd-rust-web-1.96",
        version: RUST,
        sha256: "3755f30434ae29574c91b0beb86632bee401607b0ac35c3e52810f9a53fae0d1",
    },
    Package {
        name: "libstd-rust-web-dev",
        version: RUST,
        sha256: "e38dbeaaad673fc63fb47c5140cf34da271ac71c3ecafc828b762c2fb01fe77a",
    },
    Package {
        name: "rust-web-src",
        version: RUST,
        sha256: "9de8597c464d0a9283672973ed7e50092b49a92b95861429043fe8b57468a208",
    },
    Package {
        name: "libllvm22",
        version: "1:22.1.8-1~deb12u1",
        sha256: "729ec3e943d320515c2bbdc96acfffd7ce34861e62bd5c42726bf586d644dfe2",
    },
];

/// The oldest compiler the workspace's crates build with (`rust-version` in the root manifest).
const OLDEST: semver::Version = semver::Version::new(1, 95, 0);

/// 137 MB from a mirror.
const LIMIT: Duration = Duration::from_secs(10 * 60);

/// The unpacked `usr` folder, when a whole installation of the current pin is there.
///
/// The marker's first line is the pin; a second line names what the archive had instead, if it was another version.
pub(super) fn installed(root: &Path) -> Option<PathBuf> {
    let folder = folder(root);
    let marker = pin::read(&folder)?;
    (marker.lines().next() == Some(pin_line().as_str())).then(|| folder.join("usr"))
}

/// Where the compiler's shared libraries lie below the unpacked `usr`.
pub(super) fn libraries(usr: &Path) -> PathBuf {
    usr.join("lib").join("x86_64-linux-gnu")
}

/// Fetches and unpacks the compiler; returns its `usr` folder.
///
/// # Errors
/// When this is not Debian on x86-64, the archive cannot be reached, a file differs from its pin, or the compiler does
/// not run or is too old.
pub(super) fn install(root: &Path) -> Result<PathBuf> {
    if std::env::consts::ARCH != "x86_64" {
        bail!("the packages are pinned for x86_64 only");
    }
    if let Some(missing) = ["apt-get", "apt-cache", "dpkg-deb"].iter().find(|name| !process::in_path(name)) {
        bail!("this is not a Debian system: there is no {missing} in PATH");
    }
    eprintln!("tools: wasm: fetching Debian's compiler for the web ({RUST}, 137 MB) into .tools/debian-rust");
    let folder = folder(root);
    let log = super::folder(root).join("log").join("debian.txt");
    pin::install(&folder, |folder| {
        let archives = folder.join("archives");
        fs::create_dir(&archives).context("could not make the folder for the Debian packages")?;
        let offered = fetch(&archives, &log)?;
        for archive in debs(&archives)? {
            process::run_logged(Command::new("dpkg-deb").arg("-x").arg(&archive).arg(folder), &log, LIMIT)?;
        }
        fs::remove_dir_all(&archives).context("could not remove the fetched Debian packages")?;
        check_compiler(&folder.join("usr"))?;
        Ok(format!("{}\n{offered}", pin_line()))
    })?;
    Ok(folder.join("usr"))
}

fn folder(root: &Path) -> PathBuf {
    super::folder(root).join("debian-rust")
}

fn pin_line() -> String {
    let words: Vec<String> =
        PINNED.iter().map(|p| format!("{}={} {}", p.name, p.version, p.sha256)).collect();
    words.join(", ")
}

/// Fetches the pinned packages, or, where the archive has moved on, what it offers now; returns a sentence about it.
fn fetch(archives: &Path, log: &Path) -> Result<String> {
    refresh_lists(log)?;
    let pinned: Vec<String> = PINNED.iter().map(|p| format!("{}={}", p.name, p.version)).collect();
    let Err(why) = download(archives, log, &pinned) else {
        verify(archives)?;
        return Ok(format!("rustc-web {RUST}, as pinned"));
    };
    let Some(candidate) = candidate("rustc-web")?.filter(|version| version != RUST) else {
        return Err(why.context("the pinned Debian packages could not be fetched"));
    };
    let sentence =
        format!("pinned rustc-web {RUST}, archive offers {candidate}; apt verified it by its signed index");
    for stale in debs(archives)? {
        fs::remove_file(&stale).with_context(|| format!("could not remove {}", stale.display()))?;
    }
    download(archives, log, &offered_packages()?)?;
    eprintln!("tools: wasm: {sentence}");
    Ok(sentence)
}

/// Runs `apt-get update` where apt knows no such package at all, which is how fresh containers start.
fn refresh_lists(log: &Path) -> Result<()> {
    if candidate("rustc-web")?.is_some() {
        return Ok(());
    }
    if process::output(Command::new("id").arg("-u"))?.trim() != "0" {
        bail!("apt knows no package rustc-web; run `apt-get update` as root, then this again");
    }
    eprintln!("tools: wasm: apt has no package lists; running `apt-get update`");
    process::run_logged(Command::new("apt-get").arg("update"), log, LIMIT)?;
    candidate("rustc-web")?.map(|_| ()).ok_or_else(|| anyhow!("this archive has no package rustc-web"))
}

/// The version apt would take, if it knows the package.
fn candidate(package: &str) -> Result<Option<String>> {
    let policy = process::output(Command::new("apt-cache").env("LC_ALL", "C").args(["policy", package]))?;
    Ok(parse_candidate(&policy))
}

fn parse_candidate(policy: &str) -> Option<String> {
    policy
        .lines()
        .find_map(|line| line.trim().strip_prefix("Candidate: "))
        .filter(|version| *version != "(none)")
        .map(str::to_owned)
}

/// The names of the same five packages in the archive's own version: two of them carry a version in the name.
fn offered_packages() -> Result<Vec<String>> {
    let library = dependency("libstd-rust-web-dev", "libstd-rust-web-")?;
    let llvm = dependency(&library, "libllvm")?;
    let fixed = ["rustc-web", "libstd-rust-web-dev", "rust-web-src"].map(str::to_owned);
    Ok(fixed.into_iter().chain([library, llvm]).collect())
}

fn dependency(package: &str, prefix: &str) -> Result<String> {
    let depends = process::output(Command::new("apt-cache").env("LC_ALL", "C").args(["depends", package]))?;
    parse_dependency(&depends, prefix).ok_or_else(|| {
        anyhow!("the archive's {package} depends on no {prefix}*; the route has to be looked at")
    })
}

fn parse_dependency(depends: &str, prefix: &str) -> Option<String> {
    depends
        .lines()
        .filter_map(|line| line.trim().strip_prefix("Depends: "))
        .find(|name| name.starts_with(prefix))
        .map(str::to_owned)
}

/// `apt-get download`, which checks each file against the index that the archive signed.
fn download(archives: &Path, log: &Path, packages: &[String]) -> Result<()> {
    let mut command = Command::new("apt-get");
    command
        .current_dir(archives)
        .args(["download", "-o", "APT::Get::AllowUnauthenticated=false"])
        .args(packages);
    process::run_logged(&mut command, log, LIMIT)
}

fn verify(archives: &Path) -> Result<()> {
    let found = debs(archives)?;
    for package in PINNED {
        let prefix = format!("{}_", package.name);
        let file = found
            .iter()
            .find(|file| file.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&prefix)))
            .ok_or_else(|| anyhow!("apt-get fetched no {}", package.name))?;
        digest::verify(file, package.sha256)?;
    }
    Ok(())
}

fn debs(archives: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(archives).with_context(|| format!("could not list {}", archives.display()))?;
    let mut debs = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<Vec<PathBuf>>>()
        .with_context(|| format!("could not list {}", archives.display()))?;
    debs.retain(|path| path.extension().is_some_and(|extension| extension == "deb"));
    debs.sort();
    Ok(debs)
}

fn check_compiler(usr: &Path) -> Result<()> {
    let mut rustc = Command::new(usr.join("bin").join("rustc"));
    rustc.arg("--version").env("LD_LIBRARY_PATH", wasm::prepended(&libraries(usr)));
    let said = process::output(&mut rustc).context(
        "the unpacked compiler does not run; when it misses a library, install that one (on Debian 12: \
         `apt-get install libedit2 libz3-4 libxml2`)",
    )?;
    let version = said
        .split_whitespace()
        .nth(1)
        .and_then(|word| semver::Version::parse(word).ok())
        .ok_or_else(|| anyhow!("the unpacked compiler says {said:?} instead of its version"))?;
    if version < OLDEST {
        bail!("the archive's compiler is {version}, and this workspace needs {OLDEST} or newer");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn apts_answers_are_understood() {
        let policy =
            "rustc-web:\n  Installed: (none)\n  Candidate: 1.96.0+dfsg1-1~deb12u2\n  Version table:\n";
        assert_eq!(parse_candidate(policy).as_deref(), Some(RUST));
        assert_eq!(parse_candidate("rustc-web:\n  Candidate: (none)\n"), None);
        assert_eq!(parse_candidate(""), None);
        let depends = "libstd-rust-web-1.96\n  Depends: libc6\n  Depends: libllvm22\n  Conflicts: <rustup>\n";
        assert_eq!(parse_dependency(depends, "libllvm").as_deref(), Some("libllvm22"));
        assert_eq!(parse_dependency(depends, "rustup"), None);
    }
}
