//! A short run of the harness, every way to fail once under every set of fences.

use std::thread;

use parfocal_undying::{
    inject::{FAULTS, inject},
    plugins, processes,
    stream::Stream,
};
use parfocal_worker::process::Policy;

#[test]
fn whatever_a_plugin_does_the_host_names_it_goes_on_and_nothing_is_left() {
    let stream = Stream::default();
    let classical = plugins::classical().unwrap();
    let all = Policy::default();
    let policies =
        [all, Policy { seccomp: false, ..all }, Policy { seccomp: false, namespaces: false, ..all }];
    let complaints = thread::scope(|scope| {
        let flow = scope.spawn(|| stream.flow(&classical));
        let mut complaints = Vec::new();
        for policy in policies {
            let library = plugins::culprit(policy).unwrap();
            for (number, fault) in FAULTS.into_iter().enumerate() {
                let outcome = inject(&library, fault, number as f64 / FAULTS.len() as f64).unwrap();
                // A time is no test on a machine that others use.
                let timeless = |c: &&String| !c.starts_with("noticed after") && !c.starts_with("back after");
                complaints
                    .extend(outcome.complaints.iter().filter(timeless).map(|c| format!("{fault}: {c}")));
            }
        }
        stream.stop();
        flow.join().unwrap().unwrap();
        complaints
    });
    assert_eq!(complaints, Vec::<String>::new());
    assert!(stream.images() > 0);
    assert_eq!((stream.wrong(), stream.failures()), (0, Vec::new()));
    drop(classical);
    assert_eq!(processes::left().into_iter().collect::<Vec<_>>(), []);
}
