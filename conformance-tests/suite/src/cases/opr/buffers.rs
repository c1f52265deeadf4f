//! Memory of tiles: OPR-08, OPR-09, OPR-10.

use crate::{
    case::{Applies, Case},
    transport::Transport,
};

pub(super) const CASES: &[Case] = &[
    Case {
        id: "OPR-08",
        sentence: "Input tiles are not written to.",
        demands: "Inputs lie in pages that can only be read; a write ends the process, and fails the case with \
                  the place.",
        why: "Other operators read the same tile at the same time.",
        fix: "Copy what has to be changed into memory of your own.",
        transports: &[Transport::Native],
        ..Case::USUAL
    },
    Case {
        id: "OPR-09",
        sentence: "Nothing outside of the tiles is read or written, and every pixel of an output is written.",
        demands: "Tiles with gaps between rows lie between pages without access, once at the left and once at \
                  the right end; gaps hold canaries. The result is that of dense tiles, over two kinds of \
                  rubbish.",
        why: "A read beyond a tile is somebody else's pixels or a crash that depends on luck; a write is a \
                  corrupted experiment.",
        fix: "Step from row to row by the strides of the tile, never by its width; treat each row as its \
                  own slice.",
        transports: &[Transport::Native],
        ..Case::USUAL
    },
    Case {
        id: "OPR-10",
        sentence: "Input and output are the same memory only where that is declared, and give the same result.",
        demands: "Where in-place work is declared, the result in one buffer is that in two.",
        why: "Halving the memory is worth it only if pixels stay the same.",
        fix: "Declare in-place work only for operators that read each pixel before they write it.",
        applies: |_, _| Applies::NotYet("calls in place"),
        ..Case::USUAL
    },
];
