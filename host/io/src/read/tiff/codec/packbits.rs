//! PackBits, TIFF 6.0 section 9.

use parfocal_types::error::{Error, Result};

/// A pair of bytes gives at most 128.
const RATIO: usize = 64;

/// Runs until `expected` bytes are there or `raw` ends.
pub(super) fn decode(raw: &[u8], expected: usize) -> Result<Vec<u8>> {
    let mut out = Vec::with_capacity(expected.min(raw.len().saturating_mul(RATIO)));
    let mut rest = raw;
    while out.len() < expected {
        let Some((&control, tail)) = rest.split_first() else { break };
        rest = tail;
        match control {
            128 => {}
            0..128 => {
                let count = usize::from(control) + 1;
                let (literal, tail) = rest.split_at_checked(count).ok_or_else(cut)?;
                out.extend_from_slice(literal);
                rest = tail;
            }
            129.. => {
                let (&value, tail) = rest.split_first().ok_or_else(cut)?;
                out.resize(out.len() + 257 - usize::from(control), value);
                rest = tail;
            }
        }
    }
    Ok(out)
}

fn cut() -> Error {
    Error::corrupt("PackBits: the data end inside a run")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_specification_is_unpacked() {
        let packed =
            [0xFE, 0xAA, 0x02, 0x80, 0x00, 0x2A, 0xFD, 0xAA, 0x03, 0x80, 0x00, 0x2A, 0x22, 0xF7, 0xAA];
        let plain = [
            0xAA, 0xAA, 0xAA, 0x80, 0x00, 0x2A, 0xAA, 0xAA, 0xAA, 0xAA, 0x80, 0x00, 0x2A, 0x22, 0xAA, 0xAA,
            0xAA, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA,
        ];
        assert_eq!(decode(&packed, 24).unwrap(), plain);
        assert!(decode(&[3, 1, 2], 4).is_err());
    }
}
