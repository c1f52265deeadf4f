//! Found against true: which nuclei were found, and how well.

use std::collections::BTreeMap;

use parfocal_types::{Error, Result};
use serde::Serialize;

/// How found objects agree with the true ones.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Score {
    pub(crate) truth: usize,
    pub(crate) found: usize,
    /// Pairs of a true and a found object that share at least half of the pixels of their union.
    pub(crate) matched: usize,
    /// Mean share of the union that is common, over matched pairs.
    pub(crate) mean_overlap: f64,
}

/// Least intersection over union of a match. Above one half no object can match two.
const OVERLAP: f64 = 0.5;

/// Matches two label images of the same size by intersection over union; 0 is background.
pub(crate) fn score(truth: &[u32], found: &[u32]) -> Result<Score> {
    if truth.len() != found.len() {
        return Err(Error::internal("label images of different size cannot be compared"));
    }
    let mut sizes: [BTreeMap<u32, u64>; 2] = Default::default();
    let mut common: BTreeMap<(u32, u32), u64> = BTreeMap::new();
    for (t, f) in truth.iter().zip(found) {
        *sizes[0].entry(*t).or_default() += 1;
        *sizes[1].entry(*f).or_default() += 1;
        if *t != 0 && *f != 0 {
            *common.entry((*t, *f)).or_default() += 1;
        }
    }
    let objects = |sizes: &BTreeMap<u32, u64>| sizes.keys().filter(|label| **label != 0).count();
    let overlaps: Vec<f64> = common
        .iter()
        .map(|((t, f), shared)| {
            let size = |side: usize, label: &u32| sizes[side].get(label).copied().unwrap_or(0);
            let union = size(0, t) + size(1, f) - shared;
            #[allow(clippy::cast_precision_loss, reason = "pixel counts")]
            let overlap = *shared as f64 / union as f64;
            overlap
        })
        .filter(|overlap| *overlap > OVERLAP)
        .collect();
    #[allow(clippy::cast_precision_loss, reason = "a number of objects")]
    let mean = if overlaps.is_empty() { 0.0 } else { overlaps.iter().sum::<f64>() / overlaps.len() as f64 };
    Ok(Score {
        truth: objects(&sizes[0]),
        found: objects(&sizes[1]),
        matched: overlaps.len(),
        mean_overlap: mean,
    })
}

/// The largest label along the optical axis: a stack of labels seen from above.
pub(crate) fn projected(labels: &[u32], plane: usize) -> Vec<u32> {
    let mut result = vec![0; plane];
    for slice in labels.chunks_exact(plane.max(1)) {
        for (most, label) in result.iter_mut().zip(slice) {
            *most = (*most).max(*label);
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_match_when_they_share_more_than_half() {
        let truth = [1, 1, 1, 1, 0, 2, 2, 0, 3, 3];
        let found = [7, 7, 7, 0, 0, 0, 8, 8, 9, 9];
        let score = score(&truth, &found).unwrap();
        assert_eq!((score.truth, score.found, score.matched), (3, 3, 2));
        assert!((score.mean_overlap - (0.75 + 1.0) / 2.0).abs() < 1e-12);
    }

    #[test]
    fn nothing_found_matches_nothing() {
        let score = score(&[1, 1, 0], &[0, 0, 0]).unwrap();
        assert_eq!((score.truth, score.found, score.matched), (1, 0, 0));
    }

    #[test]
    fn a_stack_is_seen_from_above() {
        assert_eq!(projected(&[0, 1, 2, 0, 0, 3], 2), [2, 3]);
    }
}
