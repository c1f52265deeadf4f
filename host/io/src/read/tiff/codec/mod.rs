//! Decompression of strips and tiles: bytes in, at most `expected` bytes out.
//!
//! Every decoder allocates in proportion to what the compressed bytes can really hold, and gives a typed error for
//! bytes that are not what they claim.

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
    let mut bytes = match layout.compression {
        Compression::None => raw,
        Compression::Deflate => deflate(&raw, expected)?,
        Compression::Lzw => lzw(&raw, expected)?,
        Compression::PackBits => packbits::decode(&raw, expected)?,
        Compression::Zstd => zstd(&raw, expected)?,
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

fn deflate(raw: &[u8], expected: usize) -> Result<Vec<u8>> {
    let mut out = room(expected, raw.len(), DEFLATE_RATIO)?;
    // The fast way takes whole streams of the right length only.
    if libdeflater::Decompressor::new().zlib_decompress(raw, &mut out) == Ok(expected) {
        return Ok(out);
    }
    let mut stream = flate2::Decompress::new(true);
    let status = stream.decompress(raw, &mut out, flate2::FlushDecompress::Finish);
    let count = usize::try_from(stream.total_out()).unwrap_or(usize::MAX);
    match status {
        // A stream that goes on behind the last pixel does no harm.
        Ok(_) => {}
        Err(_) if count == expected => {}
        Err(error) => return Err(Error::corrupt(format!("deflate: {error}")).with_source(error)),
    }
    out.truncate(count);
    Ok(out)
}

fn lzw(raw: &[u8], expected: usize) -> Result<Vec<u8>> {
    // The first code is "clear", 256 in nine bits: written lowest bit first it makes these bytes.
    if let [0, second, ..] = raw
        && second & 1 == 1
    {
        return Err(Error::not_supported("LZW with the bit order of TIFF 5.0"));
    }
    let mut out = room(expected, raw.len(), LZW_RATIO)?;
    let mut decoder = weezl::decode::Decoder::with_tiff_size_switch(weezl::BitOrder::Msb, 8);
    let (mut consumed, mut produced) = (0, 0);
    while produced < expected {
        let result = decoder.decode_bytes(
            raw.get(consumed..).unwrap_or_default(),
            out.get_mut(produced..).unwrap_or_default(),
        );
        consumed += result.consumed_in;
        produced += result.consumed_out;
        match result.status {
            Ok(weezl::LzwStatus::Ok) if result.consumed_in + result.consumed_out > 0 => {}
            Ok(_) => break,
            Err(error) => return Err(Error::corrupt(format!("LZW: {error}"))),
        }
    }
    out.truncate(produced);
    Ok(out)
}

fn zstd(raw: &[u8], expected: usize) -> Result<Vec<u8>> {
    let broken = |error: String| Error::corrupt(format!("zstd: {error}"));
    let decoder = ruzstd::decoding::StreamingDecoder::new(raw).map_err(|error| broken(error.to_string()))?;
    // Grows while there is something to put in: zstd has no useful limit of its own.
    let mut out = Vec::with_capacity(expected.min(raw.len().saturating_mul(16)));
    decoder.take(expected as u64).read_to_end(&mut out).map_err(|error| broken(error.to_string()))?;
    Ok(out)
}
