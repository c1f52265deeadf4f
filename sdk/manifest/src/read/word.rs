//! Reads a word of a closed list through the type's own `Deserialize`, and learns the list from its refusal.

use std::fmt;

use serde::de::{DeserializeOwned, IntoDeserializer, value::StrDeserializer};

/// The words that would have been accepted; empty when the type does not tell.
#[derive(Debug, Default)]
pub(crate) struct Expected(pub(crate) &'static [&'static str]);

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "one of {}", self.0.join(", "))
    }
}

impl std::error::Error for Expected {}

impl serde::de::Error for Expected {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self::default()
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        Self(expected)
    }
}

/// The value that `text` names.
pub(crate) fn word<T: DeserializeOwned>(text: &str) -> Result<T, Expected> {
    let source: StrDeserializer<'_, Expected> = text.into_deserializer();
    T::deserialize(source)
}

/// The candidate that was probably meant.
pub(crate) fn nearest<'c>(text: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let longest = (text.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(text, candidate), candidate))
        .filter(|(distance, candidate)| {
            *distance <= longest || candidate.starts_with(text) && text.len() >= 3
        })
        .min()
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;
    use parfocal_image::DType;

    #[test]
    fn a_refused_word_tells_what_is_accepted() {
        assert_eq!(word::<DType>("u16").unwrap(), DType::U16);
        assert!(word::<DType>("u17").unwrap_err().0.contains(&"u16"));
    }

    #[test]
    fn typos_find_their_word_and_other_words_do_not() {
        let keys = ["operator", "artifact", "plugin"];
        assert_eq!(nearest("operators", keys), Some("operator"));
        assert_eq!(nearest("pluign", keys), Some("plugin"));
        assert_eq!(nearest("art", keys), Some("artifact"));
        assert_eq!(nearest("colour", keys), None);
        assert_eq!(nearest("", keys), None);
    }
}
