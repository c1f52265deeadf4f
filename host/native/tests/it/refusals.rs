//! What the lane refuses, and in which words.

use parfocal_core::Lane;
use parfocal_native::NativeLane;
use parfocal_types::{Error, InterfaceVersion};

use crate::fixture::{artifact, compile};

fn refuse(source: &str, change: impl FnOnce(&mut parfocal_core::Artifact)) -> Error {
    let folder = tempfile::tempdir().unwrap();
    let path = compile(folder.path(), "plugin", source, &[]);
    let mut artifact = artifact(&path, "org.example.refused");
    change(&mut artifact);
    NativeLane::new().load(&artifact).err().expect("it must be refused")
}

const NOTE: &str = "#include \"parfocal.h\"\n\
    PF_NOTE_SECTION_ static const char note[] = \
    \"PARFOCAL-NOTE 1\\nid org.example.refused\\nversion 0.1.0\\nlanguage c\\ninterface operator/1-draft.2\\nend\\n\";\n";

const GOOD: &str = "#include \"parfocal.h\"\n\
    static const pf_operator_table *table(void) { static pf_operator_table t; t.struct_size = sizeof t; return &t; }\n\
    PF_PLUGIN_TABLE(\"org.example.refused\", \"0.1.0\", table())\n";

#[test]
fn a_library_without_a_note_is_no_plugin() {
    let error = refuse("int nothing(void) { return 0; }\nint nothing(void);\n", |_| {});
    assert_eq!(error.kind().name(), "corrupt");
    assert!(error.to_string().contains("no Parfocal note"), "{error}");
}

#[test]
fn a_library_without_the_entry_symbol_says_so() {
    let error = refuse(NOTE, |_| {});
    assert!(error.to_string().contains("no symbol `parfocal_entry`"), "{error}");
}

#[test]
fn a_library_that_is_needed_and_missing_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let needed = compile(
        folder.path(),
        "gone",
        "int gone(void);\n__attribute__((visibility(\"default\"))) int gone(void) { return 1; }\n",
        &[],
    );
    let flags = ["-Wl,--no-as-needed", "-L", folder.path().to_str().unwrap(), "-lgone"];
    let path = compile(folder.path(), "plugin", GOOD, &flags);
    std::fs::remove_file(needed).unwrap();
    let error =
        NativeLane::new().load(&artifact(&path, "org.example.refused")).err().expect("it cannot be loaded");
    assert_eq!(error.kind().name(), "missing-runtime", "{error}");
    assert!(error.to_string().contains("the library needs libgone.so, which"), "{error}");
    assert!(error.remedy().unwrap().contains("install libgone.so"));
}

#[test]
fn a_symbol_that_nobody_has_is_missing_and_no_damage() {
    let source = format!(
        "{GOOD}void nobody_has_this(void);\nvoid calls(void);\n\
        __attribute__((visibility(\"default\"))) void calls(void) {{ nobody_has_this(); }}\n"
    );
    let error = refuse(&source, |_| {});
    assert_eq!(error.kind().name(), "missing-runtime", "{error}");
    assert!(error.to_string().contains("needs the symbol `nobody_has_this`"), "{error}");
    assert!(error.to_string().contains("libplugin.so"), "the loader's words name the file: {error}");
}

#[test]
fn a_library_that_the_system_does_not_load_is_refused_in_its_words_and_not_called_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let path = compile(folder.path(), "plugin", GOOD, &[]);
    let mut bytes = std::fs::read(&path).unwrap();
    // The machine that the code is for: none. The sections, and with them the note, are whole.
    bytes[18..20].copy_from_slice(&[0, 0]);
    std::fs::write(&path, bytes).unwrap();
    let error =
        NativeLane::new().load(&artifact(&path, "org.example.refused")).err().expect("no such machine");
    assert_eq!(error.kind().name(), "internal", "{error}");
    assert!(error.to_string().contains("the system cannot load the library: "), "{error}");
    assert!(error.remedy().unwrap().contains("try again"));
}

#[test]
fn a_changed_file_is_not_mapped() {
    let error = refuse(GOOD, |artifact| artifact.sha256 = parfocal_core::Sha256::of(b"other"));
    assert_eq!(error.kind().name(), "corrupt");
    assert!(error.remedy().unwrap().contains("parfocal build"), "{error:?}");
}

#[test]
fn an_interface_of_another_version_is_named_on_both_sides() {
    let error = refuse(GOOD, |artifact| artifact.interface = InterfaceVersion::released(2));
    assert_eq!(error.kind().name(), "incompatible");
    let text = error.to_string();
    assert!(text.contains("operator/1-draft.2") && text.contains("operator/2"), "{text}");
}

#[test]
fn a_table_without_functions_is_refused() {
    let error = refuse(GOOD, |_| {});
    assert_eq!(error.kind().name(), "incompatible", "the table lacks create and run");
}

#[test]
fn a_plugin_that_calls_itself_otherwise_is_refused() {
    let error = refuse(GOOD, |artifact| artifact.plugin = "org.example.other".into());
    let text = error.to_string();
    assert!(text.contains("the library says that it is org.example.refused 0.1.0"), "{text}");
}

#[test]
fn a_rust_plugin_of_another_layout_is_refused_before_it_is_mapped() {
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("trace");
    let marked = format!(
        "#include <stdio.h>\n{}__attribute__((constructor)) static void trace(void) {{ fclose(fopen(\"{}\", \"w\")); }}\n",
        NOTE.replace("language c", "language rust\\nlayout Text 24 0123456789abcdef"),
        trace.display()
    );
    let error = refuse(&marked, |_| {});
    assert!(!trace.exists(), "the constructor did not run");
    // The same library with a layout that nobody doubts is mapped, and its constructor leaves the trace.
    refuse(&marked.replace("language rust", "language c"), |_| {});
    assert!(trace.exists(), "the constructor runs when the library is mapped");
    assert_eq!(error.kind().name(), "incompatible");
    let text = error.to_string();
    assert!(text.contains("its `Text` has 24 bytes, the interface's has 16"), "{text}");
}

#[test]
fn an_error_code_without_a_message_still_says_what_it_was() {
    let source = "#include \"parfocal.h\"\n\
        static int32_t create(const pf_host *h, pf_text o, const pf_parameter *p, uint64_t n, void **i)\n\
        { (void)h; (void)o; (void)p; (void)n; (void)i; return PF_OUT_OF_MEMORY; }\n\
        static void destroy(void *i) { (void)i; }\n\
        static int32_t plan(void *i, const pf_host *h, const pf_input_spec *s, uint64_t n)\n\
        { (void)i; (void)h; (void)s; (void)n; return PF_OK; }\n\
        static int32_t required(void *i, const pf_host *h, const pf_region *r) { (void)i; (void)h; (void)r; return PF_OK; }\n\
        static int32_t run(void *i, const pf_call *c) { (void)i; (void)c; return PF_OK; }\n\
        static const pf_operator_table t = { .struct_size = sizeof t, .create = create, .destroy = destroy, .plan = plan,\n\
        .required_input = required, .run = run };\n\
        PF_PLUGIN_TABLE(\"org.example.refused\", \"0.1.0\", &t)\n";
    let folder = tempfile::tempdir().unwrap();
    let path = compile(folder.path(), "plugin", source, &[]);
    let library = NativeLane::new().load(&artifact(&path, "org.example.refused")).unwrap();
    let error = library.create("x", &parfocal_types::Parameters::default()).err().unwrap();
    assert_eq!(error.kind().name(), "out-of-memory");
    assert!(error.to_string().contains("without a message"), "{error}");
}

#[test]
fn operators_that_lie_nowhere_sensible_are_refused() {
    let table = |distance: &str| {
        format!(
            "#include \"parfocal.h\"\n\
             static int32_t create(const pf_host *h, pf_text o, const pf_parameter *p, uint64_t n, void **i)\n\
             {{ (void)h; (void)o; (void)p; (void)n; (void)i; return PF_OK; }}\n\
             static const pf_descriptor d[4] = {{ {{ .struct_size = sizeof d[0] - 8 }} }};\n\
             static const pf_operator_table t = {{ .struct_size = sizeof t, .operators = d, .operator_count = 2,\n\
             .operator_stride = {distance}, .create = create, .destroy = pf_simple_destroy_, .plan = pf_simple_plan_,\n\
             .required_input = pf_simple_required_input_, .run = pf_simple_run_ }};\n\
             PF_PLUGIN_TABLE(\"org.example.refused\", \"0.1.0\", &t)\n"
        )
    };
    for (distance, words) in [
        ("sizeof d[0] - 8", "bytes between operators"),
        ("1ull << 62", "bytes between operators"),
        ("sizeof d[0] + 1", "`pf_descriptor` of"),
        ("0", "`pf_descriptor` of"),
    ] {
        let error = refuse(&table(distance), |_| {});
        assert!(error.to_string().contains(words), "{distance}: {error}");
    }
}

#[test]
fn two_operators_of_one_name_are_refused() {
    let source = "#include \"parfocal.h\"\n\
        static int32_t create(const pf_host *h, pf_text o, const pf_parameter *p, uint64_t n, void **i)\n\
        { (void)h; (void)o; (void)p; (void)n; (void)i; return PF_OK; }\n\
        static const pf_output_port out = { .name = PF_TEXT(\"image\"), .kind = PF_PORT_IMAGE, .yields = PF_CLASS_DERIVED };\n\
        #define ONE(name) { .struct_size = sizeof(pf_descriptor), .id = PF_TEXT(name), .kind = PF_KIND_MAP,\\\n\
        .threads = PF_THREADS_INSTANCE, .outputs = &out, .output_count = 1 }\n\
        static const pf_descriptor d[2] = { ONE(\"same\"), ONE(SECOND) };\n\
        static const pf_operator_table t = { .struct_size = sizeof t, .operators = d, .operator_count = 2,\n\
        .create = create, .destroy = pf_simple_destroy_, .plan = pf_simple_plan_,\n\
        .required_input = pf_simple_required_input_, .run = pf_simple_run_ };\n\
        PF_PLUGIN_TABLE(\"org.example.refused\", \"0.1.0\", &t)\n";
    let error = refuse(&format!("#define SECOND \"same\"\n{source}"), |_| {});
    assert!(error.to_string().contains("operator `same` is declared twice"), "{error}");
    let folder = tempfile::tempdir().unwrap();
    let path = compile(folder.path(), "plugin", &format!("#define SECOND \"other\"\n{source}"), &[]);
    let library = NativeLane::new().load(&artifact(&path, "org.example.refused")).unwrap();
    assert_eq!(library.operators().len(), 2);
}
