//! What an operator declares about itself: readable from the manifest, and equal to what its code says.

use std::collections::BTreeSet;

use parfocal_image::{Axis, DType, PixelClass, Supports};
use parfocal_types::{
    error::{Error, Result},
    parameter::{ParameterKind, ParameterSpec},
};

/// How an operator consumes its input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[repr(u32)]
pub enum Kind {
    /// A tile in, a tile out.
    Map = 1,
    /// A partial result a tile, merged and finished; then, with image outputs, a second pass over the tiles.
    Reduce = 2,
    /// Some axes whole.
    Whole = 3,
}

impl Kind {
    /// The kind with this wire code.
    #[must_use]
    pub const fn from_code(code: u32) -> Option<Self> {
        match code {
            1 => Some(Self::Map),
            2 => Some(Self::Reduce),
            3 => Some(Self::Whole),
            _ => None,
        }
    }
}

/// From which threads instances may be called, and whether there may be several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[repr(u32)]
pub enum ThreadSafety {
    /// One instance at a time in the process: the plugin has global state. It is called by one thread at a time.
    Single = 1,
    /// Instances are independent: several are called at once, each by one thread at a time, and by several in turn.
    #[default]
    Instance = 2,
}

impl ThreadSafety {
    /// The value with this wire code.
    #[must_use]
    pub const fn from_code(code: u32) -> Option<Self> {
        match code {
            1 => Some(Self::Single),
            2 => Some(Self::Instance),
            _ => None,
        }
    }
}

/// What goes through a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[repr(u32)]
pub enum PortKind {
    /// Pixels.
    Image = 1,
    /// Pixels that number objects; background is 0.
    Labels = 2,
    /// Rows with named, united columns.
    Table = 3,
    /// Named, united values.
    Record = 4,
}

impl PortKind {
    /// The kind with this wire code.
    #[must_use]
    pub const fn from_code(code: u32) -> Option<Self> {
        match code {
            1 => Some(Self::Image),
            2 => Some(Self::Labels),
            3 => Some(Self::Table),
            4 => Some(Self::Record),
            _ => None,
        }
    }

    /// Whether pixels go through it.
    #[must_use]
    pub const fn is_image(self) -> bool {
        matches!(self, Self::Image | Self::Labels)
    }
}

/// Something that goes in. Ports are known by their number, their place in [`Descriptor::inputs`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct InputPort {
    /// The name in kebab-case, unique among the inputs.
    pub name: String,
    /// What goes in: an image, or labels. Tables and records do not go in yet.
    #[cfg_attr(feature = "serde", serde(default = "InputPort::usual_kind"))]
    pub kind: PortKind,
    /// Pixel types that are accepted; others are refused before any work.
    pub dtypes: Vec<DType>,
    /// Whether it may be left out.
    #[cfg_attr(feature = "serde", serde(default))]
    pub optional: bool,
}

impl InputPort {
    /// A port that takes images of these pixel types, and must be connected.
    #[must_use]
    pub fn image(name: &str, dtypes: &[DType]) -> Self {
        Self { name: name.to_owned(), kind: PortKind::Image, dtypes: dtypes.to_vec(), optional: false }
    }

    /// What goes into a port that does not say: an image.
    #[must_use]
    pub const fn usual_kind() -> PortKind {
        PortKind::Image
    }
}

/// Something that comes out. Ports are known by their number, their place in [`Descriptor::outputs`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(deny_unknown_fields, rename_all = "kebab-case")
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OutputPort {
    /// The name in kebab-case, unique among the outputs.
    pub name: String,
    /// What comes out.
    pub kind: PortKind,
    /// The class of its pixels, before the host joins it with the inputs' classes. Labels are of class `labels` anyway, and
    /// for tables and records it is the class of what they were measured on.
    #[cfg_attr(feature = "serde", serde(default = "OutputPort::usual_class"))]
    pub yields: PixelClass,
    /// What it still supports if the inputs do; the host intersects.
    pub preserves: Supports,
    /// Whether a neural network makes it: labels then say that a network found them, and an image has to be `restored` or
    /// `predicted`.
    #[cfg_attr(feature = "serde", serde(default))]
    pub network: bool,
}

impl OutputPort {
    /// A port with what a classical operation on its inputs gives.
    #[must_use]
    pub fn new(name: &str, kind: PortKind, preserves: Supports) -> Self {
        Self { name: name.to_owned(), kind, yields: Self::usual_class(), preserves, network: false }
    }

    /// The class of the pixels of a port that does not say: `derived`.
    #[must_use]
    pub const fn usual_class() -> PixelClass {
        PixelClass::Derived
    }
}

/// An operator as it declares itself.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(deny_unknown_fields, rename_all = "kebab-case")
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Descriptor {
    /// The name in kebab-case, unique within the plugin.
    pub id: String,
    /// One sentence for people.
    pub summary: String,
    /// How it consumes its input.
    pub kind: Kind,
    /// From which threads it may be called.
    #[cfg_attr(feature = "serde", serde(default))]
    pub threads: ThreadSafety,
    /// Whether equal input gives equal bytes on every machine and in every lane.
    #[cfg_attr(feature = "serde", serde(default))]
    pub deterministic: bool,
    /// Frames before and after a frame that it looks at.
    #[cfg_attr(feature = "serde", serde(default))]
    pub temporal_window: [u32; 2],
    /// Upper bound of the halo along T C Z Y X over all parameters, in pixels; `required_input`
    /// says the real one.
    #[cfg_attr(feature = "serde", serde(default))]
    pub max_halo: [u32; 5],
    /// What goes in.
    #[cfg_attr(feature = "serde", serde(default, rename = "input"))]
    pub inputs: Vec<InputPort>,
    /// What comes out.
    #[cfg_attr(feature = "serde", serde(default, rename = "output"))]
    pub outputs: Vec<OutputPort>,
    /// Parameters.
    #[cfg_attr(feature = "serde", serde(default, rename = "parameter"))]
    pub parameters: Vec<ParameterSpec>,
}

/// Longest text of a description, in bytes: a name, a summary, a documentation, a word of a choice.
pub const LONGEST_TEXT: usize = 4096;

/// Most operators of a plugin; most ports, parameters, pixel types of a port, and words of a choice of an operator.
pub const MOST_PARTS: usize = 1000;

impl Descriptor {
    /// Checks that no list is longer than [`MOST_PARTS`] and no text longer than [`LONGEST_TEXT`], and that the parts agree: names are kebab-case and unique, there is an output, tables and records come from
    /// operators of kind reduce only, an image that a network makes is restored or predicted, images or labels go in,
    /// defaults lie within their limits.
    ///
    /// # Errors
    /// `invalid-argument` with the first disagreement.
    pub fn validate(&self) -> Result<()> {
        // First: what follows compares names with each other.
        self.check_size()?;
        let wrong = |what: String| Err(Error::invalid_argument(format!("operator `{}`: {what}", self.id)));
        if !is_kebab(&self.id) {
            return wrong("its id is not lower-case words joined by `-`".into());
        }
        let groups: [Vec<&str>; 3] = [
            self.inputs.iter().map(|port| port.name.as_str()).collect(),
            self.outputs.iter().map(|port| port.name.as_str()).collect(),
            self.parameters.iter().map(|spec| spec.name.as_str()).collect(),
        ];
        for names in &groups {
            for (index, name) in names.iter().enumerate() {
                if !is_kebab(name) {
                    return wrong(format!("`{name}` is not lower-case words joined by `-`"));
                }
                if names[..index].contains(name) {
                    return wrong(format!("`{name}` is declared twice"));
                }
            }
        }
        if self.outputs.is_empty() {
            return wrong("it has no output".into());
        }
        for port in &self.inputs {
            if !port.kind.is_image() {
                return wrong(format!("its input `{}` is neither an image nor labels", port.name));
            }
            if port.dtypes.is_empty() {
                return wrong(format!("its input `{}` accepts no pixel type", port.name));
            }
        }
        for port in &self.outputs {
            if self.kind != Kind::Reduce && !port.kind.is_image() {
                return wrong(format!(
                    "its output `{}` is no image: tables and records need kind `reduce`",
                    port.name
                ));
            }
            let image_of_network = port.network && port.kind == PortKind::Image;
            if image_of_network && !matches!(port.yields, PixelClass::Restored | PixelClass::Predicted) {
                return wrong(format!(
                    "its output `{}` is {}, but an image that a network makes is `restored` (of the same channel) or \
                     `predicted` (from another)",
                    port.name, port.yields
                ));
            }
        }
        for spec in &self.parameters {
            if let Err(error) = spec.check(spec.default_value()) {
                return wrong(format!("the default is refused: {}", error.message()));
            }
        }
        Ok(())
    }

    fn check_size(&self) -> Result<()> {
        let mut lists = vec![self.inputs.len(), self.outputs.len(), self.parameters.len()];
        let mut texts = vec![self.id.as_str(), self.summary.as_str()];
        lists.extend(self.inputs.iter().map(|port| port.dtypes.len()));
        texts.extend(self.inputs.iter().map(|port| port.name.as_str()));
        texts.extend(self.outputs.iter().map(|port| port.name.as_str()));
        for spec in &self.parameters {
            texts.extend([spec.name.as_str(), spec.doc.as_str()]);
            match &spec.kind {
                ParameterKind::Choice { default, options } => {
                    lists.push(options.len());
                    texts.push(default);
                    texts.extend(options.iter().map(String::as_str));
                }
                ParameterKind::Text { default } => texts.push(default),
                ParameterKind::Flag { .. } | ParameterKind::Integer { .. } | ParameterKind::Number { .. } => {
                }
            }
        }
        let too_much = |what: &str, found: usize, most: usize| {
            Err(Error::invalid_argument(format!(
                "an operator describes itself with {what} of {found}; at most {most}"
            ))
            .with_remedy("shorten what the operator declares; what is longer belongs into its documentation"))
        };
        match lists.into_iter().max() {
            Some(most) if most > MOST_PARTS => return too_much("a list", most, MOST_PARTS),
            _ => {}
        }
        match texts.into_iter().map(str::len).max() {
            Some(longest) if longest > LONGEST_TEXT => too_much("a text in bytes", longest, LONGEST_TEXT),
            _ => Ok(()),
        }
    }

    /// The declared upper bound of the halo along an axis.
    #[must_use]
    pub fn max_halo_along(&self, axis: Axis) -> u32 {
        self.max_halo[axis as usize]
    }
}

/// Checks all operators of a plugin: each [agrees with itself](Descriptor::validate), and no two have the same id.
///
/// # Errors
/// `invalid-argument` with the first disagreement.
pub fn validate_all(operators: &[Descriptor]) -> Result<()> {
    if operators.len() > MOST_PARTS {
        return Err(Error::invalid_argument(format!("{} operators; at most {MOST_PARTS}", operators.len())));
    }
    operators.iter().try_for_each(Descriptor::validate)?;
    match declared_twice(operators) {
        None => Ok(()),
        Some(index) => Err(Error::invalid_argument(format!(
            "operator `{}` is declared twice: ids are unique within the plugin",
            operators[index].id
        ))),
    }
}

/// Which operator is the first to have the id of an earlier one.
#[must_use]
pub fn declared_twice(operators: &[Descriptor]) -> Option<usize> {
    let mut seen = BTreeSet::new();
    operators.iter().position(|operator| !seen.insert(operator.id.as_str()))
}

/// Whether a name is lower-case ASCII words joined by single hyphens, starting with a letter.
#[must_use]
pub fn is_kebab(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 64
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.split('-').all(|word| {
            !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use parfocal_types::{ParameterRole, Unit};

    fn descriptor() -> Descriptor {
        Descriptor {
            id: "gaussian".into(),
            summary: "Smooths.".into(),
            kind: Kind::Map,
            threads: ThreadSafety::Instance,
            deterministic: true,
            temporal_window: [0, 0],
            max_halo: [0, 0, 0, 9, 9],
            inputs: vec![InputPort::image("image", &[DType::U16])],
            outputs: vec![OutputPort::new("image", PortKind::Image, Supports::ALL)],
            parameters: vec![ParameterSpec {
                name: "sigma".into(),
                doc: String::new(),
                role: ParameterRole::Tunable,
                unit: Unit::Pixel,
                kind: ParameterKind::Number { default: 1.0, min: 0.1, max: 3.0 },
            }],
        }
    }

    #[test]
    fn a_good_descriptor_is_accepted() {
        descriptor().validate().unwrap();
    }

    #[test]
    fn each_disagreement_is_named() {
        type Spoil = fn(&mut Descriptor);
        let cases: [(Spoil, &str); 14] = [
            (|d| d.id = "Gaussian".into(), "lower-case"),
            (|d| d.summary = "a".repeat(4097), "a text in bytes of 4097; at most 4096"),
            (|d| d.parameters[0].doc = "a".repeat(1 << 20), "at most 4096"),
            (|d| d.outputs = vec![d.outputs[0].clone(); 1 << 20], "a list of 1048576; at most 1000"),
            (|d| d.inputs.push(d.inputs[0].clone()), "declared twice"),
            (|d| d.outputs.clear(), "no output"),
            (|d| d.inputs[0].dtypes.clear(), "no pixel type"),
            (|d| d.inputs[0].kind = PortKind::Table, "neither an image nor labels"),
            (|d| d.outputs[0].kind = PortKind::Table, "need kind `reduce`"),
            (|d| (d.kind, d.outputs[0].kind) = (Kind::Whole, PortKind::Table), "need kind `reduce`"),
            (|d| (d.kind, d.outputs[0].kind) = (Kind::Whole, PortKind::Record), "need kind `reduce`"),
            (|d| d.outputs[0].network = true, "is derived, but an image that a network makes"),
            (
                |d| (d.outputs[0].network, d.outputs[0].yields) = (true, PixelClass::Unknown),
                "is unknown, but an image that a network makes",
            ),
            (
                |d| d.parameters[0].kind = ParameterKind::Number { default: 9.0, min: 0.0, max: 1.0 },
                "default is refused",
            ),
        ];
        for (spoil, sentence) in cases {
            let mut spoiled = descriptor();
            spoil(&mut spoiled);
            let message = spoiled.validate().unwrap_err().to_string();
            assert!(message.contains(sentence), "{message}");
        }
    }

    #[test]
    fn tables_and_records_come_from_reduce() {
        for kind in [PortKind::Table, PortKind::Record] {
            let mut descriptor = descriptor();
            (descriptor.kind, descriptor.outputs[0].kind) = (Kind::Reduce, kind);
            descriptor.validate().unwrap();
        }
    }

    #[test]
    fn a_networks_image_is_restored_or_predicted_and_its_labels_are_of_any_class() {
        let accepted = |kind| {
            PixelClass::ALL.into_iter().filter(move |class| {
                let mut descriptor = descriptor();
                descriptor.outputs[0] = OutputPort {
                    yields: *class,
                    network: true,
                    ..OutputPort::new("found", kind, Supports::NONE)
                };
                descriptor.validate().is_ok()
            })
        };
        let images: Vec<_> = accepted(PortKind::Image).collect();
        assert_eq!(images, [PixelClass::Restored, PixelClass::Predicted]);
        assert!(accepted(PortKind::Labels).eq(PixelClass::ALL));
    }

    #[test]
    fn operators_of_one_plugin_have_ids_of_their_own() {
        let named = |id: &str| Descriptor { id: id.into(), ..descriptor() };
        assert_eq!(declared_twice(&[named("a"), named("b"), named("a"), named("b")]), Some(2));
        validate_all(&[named("a"), named("b")]).unwrap();
        let error = validate_all(&[named("a"), named("b"), named("b")]).unwrap_err();
        assert!(error.to_string().contains("operator `b` is declared twice"), "{error}");
        assert!(validate_all(&[named("a"), named("B")]).is_err(), "each is checked by itself too");
    }

    #[test]
    fn names_are_words_joined_by_hyphens() {
        for good in ["a", "top-hat", "otsu2", "x-1"] {
            assert!(is_kebab(good), "{good}");
        }
        for bad in ["", "-a", "a-", "a--b", "A", "a_b", "ä", "1a", "a b"] {
            assert!(!is_kebab(bad), "{bad}");
        }
    }
}
