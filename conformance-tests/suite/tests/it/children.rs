//! However a child ends, its case ends in the right status, and nobody is left.

use std::{fs, time::Duration};

use parfocal_conformance::{Status, Subject, run};

use crate::support::{finding, options, package, script, verdict};

#[test]
fn what_the_child_finds_is_what_is_reported() {
    for (word, status) in
        [("pass", Status::Pass), ("fail", Status::Fail), ("warn", Status::Warn), ("skip", Status::Skip)]
    {
        let result = verdict(&finding(word, "so it is"));
        assert_eq!((result.status, result.sentence.as_str()), (status, "so it is"));
    }
}

#[test]
fn an_end_without_a_result_is_a_crash_whatever_the_exit_code() {
    for code in [0, 1, 7] {
        let result = verdict(&format!("read task; exit {code}"));
        assert_eq!(result.status, Status::Crash, "exit {code}");
        assert!(result.sentence.contains(&format!("exit code {code}")), "{}", result.sentence);
    }
}

#[test]
fn rubbish_instead_of_a_result_is_a_crash() {
    let result =
        verdict("read task; echo 'all is well' >&0; echo '{\"found\":{\"status\":\"splendid\"}}' >&0");
    assert_eq!(result.status, Status::Crash);
}

#[test]
fn a_result_before_a_bad_end_does_not_count() {
    let pass = finding("pass", "fine");
    let result = verdict(&format!("{pass}; exit 3"));
    assert_eq!(result.status, Status::Crash);
    let result = verdict(&format!("{pass}; kill -SEGV $$"));
    assert_eq!(result.status, Status::Crash);
    assert!(result.sentence.contains("signal 11"), "{}", result.sentence);
}

#[test]
fn a_signal_is_a_crash_with_its_name() {
    let result = verdict("read task; kill -ABRT $$");
    assert_eq!(result.status, Status::Crash);
    assert!(result.sentence.contains("signal 6"), "{}", result.sentence);
}

#[test]
fn a_touched_guard_is_a_failure_that_says_which() {
    let fault =
        r#"read task; printf '{"fault":{"signal":11,"address":"7f00","guard":2}}\n' >&0; kill -SEGV $$"#;
    let result = verdict(fault);
    assert_eq!((result.status, result.sentence.as_str()), (Status::Fail, "it wrote to an input"));
}

/// Whether a process with this text in its command line is alive.
fn alive(mark: &str) -> bool {
    fs::read_dir("/proc").unwrap().flatten().any(|entry| {
        let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).contains(mark)
    })
}

#[test]
fn a_child_that_hangs_is_killed_with_all_that_it_started() {
    let package = package();
    let mark = "31557603";
    let script = script(package.path(), &format!("read task; /bin/sleep {mark} & /bin/sleep {mark}"));
    let mut options = options(&script);
    // The case has 20 s; a fraction of a second is enough to see it hang.
    options.patience = 1.0;
    options.time_limit = Some(Duration::from_millis(300));
    let report = run(&Subject::read(package.path()), &options, &mut |_| {}).unwrap();
    assert_eq!(report.results[0].status, Status::Timeout);
    assert!(!alive(mark), "nobody is left");
}

#[test]
fn a_process_that_is_left_behind_is_ended_and_told() {
    let mark = "31557604";
    let pass = finding("pass", "fine");
    let result = verdict(&format!("/bin/sleep {mark} & {pass}"));
    assert_eq!(result.status, Status::Fail, "{}", result.sentence);
    assert!(result.sentence.contains("left 1 process"), "{}", result.sentence);
    assert!(!alive(mark), "nobody is left");
}

#[test]
fn a_process_in_a_session_of_its_own_is_found_by_its_folder() {
    let mark = "31557605";
    let pass = finding("pass", "fine");
    let result = verdict(&format!("/usr/bin/setsid /bin/sleep {mark} & {pass}; /bin/sleep 0.3"));
    assert_eq!(result.status, Status::Fail, "{}", result.sentence);
    assert!(!alive(mark), "nobody is left");
}

/// A child that starts a daemon, waits until it has let go of everything, and goes on.
fn daemon(mark: &str, then: &str) -> String {
    // The second fork, a session of its own, another folder, no environment, no descriptor.
    format!(
        r#"read task; ready=$PWD/ready
        (cd /; /usr/bin/setsid /usr/bin/env -i /bin/sh -c "echo > $ready; exec /bin/sleep {mark}" </dev/null >/dev/null 2>&1 &)
        while [ ! -e "$ready" ]; do :; done
        {then}"#
    )
}

#[test]
fn a_daemon_that_let_go_of_everything_is_ended_and_told() {
    let mark = "31557606";
    let pass = finding("pass", "fine");
    let result = verdict(&daemon(mark, pass.trim_start_matches("read task; ")));
    assert!(!alive(mark), "nobody is left");
    assert_eq!(result.status, Status::Fail, "{}", result.sentence);
    assert!(result.sentence.contains("left 1 process"), "{}", result.sentence);
}

#[test]
fn a_daemon_of_a_child_that_hangs_is_ended_too() {
    let package = package();
    let mark = "31557607";
    let script = script(package.path(), &daemon(mark, "/bin/sleep 31557608"));
    let mut options = options(&script);
    options.time_limit = Some(Duration::from_secs(2));
    let report = run(&Subject::read(package.path()), &options, &mut |_| {}).unwrap();
    assert!(!alive(mark), "nobody is left");
    assert_eq!(report.results[0].status, Status::Timeout, "{}", report.results[0].sentence);
}

#[test]
fn a_daemon_of_one_case_is_not_held_against_another() {
    let package = package();
    // Whichever comes first leaves a daemon behind, while the other runs.
    let text = format!(
        r#"read task; case "$task" in *MAN-01*) {} ;; *) {} ;; esac"#,
        daemon("31557609", finding("pass", "so").trim_start_matches("read task; "))
            .trim_start_matches("read task; "),
        finding("pass", "so").trim_start_matches("read task; ")
    );
    let script = script(package.path(), &text);
    let mut options = options(&script);
    options.cases = vec!["MAN-01".into(), "MAN-02".into(), "MAN-03".into()];
    options.jobs = 3;
    let report = run(&Subject::read(package.path()), &options, &mut |_| {}).unwrap();
    let statuses: Vec<_> = report.results.iter().map(|result| result.status).collect();
    assert_eq!(statuses, [Status::Fail, Status::Pass, Status::Pass]);
}

#[test]
fn the_child_has_an_empty_environment_and_its_own_empty_folder() {
    let look = r#"read task; e=$(/usr/bin/env | /bin/grep -v '^PWD=\|^SHLVL=\|^_=' | /usr/bin/wc -l); f=$(/bin/ls | /usr/bin/wc -l);
        printf '{"found":{"status":"pass","sentence":"%s %s"}}\n' $e $f >&0"#;
    assert_eq!(verdict(look).sentence, "0 0");
}

#[test]
fn a_case_that_cannot_be_run_is_the_suites_own_error_and_the_others_keep_their_verdicts() {
    let package = package();
    // The first child takes the program away.
    let script = script(package.path(), &finding("pass", "fine").replace("task;", "task; /bin/rm \"$0\";"));
    let mut options = options(&script);
    options.cases = vec!["MAN-01".into(), "MAN-02".into(), "MAN-03".into()];
    options.jobs = 1;
    let report = run(&Subject::read(package.path()), &options, &mut |_| {}).unwrap();
    let statuses: Vec<_> = report.results.iter().map(|result| result.status).collect();
    assert_eq!(statuses, [Status::Pass, Status::SuiteError, Status::SuiteError]);
    let sentence = &report.results[1].sentence;
    assert!(sentence.contains("cannot be started"), "{sentence}");
}

#[test]
fn a_run_that_ends_at_the_first_failure_leaves_the_rest_untried_and_says_so() {
    let package = package();
    let script = script(package.path(), &finding("fail", "it is wrong"));
    let mut options = options(&script);
    options.cases = vec!["MAN-01".into(), "MAN-02".into(), "MAN-03".into()];
    options.jobs = 1;
    options.fail_fast = true;
    let report = run(&Subject::read(package.path()), &options, &mut |_| {}).unwrap();
    let statuses: Vec<_> = report.results.iter().map(|result| result.status).collect();
    assert_eq!(statuses, [Status::Fail, Status::Skip, Status::Skip]);
    assert!(report.results[2].sentence.contains("ended at the first"), "{}", report.results[2].sentence);
    assert!(report.configuration.weakened.contains(&"it ends at the first failure".to_owned()));
    assert_eq!(report.summary.reached, None);
}
