//! Reports: the same twice, valid, with everything that was weakened.

use parfocal_conformance::{
    Event, Level, Report, Status, Subject, Waivers, bundle, junit, markdown, run, schema_problems,
};

use crate::support::{finding, options, package, report, script};

const WAIVED: &str = r#"
[[waiver]]
case = "MAN-01"
issue = "https://example.org/issues/1"
until = "2026-06-01"
reason = "Known."
"#;

#[test]
fn two_runs_have_the_same_canonical_bytes() {
    let once = || report(&finding("fail", "not so"), Waivers::default());
    let (first, second) = (once(), once());
    assert_eq!(first.canonical().to_json(), second.canonical().to_json());
    assert!(first.measured.is_some() && first.canonical().measured.is_none());
}

#[test]
fn a_report_has_what_its_schema_describes_and_survives_its_text() {
    let report = report(&finding("fail", "not so"), Waivers::parse(WAIVED).unwrap());
    let document: serde_json::Value = serde_json::from_str(&report.to_json()).unwrap();
    assert_eq!(schema_problems(&document), Vec::<String>::new());
    assert_eq!(serde_json::from_value::<Report>(document.clone()).unwrap(), report);
    let without = |place: &str, key: &str| {
        let mut spoiled = document.clone();
        spoiled.pointer_mut(place).unwrap().as_object_mut().unwrap().remove(key).unwrap();
        schema_problems(&spoiled)
    };
    assert_eq!(without("", "seed"), ["the schema requires the key `seed` of the report"]);
    assert_eq!(
        without("/plugin", "files"),
        ["the schema requires the key `files` of the report, key `plugin`"]
    );
    assert_eq!(without("/measured", "machine").len(), 1, "what is optional is whole when it is there");
}

#[test]
fn a_waiver_covers_until_its_last_day_and_an_expired_one_does_not() {
    let waived = report(&finding("fail", "not so"), Waivers::parse(WAIVED).unwrap());
    assert_eq!(waived.results[0].status, Status::Waived);
    assert!(waived.configuration.weakened.contains(&"MAN-01 is waived".to_owned()));
    let expired = WAIVED.replace("2026-06-01", "2026-05-31");
    let expired = report(&finding("fail", "not so"), Waivers::parse(&expired).unwrap());
    assert_eq!(expired.results[0].status, Status::Fail);
    assert!(expired.results[0].sentence.contains("expired on 2026-05-31"));
    let fine = report(&finding("pass", "so"), Waivers::parse(WAIVED).unwrap());
    assert_eq!(fine.results[0].status, Status::Pass, "a waiver hides nothing good");
}

#[test]
fn a_subset_of_the_cases_grants_no_level_and_says_so() {
    let report = report(&finding("pass", "so"), Waivers::default());
    assert_eq!(report.summary.reached, None);
    assert_eq!(report.configuration.weakened, ["only the cases MAN-01"]);
    assert_eq!(report.configuration.level, Level::L2);
}

#[test]
fn without_operators_their_cases_are_named_and_not_passed() {
    let package = package();
    let script = script(package.path(), &finding("pass", "so"));
    let mut options = options(&script);
    options.cases = vec!["OPR-05".into(), "MAN-13".into()];
    let report = run(&Subject::read(package.path()), &options, &mut |_| {}).unwrap();
    assert_eq!(report.results[0].waits_for.as_deref(), Some("editions"));
    assert_eq!(report.results[1].status, Status::Na);
    std::fs::write(package.path().join("plugin.toml"), "manifest-version = 1\n[plugn]\n").unwrap();
    let report = run(&Subject::read(package.path()), &options, &mut |_| {}).unwrap();
    assert_eq!(report.results[1].status, Status::Skip, "it may have operators: nobody knows");
}

#[test]
fn events_name_the_case_before_and_after() {
    let package = package();
    let script = script(package.path(), &finding("pass", "so"));
    let mut lines = Vec::new();
    run(&Subject::read(package.path()), &options(&script), &mut |event| {
        lines.push(match event {
            Event::Plugin { cases, .. } => format!("plugin {cases}"),
            Event::Start { case, .. } => format!("start {case}"),
            Event::End { case, status, .. } => format!("end {case} {status}"),
        });
    })
    .unwrap();
    assert_eq!(lines, ["plugin 1", "start MAN-01", "end MAN-01 pass"]);
}

#[test]
fn every_form_of_the_report_tells_the_failure() {
    let report = report(&finding("fail", "a <b> & c"), Waivers::default());
    let xml = junit(&report);
    assert!(xml.contains("failures=\"1\"") && xml.contains("a &lt;b&gt; &amp; c"), "{xml}");
    assert!(markdown(&report).contains("**MAN-01**, fail: a <b> & c"));
    let (package, folder) = (package(), tempfile::tempdir().unwrap());
    bundle(&report, &Subject::read(package.path()), folder.path()).unwrap();
    let mut names: Vec<_> =
        std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    let expected =
        ["junit.xml", "plugin.toml", "report.canonical.json", "report.json", "report.md", "weakened.md"];
    assert_eq!(names, expected);
    let weakened = std::fs::read_to_string(folder.path().join("weakened.md")).unwrap();
    assert_eq!(weakened, "- only the cases MAN-01\n");
}

#[test]
fn a_case_or_operator_that_does_not_exist_is_refused() {
    let package = package();
    let script = script(package.path(), &finding("pass", "so"));
    let mut options = options(&script);
    options.cases = vec!["OPR-99".into()];
    let error = run(&Subject::read(package.path()), &options, &mut |_| {}).unwrap_err();
    assert_eq!(error.kind().name(), "invalid-argument");
}
