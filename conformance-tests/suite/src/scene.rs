//! What the function of a case works with.

use std::{
    io::{Read, Write},
    os::{
        fd::{AsFd, OwnedFd},
        unix::net::UnixStream,
    },
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
};

use parfocal_core::{Artifact, Lane, Library};
use parfocal_image::{Axis, DType, Extent, ImageSpec, PixelSize};
use parfocal_native::Probe;
use parfocal_operator::{Descriptor, Operator, Services, ThreadSafety};
use parfocal_testkit::{
    Cut, Driver, Image, Loose, Memory, Outcome, Pattern, Quiet, Random, Setting, Settings,
};
use parfocal_types::{Error, ErrorKind, Parameters, Result, units::Micrometers};

use crate::{
    finding::{Finding, OrFinding, said},
    options::Profile,
    status::Status,
    subject::Subject,
    task::{Answer, Errand, Task},
    transport::{Lanes, Transport},
};

/// What the function of a case works with: the plugin's files, its code, a seed.
pub struct Scene<'a> {
    task: &'a Task,
    subject: &'a Subject,
    lanes: &'a Lanes<'a>,
}

impl<'a> Scene<'a> {
    pub(crate) fn new(task: &'a Task, subject: &'a Subject, lanes: &'a Lanes<'a>) -> Self {
        Self { task, subject, lanes }
    }

    /// The plugin's files.
    #[must_use]
    pub fn subject(&self) -> &'a Subject {
        self.subject
    }

    /// How much is tried.
    #[must_use]
    pub fn profile(&self) -> Profile {
        self.task.profile
    }

    /// How much slower than the reference machine this one is, at least 1.
    #[must_use]
    pub fn factor(&self) -> f64 {
        self.task.factor
    }

    /// A folder of the child's own.
    #[must_use]
    pub fn scratch(&self) -> &Path {
        &self.task.scratch
    }

    /// A generator that follows from the run's seed, the case and the operator, but not from the transport, so that
    /// transports are tried with the same inputs.
    #[must_use]
    pub fn random(&self) -> Random {
        let operator = self.task.operator.as_deref().unwrap_or_default();
        Random::named(self.task.seed, &format!("{}/{operator}", self.task.case))
    }

    /// Loads the plugin's code through the transport of the case.
    ///
    /// # Errors
    /// A finding: the plugin does not load, or has no code for it.
    pub fn library(&self) -> Result<Arc<dyn Library>, Finding> {
        let transport = self.task.transport.unwrap_or(Transport::Native);
        self.library_through(transport)
    }

    /// Loads the plugin's code through a transport.
    ///
    /// # Errors
    /// As [`library`](Self::library).
    pub fn library_through(&self, transport: Transport) -> Result<Arc<dyn Library>, Finding> {
        let artifact = self.artifact(transport)?;
        self.lane(transport)?.load(&artifact).map_err(|error| not_loaded(&error))
    }

    /// The transport of the case.
    #[must_use]
    pub fn transport(&self) -> Transport {
        self.task.transport.unwrap_or(Transport::Native)
    }

    /// The code of a transport.
    ///
    /// # Errors
    /// A finding: the plugin has none that this host can run.
    pub fn artifact(&self, transport: Transport) -> Result<Artifact, Finding> {
        let code = self.task.code.iter().find(|code| code.transport == transport);
        let code = code.ok_or_else(|| {
            Finding::skip(format!("there is no code that this host can run as {transport}"))
        })?;
        code.artifact().or_suite_error("the task names no digest")
    }

    /// A new lane, which has loaded nothing.
    ///
    /// # Errors
    /// A finding of the suite: the program was built without it.
    pub fn lane(&self, transport: Transport) -> Result<Box<dyn Lane>, Finding> {
        self.lanes.open(transport).or_suite_error(format!("the lane {transport} cannot be opened"))
    }

    /// The handshake of the native library, before anything else was called.
    ///
    /// # Errors
    /// A finding: it does not load.
    pub fn probe(&self) -> Result<Probe, Finding> {
        Probe::open(&self.artifact(Transport::Native)?).or_fail("the plugin does not load")
    }

    /// Every operator of a library, ready to be driven.
    ///
    /// # Errors
    /// A finding: it has none.
    pub fn benches(&self, library: &Arc<dyn Library>) -> Result<Vec<Bench>, Finding> {
        if library.operators().is_empty() {
            return Err(Finding::na("the plugin has no operators"));
        }
        let bench = |descriptor: &Descriptor| Bench {
            library: Arc::clone(library),
            descriptor: descriptor.clone(),
            random: self.random(),
            profile: self.profile(),
        };
        Ok(library.operators().iter().map(bench).collect())
    }

    /// Runs an errand in another process with this environment, in this folder, and returns the sentence that it found.
    ///
    /// # Errors
    /// A finding: that of the other process when it is no pass, or that it ended without one.
    pub fn elsewhere(
        &self,
        errand: Errand,
        environment: &[(&str, &str)],
        folder: &Path,
    ) -> Result<String, Finding> {
        let task = Task { errand: Some(errand), ..self.task.clone() };
        let broken =
            |error: std::io::Error| Finding::suite_error(format!("another process cannot be asked: {error}"));
        let (mut own, theirs) = UnixStream::pair().map_err(broken)?;
        let (program, arguments) = &self.task.program;
        // What it prints ends where its errors do: in the log of this child.
        let log = std::io::stderr().as_fd().try_clone_to_owned().map_err(broken)?;
        let mut process = Command::new(program)
            .args(arguments)
            .env_clear()
            .envs(environment.iter().copied())
            .current_dir(folder)
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(log)
            .spawn()
            .map_err(broken)?;
        let line = serde_json::to_string(&task).map_err(|error| Finding::suite_error(error.to_string()))?;
        own.write_all(format!("{line}\n").as_bytes()).map_err(broken)?;
        let mut answers = String::new();
        let read = own.read_to_string(&mut answers);
        let status = process.wait().map_err(broken)?;
        read.map_err(broken)?;
        let found =
            answers.lines().filter_map(|line| Answer::read(line).ok()).find_map(|answer| match answer {
                Answer::Found(finding) => Some(finding),
                Answer::Fault { .. } => None,
            });
        match found {
            Some(finding) if finding.status == Status::Pass => Ok(finding.sentence),
            Some(finding) => Err(finding),
            None => Err(Finding::fail("another process with the same task ended without a result")
                .with("end", status)),
        }
    }

    /// The transports that the plugin has code for in this run.
    #[must_use]
    pub fn transports(&self) -> Vec<Transport> {
        self.task.code.iter().map(|code| code.transport).collect()
    }

    /// The operator that the case is about, ready to be driven.
    ///
    /// # Errors
    /// As [`library`](Self::library); the code does not know the operator of the manifest.
    pub fn bench(&self) -> Result<Bench, Finding> {
        let transport = self.task.transport.unwrap_or(Transport::Native);
        self.bench_through(transport)
    }

    /// The operator, through another transport.
    ///
    /// # Errors
    /// As [`bench`](Self::bench).
    pub fn bench_through(&self, transport: Transport) -> Result<Bench, Finding> {
        let library = self.library_through(transport)?;
        let id = self.task.operator.clone().unwrap_or_default();
        let descriptor = library.operators().iter().find(|descriptor| descriptor.id == id).cloned();
        let descriptor = descriptor.ok_or_else(|| {
            Finding::fail(format!("the code has no operator `{id}`, which its manifest names"))
        })?;
        Ok(Bench { library, descriptor, random: self.random(), profile: self.profile() })
    }
}

/// Code that does not load speaks against the plugin, unless this computer lacks what runs it.
fn not_loaded(error: &Error) -> Finding {
    match error.kind() {
        ErrorKind::MissingRuntime { .. } => {
            Finding::skip(error.message()).with("remedy", error.remedy().unwrap_or_default())
        }
        _ => said(Finding::fail("the plugin does not load"), error),
    }
}

/// Images for an operator's inputs.
#[derive(Debug, Clone)]
pub struct Feed {
    /// What is particular about them, for messages.
    pub name: String,
    /// The number of each connected port, and its image.
    pub images: Vec<(u32, Image)>,
}

impl Feed {
    /// As a driver wants them.
    #[must_use]
    pub fn inputs(&self) -> Vec<(u32, &Image)> {
        self.images.iter().map(|(port, image)| (*port, image)).collect()
    }
}

/// What the images of a feed are like.
#[derive(Debug, Clone, PartialEq)]
pub struct Shape {
    /// Size along T C Z Y X.
    pub extent: Extent,
    /// The pixel type of the first port; the first that it declares by default.
    pub dtype: Option<DType>,
    /// What the images show.
    pub pattern: Pattern,
    /// Size of a pixel.
    pub pixel_size: PixelSize,
    /// Whether optional ports are connected.
    pub optional: bool,
    /// Significant bits of the first port; those of the type by default.
    pub bits: Option<u32>,
}

impl Shape {
    /// Images of this size: textured, pixels of 0.1 micrometers, planes 0.3 micrometers apart, every port connected.
    #[must_use]
    pub const fn of(extent: Extent) -> Self {
        Self {
            extent,
            dtype: None,
            pattern: Pattern::Texture,
            pixel_size: PixelSize::voxel(Micrometers(0.1), Micrometers(0.3)),
            optional: true,
            bits: None,
        }
    }

    /// Prime sides, several of everything: small images find most faults.
    #[must_use]
    pub const fn usual() -> Self {
        Self::of(Extent::new(2, 2, 3, 47, 61))
    }

    /// All that operators are offered, in turn.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        SHAPES.into_iter().map(Self::of)
    }

    /// The same with another pattern.
    #[must_use]
    pub const fn showing(mut self, pattern: Pattern) -> Self {
        self.pattern = pattern;
        self
    }

    /// The same with another pixel type at the first port.
    #[must_use]
    pub const fn typed(mut self, dtype: DType) -> Self {
        self.dtype = Some(dtype);
        self
    }

    /// The same with another size.
    #[must_use]
    pub const fn sized(mut self, extent: Extent) -> Self {
        self.extent = extent;
        self
    }
}

/// Shapes that are tried in turn until an operator accepts one.
const SHAPES: [Extent; 8] = [
    Extent::new(2, 2, 3, 47, 61),
    Extent::new(1, 1, 1, 47, 61),
    Extent::new(1, 2, 1, 47, 61),
    Extent::new(1, 3, 1, 47, 61),
    Extent::new(1, 1, 5, 47, 61),
    Extent::new(5, 1, 1, 47, 61),
    Extent::new(1, 1, 1, 128, 128),
    Extent::new(1, 1, 5, 128, 128),
];

/// An operator on the bench.
pub struct Bench {
    library: Arc<dyn Library>,
    /// What its code declares.
    pub descriptor: Descriptor,
    random: Random,
    profile: Profile,
}

impl Bench {
    /// The library that it comes from.
    #[must_use]
    pub fn library(&self) -> &Arc<dyn Library> {
        &self.library
    }

    /// Makes an instance.
    ///
    /// # Errors
    /// What the operator says to its parameters.
    pub fn create(&self, parameters: &Parameters) -> Result<Box<dyn Operator>> {
        self.library.create(&self.descriptor.id, parameters)
    }

    /// Sets of parameters.
    #[must_use]
    pub fn settings(&self) -> Settings<'_> {
        Settings::new(&self.descriptor.parameters)
    }

    /// Images for its inputs; the same for the same shape.
    ///
    /// # Errors
    /// A finding of the suite: they do not fit memory.
    pub fn feed(&self, shape: &Shape) -> Result<Feed, Finding> {
        let mut images = Vec::new();
        let mut random = self.random.clone();
        for (number, port) in (0..).zip(&self.descriptor.inputs) {
            let mut own = Random::new(random.bits());
            if port.optional && !shape.optional {
                continue;
            }
            let declared = port.dtypes.first().copied().unwrap_or(DType::U16);
            let dtype = shape.dtype.filter(|_| number == 0).unwrap_or(declared);
            let mut spec = ImageSpec::new(shape.extent, dtype);
            spec.pixel_size = shape.pixel_size;
            if let Some(bits) = shape.bits.filter(|_| number == 0) {
                spec.significant_bits = bits;
            }
            let image = shape.pattern.draw(&spec, port.kind, &mut own);
            images.push((number, image.or_suite_error("a test image cannot be made")?));
        }
        let dtype =
            images.first().map_or_else(|| "no input".to_owned(), |(_, image)| image.spec.dtype.to_string());
        Ok(Feed { name: format!("{} of {dtype}, {:?}", shape.extent, shape.pattern), images })
    }

    /// The first of several sizes that the operator accepts with its default parameters.
    ///
    /// # Errors
    /// A finding: it accepts none.
    pub fn usual_shape(&self) -> Result<Shape, Finding> {
        let setting = self.settings().defaults().or_fail("the defaults lie outside of their own limits")?;
        let mut refusals = Vec::new();
        for shape in Shape::all() {
            let extent = shape.extent;
            match self.drive(&setting.parameters, &Quiet, &Loose::default(), |driver| {
                driver.plan(&self.feed_or_empty(&shape).inputs()).map(drop)
            }) {
                Ok(()) => return Ok(shape),
                Err(error) => refusals.push(format!("{extent}: {}", error.message())),
            }
        }
        Err(Finding::fail("it accepts none of the images that fit its ports")
            .with("refusals", refusals.join("; ")))
    }

    fn feed_or_empty(&self, shape: &Shape) -> Feed {
        self.feed(shape).unwrap_or(Feed { name: String::new(), images: Vec::new() })
    }

    /// Hands a driver to `work`.
    ///
    /// # Errors
    /// Those of `work`.
    pub fn drive<'d, T>(
        &'d self,
        parameters: &'d Parameters,
        services: &'d (dyn Services + Sync),
        memory: &'d dyn Memory,
        work: impl FnOnce(Driver<'d>) -> Result<T>,
    ) -> Result<T> {
        work(Driver::new(&self.descriptor, || self.create(parameters), services, memory))
    }

    /// Runs over a cut, on one thread, two instances in turn, in loose memory.
    ///
    /// # Errors
    /// What the operator says.
    pub fn run(&self, parameters: &Parameters, feed: &Feed, cut: Cut) -> Result<Outcome> {
        self.drive(parameters, &Quiet, &Loose::default(), |driver| driver.run(&feed.inputs(), cut))
    }

    /// How many instances may work at once.
    #[must_use]
    pub fn most_instances(&self) -> usize {
        if self.descriptor.threads == ThreadSafety::Single { 1 } else { 8 }
    }

    /// Whether it plans for these images with these parameters. A refusal must be one that the contract knows.
    ///
    /// # Errors
    /// A finding: it refuses with an error that says that something is broken.
    pub fn accepts(&self, setting: &Setting, feed: &Feed) -> Result<bool, Finding> {
        let planned = self.drive(&setting.parameters, &Quiet, &Loose::default(), |driver| {
            driver.plan(&feed.inputs()).map(drop)
        });
        match planned {
            Ok(()) => Ok(true),
            Err(error) if is_refusal(error.kind()) => Ok(false),
            Err(error) => Err(said(
                Finding::fail("`plan` ended in an error that is no refusal")
                    .with("parameters", &setting.name)
                    .with("input", &feed.name),
                &error,
            )),
        }
    }

    /// What most cases try: the defaults with each pixel type of the first port, then, with the first, without the optional
    /// ports, with each parameter at its limits and words, and with two drawn sets. Only what the operator accepts.
    ///
    /// # Errors
    /// A finding: it accepts nothing, or its refusals are none.
    pub fn trials(&self) -> Result<Vec<(Setting, Feed)>, Finding> {
        let shape = self.usual_shape()?;
        let settings = self.settings();
        let broken = "the defaults lie outside of their own limits";
        let defaults = settings.defaults().or_fail(broken)?;
        let mut wanted = Vec::new();
        let dtypes = self.descriptor.inputs.first().map_or(&[][..], |port| port.dtypes.as_slice());
        for dtype in dtypes {
            wanted.push((defaults.clone(), shape.clone().typed(*dtype)));
        }
        if self.descriptor.inputs.iter().any(|port| port.optional) {
            wanted.push((defaults, Shape { optional: false, ..shape.clone() }));
        }
        let mut random = self.random.clone();
        let mut others = settings.edges().or_fail(broken)?;
        others.remove(0);
        for _ in 0..self.profile.pick(2, 8) {
            others.push(settings.drawn(&mut random).or_fail(broken)?);
        }
        wanted.extend(others.into_iter().map(|setting| (setting, shape.clone())));
        let mut trials = Vec::new();
        for (setting, shape) in wanted {
            let feed = self.feed(&shape)?;
            if self.accepts(&setting, &feed)? {
                trials.push((setting, feed));
            }
        }
        Ok(trials)
    }

    /// Largest declared halo along an axis.
    #[must_use]
    pub fn max_halo(&self, axis: Axis) -> u64 {
        u64::from(self.descriptor.max_halo_along(axis))
    }
}

/// Whether an error says "I cannot do this", rather than "I am broken".
pub(crate) fn is_refusal(kind: &ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::NotSupported { .. }
            | ErrorKind::NotFound
            | ErrorKind::InvalidArgument
            | ErrorKind::OutOfRange { .. }
            | ErrorKind::OutOfMemory { .. }
            | ErrorKind::Unfit { .. }
            | ErrorKind::MissingRuntime { .. }
    )
}
