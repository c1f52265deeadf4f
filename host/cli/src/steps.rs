//! From the words of the command line to a chain of steps.

use std::collections::BTreeMap;

use parfocal_catalog::Selection;
use parfocal_operator::Descriptor;
use parfocal_pipeline::{ChainStep, Source, Step};
use parfocal_types::{Error, Parameters, Result};

use crate::{
    args::{Run, Word},
    host::Host,
};

/// A chain, and what was picked for each of its steps.
pub(crate) struct Chain {
    pub(crate) steps: Vec<ChainStep>,
    pub(crate) picked: Vec<Selection>,
}

/// A step as it was written.
struct Written<'a> {
    name: Option<&'a str>,
    operator: &'a str,
    parameters: Vec<(&'a str, &'a str)>,
    inputs: BTreeMap<&'a str, &'a str>,
}

impl<'a> Written<'a> {
    fn new(text: &'a str) -> Self {
        let (name, operator) = match text.split_once('=') {
            // `gaussian@=0.1.0` has no name.
            Some((name, operator)) if !name.contains('@') => (Some(name), operator),
            _ => (None, text),
        };
        Self { name, operator, parameters: Vec::new(), inputs: BTreeMap::new() }
    }
}

fn pair<'a>(text: &'a str, what: &str) -> Result<(&'a str, &'a str)> {
    text.split_once('=').ok_or_else(|| {
        Error::invalid_argument(format!("`{text}` is not of the form {what}"))
            .with_remedy("write a name, `=`, and a value, without spaces")
    })
}

fn written<'a>(run: &'a Run, order: &[Word]) -> Result<Vec<Written<'a>>> {
    let mut steps = vec![Written::new(&run.operator)];
    for word in order {
        let missing = || Error::internal("the command line was read in another order than it was written");
        let last = steps.len() - 1;
        match *word {
            Word::Then(nth) => steps.push(Written::new(run.then.get(nth).ok_or_else(missing)?)),
            Word::Param(nth) => {
                let text = run.param.get(nth).ok_or_else(missing)?;
                steps[last].parameters.push(pair(text, "NAME=VALUE")?);
            }
            Word::Input(nth) => {
                let (port, source) = pair(run.input.get(nth).ok_or_else(missing)?, "PORT=SOURCE")?;
                steps[last].inputs.insert(port, source);
            }
        }
    }
    Ok(steps)
}

/// The name of the original image in `--input`.
const ORIGINAL: &str = "image";
/// What `--input` says to leave a port without an image.
const NOTHING: &str = "none";

/// Picks, loads and connects the steps.
pub(crate) fn chain(host: &mut Host, run: &Run, order: &[Word]) -> Result<Chain> {
    let mut chain = Chain { steps: Vec::new(), picked: Vec::new() };
    let mut images: BTreeMap<String, Source> = BTreeMap::from([(ORIGINAL.to_owned(), Source::Original(0))]);
    let mut previous = Some(Source::Original(0));
    for (index, words) in written(run, order)?.into_iter().enumerate() {
        if let Some(name @ (ORIGINAL | NOTHING)) = words.name {
            return Err(Error::invalid_argument(format!("a step cannot be called `{name}`")).with_remedy(
                "`--input` knows the original as `image`, and nothing as `none`: choose another name",
            ));
        }
        let (selection, library) = host.load(words.operator, run.lane)?;
        let descriptor = &selection.descriptor;
        let parameters = Parameters::parse(&descriptor.parameters, words.parameters.iter().copied())
            .map_err(|error| error.context(format!("operator `{}`", descriptor.id)))?;
        let inputs = connect(descriptor, &words.inputs, &images, previous)?;
        let port = descriptor.outputs.iter().position(|port| port.kind.is_image());
        if let Some(port) = port {
            let image = Source::Step(index, port);
            images.insert(descriptor.id.clone(), image);
            if let Some(name) = words.name {
                images.insert(name.to_owned(), image);
            }
            previous = Some(image);
        }
        let step = Step { library, operator: descriptor.id.clone(), parameters };
        chain.steps.push(ChainStep { step, inputs });
        chain.picked.push(selection);
    }
    Ok(chain)
}

/// Where each input port of a step takes its image from: what the user named, or nothing for `none`; else the first port
/// takes the image of the step before, and the others the original.
///
/// # Errors
/// `not-found` for a port or an image that does not exist, `invalid-argument` when there is no image to take.
pub(crate) fn connect(
    descriptor: &Descriptor,
    named: &BTreeMap<&str, &str>,
    images: &BTreeMap<String, Source>,
    previous: Option<Source>,
) -> Result<Vec<(usize, Source)>> {
    let Descriptor { id, inputs: ports, .. } = descriptor;
    if let Some(unknown) = named.keys().find(|name| ports.iter().all(|port| port.name != **name)) {
        let known: Vec<_> = ports.iter().map(|port| port.name.as_str()).collect();
        return Err(Error::not_found(format!("operator `{id}` has no input `{unknown}`"))
            .with_remedy(format!("its inputs are: {}", known.join(", "))));
    }
    let mut inputs = Vec::with_capacity(ports.len());
    for (place, port) in ports.iter().enumerate() {
        let source = match named.get(port.name.as_str()).copied() {
            Some(NOTHING) => continue,
            Some(name) => images.get(name).copied().ok_or_else(|| {
                let known: Vec<_> = images.keys().map(String::as_str).collect();
                Error::not_found(format!("there is no image `{name}` for input `{}` of `{id}`", port.name))
                    .with_remedy(format!("images so far: {}", known.join(", ")))
            })?,
            None if place == 0 => previous.ok_or_else(|| {
                Error::invalid_argument(format!("`{id}` comes after a step that gives no image"))
            })?,
            None => Source::Original(0),
        };
        inputs.push((place, source));
    }
    Ok(inputs)
}
