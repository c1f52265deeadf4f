//! Reads WASM components and modules.

use parfocal_abi::note::WASM_SECTION;
use wasmparser::{BinaryReaderError, Encoding, Parser, Payload};

use super::{Facts, Format, MOST_EXPORTS, NoteState, note_anywhere, note_of, printable};

pub(super) fn facts(bytes: &[u8]) -> Facts {
    // The preamble is enough to tell a component (layer 1) from a module (layer 0), even when the rest is damaged.
    let format = match bytes.get(4..8) {
        Some([_, _, 1, 0]) => Format::WasmComponent,
        _ => Format::WasmModule,
    };
    let mut facts = Facts::of_format(format);
    if let Err(error) = walk(bytes, &mut facts) {
        facts.damage = Some(format!(
            "the WASM file is damaged or cut off at byte {} of {}: {}",
            error.offset(),
            bytes.len(),
            error.message()
        ));
        if matches!(facts.note, NoteState::Absent) {
            facts.note = note_anywhere(bytes);
        }
    }
    facts
}

fn walk(bytes: &[u8], facts: &mut Facts) -> Result<(), BinaryReaderError> {
    let mut depth = 0_usize;
    let mut outermost = true;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload? {
            Payload::Version { encoding, .. } => {
                if outermost {
                    facts.format = match encoding {
                        Encoding::Component => Format::WasmComponent,
                        Encoding::Module => Format::WasmModule,
                    };
                }
                outermost = false;
            }
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            // The first note that can be read counts: a component may wrap modules of others.
            Payload::CustomSection(section)
                if section.name() == WASM_SECTION && !matches!(facts.note, NoteState::Read(_)) =>
            {
                facts.note = note_of(section.data());
            }
            Payload::ComponentImportSection(imports) if depth == 0 => {
                for import in imports {
                    if facts.imports.len() < MOST_EXPORTS {
                        facts.imports.push(printable(import?.name.name));
                    }
                }
            }
            Payload::ComponentExportSection(exports) if depth == 0 => {
                for export in exports {
                    if facts.exports.len() < MOST_EXPORTS {
                        facts.exports.push(printable(export?.name.name));
                    }
                }
            }
            Payload::ExportSection(exports) if depth == 0 => {
                for export in exports {
                    if facts.exports.len() < MOST_EXPORTS {
                        facts.exports.push(printable(export?.name));
                    }
                }
            }
            _ => {}
        }
    }
    Ok(())
}
