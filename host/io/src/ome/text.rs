//! Text that may stand in XML 1.0.

use std::borrow::Cow;

/// Whether XML 1.0 allows the character.
fn is_allowed(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

/// `text` as it can stand in an attribute or element: what XML reserves is escaped, what it forbids (control
/// characters) becomes U+FFFD. Everything else, `µ` above all, stays raw: Bio-Formats does not take `&#181;m` for a
/// unit.
pub(crate) fn escape(text: &str) -> Cow<'_, str> {
    let plain = |c: char| is_allowed(c) && !matches!(c, '&' | '<' | '>' | '"' | '\'' | '\t' | '\n' | '\r');
    if text.chars().all(plain) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(escape_some(text, true))
}

/// As [`escape`], for the inside of an element, where quotation marks and line ends may stay.
pub(crate) fn escape_element(text: &str) -> String {
    escape_some(text, false)
}

fn escape_some(text: &str, attribute: bool) -> String {
    let mut escaped = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' if attribute => escaped.push_str("&quot;"),
            '\'' if attribute => escaped.push_str("&apos;"),
            // What a reader makes of them in an attribute; as references Bio-Formats would show them as ` #10;`.
            '\t' | '\n' | '\r' if attribute => escaped.push(' '),
            '\r' => escaped.push_str("&#13;"),
            other => escaped.push(if is_allowed(other) { other } else { '\u{fffd}' }),
        }
    }
    escaped
}

/// What a reader gets back for `text` that was written as an attribute through [`escape`].
pub(crate) fn cleaned(text: &str) -> String {
    let clean = |character| match character {
        '\t' | '\n' | '\r' => ' ',
        other if is_allowed(other) => other,
        _ => '\u{fffd}',
    };
    text.chars().map(clean).collect()
}

/// JSON whose characters XML allows: the two that JSON leaves raw and XML forbids become JSON escapes, so that the
/// value survives exactly.
pub(crate) fn json_for_xml(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for character in json.chars() {
        match character {
            '\u{fffe}' => text.push_str("\\ufffe"),
            '\u{ffff}' => text.push_str("\\uffff"),
            other => text.push(other),
        }
    }
    text
}
