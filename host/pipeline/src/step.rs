//! What a caller says and gets: a step, the options of a run, its estimate and its result.

use std::{fmt, num::NonZeroUsize, path::PathBuf, sync::Arc, thread};

use parfocal_core::{CancelToken, Library, LibraryInfo, LogLine, RunServices};
use parfocal_image::{Extent, ImageSpec};
use parfocal_operator::{Descriptor, registry::unknown_operator};
use parfocal_types::{
    error::Result,
    parameter::Parameters,
    table::{Record, Table},
};

/// An operator of a loaded library, with its parameters.
#[derive(Clone)]
pub struct Step {
    /// Where the operator lives.
    pub library: Arc<dyn Library>,
    /// Id of the operator within the library.
    pub operator: String,
    /// All its parameters, checked against the descriptor.
    pub parameters: Parameters,
}

impl Step {
    /// The operator's description.
    ///
    /// # Errors
    /// `not-found` when the library has no such operator; the remedy lists those it has.
    pub fn descriptor(&self) -> Result<&Descriptor> {
        let operators = self.library.operators();
        operators.iter().find(|descriptor| descriptor.id == self.operator).ok_or_else(|| {
            let LibraryInfo { plugin, version, .. } = self.library.info();
            unknown_operator(&format!("{plugin} {version}"), &self.operator, operators)
        })
    }

    /// The name in messages: plugin, version and operator.
    #[must_use]
    pub fn label(&self) -> String {
        let LibraryInfo { plugin, version, .. } = self.library.info();
        format!("{plugin} {version}, operator `{}`", self.operator)
    }

    /// The name in label images, for example `org.parfocal.classical/connected-components 0.1.0`.
    #[must_use]
    pub fn finder(&self) -> String {
        let LibraryInfo { plugin, version, .. } = self.library.info();
        format!("{plugin}/{} {version}", self.operator)
    }
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Step").field("operator", &self.label()).field("parameters", &self.parameters).finish()
    }
}

/// Takes the lines that operators write: the operator's id, and the line. Called from any thread; must return soon.
pub type OperatorLog = dyn Fn(&str, &LogLine) + Send + Sync;

/// How to run.
#[derive(Clone)]
pub struct RunOptions {
    /// The most threads to use; fewer when the operator, the number of tiles or the memory asks for it.
    pub threads: usize,
    /// The most memory for tiles and for what operators declare that they need, in bytes. What sources, sinks and the
    /// tables keep comes on top.
    pub memory: u64,
    /// The size of a tile's work, where it shall not be chosen: along axes that may not be cut freely it is ignored.
    pub tile: Option<Extent>,
    /// Asks the run to stop; the result is then the error `cancelled`.
    pub cancel: CancelToken,
    /// Told the fraction that is done, 0 to 1, never falling, at most two hundred times a step, one call at a time from
    /// any of the threads; must return soon.
    pub progress: Option<Arc<dyn Fn(f64) + Send + Sync>>,
    /// Told of each line that an operator writes, with the operator's id, at once: also when the run fails later.
    pub log: Option<Arc<OperatorLog>>,
    /// For operators that draw random numbers.
    pub seed: u64,
    /// Where the intermediate images of chains lie; the system's folder for temporary files when `None`.
    pub scratch: Option<PathBuf>,
}

impl Default for RunOptions {
    /// As many threads as processors, 1 GiB.
    fn default() -> Self {
        Self {
            threads: thread::available_parallelism().map_or(1, NonZeroUsize::get),
            memory: 1 << 30,
            tile: None,
            cancel: CancelToken::default(),
            progress: None,
            log: None,
            seed: 0,
            scratch: None,
        }
    }
}

impl RunOptions {
    /// The services of a step.
    pub(crate) fn services(&self, step: &Step) -> RunServices {
        let services = RunServices::new(self.cancel.clone(), self.seed);
        let Some(listener) = self.log.clone() else { return services };
        let operator = step.operator.clone();
        services.telling(Arc::new(move |line| listener(&operator, line)))
    }
}

impl fmt::Debug for RunOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunOptions")
            .field("threads", &self.threads)
            .field("memory", &self.memory)
            .field("tile", &self.tile)
            .field("seed", &self.seed)
            .finish_non_exhaustive()
    }
}

/// How a run will go, known before it starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Estimate {
    /// Size of a tile's work, without halo.
    pub tile: Extent,
    /// How many tiles there are.
    pub tiles: u64,
    /// How often each tile is visited: 2 for a reduce operator with image outputs.
    pub passes: u64,
    /// Threads, each with its own instance.
    pub workers: usize,
    /// The most memory at a time: tiles, and what the operator declares for itself.
    pub peak_bytes: u64,
}

/// How a run went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// What was announced before the start.
    pub estimate: Estimate,
    /// The most memory that tiles really took, and what the operator declared for itself.
    pub peak_bytes: u64,
    /// The most bytes of partial results that waited to be merged.
    pub peak_partials: u64,
    /// The last lines that the operator wrote.
    pub log: Vec<LogLine>,
}

/// What a step gives.
#[derive(Debug, Clone, PartialEq)]
pub struct StepResult {
    /// Image outputs, each with the index of its port: what was written into the sinks.
    pub images: Vec<(usize, ImageSpec)>,
    /// Table outputs, each with the index of its port, one a port.
    pub tables: Vec<(usize, Table)>,
    /// Record outputs, each with the index of its port, one for each group.
    pub records: Vec<(usize, Record)>,
    /// How it went.
    pub report: Report,
}
