//! From the words of the command line to a chain of steps.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use parfocal_catalog::Selection;
use parfocal_operator::{Descriptor, PortKind};
use parfocal_pipeline::{ChainStep, Source, Step};
use parfocal_types::{Error, Parameters, Result};

use crate::{
    args::{Run, Word},
    host::Host,
    near,
};

/// A chain, and what was picked for each of its steps.
pub(crate) struct Chain {
    pub(crate) steps: Vec<ChainStep>,
    pub(crate) picked: Vec<Selection>,
    /// What each step is called, no two the same: as the user said, else by its operator.
    pub(crate) names: Vec<String>,
    /// For each step, what each connected port takes, as `--input` would say it.
    pub(crate) wiring: Vec<BTreeMap<String, String>>,
    /// What [`Source::Original`] counts.
    pub(crate) originals: Vec<Original>,
}

/// An image that the chain takes from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Original {
    pub(crate) origin: Origin,
    /// Whether the user declares that its pixels are numbers of objects.
    pub(crate) labels: bool,
}

/// Where an image from outside comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The image of the run, as it was opened: with `--channel`, that channel.
    Image,
    /// A channel of the image's file, by name or number.
    Channel(String),
    /// Another file.
    File(PathBuf),
}

impl Chain {
    /// The tables that the chain gives: index of the step and of its port, and what they are called.
    pub(crate) fn tables(&self) -> impl Iterator<Item = (usize, usize, String)> {
        self.picked.iter().zip(&self.names).enumerate().flat_map(|(step, (picked, name))| {
            let ports = picked.descriptor.outputs.iter().enumerate();
            let tables = ports.filter(|(_, port)| port.kind == PortKind::Table);
            tables.map(move |(index, port)| (step, index, format!("{name}-{}", port.name)))
        })
    }

    /// The files that steps take beside the images of the run.
    pub(crate) fn files(&self) -> impl Iterator<Item = &Path> {
        self.originals.iter().filter_map(|original| match &original.origin {
            Origin::File(path) => Some(path.as_path()),
            _ => None,
        })
    }

    /// Takes the user's word that there are labels: in the originals that go to inputs for labels; when there is none,
    /// in the image of the run.
    fn declare_labels(&mut self) {
        let wants = |step: usize, port: usize| {
            let ports = self.picked.get(step).map(|picked| &picked.descriptor.inputs);
            ports.and_then(|ports| ports.get(port)).is_some_and(|port| port.kind == PortKind::Labels)
        };
        let mut declared: BTreeMap<usize, usize> = BTreeMap::new();
        for (index, step) in self.steps.iter_mut().enumerate() {
            for (port, source) in &mut step.inputs {
                let Source::Original(number) = *source else { continue };
                if !wants(index, *port) {
                    continue;
                }
                let as_labels = *declared.entry(number).or_insert_with(|| {
                    let original = Original { labels: true, ..self.originals[number].clone() };
                    self.originals.push(original);
                    self.originals.len() - 1
                });
                *source = Source::Original(as_labels);
            }
        }
        if declared.is_empty() {
            self.originals[0].labels = true;
        }
    }
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
    let twice = |what: &str, name: &str, step: &Written<'_>| {
        Error::invalid_argument(format!("{what} `{name}` of `{}` is given twice", step.operator))
            .with_remedy("leave one out")
    };
    for word in order {
        let missing = || Error::internal("the command line was read in another order than it was written");
        let last = steps.len() - 1;
        match *word {
            Word::Then(nth) => steps.push(Written::new(run.then.get(nth).ok_or_else(missing)?)),
            Word::Param(nth) => {
                let (name, value) = pair(run.param.get(nth).ok_or_else(missing)?, "NAME=VALUE")?;
                if steps[last].parameters.iter().any(|(known, _)| *known == name) {
                    return Err(twice("parameter", name, &steps[last]));
                }
                steps[last].parameters.push((name, value));
            }
            Word::Input(nth) => {
                let (port, source) = pair(run.input.get(nth).ok_or_else(missing)?, "PORT=SOURCE")?;
                if steps[last].inputs.insert(port, source).is_some() {
                    return Err(twice("input", port, &steps[last]));
                }
            }
        }
    }
    Ok(steps)
}

/// The name of the original image in `--input`.
const ORIGINAL: &str = "image";
/// What `--input` says to leave a port without an image.
const NOTHING: &str = "none";
/// What stands before a channel of the original, by name or number.
const CHANNEL: &str = "image:";
/// What stands before the path of another image.
const FILE: &str = "file:";

/// The images that a step may take.
pub(crate) struct Images {
    originals: Vec<Original>,
    /// Images of steps, by the names that the user gave them.
    named: BTreeMap<String, Source>,
    /// Images of steps, by their operators.
    by_operator: BTreeMap<String, Vec<Source>>,
}

impl Default for Images {
    /// The image of the run.
    fn default() -> Self {
        let originals = vec![Original { origin: Origin::Image, labels: false }];
        Self { originals, named: BTreeMap::new(), by_operator: BTreeMap::new() }
    }
}

impl Images {
    /// The image that the user means.
    ///
    /// # Errors
    /// `not-found` for one that does not exist (yet), `invalid-argument` when several answer to the name.
    fn find(&mut self, name: &str) -> Result<Source> {
        if name == ORIGINAL {
            return Ok(Source::Original(0));
        }
        if let Some(channel) = name.strip_prefix(CHANNEL) {
            return Ok(self.original(Origin::Channel(channel.to_owned())));
        }
        if let Some(path) = name.strip_prefix(FILE) {
            return Ok(self.original(Origin::File(PathBuf::from(path))));
        }
        if let Some(source) = self.named.get(name) {
            return Ok(*source);
        }
        match self.by_operator.get(name).map(Vec::as_slice) {
            Some([one]) => Ok(*one),
            Some(several) => {
                Err(Error::invalid_argument(format!("`{name}` may be any of {} steps so far", several.len()))
                    .with_remedy(format!(
                        "name the steps, for example `--then first={name}`, and say `first`"
                    )))
            }
            None => Err(self.unknown(name)),
        }
    }

    fn original(&mut self, origin: Origin) -> Source {
        let known = self.originals.iter().position(|original| original.origin == origin);
        Source::Original(known.unwrap_or_else(|| {
            self.originals.push(Original { origin, labels: false });
            self.originals.len() - 1
        }))
    }

    fn unknown(&self, name: &str) -> Error {
        let steps = self.named.keys().chain(self.by_operator.keys()).map(String::as_str);
        let known: Vec<_> = [ORIGINAL].into_iter().chain(steps).collect();
        let remedy = if Path::new(name).exists() {
            format!("to take a file, write `{FILE}{name}`")
        } else {
            format!(
                "{}; or a channel of the original (`{CHANNEL}NAME`), or a file (`{FILE}PATH`)",
                near::remedy(name, "images so far", &known)
            )
        };
        Error::not_found(format!("there is no image `{name}`")).with_remedy(remedy)
    }

    /// Makes the image of a step known to the steps after it.
    fn add(&mut self, name: Option<&str>, operator: &str, image: Source) {
        self.by_operator.entry(operator.to_owned()).or_default().push(image);
        self.named.extend(name.map(|name| (name.to_owned(), image)));
    }
}

/// Picks, loads and connects the steps.
pub(crate) fn chain(host: &mut Host, run: &Run, order: &[Word]) -> Result<Chain> {
    let mut chain = Chain {
        steps: Vec::new(),
        picked: Vec::new(),
        names: Vec::new(),
        wiring: Vec::new(),
        originals: Vec::new(),
    };
    let mut images = Images::default();
    let mut previous = Some(Source::Original(0));
    let steps = written(run, order)?;
    check_names(&steps)?;
    for (index, words) in steps.iter().enumerate() {
        let (selection, library) = host.load(words.operator, run.lane)?;
        let descriptor = &selection.descriptor;
        let parameters = parameters(descriptor, &words.parameters)?;
        let inputs = connect(descriptor, &words.inputs, &mut images, previous)?;
        let port = descriptor.outputs.iter().position(|port| port.kind.is_image());
        if let Some(port) = port {
            previous = Some(Source::Step(index, port));
            images.add(words.name, &descriptor.id, Source::Step(index, port));
        }
        chain.wiring.push(wiring(descriptor, &inputs, &images.originals, &chain.names));
        let taken: Vec<&str> =
            steps.iter().filter_map(|step| step.name).chain(chain.names.iter().map(String::as_str)).collect();
        chain.names.push(words.name.map_or_else(|| unused(&descriptor.id, &taken), str::to_owned));
        let step = Step { library, operator: descriptor.id.clone(), parameters };
        chain.steps.push(ChainStep { step, inputs });
        chain.picked.push(selection);
    }
    chain.originals = images.originals;
    if run.declare_labels {
        chain.declare_labels();
    }
    Ok(chain)
}

fn check_names(steps: &[Written<'_>]) -> Result<()> {
    let names: Vec<&str> = steps.iter().filter_map(|step| step.name).collect();
    for (index, name) in names.iter().enumerate() {
        if [ORIGINAL, NOTHING].contains(name) {
            return Err(Error::invalid_argument(format!("a step cannot be called `{name}`")).with_remedy(
                "`--input` knows the original as `image`, and nothing as `none`: choose another name",
            ));
        }
        if name.is_empty() || name.contains([':', '/', '\\']) {
            return Err(Error::invalid_argument(format!("a step cannot be called `{name}`"))
                .with_remedy("choose a word without `:` and slashes"));
        }
        if names[..index].contains(name) {
            return Err(Error::invalid_argument(format!("two steps are called `{name}`"))
                .with_remedy("give each its own name"));
        }
    }
    Ok(())
}

/// The operator's name, with a number where it is taken.
fn unused(operator: &str, taken: &[&str]) -> String {
    let numbered = (2..).map(|number| format!("{operator}-{number}"));
    let mut names = std::iter::once(operator.to_owned()).chain(numbered);
    names.find(|name| !taken.contains(&name.as_str())).unwrap_or_default()
}

fn parameters(descriptor: &Descriptor, given: &[(&str, &str)]) -> Result<Parameters> {
    let known: Vec<_> = descriptor.parameters.iter().map(|spec| spec.name.as_str()).collect();
    if let Some((name, _)) = given.iter().find(|(name, _)| !known.contains(name)) {
        return Err(Error::not_found(format!("operator `{}` has no parameter `{name}`", descriptor.id))
            .with_remedy(near::remedy(name, "its parameters are", &known)));
    }
    Parameters::parse(&descriptor.parameters, given.iter().copied())
        .map_err(|error| error.context(format!("operator `{}`", descriptor.id)))
}

/// What each connected port takes, as the user would say it.
fn wiring(
    descriptor: &Descriptor,
    inputs: &[(usize, Source)],
    originals: &[Original],
    names: &[String],
) -> BTreeMap<String, String> {
    let said = |source: &Source| match *source {
        Source::Step(step, _) => names.get(step).cloned().unwrap_or_default(),
        Source::Original(number) => match originals.get(number).map(|original| &original.origin) {
            Some(Origin::Channel(channel)) => format!("{CHANNEL}{channel}"),
            Some(Origin::File(path)) => {
                format!("{FILE}{}", path.file_name().unwrap_or_default().to_string_lossy())
            }
            _ => ORIGINAL.to_owned(),
        },
    };
    let ports = inputs.iter().filter_map(|(port, source)| Some((descriptor.inputs.get(*port)?, source)));
    ports.map(|(port, source)| (port.name.clone(), said(source))).collect()
}

/// Where each input port of a step takes its image from: what the user named, or nothing for `none`; else the first port
/// takes the image of the step before, and the others the original. Where the first takes the original as labels, an
/// optional further one is left out: numbers of objects are no intensities.
///
/// # Errors
/// `not-found` for a port or an image that does not exist, `invalid-argument` when there is no image to take, or when
/// several answer to a name.
pub(crate) fn connect(
    descriptor: &Descriptor,
    named: &BTreeMap<&str, &str>,
    images: &mut Images,
    previous: Option<Source>,
) -> Result<Vec<(usize, Source)>> {
    let Descriptor { id, inputs: ports, .. } = descriptor;
    if let Some(unknown) = named.keys().find(|name| ports.iter().all(|port| port.name != **name)) {
        let known: Vec<_> = ports.iter().map(|port| port.name.as_str()).collect();
        return Err(Error::not_found(format!("operator `{id}` has no input `{unknown}`"))
            .with_remedy(near::remedy(unknown, "its inputs are", &known)));
    }
    let mut inputs: Vec<(usize, Source)> = Vec::with_capacity(ports.len());
    for (place, port) in ports.iter().enumerate() {
        let labels_are_the_original = || {
            let labels = inputs.iter().find(|(port, _)| ports[*port].kind == PortKind::Labels);
            labels.is_some_and(|(_, source)| *source == Source::Original(0))
        };
        let source = match named.get(port.name.as_str()).copied() {
            Some(NOTHING) => continue,
            Some(name) => images
                .find(name)
                .map_err(|error| error.context(format!("input `{}` of `{id}`", port.name)))?,
            None if place == 0 => previous.ok_or_else(|| {
                Error::invalid_argument(format!("`{id}` comes after a step that gives no image"))
            })?,
            None if port.optional && labels_are_the_original() => continue,
            None => Source::Original(0),
        };
        inputs.push((place, source));
    }
    Ok(inputs)
}
