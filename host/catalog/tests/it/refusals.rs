use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use parfocal_catalog::{HostSupport, Rejection, RejectionCode as Code, Status};
use parfocal_types::InterfaceVersion;

use crate::support::{Bench, Code as File, INTERFACE, Plugin, component, source};

/// The only refusal of a bench with one plugin that has one file.
fn refusal(bench: &Bench) -> Rejection {
    refusal_as(bench, &HostSupport::this_computer())
}

fn refusal_as(bench: &Bench, host: &HostSupport) -> Rejection {
    let catalog = bench.scan_as(host);
    let [package] = catalog.plugins() else { panic!("one plugin") };
    assert!(!package.is_usable(), "it was accepted");
    match (&package.manifest, &package.rejected, package.candidates.first().map(|c| &c.status)) {
        (Err(rejection), ..) | (_, Some(rejection), _) | (.., Some(Status::Rejected(rejection))) => {
            rejection.clone()
        }
        other => panic!("{other:?}"),
    }
}

fn refusal_of(plugin: &Plugin, file: File) -> Rejection {
    let bench = Bench::new();
    let codes = [file];
    bench.put("a", &plugin.manifest(&codes), &codes);
    refusal(&bench)
}

fn host_that_speaks(versions: &[InterfaceVersion]) -> HostSupport {
    let operator = ("operator".to_owned(), BTreeSet::from_iter(versions.iter().copied()));
    HostSupport { interfaces: BTreeMap::from([operator]), ..HostSupport::this_computer() }
}

#[track_caller]
fn says(rejection: &Rejection, code: Code, words: &[&str], remedy: &str) {
    assert_eq!(rejection.code, code, "{rejection}");
    for word in words {
        assert!(rejection.message.contains(word), "`{word}` is not in: {rejection}");
    }
    assert!(rejection.remedy.contains(remedy), "{rejection}\n{}", rejection.remedy);
}

#[test]
fn an_interface_that_is_too_new_names_both_sides() {
    let plugin = Plugin { interface: "operator/2", ..Plugin::default() };
    let rejection = refusal_of(&plugin, File::wasm(plugin.component()));
    let words =
        ["org.example.filters 1.0.0", "was built for operator/2, this host speaks operator/1-draft.2"];
    says(&rejection, Code::InterfaceTooNew, &words, "update Parfocal, or install an older version");
}

#[test]
fn with_an_interface_that_is_too_new_an_installed_version_is_offered() {
    let bench = Bench::new();
    let new = Plugin { interface: "operator/2", version: "2.0.0", ..Plugin::default() };
    bench.put_wasm("new", &new);
    bench.put_wasm("old", &Plugin::default());
    let catalog = bench.scan();
    let Status::Rejected(rejection) = &catalog.plugins()[0].candidates[0].status else {
        panic!("it was accepted")
    };
    says(rejection, Code::InterfaceTooNew, &[], "until then version 1.0.0, which is installed, is used");
}

#[test]
fn an_interface_that_is_too_old_names_both_sides() {
    let bench = Bench::new();
    bench.put_wasm("a", &Plugin::default());
    let host = host_that_speaks(&[InterfaceVersion::released(1), InterfaceVersion::released(2)]);
    let words = ["was built for operator/1-draft.2, this host speaks operator/1, operator/2: it is too old"];
    says(&refusal_as(&bench, &host), Code::InterfaceTooOld, &words, "install a newer version");
}

#[test]
fn a_draft_between_the_hosts_versions_fits_only_itself() {
    let bench = Bench::new();
    bench.put_wasm("a", &Plugin { interface: "operator/2-draft.1", ..Plugin::default() });
    let host = host_that_speaks(&[InterfaceVersion::released(1), InterfaceVersion::released(2)]);
    says(
        &refusal_as(&bench, &host),
        Code::InterfaceUnknown,
        &["operator/2-draft.1"],
        "a draft fits only itself",
    );
}

#[test]
fn an_interface_that_the_host_does_not_know_is_named() {
    let plugin = Plugin { interface: "camera/1", ..Plugin::default() };
    let rejection = refusal_of(&plugin, File::wasm(plugin.component()));
    says(
        &rejection,
        Code::InterfaceUnknown,
        &["speaks camera/1; this host knows operator/1-draft.2 only"],
        "update",
    );
}

#[test]
fn junk_that_begins_like_an_elf_file_is_damaged() {
    let plugin = Plugin::default();
    let mut junk = b"\x7fELF\x02\x01\x01\0".to_vec();
    junk.extend((0..4000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8));
    let rejection = refusal_of(&plugin, File::native(junk));
    says(
        &rejection,
        Code::Damaged,
        &["libplugin.so", "the ELF file is damaged or cut off"],
        "install the plugin again",
    );
}

#[test]
fn junk_of_no_format_is_said_to_be_neither() {
    let rejection = refusal_of(&Plugin::default(), File::native(vec![7; 100]));
    says(
        &rejection,
        Code::WrongFormat,
        &["is neither ELF nor WASM, its manifest calls it native code"],
        "install",
    );
    let rejection = refusal_of(&Plugin::default(), File::native(Vec::new()));
    says(&rejection, Code::WrongFormat, &["is neither ELF nor WASM"], "install");
    let rejection = refusal_of(&Plugin::default(), File::native(b"MZ\x90\0".to_vec()));
    says(&rejection, Code::WrongFormat, &["is a file for Windows"], "install");
}

#[test]
fn a_library_that_is_cut_off_is_damaged() {
    let bench = Bench::new();
    let plugin = Plugin::default();
    let whole = bench.library(&plugin.source());
    let rejection = refusal_of(&plugin, File::native(whole[..whole.len() / 2].to_vec()));
    says(&rejection, Code::Damaged, &["the ELF file is damaged or cut off"], "install the plugin again");
}

#[test]
fn a_component_that_is_cut_off_is_damaged_at_a_byte() {
    let plugin = Plugin::default();
    let whole = plugin.component();
    let cut = whole[..whole.len() - 5].to_vec();
    let words = ["plugin.wasm: the WASM file is damaged or cut off at byte", "of "];
    says(&refusal_of(&plugin, File::wasm(cut)), Code::Damaged, &words, "install the plugin again");
}

#[test]
fn a_core_module_is_not_a_component() {
    let rejection = refusal_of(&Plugin::default(), File::wasm(wat::parse_str("(module)").unwrap()));
    says(
        &rejection,
        Code::WrongFormat,
        &["is a WASM core module, not a component"],
        "link it as a component",
    );
}

#[test]
fn code_for_another_system_is_refused_by_the_manifest_and_by_the_bytes() {
    let bench = Bench::new();
    let plugin = Plugin::default();
    let mut bytes = bench.library(&plugin.source());
    let other = File { target: Some("aarch64-unknown-linux-gnu".into()), ..File::native(bytes.clone()) };
    let words = ["libplugin.so is built for aarch64-unknown-linux-gnu, this computer is"];
    says(&refusal_of(&plugin, other), Code::WrongTarget, &words, "or one with WASM code");

    // e_machine of the ELF header: 183 is AArch64.
    bytes[18..20].copy_from_slice(&183_u16.to_le_bytes());
    let words = ["is machine code for aarch64, its manifest says x86_64"];
    says(&refusal_of(&plugin, File::native(bytes)), Code::WrongTarget, &words, "install the plugin for");
}

#[test]
fn a_file_that_differs_from_its_digest_shows_both_and_what_is_damaged() {
    let bench = Bench::new();
    let folder = bench.put_wasm("a", &Plugin::default());
    let file = folder.join("plugin.wasm");
    let mut bytes = fs::read(&file).unwrap();
    bytes.truncate(bytes.len() - 1);
    fs::write(&file, &bytes).unwrap();
    let found = parfocal_core::Sha256::of(&bytes).to_string();
    let words = ["is not the file that its manifest names", &found, "expected ", "cut off"];
    says(&refusal(&bench), Code::HashDiffers, &words, "install the plugin again");
}

#[test]
fn structs_of_another_layout_are_named() {
    let bench = Bench::new();
    let plugin = Plugin { language: "rust", ..Plugin::default() };
    let layout = &parfocal_abi::layout::OPERATOR_1[0];
    let note = plugin.note().replace(&format!("{:016x}", layout.hash()), "0123456789abcdef");
    let bytes = bench.library(&source(&note, "parfocal_entry"));
    let words = ["was compiled against other structs than this host's", layout.name];
    says(&refusal_of(&plugin, File::native(bytes)), Code::LayoutDiffers, &words, "build it with the SDK");
}

#[test]
fn a_rust_plugin_without_the_proof_is_refused() {
    let bench = Bench::new();
    let plugin = Plugin { language: "rust", ..Plugin::default() };
    let note = Plugin::default().note().replace("language c", "language rust");
    let bytes = bench.library(&source(&note, "parfocal_entry"));
    let words = ["it does not describe `", "; and "];
    says(&refusal_of(&plugin, File::native(bytes)), Code::LayoutDiffers, &words, "build it with the SDK");
}

#[test]
fn a_typo_in_the_manifest_is_shown_with_line_and_column() {
    let bench = Bench::new();
    let folder = bench.put_wasm("a", &Plugin::default());
    let file = folder.join("plugin.toml");
    let text = fs::read_to_string(&file).unwrap().replace("description", "descripton");
    fs::write(&file, text).unwrap();
    let rejection = refusal(&bench);
    let place = format!("{}:7:1: there is no key `descripton` in [plugin]", file.display());
    says(&rejection, Code::ManifestInvalid, &[&place], "did you mean `description`?");
    let place = rejection.place.unwrap();
    assert_eq!((place.line, place.column, place.path), (7, 1, file));
    assert_eq!(
        bench.scan().plugins()[0].label(),
        "org.example.filters 1.0.0",
        "a broken manifest still has a name"
    );
}

#[test]
fn two_different_plugins_of_one_id_and_version_are_both_refused() {
    let bench = Bench::new();
    let one = bench.put_wasm("one", &Plugin::default());
    let two = bench.put_wasm("two", &Plugin { operator: "sharpen", ..Plugin::default() });
    bench.put_wasm("other", &Plugin { version: "1.0.1", ..Plugin::default() });
    let catalog = bench.scan();
    for package in catalog.plugins() {
        let is_other = package.folder.ends_with("other");
        assert_eq!(package.is_usable(), is_other, "{}", package.folder.display());
        if let Some(rejection) = &package.rejected {
            let folders = format!("{} and {}", one.display(), two.display());
            let words = ["different plugins are all called org.example.filters 1.0.0", &folders];
            says(rejection, Code::Duplicate, &words, "remove all but one");
        }
    }
}

#[test]
fn of_true_copies_the_first_is_used() {
    let bench = Bench::new();
    bench.put_wasm("one", &Plugin::default());
    bench.put_wasm("two", &Plugin::default());
    let catalog = bench.scan();
    assert!(catalog.plugins()[0].is_usable());
    let rejection = catalog.plugins()[1].rejected.as_ref().unwrap();
    says(
        rejection,
        Code::Duplicate,
        &["is a copy of the one in", "which is used"],
        "remove one of the folders",
    );
}

#[test]
fn a_broken_plugin_does_not_hide_a_good_one_of_the_same_name() {
    let bench = Bench::new();
    let broken = bench.put_wasm("broken", &Plugin::default());
    fs::write(broken.join("plugin.wasm"), b"junk").unwrap();
    bench.put_wasm("good", &Plugin::default());
    let usable: Vec<_> = bench.scan().plugins().iter().map(|package| package.is_usable()).collect();
    assert_eq!(usable, [false, true]);
}

#[test]
fn a_missing_entry_symbol_is_named_with_its_macro() {
    let bench = Bench::new();
    let plugin = Plugin::default();
    let bytes = bench.library(&source(&plugin.note(), "parfocal_enter"));
    let words = ["libplugin.so does not export `parfocal_entry`, which the host calls first"];
    says(&refusal_of(&plugin, File::native(bytes)), Code::EntryMissing, &words, "PF_PLUGIN");

    let hidden = format!(
        "static {}",
        source(&plugin.note(), "parfocal_entry").replace("const void", "__attribute__((used)) const void")
    );
    let hidden = hidden.replacen("static __attribute__((section", "__attribute__((section", 1);
    let hidden = hidden.replace(
        "\n__attribute__((used)) const void",
        "\n__attribute__((used, visibility(\"hidden\"))) const void",
    );
    says(&refusal_of(&plugin, File::native(bench.library(&hidden))), Code::EntryMissing, &[], "do not strip");

    let bytes = component(&plugin.note(), "example:other/thing@1.0.0");
    let words = ["plugin.wasm does not export an interface of `parfocal:operator`"];
    says(&refusal_of(&plugin, File::wasm(bytes)), Code::EntryMissing, &words, "export_plugin!");
}

#[test]
fn a_program_is_no_shared_library() {
    let bench = Bench::new();
    let plugin = Plugin::default();
    let source = format!("{}int main(void) {{ return 0; }}\n", plugin.source());
    let program = fs::read(bench.gcc("program", &source, &["-no-pie"])).unwrap();
    let words = ["is an ELF file, but no shared library"];
    says(&refusal_of(&plugin, File::native(program)), Code::WrongFormat, &words, "-shared -fPIC");
}

#[test]
fn code_without_a_note_or_with_a_damaged_one_is_refused() {
    let bench = Bench::new();
    let plugin = Plugin::default();
    let bytes = bench.library("const void *parfocal_entry(void) { return 0; }\n");
    says(
        &refusal_of(&plugin, File::native(bytes)),
        Code::NoteMissing,
        &["has no note"],
        "build it with the SDK",
    );
    let bytes = component("PARFOCAL-NOTE 1\nid x\n", "parfocal:operator/operator@1.0.0-draft.2");
    says(&refusal_of(&plugin, File::wasm(bytes)), Code::NoteDamaged, &["it does not end"], "install");
    let note = plugin.note().replace("language c", "language \\1b[2J");
    let bytes = component(&note, "parfocal:operator/operator@1.0.0-draft.2");
    says(&refusal_of(&plugin, File::wasm(bytes)), Code::NoteDamaged, &["no plain text"], "install");
}

#[test]
fn a_note_that_says_something_else_than_the_manifest_is_refused() {
    let good = Plugin::default();
    for (other, words) in [
        (
            Plugin { id: "org.example.other", ..good.clone() },
            "the id of the manifest is `org.example.filters`",
        ),
        (Plugin { version: "1.0.1", ..good.clone() }, "says `1.0.1`"),
        (
            Plugin { interface: "operator/2", ..good.clone() },
            "the interfaces of the manifest is `operator/1-draft.2`",
        ),
    ] {
        let rejection = refusal_of(&good, File::wasm(other.component()));
        says(&rejection, Code::NoteDisagrees, &[words], "parfocal build");
    }
}

#[test]
fn a_file_that_is_missing_or_outside_the_package_is_refused() {
    let bench = Bench::new();
    let folder = bench.put_wasm("a", &Plugin::default());
    let file = folder.join("plugin.wasm");
    let outside = bench.scratch("outside.wasm");
    fs::rename(&file, &outside).unwrap();
    says(&refusal(&bench), Code::FileMissing, &["plugin.wasm cannot be read"], "install the plugin again");

    std::os::unix::fs::symlink(&outside, &file).unwrap();
    says(&refusal(&bench), Code::OutsidePackage, &["leads out of the package, to "], "instead of a link");

    fs::rename(&outside, folder.join("real.wasm")).unwrap();
    fs::remove_file(&file).unwrap();
    std::os::unix::fs::symlink("real.wasm", &file).unwrap();
    assert!(bench.scan().plugins()[0].is_usable(), "a link inside the package is fine");
}

#[test]
fn a_manifest_without_code_asks_for_a_build() {
    let bench = Bench::new();
    bench.put("a", &Plugin::default().manifest(&[]), &[]);
    says(&refusal(&bench), Code::NotBuilt, &["names no code"], "run `parfocal build`");
}

#[test]
fn a_plugin_that_wants_its_own_process_is_not_run_without() {
    let bench = Bench::new();
    let plugin = Plugin::default();
    let codes = [File::native(bench.library(&plugin.source()))];
    let manifest = format!("{}\n[isolation]\nown-process = true\n", plugin.manifest(&codes));
    bench.put("a", &manifest, &codes);
    says(&refusal(&bench), Code::NeedsOwnProcess, &["a process of its own"], "WASM");
    let host = HostSupport { own_process: true, ..HostSupport::this_computer() };
    assert!(bench.scan_as(&host).plugins()[0].is_usable());
}

#[test]
fn a_host_without_a_lane_says_so() {
    let bench = Bench::new();
    bench.put_wasm("a", &Plugin::default());
    let host = HostSupport::this_computer().with_lanes([parfocal_manifest::LaneKind::Native]);
    says(
        &refusal_as(&bench, &host),
        Code::LaneMissing,
        &["was built without that lane"],
        "another host".trim_start_matches("another "),
    );
}

#[test]
fn a_plugin_may_offer_several_interface_versions() {
    let bench = Bench::new();
    let plugin = Plugin::default();
    let note = plugin.note().replace("end\n", "interface operator/1\nend\n");
    let codes = [File::wasm(component(&note, "parfocal:operator/operator@1.0.0"))];
    let both = format!("[\"{INTERFACE}\", \"operator/1\"]");
    bench.put("a", &plugin.manifest(&codes).replace(&format!("[\"{INTERFACE}\"]"), &both), &codes);
    for (host, chosen) in [
        (HostSupport::this_computer(), parfocal_operator::VERSION),
        (
            host_that_speaks(&[parfocal_operator::VERSION, InterfaceVersion::released(1)]),
            InterfaceVersion::released(1),
        ),
    ] {
        let catalog = bench.scan_as(&host);
        assert_eq!(catalog.plugins()[0].candidates[0].artifact().map(|a| a.interface), Some(chosen));
    }
}

#[test]
fn every_sentence_is_its_own() {
    let rejections = [
        refusal_of(&Plugin::default(), File::wasm(b"\0asm".to_vec())),
        refusal_of(&Plugin::default(), File::native(b"\x7fELF".to_vec())),
        refusal_of(
            &Plugin { interface: "operator/2", ..Plugin::default() },
            File::wasm(Plugin { interface: "operator/2", ..Plugin::default() }.component()),
        ),
    ];
    let texts: BTreeSet<_> = rejections.iter().map(|rejection| rejection.message.clone()).collect();
    assert_eq!(texts.len(), rejections.len());
    for rejection in &rejections {
        assert!(rejection.message.starts_with("org.example.filters 1.0.0: "), "{rejection}");
        assert!(parfocal_types::Error::from(rejection).remedy().is_some());
    }
}
