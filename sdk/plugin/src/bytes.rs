//! Bytes of an operator's own: partial results, conclusions, states.
//!
//! Small numbers take few bytes (LEB128), so that a histogram or a table of runs stays small. Reading never trusts the
//! bytes: what does not fit is the error `corrupt`.

use parfocal_types::{Error, Result};

/// Appends numbers to bytes.
///
/// ```
/// use parfocal_plugin::bytes::{Reader, Writer};
/// let mut writer = Writer::default();
/// writer.count(300).float(0.5);
/// let bytes = writer.into_bytes();
/// assert_eq!(bytes.len(), 2 + 8);
/// let mut reader = Reader::new(&bytes);
/// assert_eq!((reader.count()?, reader.float()?), (300, 0.5));
/// reader.end()?;
/// # Ok::<(), parfocal_types::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Writer(Vec<u8>);

impl Writer {
    /// Goes on after bytes that are there already.
    #[must_use]
    pub const fn after(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes written so far.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The bytes.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// A whole number: one byte below 128, two below 16384, at most ten.
    #[inline]
    pub fn count(&mut self, mut value: u64) -> &mut Self {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
        self
    }

    /// A whole number that may be negative: small ones of either sign take few bytes.
    #[inline]
    pub fn signed(&mut self, value: i64) -> &mut Self {
        self.count(((value << 1) ^ (value >> 63)) as u64)
    }

    /// A number, bit for bit.
    pub fn float(&mut self, value: f64) -> &mut Self {
        self.word(value.to_bits())
    }

    /// Eight bytes, whatever the value.
    pub fn word(&mut self, value: u64) -> &mut Self {
        self.raw(&value.to_le_bytes())
    }

    /// Bytes as they are.
    pub fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend_from_slice(bytes);
        self
    }
}

/// Reads what a [`Writer`] wrote.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Reads from the first byte on.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// What has not been read.
    #[must_use]
    pub const fn rest(&self) -> &'a [u8] {
        self.0
    }

    /// A number written by [`Writer::count`].
    ///
    /// # Errors
    /// `corrupt` when the bytes end, or hold a number above 64 bits.
    #[inline]
    pub fn count(&mut self) -> Result<u64> {
        let mut value = 0_u64;
        for shift in (0..70).step_by(7) {
            let (first, rest) = self.0.split_first().ok_or_else(ended)?;
            self.0 = rest;
            let part = u64::from(first & 0x7F);
            if shift == 63 && part > 1 {
                break;
            }
            value |= part << shift;
            if first & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Error::corrupt("a number above 64 bits in an operator's own bytes"))
    }

    /// A number of items that follow, each at least `size` bytes: at most as many as the rest can hold.
    ///
    /// # Errors
    /// `corrupt` when the rest cannot hold so many: nothing is allocated for a number that is not true.
    pub fn items(&mut self, size: usize) -> Result<usize> {
        let count = usize::try_from(self.count()?).unwrap_or(usize::MAX);
        if count.saturating_mul(size.max(1)) > self.0.len() { Err(ended()) } else { Ok(count) }
    }

    /// A number written by [`Writer::signed`].
    ///
    /// # Errors
    /// As [`count`](Self::count).
    #[inline]
    pub fn signed(&mut self) -> Result<i64> {
        let value = self.count()?;
        Ok((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    /// A number written by [`Writer::float`].
    ///
    /// # Errors
    /// `corrupt` when the bytes end.
    pub fn float(&mut self) -> Result<f64> {
        Ok(f64::from_bits(self.word()?))
    }

    /// A number written by [`Writer::word`].
    ///
    /// # Errors
    /// `corrupt` when the bytes end.
    pub fn word(&mut self) -> Result<u64> {
        let (first, rest) = self.0.split_first_chunk().ok_or_else(ended)?;
        self.0 = rest;
        Ok(u64::from_le_bytes(*first))
    }

    /// Bytes as they are.
    ///
    /// # Errors
    /// `corrupt` when there are fewer.
    pub fn raw(&mut self, length: usize) -> Result<&'a [u8]> {
        let (first, rest) = self.0.split_at_checked(length).ok_or_else(ended)?;
        self.0 = rest;
        Ok(first)
    }

    /// Makes sure that everything was read.
    ///
    /// # Errors
    /// `corrupt` when bytes are left.
    pub fn end(&self) -> Result<()> {
        if self.0.is_empty() {
            return Ok(());
        }
        Err(Error::corrupt(format!("{} bytes too many in an operator's own bytes", self.0.len())))
    }
}

fn ended() -> Error {
    Error::corrupt("an operator's own bytes end too early")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back() {
        let counts = [0, 1, 127, 128, 16_383, 16_384, u64::from(u32::MAX), u64::MAX];
        let signed = [0, -1, 1, -64, 64, i64::MIN, i64::MAX];
        let mut writer = Writer::default();
        for value in counts {
            writer.count(value);
        }
        for value in signed {
            writer.signed(value);
        }
        writer.word(7).raw(b"end");
        let bytes = writer.into_bytes();
        let mut reader = Reader::new(&bytes);
        assert_eq!(counts.map(|_| reader.count().unwrap()), counts);
        assert_eq!(signed.map(|_| reader.signed().unwrap()), signed);
        assert_eq!(reader.word().unwrap(), 7);
        assert!(reader.end().is_err());
        assert_eq!(reader.raw(3).unwrap(), b"end");
        reader.end().unwrap();
    }

    #[test]
    fn bytes_that_lie_are_refused() {
        assert_eq!(Reader::new(&[]).count().unwrap_err().kind().name(), "corrupt");
        assert!(Reader::new(&[0x80]).count().is_err());
        assert!(Reader::new(&[0xFF; 11]).count().is_err());
        assert!(Reader::new(&[0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 2]).count().is_err());
        assert!(Reader::new(&[0xFF, 0xFF, 0xFF, 0x7F]).items(1).is_err(), "more items than bytes");
        assert!(Reader::new(&[1]).raw(2).is_err());
        assert!(Reader::new(&[1]).float().is_err());
    }
}
