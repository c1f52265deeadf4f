//! What is granted, and what is not: SEC-03 to SEC-06.

use parfocal_operator::Descriptor;
use parfocal_types::{Error, ErrorKind};

use super::SEC;
use crate::{
    case::{Applies, Case, Run},
    cases::hand::{TILES, count_of, told},
    finding::{Check, Finding},
    scene::{Bench, Scene, Shape, is_refusal},
    subject::Subject,
    transport::Transport,
    watch::{Policy, watch},
};

pub(super) const CASES: &[Case] = &[
    Case {
        id: "SEC-03",
        sentence: "A permission that is declared and not granted ends in a typed denial.",
        demands: "With every declared permission withheld (the kernel refuses the system calls) each operator works without \
                  it or ends in `permission-denied`, asks at most 100 times in a run, and lives.",
        why: "Users say no, and the plugin has to live with it.",
        fix: "Return `permission-denied` when the system says so, and do not try again.",
        transports: &[Transport::Native],
        applies: asks_for_something,
        run: Run::Written(sec_03),
        ..SEC
    },
    Case {
        id: "SEC-04",
        sentence: "A granted folder is that folder only.",
        demands: "`..`, absolute paths, links out, hard links, other spellings and /proc/self are refused.",
        why: "A grant for one folder must not be one for all.",
        fix: "Use the paths that the host gives.",
        applies: |_, _| Applies::NotYet("file grants"),
        ..SEC
    },
    Case {
        id: "SEC-05",
        sentence: "A granted connection is that host and port only.",
        demands: "Other hosts, other ports and redirects are refused.",
        why: "Data leave the building through redirects.",
        fix: "Connect to what was granted only.",
        applies: |_, _| Applies::NotYet("network grants"),
        ..SEC
    },
    Case {
        id: "SEC-06",
        sentence: "A granted serial or USB device is that device only.",
        demands: "Other ports are refused.",
        why: "The other port may be a laser.",
        fix: "Open the port that was granted only.",
        applies: |_, _| Applies::NotYet("serial grants"),
        ..SEC
    },
];

/// Most calls that are refused in one run before it counts as a storm.
const MOST_TRIES: usize = 100;

fn asks_for_something(subject: &Subject, _: Option<&Descriptor>) -> Applies {
    match subject.manifest() {
        Ok(manifest) if !manifest.permissions.is_empty() => Applies::Yes,
        _ => Applies::NotDeclared("the manifest asks for no permission".into()),
    }
}

/// Makes an instance for each of the usual images until one plans, and runs that one.
fn first_run(bench: &Bench) -> Result<(), Error> {
    let setting = bench.settings().defaults()?;
    let mut last = Error::not_supported("images");
    for shape in Shape::all() {
        let Ok(feed) = bench.feed(&shape) else { continue };
        match bench.run(&setting.parameters, &feed, TILES) {
            Ok(_) => return Ok(()),
            // What it does not take; anything else is its answer to being refused.
            Err(error)
                if matches!(error.kind(), ErrorKind::PermissionDenied { .. })
                    || !is_refusal(error.kind()) =>
            {
                return Err(error);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn sec_03(scene: &mut Scene<'_>) -> Check {
    let library = scene.library()?;
    for bench in scene.benches(&library)? {
        // The first instance of all is made, and planned, in here: what is refused may be refused for any image.
        let (result, sight) = watch(Policy::Deny, || first_run(&bench))?;
        if sight.calls > MOST_TRIES {
            return Err(Finding::fail("it tries again and again what is refused")
                .with("operator", &bench.descriptor.id)
                .measured("calls", sight.calls as f64));
        }
        match result {
            Ok(_) => {}
            Err(error) if matches!(error.kind(), ErrorKind::PermissionDenied { .. }) => {}
            Err(error) => {
                return Err(told("a permission that is withheld ends in another error", &bench, &error));
            }
        }
    }
    Ok(Finding::pass(format!("{} take no for an answer", count_of(library.as_ref()))))
}
