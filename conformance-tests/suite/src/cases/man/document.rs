//! The manifest as a document: MAN-01, MAN-02, MAN-03, MAN-09.

use parfocal_manifest::{License, PluginId};

use super::{MAN, table, text};
use crate::{
    case::{Case, Run},
    finding::{Check, Finding},
    scene::Scene,
};

/// First labels that belong to nobody's domain.
const RESERVED: &[&str] = &["parfocal", "local", "localhost", "invalid", "test"];

pub(super) const CASES: &[Case] = &[
    Case {
        id: "MAN-01",
        sentence: "The manifest is TOML of a supported version, with known keys only.",
        demands: "`plugin.toml` is read by the host's own reader: TOML, `manifest-version` 1, every key known or starting \
                  with `x-`, every value of its type.",
        why: "A key that is passed over silently is a typo that becomes a default, and an experiment that runs otherwise \
              than its author wrote.",
        fix: "Correct the place that the reader names; `plugin.schema.json` in the SDK lets an editor do so while writing.",
        run: Run::Written(man_01),
        ..MAN
    },
    Case {
        id: "MAN-02",
        sentence: "The plugin's id is reverse DNS in lower case, and not one that is reserved.",
        demands: "`plugin.id` is at least two labels of lower-case letters, digits and hyphens, joined by dots; the first \
                  label is none of `parfocal`, `local`, `localhost`, `invalid` and `test`, which belong to nobody's domain.",
        why: "The id is what users pin, what keys are bound to, and what records of old experiments name.",
        fix: "Use a domain of yours, reversed, and the plugin's name: `org.example.subtract-offset`.",
        run: Run::Written(man_02),
        ..MAN
    },
    Case {
        id: "MAN-03",
        sentence: "The version is a full semver, and the package's folder or file agrees with it.",
        demands: "`plugin.version` is major.minor.patch with optional pre-release and build; a folder called \
                  `<id>-<version>` names this id and this version.",
        why: "The newest version is chosen by its order, and a run is repeated with the version that it names.",
        fix: "Write a version such as 1.4.0 or 2.0.0-beta.1, and let `parfocal package` make the folder.",
        run: Run::Written(man_03),
        ..MAN
    },
    Case {
        id: "MAN-09",
        sentence: "The licence is a valid SPDX expression, and its text lies in the package.",
        demands: "`plugin.license` is an SPDX expression; a file whose name starts with LICENSE, LICENCE or COPYING lies beside \
                  the manifest.",
        why: "Whoever installs a plugin in a lab or a company has to know on which terms.",
        fix: "Write for example `MIT OR Apache-2.0`, and put the text of the licence beside plugin.toml.",
        run: Run::Written(man_09),
        ..MAN
    },
];

fn man_01(scene: &mut Scene<'_>) -> Check {
    match scene.subject().manifest() {
        Ok(_) => Ok(Finding::pass("the host's reader accepts it")),
        Err(why) => Err(Finding::fail("the host's reader refuses it").with("message", why)),
    }
}

fn man_02(scene: &mut Scene<'_>) -> Check {
    let id = text(table(scene)?, &["plugin", "id"])
        .ok_or_else(|| Finding::fail("`plugin.id` is missing or no text"))?;
    id.parse::<PluginId>().map_err(|why| Finding::fail(why.message()))?;
    let first = id.split('.').next().unwrap_or_default();
    if RESERVED.contains(&first) {
        return Err(Finding::fail(format!("`{first}` at the start of the id `{id}` is reserved")));
    }
    Ok(Finding::pass(format!("`{id}` is one")))
}

fn man_03(scene: &mut Scene<'_>) -> Check {
    let manifest = table(scene)?;
    let missing = || Finding::fail("`plugin.version` is missing or no text");
    let version = text(manifest, &["plugin", "version"]).ok_or_else(missing)?;
    let parsed = semver::Version::parse(version)
        .map_err(|error| Finding::fail(format!("`{version}` is no semver: {error}")))?;
    if !parsed.pre.is_empty() && parsed >= semver::Version::new(parsed.major, parsed.minor, parsed.patch) {
        return Err(Finding::fail(format!("`{version}` does not come before its release")));
    }
    let folder = scene.subject().folder().file_name().unwrap_or_default().to_string_lossy().into_owned();
    let id = text(manifest, &["plugin", "id"]).unwrap_or_default();
    match folder.strip_prefix(&format!("{id}-")) {
        Some(named) if named != version => Err(Finding::fail("the folder names another version")
            .with("folder", named)
            .with("manifest", version)),
        _ => Ok(Finding::pass(format!("{version} is one"))),
    }
}

fn man_09(scene: &mut Scene<'_>) -> Check {
    let missing = || Finding::fail("`plugin.license` is missing or no text");
    let license = text(table(scene)?, &["plugin", "license"]).ok_or_else(missing)?;
    license.parse::<License>().map_err(|why| Finding::fail(why.message()))?;
    let entries = std::fs::read_dir(scene.subject().folder())
        .map_err(|error| Finding::suite_error(format!("the folder cannot be read: {error}")))?;
    let is_license = |name: String| {
        let upper = name.to_uppercase();
        ["LICENSE", "LICENCE", "COPYING"].iter().any(|start| upper.starts_with(start))
    };
    let found = entries.flatten().any(|entry| is_license(entry.file_name().to_string_lossy().into_owned()));
    if found {
        Ok(Finding::pass(format!("{license}, with its text")))
    } else {
        Err(Finding::fail(format!("the package has no text of its licence {license}")))
    }
}
