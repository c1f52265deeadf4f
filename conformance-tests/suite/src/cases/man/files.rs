//! The files of code: MAN-04, MAN-05, MAN-06.

use parfocal_catalog::{Candidate, RejectionCode, Status};

use super::{MAN, list, table};
use crate::{
    case::{Case, Run},
    finding::{Check, Finding},
    scene::Scene,
    subject::Subject,
};

pub(super) const CASES: &[Case] = &[
    Case {
        id: "MAN-04",
        sentence: "Every file that the manifest names is in the package, and has the digest that it names.",
        demands: "Each `artifact.path` is a relative path without `..`; what it leads to, links followed, is an ordinary file \
                  below the manifest's folder; its SHA-256 is `artifact.sha256`.",
        why: "What was checked has to be what runs: a path that leads out of the package, or another file, is somebody \
              else's code.",
        fix: "Run `parfocal package` (or `parfocal build`) again after the last change of the code; put files into the \
              package, not links.",
        run: Run::Written(man_04),
        ..MAN
    },
    Case {
        id: "MAN-05",
        sentence: "The bytes of each file are of the format, machine and plugin that the manifest says.",
        demands: "A native artifact is an ELF shared library for the processor of its target that exports `parfocal_entry`; a \
                  WASM one is a component that exports `parfocal:operator`; the note inside names this id, this version and \
                  exactly these interfaces. All is read from bytes.",
        why: "A file that will not load should be found while installing, not in the middle of an experiment.",
        fix: "Build with the SDK for the target that the manifest names, keep the section `.parfocal`, and package again.",
        run: Run::Written(man_05),
        ..MAN
    },
    Case {
        id: "MAN-06",
        sentence: "Each file offers interface versions, and at least one file offers one that this host speaks.",
        demands: "`artifact.interfaces` is a non-empty list of `name/version` without repetition; one of them is the host's.",
        why: "A plugin that no version of the host can talk to is found by reading, not by calling.",
        fix: "Build with the SDK of the interface version that your users' hosts speak (`parfocal doctor` tells).",
        run: Run::Written(man_06),
        ..MAN
    },
];

/// What the manifest's `[[artifact]]` tables say under a key, with their number.
fn words<'a>(table: &'a toml::Table, key: &str) -> Vec<(usize, Option<&'a str>)> {
    let artifacts = list(table, "artifact");
    artifacts
        .iter()
        .enumerate()
        .map(|(index, artifact)| (index + 1, artifact.get(key).and_then(toml::Value::as_str)))
        .collect()
}

/// Needs at least one artifact.
fn named(found: usize) -> Result<(), Finding> {
    if found == 0 {
        return Err(
            Finding::fail("the manifest names no code").with("fix", "`parfocal build` writes `[[artifact]]`")
        );
    }
    Ok(())
}

fn man_04(scene: &mut Scene<'_>) -> Check {
    let manifest = table(scene)?;
    let paths = words(manifest, "path");
    named(paths.len())?;
    let root = scene.subject().folder().canonicalize();
    let root =
        root.map_err(|error| Finding::suite_error(format!("the package's folder cannot be read: {error}")))?;
    let digests = words(manifest, "sha256");
    for ((number, path), (_, digest)) in paths.iter().zip(&digests) {
        let path = path.ok_or_else(|| Finding::fail(format!("artifact {number} has no path")))?;
        if path.starts_with('/')
            || path.contains('\\')
            || path.split('/').any(|part| matches!(part, "" | "." | ".."))
        {
            return Err(Finding::fail(format!("the path `{path}` does not stay in the package")));
        }
        let real = root.join(path).canonicalize();
        let real = real.map_err(|error| Finding::fail(format!("{path} cannot be read: {error}")))?;
        if !real.starts_with(&root) {
            return Err(
                Finding::fail(format!("{path} leads out of the package")).noting(real.display().to_string())
            );
        }
        if !real.is_file() {
            return Err(Finding::fail(format!("{path} is no ordinary file")));
        }
        let bytes =
            std::fs::read(&real).map_err(|error| Finding::fail(format!("{path} cannot be read: {error}")))?;
        let found = parfocal_core::Sha256::of(&bytes).to_string();
        if digest.is_none_or(|digest| !digest.eq_ignore_ascii_case(&found)) {
            return Err(Finding::fail(format!("{path} is not the file that the manifest names"))
                .with("expected", digest.unwrap_or("no digest"))
                .with("found", found));
        }
    }
    Ok(Finding::pass(format!("{} files are there and have their digests", paths.len())))
}

/// What the catalog says about each file; its rules are the host's own.
fn candidates(subject: &Subject) -> Result<&[Candidate], Finding> {
    let package = subject.package().ok_or_else(|| Finding::skip("there is no manifest: see MAN-01"))?;
    if let Err(rejection) = &package.manifest {
        return Err(
            Finding::skip("the manifest cannot be read: see MAN-01").with("message", &rejection.message)
        );
    }
    named(package.candidates.len())?;
    Ok(&package.candidates)
}

fn man_05(scene: &mut Scene<'_>) -> Check {
    use RejectionCode as Code;
    let candidates = candidates(scene.subject())?;
    let mut judged = 0;
    for candidate in candidates {
        let Status::Rejected(rejection) = &candidate.status else {
            judged += 1;
            continue;
        };
        match rejection.code {
            Code::WrongFormat
            | Code::Damaged
            | Code::EntryMissing
            | Code::NoteMissing
            | Code::NoteDamaged
            | Code::NoteDisagrees
            | Code::LayoutDiffers => {
                return Err(Finding::fail("the bytes say something else than the manifest")
                    .with("message", &rejection.message));
            }
            // The target in the manifest is another system's: its bytes are looked at there; the machine itself is read
            // wherever the target is this one.
            Code::WrongTarget
                if candidate.entry.target.as_ref().is_some_and(|target| is_own(target.as_str())) =>
            {
                return Err(Finding::fail("the bytes are of another machine than the manifest says")
                    .with("message", &rejection.message));
            }
            _ => {}
        }
    }
    if judged == 0 {
        return Ok(Finding::pass(
            "nothing in the bytes speaks against the manifest; no file is for this host",
        ));
    }
    Ok(Finding::pass(format!("{judged} files are what the manifest says")))
}

fn is_own(target: &str) -> bool {
    parfocal_catalog::HostSupport::this_computer().target == target
}

fn man_06(scene: &mut Scene<'_>) -> Check {
    let artifacts = list(table(scene)?, "artifact");
    named(artifacts.len())?;
    let host = parfocal_catalog::HostSupport::this_computer();
    let mut fits = false;
    for (index, artifact) in artifacts.iter().enumerate() {
        let number = index + 1;
        let offered = artifact.get("interfaces").and_then(toml::Value::as_array);
        let offered = offered.filter(|offered| !offered.is_empty());
        let offered =
            offered.ok_or_else(|| Finding::fail(format!("artifact {number} offers no interface")))?;
        let mut seen = Vec::new();
        for interface in offered {
            let text = interface.as_str().unwrap_or_default();
            let parsed = text.parse::<parfocal_manifest::InterfaceRef>();
            let parsed =
                parsed.map_err(|why| Finding::fail(format!("artifact {number}: {}", why.message())))?;
            if seen.contains(&parsed) {
                return Err(Finding::fail(format!("artifact {number} offers `{text}` twice")));
            }
            fits |= host.interfaces.get(&parsed.name).is_some_and(|spoken| spoken.contains(&parsed.version));
            seen.push(parsed);
        }
    }
    if fits {
        return Ok(Finding::pass("a file offers an interface version that this host speaks"));
    }
    let spoken: Vec<_> = host
        .interfaces
        .iter()
        .flat_map(|(name, versions)| versions.iter().map(move |version| format!("{name}/{version}")))
        .collect();
    Err(Finding::fail("no file offers an interface version that this host speaks")
        .with("host", spoken.join(", ")))
}
