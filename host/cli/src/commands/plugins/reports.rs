//! What a report of the conformance suite proves of a package, for a grant and for an index.

use std::{collections::BTreeMap, fs, path::Path};

use parfocal_conformance::{FORMAT, Level, Report, summarise};
use parfocal_core::Sha256;
use parfocal_manifest::Manifest;
use parfocal_types::{Error, Result};

use crate::package::cannot;

/// Reads a report; its bytes too, which are what it was read from.
///
/// # Errors
/// `corrupt` for a file that is no report; what the system says.
pub(super) fn read(path: &Path) -> Result<(Report, Vec<u8>)> {
    let bytes = fs::read(path).map_err(|error| cannot("read", path, error))?;
    let wrong = |why: String| {
        Error::corrupt(format!("{} is no report of the conformance suite: {why}", path.display()))
            .with_remedy("`parfocal conform <plugin> --profile full --report <file>` writes one")
    };
    let report: Report = serde_json::from_slice(&bytes).map_err(|error| wrong(error.to_string()))?;
    if report.format != FORMAT {
        return Err(wrong(format!("its format is `{}`, this program reads {FORMAT}", report.format)));
    }
    Ok((report, bytes))
}

/// The level that a report proves for a package with this manifest; the digest is that of the manifest's file. Its files of
/// code are those that the manifest names: whoever calls has seen that they have the digests that it gives.
///
/// # Errors
/// Why it proves nothing, as a clause: it is about other files, was weakened, or its results do not carry what it says.
pub(super) fn proves(
    report: &Report,
    manifest: &Manifest,
    digest: Sha256,
) -> std::result::Result<Level, String> {
    let (about, plugin) = (&report.plugin, &manifest.plugin);
    if (about.id.as_str(), about.version.as_deref())
        != (plugin.id.as_str(), Some(&*plugin.version.to_string()))
    {
        let version = about.version.as_deref().unwrap_or("of no version");
        return Err(format!("the report is about {} {version}", about.id));
    }
    let code = manifest.artifacts.iter();
    let files: BTreeMap<_, _> =
        code.map(|code| (code.path.to_string(), Sha256(code.sha256.0).to_string())).collect();
    if about.files != files || about.manifest_sha256 != Some(digest.to_string()) {
        return Err("the report is about other files than this build".to_owned());
    }
    if let Some(weakening) = report.configuration.weakened.first() {
        return Err(format!("the report is not of a whole run: {weakening}"));
    }
    let Some(said) = report.summary.reached else { return Err("the report shows no level".to_owned()) };
    // A level that somebody wrote into it is none: the results have to carry it, by the rules of this suite.
    let carried = summarise(&report.results, &report.configuration, &[]);
    if carried.reached.is_none_or(|carried| carried < said) {
        let blocked = carried.levels.iter().find(|level| level.level <= said && !level.blocked_by.is_empty());
        let why = blocked.and_then(|level| level.blocked_by.first()).cloned().unwrap_or_default();
        return Err(format!("the report says that it shows level {said}, its results do not: {why}"));
    }
    Ok(said)
}
