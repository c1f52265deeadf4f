//! A library in C is loaded, described and run.

use parfocal_core::{CancelToken, Lane, RunServices};
use parfocal_image::{Buffer, DType, Extent, ImageSpec, Region};
use parfocal_native::NativeLane;
use parfocal_operator::{Input, Operator, Output, Tiles};
use parfocal_types::{ParameterValue, Parameters};

use crate::fixture::{artifact, compile};

const SUBTRACT: &str = include_str!("../../../../plugins/c-examples/subtract-offset/subtract_offset.c");
const ID: &str = "org.example.subtract-offset-c";

fn load(folder: &tempfile::TempDir) -> std::sync::Arc<dyn parfocal_core::Library> {
    let path = compile(folder.path(), "subtract", SUBTRACT, &[]);
    NativeLane::new().load(&artifact(&path, ID)).unwrap()
}

fn run(operator: &mut dyn Operator, services: &RunServices) -> parfocal_types::Result<Vec<u16>> {
    let region = Region::new([0, 0, 0, 4, 8], Extent::plane(2, 3));
    let input = Buffer::from_slice::<u16>(&[90, 100, 110, 0, 101, 65535], region).unwrap();
    let mut output = Buffer::zeroed(DType::U16, region).unwrap();
    let full = Extent::plane(100, 100);
    let inputs = [Input { pixels: input.pixels().unwrap(), full, planes: &[] }];
    let mut outputs = [Output { pixels: output.pixels_mut().unwrap(), full }];
    operator.run(&mut Tiles { core: region, inputs: &inputs, outputs: &mut outputs }, services)?;
    Ok(output.as_slice().unwrap().to_vec())
}

#[test]
fn a_c_plugin_describes_itself_and_works_on_tiles() {
    let folder = tempfile::tempdir().unwrap();
    let library = load(&folder);
    let descriptor = &library.operators()[0];
    assert_eq!(descriptor.id, "subtract-offset");
    assert_eq!(descriptor.inputs[0].dtypes, [DType::U8, DType::U16, DType::F32]);
    let parameters = Parameters::complete(&descriptor.parameters, []).unwrap();
    assert_eq!(parameters.get("offset"), Some(&ParameterValue::Number(100.0)));

    let mut operator = library.create("subtract-offset", &parameters).unwrap();
    let spec = ImageSpec::new(Extent::plane(100, 100), DType::U16);
    let plan = operator.plan(std::slice::from_ref(&spec)).unwrap();
    assert_eq!(plan.outputs, [spec]);
    let core = Region::new([0, 0, 0, 4, 8], Extent::plane(2, 3));
    assert_eq!(operator.required_input(&core).unwrap(), [core]);
    assert_eq!(run(&mut *operator, &RunServices::default()).unwrap(), [0, 0, 10, 0, 1, 65435]);
}

#[test]
fn two_instances_keep_their_own_parameters() {
    let folder = tempfile::tempdir().unwrap();
    let library = load(&folder);
    let specs = &library.operators()[0].parameters;
    let with = |offset: &str| Parameters::parse(specs, [("offset", offset)]).unwrap();
    let mut first = library.create("subtract-offset", &with("0")).unwrap();
    let mut second = library.create("subtract-offset", &with("109")).unwrap();
    assert_eq!(run(&mut *second, &RunServices::default()).unwrap(), [0, 0, 1, 0, 0, 65426]);
    assert_eq!(run(&mut *first, &RunServices::default()).unwrap(), [90, 100, 110, 0, 101, 65535]);
}

#[test]
fn a_request_to_stop_reaches_c_and_an_unknown_operator_is_not_found() {
    let folder = tempfile::tempdir().unwrap();
    let library = load(&folder);
    let parameters = Parameters::complete(&library.operators()[0].parameters, []).unwrap();
    let mut operator = library.create("subtract-offset", &parameters).unwrap();
    let cancel = CancelToken::default();
    cancel.cancel();
    let error = run(&mut *operator, &RunServices::new(cancel, 0)).unwrap_err();
    assert_eq!(error.kind().name(), "cancelled");
    assert_eq!(run(&mut *operator, &RunServices::default()).unwrap().len(), 6, "usable afterwards");
    let error = library.create("subtract", &parameters).err().unwrap();
    assert_eq!(error.kind().name(), "not-found");
    assert!(error.to_string().contains(ID), "{error}");
}
