//! One taxonomy for programs, one sentence for people.
//!
//! A program looks at [`ErrorKind`]; a person reads [`Error`]'s message (which thing, doing what, why) and its
//! remedy (what to do now). The device vendor's own code and raw reply are kept in the kind.

use core::fmt;

/// `Result` with Parfocal's [`Error`].
pub type Result<T, E = Error> = core::result::Result<T, E>;

/// What went wrong, for programs. The wire code of a kind never changes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The thing exists, but this build, file feature or plugin does not do it.
    NotSupported {
        /// The feature that is not supported, named as its standard names it.
        what: String,
    },
    /// No such file, plugin, operator, channel or device.
    NotFound,
    /// An argument is of the wrong form.
    InvalidArgument,
    /// A number lies outside its declared limits.
    OutOfRange {
        /// Smallest value accepted.
        min: String,
        /// Largest value accepted.
        max: String,
        /// The value given.
        got: String,
    },
    /// A property can be read only.
    ReadOnly,
    /// A property cannot change now (armed, acquiring).
    Locked,
    /// The call is legal in another state.
    BadState {
        /// The state the call needs.
        need: String,
        /// The state there is.
        is: String,
    },
    /// Called from a thread that the contract forbids.
    WrongThread,
    /// Somebody else uses it.
    Busy,
    /// It did not answer in time.
    Timeout {
        /// The time allowed, in milliseconds.
        ms: u64,
    },
    /// The user or the host asked to stop.
    Cancelled,
    /// The device or connection is gone.
    Lost,
    /// The other side answered something that its protocol does not allow.
    Protocol {
        /// The reply as it came.
        raw: String,
    },
    /// The device reports a fault of its own.
    DeviceFault {
        /// The vendor's code, kept as it came.
        code: String,
    },
    /// A safety interlock is open.
    Interlock,
    /// A limit switch or soft limit was reached.
    LimitHit,
    /// The reader was too slow.
    BufferOverflow {
        /// How many items were lost.
        dropped: u64,
    },
    /// Part of the data did not arrive.
    DataIncomplete {
        /// What is missing.
        missing: String,
    },
    /// Not granted by the user or not asked for in the manifest.
    PermissionDenied {
        /// The permission that is missing.
        permission: String,
    },
    /// Two sides speak different versions.
    Incompatible {
        /// What is there.
        have: String,
        /// What is needed.
        need: String,
    },
    /// A runtime or library that has to be installed is absent.
    MissingRuntime {
        /// The thing that is missing.
        what: String,
        /// Where to get it.
        r#where: String,
    },
    /// The data do not support the use that was asked for.
    Unfit {
        /// The supports that the use needs.
        needs: String,
        /// The pixel class there is.
        class: String,
    },
    /// More memory is needed than allowed or present.
    OutOfMemory {
        /// Bytes needed.
        need: u64,
        /// Bytes allowed.
        budget: u64,
    },
    /// Bytes do not form what they claim to be.
    Corrupt {
        /// The part that is corrupt.
        what: String,
    },
    /// The process or instance that ran the plugin is gone.
    PluginDied {
        /// The signal, trap or exit status.
        signal: String,
    },
    /// A defect of the program that reports it.
    Internal,
}

/// Details of a kind as they travel between host and plugin: name and text.
pub type Details = Vec<(&'static str, String)>;

impl ErrorKind {
    /// The name in documents and reports, for example `out-of-range`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::NotSupported { .. } => "not-supported",
            Self::NotFound => "not-found",
            Self::InvalidArgument => "invalid-argument",
            Self::OutOfRange { .. } => "out-of-range",
            Self::ReadOnly => "read-only",
            Self::Locked => "locked",
            Self::BadState { .. } => "bad-state",
            Self::WrongThread => "wrong-thread",
            Self::Busy => "busy",
            Self::Timeout { .. } => "timeout",
            Self::Cancelled => "cancelled",
            Self::Lost => "lost",
            Self::Protocol { .. } => "protocol",
            Self::DeviceFault { .. } => "device-fault",
            Self::Interlock => "interlock",
            Self::LimitHit => "limit-hit",
            Self::BufferOverflow { .. } => "buffer-overflow",
            Self::DataIncomplete { .. } => "data-incomplete",
            Self::PermissionDenied { .. } => "permission-denied",
            Self::Incompatible { .. } => "incompatible",
            Self::MissingRuntime { .. } => "missing-runtime",
            Self::Unfit { .. } => "unfit",
            Self::OutOfMemory { .. } => "out-of-memory",
            Self::Corrupt { .. } => "corrupt",
            Self::PluginDied { .. } => "plugin-died",
            Self::Internal => "internal",
        }
    }

    /// The status code of the native and WASM interfaces; 0 is success.
    #[must_use]
    pub const fn code(&self) -> i32 {
        match self {
            Self::NotSupported { .. } => 1,
            Self::NotFound => 2,
            Self::InvalidArgument => 3,
            Self::OutOfRange { .. } => 4,
            Self::ReadOnly => 5,
            Self::Locked => 6,
            Self::BadState { .. } => 7,
            Self::WrongThread => 8,
            Self::Busy => 9,
            Self::Timeout { .. } => 10,
            Self::Cancelled => 11,
            Self::Lost => 12,
            Self::Protocol { .. } => 13,
            Self::DeviceFault { .. } => 14,
            Self::Interlock => 15,
            Self::LimitHit => 16,
            Self::BufferOverflow { .. } => 17,
            Self::DataIncomplete { .. } => 18,
            Self::PermissionDenied { .. } => 19,
            Self::Incompatible { .. } => 20,
            Self::MissingRuntime { .. } => 21,
            Self::Unfit { .. } => 22,
            Self::OutOfMemory { .. } => 23,
            Self::Corrupt { .. } => 24,
            Self::PluginDied { .. } => 25,
            Self::Internal => 26,
        }
    }

    /// The kind's fields as names and texts, for the wire.
    #[must_use]
    pub fn details(&self) -> Details {
        match self {
            Self::NotSupported { what } | Self::Corrupt { what } => vec![("what", what.clone())],
            Self::OutOfRange { min, max, got } => {
                vec![("min", min.clone()), ("max", max.clone()), ("got", got.clone())]
            }
            Self::BadState { need, is } => vec![("need", need.clone()), ("is", is.clone())],
            Self::Timeout { ms } => vec![("ms", ms.to_string())],
            Self::Protocol { raw } => vec![("raw", raw.clone())],
            Self::DeviceFault { code } => vec![("code", code.clone())],
            Self::BufferOverflow { dropped } => vec![("dropped", dropped.to_string())],
            Self::DataIncomplete { missing } => vec![("missing", missing.clone())],
            Self::PermissionDenied { permission } => vec![("permission", permission.clone())],
            Self::Incompatible { have, need } => vec![("have", have.clone()), ("need", need.clone())],
            Self::MissingRuntime { what, r#where } => {
                vec![("what", what.clone()), ("where", r#where.clone())]
            }
            Self::Unfit { needs, class } => vec![("needs", needs.clone()), ("class", class.clone())],
            Self::OutOfMemory { need, budget } => {
                vec![("need", need.to_string()), ("budget", budget.to_string())]
            }
            Self::PluginDied { signal } => vec![("signal", signal.clone())],
            _ => Vec::new(),
        }
    }

    /// The kind with this wire code; fields that `details` lacks stay empty, an unknown code is
    /// [`Internal`](Self::Internal).
    #[must_use]
    pub fn from_wire(code: i32, details: &[(String, String)]) -> Self {
        let text = |name: &str| {
            details.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone()).unwrap_or_default()
        };
        let number = |name: &str| text(name).parse().unwrap_or(0);
        match code {
            1 => Self::NotSupported { what: text("what") },
            2 => Self::NotFound,
            3 => Self::InvalidArgument,
            4 => Self::OutOfRange { min: text("min"), max: text("max"), got: text("got") },
            5 => Self::ReadOnly,
            6 => Self::Locked,
            7 => Self::BadState { need: text("need"), is: text("is") },
            8 => Self::WrongThread,
            9 => Self::Busy,
            10 => Self::Timeout { ms: number("ms") },
            11 => Self::Cancelled,
            12 => Self::Lost,
            13 => Self::Protocol { raw: text("raw") },
            14 => Self::DeviceFault { code: text("code") },
            15 => Self::Interlock,
            16 => Self::LimitHit,
            17 => Self::BufferOverflow { dropped: number("dropped") },
            18 => Self::DataIncomplete { missing: text("missing") },
            19 => Self::PermissionDenied { permission: text("permission") },
            20 => Self::Incompatible { have: text("have"), need: text("need") },
            21 => Self::MissingRuntime { what: text("what"), r#where: text("where") },
            22 => Self::Unfit { needs: text("needs"), class: text("class") },
            23 => Self::OutOfMemory { need: number("need"), budget: number("budget") },
            24 => Self::Corrupt { what: text("what") },
            25 => Self::PluginDied { signal: text("signal") },
            _ => Self::Internal,
        }
    }
}

/// An error: a kind for programs, a sentence and a remedy for people, and whose it is.
///
/// ```
/// use parfocal_types::{Error, ErrorKind};
/// let error = Error::new(ErrorKind::NotFound, "no channel `DAPI` in cells.tif")
///     .with_remedy("`parfocal image info cells.tif` lists the channels");
/// assert_eq!(error.kind().name(), "not-found");
/// assert_eq!(error.to_string(), "no channel `DAPI` in cells.tif");
/// ```
#[derive(Debug)]
pub struct Error(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: ErrorKind,
    message: String,
    remedy: Option<String>,
    origin: Option<String>,
    source: Option<Box<dyn core::error::Error + Send + Sync>>,
}

impl Error {
    /// An error of `kind` whose `message` says which thing, doing what, and why.
    #[must_use]
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner { kind, message: message.into(), remedy: None, origin: None, source: None }))
    }

    /// A feature that is not supported; `what` names it as its standard does.
    #[must_use]
    pub fn not_supported(what: impl Into<String>) -> Self {
        let what = what.into();
        let message = format!("not supported: {what}");
        Self::new(ErrorKind::NotSupported { what }, message)
    }

    /// Something that was named does not exist.
    #[must_use]
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::NotFound, message)
    }

    /// An argument of the wrong form.
    #[must_use]
    pub fn invalid_argument(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidArgument, message)
    }

    /// Bytes that do not form what they claim; `what` names the part.
    #[must_use]
    pub fn corrupt(what: impl Into<String>) -> Self {
        let what = what.into();
        let message = format!("corrupt: {what}");
        Self::new(ErrorKind::Corrupt { what }, message)
    }

    /// The user or the host asked to stop.
    #[must_use]
    pub fn cancelled() -> Self {
        Self::new(ErrorKind::Cancelled, "stopped on request")
    }

    /// A defect of the program that reports it.
    #[must_use]
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Internal, message)
    }

    /// Adds what the user can do now, as an imperative phrase.
    #[must_use]
    pub fn with_remedy(mut self, remedy: impl Into<String>) -> Self {
        self.0.remedy = Some(remedy.into());
        self
    }

    /// Adds whose error it is: a plugin, device or file.
    #[must_use]
    pub fn with_origin(mut self, origin: impl Into<String>) -> Self {
        self.0.origin = Some(origin.into());
        self
    }

    /// Adds the error that caused this one.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn core::error::Error + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Puts `context` before the message: "reading cells.tif: corrupt: strip 3".
    #[must_use]
    pub fn context(mut self, context: impl fmt::Display) -> Self {
        self.0.message = format!("{context}: {}", self.0.message);
        self
    }

    /// Puts each of its texts through a function: the sentence, the remedy and the texts of the kind. Origin and source stay.
    #[must_use]
    pub fn map_texts(mut self, map: impl Fn(&str) -> String) -> Self {
        let details: Vec<_> = self.0.kind.details();
        let details: Vec<_> = details.into_iter().map(|(name, text)| (name.to_owned(), map(&text))).collect();
        self.0.kind = ErrorKind::from_wire(self.0.kind.code(), &details);
        self.0.message = map(&self.0.message);
        self.0.remedy = self.0.remedy.as_deref().map(map);
        self
    }

    /// What went wrong, for programs.
    #[must_use]
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// The sentence, without the origin.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// What the user can do now.
    #[must_use]
    pub fn remedy(&self) -> Option<&str> {
        self.0.remedy.as_deref()
    }

    /// The plugin, device or file that the error belongs to.
    #[must_use]
    pub fn origin(&self) -> Option<&str> {
        self.0.origin.as_deref()
    }

    /// Whether trying the same again may succeed without changing anything.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self.0.kind, ErrorKind::Busy | ErrorKind::Timeout { .. } | ErrorKind::BufferOverflow { .. })
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.origin {
            Some(origin) => write!(f, "{origin}: {}", self.0.message),
            None => f.write_str(&self.0.message),
        }
    }
}

impl core::error::Error for Error {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn core::error::Error + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one_of_each() -> Vec<ErrorKind> {
        let t = || "x".to_owned();
        vec![
            ErrorKind::NotSupported { what: t() },
            ErrorKind::NotFound,
            ErrorKind::InvalidArgument,
            ErrorKind::OutOfRange { min: t(), max: t(), got: t() },
            ErrorKind::ReadOnly,
            ErrorKind::Locked,
            ErrorKind::BadState { need: t(), is: t() },
            ErrorKind::WrongThread,
            ErrorKind::Busy,
            ErrorKind::Timeout { ms: 7 },
            ErrorKind::Cancelled,
            ErrorKind::Lost,
            ErrorKind::Protocol { raw: t() },
            ErrorKind::DeviceFault { code: t() },
            ErrorKind::Interlock,
            ErrorKind::LimitHit,
            ErrorKind::BufferOverflow { dropped: 3 },
            ErrorKind::DataIncomplete { missing: t() },
            ErrorKind::PermissionDenied { permission: t() },
            ErrorKind::Incompatible { have: t(), need: t() },
            ErrorKind::MissingRuntime { what: t(), r#where: t() },
            ErrorKind::Unfit { needs: t(), class: t() },
            ErrorKind::OutOfMemory { need: 2, budget: 1 },
            ErrorKind::Corrupt { what: t() },
            ErrorKind::PluginDied { signal: t() },
            ErrorKind::Internal,
        ]
    }

    #[test]
    fn every_kind_survives_the_wire() {
        let kinds = one_of_each();
        for (index, kind) in kinds.iter().enumerate() {
            assert_eq!(kind.code(), index as i32 + 1, "codes are the order of the taxonomy");
            let details: Vec<_> = kind.details().into_iter().map(|(k, v)| (k.to_owned(), v)).collect();
            assert_eq!(&ErrorKind::from_wire(kind.code(), &details), kind);
        }
    }

    #[test]
    fn every_text_of_an_error_can_be_changed() {
        for kind in one_of_each() {
            let error = Error::new(kind.clone(), "xx").with_remedy("axa").with_origin("x");
            let same = error.map_texts(str::to_owned);
            assert_eq!(same.kind(), &kind);
            let error = same.map_texts(|text| text.replace('x', "y"));
            assert_eq!((error.message(), error.remedy(), error.origin()), ("yy", Some("aya"), Some("x")));
            assert!(error.kind().details().iter().all(|(_, text)| !text.contains('x')), "{:?}", error.kind());
        }
    }

    #[test]
    fn an_unknown_code_is_an_internal_error() {
        assert_eq!(ErrorKind::from_wire(999, &[]), ErrorKind::Internal);
        assert_eq!(ErrorKind::from_wire(-1, &[]), ErrorKind::Internal);
    }

    #[test]
    fn context_reads_as_a_sentence() {
        let error = Error::corrupt("strip 3 of page 1").context("reading cells.tif").with_origin("host");
        assert_eq!(error.to_string(), "host: reading cells.tif: corrupt: strip 3 of page 1");
    }
}
