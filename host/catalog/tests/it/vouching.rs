//! What somebody who checks signatures says is kept, shown, and obeyed.

use parfocal_catalog::{
    Catalog, HostSupport, LaneOrder, OperatorRef, Package, Rejection, RejectionCode, Verdict, Vouch,
};

use crate::support::{Bench, Plugin};

fn judge(package: &Package) -> Vouch {
    if package.folder.ends_with("changed") {
        let message = format!("{} was changed", package.label());
        return Vouch::Refused(Rejection::new(RejectionCode::Tampered, message, "get it again"));
    }
    Vouch::Accepted("signed by Example Lab".into())
}

fn scan(bench: &Bench) -> Catalog {
    Catalog::scan_judged(&[bench.plugins()], &HostSupport::this_computer(), &bench.state(), &judge)
}

#[test]
fn one_that_may_not_be_used_is_refused_and_hides_no_other() {
    let bench = Bench::new();
    bench.put_wasm("changed", &Plugin::default());
    let good = bench.put_wasm("good", &Plugin::default());
    bench.put_wasm("changed-too/changed", &Plugin { version: "2.0.0", ..Plugin::default() });
    let catalog = scan(&bench);
    let picked = catalog.pick(&OperatorRef::parse("smooth").unwrap(), &LaneOrder::default()).unwrap();
    assert!(picked.artifact.path.starts_with(&good), "{picked:?}");
    assert_eq!(picked.vouch.accepted(), Some("signed by Example Lab"));
    assert_eq!(picked.passed_over, ["org.example.filters 2.0.0 was changed"]);
    let explanation = catalog.why("smooth");
    let shown: Vec<_> =
        explanation.plugins.iter().map(|line| (line.trust.as_deref(), &line.verdict)).collect();
    let refused = |verdict: &Verdict| matches!(verdict, Verdict::Refused { code, .. } if code == "tampered");
    assert!(
        matches!(shown[..], [(None, a), (None, b), (Some("signed by Example Lab"), Verdict::Usable)] if refused(a) && refused(b)),
        "{shown:?}"
    );
    assert!(explanation.to_string().contains("    signed by Example Lab\n"), "{explanation}");
}

#[test]
fn when_all_are_refused_the_reason_is_the_error() {
    let bench = Bench::new();
    bench.put_wasm("changed", &Plugin::default());
    let error = scan(&bench).pick(&OperatorRef::parse("smooth").unwrap(), &LaneOrder::default()).unwrap_err();
    assert!(error.message().contains("org.example.filters 1.0.0 was changed"), "{error}");
    assert_eq!(error.remedy(), Some("get it again"));
}

#[test]
fn a_host_that_checks_nothing_says_nothing() {
    let bench = Bench::new();
    bench.put_wasm("changed", &Plugin::default());
    assert_eq!(bench.scan().plugins()[0].vouch, Vouch::Unasked);
    assert!(bench.scan().plugins()[0].is_usable());
}
