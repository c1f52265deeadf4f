//! Programs for an interpreter: an archive that Python runs, or a script.

use std::io::Cursor;

use zip::ZipArchive;

use super::{Facts, Format};

/// What Python looks for in an archive that it is told to run.
const MAIN: &str = "__main__.py";

/// What bytes are that begin like a zip archive or a script; `None` when they are neither.
pub(super) fn facts(bytes: &[u8]) -> Option<Facts> {
    let script = bytes.starts_with(b"#!");
    if !script && !bytes.starts_with(b"PK") {
        return None;
    }
    // An archive may have a first line that names its interpreter.
    match ZipArchive::new(Cursor::new(bytes)) {
        Ok(archive) if archive.index_for_name(MAIN).is_some() => {
            Some(Facts::of_format(Format::PythonArchive))
        }
        Ok(_) => Some(Facts::of_format(Format::Zip)),
        Err(_) if script => is_text(bytes).then(|| Facts::of_format(Format::Script)),
        Err(error) => Some(Facts {
            damage: Some(format!("the archive is damaged or cut off: {error}")),
            ..Facts::of_format(Format::PythonArchive)
        }),
    }
}

fn is_text(bytes: &[u8]) -> bool {
    let strange = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t' | '\u{c}');
    std::str::from_utf8(bytes).is_ok_and(|text| !text.contains(strange))
}
