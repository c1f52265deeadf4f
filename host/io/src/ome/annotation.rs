//! What OME has no place for, and where it travels.

use parfocal_image::ImageSpec;
use parfocal_types::error::{Error, Result};
use serde::{Deserialize, Serialize};

use super::{
    model::{Annotation, AnnotationValue, Document, Image},
    text::json_for_xml,
};

/// Namespace of the comment annotation with the whole [`ImageSpec`] as JSON: pixel type, class, supports, origin of
/// labels, conditions and dose of channels and planes.
pub const NAMESPACE: &str = "parfocal.org/image/1";

/// A further annotation of an image, for example the run record of the pipeline that made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Who defined it, for example `parfocal.org/run-record/1`.
    pub namespace: String,
    /// What it says; kept exactly, except characters that XML forbids.
    pub text: String,
}

/// The JSON of the annotation. Fields that a later version adds are skipped by this one.
#[derive(Serialize, Deserialize)]
struct Marks {
    spec: ImageSpec,
}

/// The annotation that carries `spec`.
pub(crate) fn annotation_of(id: String, spec: &ImageSpec) -> Result<Annotation> {
    let json = serde_json::to_string(&Marks { spec: spec.clone() })
        .map_err(|error| Error::internal(format!("an image cannot be described as JSON: {error}")))?;
    Ok(Annotation {
        id,
        kind: "CommentAnnotation".to_owned(),
        namespace: NAMESPACE.to_owned(),
        value: AnnotationValue::Text(json_for_xml(&json)),
    })
}

/// The spec that `image` carries, when it carries one that can be read and is valid.
pub(crate) fn carried_spec(document: &Document, image: &Image) -> Option<ImageSpec> {
    image
        .annotation_refs
        .iter()
        .filter_map(|id| document.annotation(id))
        .filter(|annotation| annotation.namespace == NAMESPACE)
        .find_map(|annotation| match &annotation.value {
            AnnotationValue::Text(json) => serde_json::from_str::<Marks>(json).ok(),
            _ => None,
        })
        .map(|marks| marks.spec)
        .filter(|spec| spec.validate().is_ok())
}

impl Document {
    /// The texts of an image's comment annotations of this namespace, in their order.
    pub fn notes<'a>(&'a self, image: &'a Image, namespace: &'a str) -> impl Iterator<Item = &'a str> {
        image
            .annotation_refs
            .iter()
            .filter_map(|id| self.annotation(id))
            .filter(move |annotation| annotation.namespace == namespace)
            .filter_map(|annotation| match &annotation.value {
                AnnotationValue::Text(text) => Some(text.as_str()),
                _ => None,
            })
    }
}
