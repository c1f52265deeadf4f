//! Errors on the wire.

use std::collections::BTreeMap;

use parfocal_types::{Error, ErrorKind};
use serde::{Deserialize, Serialize};

/// An error of the taxonomy, as it travels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Failure {
    /// The name of the kind, for example `out-of-range`; one that the reader does not know is `internal`.
    pub kind: String,
    /// The fields of the kind, as texts: `min`, `max`, `got`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub details: BTreeMap<String, String>,
    /// The sentence for people.
    pub message: String,
    /// What the user can do now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

impl Failure {
    /// The error as it travels. Its origin stays here: who it comes from is known at the other end.
    #[must_use]
    pub fn of(error: &Error) -> Self {
        let details = error.kind().details();
        Self {
            kind: error.kind().name().to_owned(),
            details: details.into_iter().map(|(name, text)| (name.to_owned(), text)).collect(),
            message: error.message().to_owned(),
            remedy: error.remedy().map(ToOwned::to_owned),
        }
    }

    /// The error.
    #[must_use]
    pub fn into_error(self) -> Error {
        let details: Vec<_> = self.details.into_iter().collect();
        let kind = (1..=ErrorKind::Internal.code())
            .map(|code| ErrorKind::from_wire(code, &details))
            .find(|kind| kind.name() == self.kind)
            .unwrap_or(ErrorKind::Internal);
        let error = Error::new(kind, self.message);
        match self.remedy {
            Some(remedy) => error.with_remedy(remedy),
            None => error,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kind_details_sentence_and_remedy_survive() {
        let kind = ErrorKind::OutOfRange { min: "1".into(), max: "5".into(), got: "9".into() };
        let error = Error::new(kind.clone(), "sigma is 9").with_remedy("take less").with_origin("here");
        let text = serde_json::to_string(&Failure::of(&error)).unwrap();
        let back = serde_json::from_str::<Failure>(&text).unwrap().into_error();
        assert_eq!((back.kind(), back.message(), back.remedy()), (&kind, "sigma is 9", Some("take less")));
        assert_eq!(back.origin(), None);
    }

    #[test]
    fn a_kind_of_a_later_version_is_internal_and_keeps_its_sentence() {
        let failure: Failure =
            serde_json::from_str(r#"{"kind":"moonstruck","message":"full moon"}"#).unwrap();
        let error = failure.into_error();
        assert_eq!((error.kind(), error.message()), (&ErrorKind::Internal, "full moon"));
    }
}
