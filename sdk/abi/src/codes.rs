//! The numbers that stand for choices at the border, each with the name that it has in C.
//!
//! Most are the codes of the SDK's own enums, and are listed by asking those: a variant that is added there is in the
//! header when it is written next. The few that have no numbered enum in the SDK get their numbers here.

use core::fmt::Debug;

use parfocal_image::{Axis, DType, Modality, PixelClass, ScanMode, Support, Supports};
use parfocal_operator::{Kind, LogLevel, Padding, PortKind, ThreadSafety, Tiling};
use parfocal_types::{ErrorKind, ParameterRole, Unit};

/// The kind of a value: of a parameter, its declaration, a scalar, a column. One numbering for all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum ValueKind {
    /// True or false.
    Flag = 1,
    /// A whole number.
    Integer = 2,
    /// A number.
    Number = 3,
    /// Text; also the value of a choice.
    Text = 4,
    /// One of a closed list of words; in the declaration of a parameter only.
    Choice = 5,
}

impl ValueKind {
    /// The kind with this number.
    #[must_use]
    pub const fn from_code(code: u32) -> Option<Self> {
        match code {
            1 => Some(Self::Flag),
            2 => Some(Self::Integer),
            3 => Some(Self::Number),
            4 => Some(Self::Text),
            5 => Some(Self::Choice),
            _ => None,
        }
    }
}

/// Who found labels, as a number; the texts of a [`Finder`](parfocal_image::Finder) travel beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum FinderCode {
    /// A classical operator.
    Classical = 1,
    /// A network.
    Network = 2,
    /// A person.
    Manual = 3,
}

impl FinderCode {
    /// The finder with this number; `None` for no labels.
    #[must_use]
    pub const fn from_code(code: u32) -> Option<Self> {
        match code {
            1 => Some(Self::Classical),
            2 => Some(Self::Network),
            3 => Some(Self::Manual),
            _ => None,
        }
    }
}

/// Pixels in the host's memory, the only space yet.
pub const HOST_MEMORY: u32 = 0;

/// The number of a role.
#[must_use]
pub const fn role_code(role: ParameterRole) -> u32 {
    match role {
        ParameterRole::Setting => 1,
        ParameterRole::Tunable => 2,
    }
}

/// The role with this number.
#[must_use]
pub const fn role_from_code(code: u32) -> Option<ParameterRole> {
    match code {
        1 => Some(ParameterRole::Setting),
        2 => Some(ParameterRole::Tunable),
        _ => None,
    }
}

/// A number with its name in C.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Constant {
    /// The name, for example `PF_PORT_IMAGE`.
    pub name: String,
    /// The number.
    pub value: u32,
}

/// The constants of one choice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// What they choose, as a comment.
    pub title: &'static str,
    /// In the order of their numbers.
    pub constants: Vec<Constant>,
}

/// Codes beyond this are not asked for; those of bits are listed by name.
const LAST: u32 = 255;

/// Every named number of the interface; those of status codes are positive and travel as `int32_t`.
#[must_use]
pub fn groups() -> Vec<Group> {
    let status = |code: u32| {
        let kind = ErrorKind::from_wire(code.try_into().ok()?, &[]);
        (u32::try_from(kind.code()) == Ok(code)).then_some(kind)
    };
    let level = |code| Some(LogLevel::from_code(code)).filter(|level| *level as u32 == code);
    let axis = |code| Axis::ALL.into_iter().find(|axis| *axis as u32 == code);
    let memory = |code| (code == HOST_MEMORY).then_some("host");
    vec![
        group("Status codes.", "", &[("OK", 0)], status, |kind| kind.name().to_owned()),
        group("Places in arrays of size 5.", "AXIS_", &[], axis, shout),
        group("Pixel types.", "", &[], DType::from_code, |dtype| dtype.name().to_owned()),
        group("Where pixels lie.", "MEMORY_", &[], memory, |name| (*name).to_owned()),
        group("Kinds of operators.", "KIND_", &[], Kind::from_code, shout),
        group("Which calls may come at once.", "THREADS_", &[], ThreadSafety::from_code, shout),
        group("What goes through a port.", "PORT_", &[], PortKind::from_code, shout),
        group("How far an axis may be cut.", "TILING_", &[], Tiling::from_code, shout),
        group("What is filled in beyond the image.", "PAD_", &[], Padding::from_code, shout),
        group("Pixel classes.", "CLASS_", &[], PixelClass::from_code, |class| class.name().to_owned()),
        supports(),
        group("Who found labels.", "FINDER_", &[("NONE", 0)], FinderCode::from_code, shout),
        group("Contrasts.", "MODALITY_", &[("UNKNOWN", 0)], Modality::from_code, shout),
        group("How the beam moves.", "SCAN_", &[("UNKNOWN", 0)], ScanMode::from_code, shout),
        group("Units.", "UNIT_", &[], Unit::from_code, |unit| unit.name().to_owned()),
        group("Roles of parameters.", "", &[], role_from_code, shout),
        group("Kinds of values: parameters, scalars, columns.", "VALUE_", &[], ValueKind::from_code, shout),
        group("How much a line of the log matters.", "LOG_", &[], level, shout),
    ]
}

/// The constants of an enum: `more` by name, then every variant that `from_code` knows.
fn group<E>(
    title: &'static str,
    prefix: &str,
    more: &[(&str, u32)],
    from_code: impl Fn(u32) -> Option<E>,
    name: impl Fn(&E) -> String,
) -> Group {
    let constant = |name: &str, value| Constant {
        name: format!("PF_{prefix}{}", name.replace('-', "_").to_uppercase()),
        value,
    };
    let listed = (0..=LAST).filter_map(|code| Some(constant(&name(&from_code(code)?), code)));
    Group { title, constants: more.iter().map(|(name, code)| constant(name, *code)).chain(listed).collect() }
}

fn supports() -> Group {
    let all = Constant { name: "PF_SUPPORT_ALL".into(), value: Supports::ALL.bits() };
    let bit = |code| Support::ALL.into_iter().find(|support| *support as u32 == code);
    let mut group = group("Supports, to be summed.", "SUPPORT_", &[("NONE", 0)], bit, |support| {
        support.name().to_owned()
    });
    group.constants.push(all);
    group
}

/// `InOrder` becomes `in-order`.
fn shout(variant: &impl Debug) -> String {
    let mut out = String::new();
    for letter in format!("{variant:?}").chars() {
        if letter.is_ascii_uppercase() && !out.is_empty() {
            out.push('-');
        }
        out.push(letter);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use parfocal_types::ColumnKind;

    fn value(name: &str) -> Option<u32> {
        groups().into_iter().flat_map(|group| group.constants).find(|c| c.name == name).map(|c| c.value)
    }

    #[test]
    fn names_are_unique_and_plain_c() {
        let mut names: Vec<String> =
            groups().into_iter().flat_map(|group| group.constants).map(|constant| constant.name).collect();
        let all = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), all);
        for name in names {
            let plain = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
            assert!(name.starts_with("PF_") && name.chars().all(plain), "{name}");
        }
    }

    #[test]
    fn every_choice_is_listed_from_its_first_variant_to_its_last() {
        for (name, number) in [
            ("PF_OK", 0),
            ("PF_NOT_SUPPORTED", 1),
            ("PF_INTERNAL", ErrorKind::Internal.code() as u32),
            ("PF_AXIS_T", 0),
            ("PF_AXIS_X", 4),
            ("PF_U8", DType::U8 as u32),
            ("PF_MASK", DType::Mask as u32),
            ("PF_MEMORY_HOST", 0),
            ("PF_KIND_MAP", Kind::Map as u32),
            ("PF_KIND_WHOLE", Kind::Whole as u32),
            ("PF_THREADS_SINGLE", ThreadSafety::Single as u32),
            ("PF_THREADS_INSTANCE", ThreadSafety::Instance as u32),
            ("PF_PORT_IMAGE", PortKind::Image as u32),
            ("PF_PORT_RECORD", PortKind::Record as u32),
            ("PF_TILING_SPLIT", Tiling::Split as u32),
            ("PF_TILING_IN_ORDER", Tiling::InOrder as u32),
            ("PF_PAD_CLIP", Padding::Clip as u32),
            ("PF_PAD_ZERO", Padding::Zero as u32),
            ("PF_CLASS_UNKNOWN", PixelClass::Unknown as u32),
            ("PF_CLASS_LABELS", PixelClass::Labels as u32),
            ("PF_SUPPORT_LOCALISATION", Support::Localisation as u32),
            ("PF_SUPPORT_RARE_EVENT_FREQUENCY", Support::RareEventFrequency as u32),
            ("PF_SUPPORT_ALL", Supports::ALL.bits()),
            ("PF_FINDER_NONE", 0),
            ("PF_FINDER_MANUAL", 3),
            ("PF_MODALITY_WIDEFIELD_FLUORESCENCE", Modality::WidefieldFluorescence as u32),
            ("PF_MODALITY_OTHER", Modality::Other as u32),
            ("PF_SCAN_UNKNOWN", 0),
            ("PF_SCAN_SPINNING_DISK", ScanMode::SpinningDisk as u32),
            ("PF_UNIT_NONE", Unit::None as u32),
            ("PF_UNIT_GREY_LEVEL", Unit::GreyLevel as u32),
            ("PF_SETTING", 1),
            ("PF_TUNABLE", 2),
            ("PF_VALUE_FLAG", 1),
            ("PF_VALUE_CHOICE", 5),
            ("PF_LOG_ERROR", LogLevel::Error as u32),
            ("PF_LOG_DEBUG", LogLevel::Debug as u32),
        ] {
            assert_eq!(value(name), Some(number), "{name}");
        }
        let count = |title: &str| {
            let group = groups().into_iter().find(|group| group.title == title).unwrap();
            group.constants.len()
        };
        assert_eq!(count("Units."), Unit::ALL.len());
        assert_eq!(count("Pixel types."), DType::ALL.len());
        assert_eq!(count("Contrasts."), Modality::ALL.len() + 1);
        assert_eq!(count("Supports, to be summed."), Support::ALL.len() + 2);
    }

    #[test]
    fn columns_and_values_share_one_numbering() {
        for (column, value) in [
            (ColumnKind::Flag, ValueKind::Flag),
            (ColumnKind::Integer, ValueKind::Integer),
            (ColumnKind::Number, ValueKind::Number),
            (ColumnKind::Text, ValueKind::Text),
        ] {
            assert_eq!(column as u32, value as u32, "{column:?}");
        }
    }
}
