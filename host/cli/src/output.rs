//! What people and programs see.

use std::{
    io::{IsTerminal, Write},
    process::ExitCode,
};

use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteDiagnostic, NamedSource, Report};
use parfocal_catalog::{Package, Rejection};
use parfocal_types::{Error, ErrorKind, Result};
use serde::Serialize;

/// How results are shown.
#[derive(Debug)]
pub(crate) struct Output {
    /// One JSON document instead of text.
    pub(crate) json: bool,
    /// No progress bars.
    pub(crate) quiet: bool,
    /// Everything that operators say, not their warnings only.
    pub(crate) verbose: bool,
}

/// An error as programs get it.
#[derive(Debug, Serialize)]
pub(crate) struct ErrorReport {
    kind: &'static str,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    causes: Vec<String>,
}

impl From<&Error> for ErrorReport {
    fn from(error: &Error) -> Self {
        Self {
            kind: error.kind().name(),
            message: error.to_string(),
            remedy: error.remedy().map(str::to_owned),
            causes: causes(error),
        }
    }
}

impl ErrorReport {
    /// The sentence.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }
}

fn causes(error: &Error) -> Vec<String> {
    let mut causes = Vec::new();
    let mut next = std::error::Error::source(error);
    while let Some(cause) = next {
        causes.push(cause.to_string());
        next = cause.source();
    }
    causes
}

/// The exit code of an error: 2 for a command line that asks for something impossible, else 1.
fn exit_code(error: &Error) -> ExitCode {
    match error.kind() {
        ErrorKind::InvalidArgument | ErrorKind::OutOfRange { .. } => ExitCode::from(2),
        _ => ExitCode::FAILURE,
    }
}

impl Output {
    /// Prints text, unless JSON was asked for.
    pub(crate) fn text(&self, text: impl std::fmt::Display) {
        if !self.json {
            print(&format!("{text}\n"));
        }
    }

    /// Prints the document, when JSON was asked for.
    pub(crate) fn document(&self, document: &impl Serialize) -> Result<()> {
        if self.json {
            let text = serde_json::to_string_pretty(document)
                .map_err(|error| Error::internal(format!("a result cannot be written as JSON: {error}")))?;
            print(&format!("{text}\n"));
        }
        Ok(())
    }

    /// Shows an error, and gives the exit code.
    pub(crate) fn failure(&self, error: &Error) -> ExitCode {
        if self.json {
            let document = serde_json::json!({ "error": ErrorReport::from(error) });
            print(&format!("{document:#}\n"));
        } else {
            show(&diagnostic(error), None);
        }
        exit_code(error)
    }

    /// Shows an error of one of several images; the others go on.
    pub(crate) fn warning(&self, error: &Error) {
        if !self.json {
            show(&diagnostic(error), None);
        }
    }

    /// Shows a line that is no error of its own.
    pub(crate) fn remark(&self, text: impl std::fmt::Display) {
        if !self.json {
            let _ = std::io::stderr().write_all(format!("{text}\n").as_bytes());
        }
    }

    /// Shows why a plugin is not used, with the place in its manifest.
    pub(crate) fn refusal(&self, package: &Package, rejection: &Rejection) {
        if self.json {
            return;
        }
        let mut diagnostic =
            MietteDiagnostic::new(rejection.message.clone()).with_help(rejection.remedy.clone());
        let span = rejection.place.as_ref().and_then(|place| place.span.clone());
        let source = span.map(|span| {
            diagnostic.labels = Some(vec![LabeledSpan::at(span, "here")]);
            NamedSource::new(package.manifest_path.display().to_string(), package.text.clone())
                .with_language("TOML")
        });
        show(&diagnostic, source);
    }
}

/// Whether progress may be drawn.
pub(crate) fn interactive() -> bool {
    std::io::stderr().is_terminal()
}

/// Writes to standard output; a reader that went away (`| head`) is no error.
pub(crate) fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

fn diagnostic(error: &Error) -> MietteDiagnostic {
    let mut message = error.to_string();
    for cause in causes(error) {
        if !message.contains(&cause) {
            message.push_str(": ");
            message.push_str(&cause);
        }
    }
    let diagnostic = MietteDiagnostic::new(message);
    match error.remedy() {
        Some(remedy) => diagnostic.with_help(remedy),
        None => diagnostic,
    }
}

fn show(diagnostic: &MietteDiagnostic, source: Option<NamedSource<String>>) {
    let colour = interactive() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let theme = if colour { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let handler = GraphicalReportHandler::new_themed(theme).with_width(100);
    let report = Report::from(diagnostic.clone());
    let report = match source {
        Some(source) => report.with_source_code(source),
        None => report,
    };
    let mut text = String::new();
    if handler.render_report(&mut text, report.as_ref()).is_ok() {
        let _ = std::io::stderr().write_all(text.as_bytes());
    }
}
