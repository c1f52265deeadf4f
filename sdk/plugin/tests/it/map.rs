use std::cell::RefCell;

use parfocal_plugin::prelude::*;

/// Subtracts from each pixel its neighbour on the left.
#[derive(Operator)]
#[operator(id = "differences", kind = map)]
#[input(name = "mask", dtypes = [mask], optional)]
#[input(name = "image", dtypes = [u16])]
struct Differences {
    width: u64,
}

impl MapOperator for Differences {
    fn prepare(&mut self, input: &ImageSpec, cx: &Context) -> Result<()> {
        self.width = input.extent[Axis::X];
        cx.info(format!("{} columns", self.width));
        Ok(())
    }

    fn halo(&self, _: &ImageSpec) -> Result<Halo> {
        let mut halo = Halo::NONE;
        halo.0[Axis::X as usize] = [1, 0];
        Ok(halo)
    }

    fn padding(&self) -> Padding {
        Padding::Zero
    }

    fn tile_sizes(&self) -> [TileSize; 5] {
        let mut sizes = [TileSize::ANY; 5];
        sizes[Axis::X as usize] = TileSize { step: 16, max: 256 };
        sizes
    }

    fn bytes_per_pixel(&self) -> u32 {
        3
    }

    fn bytes(&self) -> u64 {
        self.width
    }

    fn run<T: Pixel>(&mut self, input: &View<T>, output: &mut ViewMut<T>, cx: &Context) -> Result<()> {
        for (row_in, row_out) in input.rows().zip(output.rows_mut()) {
            cx.worked(row_in.len())?;
            for (pair, y) in row_in.windows(2).zip(row_out) {
                *y = T::from_f64(pair[1].to_f64() - pair[0].to_f64());
            }
        }
        Ok(())
    }
}

/// Remembers what is logged.
#[derive(Default)]
struct Host(RefCell<Vec<String>>);

impl Services for Host {
    fn log(&self, _: parfocal_operator::LogLevel, text: &str) {
        self.0.borrow_mut().push(text.to_owned());
    }

    fn progress(&self, _: f32) {}

    fn is_cancelled(&self) -> bool {
        false
    }

    fn seed(&self) -> u64 {
        0
    }
}

#[test]
fn the_plan_is_what_the_operator_says_once_it_was_prepared_with_services() {
    let host = Host::default();
    let mut operator = Differences::build(&Parameters::default()).unwrap();
    let spec = ImageSpec::new(Extent::plane(2, 3), DType::U16);
    let core = Region::whole(spec.extent);
    assert_eq!(operator.required_input(&core).unwrap_err().kind().name(), "bad-state");

    let plan = operator.plan(&[InputSpec { port: 1, spec: &spec }], &host).unwrap();
    assert_eq!(*host.0.borrow(), ["3 columns"]);
    assert_eq!(plan.outputs, [spec]);
    assert_eq!((plan.bytes_per_pixel, plan.bytes), (3, 3));
    let [rest @ .., columns] = plan.tile_sizes;
    assert_eq!((rest, columns), ([TileSize::ANY; 4], TileSize { step: 16, max: 256 }));

    // The image is the second port; the first is not connected.
    let wider = core.grown(Axis::X, 1, 0);
    assert_eq!(operator.required_input(&core).unwrap(), [InputRegion::new(1, wider).padded(Padding::Zero)]);
}

#[test]
fn one_image_goes_in() {
    let host = Host::default();
    let spec = ImageSpec::new(Extent::plane(2, 3), DType::U16);
    for count in [0, 2] {
        let inputs: Vec<_> = (0..count).map(|port| InputSpec { port, spec: &spec }).collect();
        let error = Differences { width: 0 }.adapted().plan(&inputs, &host).unwrap_err();
        assert_eq!(error.kind().name(), "invalid-argument", "{count}: {error}");
    }
}

impl Differences {
    fn adapted(self) -> impl Operator {
        parfocal_plugin::MapAdapter::new(self)
    }
}
