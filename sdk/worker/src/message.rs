//! The messages, in both directions.
//!
//! A host sends one [`Request`] at a time and waits for its [`FromWorker::Done`] or [`FromWorker::Failed`]; meanwhile the worker
//! may send notes (log lines, tables, records). [`Call::Share`] and [`Call::Forget`] have no answer. Bytes that are not text
//! (partial results, conclusions, states) travel as the body of a message.

use std::collections::BTreeMap;

use parfocal_image::{DType, Extent, FrameFacts, ImageSpec, Region};
use parfocal_operator::{Descriptor, InputRegion, LogLevel, Plan};
use parfocal_types::{InterfaceVersion, table::Column, units::Unit};
use serde::{Deserialize, Serialize};

use crate::{
    failure::Failure,
    value::{Cell, Value},
};

/// What a host asks for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Request {
    /// The answer carries the same number. Rises with each request.
    pub id: u64,
    /// What to do.
    pub call: Call,
}

/// A call. Those on an instance are the methods of [`parfocal_operator::Operator`], in whose words they are specified.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum Call {
    /// The first call: which versions the host speaks. Carries the descriptor of the [control page](crate::control).
    /// Answer: [`Answer::Welcome`].
    Hello {
        /// Versions of this protocol.
        worker: Vec<InterfaceVersion>,
        /// Versions of the interface `operator`.
        operator: Vec<InterfaceVersion>,
        /// The id of the plugin that the host takes this for.
        plugin: String,
        /// Its version.
        version: String,
    },
    /// Shared memory that later calls refer to by its number. Carries its descriptor. No answer.
    Share {
        /// The number.
        memory: u64,
        /// Its bytes.
        length: u64,
        /// Whether the worker may write. Where it may not, the system refuses a writable mapping.
        writable: bool,
    },
    /// The worker unmaps this memory. No answer.
    Forget {
        /// Its number.
        memory: u64,
    },
    /// Makes an instance under a number that the host chose.
    Create {
        /// The number.
        instance: u32,
        /// The operator's id.
        operator: String,
        /// All its parameters.
        parameters: BTreeMap<String, Value>,
    },
    /// Ends an instance.
    Destroy {
        /// Its number.
        instance: u32,
    },
    /// Answer: [`Answer::Plan`].
    Plan {
        /// The instance.
        instance: u32,
        /// The seed of the run.
        seed: u64,
        /// The connected inputs, in the order of the ports.
        inputs: Vec<ConnectedInput>,
    },
    /// Answer: [`Answer::Regions`].
    RequiredInput {
        /// The instance.
        instance: u32,
        /// The part of the work.
        core: Region,
    },
    /// A new sequence starts.
    Reset {
        /// The instance.
        instance: u32,
        /// The seed of the run.
        seed: u64,
    },
    /// Computes output tiles.
    Run(Work),
    /// Computes a partial result, the body of the answer.
    Accumulate(Work),
    /// Joins two partial results, one after the other in the body; the result is the body of the answer.
    Merge {
        /// The instance.
        instance: u32,
        /// The seed of the run.
        seed: u64,
        /// How many bytes of the body are the first.
        left: u64,
    },
    /// Finishes the result in the body: rows and fields are sent as notes, the conclusion is the body of the answer.
    Finish {
        /// The instance.
        instance: u32,
        /// The seed of the run.
        seed: u64,
    },
    /// Takes the conclusion in the body.
    Conclude {
        /// The instance.
        instance: u32,
        /// The seed of the run.
        seed: u64,
    },
    /// The state is the body of the answer.
    Save {
        /// The instance.
        instance: u32,
        /// The seed of the run.
        seed: u64,
    },
    /// Takes the state in the body.
    Load {
        /// The instance.
        instance: u32,
        /// The seed of the run.
        seed: u64,
    },
}

impl Call {
    /// Its name, for messages.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Hello { .. } => "hello",
            Self::Share { .. } => "share",
            Self::Forget { .. } => "forget",
            Self::Create { .. } => "create",
            Self::Destroy { .. } => "destroy",
            Self::Plan { .. } => "plan",
            Self::RequiredInput { .. } => "required-input",
            Self::Reset { .. } => "reset",
            Self::Run(_) => "run",
            Self::Accumulate(_) => "accumulate",
            Self::Merge { .. } => "merge",
            Self::Finish { .. } => "finish",
            Self::Conclude { .. } => "conclude",
            Self::Save { .. } => "save",
            Self::Load { .. } => "load",
        }
    }

    /// Whether its answer may have a body.
    #[must_use]
    pub const fn answers_with_bytes(&self) -> bool {
        matches!(self, Self::Accumulate(_) | Self::Merge { .. } | Self::Finish { .. } | Self::Save { .. })
    }
}

/// An image that is connected to an input port.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ConnectedInput {
    /// The number of the port.
    pub port: u32,
    /// Everything about the image but its pixels.
    pub spec: ImageSpec,
}

/// The tiles of one call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Work {
    /// The instance.
    pub instance: u32,
    /// The seed of the run.
    pub seed: u64,
    /// The part of the work.
    pub core: Region,
    /// One for each connected input, in the order of the ports.
    pub inputs: Vec<Tile>,
    /// One for each image output, in the order of the ports; none for `accumulate`.
    #[serde(default)]
    pub outputs: Vec<Tile>,
}

/// Pixels in shared memory.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Tile {
    /// The number of the port.
    pub port: u32,
    /// Type of the pixels, little-endian.
    pub dtype: DType,
    /// Where they lie in their image.
    pub region: Region,
    /// Distance between neighbours along T C Z Y, in pixels; along X it is 1.
    pub strides: [u64; 4],
    /// Extent of the whole image.
    pub full: Extent,
    /// The memory that they lie in.
    pub memory: u64,
    /// Where the first pixel lies in the memory, in bytes.
    pub offset: u64,
    /// Bytes from the first pixel to the end of the last.
    pub length: u64,
    /// Facts of planes that were not known when the plan was made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub frames: Vec<FrameFacts>,
}

/// What a worker says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum FromWorker {
    /// A call succeeded.
    Done {
        /// The number of the request.
        id: u64,
        /// What was asked for.
        #[serde(default, skip_serializing_if = "Answer::is_nothing")]
        answer: Answer,
    },
    /// A call failed.
    Failed {
        /// The number of the request.
        id: u64,
        /// Why.
        error: Failure,
    },
    /// A line for the host's log.
    Log {
        /// How much it matters.
        level: LogLevel,
        /// The text.
        text: String,
    },
    /// The columns of a table output, during `finish`, once, before its rows.
    Columns {
        /// The number of the port.
        port: u32,
        /// The columns.
        columns: Vec<Column>,
    },
    /// Rows of a table output, during `finish`.
    Rows {
        /// The number of the port.
        port: u32,
        /// The rows, each as long as there are columns.
        rows: Vec<Vec<Cell>>,
    },
    /// A value of a record output, during `finish`.
    Field {
        /// The number of the port.
        port: u32,
        /// The name in `snake_case`.
        name: String,
        /// The unit of the value.
        unit: Unit,
        /// The value.
        value: Value,
    },
}

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum Answer {
    /// Nothing but success, and perhaps the body.
    #[default]
    Nothing,
    /// To `hello`.
    Welcome {
        /// The version of this protocol that the worker chose from the host's.
        worker: InterfaceVersion,
        /// The version of the interface `operator` that it chose.
        operator: InterfaceVersion,
        /// The plugin's own id.
        plugin: String,
        /// Its own version.
        version: String,
        /// What its operators declare, as in `plugin.toml`.
        operators: Vec<Descriptor>,
    },
    /// To `plan`.
    Plan(Box<Plan>),
    /// To `required-input`: one for each connected input.
    Regions(Vec<InputRegion>),
}

impl Answer {
    fn is_nothing(&self) -> bool {
        *self == Self::Nothing
    }
}

#[cfg(test)]
mod tests {
    use parfocal_operator::Tiling;

    use super::*;

    #[test]
    fn the_forms_in_the_documentation_are_these() {
        let request = Request { id: 7, call: Call::Destroy { instance: 1 } };
        assert_eq!(serde_json::to_string(&request).unwrap(), r#"{"id":7,"call":{"destroy":{"instance":1}}}"#);
        let done = FromWorker::Done { id: 7, answer: Answer::Nothing };
        assert_eq!(serde_json::to_string(&done).unwrap(), r#"{"done":{"id":7}}"#);
        assert_eq!(serde_json::from_str::<FromWorker>(r#"{"done":{"id":7}}"#).unwrap(), done);
    }

    #[test]
    fn a_plan_survives_with_its_largest_numbers() {
        let spec = ImageSpec::new(Extent::new(1, 2, 3, 4, 5), DType::U16);
        let plan = Plan::like(&spec).tiled(parfocal_image::Axis::T, Tiling::InOrder);
        let done = FromWorker::Done { id: u64::MAX, answer: Answer::Plan(Box::new(plan)) };
        let text = serde_json::to_string(&done).unwrap();
        assert_eq!(serde_json::from_str::<FromWorker>(&text).unwrap(), done, "{text}");
    }
}
