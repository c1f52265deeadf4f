//! Sizes: OPR-11, OPR-12, OPR-19.

use crate::{
    case::Case,
};

pub(super) const CASES: &[Case] = &[
    Case {
        id: "OPR-11",
        sentence: "Empty images are refused with a typed error, or give empty results.",
        demands: "An extent of 0 along each axis: `plan` refuses, or plans an output without pixels; nothing \
                  crashes, and no error says that something is broken.",
        why: "Empty fields and cropped regions occur in every screen.",
        fix: "Check for empty extents at the start of `plan`, before dividing by a size.",
        applies: super::plan::has_input,
        ..Case::USUAL
    },
    Case {
        id: "OPR-12",
        sentence: "Tiny and odd images work: one pixel, one row, one column, primes, smaller than the halo.",
        demands: "Sizes 1 x 1, 1 x N, N x 1, 2 x 2, 3 x 5, 13 x 7 run, whole and in single pixels, with the \
                  same result, or are refused in `plan`.",
        why: "Edges of a mosaic are as small as they come, and most faults of indices show there.",
        fix: "Compute the pixels at the edges from what the padding gives, and never assume a row above.",
        applies: super::plan::has_input,
        ..Case::USUAL
    },
    Case {
        id: "OPR-19",
        sentence: "Huge images work tile by tile, within the memory that the plan declares.",
        demands: "A virtual image of 32,768 x 32,768 pixels and one with more than 2^31: tiles at the far \
                  corner run, give what the same pixels give elsewhere in the image, and cost no more memory \
                  than declared.",
        why: "Indices of 32 bits overflow where nobody looks: in the last tile of a long night.",
        fix: "Compute offsets in 64 bits, from the tile's region; allocate by tile, not by image, and \
                  declare it.",
        applies: super::plan::has_input,
        ..Case::USUAL
    },
];
