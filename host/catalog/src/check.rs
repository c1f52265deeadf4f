//! The rules that a manifest and its files must keep, each with its own refusal.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::Arc,
};

use parfocal_abi::{entry::ENTRY_SYMBOL, layout, note::Note};
use parfocal_core::{Artifact, Limits, Sha256};
use parfocal_manifest::{ArtifactEntry, FILE_NAME, Identity, LaneKind, Manifest, identity};
use parfocal_types::InterfaceVersion;

use crate::{
    host::HostSupport,
    inspect::{Facts, Format, NoteState, read_file},
    package::{Candidate, Package, Status},
    quarantine::Quarantine,
    rejection::{Place, Rejection, RejectionCode as Code},
    vouch::Vouch,
};

const REINSTALL: &str = "install the plugin again";
const REBUILD: &str = "install the plugin again; if you built it yourself, run `parfocal build`";

/// Reads one package.
pub(crate) fn package(folder: &Path, host: &HostSupport, quarantine: &Quarantine) -> Package {
    let manifest_path = folder.join(FILE_NAME);
    let mut package = Package {
        folder: folder.to_owned(),
        manifest_path: manifest_path.clone(),
        text: String::new(),
        identity: Identity::default(),
        manifest: Err(Rejection::new(Code::ManifestUnreadable, "", "")),
        candidates: Vec::new(),
        rejected: None,
        vouch: Vouch::Unasked,
    };
    let bytes = match read_file(&manifest_path) {
        Ok(bytes) => bytes,
        Err(unread) => {
            let message = format!("{} cannot be read: {}", manifest_path.display(), unread.why);
            package.manifest = Err(Rejection::new(Code::ManifestUnreadable, message, REINSTALL));
            return package;
        }
    };
    package.text = String::from_utf8_lossy(&bytes).into_owned();
    package.identity = identity(&package.text);
    package.manifest = match Manifest::from_bytes(&bytes) {
        Ok(manifest) => Ok(Arc::new(manifest)),
        Err(error) => Err(Rejection {
            code: Code::ManifestInvalid,
            message: format!("{}:{error}", manifest_path.display()),
            remedy: error.remedy().to_owned(),
            place: Some(Box::new(Place {
                path: manifest_path,
                line: error.line(),
                column: error.column(),
                span: error.span(),
            })),
        }),
    };
    let Ok(manifest) = package.manifest.clone() else { return package };
    if manifest.artifacts.is_empty() || manifest.operators.is_empty() {
        let what = if manifest.artifacts.is_empty() { "no code" } else { "no operator" };
        package.rejected = Some(Rejection::new(
            Code::NotBuilt,
            format!("{} names {what} in {}", manifest.label(), package.manifest_path.display()),
            "run `parfocal build` in its folder, which writes the artifacts and operators",
        ));
    }
    let checks = manifest.artifacts.iter().map(|entry| {
        let path = folder.join(entry.path.as_str());
        let status = Check { folder, host, manifest: &manifest, entry, path: &path }.status(quarantine);
        Candidate { manifest: manifest.clone(), entry: entry.clone(), path, status }
    });
    package.candidates = checks.collect();
    package
}

/// The check of one file.
struct Check<'a> {
    folder: &'a Path,
    host: &'a HostSupport,
    manifest: &'a Manifest,
    entry: &'a ArtifactEntry,
    path: &'a Path,
}

type Checked<T> = Result<T, Rejection>;

impl Check<'_> {
    fn status(&self, quarantine: &Quarantine) -> Status {
        let sha256 = Sha256(self.entry.sha256.0);
        match self.run(&sha256) {
            Err(rejection) => Status::Rejected(rejection),
            Ok(interface) => match quarantine.get(&sha256) {
                Some(entry) => Status::Quarantined(entry.clone()),
                None => Status::Usable(Artifact {
                    plugin: self.manifest.plugin.id.to_string(),
                    version: self.manifest.plugin.version.clone(),
                    path: self.path.to_owned(),
                    sha256,
                    interface,
                    limits: self.limits(),
                }),
            },
        }
    }

    /// All rules in order, from the manifest to the last byte.
    fn run(&self, sha256: &Sha256) -> Checked<InterfaceVersion> {
        self.meant_for_this_host()?;
        let bytes = self.bytes()?;
        let facts = Facts::of(&bytes);
        self.is_the_file(&Sha256::of(&bytes), sha256, &facts)?;
        self.format(&facts)?;
        if self.entry.lane == LaneKind::Program {
            return self.interface();
        }
        let note = self.note(&facts)?;
        let interface = self.interface()?;
        self.agrees(note)?;
        self.layout(note)?;
        Ok(interface)
    }

    fn refuse<T>(&self, code: Code, why: &str, remedy: impl Into<String>) -> Checked<T> {
        Err(Rejection::new(code, format!("{}: {why}", self.manifest.label()), remedy))
    }

    fn file(&self) -> String {
        self.path.display().to_string()
    }

    fn meant_for_this_host(&self) -> Checked<()> {
        let lane = self.entry.lane;
        if !self.host.lanes.contains(&lane) {
            let why =
                format!("{} is {lane} code, and this host was built without that lane", self.entry.path);
            return self.refuse(Code::LaneMissing, &why, "use a host that was built with it");
        }
        if let Some(target) = &self.entry.target
            && target.as_str() != self.host.target
        {
            let why =
                format!("{} is built for {target}, this computer is {}", self.entry.path, self.host.target);
            let remedy = format!("install the plugin for {}, or one with WASM code", self.host.target);
            return self.refuse(Code::WrongTarget, &why, remedy);
        }
        if lane == LaneKind::Native && self.manifest.isolation.own_process && !self.host.own_process {
            let why = "it asks for a process of its own, and this host runs native code in its own process";
            return self.refuse(Code::NeedsOwnProcess, why, "use its WASM code, or a host with workers");
        }
        Ok(())
    }

    fn bytes(&self) -> Checked<Vec<u8>> {
        let missing = |why: String| {
            self.refuse(Code::FileMissing, &format!("{} cannot be read: {why}", self.file()), REBUILD)
        };
        // What the links lead to, for the file and for the package.
        let real = match self.path.canonicalize() {
            Ok(real) => real,
            Err(error) => return missing(error.to_string()),
        };
        let root: PathBuf = match self.folder.canonicalize() {
            Ok(root) => root,
            Err(error) => return missing(error.to_string()),
        };
        if !real.starts_with(&root) {
            let why = format!("{} leads out of the package, to {}", self.file(), real.display());
            return self.refuse(
                Code::OutsidePackage,
                &why,
                "put the file itself into the package instead of a link",
            );
        }
        read_file(&real).or_else(|unread| missing(unread.why))
    }

    fn is_the_file(&self, found: &Sha256, expected: &Sha256, facts: &Facts) -> Checked<()> {
        if found == expected {
            return Ok(());
        }
        let damage = facts.damage.as_ref().map(|damage| format!("; {damage}")).unwrap_or_default();
        let why = format!(
            "{} is not the file that its manifest names: sha256 {found}, expected {expected}{damage}",
            self.file()
        );
        self.refuse(Code::HashDiffers, &why, REBUILD)
    }

    fn format(&self, facts: &Facts) -> Checked<()> {
        let lane = self.entry.lane;
        let fits = match lane {
            LaneKind::Native => facts.format == Format::Elf,
            LaneKind::Wasm => facts.format == Format::WasmComponent,
            LaneKind::Program => matches!(facts.format, Format::PythonArchive | Format::Script),
        };
        if !fits {
            let why = format!("{} is {}, its manifest calls it {lane} code", self.file(), facts.format);
            let remedy = match (lane, facts.format) {
                (LaneKind::Wasm, Format::WasmModule) => {
                    "link it as a component (`wasm-component-ld`), or run `parfocal build`, which does"
                }
                _ => REBUILD,
            };
            return self.refuse(Code::WrongFormat, &why, remedy);
        }
        if let Some(damage) = &facts.damage {
            return self.refuse(Code::Damaged, &format!("{}: {damage}", self.file()), REBUILD);
        }
        match lane {
            LaneKind::Native => self.native(facts),
            LaneKind::Wasm => self.component(facts),
            // What a program speaks it says itself, when the host greets it.
            LaneKind::Program => Ok(()),
        }
    }

    fn native(&self, facts: &Facts) -> Checked<()> {
        let wanted = self.entry.target.as_ref().map_or("", |target| target.processor());
        let found = facts.processor.as_deref().unwrap_or("unknown");
        if found != wanted {
            let why = format!("{} is machine code for {found}, its manifest says {wanted}", self.file());
            let remedy = format!("install the plugin for {}, or one with WASM code", self.host.target);
            return self.refuse(Code::WrongTarget, &why, remedy);
        }
        if facts.shared == Some(false) {
            let why = format!("{} is an ELF file, but no shared library", self.file());
            return self.refuse(Code::WrongFormat, &why, "link it with `-shared -fPIC`");
        }
        if facts.exports.iter().any(|name| name == ENTRY_SYMBOL) {
            return Ok(());
        }
        let why = format!("{} does not export `{ENTRY_SYMBOL}`, which the host calls first", self.file());
        let remedy =
            "end the source with `export_plugin!` (Rust) or `PF_PLUGIN` (C), and do not strip that symbol";
        self.refuse(Code::EntryMissing, &why, remedy)
    }

    fn component(&self, facts: &Facts) -> Checked<()> {
        let package = format!("parfocal:{}/", parfocal_operator::INTERFACE);
        if facts.exports.iter().any(|name| name.starts_with(&package)) {
            return Ok(());
        }
        let interface = package.trim_end_matches('/');
        let why =
            format!("{} does not export an interface of `{interface}`, which the host calls", self.file());
        let remedy =
            "end the source with `export_plugin!`, or implement the world `plugin` of the WIT package";
        self.refuse(Code::EntryMissing, &why, remedy)
    }

    fn note<'f>(&self, facts: &'f Facts) -> Checked<&'f Note> {
        match &facts.note {
            NoteState::Read(note) => Ok(note),
            NoteState::Damaged(why) => {
                self.refuse(Code::NoteDamaged, &format!("{}: {why}", self.file()), REBUILD)
            }
            NoteState::Absent => {
                let why = format!("{} has no note that says what it was built for", self.file());
                let remedy =
                    "build it with the SDK, and do not strip the section `.parfocal` (in WASM `parfocal`)";
                self.refuse(Code::NoteMissing, &why, remedy)
            }
        }
    }

    /// The highest version of the interface `operator` that both sides speak.
    fn interface(&self) -> Checked<InterfaceVersion> {
        let name = parfocal_operator::INTERFACE;
        let offered: BTreeSet<_> = self
            .entry
            .interfaces
            .iter()
            .filter(|interface| interface.name == name)
            .map(|interface| interface.version)
            .collect();
        let spoken = self.host.interfaces.get(name).cloned().unwrap_or_default();
        if let Some(chosen) = offered.intersection(&spoken).max() {
            return Ok(*chosen);
        }
        let all = self.entry.interfaces.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let speaks = self.host.speaks(name);
        let (Some(oldest), Some(newest)) = (offered.first(), offered.last()) else {
            let why = format!("{} speaks {all}; this host knows {speaks} only", self.entry.path);
            return self.refuse(Code::InterfaceUnknown, &why, "update Parfocal");
        };
        let why = format!("{} was built for {all}, this host speaks {speaks}", self.entry.path);
        if spoken.last().is_none_or(|last| oldest > last) {
            return self.refuse(
                Code::InterfaceTooNew,
                &why,
                "update Parfocal, or install an older version of the plugin",
            );
        }
        if spoken.first().is_some_and(|first| newest < first) {
            let remedy = "install a newer version of the plugin, or ask its author to build it again";
            return self.refuse(Code::InterfaceTooOld, &format!("{why}: it is too old"), remedy);
        }
        let remedy =
            "install a version of the plugin that was built for one of them; a draft fits only itself";
        self.refuse(Code::InterfaceUnknown, &why, remedy)
    }

    fn agrees(&self, note: &Note) -> Checked<()> {
        let plugin = &self.manifest.plugin;
        let said: BTreeSet<_> = self.entry.interfaces.iter().map(ToString::to_string).collect();
        let noted: BTreeSet<_> =
            note.interfaces.iter().map(|(name, version)| format!("{name}/{version}")).collect();
        let list = |set: &BTreeSet<String>| set.iter().cloned().collect::<Vec<_>>().join(", ");
        let pairs = [
            ("id", plugin.id.to_string(), note.id.clone()),
            ("version", plugin.version.to_string(), note.version.clone()),
            ("interfaces", list(&said), list(&noted)),
        ];
        match pairs.into_iter().find(|(_, manifest, note)| manifest != note) {
            None => Ok(()),
            Some((what, manifest, note)) => {
                let why = format!(
                    "the {what} of the manifest is `{manifest}`, the code of {} says `{note}`",
                    self.entry.path
                );
                self.refuse(Code::NoteDisagrees, &why, REBUILD)
            }
        }
    }

    fn layout(&self, note: &Note) -> Checked<()> {
        // C code proves its layout when it is compiled, by the assertions in the header; WASM has no structs to share.
        if self.entry.lane != LaneKind::Native || note.language != "rust" {
            return Ok(());
        }
        let differences = layout::differences(note);
        if differences.is_empty() {
            return Ok(());
        }
        let shown = differences.iter().take(3).cloned().collect::<Vec<_>>().join("; ");
        let more = match differences.len() {
            0..=3 => String::new(),
            all => format!("; and {} more", all - 3),
        };
        let why =
            format!("{} was compiled against other structs than this host's: {shown}{more}", self.entry.path);
        let remedy = "build it with the SDK of the interface version that it names, unchanged";
        self.refuse(Code::LayoutDiffers, &why, remedy)
    }

    fn limits(&self) -> Limits {
        let wanted = self.manifest.limits;
        let usual = Limits::default();
        Limits {
            memory: wanted.memory.map_or(usual.memory, |size| size.0).min(self.host.ceiling.memory),
            call: wanted.call().unwrap_or(usual.call).min(self.host.ceiling.call),
        }
    }
}
