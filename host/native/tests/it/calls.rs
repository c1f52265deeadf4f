//! A library in C is loaded, described and run.

use parfocal_core::{CancelToken, Lane, RunServices};
use parfocal_image::{Buffer, DType, Extent, ImageSpec, PixelClass, Region, Support, Supports};
use parfocal_native::NativeLane;
use parfocal_operator::{Input, InputRegion, InputSpec, Operator, Output, Padding, TileSize, Tiles, Tiling};
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
    let inputs = [Input { port: 0, pixels: input.pixels().unwrap(), full, frames: &[] }];
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
    let plan = operator.plan(&[InputSpec { port: 0, spec: &spec }], &RunServices::default()).unwrap();
    assert_eq!(plan.outputs, [spec]);
    assert_eq!((plan.tile_sizes, plan.tiling), ([TileSize::ANY; 5], [Tiling::Split; 5]), "zeros say: any");
    let core = Region::new([0, 0, 0, 4, 8], Extent::plane(2, 3));
    let needed = InputRegion::new(0, core).padded(Padding::Symmetric);
    assert_eq!(operator.required_input(&core).unwrap(), [needed]);
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

#[test]
fn a_filter_in_c_says_its_halo_in_the_descriptor_and_asks_for_it() {
    let source = r#"
        #include "parfocal.h"
        static int32_t run(const pf_simple *self, const pf_call *call) {
            const pf_input_tile *in = pf_input(call, 0);
            const pf_output_tile *out = &call->outputs[0];
            (void)self;
            if (pf_input(call, 1)) return pf_fail(call->host, PF_INTERNAL, "there is no port 1", NULL);
            PF_FOR_ROWS(uint16_t, in, out, x, y, n) {
                for (uint64_t i = 0; i < n; i++) y[i] = (uint16_t)(x[i + 1] + x[i - in->strides[3]]);
            }
            return PF_OK;
        }
        static const uint32_t dtypes[] = { PF_U16 };
        static const pf_input_port image = PF_IMAGE_INPUT("image", dtypes);
        static const pf_simple_operator operators[] = {
            { PF_MAP_OPERATOR("nothing", "Does nothing.", &image, NULL, 0, PF_SUPPORT_NONE), .run = run },
            { PF_FILTER_OPERATOR("right-and-above", "Adds two neighbours.", &image, NULL, 0,
                                 PF_SUPPORT_COUNTING + PF_SUPPORT_LOCALISATION, 0, 1, 2),
              .run = run, .padding = PF_PAD_EDGE },
        };
        PF_PLUGIN("org.example.filter-c", "0.1.0", operators)
    "#;
    let folder = tempfile::tempdir().unwrap();
    let path = compile(folder.path(), "filter", source, &["-Wpedantic"]);
    let library = NativeLane::new().load(&artifact(&path, "org.example.filter-c")).unwrap();
    let [nothing, filter] = library.operators() else { panic!("two operators, one after the other") };
    assert_eq!((nothing.id.as_str(), nothing.max_halo), ("nothing", [0; 5]));
    assert_eq!((filter.id.as_str(), filter.max_halo), ("right-and-above", [0, 0, 0, 1, 2]));
    assert_eq!(filter.outputs[0].preserves, Supports::of(&[Support::Counting, Support::Localisation]));
    assert_eq!(
        (nothing.outputs[0].preserves, nothing.outputs[0].yields),
        (Supports::NONE, PixelClass::Derived)
    );

    let mut operator = library.create("right-and-above", &Parameters::default()).unwrap();
    let core = Region::whole(Extent::plane(1, 2));
    let padded = Region::new([0, 0, 0, -1, -2], Extent::plane(3, 6));
    let needed = operator.required_input(&core).unwrap();
    assert_eq!(needed, [InputRegion::new(0, padded).padded(Padding::Edge)]);
    let pixels: Vec<u16> = (0..18).collect();
    let input = Buffer::from_slice::<u16>(&pixels, padded).unwrap();
    let mut output = Buffer::zeroed(DType::U16, core).unwrap();
    let full = Extent::plane(1, 2);
    let inputs = [Input { port: 0, pixels: input.pixels().unwrap(), full, frames: &[] }];
    let mut outputs = [Output { pixels: output.pixels_mut().unwrap(), full }];
    let mut tiles = Tiles { core, inputs: &inputs, outputs: &mut outputs };
    operator.run(&mut tiles, &RunServices::default()).unwrap();
    // Row 1 of the padded tile is 6 to 11: right of 8 is 9, above it 2.
    assert_eq!(output.as_slice::<u16>().unwrap(), [9 + 2, 10 + 3]);
}
