//! What results mean: OPR-26 to OPR-29.

use crate::{
    case::{Applies, Case},
};

pub(super) const CASES: &[Case] = &[
    Case {
        id: "OPR-26",
        sentence: "Outputs carry what made them, and what is predicted stays marked.",
        demands: "Each output names operator, version, model, parameters and the digest of its input; \
                  predicted channels are marked, and measurements refuse or flag them as declared.",
        why: "A number without its origin cannot be trusted, and a predicted image is no measurement.",
        fix: "Nothing to do in the plugin: the host writes it from what is declared; declare outputs \
                  honestly.",
        applies: |_, _| Applies::NotYet("provenance in outputs (it comes with evidence)"),
        ..Case::USUAL
    },
    Case {
        id: "OPR-27",
        sentence: "Physical parameters and columns follow the pixel size; without one they are refused.",
        demands: "Pixel size and physical parameters scaled together give the same pixels; columns in \
                  micrometers scale with the pixel size, those in pixels do not; without a pixel size a \
                  physical parameter is refused, never taken as 1.0.",
        why: "A radius of 2 means something else in micrometers, and a silent 1.0 has been published.",
        fix: "Ask `PixelSize::in_plane`, which refuses what is unknown, and compute in pixels from there.",
        // APPLIES is_physical
        ..Case::USUAL
    },
    Case {
        id: "OPR-28",
        sentence: "Labels are numbered from 1 without gaps, 0 is background, and tiles do not split objects.",
        demands: "Separated discs, some across tile borders, are found as often as there are discs, in one \
                  piece and in tiles; numbers are 1 to n.",
        why: "A nucleus on a tile border that counts twice changes the statistics with the memory of the \
                  machine.",
        fix: "Join what touches across tile borders in `merge`, and number in raster order in `finish`.",
        // APPLIES gives_labels
        ..Case::USUAL
    },
    Case {
        id: "OPR-29",
        sentence: "Tables declare their units, and known shapes measure what geometry says.",
        demands: "Every column of a length, area, volume or intensity has a unit; a disc of radius 10 px with \
                  0.5 um pixels has the area, diameter and centre of a disc of 5 um, within the tolerance of \
                  its pixels.",
        why: "Tables are read by people who do not see the code.",
        fix: "Declare units with `Column::new`, and test against shapes whose size is known.",
        // APPLIES measures_labels
        ..Case::USUAL
    },
];
