//! Valid files with bytes changed at random (a fixed sequence): whatever comes, no panic, no hang, little memory. The
//! malformed files of others stop at their headers; these reach the decoders.

use std::path::Path;

use crate::{judge, read_malformed};

/// Mutations of each file.
const ROUNDS: u64 = 30;

/// A fixed sequence of numbers, Steele and others' SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((z ^ (z >> 31)) >> 16).unwrap() % limit.max(1)
    }
}

/// A file with some bytes changed, or cut off.
fn mutated(bytes: &[u8], round: u64) -> Vec<u8> {
    let mut random = Random(round);
    let mut bytes = bytes.to_vec();
    for _ in 0..1 + random.below(8) {
        // Half of the changes hit the places where headers usually are.
        let range = if random.below(2) == 0 { bytes.len() } else { bytes.len().min(400) };
        let at = match random.below(2) {
            0 => random.below(range),
            _ => bytes.len() - 1 - random.below(range),
        };
        bytes[at] = match random.below(3) {
            0 => random.below(256) as u8,
            1 => bytes[at] ^ (1 << random.below(8)),
            _ => [0, 1, 0x7F, 0x80, 0xFF][random.below(5)],
        };
    }
    if random.below(8) == 0 {
        bytes.truncate(random.below(bytes.len()));
    }
    bytes
}

#[test]
fn changed_bytes_make_no_panic_and_no_endless_read() {
    let Some(data) = judge::data() else {
        println!("skipped: the folder of real data is not there");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let mut files = judge::tiffs(&data.join("tiff_valid"));
    files.extend(judge::tiffs(&data.join("vendor_ome")));
    files.push(data.join("dsb2018/0532c64c2f.png"));
    let (mut read, mut refused) = (0, 0);
    for path in files {
        let bytes = std::fs::read(&path).unwrap();
        // Long files take their time to write; a change in their first part is as good.
        if bytes.len() > 1 << 20 {
            continue;
        }
        for round in 0..ROUNDS {
            let changed = folder.path().join(Path::new(path.file_name().unwrap()));
            std::fs::write(&changed, mutated(&bytes, round)).unwrap();
            match read_malformed::read_file(&changed) {
                Ok(()) => read += 1,
                Err(error) if error.kind().name() == "internal" => panic!("{path:?} round {round}: {error}"),
                Err(_) => refused += 1,
            }
        }
    }
    println!("{read} read, {refused} refused");
    assert!(read > 100 && refused > 100, "the mutations change nothing or everything");
    if let Some(peak) = read_malformed::peak_memory() {
        println!("peak {peak} MiB");
    }
}
