use parfocal_plugin::prelude::*;

/// Finds cells, and tells how many there are.
///
/// Not part of the summary.
#[derive(Operator)]
#[operator(id = "find-cells", kind = reduce, preserves = [localisation, counting], yields = restored, network)]
#[input(name = "image", dtypes = [u16, f32])]
#[input(name = "seeds", dtypes = [u32], labels, optional)]
#[output(name = "cells", kind = labels, yields = labels)]
#[output(name = "smooth")]
#[output(name = "count", kind = record, preserves = [counting], network = false)]
struct FindCells;

impl Operator for FindCells {
    fn plan(&mut self, _: &[InputSpec<'_>], _: &dyn Services) -> Result<Plan> {
        Ok(Plan::without_images())
    }

    fn required_input(&self, _: &Region) -> Result<Vec<InputRegion>> {
        Ok(Vec::new())
    }

    fn run(&mut self, _: &mut Tiles<'_>, _: &dyn Services) -> Result<()> {
        Ok(())
    }
}

#[test]
fn outputs_have_the_operators_marks_unless_they_have_their_own() {
    let descriptor = FindCells::descriptor();
    descriptor.validate().unwrap();
    assert_eq!(descriptor.summary, "Finds cells, and tells how many there are.");
    let [cells, smooth, count] = &descriptor.outputs[..] else { panic!("{:?}", descriptor.outputs) };
    let both = Supports::of(&[Support::Localisation, Support::Counting]);
    assert_eq!((cells.kind, cells.yields, cells.preserves), (PortKind::Labels, PixelClass::Labels, both));
    assert_eq!((smooth.kind, smooth.yields, smooth.preserves), (PortKind::Image, PixelClass::Restored, both));
    assert_eq!((count.kind, count.preserves), (PortKind::Record, Supports::of(&[Support::Counting])));
    assert_eq!([cells, smooth, count].map(|port| port.network), [true, true, false]);
}

#[test]
fn inputs_take_images_or_labels() {
    let inputs = FindCells::descriptor().inputs;
    let kinds: Vec<_> = inputs.iter().map(|port| (port.name.as_str(), port.kind, port.optional)).collect();
    assert_eq!(kinds, [("image", PortKind::Image, false), ("seeds", PortKind::Labels, true)]);
    assert_eq!(inputs[0].dtypes, [DType::U16, DType::F32]);
}
