//! From the bytes of a decompressed chunk to pixels: predictors, bit unpacking, byte order, widening, and samples
//! sorted apart.

use parfocal_types::error::{Error, Result};

use super::{
    directory::ByteOrder,
    layout::{Compression, Layout, Predictor, Stored},
};

const NATIVE: ByteOrder = if cfg!(target_endian = "little") { ByteOrder::Little } else { ByteOrder::Big };

/// Pixels of a chunk of `rows` rows of `width` pixels in the machine's byte order: first all of sample 0, then all of
/// sample 1, and so on.
///
/// # Errors
/// `not-supported` for a value that the widened type cannot hold.
pub(crate) fn pixels(layout: &Layout, mut bytes: Vec<u8>, width: usize, rows: usize) -> Result<Vec<u8>> {
    let samples = usize::try_from(layout.chunk_samples()).unwrap_or(usize::MAX);
    let row = Row { width, samples };
    let predictor = match layout.compression {
        // These codecs have no use for a predictor; programs that leave the tag in do not apply it.
        Compression::Jpeg | Compression::Huffman | Compression::Group3 { .. } | Compression::Group4 => {
            Predictor::None
        }
        _ => layout.predictor,
    };
    let bits = layout.stored.bits();
    let words = if predictor == Predictor::Float {
        float_predictor(&mut bytes, row, bits as usize / 8)
    } else if matches!(bits, 8 | 16 | 32 | 64) || layout.stored == Stored::Float(24) {
        swap(&mut bytes, bits as usize / 8, layout.order);
        bytes
    } else {
        unpack(&bytes, row, rows, bits)
    };
    let size = word_size(layout.stored);
    let mut words = words;
    if predictor == Predictor::Horizontal {
        horizontal_predictor(&mut words, row, size);
        // Sums of narrow samples wrap at their own width.
        if size as u32 * 8 != bits {
            mask(&mut words, size, bits);
        }
    }
    let words = convert(layout.stored, words)?;
    Ok(sorted(words, samples, layout.stored.dtype().size()))
}

/// The pixels of a row and the samples of a pixel.
#[derive(Clone, Copy)]
struct Row {
    width: usize,
    samples: usize,
}

/// Bytes of a sample after unpacking and before widening.
fn word_size(stored: Stored) -> usize {
    match stored {
        Stored::Float(24) => 3,
        other => match other.bits() {
            0..=8 => 1,
            9..=16 => 2,
            17..=32 => 4,
            _ => 8,
        },
    }
}

/// Bytes in the machine's order.
fn swap(bytes: &mut [u8], size: usize, order: ByteOrder) {
    if order != NATIVE && size > 1 {
        bytes.chunks_exact_mut(size).for_each(<[u8]>::reverse);
    }
}

/// Undoes predictor 3 (Adobe Photoshop TIFF Technical Note 3): the bytes of a row are sorted by significance, highest
/// first, and each is the difference to the one a pixel before.
fn float_predictor(bytes: &mut [u8], row: Row, size: usize) -> Vec<u8> {
    let count = row.width * row.samples;
    let mut words = vec![0; bytes.len()];
    let rows = bytes.chunks_exact_mut((count * size).max(1));
    for (row_bytes, out) in rows.zip(words.chunks_exact_mut((count * size).max(1))) {
        accumulate_bytes(row_bytes, row.samples);
        for (significance, plane) in row_bytes.chunks_exact(count.max(1)).enumerate() {
            let place = if NATIVE == ByteOrder::Little { size - 1 - significance } else { significance };
            for (word, byte) in out.chunks_exact_mut(size).zip(plane) {
                if let Some(slot) = word.get_mut(place) {
                    *slot = *byte;
                }
            }
        }
    }
    words
}

fn accumulate_bytes(row: &mut [u8], step: usize) {
    match step {
        1 => accumulate_bytes_of::<1>(row),
        3 => accumulate_bytes_of::<3>(row),
        4 => accumulate_bytes_of::<4>(row),
        _ => {
            let mut sums = vec![0_u8; step];
            for pixel in row.chunks_mut(step) {
                for (byte, sum) in pixel.iter_mut().zip(&mut sums) {
                    *sum = sum.wrapping_add(*byte);
                    *byte = *sum;
                }
            }
        }
    }
}

/// The usual numbers of samples, known to the compiler. Bytes behind the last whole pixel stay as they are.
fn accumulate_bytes_of<const STEP: usize>(row: &mut [u8]) {
    let mut sums = [0_u8; STEP];
    for pixel in row.as_chunks_mut::<STEP>().0 {
        for (byte, sum) in pixel.iter_mut().zip(&mut sums) {
            *sum = sum.wrapping_add(*byte);
            *byte = *sum;
        }
    }
}

/// Undoes predictor 2 on words in the machine's order.
fn horizontal_predictor(words: &mut [u8], row: Row, size: usize) {
    let row_bytes = (row.width * row.samples * size).max(1);
    for line in words.chunks_exact_mut(row_bytes) {
        match size {
            1 => accumulate_bytes(line, row.samples),
            2 => accumulate::<2>(line, row.samples),
            4 => accumulate::<4>(line, row.samples),
            _ => accumulate::<8>(line, row.samples),
        }
    }
}

fn accumulate<const SIZE: usize>(line: &mut [u8], samples: usize) {
    let (words, _) = line.as_chunks_mut::<SIZE>();
    if samples == 1 {
        let mut sum = 0;
        for word in words {
            sum = add(sum, word);
        }
        return;
    }
    let mut sums = vec![0_u64; samples];
    for pixel in words.chunks_exact_mut(samples) {
        for (word, sum) in pixel.iter_mut().zip(&mut sums) {
            *sum = add(*sum, word);
        }
    }
}

/// Adds `sum` to `word`; the lower bytes of the result are the word, the rest is never looked at.
#[inline]
fn add<const SIZE: usize>(sum: u64, word: &mut [u8; SIZE]) -> u64 {
    let mut wide = [0_u8; 8];
    if NATIVE == ByteOrder::Little {
        wide[..SIZE].copy_from_slice(word);
    } else {
        wide[8 - SIZE..].copy_from_slice(word);
    }
    let sum = sum.wrapping_add(u64::from_ne_bytes(wide));
    let bytes = sum.to_ne_bytes();
    word.copy_from_slice(if NATIVE == ByteOrder::Little { &bytes[..SIZE] } else { &bytes[8 - SIZE..] });
    sum
}

/// Keeps the lowest `bits` bits of each word.
fn mask(words: &mut [u8], size: usize, bits: u32) {
    let mask = ((1_u64 << bits) - 1).to_le_bytes();
    for word in words.chunks_exact_mut(size) {
        for (index, byte) in word.iter_mut().enumerate() {
            let place = if NATIVE == ByteOrder::Little { index } else { size - 1 - index };
            *byte &= mask.get(place).copied().unwrap_or(0);
        }
    }
}

/// Samples of any number of bits up to 32, highest bit first, rows padded to bytes, as words of 1, 2 or 4 bytes.
fn unpack(bytes: &[u8], row: Row, rows: usize, bits: u32) -> Vec<u8> {
    let count = row.width * row.samples;
    let row_bytes = (count * bits as usize).div_ceil(8);
    match bits {
        0..=8 => unpack_as(bytes, count, row_bytes, rows, bits, |value| [value as u8]),
        9..=16 => unpack_as(bytes, count, row_bytes, rows, bits, |value| (value as u16).to_ne_bytes()),
        _ => unpack_as(bytes, count, row_bytes, rows, bits, |value| (value as u32).to_ne_bytes()),
    }
}

fn unpack_as<const SIZE: usize>(
    bytes: &[u8],
    count: usize,
    row_bytes: usize,
    rows: usize,
    bits: u32,
    word: impl Fn(u64) -> [u8; SIZE],
) -> Vec<u8> {
    let mut words = Vec::with_capacity(count * rows * SIZE);
    let mask = (1_u64 << bits) - 1;
    for line in bytes.chunks_exact(row_bytes.max(1)).take(rows) {
        let (mut buffer, mut have) = (0_u64, 0_u32);
        let mut source = line.iter();
        for _ in 0..count {
            while have < bits {
                buffer = buffer << 8 | u64::from(source.next().copied().unwrap_or(0));
                have += 8;
            }
            have -= bits;
            words.extend_from_slice(&word(buffer >> have & mask));
        }
    }
    words
}

/// The documented widening and narrowing of types that Parfocal has not.
fn convert(stored: Stored, words: Vec<u8>) -> Result<Vec<u8>> {
    match stored {
        Stored::Unsigned(64) => narrow(&words, |word| {
            let value = u64::from_ne_bytes(word);
            u32::try_from(value).map_err(|_| value.to_string())
        }),
        Stored::Signed(64) => narrow(&words, |word| {
            let value = i64::from_ne_bytes(word);
            u32::try_from(value).map_err(|_| value.to_string())
        }),
        Stored::Signed(32) => narrow(&words, |word| {
            let value = i32::from_ne_bytes(word);
            u32::try_from(value).map_err(|_| value.to_string())
        }),
        Stored::Float(16) => {
            let (words, _) = words.as_chunks();
            Ok(words.iter().flat_map(|word| half::f16::from_ne_bytes(*word).to_f32().to_ne_bytes()).collect())
        }
        Stored::Float(24) => {
            let (words, _) = words.as_chunks();
            Ok(words.iter().flat_map(|word| float24(*word).to_ne_bytes()).collect())
        }
        Stored::Float(64) => narrow_floats(&words),
        _ => Ok(words),
    }
}

fn narrow<const SIZE: usize>(
    words: &[u8],
    value: impl Fn([u8; SIZE]) -> core::result::Result<u32, String>,
) -> Result<Vec<u8>> {
    let (words, _) = words.as_chunks();
    let mut out = Vec::with_capacity(words.len() * 4);
    for word in words {
        let value = value(*word).map_err(|value| {
            Error::not_supported(format!("whole numbers below 0 or above 4294967295 (here {value})"))
                .with_remedy("save the image as 16-bit signed or 32-bit floating point numbers")
        })?;
        out.extend_from_slice(&value.to_ne_bytes());
    }
    Ok(out)
}

fn narrow_floats(words: &[u8]) -> Result<Vec<u8>> {
    let (words, _) = words.as_chunks();
    let mut out = Vec::with_capacity(words.len() * 4);
    for word in words {
        let value = f64::from_ne_bytes(*word);
        #[allow(clippy::cast_possible_truncation, reason = "rounds to nearest, the documented narrowing")]
        let narrow = value as f32;
        if value.is_finite() && !narrow.is_finite() {
            return Err(Error::not_supported(format!(
                "numbers beyond 32-bit floating point (here {value:e})"
            ))
            .with_remedy("scale the image before it is saved"));
        }
        out.extend_from_slice(&narrow.to_ne_bytes());
    }
    Ok(out)
}

/// 24-bit floating point of the Adobe note: sign, 7 bits of exponent with bias 63, 16 bits of fraction. Exact.
fn float24(word: [u8; 3]) -> f32 {
    let [a, b, c] = if NATIVE == ByteOrder::Little { [word[2], word[1], word[0]] } else { word };
    let sign = u32::from(a >> 7) << 31;
    let exponent = u32::from(a & 0x7F);
    let fraction = u32::from(b) << 8 | u32::from(c);
    match exponent {
        0 => {
            // Subnormal: fraction x 2^-16 x 2^-62, a normal number in single precision.
            let magnitude = fraction as f32 * f32::from_bits((127 - 78) << 23);
            f32::from_bits(magnitude.to_bits() | sign)
        }
        0x7F => f32::from_bits(sign | 0xFF << 23 | fraction << 7),
        _ => f32::from_bits(sign | (exponent + 127 - 63) << 23 | fraction << 7),
    }
}

/// Samples that alternate, sorted into planes.
fn sorted(words: Vec<u8>, samples: usize, size: usize) -> Vec<u8> {
    if samples == 1 {
        return words;
    }
    match size {
        1 => sorted_by::<1>(&words, samples),
        2 => sorted_by::<2>(&words, samples),
        _ => sorted_by::<4>(&words, samples),
    }
}

fn sorted_by<const SIZE: usize>(words: &[u8], samples: usize) -> Vec<u8> {
    let mut planes = vec![0; words.len()];
    let (words, _) = words.as_chunks::<SIZE>();
    let count = (words.len() / samples).max(1);
    let (places, _) = planes.as_chunks_mut::<SIZE>();
    for (sample, plane) in places.chunks_exact_mut(count).enumerate() {
        for (place, word) in plane.iter_mut().zip(words.iter().skip(sample).step_by(samples)) {
            *place = *word;
        }
    }
    planes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_depths_are_unpacked_highest_bit_first() {
        let row = Row { width: 3, samples: 1 };
        assert_eq!(unpack(&[0b1010_1111, 0], row, 1, 3), [5, 3, 6]);
        let row = Row { width: 2, samples: 1 };
        let words = unpack(&[0xAB, 0xCD, 0xEF], row, 1, 12);
        let words: Vec<u16> = words.chunks(2).map(|w| u16::from_ne_bytes([w[0], w[1]])).collect();
        assert_eq!(words, [0xABC, 0xDEF]);
    }

    #[test]
    fn float24_is_exact() {
        let native = |mut bytes: [u8; 3]| {
            if NATIVE == ByteOrder::Little {
                bytes.reverse();
            }
            bytes
        };
        assert_eq!(float24(native([0x3F, 0, 0])), 1.0);
        assert_eq!(float24(native([0xC0, 0x80, 0])), -3.0);
        assert_eq!(float24(native([0, 0, 1])), 2.0_f32.powi(-78));
        assert_eq!(float24(native([0x7F, 0, 0])), f32::INFINITY);
    }

    #[test]
    fn numbers_that_do_not_fit_are_refused() {
        assert!(convert(Stored::Signed(32), (-1_i32).to_ne_bytes().to_vec()).is_err());
        assert!(convert(Stored::Unsigned(64), (1_u64 << 32).to_ne_bytes().to_vec()).is_err());
        assert!(convert(Stored::Float(64), 1e300_f64.to_ne_bytes().to_vec()).is_err());
        let nan = convert(Stored::Float(64), f64::NAN.to_ne_bytes().to_vec()).unwrap();
        assert!(f32::from_ne_bytes([nan[0], nan[1], nan[2], nan[3]]).is_nan());
    }
}
