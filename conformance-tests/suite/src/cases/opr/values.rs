//! Values of pixels: OPR-13 to OPR-17.

use crate::{
    case::{Applies, Case},
    status::Severity,
};

pub(super) const CASES: &[Case] = &[
    Case {
        id: "OPR-13",
        sentence: "NaN, infinities and subnormal numbers spoil no pixel farther away than the halo.",
        demands: "Single pixels of f32 inputs are NaN, +Inf, -Inf and subnormal: the operator refuses with a \
                  typed error, or its output differs only within the halo around them; nothing crashes.",
        why: "One dead pixel of a float camera must not turn an image into nothing.",
        fix: "Use windows that end at the halo instead of running sums over the whole row, or restart \
                  them.",
        // APPLIES takes_floats
        ..Case::USUAL
    },
    Case {
        id: "OPR-14",
        sentence: "Constant, black, saturated and single-pixel images give finite outputs.",
        demands: "All-zero, constant, all-maximum and single-spot images run; outputs hold no NaN and no \
                  infinity.",
        why: "Variances of 0, empty histograms and images without objects are ordinary.",
        fix: "Guard every division by a variance, range or count.",
        applies: super::plan::has_input,
        ..Case::USUAL
    },
    Case {
        id: "OPR-15",
        sentence: "Outputs of whole numbers clamp and round half to even; they never wrap around.",
        demands: "For operators of kind map that take f32 and whole numbers: the output of whole numbers is \
                  the clamped, rounded output of the same values as f32, for bright and dark images.",
        why: "A saturated nucleus that turns black is a wrong count.",
        fix: "Convert with `Pixel::from_f32`, which rounds and clamps, not with a plain cast of an \
                  integer.",
        // APPLIES takes_floats_and_integers
        ..Case::USUAL
    },
    Case {
        id: "OPR-16",
        sentence: "Declared relations of intensity hold.",
        demands: "Where an operator declares that f(a x) = a f(x) or f(x + b) = f(x) + b, seeded values of a \
                  and b confirm it.",
        why: "Background and gain corrections are exchanged with such relations in mind.",
        fix: "Declare only relations that hold exactly, up to rounding.",
        severity: Severity::Should,
        applies: |_, _| Applies::NotYet("declared relations of intensity"),
        ..Case::USUAL
    },
    Case {
        id: "OPR-17",
        sentence: "The result moves with the image, away from its borders.",
        demands: "For operators of kind map that can be cut anywhere in the plane: a part of an image gives \
                  the same pixels as the image, wherever it is cut out, beyond the halo from its border.",
        why: "A structure should look the same wherever the stage happened to stop.",
        fix: "Use no position of the image, unless the operator is about it.",
        severity: Severity::Should,
        // APPLIES is_map
        ..Case::USUAL
    },
];
