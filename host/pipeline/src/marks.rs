//! Sets pixel class, supports and origin of what comes out: the host's word, not the operator's.

use std::ops::Range;

use parfocal_image::{Channel, Finder, ImageSpec, LabelOrigin, PixelClass, Supports};
use parfocal_operator::{OutputPort, PortKind};
use parfocal_types::error::Result;

/// What an output channel inherits.
struct Heritage {
    /// Join of the classes that the pixels were computed from; of labels, the class that they were found on.
    basis: PixelClass,
    supports: Supports,
    /// The network that found labels among the inputs.
    network: Option<Finder>,
}

/// Marks the channels of every output.
///
/// `needs` says which channels of each input the host hands over for one channel of the work; where an operator sees
/// one channel at a time, a predicted channel does not spoil its measured neighbour.
///
/// # Errors
/// Those of `needs`.
pub(crate) fn mark(
    outputs: &mut [ImageSpec],
    ports: &[&OutputPort],
    finder: &str,
    inputs: &[ImageSpec],
    mut needs: impl FnMut(u64) -> Result<Vec<Range<usize>>>,
) -> Result<()> {
    for (output, port) in outputs.iter_mut().zip(ports) {
        for (index, channel) in output.channels.iter_mut().enumerate() {
            let heritage = inherit(port.preserves, inputs, &needs(index as u64)?);
            match port.kind {
                PortKind::Labels => mark_labels(channel, heritage, port.network, finder),
                _ => mark_pixels(channel, heritage, port),
            }
        }
    }
    Ok(())
}

fn inherit(preserves: Supports, inputs: &[ImageSpec], needed: &[Range<usize>]) -> Heritage {
    let mut heritage = Heritage { basis: PixelClass::Measured, supports: preserves, network: None };
    let mut channels = inputs
        .iter()
        .zip(needed)
        .flat_map(|(spec, range)| spec.channels.get(range.clone()).unwrap_or_default())
        .peekable();
    if channels.peek().is_none() {
        // Pixels out of nothing were not measured.
        return Heritage { basis: PixelClass::Unknown, supports: Supports::NONE, network: None };
    }
    for channel in channels {
        heritage.supports = heritage.supports.intersection(channel.supports);
        heritage.basis = heritage.basis.joined(basis_of(channel));
        if let Some(LabelOrigin { finder: finder @ Finder::Network { .. }, .. }) = &channel.labels {
            heritage.network.get_or_insert_with(|| finder.clone());
        }
    }
    heritage
}

/// The class of the pixels; of labels, the class of the pixels that they were found on.
fn basis_of(channel: &Channel) -> PixelClass {
    match (channel.class, &channel.labels) {
        (PixelClass::Labels, Some(origin)) if origin.basis != PixelClass::Labels => origin.basis,
        (PixelClass::Labels, _) => PixelClass::Unknown,
        (class, _) => class,
    }
}

fn mark_labels(channel: &mut Channel, heritage: Heritage, network: bool, finder: &str) {
    let operator = finder.to_owned();
    // Which model it was is not known here: the operator brought it along.
    let own = if network {
        Finder::Network { operator, model: String::new() }
    } else {
        Finder::Classical { operator }
    };
    channel.class = PixelClass::Labels;
    channel.supports = heritage.supports;
    // Filtering a network's objects does not make them classical.
    channel.labels = Some(LabelOrigin { basis: heritage.basis, finder: heritage.network.unwrap_or(own) });
}

fn mark_pixels(channel: &mut Channel, heritage: Heritage, port: &OutputPort) {
    let yields = port.yields;
    // What is painted from objects is computed, not an object; from a network's objects, it is the network's.
    let own = if yields == PixelClass::Labels { PixelClass::Derived } else { yields };
    let network = match (&heritage.network, port.network) {
        (Some(_), _) => PixelClass::Predicted,
        (None, true) => PixelClass::Restored,
        (None, false) => own,
    };
    channel.class = own.joined(heritage.basis).joined(network);
    channel.supports = heritage.supports;
    channel.labels = None;
}

#[cfg(test)]
mod tests {
    use parfocal_image::{DType, Extent, Support};

    use super::*;

    fn image(channels: Vec<Channel>) -> ImageSpec {
        let mut spec = ImageSpec::new(Extent::new(1, channels.len() as u64, 1, 4, 4), DType::U16);
        spec.channels = channels;
        spec
    }

    fn channel(class: PixelClass, supports: Supports) -> Channel {
        Channel { class, supports, ..Channel::named("a") }
    }

    fn marked(kind: PortKind, yields: PixelClass, inputs: &[ImageSpec]) -> Channel {
        let mut outputs = [image(vec![channel(PixelClass::Measured, Supports::ALL)])];
        let preserves = Supports::of(&[Support::Counting, Support::Intensity]);
        let port = OutputPort { yields, ..OutputPort::new("out", kind, preserves) };
        let all = || Ok(inputs.iter().map(|spec| 0..spec.channels.len()).collect());
        mark(&mut outputs, &[&port], "p/x 1.0.0", inputs, |_| all()).unwrap();
        outputs[0].channels[0].clone()
    }

    #[test]
    fn a_support_that_one_input_lacks_is_gone_and_the_class_moves_away_from_the_detector() {
        let good = image(vec![channel(PixelClass::Measured, Supports::ALL)]);
        let counting = Supports::of(&[Support::Counting]);
        let predicted = image(vec![channel(PixelClass::Predicted, counting)]);
        let out = marked(PortKind::Image, PixelClass::Derived, &[good.clone(), predicted]);
        assert_eq!((out.class, out.supports), (PixelClass::Predicted, counting));
        let out = marked(PortKind::Image, PixelClass::Derived, &[good]);
        assert_eq!(out.class, PixelClass::Derived);
        assert_eq!(out.supports, Supports::of(&[Support::Counting, Support::Intensity]));
    }

    #[test]
    fn unknown_stays_unknown_and_pixels_out_of_nothing_support_nothing() {
        let unknown = image(vec![channel(PixelClass::Unknown, Supports::NONE)]);
        let out = marked(PortKind::Image, PixelClass::Derived, &[unknown]);
        assert_eq!((out.class, out.supports), (PixelClass::Unknown, Supports::NONE));
        let out = marked(PortKind::Image, PixelClass::Measured, &[]);
        assert_eq!((out.class, out.supports), (PixelClass::Unknown, Supports::NONE));
    }

    #[test]
    fn labels_tell_what_they_were_found_on_and_by_whom() {
        let restored = image(vec![channel(PixelClass::Restored, Supports::ALL)]);
        let out = marked(PortKind::Labels, PixelClass::Labels, &[restored]);
        let origin = out.labels.clone().unwrap();
        assert_eq!((out.class, origin.basis), (PixelClass::Labels, PixelClass::Restored));
        assert_eq!(origin.finder, Finder::Classical { operator: "p/x 1.0.0".into() });
        // A second step over the labels keeps their basis.
        let again = marked(PortKind::Labels, PixelClass::Labels, &[image(vec![out.clone()])]);
        assert_eq!(again.labels.unwrap().basis, PixelClass::Restored);
        let painted = marked(PortKind::Image, PixelClass::Derived, &[image(vec![out])]);
        assert_eq!((painted.class, painted.labels), (PixelClass::Restored, None));
    }

    #[test]
    fn what_a_network_found_stays_a_networks() {
        let network = Finder::Network { operator: "n 1.0.0".into(), model: "m 1 abc".into() };
        let mut found = channel(PixelClass::Labels, Supports::ALL);
        found.labels = Some(LabelOrigin { basis: PixelClass::Measured, finder: network.clone() });
        let found = image(vec![found]);
        let out = marked(PortKind::Labels, PixelClass::Labels, std::slice::from_ref(&found));
        assert_eq!(out.labels.unwrap().finder, network);
        let painted = marked(PortKind::Image, PixelClass::Derived, &[found]);
        assert_eq!(painted.class, PixelClass::Predicted);
    }
}
