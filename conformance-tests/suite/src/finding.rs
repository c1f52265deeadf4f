//! What a case found.

use std::{collections::BTreeMap, fmt};

use parfocal_types::Error;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::status::Status;

/// How a case's function ends: either way with a finding. `?` ends it with one that speaks against the plugin, or says that
/// the case cannot be tried.
pub type Check = Result<Finding, Finding>;

/// One fact that helps to find the fault: where, with which parameters, what came and what was expected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Detail {
    /// What the fact is about, for example `tile` or `expected`.
    pub name: String,
    /// The fact. The same in every run with the same seed.
    pub value: String,
}

/// What a case found: a status, one sentence, the facts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// How the case ended.
    pub status: Status,
    /// One sentence for people.
    pub sentence: String,
    /// Facts that follow from the seed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<Detail>,
    /// Numbers that were measured, and facts that differ from run to run (addresses): kept out of the canonical report.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metrics: BTreeMap<String, f64>,
    /// As the metrics, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

impl Finding {
    /// A finding of this status.
    #[must_use]
    pub fn new(status: Status, sentence: impl Into<String>) -> Self {
        Self {
            status,
            sentence: sentence.into(),
            details: Vec::new(),
            metrics: BTreeMap::new(),
            notes: Vec::new(),
        }
    }

    /// All is well; the sentence says what was tried.
    #[must_use]
    pub fn pass(sentence: impl Into<String>) -> Self {
        Self::new(Status::Pass, sentence)
    }

    /// A SHOULD is not met.
    #[must_use]
    pub fn warn(sentence: impl Into<String>) -> Self {
        Self::new(Status::Warn, sentence)
    }

    /// The demand is not met.
    #[must_use]
    pub fn fail(sentence: impl Into<String>) -> Self {
        Self::new(Status::Fail, sentence)
    }

    /// The environment lacks something.
    #[must_use]
    pub fn skip(sentence: impl Into<String>) -> Self {
        Self::new(Status::Skip, sentence)
    }

    /// The plugin does not declare what the case is about.
    #[must_use]
    pub fn na(sentence: impl Into<String>) -> Self {
        Self::new(Status::Na, sentence)
    }

    /// The suite itself broke.
    #[must_use]
    pub fn suite_error(sentence: impl Into<String>) -> Self {
        Self::new(Status::SuiteError, sentence)
    }

    /// The same finding with a fact.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl fmt::Display) -> Self {
        self.details.push(Detail { name: name.to_owned(), value: value.to_string() });
        self
    }

    /// The same finding with a number that was measured.
    #[must_use]
    pub fn measured(mut self, name: &str, value: f64) -> Self {
        self.metrics.insert(name.to_owned(), value);
        self
    }

    /// The same finding with something that differs from run to run.
    #[must_use]
    pub fn noting(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }
}

/// Turns errors into findings.
pub(crate) trait OrFinding<T> {
    /// The plugin refused what it may not refuse: the case fails with this sentence and the plugin's own.
    fn or_fail(self, sentence: impl Into<String>) -> Result<T, Finding>;

    /// Something of the suite's own went wrong.
    fn or_suite_error(self, sentence: impl Into<String>) -> Result<T, Finding>;
}

impl<T> OrFinding<T> for Result<T, Error> {
    fn or_fail(self, sentence: impl Into<String>) -> Result<T, Finding> {
        self.map_err(|error| said(Finding::fail(sentence), &error))
    }

    fn or_suite_error(self, sentence: impl Into<String>) -> Result<T, Finding> {
        self.map_err(|error| said(Finding::suite_error(sentence), &error))
    }
}

/// The finding with what an error says.
pub(crate) fn said(finding: Finding, error: &Error) -> Finding {
    finding.with("error", error.kind().name()).with("message", error.message())
}
