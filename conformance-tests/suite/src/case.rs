//! What a case is: data, and a function that can fail.

use std::{fmt, time::Duration};

use parfocal_operator::Descriptor;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    finding::Check,
    scene::Scene,
    status::{Badge, Level, Severity},
    subject::Subject,
    transport::Transport,
};

/// What a case is about; the first letters of its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Group {
    /// Manifest and package; nothing is executed.
    Man,
    /// Handshake and lifecycle.
    Abi,
    /// What operators mean.
    Opr,
    /// Capabilities are denied by default.
    Sec,
    /// Host and suite survive what plugins do.
    Rob,
    /// Speed, as declared.
    Prf,
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Man => "MAN",
            Self::Abi => "ABI",
            Self::Opr => "OPR",
            Self::Sec => "SEC",
            Self::Rob => "ROB",
            Self::Prf => "PRF",
        })
    }
}

/// How often a case runs for a plugin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Once: files only, no code is loaded.
    Package,
    /// Once for each transport of the plugin.
    Library,
    /// Once for each operator and transport.
    Operator,
    /// Once for each operator that can be reached through at least two transports; the case opens both itself.
    Transports,
}

/// Whether a case has something to say about a plugin or operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Applies {
    /// It does.
    Yes,
    /// The plugin does not declare what the case is about: a clause, "it has no parameters".
    NotDeclared(String),
    /// Parfocal does not have yet what the case is about: its name, "editions".
    NotYet(&'static str),
}

/// The function of a case.
#[derive(Clone, Copy)]
pub enum Run {
    /// Tries it.
    Written(fn(&mut Scene<'_>) -> Check),
    /// Nobody has written it: ends as a suite error, never as a pass.
    NotWritten,
}

/// One demand of the contract, and how it is tried.
#[derive(Clone, Copy)]
pub struct Case {
    /// Its number, for example `OPR-06`: the number of the sentence in the contract.
    pub id: &'static str,
    /// What it is about.
    pub group: Group,
    /// The level that it belongs to.
    pub level: Level,
    /// How much it matters.
    pub severity: Severity,
    /// One plain sentence, for lists.
    pub sentence: &'static str,
    /// What exactly is demanded and tried.
    pub demands: &'static str,
    /// Why it is demanded.
    pub why: &'static str,
    /// What an author does when it fails.
    pub fix: &'static str,
    /// How often it runs.
    pub scope: Scope,
    /// The transports that it can run on; those that need the plugin in their own address space name `Native` only.
    pub transports: &'static [Transport],
    /// Those of them on which it runs in profile `ci`. Few cases run in a worker there: native code is the same in both.
    pub quick: &'static [Transport],
    /// Time that it may take in profile `ci` on the reference machine.
    pub budget: Duration,
    /// The badge that it takes part in.
    pub badge: Option<Badge>,
    /// Whether it has something to say; the operator as the manifest describes it, for cases about operators.
    pub applies: fn(&Subject, Option<&Descriptor>) -> Applies,
    /// Tries it, in a child.
    pub run: Run,
}

impl Case {
    /// What cases have in common unless they say otherwise: a MUST of level L2 for each operator on every transport, with
    /// 40 s.
    pub(crate) const USUAL: Self = Self {
        id: "",
        group: Group::Opr,
        level: Level::L2,
        severity: Severity::Must,
        sentence: "",
        demands: "",
        why: "",
        fix: "",
        scope: Scope::Operator,
        transports: &Transport::ALL,
        quick: &[Transport::Native, Transport::Wasm, Transport::Program],
        budget: Duration::from_secs(40),
        badge: None,
        applies: always,
        run: Run::NotWritten,
    };
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Case").field("id", &self.id).finish_non_exhaustive()
    }
}

/// For cases that apply to everything in their scope.
pub(crate) fn always(_: &Subject, _: Option<&Descriptor>) -> Applies {
    Applies::Yes
}
