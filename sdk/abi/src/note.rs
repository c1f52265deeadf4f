//! The note in a plugin's bytes: what it is, readable without running it.
//!
//! A native library carries the note in the section `.parfocal`, a WASM module in the custom section `parfocal`. It is
//! plain text, so that `strings` shows it too:
//!
//! ```text
//! PARFOCAL-NOTE 1
//! id org.parfocal.classical
//! version 0.1.0
//! language rust
//! interface operator/1-draft.2
//! layout InputTile 208 0f1e2d3c4b5a6978
//! end
//! ```
//!
//! A reader ignores lines whose first word it does not know, so that notes can say more later.

mod elf;

use parfocal_types::{
    InterfaceVersion,
    error::{Error, Result},
};

use crate::layout::TypeLayout;

/// Name of the section of a native library.
pub const ELF_SECTION: &str = ".parfocal";
/// Name of the custom section of a WASM module.
pub const WASM_SECTION: &str = "parfocal";
/// Longest note that is read.
pub const MAX_BYTES: usize = 64 * 1024;

const FIRST_LINE: &str = "PARFOCAL-NOTE 1\n";
const LAST_LINE: &str = "end\n";

/// Size and hash of one boundary struct, as the plugin was compiled with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayoutLine {
    /// Name of the struct.
    pub name: String,
    /// Its size in bytes.
    pub size: u64,
    /// Hash over fields, offsets and types.
    pub hash: u64,
}

/// What a plugin's bytes say about it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Note {
    /// Reverse-DNS id.
    pub id: String,
    /// Semver of the product.
    pub version: String,
    /// The language that it was written in: `rust`, `c`.
    pub language: String,
    /// Interfaces that it speaks: name and version.
    pub interfaces: Vec<(String, InterfaceVersion)>,
    /// Layouts of boundary structs, from Rust plugins.
    pub layouts: Vec<LayoutLine>,
}

impl Note {
    /// Reads a note from the start of a section's bytes; what follows its last line is ignored.
    ///
    /// # Errors
    /// `corrupt` when the bytes are no note, or a line that is known has the wrong form.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let bad = |what: &str| Error::corrupt(format!("the note of the plugin ({what})"));
        let bytes = &bytes[..bytes.len().min(MAX_BYTES)];
        let rest = bytes.strip_prefix(FIRST_LINE.as_bytes()).ok_or_else(|| bad("its first line"))?;
        let mut note = Self::default();
        for line in rest.split(|byte| *byte == b'\n') {
            let line = core::str::from_utf8(line).map_err(|_| bad("it is not text"))?;
            let (word, value) = line.split_once(' ').unwrap_or((line, ""));
            match word {
                "end" => return Ok(note),
                "id" => note.id = value.to_owned(),
                "version" => note.version = value.to_owned(),
                "language" => note.language = value.to_owned(),
                "interface" => {
                    let (name, version) = value.split_once('/').ok_or_else(|| bad("an interface"))?;
                    let version = version.parse().map_err(|_| bad("an interface version"))?;
                    note.interfaces.push((name.to_owned(), version));
                }
                "layout" => note.layouts.push(parse_layout(value).ok_or_else(|| bad("a layout"))?),
                _ => {}
            }
        }
        Err(bad("it does not end"))
    }
}

/// The section of a native library that holds its note, to be read by [`Note::parse`]; `None` when there is none.
///
/// # Errors
/// `corrupt` when the bytes are no ELF file, or its table of sections is damaged.
pub fn library_section(bytes: &[u8]) -> Result<Option<&[u8]>> {
    elf::section(bytes, ELF_SECTION).map_err(|why| Error::corrupt(format!("the library ({why})")))
}

fn parse_layout(value: &str) -> Option<LayoutLine> {
    let mut words = value.split(' ');
    let line = LayoutLine {
        name: words.next()?.to_owned(),
        size: words.next()?.parse().ok()?,
        hash: u64::from_str_radix(words.next()?, 16).ok()?,
    };
    words.next().is_none().then_some(line)
}

/// Writes a note at compile time; the export macros put it into its section.
///
/// ```
/// use parfocal_abi::note::{Note, NoteBuilder};
/// const NOTE: [u8; NoteBuilder::SIZE] =
///     NoteBuilder::new("org.example.a", "0.1.0", "rust").interface("operator", "1-draft.2").bytes();
/// assert_eq!(Note::parse(&NOTE)?.id, "org.example.a");
/// # Ok::<(), parfocal_types::Error>(())
/// ```
#[derive(Debug)]
pub struct NoteBuilder {
    bytes: [u8; Self::SIZE],
    len: usize,
}

impl NoteBuilder {
    /// Size of a note that is written at compile time; the rest is filled with line feeds.
    pub const SIZE: usize = 4096;

    /// A note of this plugin.
    #[must_use]
    pub const fn new(id: &str, version: &str, language: &str) -> Self {
        let builder = Self { bytes: [b'\n'; Self::SIZE], len: 0 };
        builder
            .text(FIRST_LINE)
            .text("id ")
            .text(id)
            .text("\nversion ")
            .text(version)
            .text("\nlanguage ")
            .text(language)
            .text("\n")
    }

    /// Adds an interface that the plugin speaks.
    #[must_use]
    pub const fn interface(self, name: &str, version: &str) -> Self {
        self.text("interface ").text(name).text("/").text(version).text("\n")
    }

    /// Adds the layouts of boundary structs.
    #[must_use]
    pub const fn layouts(mut self, layouts: &[TypeLayout]) -> Self {
        let mut index = 0;
        while index < layouts.len() {
            let layout = &layouts[index];
            self = self
                .text("layout ")
                .text(layout.name)
                .text(" ")
                .decimal(layout.size as u64)
                .text(" ")
                .hex(layout.hash())
                .text("\n");
            index += 1;
        }
        self
    }

    /// The bytes of the note.
    #[must_use]
    pub const fn bytes(self) -> [u8; Self::SIZE] {
        self.text(LAST_LINE).bytes
    }

    const fn text(mut self, text: &str) -> Self {
        let text = text.as_bytes();
        let mut index = 0;
        while index < text.len() {
            self.bytes[self.len] = text[index];
            self.len += 1;
            index += 1;
        }
        self
    }

    const fn decimal(mut self, value: u64) -> Self {
        if value >= 10 {
            self = self.decimal(value / 10);
        }
        self.bytes[self.len] = b'0' + (value % 10) as u8;
        self.len += 1;
        self
    }

    const fn hex(mut self, value: u64) -> Self {
        let mut shift = 64;
        while shift > 0 {
            shift -= 4;
            self.bytes[self.len] = b"0123456789abcdef"[(value >> shift & 15) as usize];
            self.len += 1;
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTE: [u8; NoteBuilder::SIZE] = NoteBuilder::new("org.example.a", "1.2.3", "rust")
        .interface("operator", "1-draft.2")
        .layouts(crate::layout::OPERATOR_1)
        .bytes();

    #[test]
    fn a_note_written_at_compile_time_is_read_back() {
        let note = Note::parse(&NOTE).unwrap();
        assert_eq!(
            (note.id.as_str(), note.version.as_str(), note.language.as_str()),
            ("org.example.a", "1.2.3", "rust")
        );
        assert_eq!(note.interfaces, [("operator".to_owned(), InterfaceVersion::draft(1, 2))]);
        assert_eq!(note.layouts.len(), crate::layout::OPERATOR_1.len());
        assert!(crate::layout::differences(&note).is_empty());
    }

    #[test]
    fn unknown_lines_are_passed_over() {
        let note = Note::parse(b"PARFOCAL-NOTE 1\nid a\ncolour blue\nend\n").unwrap();
        assert_eq!(note.id, "a");
    }

    #[test]
    fn bytes_that_are_no_note_are_refused() {
        let bad: [&[u8]; 6] = [
            b"",
            b"PARFOCAL-NOTE 2\nend\n",
            b"PARFOCAL-NOTE 1\nid a\n",
            b"PARFOCAL-NOTE 1\ninterface operator\nend\n",
            b"PARFOCAL-NOTE 1\nlayout X 1 zz\nend\n",
            b"PARFOCAL-NOTE 1\n\xff\xfe\nend\n",
        ];
        for bytes in bad {
            assert!(Note::parse(bytes).is_err(), "{bytes:?}");
        }
    }
}
