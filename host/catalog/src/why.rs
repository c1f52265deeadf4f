//! Explains what was looked at, what became of it, and what would be picked.

use std::{fmt, path::PathBuf};

use parfocal_manifest::LaneKind;
use serde::Serialize;

use crate::{
    catalog::Catalog,
    package::{Package, Status},
    pick::{LaneOrder, OperatorRef},
    search::{FolderState, Searched},
};

/// Everything that bears on one plugin or operator. Shown with `Display`, or as JSON.
#[derive(Debug, Clone, Serialize)]
pub struct Explanation {
    /// What was asked about.
    pub subject: String,
    /// Every folder that was searched.
    pub searched: Vec<Searched>,
    /// The plugins of that name, and those whose name cannot be read.
    pub plugins: Vec<PackageLine>,
    /// What would be picked for each operator.
    pub picks: Vec<PickLine>,
}

/// One plugin folder.
#[derive(Debug, Clone, Serialize)]
pub struct PackageLine {
    /// The folder.
    pub folder: PathBuf,
    /// Id and version, as far as they can be read.
    pub label: String,
    /// What became of the plugin as a whole.
    pub verdict: Verdict,
    /// Who vouches for it, where somebody was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trust: Option<String>,
    /// Its files.
    pub artifacts: Vec<ArtifactLine>,
}

/// One file of code.
#[derive(Debug, Clone, Serialize)]
pub struct ArtifactLine {
    /// The lane.
    pub lane: LaneKind,
    /// The system it is built for.
    pub target: Option<String>,
    /// The file.
    pub path: PathBuf,
    /// What became of it.
    pub verdict: Verdict,
}

/// Used, or why not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "verdict")]
pub enum Verdict {
    /// It can be used.
    Usable,
    /// It cannot.
    Refused {
        /// The kind of refusal in kebab-case, or `quarantined`.
        code: String,
        /// The sentence.
        message: String,
        /// What to do.
        remedy: String,
    },
}

/// What would be picked for an operator.
#[derive(Debug, Clone, Serialize)]
pub struct PickLine {
    /// The operator with its plugin.
    pub operator: String,
    /// The file; `None` when nothing would be.
    pub chosen: Option<PathBuf>,
    /// Why this one, or why none.
    pub because: String,
}

impl Catalog {
    /// Explains a plugin (by its id) or an operator (by its name): every folder searched, each plugin of that name with
    /// each of its files, accepted or why not, and what would be picked and why.
    #[must_use]
    pub fn why(&self, subject: &str) -> Explanation {
        let operator = OperatorRef::parse(subject).ok().filter(|_| !self.is_plugin(subject));
        let concerns = |package: &&Package| match (&operator, &package.manifest) {
            (Some(wanted), Ok(manifest)) => {
                manifest.operator(&wanted.operator).is_some()
                    && wanted.plugin.as_ref().is_none_or(|plugin| *plugin == manifest.plugin.id)
            }
            // A name that cannot be read may be the one that is missed.
            (_, Err(_)) => {
                package.identity.id.as_deref().is_none_or(|id| operator.is_some() || id == subject)
            }
            (None, Ok(manifest)) => manifest.plugin.id.as_str() == subject,
        };
        let packages: Vec<_> = self.packages.iter().filter(concerns).collect();
        let picks = match &operator {
            Some(wanted) => vec![self.pick_line(wanted)],
            None => self.picks_of(&packages),
        };
        Explanation {
            subject: subject.to_owned(),
            searched: self.searched.clone(),
            plugins: packages.into_iter().map(package_line).collect(),
            picks,
        }
    }

    fn is_plugin(&self, subject: &str) -> bool {
        self.packages.iter().any(|package| package.identity.id.as_deref() == Some(subject))
    }

    fn picks_of(&self, packages: &[&Package]) -> Vec<PickLine> {
        let mut names: Vec<_> = packages
            .iter()
            .filter_map(|package| package.manifest.as_ref().ok())
            .flat_map(|manifest| {
                manifest
                    .operators
                    .iter()
                    .map(move |operator| format!("{}/{}", manifest.plugin.id, operator.id))
            })
            .collect();
        names.sort();
        names.dedup();
        names.iter().filter_map(|name| Some(self.pick_line(&OperatorRef::parse(name).ok()?))).collect()
    }

    fn pick_line(&self, wanted: &OperatorRef) -> PickLine {
        match self.pick(wanted, &LaneOrder::default()) {
            Ok(selection) => {
                let version = &selection.manifest.plugin.version;
                let mut because = format!(
                    "version {version} is the newest that can be used, and {} is the first lane that it has here",
                    selection.lane
                );
                for passed in &selection.passed_over {
                    because.push_str("; passed over: ");
                    because.push_str(passed);
                }
                PickLine {
                    operator: format!("{}/{}", selection.manifest.plugin.id, wanted.operator),
                    chosen: Some(selection.artifact.path),
                    because,
                }
            }
            Err(error) => {
                let remedy = error.remedy().map(|remedy| format!(" ({remedy})")).unwrap_or_default();
                PickLine { operator: wanted.to_string(), chosen: None, because: format!("{error}{remedy}") }
            }
        }
    }
}

fn package_line(package: &Package) -> PackageLine {
    let verdict = match (&package.manifest, &package.rejected) {
        (Err(rejection), _) | (_, Some(rejection)) => refused(rejection),
        _ if package.is_usable() => Verdict::Usable,
        _ => Verdict::Refused {
            code: "no-usable-code".into(),
            message: format!("no file of {} can be used here", package.label()),
            remedy: "see its files".into(),
        },
    };
    let artifacts = package.candidates.iter().map(|candidate| ArtifactLine {
        lane: candidate.entry.lane,
        target: candidate.entry.target.as_ref().map(ToString::to_string),
        path: candidate.path.clone(),
        verdict: match &candidate.status {
            Status::Usable(_) => Verdict::Usable,
            Status::Rejected(rejection) => refused(rejection),
            quarantined @ Status::Quarantined(_) => Verdict::Refused {
                code: "quarantined".into(),
                message: quarantined.refusal().unwrap_or_default(),
                remedy: quarantined.remedy().unwrap_or_default(),
            },
        },
    });
    PackageLine {
        folder: package.folder.clone(),
        label: package.label(),
        verdict,
        trust: package.vouch.accepted().map(str::to_owned),
        artifacts: artifacts.collect(),
    }
}

fn refused(rejection: &crate::Rejection) -> Verdict {
    let code = serde_json::to_value(rejection.code).ok();
    Verdict::Refused {
        code: code.as_ref().and_then(|code| code.as_str()).unwrap_or_default().to_owned(),
        message: rejection.message.clone(),
        remedy: rejection.remedy.clone(),
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "searched")?;
        if self.searched.is_empty() {
            writeln!(f, "  no folder")?;
        }
        for folder in &self.searched {
            let state = match &folder.state {
                FolderState::Found(1) => "1 plugin".to_owned(),
                FolderState::Found(count) => format!("{count} plugins"),
                FolderState::Missing => "there is no such folder".to_owned(),
                FolderState::Unreadable(why) => format!("not all of it could be read: {why}"),
                FolderState::TooMany => "too many folders; the rest was not searched".to_owned(),
            };
            writeln!(f, "  {}: {state}", folder.path.display())?;
        }
        writeln!(f, "found for {}", self.subject)?;
        if self.plugins.is_empty() {
            writeln!(f, "  nothing")?;
        }
        for package in &self.plugins {
            writeln!(f, "  {} in {}", package.label, package.folder.display())?;
            if let Some(trust) = &package.trust {
                writeln!(f, "    {trust}")?;
            }
            if package.artifacts.is_empty()
                || !matches!(&package.verdict, Verdict::Refused { code, .. } if code == "no-usable-code")
            {
                show(f, "    ", &package.verdict)?;
            }
            for artifact in &package.artifacts {
                let target =
                    artifact.target.as_ref().map(|target| format!(" for {target}")).unwrap_or_default();
                writeln!(f, "    {}{target}: {}", artifact.lane, artifact.path.display())?;
                show(f, "      ", &artifact.verdict)?;
            }
        }
        writeln!(f, "picked")?;
        for pick in &self.picks {
            match &pick.chosen {
                Some(path) => writeln!(f, "  {}: {}", pick.operator, path.display())?,
                None => writeln!(f, "  {}: nothing", pick.operator)?,
            }
            writeln!(f, "    {}", pick.because)?;
        }
        Ok(())
    }
}

fn show(f: &mut fmt::Formatter<'_>, indent: &str, verdict: &Verdict) -> fmt::Result {
    match verdict {
        Verdict::Usable => writeln!(f, "{indent}can be used"),
        Verdict::Refused { message, remedy, .. } => {
            writeln!(f, "{indent}refused: {message}")?;
            writeln!(f, "{indent}what to do: {remedy}")
        }
    }
}
