//! Finds a section of a library in the ELF format (System V ABI, chapter 4): both widths, both byte orders.

/// Where the fields of the headers lie: those of 32 bits, or those of 64.
struct Places {
    /// Bytes of an address.
    word: usize,
    /// In the header of the file: the sections' offset, the size of their headers, their number, and which of them holds names.
    file: [usize; 4],
    /// In the header of a section: type, offset, size, link.
    section: [usize; 4],
}

const PLACES_32: Places =
    Places { word: 4, file: [0x20, 0x2E, 0x30, 0x32], section: [0x04, 0x10, 0x14, 0x18] };
const PLACES_64: Places =
    Places { word: 8, file: [0x28, 0x3A, 0x3C, 0x3E], section: [0x04, 0x18, 0x20, 0x28] };

/// A section that takes no bytes of the file.
const NO_BITS: usize = 8;

/// "The number does not fit here": it stands in the header of section 0.
const ELSEWHERE: usize = 0xFFFF;

struct Elf<'a> {
    bytes: &'a [u8],
    places: Places,
    big_endian: bool,
}

/// The bytes of the first section of this name; `None` when there is none.
///
/// # Errors
/// What is wrong with bytes that are no such file, or are cut off.
pub(super) fn section<'a>(bytes: &'a [u8], name: &str) -> Result<Option<&'a [u8]>, &'static str> {
    let (places, big_endian) = match bytes.get(..6) {
        Some([0x7F, b'E', b'L', b'F', 1, order @ (1 | 2)]) => (PLACES_32, *order == 2),
        Some([0x7F, b'E', b'L', b'F', 2, order @ (1 | 2)]) => (PLACES_64, *order == 2),
        _ => return Err("it is no ELF file"),
    };
    let elf = Elf { bytes, places, big_endian };
    elf.section(name).ok_or("its table of sections is cut off or damaged")
}

impl<'a> Elf<'a> {
    fn section(&self, name: &str) -> Option<Option<&'a [u8]>> {
        let [offset, size, count, names] = self.places.file;
        let (table, size) = (self.number(offset, self.places.word)?, self.number(size, 2)?);
        if table == 0 {
            return Some(None);
        }
        // Headers of no size would all be the same one, as often as a file likes to say.
        if size == 0 {
            return None;
        }
        let header = |index: usize| table.checked_add(index.checked_mul(size)?);
        let count = match self.number(count, 2)? {
            0 => self.number(header(0)?.checked_add(self.places.section[2])?, self.places.word)?,
            count => count,
        };
        let names = match self.number(names, 2)? {
            ELSEWHERE => self.number(header(0)?.checked_add(self.places.section[3])?, 4)?,
            names => names,
        };
        let names = self.contents(header(names)?)?;
        for index in 0..count {
            let start = header(index)?;
            let rest = names.get(self.number(start, 4)?..)?;
            if rest.strip_prefix(name.as_bytes()).is_some_and(|rest| rest.starts_with(&[0])) {
                return Some(Some(self.contents(start)?));
            }
        }
        Some(None)
    }

    /// The bytes of the section whose header lies here.
    fn contents(&self, header: usize) -> Option<&'a [u8]> {
        let [kind, offset, size, _] = self.places.section;
        if self.number(header.checked_add(kind)?, 4)? == NO_BITS {
            return Some(&[]);
        }
        let start = self.number(header.checked_add(offset)?, self.places.word)?;
        let size = self.number(header.checked_add(size)?, self.places.word)?;
        self.bytes.get(start..start.checked_add(size)?)
    }

    /// A number of so many bytes.
    fn number(&self, start: usize, length: usize) -> Option<usize> {
        let bytes = self.bytes.get(start..start.checked_add(length)?)?;
        let add = |number: u64, byte: &u8| number << 8 | u64::from(*byte);
        let number =
            if self.big_endian { bytes.iter().fold(0, add) } else { bytes.iter().rev().fold(0, add) };
        usize::try_from(number).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file with three sections: nothing, names, and `.parfocal` with four bytes.
    fn file(places: &Places, big_endian: bool) -> Vec<u8> {
        let mut bytes = vec![0; 0x200];
        bytes[..6].copy_from_slice(&[0x7F, b'E', b'L', b'F', if places.word == 4 { 1 } else { 2 }, 1]);
        if big_endian {
            bytes[5] = 2;
        }
        let mut put = |start: usize, length: usize, number: u64| {
            for place in 0..length {
                let shift = 8 * if big_endian { length - 1 - place } else { place };
                bytes[start + place] = (number >> shift) as u8;
            }
        };
        let [offset, size, count, names] = places.file;
        put(offset, places.word, 0x100);
        put(size, 2, 0x40);
        put(count, 2, 3);
        put(names, 2, 1);
        let [kind, offset, size, _] = places.section;
        for (header, name, start, length) in [(0x140, 1, 0x80, 0x20), (0x180, 11, 0xA0, 4)] {
            put(header, 4, name);
            put(header + kind, 4, 1);
            put(header + offset, places.word, start);
            put(header + size, places.word, length);
        }
        bytes[0x80..0x80 + 21].copy_from_slice(b"\0.shstrtab\0.parfocal\0");
        bytes[0xA0..0xA4].copy_from_slice(b"note");
        bytes
    }

    #[test]
    fn sections_of_both_widths_and_byte_orders_are_found() {
        for places in [PLACES_32, PLACES_64] {
            for big_endian in [false, true] {
                let bytes = file(&places, big_endian);
                assert_eq!(section(&bytes, ".parfocal"), Ok(Some(&b"note"[..])));
                assert_eq!(section(&bytes, ".parf"), Ok(None), "a part of a name is no name");
                assert_eq!(section(&bytes, ".parfocal2"), Ok(None));
            }
        }
    }

    #[test]
    fn bytes_that_are_cut_off_or_lie_are_refused() {
        let whole = file(&PLACES_64, false);
        assert!(section(b"", ".parfocal").is_err() && section(b"\0asm\x01\0\0\0", ".parfocal").is_err());
        for end in 0..0x1A8 {
            assert!(section(&whole[..end], ".parfocal").is_err(), "cut at {end}");
        }
        for place in [0x28, 0x3A, 0x3E, 0x158, 0x160, 0x180, 0x198, 0x1A0] {
            let mut lies = whole.clone();
            lies[place..place + 2].fill(0xFF);
            assert!(section(&lies, ".parfocal").is_err(), "a lie at {place:#x}");
        }
        let mut more = whole.clone();
        more[0x3C..0x3E].fill(0xFF);
        assert_eq!(
            section(&more, ".parfocal"),
            Ok(Some(&b"note"[..])),
            "it lies before the headers that are not there"
        );
        assert!(section(&more, ".other").is_err(), "the headers end before their number does");
    }
}
