//! Reads shared libraries of Linux.

use object::{Architecture, Object, ObjectKind, read::elf};
use parfocal_abi::note::library_section;

use super::{Facts, Format, MOST_EXPORTS, NoteState, note_anywhere, note_of, printable};

pub(super) fn facts(bytes: &[u8]) -> Facts {
    // Byte 4 of the identification is the class: 1 for 32 bits, 2 for 64 (System V ABI, chapter 4).
    let read = match bytes.get(4) {
        Some(1) => elf::ElfFile32::<object::Endianness>::parse(bytes).map(|file| of_file(&file, bytes)),
        Some(2) => elf::ElfFile64::<object::Endianness>::parse(bytes).map(|file| of_file(&file, bytes)),
        _ => return damaged(bytes, "its header is cut off or names no class"),
    };
    match read {
        Ok(facts) => facts,
        Err(error) => damaged(bytes, &error.to_string()),
    }
}

fn damaged(bytes: &[u8], why: &str) -> Facts {
    Facts {
        damage: Some(format!("the ELF file is damaged or cut off: {why}")),
        note: note_anywhere(bytes),
        ..Facts::of_format(Format::Elf)
    }
}

fn of_file<'data>(file: &impl Object<'data>, bytes: &[u8]) -> Facts {
    let mut facts = Facts::of_format(Format::Elf);
    facts.processor = Some(processor(file.architecture()).to_owned());
    facts.shared = Some(file.kind() == ObjectKind::Dynamic);
    let mut damage = None;
    match file.exports() {
        Ok(exports) => {
            let names = exports.iter().take(MOST_EXPORTS);
            facts.exports = names.map(|export| printable(&String::from_utf8_lossy(export.name()))).collect();
        }
        Err(error) => damage = Some(format!("the table of symbols: {error}")),
    }
    match library_section(bytes) {
        Ok(None) => {}
        Ok(Some(section)) => facts.note = note_of(section),
        Err(error) => facts.note = NoteState::Damaged(error.message().to_owned()),
    }
    facts.damage = damage.map(|what| format!("the ELF file is damaged or cut off: {what}"));
    facts
}

/// The processor as target triples name it; `unknown` for those that no Rust target has.
fn processor(architecture: Architecture) -> &'static str {
    match architecture {
        Architecture::X86_64 => "x86_64",
        Architecture::X86_64_X32 => "x86_64 (x32)",
        Architecture::I386 => "i686",
        Architecture::Aarch64 => "aarch64",
        Architecture::Arm => "arm",
        Architecture::Riscv64 => "riscv64gc",
        Architecture::Riscv32 => "riscv32",
        Architecture::PowerPc64 => "powerpc64",
        Architecture::S390x => "s390x",
        Architecture::LoongArch64 => "loongarch64",
        Architecture::Mips64 => "mips64",
        _ => "unknown",
    }
}
