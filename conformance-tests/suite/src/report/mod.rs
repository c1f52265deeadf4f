//! `conformance-report/1`: what came out, as one document. The canonical part is the same in every run with the same plugin,
//! suite, seed and configuration; what was measured lies beside it.

mod bundle;
mod junit;
mod markdown;
mod schema;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    finding::Detail,
    levels::Summary,
    options::Profile,
    status::{Level, Severity, Status},
    subject::Subject,
    transport::Transport,
    waivers::Waiver,
};

pub use bundle::bundle;
pub use junit::junit;
pub use markdown::markdown;
pub use schema::{SCHEMA_FILE, schema_text};

/// The name and version of the format.
pub const FORMAT: &str = "conformance-report/1";

/// What came out of a run of the suite on one plugin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(
    title = "conformance-report/1",
    description = "Report of the Parfocal conformance suite on one plugin."
)]
pub struct Report {
    /// `conformance-report/1`.
    pub format: String,
    /// The version of the suite.
    pub suite: String,
    /// The plugin.
    pub plugin: PluginFacts,
    /// What everything random followed from.
    pub seed: u64,
    /// How the suite ran.
    pub configuration: Configuration,
    /// What was granted.
    pub summary: Summary,
    /// One for each case, operator and transport, sorted by them.
    pub results: Vec<CaseResult>,
    /// What differs from run to run; not part of the canonical report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measured: Option<Measured>,
}

/// Which plugin, down to its bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct PluginFacts {
    /// The id; the folder's name when the manifest does not say.
    pub id: String,
    /// The version, where the manifest says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The digest of the manifest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifest_sha256: Option<String>,
    /// The digest of each file of code that the manifest names, as the bytes say, by path; empty for one that cannot be read.
    pub files: BTreeMap<String, String>,
    /// Interface versions that the manifest offers.
    pub interfaces: Vec<String>,
}

impl PluginFacts {
    pub(crate) fn of(subject: &Subject) -> Self {
        let manifest = subject.manifest().ok();
        let artifacts = manifest.map_or(&[][..], |manifest| manifest.artifacts.as_slice());
        let digest = |path: &str| {
            let bytes = std::fs::read(subject.folder().join(path)).ok()?;
            Some(parfocal_core::Sha256::of(&bytes).to_string())
        };
        let files = artifacts.iter().map(|artifact| artifact.path.as_str());
        let mut interfaces: Vec<_> =
            artifacts.iter().flat_map(|artifact| &artifact.interfaces).map(ToString::to_string).collect();
        interfaces.sort();
        interfaces.dedup();
        Self {
            id: manifest.map_or_else(|| subject.label(), |manifest| manifest.plugin.id.to_string()),
            version: manifest.map(|manifest| manifest.plugin.version.to_string()),
            manifest_sha256: subject.manifest_sha256(),
            files: files.map(|path| (path.to_owned(), digest(path).unwrap_or_default())).collect(),
            interfaces,
        }
    }
}

/// How the suite ran.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Configuration {
    /// How much was tried.
    pub profile: Profile,
    /// The level that was asked for.
    pub level: Level,
    /// The transports that took part.
    pub transports: Vec<Transport>,
    /// Every way in which less was tried than the suite can, or more was forgiven.
    pub weakened: Vec<String>,
}

/// What became of one case, for one operator, through one transport.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct CaseResult {
    /// The number of the case, and of the sentence in the contract.
    pub case: String,
    /// The operator, for cases about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<String>,
    /// The transport, for cases that ran through one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transport: Option<Transport>,
    /// The level that the case belongs to.
    pub level: Level,
    /// How much it matters.
    pub severity: Severity,
    /// How it ended.
    pub status: Status,
    /// What was found, or why it was not tried.
    pub sentence: String,
    /// Facts that help to find the fault.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<Detail>,
    /// What Parfocal does not have yet, and the case waits for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits_for: Option<String>,
    /// The waiver that covers it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiver: Option<Waiver>,
}

/// What differs from run to run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Measured {
    /// The machine.
    pub machine: Machine,
    /// How much more time cases got than on the reference machine.
    pub factor: f64,
    /// How long the run took.
    pub seconds: f64,
    /// One for each case that ran.
    pub timings: Vec<Timing>,
}

/// The machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Machine {
    /// The operating system and its version.
    pub system: String,
    /// The architecture.
    pub architecture: String,
    /// The processor's model, where the system says.
    pub processor: String,
    /// Processors.
    pub processors: usize,
    /// Memory in bytes, where the system says.
    pub memory: u64,
}

impl Machine {
    /// This machine.
    #[must_use]
    pub fn this() -> Self {
        let name = rustix::system::uname();
        let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
        let memory = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
        let total =
            memory.lines().find_map(|line| line.strip_prefix("MemTotal:")?.trim().strip_suffix(" kB"));
        Self {
            system: format!("{} {}", name.sysname().to_string_lossy(), name.release().to_string_lossy()),
            architecture: std::env::consts::ARCH.to_owned(),
            processor: model.map_or_else(|| "unknown".to_owned(), |(_, model)| model.trim().to_owned()),
            processors: std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get),
            memory: total.and_then(|kib| kib.trim().parse::<u64>().ok()).unwrap_or(0) << 10,
        }
    }
}

/// How long a case took, and what it measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Timing {
    /// The number of the case.
    pub case: String,
    /// The operator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<String>,
    /// The transport.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transport: Option<Transport>,
    /// From the start of the child to its end.
    pub seconds: f64,
    /// What was measured.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metrics: BTreeMap<String, f64>,
    /// Facts that differ from run to run, such as addresses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// The last lines that the child wrote.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub log: Vec<String>,
}

impl Report {
    pub(crate) fn new(
        plugin: PluginFacts,
        seed: u64,
        configuration: Configuration,
        results: Vec<CaseResult>,
        summary: Summary,
        measured: Measured,
    ) -> Self {
        Self {
            format: FORMAT.to_owned(),
            suite: env!("CARGO_PKG_VERSION").to_owned(),
            plugin,
            seed,
            configuration,
            summary,
            results,
            measured: Some(measured),
        }
    }

    /// The canonical part: without what differs from run to run.
    #[must_use]
    pub fn canonical(&self) -> Self {
        Self { measured: None, ..self.clone() }
    }

    /// The document as text, indented.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Only maps with keys that are no text could fail.
        serde_json::to_string_pretty(self).map(|text| text + "\n").unwrap_or_default()
    }

    /// Whether the level that was asked for is reached.
    #[must_use]
    pub fn is_reached(&self) -> bool {
        self.summary.reached.is_some_and(|reached| reached >= self.configuration.level)
    }

    /// Results of a status.
    pub fn of(&self, status: Status) -> impl Iterator<Item = &CaseResult> {
        self.results.iter().filter(move |result| result.status == status)
    }

    /// The timing of a result.
    #[must_use]
    pub fn timing(&self, result: &CaseResult) -> Option<&Timing> {
        self.measured.as_ref()?.timings.iter().find(|timing| {
            (&timing.case, &timing.operator, timing.transport)
                == (&result.case, &result.operator, result.transport)
        })
    }
}

impl CaseResult {
    /// Where it ran, for people: `gaussian, native`; empty for cases about the package.
    #[must_use]
    pub fn place(&self) -> String {
        let transport = self.transport.map(|transport| transport.name().to_owned());
        self.operator.iter().cloned().chain(transport).collect::<Vec<_>>().join(", ")
    }
}
