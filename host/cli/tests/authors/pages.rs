//! The commands of the pages for authors, played as they stand there: from `new` to a conformant, signed plugin that somebody
//! else installed and runs.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    python::python,
    tool::{at_home, forget_the_workspace, parfocal, root, succeed, tiff},
};

const PIXELS: [u16; 6] = [0, 99, 100, 101, 4095, 65535];
/// With the default offset of 100.
const EXPECTED: [u16; 6] = [0, 0, 0, 1, 3995, 65435];
/// What every page makes.
const PACKAGE: &str = "org.example.subtract-offset-0.1.0";

/// The commands of the block on a page that begins so.
fn block(page: &str, beginning: &str) -> Vec<String> {
    let text = fs::read_to_string(root().join("docs/authors").join(page)).unwrap();
    let blocks = text.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let found = blocks.filter(|block| block.starts_with(beginning)).collect::<Vec<_>>();
    let [block] = found[..] else {
        panic!("{page} has {} blocks that begin with {beginning:?}", found.len())
    };
    block.lines().map(str::to_owned).collect()
}

/// An author, or whoever uses what the author made: a folder and a home.
struct Person {
    folder: PathBuf,
    python: Option<PathBuf>,
}

impl Person {
    fn new(folder: &Path, python: Option<PathBuf>) -> Self {
        fs::create_dir_all(folder).unwrap();
        fs::write(folder.join("in.tif"), tiff(3, &PIXELS)).unwrap();
        fs::write(folder.join("expected.tif"), tiff(3, &EXPECTED)).unwrap();
        Self { folder: folder.to_owned(), python }
    }

    /// Types the commands into a shell, where `parfocal` is installed.
    fn types(&self, place: &str, commands: &[String]) {
        let mut script = String::new();
        for command in commands {
            if command.contains(" in.tif ") {
                // The image that a reader of the page would have.
                script
                    .push_str(&format!("[ -e in.tif ] || cp '{}' .\n", self.folder.join("in.tif").display()));
            }
            script.push_str(command);
            if command.starts_with("parfocal conform") {
                // Some cases measure time: on a machine that is busy with other tests, one of them may want a second try.
                script.push_str(" || ");
                script.push_str(command);
            }
            script.push('\n');
        }
        let program = Path::new(env!("CARGO_BIN_EXE_parfocal")).parent().unwrap().to_owned();
        let python = self.python.iter().filter_map(|python| Some(python.parent()?.to_owned()));
        let path = env::var_os("PATH").unwrap_or_default();
        let path = env::join_paths([program].into_iter().chain(python).chain(env::split_paths(&path)));
        let mut shell = Command::new("sh");
        shell.args(["-eux", "-c", &script]);
        forget_the_workspace(&mut shell);
        at_home(&mut shell, &self.folder);
        shell.current_dir(self.folder.join(place)).env("PATH", path.unwrap());
        shell.env("PARFOCAL_SDK", root().join("sdk")).env("PARFOCAL_KEY_PASSWORD", "a word");
        // What was compiled for another test is used again.
        shell.env("CARGO_TARGET_DIR", root().join("target/outside"));
        if let Some(python) = &self.python {
            shell.env("PARFOCAL_PYTHON", python).env("PYTHONDONTWRITEBYTECODE", "1");
        }
        succeed(&mut shell);
    }

    fn has_the_right_pixels(&self, place: &str) {
        let place = self.folder.join(place);
        let mut compare = parfocal(&self.folder);
        compare.args(["image", "compare"]).arg(place.join("out.ome.tif")).arg("expected.tif");
        succeed(&mut compare);
    }
}

/// The page of a language, and then what all have in common.
fn play(page: &str, python: Option<PathBuf>) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let author = Person::new(&folder.path().join("author"), python.clone());
    author.types("", &block(page, "parfocal new operator subtract-offset"));
    author.has_the_right_pixels("subtract-offset");
    author.types("subtract-offset", &block("README.md", "parfocal plugins keys new"));

    let user = Person::new(&folder.path().join("user"), python);
    for file in [&format!("subtract-offset/{PACKAGE}.pfp"), "home/data/parfocal/keys/example-lab.pub"] {
        let file = author.folder.join(file);
        fs::copy(&file, user.folder.join(file.file_name().unwrap())).unwrap();
    }
    user.types("", &block("README.md", "parfocal plugins trust add"));
    user.has_the_right_pixels("");
    folder
}

#[test]
fn the_page_for_c_leads_to_a_conformant_plugin_that_others_install() {
    play("c.md", None);
}

#[test]
fn the_page_for_python_leads_to_a_conformant_plugin_that_others_install() {
    let Some(python) = python() else { return };
    play("python.md", Some(python));
}

#[test]
fn the_pages_for_rust_and_wasm_lead_to_a_conformant_plugin_that_others_install() {
    let folder = play("rust.md", None);
    let made = folder.path().join("author/subtract-offset");
    let Ok(mut components) = fs::read_dir(made.join("target/parfocal").join(PACKAGE).join("wasm")) else {
        println!("skipped: the WASM half, because there is no WASM toolchain");
        return;
    };
    let component = components.next().unwrap().unwrap().path();
    let author = Person::new(&folder.path().join("component"), None);
    fs::copy(component, author.folder.join("subtract-offset.wasm")).unwrap();
    for file in ["plugin.toml", "LICENSE-MIT", "LICENSE-APACHE"] {
        if made.join(file).is_file() {
            fs::copy(made.join(file), author.folder.join(file)).unwrap();
        }
    }
    author.types("", &block("wasm.md", "parfocal package"));
    author.has_the_right_pixels("");
}
