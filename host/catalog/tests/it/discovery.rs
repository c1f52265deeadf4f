use std::{fs, path::PathBuf, process::Command};

use parfocal_catalog::{Catalog, FolderState, HostSupport};
use parfocal_manifest::LaneKind;

use crate::support::{Bench, Code, Plugin};

#[test]
fn libraries_and_components_of_every_language_are_usable() {
    let bench = Bench::new();
    bench.put_both("c", &Plugin::default());
    bench.put_both("rust", &Plugin { id: "org.example.rusty", language: "rust", ..Plugin::default() });
    let catalog = bench.scan();
    assert!(catalog.warnings().is_empty());
    for package in catalog.plugins() {
        assert_eq!(package.refusals(), Vec::<String>::new());
        let lanes: Vec<_> =
            package.candidates.iter().filter(|c| c.artifact().is_some()).map(|c| c.entry.lane).collect();
        assert_eq!(lanes, [LaneKind::Wasm, LaneKind::Native], "{}", package.label());
    }
    let artifact = catalog.plugins()[0].candidates[1].artifact().unwrap();
    assert_eq!(artifact.label(), "org.example.filters 1.0.0");
    assert_eq!(artifact.interface, parfocal_operator::VERSION);
    artifact.open_verified().unwrap();
}

#[test]
fn no_code_of_a_plugin_runs() {
    let bench = Bench::new();
    let trace = bench.scratch("trace");
    let source = format!(
        "#include <stdio.h>\n{}\
         __attribute__((constructor)) static void leave(void) {{ FILE *f = fopen(\"{}\", \"w\"); if (f) fclose(f); }}\n",
        Plugin::default().source(),
        trace.display()
    );
    let codes = [Code::native(bench.library(&source))];
    let folder = bench.put("tracer", &Plugin::default().manifest(&codes), &codes);

    let catalog = bench.scan();
    assert!(catalog.plugins()[0].is_usable(), "{:?}", catalog.plugins()[0].refusals());
    parfocal_catalog::inspect(&folder.join("libplugin.so")).unwrap();
    assert!(!catalog.why("org.example.filters").picks.is_empty());
    catalog.pick(&"smooth".parse().unwrap(), &Default::default()).unwrap();
    assert!(!trace.exists(), "discovery ran the plugin's constructor");

    // The other half of the proof: loading the same file does leave the trace.
    let loader =
        "#include <dlfcn.h>\nint main(int n, char **v) { return n < 2 || !dlopen(v[1], RTLD_NOW); }\n";
    let loader = bench.gcc("loader", loader, &["-ldl"]);
    assert!(Command::new(loader).arg(folder.join("libplugin.so")).status().unwrap().success());
    assert!(trace.exists(), "the constructor leaves no trace even when it runs: the test proves nothing");
}

#[test]
fn folders_are_searched_two_levels_deep_in_a_fixed_order() {
    let bench = Bench::new();
    let plugin = |version| Plugin { version, ..Plugin::default() };
    bench.put_wasm("b/1.1.0", &plugin("1.1.0"));
    bench.put_wasm("b/1.0.0", &plugin("1.0.0"));
    bench.put_wasm("a", &plugin("2.0.0"));
    bench.put_wasm("a/inside", &plugin("3.0.0"));
    bench.put_wasm("deep/er/still", &plugin("4.0.0"));
    bench.put_wasm(".hidden", &plugin("5.0.0"));
    let labels: Vec<_> = bench.scan().plugins().iter().map(|package| package.label()).collect();
    assert_eq!(
        labels,
        ["org.example.filters 2.0.0", "org.example.filters 1.0.0", "org.example.filters 1.1.0"]
    );
}

#[test]
fn a_plugin_that_is_reached_by_two_ways_is_there_once() {
    let bench = Bench::new();
    let folder = bench.put_wasm("a", &Plugin::default());
    let folders = [bench.plugins(), folder, bench.scratch("nowhere"), bench.plugins().join("../plugins")];
    let catalog = Catalog::scan(&folders, &HostSupport::this_computer(), &bench.state());
    assert_eq!(catalog.plugins().len(), 1);
    assert!(catalog.plugins()[0].is_usable());
    let states: Vec<_> = catalog.searched().iter().map(|searched| searched.state.clone()).collect();
    assert_eq!(
        states,
        [FolderState::Found(1), FolderState::Found(0), FolderState::Missing, FolderState::Found(0)]
    );
}

#[test]
fn a_plugin_folder_may_be_a_link() {
    let bench = Bench::new();
    let folder = bench.put_wasm("a", &Plugin::default());
    let elsewhere = bench.scratch("elsewhere");
    fs::rename(&folder, &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &folder).unwrap();
    assert!(bench.scan().plugins()[0].is_usable());
}

#[test]
fn strange_things_in_the_place_of_a_manifest_do_not_hang_the_search() {
    let bench = Bench::new();
    bench.put_wasm("good", &Plugin::default());
    for (name, make) in [
        ("folder", Box::new(|path: PathBuf| fs::create_dir(path).unwrap()) as Box<dyn Fn(PathBuf)>),
        ("dangling", Box::new(|path| std::os::unix::fs::symlink("nowhere", path).unwrap())),
        ("pipe", Box::new(|path| assert!(Command::new("mkfifo").arg(path).status().unwrap().success()))),
        ("endless", Box::new(|path| std::os::unix::fs::symlink("/dev/zero", path).unwrap())),
    ] {
        let folder = bench.plugins().join(name);
        fs::create_dir(&folder).unwrap();
        make(folder.join("plugin.toml"));
    }
    let catalog = bench.scan();
    assert_eq!(catalog.plugins().len(), 5);
    assert_eq!(catalog.plugins().iter().filter(|package| package.is_usable()).count(), 1);
    assert!(catalog.plugins().iter().all(|package| package.is_usable() || !package.refusals().is_empty()));
}

#[test]
fn limits_come_from_the_manifest_and_end_at_the_hosts_ceiling() {
    let bench = Bench::new();
    let plugin = Plugin::default();
    let codes = [Code::wasm(plugin.component())];
    let limited = format!("{}\n[limits]\nmemory = \"1 TiB\"\ncall-seconds = 1.5\n", plugin.manifest(&codes));
    bench.put("a", &limited, &codes);
    let host = HostSupport::this_computer();
    let catalog = bench.scan_as(&host);
    let limits = catalog.plugins()[0].candidates[0].artifact().unwrap().limits;
    assert_eq!(limits.memory, host.ceiling.memory);
    assert_eq!(limits.call.as_millis(), 1500);
}
