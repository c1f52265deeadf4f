use std::fs;

use parfocal_catalog::{Catalog, HostSupport, Verdict};

use crate::support::{Bench, Plugin};

#[test]
fn every_path_every_file_and_the_choice_are_explained() {
    let bench = Bench::new();
    bench.put_both("good", &Plugin::default());
    let newer = bench.put_both("newer", &Plugin { version: "2.0.0", ..Plugin::default() });
    fs::write(newer.join("libplugin.so"), b"junk").unwrap();
    fs::remove_file(newer.join("plugin.wasm")).unwrap();
    bench
        .put_wasm("unrelated", &Plugin { id: "org.example.other", operator: "sharpen", ..Plugin::default() });
    let nameless = bench.put_wasm("nameless", &Plugin::default());
    fs::write(nameless.join("plugin.toml"), "what is this").unwrap();

    let folders = [bench.plugins(), bench.scratch("nowhere")];
    let catalog = Catalog::scan(&folders, &HostSupport::this_computer(), &bench.state());
    for subject in ["org.example.filters", "smooth", "org.example.filters/smooth", "smooth@^1"] {
        let explanation = catalog.why(subject);
        assert_eq!(explanation.searched.len(), 2);
        let labels: Vec<_> = explanation.plugins.iter().map(|line| line.label.clone()).collect();
        let expected =
            ["org.example.filters 1.0.0", &nameless.display().to_string(), "org.example.filters 2.0.0"];
        assert_eq!(labels, expected, "{subject}");
        assert_eq!(explanation.plugins[2].artifacts.len(), 2);
        let refused = |verdict: &Verdict| matches!(verdict, Verdict::Refused { .. });
        assert!(explanation.plugins[2].artifacts.iter().all(|line| refused(&line.verdict)));
        let [pick] = &explanation.picks[..] else { panic!("{:?}", explanation.picks) };
        assert!(pick.chosen.as_ref().is_some_and(|path| path.ends_with("good/libplugin.so")), "{pick:?}");
        assert!(pick.because.contains("version 1.0.0 is the newest that can be used"), "{}", pick.because);
        if subject != "smooth@^1" {
            assert!(pick.because.contains("passed over: org.example.filters 2.0.0"), "{}", pick.because);
        }
        let text = explanation.to_string();
        for part in [
            "nowhere: there is no such folder",
            "plugins: 4 plugins",
            "what to do:",
            "this is not TOML",
            "can be used",
        ] {
            assert!(text.contains(part), "`{part}` is not in:\n{text}");
        }
        assert!(serde_json::to_string(&explanation).unwrap().contains("\"code\":\"hash-differs\""));
    }
}

#[test]
fn what_is_not_there_is_explained_too() {
    let bench = Bench::new();
    bench.put_wasm("a", &Plugin::default());
    let text = bench.scan().why("org.example.nothing").to_string();
    assert!(text.contains("found for org.example.nothing\n  nothing\n"), "{text}");
    let text = bench.scan().why("smoth").to_string();
    assert!(text.contains("did you mean"), "{text}");
}
