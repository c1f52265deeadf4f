//! What is wrong with a manifest, and where.

use std::{fmt, ops::Range};

use parfocal_types::{Error, ErrorKind};

/// One thing that is wrong with a manifest: a sentence, what to do, and the place in the text.
///
/// Displayed as `line:column: sentence`; a program that shows the source line underneath uses
/// [`span`](Self::span).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestError(Box<Inner>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Inner {
    message: String,
    remedy: String,
    span: Option<Range<usize>>,
    line: usize,
    column: usize,
    newer: Option<(String, String)>,
}

impl ManifestError {
    pub(crate) fn at(
        text: &str,
        span: Range<usize>,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        let (line, column) = position(text, span.start);
        Self(Box::new(Inner {
            message: message.into(),
            remedy: remedy.into(),
            span: Some(span.start.min(text.len())..span.end.min(text.len())),
            line,
            column,
            newer: None,
        }))
    }

    pub(crate) fn whole(message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            message: message.into(),
            remedy: remedy.into(),
            span: None,
            line: 1,
            column: 1,
            newer: None,
        }))
    }

    /// Marks that the manifest is of a schema version that this crate does not read.
    pub(crate) fn of_version(mut self, need: i64, have: u32) -> Self {
        self.0.newer = Some((format!("manifest version {have}"), format!("manifest version {need}")));
        self
    }

    /// The sentence, without the place.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// What to do now.
    #[must_use]
    pub fn remedy(&self) -> &str {
        &self.0.remedy
    }

    /// The bytes of the text that are wrong; `None` when it is the text as a whole.
    #[must_use]
    pub fn span(&self) -> Option<Range<usize>> {
        self.0.span.clone()
    }

    /// The line, counted from 1.
    #[must_use]
    pub const fn line(&self) -> usize {
        self.0.line
    }

    /// The column in characters, counted from 1.
    #[must_use]
    pub const fn column(&self) -> usize {
        self.0.column
    }
}

impl fmt::Display for ManifestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.0.line, self.0.column, self.0.message)
    }
}

impl std::error::Error for ManifestError {}

impl From<ManifestError> for Error {
    /// `incompatible` for a manifest of another schema version, `invalid-argument` for everything else.
    fn from(error: ManifestError) -> Self {
        let kind = match &error.0.newer {
            Some((have, need)) => ErrorKind::Incompatible { have: have.clone(), need: need.clone() },
            None => ErrorKind::InvalidArgument,
        };
        Self::new(kind, error.to_string()).with_remedy(error.0.remedy.clone()).with_source(error)
    }
}

/// Line and column of a byte, both from 1; columns count characters.
fn position(text: &str, byte: usize) -> (usize, usize) {
    let mut end = byte.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let before = &text[..end];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

#[cfg(test)]
mod tests {
    use super::position;

    #[test]
    fn columns_count_characters_and_places_beyond_the_end_are_the_end() {
        assert_eq!(position("a\nµm = 1", 2), (2, 1));
        assert_eq!(position("a\nµm = 1", 4), (2, 2));
        assert_eq!(position("a\nµm", 3), (2, 1), "inside a character");
        assert_eq!(position("ab", 99), (1, 3));
    }
}
