//! CCITT fax compression: T.4 one- and two-dimensional, T.6, and the modified Huffman of TIFF 6.0 section 10.
//!
//! The code tables are those of the `fax` crate; its decoders know no two-dimensional T.4 and are lenient about
//! damage, so lines are put together here. White is 0, as TIFF stores it.

use fax::{
    BitReader,
    maps::{self, Mode},
};
use parfocal_types::error::{Error, Result};

use crate::read::tiff::layout::Compression;

/// Widest line; a scanner of one metre at 6000 dpi. Bounds the memory of a line that one bit can code.
const MAX_WIDTH: usize = 1 << 18;

/// Decodes `rows` lines of `width` pixels, each padded to whole bytes.
pub(super) fn decode(raw: &[u8], compression: Compression, width: usize, rows: usize) -> Result<Vec<u8>> {
    let width = u32::try_from(width).ok().filter(|_| width <= MAX_WIDTH).ok_or_else(|| {
        Error::not_supported(format!("fax compression of lines wider than {MAX_WIDTH} pixels"))
    })?;
    let mut lines =
        Lines { bits: Bits { bytes: raw, at: 0 }, width, reference: Vec::new(), current: Vec::new() };
    let mut out = Vec::new();
    for row in 0..rows {
        let there =
            lines.next(compression).map_err(|error| error.context(format!("line {row} of fax data")))?;
        if !there {
            return Err(Error::corrupt(format!("fax data end after {row} of {rows} lines")));
        }
        lines.draw(&mut out);
    }
    Ok(out)
}

/// Bits, highest first. Behind the end come zeros, for as long as a code is.
struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl BitReader for Bits<'_> {
    type Error = ();

    fn peek(&self, count: u8) -> Option<u16> {
        let byte = |offset: usize| u32::from(self.bytes.get(self.at / 8 + offset).copied().unwrap_or(0));
        let word = byte(0) << 16 | byte(1) << 8 | byte(2);
        let shift = 24_u32.checked_sub((self.at % 8) as u32 + u32::from(count))?;
        Some((word >> shift & ((1_u32 << count) - 1)) as u16)
    }

    fn consume(&mut self, count: u8) -> core::result::Result<(), ()> {
        self.at += usize::from(count);
        if self.at <= self.bytes.len() * 8 { Ok(()) } else { Err(()) }
    }

    fn bits_to_byte_boundary(&self) -> u8 {
        (self.at.wrapping_neg() % 8) as u8
    }
}

impl Bits<'_> {
    /// Skips fill and an end-of-line code, if they come next.
    fn end_of_line(&mut self) -> bool {
        if self.peek(11) != Some(0) {
            return false;
        }
        let start = self.at;
        while self.at < self.bytes.len() * 8 {
            let one = self.peek(1) == Some(1);
            self.at += 1;
            if one {
                return true;
            }
        }
        self.at = start;
        false
    }
}

/// Lines as lists of the positions where the colour changes, white first; each below the width, none equal.
struct Lines<'a> {
    bits: Bits<'a>,
    width: u32,
    reference: Vec<u32>,
    current: Vec<u32>,
}

impl Lines<'_> {
    /// Decodes a line into `current`; false at the end of the data.
    fn next(&mut self, compression: Compression) -> Result<bool> {
        std::mem::swap(&mut self.reference, &mut self.current);
        self.current.clear();
        match compression {
            Compression::Group4 => self.two_dimensional(),
            Compression::Group3 { two_dimensional } => {
                let marked = self.bits.end_of_line();
                let one_dimensional = if two_dimensional && marked {
                    let tag = self.bits.peek(1);
                    self.bits.consume(1).map_err(|()| cut())?;
                    tag == Some(1)
                } else {
                    true
                };
                if marked && self.bits.peek(12) == Some(1) {
                    return Ok(false);
                }
                if one_dimensional { self.one_dimensional() } else { self.two_dimensional() }
            }
            _ => {
                let there = self.one_dimensional()?;
                self.bits.at = self.bits.at.next_multiple_of(8);
                Ok(there)
            }
        }
    }

    fn run(&mut self, black: bool) -> Result<u32> {
        let mut sum = 0_u32;
        loop {
            let code =
                if black { maps::black::decode(&mut self.bits) } else { maps::white::decode(&mut self.bits) };
            let code = u32::from(code.ok_or_else(|| Error::corrupt("a run that no code table has"))?);
            sum += code;
            if sum > self.width {
                return Err(Error::corrupt("a run reaches beyond the line"));
            }
            if code < 64 {
                return Ok(sum);
            }
        }
    }

    /// The colour changes at `position`. Two changes at one place are none.
    fn change(&mut self, position: u32) -> Result<()> {
        if position > self.width || self.current.last().is_some_and(|last| *last > position) {
            return Err(Error::corrupt("a run reaches beyond the line"));
        }
        if self.current.last() == Some(&position) {
            self.current.pop();
        } else if position < self.width {
            self.current.push(position);
        }
        Ok(())
    }

    fn one_dimensional(&mut self) -> Result<bool> {
        let (mut position, mut black) = (0, false);
        while position < self.width {
            position += self.run(black)?;
            self.change(position)?;
            black = !black;
        }
        Ok(true)
    }

    fn two_dimensional(&mut self) -> Result<bool> {
        // T.4 starts the line at an imaginary pixel before the first.
        let (mut a0, mut black, mut from) = (-1_i64, false, 0_usize);
        while a0 < i64::from(self.width) {
            let mode = maps::mode::decode(&mut self.bits)
                .ok_or_else(|| Error::corrupt("a mode that no code table has"))?;
            let index = self.opposite_change(a0, black, &mut from);
            match mode {
                Mode::Pass => a0 = i64::from(self.reference_at(index + 1)),
                Mode::Horizontal => {
                    let start = u32::try_from(a0.max(0)).unwrap_or(0);
                    let first = start + self.run(black)?;
                    self.change(first)?;
                    let second = first + self.run(!black)?;
                    self.change(second)?;
                    a0 = i64::from(second);
                }
                Mode::Vertical(delta) => {
                    let a1 = i64::from(self.reference_at(index)) + i64::from(delta);
                    if a1 < a0.max(0) {
                        return Err(Error::corrupt("a line runs backwards"));
                    }
                    self.change(u32::try_from(a1).unwrap_or(u32::MAX))?;
                    black = !black;
                    a0 = a1;
                }
                Mode::Extension => {
                    return Err(Error::not_supported("uncompressed mode of CCITT fax in TIFF"));
                }
                Mode::EOF if a0 < 0 => return Ok(false),
                Mode::EOF => return Err(cut()),
            }
        }
        Ok(true)
    }

    fn reference_at(&self, index: usize) -> u32 {
        self.reference.get(index).copied().unwrap_or(self.width)
    }

    /// Index of b1: the first change of the reference line right of `a0` to the colour that `a0` has not.
    fn opposite_change(&self, a0: i64, black: bool, from: &mut usize) -> usize {
        // `change` keeps positions ordered, and a0 never goes back by more than three pixels.
        while *from > 0 && self.reference.get(*from - 1).is_some_and(|at| i64::from(*at) > a0) {
            *from -= 1;
        }
        while self.reference.get(*from).is_some_and(|at| i64::from(*at) <= a0) {
            *from += 1;
        }
        // Even entries change to black.
        if (*from % 2 == 1) == black { *from } else { *from + 1 }
    }

    /// Appends the line as bits.
    fn draw(&self, out: &mut Vec<u8>) {
        let start = out.len();
        out.resize(start + self.width.div_ceil(8) as usize, 0);
        let line = out.get_mut(start..).unwrap_or_default();
        for run in self.current.chunks(2) {
            let from = run.first().copied().unwrap_or(self.width);
            let to = run.get(1).copied().unwrap_or(self.width);
            fill(line, from as usize, to as usize);
        }
    }
}

/// Sets the bits `from..to`.
fn fill(line: &mut [u8], from: usize, to: usize) {
    let (first, last) = (from / 8, to / 8);
    let (head, tail) = (0xFF_u8 >> (from % 8), !(0xFF_u8 >> (to % 8)));
    if first == last {
        if let Some(byte) = line.get_mut(first) {
            *byte |= head & tail;
        }
        return;
    }
    if let Some(byte) = line.get_mut(first) {
        *byte |= head;
    }
    line.get_mut(first + 1..last).unwrap_or_default().fill(0xFF);
    if let Some(byte) = line.get_mut(last) {
        *byte |= tail;
    }
}

fn cut() -> Error {
    Error::corrupt("fax data end inside a line")
}

#[cfg(test)]
mod tests {
    use super::*;
    use fax::{Color, VecWriter, encoder::Encoder};

    /// A picture with runs of many lengths, from a fixed linear congruence.
    fn picture(width: usize, rows: usize) -> Vec<Vec<bool>> {
        let mut state = 12_345_u32;
        let mut random = move || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state >> 16
        };
        let mut lines: Vec<Vec<bool>> = Vec::new();
        for row in 0..rows {
            let mut line = vec![];
            let mut black = row % 3 == 0;
            while line.len() < width {
                let run = 1 + random() as usize % 90;
                line.extend(std::iter::repeat_n(black, run));
                black = !black;
            }
            line.truncate(width);
            lines.push(if row % 5 == 4 { lines[row - 1].clone() } else { line });
        }
        lines
    }

    #[test]
    fn what_the_encoder_writes_is_read() {
        for width in [1, 7, 8, 9, 200, 1023] {
            let picture = picture(width, 40);
            let mut encoder = Encoder::new(VecWriter::new());
            for line in &picture {
                let colors = line.iter().map(|black| if *black { Color::Black } else { Color::White });
                encoder.encode_line(colors, width as u32).unwrap();
            }
            let packed = encoder.finish().unwrap().finish();
            let bytes = decode(&packed, Compression::Group4, width, 40).unwrap();
            for (line, bytes) in picture.iter().zip(bytes.chunks(width.div_ceil(8))) {
                let got: Vec<bool> = (0..width).map(|x| bytes[x / 8] >> (7 - x % 8) & 1 == 1).collect();
                assert_eq!(&got, line, "width {width}");
            }
            assert!(decode(&packed, Compression::Group4, width, 41).is_err());
        }
    }
}
