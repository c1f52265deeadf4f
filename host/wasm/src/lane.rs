//! The lane and its libraries: from a file to operators.

use std::{path::PathBuf, sync::Arc};

use parfocal_core::{Artifact, Enduring, Lane, Library, LibraryInfo, Limits, services::neutral_error};
use parfocal_operator::{Descriptor, Operator, VERSION, descriptor::validate_all};
use parfocal_types::{
    error::{Error, Result},
    parameter::Parameters,
};
use parfocal_wit::Cross;
use wasmtime::component::{Component, Linker};

use crate::{
    cache::CodeCache,
    check, death,
    desk::{Nobody, drive},
    engine::TickingEngine,
    instance::{Ready, empty_store},
    operator::WasmMaker,
    state::{State, imports},
};

/// The name of the lane in manifests.
const NAME: &str = "wasm";

/// How the lane works.
#[derive(Debug, Clone, Default)]
pub struct WasmOptions {
    /// Where compiled code is kept between runs of the program; `None` compiles each time.
    ///
    /// Compiled code is machine code that runs with the program's rights, so the folder is refused unless it belongs to
    /// the user and nobody else may write to it; it is made when it does not exist. The same holds for each file in it, which
    /// carries a keyed digest (HMAC-SHA-256) of its content, of the component that it was made from and of the runtime's
    /// settings besides. The key is a file of the folder that only the user can read. What is somebody else's or does not
    /// verify is compiled again.
    pub cache_dir: Option<PathBuf>,
}

/// Runs operators that are WASM components; see the [crate's documentation](crate).
pub struct WasmLane {
    engine: Arc<TickingEngine>,
    linker: Linker<State>,
    cache: Option<CodeCache>,
}

impl std::fmt::Debug for WasmLane {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WasmLane").field("cache", &self.cache).finish_non_exhaustive()
    }
}

impl WasmLane {
    /// Starts the runtime.
    ///
    /// # Errors
    /// `permission-denied` for a cache folder that others may write to, `internal` when the runtime does not start.
    pub fn new(options: WasmOptions) -> Result<Self> {
        let engine = Arc::new(TickingEngine::new()?);
        let cache = match &options.cache_dir {
            Some(folder) => Some(CodeCache::open(folder, engine.engine())?),
            None => None,
        };
        let mut linker = Linker::new(engine.engine());
        imports(&mut linker).map_err(|error| {
            Error::internal("the host's functions for WASM operators do not fit together")
                .with_source(error.into_boxed_dyn_error())
        })?;
        Ok(Self { engine, linker, cache })
    }

    /// The compiled component, from the cache or from its bytes.
    fn compiled(&self, artifact: &Artifact, bytes: &[u8]) -> Result<Component> {
        if let Some(found) =
            self.cache.as_ref().and_then(|cache| cache.load(self.engine.engine(), &artifact.sha256))
        {
            return Ok(found);
        }
        let file = artifact.path.display().to_string();
        check::preamble(bytes, &file)?;
        let component = Component::from_binary(self.engine.engine(), bytes)
            .map_err(|error| check::invalid(error, &file))?;
        if let Some(cache) = &self.cache {
            cache.store(&artifact.sha256, &component);
        }
        Ok(component)
    }

    fn loaded(&self, artifact: &Artifact) -> Result<(Loaded, Vec<Descriptor>)> {
        if artifact.interface != VERSION {
            return Err(check::version_differs(&artifact.interface.to_string(), Some(artifact.interface)));
        }
        let (_, bytes) = artifact.open_verified()?;
        let component = self.compiled(artifact, &bytes)?;
        check::names(&component, self.engine.engine())?;
        let ready = Ready::new(&self.linker, &component).map_err(|error| check::differs(&error))?;
        let loaded = Loaded {
            engine: Arc::clone(&self.engine),
            ready,
            limits: artifact.limits,
            label: artifact.label(),
        };
        let operators = loaded.describe()?;
        Ok((loaded, operators))
    }
}

impl Lane for WasmLane {
    fn name(&self) -> &'static str {
        NAME
    }

    fn load(&self, artifact: &Artifact) -> Result<Arc<dyn Library>> {
        let (loaded, operators) =
            self.loaded(artifact).map_err(neutral_error).map_err(|error| match error.origin() {
                Some(_) => error,
                None => error.with_origin(artifact.label()),
            })?;
        let info = LibraryInfo {
            plugin: artifact.plugin.clone(),
            version: artifact.version.clone(),
            lane: NAME,
            interface: VERSION,
            isolation: "a component: no files, no network, bounded memory and time".to_owned(),
        };
        Ok(Arc::new(WasmLibrary { info, operators, loaded: Arc::new(loaded) }))
    }
}

/// What all instances of a component share.
pub(crate) struct Loaded {
    pub(crate) engine: Arc<TickingEngine>,
    pub(crate) ready: Ready,
    pub(crate) limits: Limits,
    /// Id and version of the plugin, for messages.
    pub(crate) label: String,
}

impl Loaded {
    /// Asks the component for its operators, in an instance that is then dropped.
    fn describe(&self) -> Result<Vec<Descriptor>> {
        const DOING: &str = "asking for its operators";
        let mut store = empty_store(&self.engine, self.limits.memory);
        let ticking = self.engine.tick();
        let ended = drive(&mut Nobody, self.limits.call, async {
            let (_, plugin) = self.ready.enter(&mut store).await?;
            plugin.parfocal_operator_operator().call_describe(&mut store).await
        });
        drop(ticking);
        let operators: Vec<Descriptor> = match ended {
            Ok(Ok(operators)) => operators.cross(),
            Ok(Err(trap)) => return Err(death::of_trap(&trap, store.data_mut(), DOING)),
            Err(stopped) => return Err(death::of_stop(stopped, self.limits.call, DOING)),
        };
        validate_all(&operators)?;
        Ok(operators)
    }
}

struct WasmLibrary {
    info: LibraryInfo,
    operators: Vec<Descriptor>,
    loaded: Arc<Loaded>,
}

impl Library for WasmLibrary {
    fn info(&self) -> &LibraryInfo {
        &self.info
    }

    fn operators(&self) -> &[Descriptor] {
        &self.operators
    }

    fn create(&self, operator: &str, parameters: &Parameters) -> Result<Box<dyn Operator>> {
        if !self.operators.iter().any(|known| known.id == operator) {
            let known: Vec<_> = self.operators.iter().map(|known| known.id.as_str()).collect();
            return Err(Error::not_found(format!("it has no operator `{operator}`"))
                .with_origin(&self.loaded.label)
                .with_remedy(format!("its operators are: {}", known.join(", "))));
        }
        Ok(Box::new(Enduring::new(WasmMaker::new(Arc::clone(&self.loaded), operator, parameters))?))
    }
}
