use std::fs;

use parfocal_catalog::{Catalog, LaneOrder, Quarantine, Quarantined, Status};
use parfocal_core::{Artifact, Sha256};
use parfocal_types::{Error, ErrorKind};

use crate::support::{Bench, Code, Plugin, package};

fn misbehaves(catalog: &mut Catalog) -> Sha256 {
    let selection = catalog.pick(&"smooth".parse().unwrap(), &LaneOrder::default()).unwrap();
    catalog.put_in_quarantine(selection.artifact.sha256, "died with signal 11 in `run`").unwrap();
    selection.artifact.sha256
}

#[test]
fn a_plugin_in_quarantine_stays_there_over_runs_and_the_rest_goes_on() {
    let bench = Bench::new();
    let bad = bench.put_wasm("bad", &Plugin::default());
    bench.put_wasm("good", &Plugin { id: "org.example.other", operator: "sharpen", ..Plugin::default() });
    let mut catalog = bench.scan();
    misbehaves(&mut catalog);
    for catalog in [catalog, bench.scan()] {
        assert!(matches!(package(&catalog, &bad).candidates[0].status, Status::Quarantined(_)));
        let error = catalog.pick(&"smooth".parse().unwrap(), &LaneOrder::default()).unwrap_err();
        assert!(error.message().contains("is in quarantine: died with signal 11 in `run`"), "{error}");
        assert!(error.remedy().unwrap().contains("parfocal plugins release org.example.filters"));
        catalog.pick(&"sharpen".parse().unwrap(), &LaneOrder::default()).unwrap();
        assert!(
            catalog.why("org.example.filters").to_string().contains("is in quarantine: died with signal 11")
        );
    }
}

#[test]
fn a_released_plugin_is_used_again() {
    let bench = Bench::new();
    bench.put_wasm("a", &Plugin::default());
    for by_digest in [false, true] {
        let mut catalog = bench.scan();
        let sha256 = misbehaves(&mut catalog);
        let name =
            if by_digest { sha256.to_string()[..8].to_owned() } else { "org.example.filters".to_owned() };
        let released = catalog.release(&name).unwrap();
        assert_eq!(released.len(), 1);
        assert_eq!(released[0].0, sha256);
        assert!(bench.scan().plugins()[0].is_usable());
    }
    let error = bench.scan().release("org.example.filters").unwrap_err();
    assert_eq!(error.to_string(), "`org.example.filters` is not in quarantine");
    assert_eq!(error.remedy(), Some("nothing is in quarantine"));
}

fn artifact(catalog: &Catalog) -> Artifact {
    catalog.plugins()[0].candidates[0].artifact().unwrap().clone()
}

fn too_slow() -> Error {
    Error::new(ErrorKind::Timeout { ms: 60_000 }, "it did not end within 60 s and was stopped")
}

#[test]
fn what_the_computer_lacks_is_no_fault_of_the_file() {
    let bench = Bench::new();
    bench.put_wasm("a", &Plugin::default());
    let mut catalog = bench.scan();
    let artifact = artifact(&catalog);
    let lacks = ErrorKind::MissingRuntime { what: "libfftw3.so.3".into(), r#where: String::new() };
    assert!(!catalog.note_failure(&artifact, &Error::new(lacks, "libfftw3.so.3 is missing")).unwrap());
    assert!(bench.scan().plugins()[0].is_usable());
    assert!(catalog.note_failure(&artifact, &Error::corrupt("its list of operators")).unwrap());
    assert!(!bench.scan().plugins()[0].is_usable());
}

#[test]
fn a_file_that_changed_after_the_search_does_not_bring_the_good_one_into_quarantine() {
    let bench = Bench::new();
    let folder = bench.put_wasm("a", &Plugin::default());
    let mut catalog = bench.scan();
    let artifact = artifact(&catalog);
    fs::write(folder.join("plugin.wasm"), b"half of a copy").unwrap();
    let error = artifact.open_verified().unwrap_err();
    assert!(!catalog.note_failure(&artifact, &error).unwrap(), "{error}");
    assert!(!bench.scan().plugins()[0].is_usable(), "it is refused all the same");
    bench.put_wasm("a", &Plugin::default());
    assert!(bench.scan().plugins()[0].is_usable());
}

#[test]
fn a_file_that_is_too_slow_twice_in_a_row_goes_into_quarantine() {
    let bench = Bench::new();
    bench.put_wasm("a", &Plugin::default());
    let artifact = artifact(&bench.scan());
    // Each time another run of the program.
    assert!(!bench.scan().note_failure(&artifact, &too_slow()).unwrap());
    assert!(bench.scan().plugins()[0].is_usable());
    bench.scan().note_success(&artifact).unwrap();
    assert!(!bench.scan().note_failure(&artifact, &too_slow()).unwrap(), "it was fast in between");
    assert!(bench.scan().note_failure(&artifact, &too_slow()).unwrap());
    assert!(!bench.scan().plugins()[0].is_usable());
    bench.scan().release("org.example.filters").unwrap();
    assert!(!bench.scan().note_failure(&artifact, &too_slow()).unwrap(), "released, it begins anew");
}

#[test]
fn a_file_that_changed_is_a_new_one() {
    let bench = Bench::new();
    bench.put_wasm("a", &Plugin::default());
    misbehaves(&mut bench.scan());
    assert!(!bench.scan().plugins()[0].is_usable());

    let mut bytes = Plugin::default().component();
    // An empty custom section of the name `x`: the same component, another file.
    bytes.extend([0, 2, 1, b'x']);
    let codes = [Code::wasm(bytes)];
    bench.put("a", &Plugin::default().manifest(&codes), &codes);
    assert!(bench.scan().plugins()[0].is_usable());
}

#[test]
fn a_damaged_quarantine_is_told_and_hides_no_plugin() {
    let bench = Bench::new();
    bench.put_wasm("a", &Plugin::default());
    fs::create_dir_all(bench.state()).unwrap();
    for text in ["", "{", "{\"format\":2,\"files\":{}}", "{\"format\":1,\"files\":{\"xyz\":{}}}", "\u{0}"] {
        fs::write(bench.state().join("quarantine.json"), text).unwrap();
        let catalog = bench.scan();
        let [warning] = catalog.warnings() else { panic!("{text}") };
        assert_eq!(warning.kind().name(), "corrupt");
        assert!(warning.remedy().unwrap().contains("delete it"), "{warning}");
        assert!(catalog.plugins()[0].is_usable());
    }
}

#[test]
fn hosts_that_write_at_once_lose_nothing() {
    let bench = Bench::new();
    let state = bench.state();
    let entry = |n: usize| Quarantined {
        plugin: format!("org.example.p{n}"),
        version: "1.0.0".into(),
        reason: "x".into(),
    };
    std::thread::scope(|scope| {
        for thread in 0..4_usize {
            let state = &state;
            scope.spawn(move || {
                let mut quarantine = Quarantine::open(state).unwrap();
                for n in 0..10 {
                    let n: usize = thread * 10 + n;
                    quarantine.add(Sha256::of(&n.to_le_bytes()), entry(n)).unwrap();
                }
            });
        }
    });
    let quarantine = Quarantine::open(&state).unwrap();
    assert_eq!(quarantine.iter().count(), 40);
    assert_eq!(quarantine.get(&Sha256::of(&7_usize.to_le_bytes())), Some(&entry(7)));
    let left: Vec<_> = fs::read_dir(&state).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "only the file and its lock: {left:?}");
}
