//! Huffman decoding of JPEG, T.81 annex F.2.2.

use parfocal_types::error::Result;

use super::bad;

/// Codes up to this length are looked up at once.
const FAST: u32 = 9;

/// Where the coefficients of a block come in the stream, T.81 figure 5.
const ZIGZAG: [u8; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7,
    14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39,
    46, 53, 60, 61, 54, 47, 55, 62, 63,
];

/// A Huffman table as the stream defines it.
pub(super) struct HuffmanTable {
    /// Length and value by the next [`FAST`] bits; length 0 for longer codes.
    fast: Vec<(u8, u8)>,
    /// Of each length: the first code behind its last, shifted to 16 bits, and what turns a code into an index.
    ends: [(u32, i32); 17],
    values: Vec<u8>,
}

impl HuffmanTable {
    /// Reads a table; gives the number of bytes that it took.
    pub(super) fn read(bytes: &[u8]) -> Result<(Self, usize)> {
        let counts = bytes.get(..16).ok_or_else(|| bad("a Huffman table is cut short"))?;
        let total: usize = counts.iter().map(|count| usize::from(*count)).sum();
        let values = bytes.get(16..16 + total).ok_or_else(|| bad("a Huffman table is cut short"))?.to_vec();
        let mut fast = vec![(0, 0); 1 << FAST];
        let mut ends = [(0, 0); 17];
        let (mut code, mut index) = (0_u32, 0_usize);
        for (length, count) in (1_u32..).zip(counts) {
            let offset = index as i32 - code as i32;
            for value in values.iter().skip(index).take(usize::from(*count)) {
                if code >> length != 0 {
                    return Err(bad("a Huffman table has too many codes"));
                }
                if length <= FAST {
                    let first = (code << (FAST - length)) as usize;
                    let span = 1 << (FAST - length);
                    fast.get_mut(first..first + span).unwrap_or_default().fill((length as u8, *value));
                }
                code += 1;
                index += 1;
            }
            if let Some(end) = ends.get_mut(length as usize) {
                *end = (code << (16 - length), offset);
            }
            code <<= 1;
        }
        Ok((Self { fast, ends, values }, 16 + total))
    }
}

/// The bits of a scan, without stuffed bytes, up to the next marker.
pub(super) struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
    buffer: u64,
    have: u32,
    /// Zeros that were put behind the end; using one is an error.
    made_up: u32,
}

impl<'a> Bits<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, buffer: 0, have: 0, made_up: 0 }
    }

    pub(super) fn consumed(&self) -> usize {
        self.at
    }

    fn fill(&mut self) {
        while self.have <= 48 {
            let byte = match (self.bytes.get(self.at), self.bytes.get(self.at + 1)) {
                (Some(0xFF), Some(0)) => {
                    self.at += 2;
                    0xFF
                }
                (Some(0xFF), _) | (None, _) => {
                    self.made_up += 8;
                    0
                }
                (Some(byte), _) => {
                    self.at += 1;
                    *byte
                }
            };
            self.buffer = self.buffer << 8 | u64::from(byte);
            self.have += 8;
        }
    }

    /// The next `count` bits, at most 16, without taking them.
    fn peek(&mut self, count: u32) -> u32 {
        if self.have < count {
            self.fill();
        }
        (self.buffer >> (self.have - count)) as u32 & ((1 << count) - 1)
    }

    fn take(&mut self, count: u32) -> Result<()> {
        self.have = self.have.saturating_sub(count);
        if self.have < self.made_up { Err(bad("the data end inside a block")) } else { Ok(()) }
    }

    /// Skips to the restart marker that must come next.
    pub(super) fn restart(&mut self) -> Result<()> {
        (self.buffer, self.have, self.made_up) = (0, 0, 0);
        match self.bytes.get(self.at..self.at + 2) {
            Some([0xFF, 0xD0..=0xD7]) => {
                self.at += 2;
                Ok(())
            }
            _ => Err(bad("a restart marker is missing")),
        }
    }

    fn symbol(&mut self, table: &HuffmanTable) -> Result<u8> {
        let next = self.peek(16);
        if let Some(&(length, value)) = table.fast.get((next >> (16 - FAST)) as usize)
            && length > 0
        {
            self.take(u32::from(length))?;
            return Ok(value);
        }
        for (length, (end, offset)) in (0_u32..).zip(table.ends).skip(1) {
            if next < end {
                let code = next >> (16 - length);
                self.take(length)?;
                let index = usize::try_from(code as i32 + offset).unwrap_or(usize::MAX);
                return table.values.get(index).copied().ok_or_else(|| bad("a code that no table has"));
            }
        }
        Err(bad("a code that no table has"))
    }

    /// A number of `size` bits, T.81 table F.1: those with a leading zero are negative.
    fn number(&mut self, size: u32) -> Result<i32> {
        if size == 0 {
            return Ok(0);
        }
        if size > 15 {
            return Err(bad("a coefficient is too long"));
        }
        let bits = self.peek(size) as i32;
        self.take(size)?;
        Ok(if bits < 1 << (size - 1) { bits - (1 << size) + 1 } else { bits })
    }

    /// The coefficients of a block, dequantized, row by row.
    pub(super) fn block(
        &mut self,
        dc: &HuffmanTable,
        ac: &HuffmanTable,
        quantization: &[u16; 64],
        mean: &mut i32,
    ) -> Result<[i32; 64]> {
        let mut block = [0; 64];
        let size = self.symbol(dc)?;
        *mean = mean.wrapping_add(self.number(u32::from(size))?);
        block[0] = dequantized(*mean, quantization[0]);
        let mut index = 1;
        while index < 64 {
            let symbol = self.symbol(ac)?;
            let (zeros, size) = (usize::from(symbol >> 4), u32::from(symbol & 15));
            if size == 0 {
                if zeros != 15 {
                    break;
                }
                index += 16;
                continue;
            }
            index += zeros;
            let value = self.number(size)?;
            let (Some(place), Some(factor)) = (ZIGZAG.get(index), quantization.get(index)) else {
                return Err(bad("a block has more than 64 coefficients"));
            };
            block[usize::from(place & 63)] = dequantized(value, *factor);
            index += 1;
        }
        Ok(block)
    }
}

/// Coefficients of an honest stream fit 16 bits; others are cut so, which keeps the sums of the transform small.
fn dequantized(value: i32, factor: u16) -> i32 {
    i32::from(value.wrapping_mul(i32::from(factor)) as i16)
}
