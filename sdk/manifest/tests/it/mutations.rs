use parfocal_manifest::{Manifest, identity};

use crate::FULL;

/// A small generator with a fixed seed (SplitMix64), so that a failure can be repeated.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) as usize % end
    }
}

fn mutate(seed: u64) -> Vec<u8> {
    let mut random = Random(seed);
    let mut bytes = FULL.as_bytes().to_vec();
    match seed % 4 {
        0 => bytes.truncate(random.below(bytes.len())),
        1 => {
            for _ in 0..=random.below(4) {
                let place = random.below(bytes.len());
                bytes[place] ^= 1 << random.below(8);
            }
        }
        2 => {
            let start = random.below(bytes.len());
            let end = (start + random.below(40)).min(bytes.len());
            bytes.drain(start..end);
        }
        _ => {
            let marks = b"[]{}\"'=.,#\\\n-\0\xff";
            for _ in 0..=random.below(3) {
                let place = random.below(bytes.len());
                bytes.insert(place, marks[random.below(marks.len())]);
            }
        }
    }
    bytes
}

#[test]
fn damaged_manifests_are_read_or_refused_with_a_place() {
    let mut refused = 0;
    for seed in 0..400 {
        let bytes = mutate(seed);
        let text = String::from_utf8_lossy(&bytes);
        let _ = identity(&text);
        match Manifest::from_bytes(&bytes) {
            Ok(manifest) => assert!(!manifest.label().is_empty()),
            Err(error) => {
                refused += 1;
                let lines = bytes.iter().filter(|byte| **byte == b'\n').count() + 1;
                assert!((1..=lines).contains(&error.line()), "seed {seed}: {error}");
                assert!(!error.remedy().is_empty(), "seed {seed}: {error}");
                assert!(!error.message().contains('\u{1b}'), "seed {seed}: {error:?}");
                if let (Some(span), Ok(text)) = (error.span(), std::str::from_utf8(&bytes)) {
                    assert!(span.start <= span.end && span.end <= text.len(), "seed {seed}: {span:?}");
                }
            }
        }
    }
    assert!(refused > 250, "only {refused} of 400 were refused: the mutations are too tame");
}

#[test]
fn deep_nesting_is_refused() {
    for (open, close) in [("[", "]"), ("{a=", "}")] {
        let text = format!("manifest-version = 1\nx-a = {}1{}", open.repeat(50_000), close.repeat(50_000));
        assert!(Manifest::parse(&text).is_err());
    }
    let text = format!("manifest-version = 1\nx-a{} = 1", ".a".repeat(50_000));
    assert!(Manifest::parse(&text).is_err());
}
