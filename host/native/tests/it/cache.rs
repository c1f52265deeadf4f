//! What is shared between loads, and what waits for what.

use std::{sync::Arc, thread};

use parfocal_core::{Artifact, Lane, Library};
use parfocal_native::NativeLane;
use parfocal_types::InterfaceVersion;

use crate::fixture::{artifact, compile};

const OPERATORS: &str = r#"
    #include "parfocal.h"
    #include <stdio.h>
    #include <unistd.h>
    static int32_t run(const pf_simple *self, const pf_call *call) { (void)self; (void)call; return PF_OK; }
    static const uint32_t dtypes[] = { PF_U8 };
    static const pf_input_port image = PF_IMAGE_INPUT("image", dtypes);
    static const pf_simple_operator operators[] = {
        { PF_MAP_OPERATOR("nothing", "Does nothing.", &image, NULL, 0, PF_SUPPORT_ALL), .run = run },
    };
"#;

const SIMPLE: &str = "PF_PLUGIN(\"org.example.simple\", \"0.1.0\", operators)\n";

/// Negotiation says that it began, and waits for the gate to open; after half a minute it gives up.
const SLOW: &str = r#"
    static int32_t create(const pf_host *host, pf_text id, const pf_parameter *p, uint64_t n, void **instance) {
        return pf_simple_create_(operators, 1, host, id, p, n, instance);
    }
    static const pf_operator_table table = {
        .struct_size = sizeof table, .operators = &operators[0].descriptor, .operator_count = 1, .create = create,
        .destroy = pf_simple_destroy_, .plan = pf_simple_plan_, .required_input = pf_simple_required_input_,
        .run = pf_simple_run_,
    };
    static const pf_operator_table *patient(void) {
        fclose(fopen(BEGAN, "w"));
        for (int i = 0; i < 3000; i++) {
            if (access(GATE, F_OK) == 0) return &table;
            usleep(10000);
        }
        return NULL;
    }
    PF_PLUGIN_TABLE("org.example.slow", "0.1.0", patient())
"#;

fn simple(folder: &tempfile::TempDir) -> Artifact {
    let source = format!("{OPERATORS}{SIMPLE}");
    artifact(&compile(folder.path(), "simple", &source, &["-D_DEFAULT_SOURCE"]), "org.example.simple")
}

#[test]
fn a_library_is_loaded_once_and_never_under_another_name() {
    let folder = tempfile::tempdir().unwrap();
    let wanted = simple(&folder);
    let lane = NativeLane::new();
    let first = lane.load(&wanted).unwrap();
    assert!(Arc::ptr_eq(&first, &lane.load(&wanted).unwrap()));

    let mut other = wanted.clone();
    other.plugin = "org.example.other".into();
    let text = lane.load(&other).err().unwrap().to_string();
    assert!(text.contains("the library says that it is org.example.simple"), "{text}");
    let mut other = wanted.clone();
    other.version = "0.2.0".parse().unwrap();
    assert_eq!(lane.load(&other).err().unwrap().kind().name(), "incompatible");
    let mut other = wanted;
    other.interface = InterfaceVersion::draft(1, 1);
    assert_eq!(lane.load(&other).err().unwrap().kind().name(), "incompatible");
    assert_eq!(first.info().plugin, "org.example.simple");
}

#[test]
fn threads_that_want_the_same_library_get_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let wanted = simple(&folder);
    let lane = NativeLane::new();
    let loaded: Vec<Arc<dyn Library>> = thread::scope(|scope| {
        let loads: Vec<_> = (0..4).map(|_| scope.spawn(|| lane.load(&wanted).unwrap())).collect();
        loads.into_iter().map(|load| load.join().unwrap()).collect()
    });
    assert!(loaded.iter().all(|library| Arc::ptr_eq(library, &loaded[0])));
}

#[test]
fn a_library_that_takes_long_to_load_holds_up_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let (began, gate) = (folder.path().join("began"), folder.path().join("gate"));
    let defines = [format!("-DBEGAN=\"{}\"", began.display()), format!("-DGATE=\"{}\"", gate.display())];
    let flags = ["-D_DEFAULT_SOURCE", &defines[0], &defines[1]];
    let source = format!("{OPERATORS}{SLOW}");
    let slow = artifact(&compile(folder.path(), "slow", &source, &flags), "org.example.slow");
    let quick = simple(&folder);
    let lane = NativeLane::new();
    thread::scope(|scope| {
        let waiting = scope.spawn(|| lane.load(&slow));
        while !began.exists() && !waiting.is_finished() {
            thread::yield_now();
        }
        lane.load(&quick).unwrap();
        std::fs::write(&gate, "").unwrap();
        assert!(waiting.join().unwrap().is_ok(), "it waited, and did not give up");
    });
}
