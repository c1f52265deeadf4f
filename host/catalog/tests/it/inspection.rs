use std::{fs, path::Path};

use parfocal_catalog::{Format, inspect, inspect_bytes};

use crate::support::{Bench, Plugin, Random};

#[test]
fn a_good_library_and_a_good_component_are_described() {
    let bench = Bench::new();
    let folder = bench.put_both("a", &Plugin { language: "rust", ..Plugin::default() });
    let library = inspect(&folder.join("libplugin.so")).unwrap();
    assert_eq!((library.format, library.processor.as_deref()), (Format::Elf, Some("x86_64")));
    assert_eq!(library.shared, Some(true));
    assert!(library.exports.contains(&"parfocal_entry".to_owned()));
    assert_eq!(library.problems, Vec::<String>::new());
    let component = inspect(&folder.join("plugin.wasm")).unwrap();
    assert_eq!(component.format, Format::WasmComponent);
    assert_eq!(component.exports, ["parfocal:operator/operator@1.0.0-draft.2"]);
    assert_eq!(component.problems, Vec::<String>::new());
    for inspection in [library, component] {
        let note = inspection.note.as_ref().unwrap();
        assert_eq!((note.id.as_str(), note.language.as_str()), ("org.example.filters", "rust"));
        assert_eq!(note.interfaces, ["operator/1-draft.2"]);
        assert!(note.layout_differences.is_empty());
        let json = serde_json::to_value(&inspection).unwrap();
        assert_eq!(json["sha256"].as_str().map(str::len), Some(64));
    }
}

#[test]
fn what_can_be_read_of_a_broken_file_is_read() {
    let bench = Bench::new();
    let bytes = bench.library(&Plugin::default().source());
    let note = bytes.windows(14).position(|window| window == b"PARFOCAL-NOTE ").unwrap();
    let cut = inspect_bytes(Path::new("cut.so"), &bytes[..note + 200]);
    assert_eq!(cut.format, Format::Elf);
    assert!(cut.problems[0].contains("damaged or cut off"), "{:?}", cut.problems);
    assert_eq!(cut.note.map(|note| note.id).as_deref(), Some("org.example.filters"));

    let bytes = Plugin::default().component();
    let cut = inspect_bytes(Path::new("cut.wasm"), &bytes[..bytes.len() - 3]);
    assert_eq!(cut.format, Format::WasmComponent);
    assert!(cut.problems[0].contains("damaged or cut off at byte"), "{:?}", cut.problems);
    assert!(cut.note.is_some());

    for (bytes, problem) in [
        (&b""[..], "it is neither ELF nor WASM"),
        (b"MZ......", "it is a file for Windows"),
        (b"\xcf\xfa\xed\xfe....", "it is a file for macOS"),
        (b"\0asm\x01\0\0\0", "it is a WASM core module, not a component"),
        (b"\x7fELF", "the ELF file is damaged or cut off"),
    ] {
        let inspection = inspect_bytes(Path::new("x"), bytes);
        assert!(inspection.problems.iter().any(|text| text.contains(problem)), "{:?}", inspection.problems);
    }
}

#[test]
fn a_system_library_is_a_library_and_no_plugin() {
    let bench = Bench::new();
    let path = bench.gcc("plain.so", "int answer(void) { return 42; }\n", &["-shared", "-fPIC"]);
    let inspection = inspect(&path).unwrap();
    assert!(inspection.exports.contains(&"answer".to_owned()));
    assert_eq!(inspection.problems.len(), 2, "{:?}", inspection.problems);
}

#[test]
fn what_is_no_file_is_an_error() {
    let bench = Bench::new();
    fs::create_dir_all(bench.plugins()).unwrap();
    assert_eq!(inspect(&bench.scratch("nothing")).unwrap_err().kind().name(), "not-found");
    assert_eq!(inspect(&bench.plugins()).unwrap_err().kind().name(), "not-supported");
    assert_eq!(inspect(Path::new("/dev/zero")).unwrap_err().kind().name(), "not-supported");
}

fn mutate(good: &[u8], seed: u64) -> Vec<u8> {
    let mut random = Random(seed);
    let mut bytes = good.to_vec();
    match seed % 4 {
        0 => bytes.truncate(random.below(bytes.len())),
        1 => {
            for _ in 0..=random.below(8) {
                let place = random.below(bytes.len());
                bytes[place] ^= 1 << random.below(8);
            }
        }
        // Numbers at the edge, where sizes and offsets live: the headers at both ends of a file.
        2 => {
            let reach = bytes.len().min(256);
            for _ in 0..=random.below(4) {
                let end = random.below(2) * (bytes.len() - reach);
                let place = end + random.below(reach);
                bytes[place] = [0, 1, 0x7f, 0x80, 0xff][random.below(5)];
            }
        }
        _ => {
            let start = random.below(bytes.len());
            let end = (start + random.below(64)).min(bytes.len());
            bytes.drain(start..end);
        }
    }
    bytes
}

#[test]
fn damaged_files_are_described_or_their_damage_is() {
    let bench = Bench::new();
    let library = bench.library(&Plugin { language: "rust", ..Plugin::default() }.source());
    let component = Plugin::default().component();
    let (mut elf_problems, mut wasm_problems) = (0, 0);
    for seed in 0..400 {
        elf_problems +=
            usize::from(!inspect_bytes(Path::new("a.so"), &mutate(&library, seed)).problems.is_empty());
        let inspection = inspect_bytes(Path::new("a.wasm"), &mutate(&component, seed));
        wasm_problems += usize::from(!inspection.problems.is_empty());
    }
    assert!(elf_problems > 100 && wasm_problems > 200, "too tame: {elf_problems} and {wasm_problems} of 400");
}

#[test]
fn a_component_cut_at_any_byte_is_no_good_component() {
    let good = Plugin::default().component();
    for end in 0..good.len() {
        let inspection = inspect_bytes(Path::new("cut.wasm"), &good[..end]);
        assert!(!inspection.problems.is_empty(), "cut at {end} of {}", good.len());
    }
}
