//! What the plugin says about itself.

use parfocal_image::{DType, Extent, ImageSpec, PixelSize};
use parfocal_operator::{Kind, Registry};
use parfocal_types::units::Micrometers;

use crate::driver::{create, descriptor};
use parfocal_classical::ParfocalRegistry;

#[test]
fn every_operator_declares_itself_consistently_and_as_deterministic() {
    let descriptors = ParfocalRegistry::descriptors();
    let ids: Vec<_> = descriptors.iter().map(|descriptor| descriptor.id.as_str()).collect();
    assert_eq!(
        ids,
        [
            "connected-components",
            "gaussian",
            "identity",
            "measure-objects",
            "median",
            "otsu-threshold",
            "top-hat"
        ]
    );
    for descriptor in &descriptors {
        descriptor.validate().unwrap();
        assert!(descriptor.deterministic, "{}", descriptor.id);
        assert!(
            !descriptor.summary.is_empty() && descriptor.summary.ends_with('.'),
            "{}",
            descriptor.summary
        );
        assert!(descriptor.parameters.iter().all(|parameter| !parameter.doc.is_empty()), "{}", descriptor.id);
        create(&descriptor.id, &[]).unwrap();
    }
    assert_eq!(descriptor("otsu-threshold").kind, Kind::Reduce);
}

#[test]
fn a_sigma_in_micrometers_needs_a_pixel_size() {
    let mut spec = ImageSpec::new(Extent::new(1, 1, 5, 64, 64), DType::U16);
    let plan = |spec: &ImageSpec, parameters: &[(&str, &str)]| {
        let mut operator = create("gaussian", parameters).unwrap();
        operator.plan(std::slice::from_ref(spec))?;
        operator.required_input(&parfocal_image::Region::whole(spec.extent)).map(|regions| regions[0].origin)
    };
    let plane = [("sigma", "0.5"), ("unit", "micrometer")];
    let stack = [("sigma", "0.5"), ("unit", "micrometer"), ("dimensions", "3d")];
    let error = plan(&spec, &plane).unwrap_err();
    assert_eq!(error.kind().name(), "not-found");
    assert!(error.remedy().is_some());

    spec.pixel_size = PixelSize { x: Some(Micrometers(0.1)), y: Some(Micrometers(0.2)), z: None };
    // 4 sigmas of 5 pixels along X and 2.5 along Y.
    assert_eq!(plan(&spec, &plane).unwrap(), [0, 0, 0, -10, -20]);
    let error = plan(&spec, &stack).unwrap_err();
    assert_eq!(error.kind().name(), "not-found");
    assert!(error.to_string().contains("planes"), "{error}");

    spec.pixel_size.z = Some(Micrometers(0.5));
    assert_eq!(plan(&spec, &stack).unwrap(), [0, 0, -4, -10, -20]);
    spec.pixel_size = PixelSize::square(Micrometers(0.001));
    let error = plan(&spec, &plane).unwrap_err();
    assert_eq!(error.kind().name(), "out-of-range");
}

#[test]
fn a_second_pass_before_the_first_is_refused() {
    use crate::driver::Quiet;
    use parfocal_operator::Tiles;
    for id in ["otsu-threshold", "connected-components"] {
        let mut operator = create(id, &[]).unwrap();
        let tiles = &mut Tiles { core: Default::default(), inputs: &[], outputs: &mut [] };
        assert!(operator.run(tiles, &Quiet).is_err(), "{id}");
        for rubbish in [&b"rubbish that is longer than a footer"[..], &[], &[0xFF; 40]] {
            assert!(
                operator.merge(rubbish.to_vec(), rubbish).is_err() || rubbish.is_empty(),
                "{id} {rubbish:?}"
            );
        }
    }
}
