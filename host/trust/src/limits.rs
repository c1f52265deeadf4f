//! What a package may have at most.

/// What a package may have at most, so that a small download cannot fill a disk.
///
/// The defaults hold a plugin for several systems with a model of a gigabyte beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the archive.
    pub archive: u64,
    /// Bytes of all files together, unpacked.
    pub total: u64,
    /// Bytes of one file, unpacked.
    pub file: u64,
    /// Number of files.
    pub files: usize,
    /// Names that are joined in one path.
    pub depth: usize,
    /// How many times larger a file may get when it is unpacked. Only what is larger than a mebibyte is held against it:
    /// small files of zeros are harmless.
    pub ratio: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { archive: 1 << 30, total: 4 << 30, file: 2 << 30, files: 10_000, depth: 16, ratio: 200 }
    }
}

/// What is unpacked before the ratio counts.
pub(crate) const RATIO_FREE: u64 = 1 << 20;
