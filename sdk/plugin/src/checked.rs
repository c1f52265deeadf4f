//! What every operator of a Rust plugin is held against, so that no author writes it: its parameters when it is made, its
//! inputs when it plans.

use parfocal_image::Region;
use parfocal_operator::{Descriptor, InputRegion, InputSpec, Operator, Plan, Services, Sink, Tiles};
use parfocal_types::{Error, ErrorKind, Parameters, Result};

use crate::describe::Describe;

/// Makes an operator from parameters that are held against its declaration; what was left out gets its default. Called by
/// the code that `export_plugin!` writes.
///
/// # Errors
/// As [`Parameters::complete`]; what the operator says.
pub fn create<T: Describe>(parameters: &Parameters) -> Result<Box<dyn Operator>> {
    let descriptor = T::descriptor();
    let given = parameters.iter().map(|(name, value)| (name.to_owned(), value.clone()));
    let complete = Parameters::complete(&descriptor.parameters, given)?;
    Ok(Box::new(Checked { inner: T::build(&complete)?, descriptor }))
}

/// An operator whose `plan` sees declared inputs only.
struct Checked {
    inner: Box<dyn Operator>,
    descriptor: Descriptor,
}

/// Holds inputs against the declared ports.
fn check_inputs(descriptor: &Descriptor, inputs: &[InputSpec<'_>]) -> Result<()> {
    for (number, port) in (0_u32..).zip(&descriptor.inputs) {
        match inputs.iter().filter(|input| input.port == number).count() {
            0 if !port.optional => {
                return Err(Error::invalid_argument(format!("its input `{}` is missing", port.name)));
            }
            0 | 1 => {}
            _ => return Err(Error::invalid_argument(format!("its input `{}` is given twice", port.name))),
        }
    }
    for InputSpec { port: number, spec } in inputs {
        let port = descriptor.inputs.get(*number as usize).ok_or_else(|| {
            Error::invalid_argument(format!("it has no input {number}, it has {}", descriptor.inputs.len()))
        })?;
        if !port.dtypes.contains(&spec.dtype) {
            let accepted: Vec<_> = port.dtypes.iter().map(|dtype| dtype.name()).collect();
            let what = format!("{} pixels in input `{}`", spec.dtype, port.name);
            let message = format!(
                "input `{}` holds pixels of type {}, it takes {}",
                port.name,
                spec.dtype,
                accepted.join(", ")
            );
            return Err(Error::new(ErrorKind::NotSupported { what }, message)
                .with_remedy(format!("convert the image to one of {}", accepted.join(", "))));
        }
    }
    Ok(())
}

impl Operator for Checked {
    fn plan(&mut self, inputs: &[InputSpec<'_>], services: &dyn Services) -> Result<Plan> {
        check_inputs(&self.descriptor, inputs)?;
        self.inner.plan(inputs, services)
    }

    fn required_input(&self, core: &Region) -> Result<Vec<InputRegion>> {
        self.inner.required_input(core)
    }

    fn reset(&mut self, services: &dyn Services) -> Result<()> {
        self.inner.reset(services)
    }

    fn run(&mut self, tiles: &mut Tiles<'_>, services: &dyn Services) -> Result<()> {
        self.inner.run(tiles, services)
    }

    fn accumulate(&mut self, tiles: &Tiles<'_>, services: &dyn Services) -> Result<Vec<u8>> {
        self.inner.accumulate(tiles, services)
    }

    fn merge(&mut self, left: Vec<u8>, right: &[u8], services: &dyn Services) -> Result<Vec<u8>> {
        self.inner.merge(left, right, services)
    }

    fn finish(&mut self, total: &[u8], sink: &mut dyn Sink, services: &dyn Services) -> Result<Vec<u8>> {
        self.inner.finish(total, sink, services)
    }

    fn conclude(&mut self, conclusion: &[u8], services: &dyn Services) -> Result<()> {
        self.inner.conclude(conclusion, services)
    }

    fn save(&mut self, services: &dyn Services) -> Result<Vec<u8>> {
        self.inner.save(services)
    }

    fn load(&mut self, state: &[u8], services: &dyn Services) -> Result<()> {
        self.inner.load(state, services)
    }
}

#[cfg(test)]
mod tests {
    use parfocal_image::{DType, Extent, ImageSpec};
    use parfocal_operator::{InputPort, Kind, OutputPort, PortKind, ThreadSafety};

    use super::*;

    fn descriptor() -> Descriptor {
        let optional = InputPort { optional: true, ..InputPort::image("weights", &[DType::F32]) };
        Descriptor {
            id: "mean".into(),
            summary: "Averages.".into(),
            kind: Kind::Map,
            threads: ThreadSafety::Instance,
            deterministic: true,
            temporal_window: [0, 0],
            max_halo: [0; 5],
            inputs: vec![InputPort::image("image", &[DType::U8, DType::U16]), optional],
            outputs: vec![OutputPort::new("image", PortKind::Image, parfocal_image::Supports::NONE)],
            parameters: Vec::new(),
        }
    }

    #[test]
    fn only_declared_inputs_are_let_through() {
        let spec = |dtype| ImageSpec::new(Extent::plane(2, 2), dtype);
        let (u16, f32) = (spec(DType::U16), spec(DType::F32));
        let of = |list: &[(u32, &ImageSpec)]| {
            let inputs: Vec<_> = list.iter().map(|&(port, spec)| InputSpec { port, spec }).collect();
            check_inputs(&descriptor(), &inputs)
        };
        of(&[(0, &u16)]).unwrap();
        of(&[(0, &u16), (1, &f32)]).unwrap();
        let error = of(&[(0, &f32)]).unwrap_err();
        assert_eq!(error.kind().name(), "not-supported");
        assert_eq!(error.message(), "input `image` holds pixels of type f32, it takes u8, u16");
        for wrong in [&[][..], &[(1, &f32)], &[(0, &u16), (0, &u16)], &[(0, &u16), (2, &f32)]] {
            assert_eq!(of(wrong).unwrap_err().kind().name(), "invalid-argument", "{wrong:?}");
        }
    }
}
