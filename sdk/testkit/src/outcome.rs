//! What came out of a run, and how two of them differ.

use std::fmt;

use parfocal_types::{
    Scalar,
    table::{Record, Table},
};

use crate::image::{Image, places, read_value};

/// Which group of a reduce operator a table or record belongs to: the position along the axes that are not reduced, 0
/// along the others.
pub type Group = [i64; 5];

/// What came out of a run.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// Image outputs, in the order of their ports.
    pub images: Vec<Image>,
    /// Tables, by group, then output port.
    pub tables: Vec<(Group, u32, Table)>,
    /// Records, by group, then output port.
    pub records: Vec<(Group, u32, Record)>,
    /// What was written where nobody may write.
    pub trespasses: Vec<String>,
    /// What the operator asked for against its own declarations.
    pub contradictions: Vec<String>,
    /// Most bytes that a partial result had.
    pub largest_partial: usize,
}

/// The first place where two outcomes differ.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// The part: "output image 0", "table of output 1".
    pub what: String,
    /// Where in it.
    pub place: String,
    /// What the first has there.
    pub first: String,
    /// What the second has there.
    pub second: String,
    /// How many pixels or values of that part differ.
    pub count: u64,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, place, first, second, count } = self;
        write!(f, "{what} differs at {place}: {first} and {second} ({count} in all)")
    }
}

impl Outcome {
    /// Everything that counts, as bytes: equal for equal outcomes, on every machine of the same byte order.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for image in &self.images {
            bytes.extend_from_slice(format!("{} {}\n", image.spec.dtype, image.spec.extent).as_bytes());
            bytes.extend_from_slice(image.pixels.bytes());
        }
        // The shortest text that is read as the same number: equal for equal numbers.
        bytes.extend_from_slice(format!("{:?}\n{:?}\n", self.tables, self.records).as_bytes());
        bytes
    }

    /// The first difference to another outcome, to the last bit; `None` when they are the same.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Option<Difference> {
        self.difference_within(other, 0.0)
    }

    /// The first difference that is larger than `tolerance`, relative to the larger of both values; 0 compares bits.
    #[must_use]
    pub fn difference_within(&self, other: &Self, tolerance: f64) -> Option<Difference> {
        counts("output images", self.images.len(), other.images.len())
            .or_else(|| counts("tables", self.tables.len(), other.tables.len()))
            .or_else(|| counts("records", self.records.len(), other.records.len()))
            .or_else(|| {
                let pairs = self.images.iter().zip(&other.images).enumerate();
                pairs.into_iter().find_map(|(index, (first, second))| images(index, first, second, tolerance))
            })
            .or_else(|| {
                self.tables
                    .iter()
                    .zip(&other.tables)
                    .find_map(|(first, second)| tables(first, second, tolerance))
            })
            .or_else(|| {
                self.records
                    .iter()
                    .zip(&other.records)
                    .find_map(|(first, second)| records(first, second, tolerance))
            })
    }
}

fn counts(what: &str, first: usize, second: usize) -> Option<Difference> {
    (first != second).then(|| Difference {
        what: what.to_owned(),
        place: "their number".into(),
        first: first.to_string(),
        second: second.to_string(),
        count: 1,
    })
}

fn images(index: usize, first: &Image, second: &Image, tolerance: f64) -> Option<Difference> {
    let what = format!("output image {index}");
    if (first.spec.dtype, first.spec.extent) != (second.spec.dtype, second.spec.extent) {
        return Some(Difference {
            what,
            place: "type and size".into(),
            first: format!("{} of {}", first.spec.extent, first.spec.dtype),
            second: format!("{} of {}", second.spec.extent, second.spec.dtype),
            count: 1,
        });
    }
    if first.pixels.bytes() == second.pixels.bytes() {
        return None;
    }
    let (dtype, size) = (first.spec.dtype, first.spec.dtype.size());
    let pixels = first.pixels.bytes().chunks_exact(size).zip(second.pixels.bytes().chunks_exact(size));
    let mut differing = places(first.spec.extent).zip(pixels).filter(|(_, (one, other))| {
        one != other
            && (tolerance == 0.0 || !close(read_value(dtype, one), read_value(dtype, other), tolerance))
    });
    let ([t, c, z, y, x], (one, other)) = differing.next()?;
    let show = |bytes: &[u8]| read_value(dtype, bytes).to_string();
    let (one, other) = (show(one), show(other));
    let count = 1 + differing.count() as u64;
    Some(Difference { what, place: format!("T{t} C{c} Z{z} Y{y} X{x}"), first: one, second: other, count })
}

fn tables(first: &(Group, u32, Table), second: &(Group, u32, Table), tolerance: f64) -> Option<Difference> {
    let what = format!("the table of output {}", first.1);
    let differing = |place: String, one: String, other: String| {
        Some(Difference { what: what.clone(), place, first: one, second: other, count: 1 })
    };
    let ((_, _, one), (_, _, other)) = (first, second);
    if (first.0, first.1) != (second.0, second.1) || one.columns() != other.columns() {
        return differing(
            "group or columns".into(),
            format!("{:?}", one.columns()),
            format!("{:?}", other.columns()),
        );
    }
    if one.rows().len() != other.rows().len() {
        return differing(
            "number of rows".into(),
            one.rows().len().to_string(),
            other.rows().len().to_string(),
        );
    }
    for (row, (left, right)) in one.rows().iter().zip(other.rows()).enumerate() {
        for (column, (left, right)) in one.columns().iter().zip(left.iter().zip(right)) {
            if !same(left, right, tolerance) {
                let place = format!("row {row}, column `{}`", column.name);
                return differing(place, format!("{left:?}"), format!("{right:?}"));
            }
        }
    }
    None
}

fn records(
    first: &(Group, u32, Record),
    second: &(Group, u32, Record),
    tolerance: f64,
) -> Option<Difference> {
    let what = format!("the record of output {}", first.1);
    let names =
        |record: &Record| record.iter().map(|field| (field.name.clone(), field.unit)).collect::<Vec<_>>();
    if (first.0, first.1) != (second.0, second.1) || names(&first.2) != names(&second.2) {
        let (first, second) = (format!("{:?}", names(&first.2)), format!("{:?}", names(&second.2)));
        return Some(Difference { what, place: "group or fields".into(), first, second, count: 1 });
    }
    let pair =
        first.2.iter().zip(&second.2).find(|(one, other)| !same(&one.value, &other.value, tolerance))?;
    Some(Difference {
        what,
        place: format!("field `{}`", pair.0.name),
        first: format!("{:?}", pair.0.value),
        second: format!("{:?}", pair.1.value),
        count: 1,
    })
}

fn same(first: &Scalar, second: &Scalar, tolerance: f64) -> bool {
    match (first, second) {
        (Scalar::Number(first), Scalar::Number(second)) => {
            first.to_bits() == second.to_bits() || (tolerance > 0.0 && close(*first, *second, tolerance))
        }
        (first, second) => first == second,
    }
}

fn close(first: f64, second: f64, tolerance: f64) -> bool {
    (first.is_nan() && second.is_nan())
        || first == second
        || (first - second).abs() <= tolerance * first.abs().max(second.abs())
}

#[cfg(test)]
mod tests {
    use parfocal_image::Extent;
    use parfocal_types::{Column, ColumnKind, Unit};

    use super::*;

    fn outcome(pixel: f32, number: f64) -> Outcome {
        let mut table = Table::new(vec![Column::new("area", ColumnKind::Number, Unit::SquarePixel)]);
        table.push(vec![Scalar::Number(number)]).unwrap();
        Outcome {
            images: vec![Image::new(Extent::plane(1, 3), &[1.0_f32, pixel, 3.0]).unwrap()],
            tables: vec![([0; 5], 1, table)],
            ..Outcome::default()
        }
    }

    #[test]
    fn the_first_difference_is_named_with_its_place() {
        assert_eq!(outcome(2.0, f64::NAN).difference(&outcome(2.0, f64::NAN)), None);
        let difference = outcome(2.0, 1.0).difference(&outcome(2.5, 1.0)).unwrap();
        assert_eq!(difference.to_string(), "output image 0 differs at T0 C0 Z0 Y0 X1: 2 and 2.5 (1 in all)");
        let difference = outcome(2.0, 1.0).difference(&outcome(2.0, 2.0)).unwrap();
        assert!(difference.to_string().contains("column `area`"), "{difference}");
    }

    #[test]
    fn a_zero_has_a_sign_and_a_tolerance_forgives_it() {
        assert!(outcome(0.0, 1.0).difference(&outcome(-0.0, 1.0)).is_some());
        assert_eq!(outcome(0.0, 1.0).difference_within(&outcome(-0.0, 1.0), 1e-6), None);
        assert_eq!(outcome(2.0, 1.0).difference_within(&outcome(2.000_001, 1.0), 1e-6), None);
        assert!(outcome(2.0, 1.0).difference_within(&outcome(2.1, 1.0), 1e-6).is_some());
    }
}
