//! Chooses the plugin, the version and the file that answer to a name.

use std::{collections::BTreeSet, fmt, str::FromStr, sync::Arc};

use parfocal_core::Artifact;
use parfocal_manifest::{LaneKind, Manifest, PluginId};
use parfocal_operator::{Descriptor, descriptor::is_kebab};
use parfocal_types::error::{Error, ErrorKind, Result};
use semver::{Version, VersionReq};

use crate::{catalog::Catalog, package::Package, vouch::Vouch};

/// An operator as a user names it: `gaussian`, `gaussian@^1`, `org.parfocal.classical/gaussian@=0.1.0`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperatorRef {
    /// The plugin, when it is named.
    pub plugin: Option<PluginId>,
    /// The operator.
    pub operator: String,
    /// The versions of the plugin that will do.
    pub range: VersionReq,
}

impl FromStr for OperatorRef {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = |why: String| {
            Error::invalid_argument(format!("`{text}` does not name an operator: {why}"))
                .with_remedy("write for example gaussian, gaussian@^1 or org.example.filters/gaussian@1.2")
        };
        let (name, range) = text.split_once('@').unwrap_or((text, "*"));
        let (plugin, operator) = match name.split_once('/') {
            Some((plugin, operator)) => {
                (Some(plugin.parse().map_err(|error: Error| wrong(error.message().to_owned()))?), operator)
            }
            None => (None, name),
        };
        if !is_kebab(operator) {
            return Err(wrong(format!("`{operator}` is not lower-case words joined by `-`")));
        }
        let range = VersionReq::parse(range).map_err(|error| wrong(format!("`{range}`: {error}")))?;
        Ok(Self { plugin, operator: operator.to_owned(), range })
    }
}

impl OperatorRef {
    /// Reads a name with its range; a name without one takes every version.
    ///
    /// # Errors
    /// `invalid-argument` when it is no such name.
    pub fn parse(text: &str) -> Result<Self> {
        text.parse()
    }

    fn name(&self) -> String {
        match &self.plugin {
            Some(plugin) => format!("{plugin}/{}", self.operator),
            None => self.operator.clone(),
        }
    }
}

impl fmt::Display for OperatorRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())?;
        if self.range == VersionReq::STAR { Ok(()) } else { write!(f, "@{}", self.range) }
    }
}

/// The lanes that may be used, the preferred one first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaneOrder(Vec<LaneKind>);

impl Default for LaneOrder {
    /// Native, then WASM, then programs: the fastest first.
    fn default() -> Self {
        Self(vec![LaneKind::Native, LaneKind::Wasm, LaneKind::Program])
    }
}

impl LaneOrder {
    /// One lane and no other.
    #[must_use]
    pub fn only(lane: LaneKind) -> Self {
        Self(vec![lane])
    }

    fn place(&self, lane: LaneKind) -> Option<usize> {
        self.0.iter().position(|one| *one == lane)
    }

    fn names(&self) -> String {
        self.0.iter().map(|lane| lane.name()).collect::<Vec<_>>().join(" or ")
    }
}

/// What was picked.
#[derive(Debug, Clone)]
pub struct Selection {
    /// The file, for the lane to load.
    pub artifact: Artifact,
    /// The lane that runs it.
    pub lane: LaneKind,
    /// The operator as the manifest describes it.
    pub descriptor: Descriptor,
    /// The plugin's manifest.
    pub manifest: Arc<Manifest>,
    /// Newer versions and preferred lanes that were asked for and could not be used, each with its reason: what the run
    /// record should say.
    pub passed_over: Vec<String>,
    /// What was said of the plugin's signature: what the run record should say.
    pub vouch: Vouch,
}

/// A package that has the operator.
struct Offer<'c> {
    package: &'c Package,
    manifest: &'c Arc<Manifest>,
    descriptor: &'c Descriptor,
}

impl Offer<'_> {
    fn version(&self) -> &Version {
        &self.manifest.plugin.version
    }

    /// The usable file of the most preferred lane.
    fn best(&self, lanes: &LaneOrder) -> Option<(usize, LaneKind, &Artifact)> {
        if self.package.rejected.is_some() {
            return None;
        }
        let usable = self.package.candidates.iter().filter_map(|candidate| {
            let lane = candidate.entry.lane;
            Some((lanes.place(lane)?, lane, candidate.artifact()?))
        });
        usable.min_by_key(|(place, ..)| *place)
    }

    /// Why files that were preferred over `place` are not used.
    fn refusals(&self, lanes: &LaneOrder, place: usize) -> Vec<(String, String)> {
        if let Some(rejection) = &self.package.rejected {
            return vec![(rejection.message.clone(), rejection.remedy.clone())];
        }
        let wanted = self
            .package
            .candidates
            .iter()
            .filter(|candidate| lanes.place(candidate.entry.lane).is_some_and(|own| own < place));
        let refused = wanted.filter_map(|candidate| {
            Some((candidate.status.refusal()?, candidate.status.remedy().unwrap_or_default()))
        });
        refused.collect()
    }
}

impl Catalog {
    /// Picks the newest version of the operator that is in range and can be used, in the preferred lane.
    ///
    /// # Errors
    /// `not-found` when there is none, with names that are near, versions that are there, or why those that are there
    /// cannot be used; `invalid-argument` when several plugins have an operator of that name.
    pub fn pick(&self, wanted: &OperatorRef, lanes: &LaneOrder) -> Result<Selection> {
        let all = self.offers(wanted);
        if all.is_empty() {
            return Err(self.unknown(wanted));
        }
        let in_range: Vec<_> = all.iter().filter(|offer| wanted.range.matches(offer.version())).collect();
        if in_range.is_empty() {
            return Err(out_of_range(wanted, &all));
        }
        let usable: Vec<_> = in_range.iter().filter_map(|offer| Some((*offer, offer.best(lanes)?))).collect();
        let plugins: BTreeSet<_> = usable.iter().map(|(offer, _)| &offer.manifest.plugin.id).collect();
        if plugins.len() > 1 {
            return Err(ambiguous(wanted, &plugins));
        }
        let Some((offer, (place, lane, artifact))) = usable.iter().max_by_key(|(offer, _)| offer.version())
        else {
            return Err(unusable(wanted, lanes, &in_range));
        };
        let newer = in_range.iter().filter(|other| {
            other.manifest.plugin.id == offer.manifest.plugin.id && other.version() > offer.version()
        });
        let passed =
            newer.flat_map(|other| other.refusals(lanes, usize::MAX)).chain(offer.refusals(lanes, *place));
        Ok(Selection {
            artifact: (*artifact).clone(),
            lane: *lane,
            descriptor: offer.descriptor.clone(),
            manifest: offer.manifest.clone(),
            passed_over: passed.map(|(message, _)| message).collect(),
            vouch: offer.package.vouch.clone(),
        })
    }

    /// The packages that have the operator, usable or not.
    fn offers(&self, wanted: &OperatorRef) -> Vec<Offer<'_>> {
        let named = |id| wanted.plugin.as_ref().is_none_or(|plugin| plugin == id);
        let offers = self.packages.iter().filter_map(|package| {
            let manifest = package.manifest.as_ref().ok().filter(|manifest| named(&manifest.plugin.id))?;
            Some(Offer { package, manifest, descriptor: manifest.operator(&wanted.operator)? })
        });
        offers.collect()
    }

    fn unknown(&self, wanted: &OperatorRef) -> Error {
        let name = wanted.name();
        let mut names = BTreeSet::new();
        for manifest in self.packages.iter().filter_map(|package| package.manifest.as_ref().ok()) {
            for operator in &manifest.operators {
                names.insert(format!("{}/{}", manifest.plugin.id, operator.id));
                if wanted.plugin.is_none() {
                    names.insert(operator.id.clone());
                }
            }
        }
        let near: Vec<_> =
            names.iter().filter(|known| is_near(&name, known)).map(|known| format!("`{known}`")).collect();
        let broken: Vec<_> =
            self.packages.iter().filter(|package| package.manifest.is_err()).map(Package::label).collect();
        let mut remedy = match near.is_empty() {
            false => format!("did you mean {}?", near.join(" or ")),
            true if names.is_empty() => "no plugin was found; name a folder with plugins".to_owned(),
            true => "`parfocal plugins list` shows what there is".to_owned(),
        };
        if !broken.is_empty() {
            remedy.push_str(&format!(" ({} cannot be read and may have it)", broken.join(", ")));
        }
        Error::not_found(format!("no plugin has an operator `{name}`")).with_remedy(remedy)
    }
}

/// Whether one name was probably meant for the other: few letters differ, or one is part of the other.
fn is_near(wanted: &str, known: &str) -> bool {
    let operator = |name: &str| name.rsplit('/').next().unwrap_or_default().to_owned();
    let (wanted, known) = (operator(wanted), operator(known));
    strsim::damerau_levenshtein(&wanted, &known) <= (wanted.len() / 3).max(1)
        || wanted.len() >= 3 && known.contains(&wanted)
        || known.len() >= 3 && wanted.contains(&known)
}

fn out_of_range(wanted: &OperatorRef, all: &[Offer<'_>]) -> Error {
    let there: BTreeSet<_> = all.iter().map(|offer| offer.version()).collect();
    let list = there.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let remedy = match there.last() {
        Some(newest) if !newest.pre.is_empty() => {
            format!("a version before its release is used only when it is named: {}@={newest}", wanted.name())
        }
        _ => "ask for a version that is there, or install one in the range".to_owned(),
    };
    Error::not_found(format!(
        "no version of `{}` is in the range {}: there is {list}",
        wanted.name(),
        wanted.range
    ))
    .with_remedy(remedy)
}

fn ambiguous(wanted: &OperatorRef, plugins: &BTreeSet<&PluginId>) -> Error {
    let names: Vec<_> = plugins.iter().map(|plugin| format!("{plugin}/{}", wanted.operator)).collect();
    Error::invalid_argument(format!(
        "several plugins have an operator `{}`: {}",
        wanted.operator,
        names.join(", ")
    ))
    .with_remedy("write the one that you mean with its plugin")
}

fn unusable(wanted: &OperatorRef, lanes: &LaneOrder, offers: &[&Offer<'_>]) -> Error {
    let refusals: Vec<_> = offers.iter().flat_map(|offer| offer.refusals(lanes, usize::MAX)).collect();
    let Some((_, remedy)) = refusals.first() else {
        let labels: BTreeSet<_> = offers.iter().map(|offer| offer.package.label()).collect();
        let labels = labels.into_iter().collect::<Vec<_>>().join(", ");
        return Error::not_found(format!(
            "`{wanted}` is there, but without {} code: {labels}",
            lanes.names()
        ))
        .with_remedy("use another lane, or install a plugin with such code");
    };
    let reasons = refusals.iter().map(|(message, _)| message.as_str()).collect::<Vec<_>>().join("; ");
    let kind = ErrorKind::Incompatible { have: reasons.clone(), need: wanted.to_string() };
    Error::new(kind, format!("`{wanted}` is there, but cannot be used: {reasons}"))
        .with_remedy(remedy.clone())
}
