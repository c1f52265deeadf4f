//! The Python that runs programs of plugins: where it is, whether it will do, and what it reads.

use std::{
    collections::BTreeSet,
    env,
    ffi::OsString,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
};

use parfocal_types::{Error, ErrorKind, Result};
use serde::Deserialize;

/// Names the interpreter, for example that of a virtual environment.
pub const VARIABLE: &str = "PARFOCAL_PYTHON";

/// Where an interpreter is looked for when nobody names one. Not in `PATH`: what runs plugins should not depend on the shell
/// that the host was started from.
const FOLDERS: &[&str] = &["/usr/local/bin", "/usr/bin", "/bin", "/opt/homebrew/bin"];

/// The oldest version that the package `parfocal` works with.
const OLDEST: [u32; 2] = [3, 11];

/// Arguments before the file: nothing of the user's environment, settings or folders changes what runs, and no bytecode is
/// written.
pub const ARGUMENTS: &[&str] = &["-I", "-B"];

/// Asks an interpreter about itself. In the words of [`Answer`].
const QUESTION: &str = r#"
import importlib.metadata, importlib.util, json, os, sys, sysconfig
folders = [*sys.path, sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib"), os.path.join(sys.prefix, "lib")]
if sys.prefix != sys.base_prefix:
    folders.append(os.path.join(sys.prefix, "pyvenv.cfg"))
if sysconfig.get_config_var("Py_ENABLE_SHARED"):
    folders.append(sysconfig.get_config_var("LIBDIR"))
# Not imported: that takes longer than all else that a host does before the first tile.
numpy = importlib.util.find_spec("numpy")
if numpy is not None and numpy.origin:
    folders.append(os.path.dirname(os.path.dirname(numpy.origin)))
print(json.dumps({
    "version": list(sys.version_info[:3]),
    "executable": sys.executable,
    "numpy": importlib.metadata.version("numpy") if numpy is not None else None,
    "readable": [folder for folder in folders if folder and os.path.exists(folder)],
}))
"#;

#[derive(Debug, Deserialize)]
struct Answer {
    version: [u32; 3],
    executable: PathBuf,
    numpy: Option<String>,
    readable: Vec<PathBuf>,
}

/// A Python interpreter that programs of plugins can run in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Python {
    /// What is started. In a virtual environment this is its own link, by which the interpreter finds its packages.
    pub program: PathBuf,
    /// Its version.
    pub version: [u32; 3],
    /// The version of numpy that it has.
    pub numpy: Option<String>,
    /// Folders, and single files, that it reads its own library and packages from: sorted, existing, links resolved, none
    /// within another.
    pub readable: Vec<PathBuf>,
}

impl Python {
    /// The interpreter in `$PARFOCAL_PYTHON`, else `python3` in one of the usual folders. It is asked once in the life of this
    /// process.
    ///
    /// # Errors
    /// `missing-runtime` when there is none, when it cannot be run, is older than 3.11, or has no numpy: what to install.
    pub fn find() -> Result<Self> {
        static FOUND: OnceLock<Python> = OnceLock::new();
        if let Some(found) = FOUND.get() {
            return Ok(found.clone());
        }
        let found = Self::search(env::var_os(VARIABLE), FOLDERS)?;
        Ok(FOUND.get_or_init(|| found).clone())
    }

    fn search(named: Option<OsString>, folders: &[&str]) -> Result<Self> {
        if let Some(named) = named.filter(|named| !named.is_empty()) {
            // It is asked from another folder than this process's.
            let program = std::path::absolute(&named).unwrap_or_else(|_| named.into());
            return Self::ask(&program)?.fit_for_use();
        }
        let program =
            folders.iter().map(|folder| Path::new(folder).join("python3")).find(|path| path.is_file());
        let program =
            program.ok_or_else(|| missing(format!("there is no `python3` in {}", folders.join(", "))))?;
        Self::ask(&program)?.fit_for_use()
    }

    /// Runs an interpreter to learn what it is.
    ///
    /// # Errors
    /// `missing-runtime` when it cannot be run or does not answer as Python would.
    pub fn ask(program: &Path) -> Result<Self> {
        let shown = program.display();
        let output = Command::new(program)
            .args(ARGUMENTS)
            .args(["-c", QUESTION])
            // As plugins are run, so that what works here works there.
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::null())
            .output()
            .map_err(|error| missing(format!("{shown} cannot be run: {error}")).with_source(error))?;
        let answer = serde_json::from_slice::<Answer>(&output.stdout);
        let answer = answer.map_err(|_| {
            let said = String::from_utf8_lossy(&output.stderr);
            let last = said.lines().last().unwrap_or("it said nothing").chars().take(300).collect::<String>();
            missing(format!("{shown} does not answer as Python 3 would ({}): {last}", output.status))
        })?;
        let readable = outermost(answer.readable);
        Ok(Self { program: answer.executable, version: answer.version, numpy: answer.numpy, readable })
    }

    /// The interpreter, if programs of plugins can run in it.
    ///
    /// # Errors
    /// `missing-runtime` when it is too old or has no numpy.
    pub fn fit_for_use(self) -> Result<Self> {
        let shown = self.program.display();
        let [major, minor, patch] = self.version;
        if [major, minor] < OLDEST {
            return Err(missing(format!("{shown} is Python {major}.{minor}.{patch}, which is too old")));
        }
        if self.numpy.is_none() {
            let kind = ErrorKind::MissingRuntime {
                what: "numpy".into(),
                r#where: "https://numpy.org/install".into(),
            };
            let remedy = format!(
                "install it there (on Debian and Ubuntu `apt install python3-numpy`; in a virtual environment `pip install \
                 numpy`), or name another interpreter in ${VARIABLE}"
            );
            return Err(Error::new(kind, format!("{shown} has no numpy")).with_remedy(remedy));
        }
        Ok(self)
    }
}

fn missing(sentence: String) -> Error {
    let [major, minor] = OLDEST;
    let what = format!("Python {major}.{minor} or newer");
    let kind =
        ErrorKind::MissingRuntime { what: what.clone(), r#where: "https://www.python.org/downloads".into() };
    Error::new(kind, sentence).with_remedy(format!(
        "install {what} with numpy (on Debian and Ubuntu `apt install python3 python3-numpy`), or name an interpreter in \
         ${VARIABLE}"
    ))
}

/// The paths with their links resolved, without those that lie within another.
fn outermost(paths: Vec<PathBuf>) -> Vec<PathBuf> {
    let real: BTreeSet<_> = paths.into_iter().filter_map(|path| path.canonicalize().ok()).collect();
    let within = |path: &PathBuf| path.ancestors().skip(1).any(|folder| real.contains(folder));
    real.iter().filter(|path| !within(path)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use super::*;

    /// A folder that goes with the test.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = env::temp_dir().join(format!("parfocal-interpreter-{name}-{}", std::process::id()));
            fs::create_dir_all(&path).unwrap();
            Self(path.canonicalize().unwrap())
        }

        /// A program that prints `text` as its answer.
        fn program(&self, text: &str) -> PathBuf {
            let path = self.0.join("python3");
            fs::write(&path, format!("#!/bin/sh\ncat <<'END'\n{text}\nEND\n")).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
            path
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn answer(version: &str, numpy: &str) -> String {
        format!(
            r#"{{"version": {version}, "executable": "/x/python3", "numpy": {numpy}, "readable": ["/", "/etc"]}}"#
        )
    }

    #[test]
    fn a_python_that_will_do_is_found_where_the_variable_says_or_in_a_usual_folder() {
        let folder = Folder::new("good");
        let program = folder.program(&answer("[3, 11, 0]", r#""2.4.6""#));
        let named = Python::search(Some(program.into()), &[]).unwrap();
        assert_eq!((named.version, named.numpy.as_deref()), ([3, 11, 0], Some("2.4.6")));
        assert_eq!(named.readable, [Path::new("/")]);
        let usual = Python::search(None, &["/there/is/none", folder.0.to_str().unwrap()]).unwrap();
        assert_eq!(usual, named);
        assert_eq!(Python::search(Some("".into()), &[folder.0.to_str().unwrap()]).unwrap(), named);
    }

    #[test]
    fn what_is_missing_is_named_with_what_to_install() {
        let cases = [
            (answer("[3, 10, 9]", r#""1.0""#), "is Python 3.10.9, which is too old", "install Python 3.11"),
            (answer("[3, 13, 1]", "null"), "has no numpy", "python3-numpy"),
            ("no JSON".to_owned(), "does not answer as Python 3 would", VARIABLE),
        ];
        for (text, sentence, remedy) in cases {
            let folder = Folder::new("bad");
            let error = Python::search(Some(folder.program(&text).into()), &[]).unwrap_err();
            assert_eq!(error.kind().name(), "missing-runtime");
            assert!(error.message().contains(sentence), "{error}");
            assert!(error.remedy().unwrap_or_default().contains(remedy), "{error}");
        }
        let error = Python::search(None, &["/there/is/none"]).unwrap_err();
        assert!(error.message().contains("there is no `python3` in /there/is/none"), "{error}");
        let error = Python::search(Some("/there/is/none".into()), &[]).unwrap_err();
        assert!(error.message().contains("/there/is/none cannot be run"), "{error}");
    }

    #[test]
    fn folders_within_others_are_not_listed_twice() {
        let folder = Folder::new("nested");
        let (inner, other) = (folder.0.join("a/b"), folder.0.join("ab"));
        fs::create_dir_all(&inner).unwrap();
        fs::create_dir_all(&other).unwrap();
        std::os::unix::fs::symlink(&inner, folder.0.join("link")).unwrap();
        let outer = folder.0.join("a");
        let given = vec![inner, other.clone(), folder.0.join("link"), outer.clone(), folder.0.join("gone")];
        assert_eq!(outermost(given), [outer, other]);
    }

    #[test]
    fn the_python_of_this_computer_tells_what_it_reads() {
        let usual =
            FOLDERS.iter().map(|folder| Path::new(folder).join("python3")).find(|path| path.is_file());
        let Some(program) = env::var_os(VARIABLE).map(PathBuf::from).or(usual) else {
            println!("skipped: there is no Python here");
            return;
        };
        let python = Python::ask(&program).unwrap();
        assert_eq!(python.version[0], 3);
        let modules = ["os.py", "json/__init__.py"];
        let versioned = format!("python{}.{}", python.version[0], python.version[1]);
        let reads = |module: &str| {
            python
                .readable
                .iter()
                .any(|folder| folder.join(module).exists() || folder.join(&versioned).join(module).exists())
        };
        assert!(modules.into_iter().all(reads), "{:?}", python.readable);
    }
}
