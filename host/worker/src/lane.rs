//! The worker lane: each instance has a process of its own.

use std::{
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use parfocal_core::{Artifact, Enduring, FrameAllocator, Lane, Library, LibraryInfo, artifact::sealed_copy};
use parfocal_operator::{Descriptor, Operator, descriptor::validate_all};
use parfocal_types::{Error, ErrorKind, Parameters, Result};
use parfocal_worker_protocol::{
    VERSION,
    message::{Answer, Call},
};

use crate::{
    connection::{Asked, Connection},
    deaths::{DeathListener, Deaths},
    instance::WorkerMaker,
    notes::Desk,
    process::{Code, Fences, Launch, Policy, Process, child::Inside},
};

/// How workers run.
#[derive(Clone)]
pub struct WorkerOptions {
    /// The program `parfocal-worker`.
    pub program: PathBuf,
    /// Which fences are put up, as far as the system allows.
    pub policy: Policy,
    /// Told of each worker that died or had to be ended.
    pub deaths: Option<Arc<DeathListener>>,
}

impl WorkerOptions {
    /// All fences, with the program that was installed beside this one.
    ///
    /// # Errors
    /// `missing-runtime` when it is not there.
    pub fn installed() -> Result<Self> {
        Ok(Self { program: find_program()?, policy: Policy::default(), deaths: None })
    }
}

/// Which fences stand around plugins on this computer: starts a worker that runs none.
///
/// # Errors
/// As [`WorkerOptions::installed`], and when no worker can be started.
pub fn fences_here() -> Result<Fences> {
    let WorkerOptions { program, policy, .. } = WorkerOptions::installed()?;
    // Any program will do: the report comes before it runs.
    let code = Code::Program { interpreter: program.clone(), args: Vec::new(), descriptor: None };
    let launch = Launch { program, arguments: Vec::new(), code, readable: Vec::new(), memory: 0, policy };
    let mut process = Process::start(launch)?;
    process.wait_for_report(PARTING);
    process.fences().cloned().ok_or_else(|| {
        let ending = process.kill();
        Error::internal(format!("no worker comes to life: {ending}"))
            .with_remedy("run `parfocal doctor` as another user, and report what it says")
    })
}

/// Names another program than the one installed beside the host's, for whoever builds one.
const PROGRAM_VARIABLE: &str = "PARFOCAL_WORKER_PROGRAM";
const PROGRAM: &str = "parfocal-worker";

fn find_program() -> Result<PathBuf> {
    if let Some(named) = std::env::var_os(PROGRAM_VARIABLE) {
        return Ok(named.into());
    }
    let here = std::env::current_exe().unwrap_or_default();
    // The second for tests and examples, which cargo puts into a folder below.
    let folders = [here.parent(), here.parent().and_then(Path::parent)];
    let found = folders.into_iter().flatten().map(|folder| folder.join(PROGRAM)).find(|path| path.is_file());
    found.ok_or_else(|| {
        let kind = ErrorKind::MissingRuntime {
            what: PROGRAM.into(),
            r#where: "the installation of Parfocal".into(),
        };
        let sentence =
            format!("the program `{PROGRAM}`, in which plugins run, is not beside {}", here.display());
        Error::new(kind, sentence)
            .with_remedy(format!("install Parfocal again, or name the program in ${PROGRAM_VARIABLE}"))
    })
}

/// What the code of an artifact is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Runner {
    /// A native library, which `parfocal-worker` loads.
    Library,
    /// A file that an interpreter runs and that speaks `worker/1` itself.
    Interpreter {
        /// The interpreter.
        program: PathBuf,
        /// Its arguments before the file.
        arguments: Vec<String>,
        /// Folders that it reads its own library from.
        readable: Vec<PathBuf>,
    },
}

/// The worker lane.
pub struct WorkerLane {
    options: WorkerOptions,
    runner: Runner,
    name: &'static str,
}

impl WorkerLane {
    /// A lane for native libraries.
    #[must_use]
    pub fn new(options: WorkerOptions) -> Self {
        Self { options, runner: Runner::Library, name: "worker" }
    }

    /// A lane for programs that speak `worker/1`, run by this interpreter.
    #[must_use]
    pub fn for_programs(options: WorkerOptions, interpreter: Runner) -> Self {
        Self { options, runner: interpreter, name: "program" }
    }
}

impl Lane for WorkerLane {
    fn name(&self) -> &'static str {
        self.name
    }

    fn load(&self, artifact: &Artifact) -> Result<Arc<dyn Library>> {
        let (_, bytes) = artifact.open_verified()?;
        let code = sealed_copy(&bytes).map_err(|error| no_memory(&error).with_origin(artifact.label()))?;
        let shop = Shop {
            options: self.options.clone(),
            runner: self.runner.clone(),
            artifact: artifact.clone(),
            code: code.into(),
            label: artifact.label(),
            idle: Mutex::default(),
            instances: AtomicU32::new(0),
            deaths: Deaths::default(),
        };
        let shop = Arc::new(shop);
        let (connection, operators) = shop.open()?;
        let fences = connection.process().fences().map(ToString::to_string).unwrap_or_default();
        let info = LibraryInfo {
            plugin: artifact.plugin.clone(),
            version: artifact.version.clone(),
            lane: self.name,
            interface: artifact.interface,
            isolation: fences,
        };
        shop.give_back(connection);
        Ok(Arc::new(WorkerLibrary { shop, info, operators }))
    }
}

struct WorkerLibrary {
    shop: Arc<Shop>,
    info: LibraryInfo,
    operators: Vec<Descriptor>,
}

impl Library for WorkerLibrary {
    fn info(&self) -> &LibraryInfo {
        &self.info
    }

    fn operators(&self) -> &[Descriptor] {
        &self.operators
    }

    fn create(&self, operator: &str, parameters: &Parameters) -> Result<Box<dyn Operator>> {
        let maker = WorkerMaker::new(Arc::clone(&self.shop), operator, parameters);
        Ok(Box::new(Enduring::new(maker)?))
    }
}

/// Workers kept for the next instance.
const MOST_IDLE: usize = 8;
/// How long a worker may take to start and to load its code, when its calls may not take longer anyway: a busy computer is slow at
/// that.
const GREETING: Duration = Duration::from_secs(10);
/// How long an idle worker may take to end an instance.
const PARTING: Duration = Duration::from_secs(2);

/// Where the workers of one library come from, and go to when nobody needs them.
pub(crate) struct Shop {
    options: WorkerOptions,
    runner: Runner,
    pub(crate) artifact: Artifact,
    code: OwnedFd,
    pub(crate) label: String,
    idle: Mutex<Vec<Connection>>,
    instances: AtomicU32,
    deaths: Deaths,
}

impl Shop {
    /// How long a call may take.
    pub(crate) fn limit(&self) -> Duration {
        self.artifact.limits.call
    }

    /// A number that no other instance of this library has.
    pub(crate) fn number(&self) -> u32 {
        self.instances.fetch_add(1, Ordering::Relaxed)
    }

    /// Frames for pixels that do not lie in shared memory already.
    pub(crate) fn arena(&self) -> FrameAllocator {
        FrameAllocator::keeping(u64::MAX, 64 << 20)
    }

    /// A worker for an instance: one that is idle, or a new one.
    ///
    /// # Errors
    /// `plugin-died` when too many died of late; what starting one says.
    pub(crate) fn take(&self) -> Result<Connection> {
        loop {
            let Some(mut idle) = self.lock().pop() else { break };
            if idle.is_well() {
                return Ok(idle);
            }
        }
        self.deaths.wait_or_refuse().map_err(|error| error.with_origin(&self.label))?;
        Ok(self.open()?.0)
    }

    /// A worker that nobody needs just now.
    pub(crate) fn give_back(&self, connection: Connection) {
        let mut idle = self.lock();
        if !connection.is_dead() && idle.len() < MOST_IDLE {
            idle.push(connection);
        }
    }

    /// Ends an instance; a worker that does not do so soon is not used again.
    pub(crate) fn part(&self, mut connection: Connection, instance: u32) {
        let asked = Asked { call: Call::Destroy { instance }, body: &[], limit: PARTING };
        if connection.ask(asked, &mut Desk::default()).is_ok() {
            self.give_back(connection);
        }
    }

    /// Notes that a worker was lost by the plugin's fault.
    pub(crate) fn died(&self, error: &Error) {
        let in_a_row = self.deaths.note();
        if let Some(listener) = &self.options.deaths {
            listener(&self.artifact, error, in_a_row);
        }
    }

    /// A tile was worked on, to its end.
    pub(crate) fn lives(&self) {
        self.deaths.forgive();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts a worker, and asks what it has.
    fn open(&self) -> Result<(Connection, Vec<Descriptor>)> {
        let own = |error: Error| error.with_origin(&self.label);
        let process = Process::start(self.launch().map_err(own)?).map_err(own)?;
        let hello = Call::Hello {
            worker: vec![VERSION],
            operator: vec![self.artifact.interface],
            plugin: self.artifact.plugin.clone(),
            version: self.artifact.version.to_string(),
        };
        let (connection, answer) =
            Connection::open(process, hello, self.limit().max(GREETING), self.artifact.limits.memory)
                .map_err(own)?;
        Ok((connection, self.check(answer).map_err(own)?))
    }

    fn launch(&self) -> Result<Launch> {
        let artifact = &self.artifact;
        let descriptor = self.code.try_clone().map_err(|error| no_memory(&error))?;
        let (code, readable, arguments) = match &self.runner {
            Runner::Library => {
                let (version, interface) = (artifact.version.to_string(), artifact.interface.to_string());
                let arguments =
                    vec![artifact.plugin.clone(), version, artifact.sha256.to_string(), interface];
                (Code::Library { descriptor }, Vec::new(), arguments)
            }
            Runner::Interpreter { program, arguments, readable } => {
                let mut args = arguments.clone();
                args.push(Inside::CODE_PATH.to_owned());
                let code = Code::Program { interpreter: program.clone(), args, descriptor: Some(descriptor) };
                (code, readable.clone(), vec![artifact.plugin.clone()])
            }
        };
        Ok(Launch {
            program: self.options.program.clone(),
            arguments,
            code,
            readable,
            memory: artifact.limits.memory,
            policy: self.options.policy,
        })
    }

    fn check(&self, answer: Answer) -> Result<Vec<Descriptor>> {
        let Answer::Welcome { worker, operator, plugin, version, operators } = answer else {
            let kind = ErrorKind::Protocol { raw: "hello".into() };
            return Err(Error::new(kind, "answered `hello` with something else"));
        };
        let refused = |have: String, need: String| {
            let sentence = format!("the worker says `{have}`, the host needs `{need}`");
            Err(Error::new(ErrorKind::Incompatible { have, need }, sentence)
                .with_remedy("build the plugin again with the SDK of this Parfocal, and package it again"))
        };
        if worker != VERSION || operator != self.artifact.interface {
            return refused(
                format!("worker/{worker}, operator/{operator}"),
                format!("worker/{VERSION}, operator/{}", self.artifact.interface),
            );
        }
        if plugin != self.artifact.plugin || version != self.artifact.version.to_string() {
            return refused(format!("{plugin} {version}"), self.label.clone());
        }
        validate_all(&operators)?;
        Ok(operators)
    }
}

fn no_memory(error: &std::io::Error) -> Error {
    Error::internal(format!("the code cannot be copied to memory: {error}"))
        .with_remedy("close other programs, and try again")
}
