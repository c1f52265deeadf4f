//! Holds inputs against the ports of an operator, before anything runs.

use parfocal_image::{DType, ImageSpec, PixelClass};
use parfocal_operator::{Descriptor, InputPort, PortKind};
use parfocal_types::error::{Error, ErrorKind, Result};

/// Checks that the inputs are those that the operator declares.
///
/// # Errors
/// A sentence that names operator, port and pixel type, with what to do: `invalid-argument` for too many or too few
/// inputs and for images that contradict themselves, `not-supported` for a pixel type or class that the port does not
/// take.
pub(crate) fn check_inputs(
    descriptor: &Descriptor,
    label: &str,
    inputs: &[(usize, ImageSpec)],
) -> Result<()> {
    check_connections(descriptor, inputs).map_err(|error| error.with_origin(label))?;
    for (port, spec) in inputs {
        let port = &descriptor.inputs[*port];
        check_image(port, spec).map_err(|error| error.with_origin(label))?;
    }
    Ok(())
}

fn check_connections(descriptor: &Descriptor, inputs: &[(usize, ImageSpec)]) -> Result<()> {
    let ports = &descriptor.inputs;
    let given = inputs.len();
    if inputs.iter().any(|(port, _)| *port >= ports.len()) {
        let names = list(ports.iter().map(|port| format!("`{}`", port.name)), "and");
        let takes = if ports.is_empty() { "no input image".to_owned() } else { format!("only {names}") };
        return Err(Error::invalid_argument(format!("{given} input images were given, it takes {takes}"))
            .with_remedy("leave out the images that it has no input for"));
    }
    for (index, port) in ports.iter().enumerate() {
        match inputs.iter().filter(|(number, _)| *number == index).count() {
            0 if !port.optional => {
                return Err(Error::invalid_argument(format!("its input `{}` is missing", port.name))
                    .with_remedy(format!("give an image for `{}`", port.name)));
            }
            0 | 1 => {}
            several => {
                return Err(Error::invalid_argument(format!(
                    "{several} images are given for its input `{}`",
                    port.name
                ))
                .with_remedy("give one"));
            }
        }
    }
    Ok(())
}

fn check_image(port: &InputPort, spec: &ImageSpec) -> Result<()> {
    spec.validate().map_err(|error| error.context(format!("input `{}`", port.name)))?;
    if spec.extent.is_empty() {
        return Err(Error::invalid_argument(format!(
            "input `{}` has no pixels: its size is {}",
            port.name, spec.extent
        )));
    }
    if !port.dtypes.contains(&spec.dtype) {
        let accepted = list(port.dtypes.iter().map(|dtype: &DType| dtype.to_string()), "or");
        let what = format!("{} pixels in input `{}`", spec.dtype, port.name);
        let message =
            format!("input `{}` holds pixels of type {}, it takes {accepted}", port.name, spec.dtype);
        return Err(Error::new(ErrorKind::NotSupported { what }, message)
            .with_remedy(format!("convert the image to {accepted} first")));
    }
    let other = spec.channels.iter().find(|channel| channel.class != PixelClass::Labels);
    if let (PortKind::Labels, Some(channel)) = (port.kind, other) {
        let what = format!("{} pixels in input `{}`", channel.class, port.name);
        let message = format!(
            "input `{}` takes labels, the image of type {} holds pixels of class {}",
            port.name, spec.dtype, channel.class
        );
        return Err(Error::new(ErrorKind::NotSupported { what }, message).with_remedy(
            "find the objects first, for example with `connected-components`, or declare that the image holds labels \
             (`--declare-labels`)",
        ));
    }
    Ok(())
}

/// "a, b or c".
fn list(words: impl IntoIterator<Item = String>, joint: &str) -> String {
    let mut words: Vec<_> = words.into_iter().collect();
    match words.pop() {
        None => String::new(),
        Some(last) if words.is_empty() => last,
        Some(last) => format!("{} {joint} {last}", words.join(", ")),
    }
}
