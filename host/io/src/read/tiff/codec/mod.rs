//! Decompression of strips and tiles: bytes in, at most `expected` bytes out.
//!
//! Every decoder allocates in proportion to what the compressed bytes can really hold, and gives a typed error for
//! bytes that are not what they claim. A stream is read to its end also where the pixels are complete before it: the
//! checksum stands there (deflate always has one, zstd may), and a damaged stream of LZW seldom ends at the right place.

mod ccitt;
mod jpeg;
mod packbits;

use std::io::Read;

use parfocal_types::error::{Error, Result};

use super::layout::{Compression, Layout};

/// Largest growth of deflate: 258 bytes from one bit of length and one of distance, RFC 1951.
const DEFLATE_RATIO: usize = 1032;

/// Largest growth of LZW: a code of 9 bits gives at most 4096 bytes.
const LZW_RATIO: usize = 3641;

/// Bytes that a stream may hold behind its pixels; more is no padding that anybody writes.
const SURPLUS: usize = 16 << 20;

/// Decompresses a chunk of `rows` rows of `row_bytes` bytes.
pub(crate) fn decompress(
    layout: &Layout,
    mut raw: Vec<u8>,
    width: usize,
    rows: usize,
    row_bytes: usize,
) -> Result<Vec<u8>> {
    if layout.reversed_bits && layout.compression != Compression::Jpeg {
        raw.iter_mut().for_each(|byte| *byte = byte.reverse_bits());
    }
    let expected =
        rows.checked_mul(row_bytes).ok_or_else(|| Error::corrupt("a strip is larger than memory"))?;
    // Some writers fill the last strip up to the height of the others.
    let full = usize::try_from(layout.chunk_height).ok().and_then(|rows| rows.checked_mul(row_bytes));
    let full = full.unwrap_or(expected).max(expected);
    let surplus = (full - expected).max(SURPLUS);
    let mut bytes = match layout.compression {
        Compression::None => raw,
        Compression::Deflate => deflate(&raw, expected, surplus)?,
        Compression::Lzw => lzw(&raw, expected, full)?,
        Compression::PackBits => packbits::decode(&raw, expected)?,
        Compression::Zstd => zstd(&raw, expected, surplus)?,
        Compression::Huffman | Compression::Group3 { .. } | Compression::Group4 => {
            ccitt::decode(&raw, layout.compression, width, rows)?
        }
        Compression::Jpeg => jpeg::decode(layout, &raw, width, rows)?,
    };
    if bytes.len() < expected {
        return Err(Error::corrupt(format!("{} bytes where {expected} belong", bytes.len())));
    }
    bytes.truncate(expected);
    Ok(bytes)
}

/// Zeroed memory for `expected` bytes, when `available` compressed bytes can give them at all.
fn room(expected: usize, available: usize, ratio: usize) -> Result<Vec<u8>> {
    if expected > available.saturating_mul(ratio).saturating_add(4096) {
        return Err(Error::corrupt(format!("{available} compressed bytes cannot hold {expected}")));
    }
    Ok(vec![0; expected])
}

/// Room for what comes behind the pixels, which nobody looks at.
fn behind() -> Vec<u8> {
    vec![0; 8 << 10]
}

fn too_long(codec: &str) -> Error {
    Error::corrupt(format!("{codec}: the data go on far behind the last pixel"))
}

/// A zlib stream, with its Adler-32.
fn deflate(raw: &[u8], expected: usize, surplus: usize) -> Result<Vec<u8>> {
    let mut out = room(expected, raw.len(), DEFLATE_RATIO)?;
    // The fast way has no place for a stream that is longer than its pixels; of damaged ones it does not say what is
    // wrong. Both come seldom.
    if let Ok(count) = libdeflater::Decompressor::new().zlib_decompress(raw, &mut out) {
        out.truncate(count);
        return Ok(out);
    }
    let mut stream = flate2::Decompress::new(true);
    let mut behind = behind();
    loop {
        let (consumed, produced) = (stream.total_in(), stream.total_out());
        let position = |total: u64| usize::try_from(total).unwrap_or(usize::MAX);
        let input = raw.get(position(consumed)..).unwrap_or_default();
        let target = match out.get_mut(position(produced)..) {
            Some(rest) if !rest.is_empty() => rest,
            _ => &mut behind,
        };
        match stream.decompress(input, target, flate2::FlushDecompress::None) {
            Ok(flate2::Status::StreamEnd) => break,
            Ok(_) if (consumed, produced) == (stream.total_in(), stream.total_out()) => {
                return Err(Error::corrupt("deflate: the data end before their checksum"));
            }
            Ok(_) if position(stream.total_out()) > expected.saturating_add(surplus) => {
                return Err(too_long("deflate"));
            }
            Ok(_) => {}
            Err(error) => return Err(Error::corrupt(format!("deflate: {error}")).with_source(error)),
        }
    }
    out.truncate(usize::try_from(stream.total_out()).unwrap_or(usize::MAX));
    Ok(out)
}

/// LZW, which has no checksum: what can be told is whether the stream ends where the pixels do, or, for the last strip,
/// where the pixels of a `full` one would.
fn lzw(raw: &[u8], expected: usize, full: usize) -> Result<Vec<u8>> {
    // The first code is "clear", 256 in nine bits: written lowest bit first it makes these bytes.
    if let [0, second, ..] = raw
        && second & 1 == 1
    {
        return Err(Error::not_supported("LZW with the bit order of TIFF 5.0"));
    }
    let mut out = room(expected, raw.len(), LZW_RATIO)?;
    let mut behind = behind();
    let mut decoder = weezl::decode::Decoder::with_tiff_size_switch(weezl::BitOrder::Msb, 8);
    let (mut consumed, mut produced) = (0, 0);
    loop {
        let input = raw.get(consumed..).unwrap_or_default();
        let target = match out.get_mut(produced..) {
            Some(rest) if !rest.is_empty() => rest,
            _ => &mut behind,
        };
        let result = decoder.decode_bytes(input, target);
        consumed += result.consumed_in;
        produced += result.consumed_out;
        match result.status {
            Ok(weezl::LzwStatus::Ok) if result.consumed_in + result.consumed_out > 0 && produced <= full => {}
            // The end code, or the end of the bytes: some writers leave the code out.
            Ok(_) => break,
            Err(error) => return Err(Error::corrupt(format!("LZW: {error}"))),
        }
    }
    if produced > expected && produced != full {
        return Err(Error::corrupt(format!("LZW: {produced} bytes or more where {expected} belong")));
    }
    out.truncate(produced);
    Ok(out)
}

/// The first frame, with its size and checksum where it says them.
fn zstd(raw: &[u8], expected: usize, surplus: usize) -> Result<Vec<u8>> {
    let broken = |error: String| Error::corrupt(format!("zstd: {error}"));
    let mut decoder =
        ruzstd::decoding::StreamingDecoder::new(raw).map_err(|error| broken(error.to_string()))?;
    // Grows while there is something to put in: zstd has no useful limit of its own.
    let mut out = Vec::with_capacity(expected.min(raw.len().saturating_mul(16)));
    let read = decoder.by_ref().take(expected as u64).read_to_end(&mut out);
    read.map_err(|error| broken(error.to_string()))?;
    let (mut behind, mut total) = (behind(), out.len());
    loop {
        match decoder.read(&mut behind).map_err(|error| broken(error.to_string()))? {
            0 => break,
            count => total += count,
        }
        if total > expected.saturating_add(surplus) {
            return Err(too_long("zstd"));
        }
    }
    let frame = decoder.into_frame_decoder();
    // 0 stands for a size that is not told.
    if ![0, total as u64].contains(&frame.content_size()) {
        return Err(broken(format!("{total} bytes in a frame of {}", frame.content_size())));
    }
    if let Some(checksum) = frame.get_checksum_from_data()
        && frame.get_calculated_checksum() != Some(checksum)
    {
        return Err(broken("the checksum is not that of the data".to_owned()));
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data() -> Vec<u8> {
        (0..5000_u32).map(|index| (index * index / 300 % 97) as u8).collect()
    }

    /// A stream whose every byte was changed, one after the other: its data, or an error. Gives the number of errors.
    fn harmless(packed: &[u8], decode: impl Fn(&[u8]) -> Result<Vec<u8>>) -> usize {
        assert_eq!(decode(packed).unwrap(), data());
        let mut refused = 0;
        for at in 0..packed.len() {
            let mut changed = packed.to_vec();
            changed[at] ^= 1 << (at % 8);
            match decode(&changed) {
                Ok(bytes) => assert!(bytes == data(), "byte {at} of {}", packed.len()),
                Err(error) => {
                    refused += usize::from(["corrupt", "not-supported"].contains(&error.kind().name()));
                }
            }
        }
        refused
    }

    fn zlib(data: &[u8]) -> Vec<u8> {
        let mut packed = vec![0; 10_000];
        let mut compressor = libdeflater::Compressor::new(libdeflater::CompressionLvl::new(6).unwrap());
        let length = compressor.zlib_compress(data, &mut packed).unwrap();
        packed.truncate(length);
        packed
    }

    #[test]
    fn a_changed_byte_of_deflate_never_gives_other_bytes() {
        let packed = zlib(&data());
        let refused = harmless(&packed, |raw| deflate(raw, 5000, 0));
        assert!(refused > packed.len() * 9 / 10, "{refused} of {}", packed.len());
    }

    #[test]
    fn the_checksum_of_deflate_is_read_behind_padding_too() {
        let padded = [data(), vec![0; 3000]].concat();
        let packed = zlib(&padded);
        let refused = harmless(&packed, |raw| deflate(raw, 5000, 3000));
        assert!(refused > packed.len() * 9 / 10, "{refused} of {}", packed.len());
        let endless = zlib(&[data(), vec![0; 200_000]].concat());
        assert_eq!(deflate(&endless, 5000, 1000).unwrap_err().kind().name(), "corrupt");
    }

    #[test]
    fn deflate_without_its_end_is_corrupt() {
        let packed = zlib(&data());
        for length in [packed.len() - 1, packed.len() - 4, packed.len() - 6, 0] {
            assert_eq!(deflate(&packed[..length], 5000, 0).unwrap_err().kind().name(), "corrupt", "{length}");
        }
    }

    #[test]
    fn a_changed_byte_of_zstd_with_a_checksum_never_gives_other_bytes() {
        use ruzstd::encoding::{CompressionLevel, compress_to_vec};
        let packed = compress_to_vec(data().as_slice(), CompressionLevel::Fastest);
        assert!(packed.len() < 5000 && packed[4] & 4 != 0, "compressed, and the checksum is announced");
        let refused = harmless(&packed, |raw| zstd(raw, 5000, SURPLUS));
        assert!(refused > packed.len() * 9 / 10, "{refused} of {}", packed.len());
        let padded = compress_to_vec([data(), vec![7; 300]].concat().as_slice(), CompressionLevel::Fastest);
        harmless(&padded, |raw| zstd(raw, 5000, SURPLUS));
        assert!(zstd(&padded, 5000, 200).is_err());
    }

    #[test]
    fn lzw_ends_where_its_pixels_do() {
        let packed = |data: &[u8]| {
            let mut encoder = weezl::encode::Encoder::with_tiff_size_switch(weezl::BitOrder::Msb, 8);
            encoder.encode(data).unwrap()
        };
        let whole = packed(&data());
        assert_eq!(lzw(&whole, 5000, 5000).unwrap(), data());
        let tail = [whole.clone(), vec![0xAB; 9]].concat();
        assert_eq!(lzw(&tail, 5000, 5000).unwrap(), data(), "what lies behind the end code is not read");
        let without_end = &whole[..whole.len() - 2];
        assert_eq!(lzw(without_end, 4990, 5000).ok(), None, "the data go on behind the pixels");
        let padded = packed(&[data(), vec![0; 700]].concat());
        assert_eq!(lzw(&padded, 5000, 5700).unwrap(), data(), "a last strip as high as the others");
        assert_eq!(lzw(&padded, 5000, 5600).unwrap_err().kind().name(), "corrupt");
        assert!(lzw(&packed(&data()[..4000]), 5000, 5000).unwrap().len() == 4000, "short: for the caller");
    }
}
