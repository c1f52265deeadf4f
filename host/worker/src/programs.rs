//! The lane for programs: the worker lane with the interpreter that this computer has.

use std::sync::Arc;

use parfocal_core::{Artifact, Lane, Library};
use parfocal_types::Result;

use crate::{
    interpreter::{ARGUMENTS, Python},
    lane::{Runner, WorkerLane, WorkerOptions},
};

/// Runs programs in Python, each instance in a process of its own. The interpreter is looked for when the first program is
/// loaded: a host without programs needs none.
pub struct ProgramLane {
    options: WorkerOptions,
    python: Option<Python>,
}

impl ProgramLane {
    /// A lane whose workers run so.
    #[must_use]
    pub fn new(options: WorkerOptions) -> Self {
        Self { options, python: None }
    }

    /// A lane whose programs run in this interpreter.
    #[must_use]
    pub fn with_python(options: WorkerOptions, python: Python) -> Self {
        Self { options, python: Some(python) }
    }
}

impl Lane for ProgramLane {
    fn name(&self) -> &'static str {
        "program"
    }

    /// # Errors
    /// `missing-runtime` without a Python that will do; else those of [`WorkerLane`].
    fn load(&self, artifact: &Artifact) -> Result<Arc<dyn Library>> {
        let python = match &self.python {
            Some(python) => python.clone(),
            None => Python::find().map_err(|error| error.with_origin(artifact.label()))?,
        };
        let runner = Runner::Interpreter {
            program: python.program,
            arguments: ARGUMENTS.iter().map(|argument| (*argument).to_owned()).collect(),
            readable: python.readable,
        };
        WorkerLane::for_programs(self.options.clone(), runner).load(artifact)
    }
}
