//! Makes plugins to look at.

use std::{
    fs,
    io::{Cursor, Write},
    path::{Path, PathBuf},
    process::Command,
};

use parfocal_catalog::{Catalog, HostSupport, Package};
use parfocal_core::Sha256;
use tempfile::TempDir;
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

pub(crate) const INTERFACE: &str = "operator/1-draft.2";

/// A folder with plugins, a state folder, and a place to compile.
pub(crate) struct Bench {
    root: TempDir,
}

/// What a plugin of the bench is like.
#[derive(Clone)]
pub(crate) struct Plugin {
    pub(crate) id: &'static str,
    pub(crate) version: &'static str,
    pub(crate) operator: &'static str,
    pub(crate) language: &'static str,
    pub(crate) interface: &'static str,
}

impl Default for Plugin {
    fn default() -> Self {
        Self {
            id: "org.example.filters",
            version: "1.0.0",
            operator: "smooth",
            language: "c",
            interface: INTERFACE,
        }
    }
}

/// A file of a package, as its manifest names it.
pub(crate) struct Code {
    pub(crate) lane: &'static str,
    pub(crate) target: Option<String>,
    pub(crate) path: &'static str,
    pub(crate) bytes: Vec<u8>,
}

impl Code {
    pub(crate) fn native(bytes: Vec<u8>) -> Self {
        Self {
            lane: "native",
            target: Some(HostSupport::this_computer().target),
            path: "libplugin.so",
            bytes,
        }
    }

    pub(crate) fn wasm(bytes: Vec<u8>) -> Self {
        Self { lane: "wasm", target: None, path: "plugin.wasm", bytes }
    }

    pub(crate) fn program(bytes: Vec<u8>) -> Self {
        Self { lane: "program", target: None, path: "plugin.pyz", bytes }
    }
}

impl Plugin {
    /// The note in its code.
    pub(crate) fn note(&self) -> String {
        let layouts: String = match self.language {
            "rust" => parfocal_abi::layout::OPERATOR_1
                .iter()
                .map(|layout| format!("layout {} {} {:016x}\n", layout.name, layout.size, layout.hash()))
                .collect(),
            _ => String::new(),
        };
        let Self { id, version, language, interface, .. } = self;
        format!(
            "PARFOCAL-NOTE 1\nid {id}\nversion {version}\nlanguage {language}\ninterface {interface}\n{layouts}end\n"
        )
    }

    /// A C source with the note and the entry symbol.
    pub(crate) fn source(&self) -> String {
        source(&self.note(), "parfocal_entry")
    }

    pub(crate) fn manifest(&self, codes: &[Code]) -> String {
        let Self { id, version, operator, interface, .. } = self;
        let artifacts: String = codes
            .iter()
            .map(|code| {
                let target = code.target.as_ref().map(|target| format!("target = \"{target}\"\n"));
                let interpreter = if code.lane == "program" { "interpreter = \"python3\"\n" } else { "" };
                format!(
                    "[[artifact]]\nlane = \"{}\"\n{}{interpreter}path = \"{}\"\nsha256 = \"{}\"\ninterfaces = [\"{interface}\"]\n",
                    code.lane,
                    target.unwrap_or_default(),
                    code.path,
                    Sha256::of(&code.bytes)
                )
            })
            .collect();
        format!(
            r#"manifest-version = 1
[plugin]
id = "{id}"
name = "Test"
version = "{version}"
license = "MIT"
description = "A plugin of a test."
{artifacts}
[[operator]]
id = "{operator}"
summary = "Does something."
kind = "map"
input = [{{ name = "image", dtypes = ["u16"] }}]
output = [{{ name = "image", kind = "image", preserves = ["counting"] }}]
"#
        )
    }

    /// A component with the note in a core module inside.
    pub(crate) fn component(&self) -> Vec<u8> {
        component(&self.note(), "parfocal:operator/operator@1.0.0-draft.2")
    }
}

/// A C source with these bytes as note and a function of this name.
pub(crate) fn source(note: &str, entry: &str) -> String {
    let note = note.replace('\n', "\\n");
    format!(
        "__attribute__((section(\".parfocal\"), used)) static const char note[] = \"{note}\";\n\
         const void *{entry}(unsigned low, unsigned high) {{ (void)low; (void)high; return 0; }}\n"
    )
}

/// A zip archive of one file.
pub(crate) fn archive(name: &str, text: &str) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file(name, SimpleFileOptions::default().compression_method(CompressionMethod::Stored)).unwrap();
    zip.write_all(text.as_bytes()).unwrap();
    zip.finish().unwrap().into_inner()
}

pub(crate) fn component(note: &str, export: &str) -> Vec<u8> {
    let note = note.replace('\n', "\\n");
    let text = format!(
        "(component (component (core module (@custom \"parfocal\" \"{note}\")))\n\
         (instance) (export \"{export}\" (instance 0)))"
    );
    wat::parse_str(text).unwrap()
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self { root: TempDir::new().unwrap() }
    }

    pub(crate) fn plugins(&self) -> PathBuf {
        self.root.path().join("plugins")
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.root.path().join("state")
    }

    pub(crate) fn scratch(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// Compiles C; `flags` come last.
    pub(crate) fn gcc(&self, name: &str, source: &str, flags: &[&str]) -> PathBuf {
        let (input, output) = (self.scratch(&format!("{name}.c")), self.scratch(name));
        fs::write(&input, source).unwrap();
        let done = Command::new("gcc").arg(&input).arg("-o").arg(&output).args(flags).output();
        let done = done.expect("gcc is needed for these tests");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        output
    }

    pub(crate) fn library(&self, source: &str) -> Vec<u8> {
        fs::read(self.gcc("library.so", source, &["-shared", "-fPIC", "-Os"])).unwrap()
    }

    /// Writes a package below the plugin folder.
    pub(crate) fn put(&self, folder: &str, manifest: &str, codes: &[Code]) -> PathBuf {
        let folder = self.plugins().join(folder);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("plugin.toml"), manifest).unwrap();
        for code in codes {
            let path = folder.join(code.path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, &code.bytes).unwrap();
        }
        folder
    }

    /// Writes a package with a component.
    pub(crate) fn put_wasm(&self, folder: &str, plugin: &Plugin) -> PathBuf {
        let codes = [Code::wasm(plugin.component())];
        self.put(folder, &plugin.manifest(&codes), &codes)
    }

    /// Writes a package with a library and a component.
    pub(crate) fn put_both(&self, folder: &str, plugin: &Plugin) -> PathBuf {
        let codes = [Code::wasm(plugin.component()), Code::native(self.library(&plugin.source()))];
        self.put(folder, &plugin.manifest(&codes), &codes)
    }

    pub(crate) fn scan(&self) -> Catalog {
        self.scan_as(&HostSupport::this_computer())
    }

    pub(crate) fn scan_as(&self, host: &HostSupport) -> Catalog {
        Catalog::scan(&[self.plugins()], host, &self.state())
    }
}

pub(crate) fn package<'c>(catalog: &'c Catalog, folder: &Path) -> &'c Package {
    catalog.plugins().iter().find(|package| package.folder == folder).unwrap()
}

/// A small generator with a fixed seed (SplitMix64), so that a failure can be repeated.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) as usize % end
    }
}
