//! Where plugins, compiled code and the host's state lie.

use std::{
    env,
    path::{Path, PathBuf},
};

/// The folders of one user.
#[derive(Debug)]
pub(crate) struct Folders {
    /// Searched for plugins, in this order.
    pub(crate) plugins: Vec<PathBuf>,
    /// Where the user's own are installed; `None` where there is no home.
    pub(crate) installed: Option<PathBuf>,
    /// The user's own keys; `None` where there is no home.
    pub(crate) keys: Option<PathBuf>,
    /// The quarantine, the trusted keys, the record of what was installed.
    pub(crate) state: PathBuf,
    /// Compiled code; `None` where there is no home.
    pub(crate) cache: Option<PathBuf>,
}

impl Folders {
    /// The folders named on the command line, then `$PARFOCAL_PLUGINS`, then the user's own, then those beside the
    /// program. The rest follows the XDG base directories.
    pub(crate) fn new(named: Vec<PathBuf>) -> Self {
        let mut plugins = named;
        if let Some(list) = env::var_os("PARFOCAL_PLUGINS") {
            plugins.extend(env::split_paths(&list).filter(|path| !path.as_os_str().is_empty()));
        }
        let data = base("XDG_DATA_HOME", ".local/share");
        let installed = data.as_ref().map(|data| data.join("plugins"));
        plugins.extend(installed.clone());
        let beside = env::current_exe().ok().and_then(|program| Some(program.parent()?.join("plugins")));
        plugins.extend(beside.filter(|folder| folder.is_dir()));
        Self {
            plugins,
            installed,
            keys: data.map(|data| data.join("keys")),
            state: base("XDG_STATE_HOME", ".local/state")
                .unwrap_or_else(|| env::temp_dir().join("parfocal-state")),
            cache: base("XDG_CACHE_HOME", ".cache").map(|cache| cache.join("compiled")),
        }
    }
}

fn base(variable: &str, below_home: &str) -> Option<PathBuf> {
    let absolute = |path: PathBuf| Some(path).filter(|path| path.is_absolute());
    env::var_os(variable)
        .map(PathBuf::from)
        .and_then(absolute)
        .or_else(|| absolute(Path::new(&env::var_os("HOME")?).join(below_home)))
        .map(|folder| folder.join("parfocal"))
}
