//! JUnit XML, which build servers show.

use std::fmt::Write;

use super::{CaseResult, Report};
use crate::{cases::case, status::Status};

/// The report as JUnit XML: one suite, a test for each result. What was not tried is `skipped` with its reason.
#[must_use]
pub fn junit(report: &Report) -> String {
    let count = |statuses: &[Status]| {
        report.results.iter().filter(|result| statuses.contains(&result.status)).count()
    };
    let name = escaped(&format!("{} {}", report.plugin.id, report.plugin.version.as_deref().unwrap_or("")));
    let failures = count(&[Status::Fail, Status::Crash, Status::Timeout]);
    let errors = count(&[Status::SuiteError]);
    let skipped = count(&[Status::Skip, Status::Na, Status::Waived]);
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    let _ = writeln!(
        xml,
        "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"{skipped}\">",
        name.trim(),
        report.results.len(),
    );
    for result in &report.results {
        test(&mut xml, report, result);
    }
    xml.push_str("  </testsuite>\n</testsuites>\n");
    xml
}

fn test(xml: &mut String, report: &Report, result: &CaseResult) {
    let place = result.place();
    let name = if place.is_empty() { result.case.clone() } else { format!("{} ({place})", result.case) };
    let seconds = report.timing(result).map_or(0.0, |timing| timing.seconds);
    let _ = write!(
        xml,
        "    <testcase classname=\"{}\" name=\"{}\" time=\"{seconds:.3}\"",
        escaped(&report.plugin.id),
        escaped(&name)
    );
    let message = escaped(&result.sentence);
    let body = escaped(&body(result));
    let _ = match result.status {
        Status::Pass => writeln!(xml, "/>"),
        Status::Warn => writeln!(xml, ">\n      <system-out>{message}\n{body}</system-out>\n    </testcase>"),
        Status::Fail | Status::Crash | Status::Timeout => writeln!(
            xml,
            ">\n      <failure type=\"{}\" message=\"{message}\">{body}</failure>\n    </testcase>",
            result.status
        ),
        Status::SuiteError => {
            writeln!(
                xml,
                ">\n      <error type=\"suite-error\" message=\"{message}\">{body}</error>\n    </testcase>"
            )
        }
        Status::Skip | Status::Na | Status::Waived => {
            writeln!(xml, ">\n      <skipped message=\"{}: {message}\"/>\n    </testcase>", result.status)
        }
    };
}

fn body(result: &CaseResult) -> String {
    let mut body = String::new();
    for detail in &result.details {
        let _ = writeln!(body, "{}: {}", detail.name, detail.value);
    }
    if let Some(case) = case(&result.case) {
        let _ = writeln!(body, "demanded: {}\nfix: {}", case.sentence, case.fix);
    }
    body
}

/// Text in XML; what XML cannot hold becomes a replacement character.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push_str("&#10;"),
            '\t' => out.push(' '),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}
