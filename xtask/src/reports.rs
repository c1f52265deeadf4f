//! `cargo xtask reports`: whole reports of the conformance suite on the plugins of this repository, kept beside the
//! documentation and bound to what the plugins are made from; and the check that they still belong to it.

use std::collections::VecDeque;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::thread;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::Value;

use crate::check::Outcome;
use crate::plugins::{self, Built, PLUGINS, Plugin};
use crate::source::Sources;
use crate::tools::{self, Wanted};

/// Where reports are kept.
const FOLDER: &str = "docs/conformance/reports";
const INDEX: &str = "docs/conformance/reports/index.toml";
const HEAD: &str = "# Written by `cargo xtask reports`, which runs the suite for half an hour; `cargo xtask check` holds it against the \
                    plugins.\n";
/// The level that every plugin of this repository reaches.
const LEVEL: &str = "L3";

/// The kept reports.
#[derive(Debug, Default, Deserialize)]
struct Index {
    #[serde(default)]
    report: Vec<Entry>,
}

impl Index {
    fn to_toml(&self) -> String {
        let entry = |entry: &Entry| {
            let Entry { plugin, version, level, file, sha256, source_sha256 } = entry;
            format!(
                "\n[[report]]\nplugin = \"{plugin}\"\nversion = \"{version}\"\nlevel = \"{level}\"\nfile = \"{file}\"\n\
                 sha256 = \"{sha256}\"\nsource-sha256 = \"{source_sha256}\"\n"
            )
        };
        format!("{HEAD}{}", self.report.iter().map(entry).collect::<String>())
    }
}

/// One kept report.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Entry {
    plugin: String,
    version: String,
    /// The level that was reached.
    level: String,
    /// The file beside the index.
    file: String,
    sha256: String,
    /// The digest of what the plugin was made from.
    source_sha256: String,
}

/// What a manifest says of itself.
#[derive(Deserialize)]
struct Manifest {
    plugin: Name,
}

#[derive(Deserialize)]
struct Name {
    id: String,
    version: String,
}

impl Name {
    fn read(root: &Path, plugin: &Plugin) -> Result<Self> {
        let path = root.join(plugin.folder).join("plugin.toml");
        let text = fs::read_to_string(&path).with_context(|| format!("could not read {}", path.display()))?;
        let manifest: Manifest =
            toml::from_str(&text).with_context(|| format!("could not understand {}", path.display()))?;
        Ok(manifest.plugin)
    }
}

/// Builds the plugins, runs the whole suite on those whose id contains `only` (all when empty), and keeps the reports.
///
/// # Errors
/// When something does not build, or a plugin does not reach level 3: then its report is not kept.
pub fn command(root: &Path, wanted: &Wanted, only: &[String]) -> Result<()> {
    let tools = tools::install(root, wanted)?;
    let built = plugins::build(root, &tools)?;
    let sources = Sources::read(root)?;
    let mut waiting = VecDeque::new();
    for plugin in PLUGINS {
        let name = Name::read(root, plugin)?;
        if only.is_empty() || only.iter().any(|word| name.id.contains(word)) {
            waiting.push_back((name, sources.digest(plugin)?));
        }
    }
    let folder = root.join(FOLDER);
    fs::create_dir_all(&folder).with_context(|| format!("could not make {}", folder.display()))?;
    let python = tools.python.ready().cloned();
    let (waiting, done) = (Mutex::new(waiting), Mutex::new(Vec::new()));
    // A plugin's long cases run alone in the end: so there are as many plugins at once as processors, with a child each.
    let lanes = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..lanes {
            scope.spawn(|| {
                loop {
                    let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
                    let Some((name, source)) = next else { break };
                    let entry = one(&built, python.as_deref(), &folder, &name, source);
                    done.lock().unwrap_or_else(PoisonError::into_inner).push((name.id, entry));
                }
            });
        }
    });
    let mut index = read_index(root)?;
    let mut failed = Vec::new();
    for (id, entry) in done.into_inner().unwrap_or_else(PoisonError::into_inner) {
        match entry {
            Ok(entry) => {
                index.report.retain(|old| old.plugin != id);
                index.report.push(entry);
            }
            Err(error) => {
                eprintln!("{id}: {error:#}");
                failed.push(id);
            }
        }
    }
    index.report.sort_by(|one, other| one.plugin.cmp(&other.plugin));
    fs::write(root.join(INDEX), index.to_toml()).with_context(|| format!("could not write {INDEX}"))?;
    if !failed.is_empty() {
        bail!("no report was kept of {}", failed.join(", "));
    }
    Ok(())
}

/// Runs the suite on one plugin and keeps what it says.
fn one(built: &Built, python: Option<&Path>, folder: &Path, name: &Name, source: String) -> Result<Entry> {
    let Name { id, version } = name;
    let whole = folder.join(format!(".{id}.json"));
    let mut conform = Command::new(&built.program);
    conform.args(["conform", "--profile", "full", "--level", LEVEL, "--jobs", "1", "--report"]).arg(&whole);
    conform.arg(built.plugins.join(format!("{id}-{version}")));
    if let Some(python) = python {
        conform.env(plugins::PYTHON_VARIABLE, python);
    }
    let output = conform.output().context("could not start the suite")?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    print!("{said}");
    let text = fs::read_to_string(&whole).context("the suite wrote no report");
    let _ = fs::remove_file(&whole);
    if !output.status.success() {
        bail!("it does not reach {LEVEL}{}", String::from_utf8_lossy(&output.stderr));
    }
    let mut report: Value = serde_json::from_str(&text?).context("could not understand the report")?;
    // What each case took, and said on the way, is of the day; which machine it was is not.
    if let Some(timings) = report.pointer_mut("/measured/timings") {
        *timings = Value::Array(Vec::new());
    }
    let mut text = serde_json::to_string_pretty(&report)?;
    text.push('\n');
    let file = format!("{id}.json");
    fs::write(folder.join(&file), &text).with_context(|| format!("could not write {file}"))?;
    Ok(Entry {
        plugin: id.clone(),
        version: version.clone(),
        level: reached(&report).unwrap_or_default().to_owned(),
        file,
        sha256: tools::digest::of_bytes(text.as_bytes()),
        source_sha256: source,
    })
}

fn reached(report: &Value) -> Option<&str> {
    report.pointer("/summary/reached")?.as_str()
}

fn read_index(root: &Path) -> Result<Index> {
    match fs::read_to_string(root.join(INDEX)) {
        Ok(text) => toml::from_str(&text).with_context(|| format!("could not understand {INDEX}")),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Index::default()),
        Err(error) => Err(error).with_context(|| format!("could not read {INDEX}")),
    }
}

/// Holds the kept reports against the plugins: each has one, of level 3, from the whole suite, and of the source as it is.
///
/// # Errors
/// What does not hold, one line for each plugin.
pub fn check(root: &Path) -> Result<Outcome> {
    let sources = Sources::read(root)?;
    let index = read_index(root)?;
    let mut wrong = Vec::new();
    for plugin in PLUGINS {
        let name = Name::read(root, plugin)?;
        let entry = index.report.iter().find(|entry| entry.plugin == name.id);
        let problem = match entry {
            None => Some("has no kept report".to_owned()),
            Some(entry) => problem(root, &name, entry, &sources.digest(plugin)?)?,
        };
        wrong.extend(problem.map(|problem| format!("{} {problem}", name.id)));
    }
    if !wrong.is_empty() {
        bail!("{}\n  `cargo xtask reports` writes them anew, in half an hour", wrong.join("\n  "));
    }
    Ok(Outcome::Ok(format!(
        "{} plugins, each with a report of {LEVEL} that belongs to its source",
        PLUGINS.len()
    )))
}

fn problem(root: &Path, name: &Name, entry: &Entry, source: &str) -> Result<Option<String>> {
    let path: PathBuf = root.join(FOLDER).join(&entry.file);
    let Ok(bytes) = fs::read(&path) else { return Ok(Some(format!("lacks its report {}", entry.file))) };
    let report: Value =
        serde_json::from_slice(&bytes).with_context(|| format!("could not understand {}", entry.file))?;
    let text = |pointer: &str| report.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    Ok(if tools::digest::of_bytes(&bytes) != entry.sha256 {
        Some(format!("has a report, {}, that was changed since", entry.file))
    } else if text("/plugin/id") != name.id || text("/plugin/version") != name.version {
        Some(format!("is {} now, its report is of {}", name.version, text("/plugin/version")))
    } else if text("/configuration/profile") != "full" || text("/summary/reached").as_str() < LEVEL {
        Some(format!("has a report that grants {} only", text("/summary/reached")))
    } else if report
        .pointer("/configuration/weakened")
        .and_then(Value::as_array)
        .is_none_or(|all| !all.is_empty())
    {
        Some("has a report of a weakened run".to_owned())
    } else if entry.source_sha256 != source {
        Some(format!("was changed after its report, or the SDK was: its source is {source} now"))
    } else {
        None
    })
}
