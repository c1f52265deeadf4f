//! A library in C++, with the same helpers as in C.

use parfocal_core::{CancelToken, Lane, RunServices};
use parfocal_image::{Buffer, DType, Extent, Region, Support, Supports};
use parfocal_native::NativeLane;
use parfocal_operator::{Input, Operator, Output, Tiles};
use parfocal_types::Parameters;

use crate::fixture::{artifact, compile_cpp};

const SOURCE: &str = r#"
    #include "parfocal.h"
    #include <algorithm>
    #include <stdexcept>

    static const pf_parameter_spec parameters[] = {
        PF_NUMBER("factor", "What pixels are multiplied with.", PF_TUNABLE, PF_UNIT_NONE, 2, 0.5, 100),
        PF_INTEGER("offset", "What is added.", PF_SETTING, PF_UNIT_GREY_LEVEL, -1, -10, 10),
        PF_INTEGER("throws", "What it throws.", PF_SETTING, PF_UNIT_NONE, 0, 0, 2),
        PF_FLAG("invert", "Nothing.", PF_SETTING, 1),
    };
    static const uint32_t dtypes[] = { PF_U16 };
    static const pf_input_port image = PF_IMAGE_INPUT("image", dtypes);

    static int32_t run(const pf_simple *self, const pf_call *call) {
        const double factor = pf_number(self, 0), offset = static_cast<double>(pf_integer(self, 1));
        if (pf_integer(self, 2) == 1) throw std::runtime_error("the filter met a comet");
        if (pf_integer(self, 2) == 2) throw 7;
        PF_FOR_ROWS(uint16_t, pf_input(call, 0), &call->outputs[0], x, y, n) {
            if (pf_is_cancelled(call)) return PF_CANCELLED;
            std::transform(x, x + n, y, [=](uint16_t value) { return static_cast<uint16_t>(value * factor + offset); });
        }
        return PF_OK;
    }

    static const pf_simple_operator operators[] = {
        { PF_MAP_OPERATOR("scale", "Multiplies and adds.", &image, parameters, PF_COUNT(parameters),
                          PF_SUPPORT_COUNTING), .run = run },
        { PF_FILTER_OPERATOR("wide", "Has a halo.", &image, nullptr, 0, PF_SUPPORT_ALL, 1, 2, 3), .run = run,
          .padding = PF_PAD_REFLECT },
    };
    PF_PLUGIN("org.example.cpp", "0.1.0", operators)
"#;

fn run(operator: &mut dyn Operator, services: &RunServices) -> parfocal_types::Result<Vec<u16>> {
    let region = Region::whole(Extent::plane(2, 2));
    let input = Buffer::from_slice::<u16>(&[1, 2, 3, 400], region).unwrap();
    let mut output = Buffer::zeroed(DType::U16, region).unwrap();
    let full = region.extent;
    let inputs = [Input { port: 0, pixels: input.pixels().unwrap(), full, frames: &[] }];
    let mut outputs = [Output { pixels: output.pixels_mut().unwrap(), full }];
    operator.run(&mut Tiles { core: region, inputs: &inputs, outputs: &mut outputs }, services)?;
    Ok(output.as_slice().unwrap().to_vec())
}

#[test]
fn a_plugin_in_cpp_is_loaded_described_and_run() {
    let folder = tempfile::tempdir().unwrap();
    let Some(path) = compile_cpp(folder.path(), "scale", SOURCE, &["-Wpedantic"]) else { return };
    let library = NativeLane::new().load(&artifact(&path, "org.example.cpp")).unwrap();
    let [scale, wide] = library.operators() else { panic!("two operators") };
    assert_eq!(scale.outputs[0].preserves, Supports::of(&[Support::Counting]));
    assert_eq!((wide.outputs[0].preserves, wide.max_halo), (Supports::ALL, [0, 0, 1, 2, 3]));
    let with = |given: &[(&str, &str)]| Parameters::parse(&scale.parameters, given.iter().copied()).unwrap();
    let services = RunServices::default();
    let mut operator = library.create("scale", &with(&[])).unwrap();
    assert_eq!(run(&mut *operator, &services).unwrap(), [1, 3, 5, 799]);
    let mut operator = library.create("scale", &with(&[("factor", "0.5"), ("offset", "10")])).unwrap();
    assert_eq!(run(&mut *operator, &services).unwrap(), [10, 11, 11, 210]);
    let cancel = CancelToken::default();
    cancel.cancel();
    let error = run(&mut *operator, &RunServices::new(cancel, 0)).unwrap_err();
    assert_eq!(error.kind().name(), "cancelled");
}

#[test]
fn an_exception_stays_an_error_with_its_text() {
    let folder = tempfile::tempdir().unwrap();
    let Some(path) = compile_cpp(folder.path(), "throws", SOURCE, &[]) else { return };
    let library = NativeLane::new().load(&artifact(&path, "org.example.cpp")).unwrap();
    for (thrown, words) in [("1", "the filter met a comet"), ("2", "no std::exception")] {
        let parameters = Parameters::parse(&library.operators()[0].parameters, [("throws", thrown)]).unwrap();
        let mut operator = library.create("scale", &parameters).unwrap();
        for _ in 0..2 {
            let error = run(&mut *operator, &RunServices::default()).unwrap_err();
            assert_eq!(error.kind().name(), "internal");
            assert!(error.to_string().contains(words), "{error}");
        }
    }
}
