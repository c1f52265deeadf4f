//! From counts to columns with units.

use core::f64::consts::PI;

use parfocal_plugin::prelude::*;

use super::object::{Intensity, Object};

/// How counts become lengths.
#[derive(Debug, Clone, Copy)]
pub(super) struct Units {
    stack: bool,
    /// Size of a pixel along Z Y X in micrometers, where it is known; 1 along Z for planes.
    size: Option<[f64; 3]>,
}

impl Units {
    /// Micrometers when every size that is needed is known.
    pub(super) fn of(size: PixelSize, stack: bool) -> Self {
        let known = |size: Option<Micrometers>| size.map(Micrometers::get);
        let sizes = match (known(size.z), known(size.y), known(size.x)) {
            (_, Some(y), Some(x)) if !stack => Some([1.0, y, x]),
            (Some(z), Some(y), Some(x)) => Some([z, y, x]),
            _ => None,
        };
        Self { stack, size: sizes }
    }

    /// Length of a square pixel's side; none where pixels are known not to be square.
    fn side(&self) -> Option<f64> {
        match self.size {
            None => Some(1.0),
            Some([_, y, x]) if y == x => Some(x),
            Some(_) => None,
        }
    }

    /// The columns, with those of the intensity channels at the end.
    pub(super) fn columns(&self, channels: &[String]) -> Vec<Column> {
        let mut columns = Columns(Vec::new());
        let micrometers = self.size.is_some();
        let either = |physical: Unit, grid: Unit| if micrometers { physical } else { grid };
        columns.integer("label", Unit::None).integer("pixels", Unit::Count);
        if self.stack {
            columns.number("volume", either(Unit::CubicMicrometer, Unit::CubicPixel));
        } else {
            columns.number("area", either(Unit::SquareMicrometer, Unit::SquarePixel));
        }
        let axes: &[&str] = if self.stack { &["x", "y", "z"] } else { &["x", "y"] };
        axes.iter().for_each(|axis| columns.number(&format!("centroid_{axis}"), Unit::Pixel));
        if micrometers {
            axes.iter().for_each(|axis| columns.number(&format!("position_{axis}"), Unit::Micrometer));
        }
        for axis in axes {
            columns.integer(&format!("bbox_{axis}"), Unit::Pixel);
        }
        columns.integer("bbox_width", Unit::Pixel).integer("bbox_height", Unit::Pixel);
        if self.stack {
            columns.integer("bbox_depth", Unit::Pixel);
        }
        columns.number("equivalent_diameter", either(Unit::Micrometer, Unit::Pixel));
        if !self.stack {
            let square = self.side().is_some();
            columns.number(
                "perimeter",
                if square { either(Unit::Micrometer, Unit::Pixel) } else { Unit::Pixel },
            );
            columns.number("circularity", Unit::None);
        }
        for channel in channels {
            for statistic in ["mean", "min", "max", "sum"] {
                columns.number(&format!("{statistic}_intensity{channel}"), Unit::GreyLevel);
            }
        }
        columns.0
    }

    /// The row of an object, in the order of the columns.
    pub(super) fn row(&self, object: &Object) -> Vec<Scalar> {
        let count = object.pixels as f64;
        let pixel = self.size.map_or(1.0, |[z, y, x]| z * y * x);
        let content = count * pixel;
        // Along X Y Z, as the columns.
        let axes: &[usize] = if self.stack { &[2, 1, 0] } else { &[2, 1] };
        let centroid = |axis: usize| mean_place(object, axis);
        let whole = |value: u64| Scalar::Integer(i64::try_from(value).unwrap_or(i64::MAX));
        let mut row =
            vec![Scalar::Integer(object.label.into()), whole(object.pixels), Scalar::Number(content)];
        row.extend(axes.iter().map(|axis| Scalar::Number(centroid(*axis))));
        if let Some(size) = self.size {
            row.extend(axes.iter().map(|axis| Scalar::Number(centroid(*axis) * size[*axis])));
        }
        row.extend(axes.iter().map(|axis| whole(object.first[*axis])));
        row.extend(axes.iter().map(|axis| whole(object.last[*axis] - object.first[*axis] + 1)));
        row.push(Scalar::Number(self.equivalent_diameter(content)));
        if !self.stack {
            let (perimeter, circularity) = self.outline(object);
            row.extend([Scalar::Number(perimeter), Scalar::Number(circularity)]);
        }
        row.extend(object.intensities.iter().flat_map(|intensity| statistics(intensity, count)));
        row
    }

    /// Diameter of the disc or ball of the same content.
    fn equivalent_diameter(&self, content: f64) -> f64 {
        if self.stack { math::cbrt(6.0 * content / PI) } else { (4.0 * content / PI).sqrt() }
    }

    /// Perimeter and circularity.
    fn outline(&self, object: &Object) -> (f64, f64) {
        let length = object.border.length();
        let Some(side) = self.side() else { return (length, f64::NAN) };
        let circularity =
            if length > 0.0 { 4.0 * PI * object.pixels as f64 / (length * length) } else { f64::NAN };
        (length * side, circularity)
    }
}

/// Mean place along an axis. The part before the point is exact: far from the origin no digit behind it is lost.
fn mean_place(object: &Object, axis: usize) -> f64 {
    let from_first = object.places[axis] - u128::from(object.first[axis]) * u128::from(object.pixels);
    object.first[axis] as f64 + from_first as f64 / object.pixels as f64
}

fn statistics(intensity: &Intensity, count: f64) -> [Scalar; 4] {
    let sum = intensity.sum.value();
    let undefined = |value: f64| value.is_nan() || intensity.sum.has_not_numbers();
    // One bit pattern for all that is not a number.
    let defined = |value: f64| Scalar::Number(if undefined(value) { f64::NAN } else { value });
    [defined(sum / count), defined(intensity.min), defined(intensity.max), defined(sum)]
}

/// What is appended to the names of columns for each of several channels: its name in `snake_case`, or its number.
pub(super) fn channel_names(channels: &[Channel]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for (index, channel) in channels.iter().enumerate() {
        let letters = channel.name.chars().map(|letter| if letter.is_alphanumeric() { letter } else { ' ' });
        let words: String = letters.flat_map(char::to_lowercase).collect();
        let words: Vec<&str> = words.split_whitespace().collect();
        let name = format!("_{}", words.join("_"));
        names.push(if words.is_empty() || names.contains(&name) { format!("_c{index}") } else { name });
    }
    names
}

struct Columns(Vec<Column>);

impl Columns {
    fn integer(&mut self, name: &str, unit: Unit) -> &mut Self {
        self.0.push(Column::new(name, ColumnKind::Integer, unit));
        self
    }

    fn number(&mut self, name: &str, unit: Unit) {
        self.0.push(Column::new(name, ColumnKind::Number, unit));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_are_told_apart_by_name_or_number() {
        let channels = ["DAPI", "GFP (488 nm)", "", "dapi"].map(Channel::named);
        assert_eq!(channel_names(&channels), ["_dapi", "_gfp_488_nm", "_c2", "_c3"]);
    }

    #[test]
    fn rows_fit_their_columns() {
        let object = {
            let mut object = Object::new(3, 2);
            object.add_run([0, 1, 2], 4);
            object
        };
        for size in [PixelSize::UNKNOWN, PixelSize::voxel(Micrometers(0.5), Micrometers(2.0))] {
            for stack in [false, true] {
                let units = Units::of(size, stack);
                let (columns, row) = (units.columns(&["_a".into(), "_b".into()]), units.row(&object));
                assert_eq!(columns.len(), row.len());
                assert!(columns.iter().zip(&row).all(|(column, value)| column.accepts(value)));
            }
        }
    }
}
