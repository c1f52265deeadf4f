//! TIFF directories as bytes, classic and big.

use parfocal_types::error::{Error, Result};

/// The value of a tag.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Short(u16),
    Long(u32),
    /// Offsets and lengths: 32 bits in a classic file, 64 in a big one.
    Words(Vec<u64>),
    Rational(u32, u32),
    /// Text: TIFF calls it ASCII; OME-XML in it is UTF-8. The NUL at the end is added here.
    Text(Vec<u8>),
}

impl Value {
    fn kind(&self, big: bool) -> u16 {
        match self {
            Self::Text(_) => 2,
            Self::Short(_) => 3,
            Self::Long(_) => 4,
            Self::Rational(..) => 5,
            Self::Words(_) => {
                if big {
                    16
                } else {
                    4
                }
            }
        }
    }

    fn count(&self) -> u64 {
        match self {
            Self::Text(text) => text.len() as u64 + 1,
            Self::Words(words) => words.len() as u64,
            Self::Short(_) | Self::Long(_) | Self::Rational(..) => 1,
        }
    }

    fn size(&self, big: bool) -> u64 {
        match self {
            Self::Short(_) => 2,
            Self::Long(_) => 4,
            Self::Rational(..) => 8,
            Self::Text(_) => self.count(),
            Self::Words(_) => self.count() * if big { 8 } else { 4 },
        }
    }

    fn bytes(&self, big: bool) -> Result<Vec<u8>> {
        Ok(match self {
            Self::Short(number) => number.to_le_bytes().to_vec(),
            Self::Long(number) => number.to_le_bytes().to_vec(),
            Self::Rational(above, below) => [above.to_le_bytes(), below.to_le_bytes()].concat(),
            Self::Text(text) => [text.as_slice(), &[0]].concat(),
            Self::Words(words) => {
                let mut bytes = Vec::with_capacity(words.len() * 8);
                for word in words {
                    put_word(&mut bytes, *word, big)?;
                }
                bytes
            }
        })
    }
}

fn put_word(bytes: &mut Vec<u8>, word: u64, big: bool) -> Result<()> {
    if big {
        bytes.extend_from_slice(&word.to_le_bytes());
    } else {
        let word = u32::try_from(word).map_err(|_| {
            Error::not_supported("a classic TIFF file above 4 GiB").with_remedy("write it as BigTIFF")
        })?;
        bytes.extend_from_slice(&word.to_le_bytes());
    }
    Ok(())
}

/// One directory.
#[derive(Debug, Clone, Default)]
pub(crate) struct Directory(Vec<(u16, Value)>);

impl Directory {
    /// Adds a tag; the order does not matter.
    pub(crate) fn set(&mut self, tag: u16, value: Value) {
        self.0.push((tag, value));
    }

    /// Bytes of the directory and of the values that do not fit into it.
    fn size(&self, big: bool) -> u64 {
        let (count, entry, word) = if big { (8, 20, 8) } else { (2, 12, 4) };
        let outside = self.0.iter().map(|(_, value)| value.size(big)).filter(|size| *size > word);
        count + self.0.len() as u64 * entry + word + outside.map(|size| size.next_multiple_of(2)).sum::<u64>()
    }

    fn encode(&self, start: u64, next: u64, big: bool) -> Result<Vec<u8>> {
        let mut entries: Vec<_> = self.0.iter().collect();
        entries.sort_by_key(|(tag, _)| *tag);
        let (count, entry, word) = if big { (8, 20, 8) } else { (2, 12, 4) };
        let mut outside_at = start + count + entries.len() as u64 * entry + word;
        let mut bytes = Vec::new();
        let number = entries.len() as u64;
        bytes.extend_from_slice(&number.to_le_bytes()[..if big { 8 } else { 2 }]);
        let mut outside = Vec::new();
        for (tag, value) in entries {
            bytes.extend_from_slice(&tag.to_le_bytes());
            bytes.extend_from_slice(&value.kind(big).to_le_bytes());
            put_word(&mut bytes, value.count(), big)?;
            let mut content = value.bytes(big)?;
            if content.len() as u64 > word {
                put_word(&mut bytes, outside_at, big)?;
                content.resize(content.len().next_multiple_of(2), 0);
                outside_at += content.len() as u64;
                outside.append(&mut content);
            } else {
                content.resize(if big { 8 } else { 4 }, 0);
                bytes.append(&mut content);
            }
        }
        put_word(&mut bytes, next, big)?;
        bytes.append(&mut outside);
        Ok(bytes)
    }
}

/// The bytes of a plane's directory and of those of its smaller levels, to be put at `start`. When another plane
/// `follows`, the first directory points to the byte after the last one.
pub(crate) fn encode(
    mut main: Directory,
    levels: &[Directory],
    start: u64,
    follows: bool,
    big: bool,
) -> Result<Vec<u8>> {
    const SUB_DIRECTORIES: u16 = 330;
    if !levels.is_empty() {
        // The size does not depend on the offsets.
        main.set(SUB_DIRECTORIES, Value::Words(vec![0; levels.len()]));
        let mut at = start + main.size(big);
        let offsets = levels.iter().map(|level| {
            let offset = at;
            at += level.size(big);
            offset
        });
        let offsets = offsets.collect();
        main.0.pop();
        main.set(SUB_DIRECTORIES, Value::Words(offsets));
    }
    let total: u64 = main.size(big) + levels.iter().map(|level| level.size(big)).sum::<u64>();
    let mut bytes = main.encode(start, if follows { start + total } else { 0 }, big)?;
    for level in levels {
        let at = start + bytes.len() as u64;
        bytes.append(&mut level.encode(at, 0, big)?);
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_what_is_written_and_offsets_point_to_the_levels() {
        for big in [false, true] {
            let mut main = Directory::default();
            main.set(270, Value::Text(b"abcd".to_vec()));
            main.set(256, Value::Long(7));
            main.set(282, Value::Rational(1, 2));
            main.set(324, Value::Words(vec![1, 2, 3]));
            let mut level = Directory::default();
            level.set(256, Value::Long(3));
            let (plain, sub) = (main.size(big), level.size(big));
            let alone = encode(main.clone(), &[], 100, true, big).unwrap();
            assert_eq!(alone.len() as u64, plain);
            // Behind the last entry stands where the next plane begins.
            let (count, entry, word) = if big { (8, 20, 8) } else { (2, 12, 4) };
            let next = count + 4 * entry;
            assert_eq!(number(&alone[next..next + word]), 100 + plain);

            let bytes = encode(main, &[level.clone(), level], 100, false, big).unwrap();
            let tag = bytes[count..].chunks(entry).find(|tag| number(&tag[..2]) == 330).unwrap();
            let at = usize::try_from(number(&tag[entry - word..]) - 100).unwrap();
            let offsets = [number(&bytes[at..at + word]), number(&bytes[at + word..at + 2 * word])];
            let end = 100 + bytes.len() as u64;
            assert_eq!(offsets, [end - 2 * sub, end - sub]);
            for offset in offsets {
                let at = usize::try_from(offset - 100).unwrap();
                assert_eq!(
                    (number(&bytes[at..at + count]), number(&bytes[at + count..at + count + 2])),
                    (1, 256)
                );
            }
        }
    }

    fn number(bytes: &[u8]) -> u64 {
        bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
    }

    #[test]
    fn a_classic_file_refuses_large_offsets() {
        let mut main = Directory::default();
        main.set(273, Value::Words(vec![1 << 32]));
        assert!(encode(main.clone(), &[], 8, false, false).is_err());
        assert!(encode(main, &[], 8, false, true).is_ok());
    }
}
