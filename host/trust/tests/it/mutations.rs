//! Archives with random damage: a typed error, or the same package as before. Never a panic, never something else.

use std::fs;

use parfocal_trust::{Installation, Limits, Request};

use crate::support::{Lab, names, now, read};

/// SplitMix64 (Steele, Lea and Flood 2014).
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut value = self.0;
        value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((value ^ (value >> 31)) % end.max(1) as u64) as usize
    }
}

fn mutated(good: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = good.to_vec();
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len());
        match random.below(6) {
            0 => bytes[at] ^= 1 << random.below(8),
            1 => bytes[at] = random.below(256) as u8,
            2 => bytes.truncate(at + 1),
            3 => bytes.insert(at, random.below(256) as u8),
            4 => {
                let end = (at + random.below(64)).min(bytes.len());
                bytes.drain(at..end);
            }
            _ => {
                let end = (at + random.below(64)).min(bytes.len());
                let piece = bytes[at..end].to_vec();
                let to = random.below(bytes.len());
                bytes.splice(to..to, piece);
            }
        }
        if bytes.is_empty() {
            bytes.push(0);
        }
    }
    bytes
}

#[test]
fn damaged_archives_give_an_error_or_the_same_package() {
    let lab = Lab::new();
    let good = fs::read(lab.archive("0.1.0")).unwrap();
    let files = read(&lab.signed("0.1.0")).unwrap().files().clone();
    let mut refused = 0;
    for seed in 0..400 {
        let bytes = mutated(&good, &mut Random(seed));
        let archive = lab.path("mutated.pfp");
        fs::write(&archive, &bytes).unwrap();
        let plugins = lab.path(&format!("plugins-{seed}"));
        let installation = Installation::new(&plugins, &lab.state(), Limits::default());
        match installation.install(&archive, &Request::default(), now()) {
            Ok(done) => assert_eq!(read(&done.folder).unwrap().files(), &files, "seed {seed}"),
            Err(error) => {
                refused += 1;
                assert!(error.remedy().is_some(), "seed {seed}: {error}");
                assert_ne!(error.kind().name(), "internal", "seed {seed}: {error}");
                assert!(names(&plugins).is_empty(), "seed {seed}: {:?}", names(&plugins));
            }
        }
    }
    assert!(refused > 350, "only {refused} of 400 were refused: the damage is too small to tell");
}
