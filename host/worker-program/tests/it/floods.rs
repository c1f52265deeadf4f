//! Plugins that talk without end: every call has its limits, however much is said in it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use parfocal_core::{Artifact, CancelToken, Lane, Library, Limits, RunServices, Sha256};
use parfocal_operator::{Operator, Sink};
use parfocal_types::{
    Error, ErrorKind, ParameterValue, Parameters, Result,
    table::{Column, Field, Scalar},
};
use parfocal_worker::{WorkerLane, WorkerOptions, process::Policy};

use crate::fixture::compile_source;

/// An operator whose `finish` floods the host in the way that its parameter says.
const FLOODS: &str = r#"
#define _GNU_SOURCE
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "parfocal.h"

static const uint32_t dtypes[] = { PF_U8 };
static const pf_input_port image = PF_IMAGE_INPUT("image", dtypes);
static const pf_output_port cells[] = { { PF_TEXT("cells"), PF_PORT_TABLE, 0, 0, 0 } };
static const pf_parameter_spec way[] = {
    PF_INTEGER("way", "The way to flood.", PF_SETTING, PF_UNIT_NONE, 0, 0, 100),
};

static int32_t nothing(void *instance, const pf_call *call) {
    (void)instance;
    call->host->answer_bytes(call->host->context, (pf_bytes){ NULL, 0 });
    return PF_OK;
}
static int32_t join(void *instance, const pf_host *host, pf_bytes left, pf_bytes right) {
    (void)instance;
    (void)right;
    host->answer_bytes(host->context, left);
    return PF_OK;
}
static void say(const pf_host *host, size_t length) {
    static char line[1 << 16];
    memset(line, 'x', length);
    host->log(host->context, PF_LOG_INFO, (pf_text){ (uint8_t *)line, length });
}
static void put(const void *bytes, size_t length) {
    while (length) {
        ssize_t count = write(3, bytes, length);
        if (count > 0) { bytes = (const char *)bytes + count; length -= count; }
    }
}
/* A message of the plugin's own making, with a body that the worker's side would never send. */
static void forge(const char *text, uint64_t body) {
    uint32_t length = strlen(text);
    put("pfw1", 4);
    put(&length, 4);
    put(&body, 8);
    put(text, length);
    static char zeros[1 << 16];
    for (uint64_t sent = 0; sent < body; sent += sizeof zeros)
        put(zeros, body - sent < sizeof zeros ? body - sent : sizeof zeros);
}

static int32_t finish(void *instance, const pf_host *host, pf_bytes total) {
    (void)total;
    const pf_column columns[] = { { PF_TEXT("number"), PF_UNIT_NONE, PF_VALUE_INTEGER } };
    static pf_scalar rows[1000];
    for (int row = 0; row < 1000; row++) rows[row] = (pf_scalar){ .kind = PF_VALUE_INTEGER, .integer = row };
    host->emit_columns(host->context, 0, columns, 1);
    switch (pf_integer(instance, 0)) {
    case 1: for (;;) { say(host, 10); nanosleep(&(struct timespec){ 0, 100000 }, 0); }
    case 2: for (;;) say(host, 10);
    case 3: for (;;) say(host, 1 << 16);
    case 4: for (;;) host->emit_rows(host->context, 0, rows, 1000);
    case 5: while (!host->is_cancelled(host->context)) host->emit_rows(host->context, 0, rows, 1000); break;
    case 6: for (;;) host->emit_rows(host->context, 0, rows, 0);
    case 7: forge("{\"done\":{\"id\":3}}", 4ull << 30); break;
    case 8: forge("{\"log\":{\"level\":\"info\",\"text\":\"\"}}", 1000); break;
    case 9: for (;;) host->is_cancelled(host->context);
    }
    return PF_OK;
}

static const pf_simple_operator operators[] = { { .descriptor = {
    sizeof(pf_descriptor), PF_TEXT("flood"), PF_TEXT("Floods."), PF_KIND_REDUCE, PF_THREADS_INSTANCE, 0, { 0, 0 },
    { 0, 0, 0, 0, 0 }, &image, 1, cells, 1, way, 1 } } };
static int32_t create(const pf_host *host, pf_text id, const pf_parameter *parameters, uint64_t count, void **instance) {
    return pf_simple_create_(operators, 1, host, id, parameters, count, instance);
}
static int32_t plan(void *instance, const pf_host *host, const pf_input_spec *inputs, uint64_t count) {
    return pf_simple_plan_(instance, host, inputs, count);
}
static const pf_operator_table table = {
    sizeof(pf_operator_table), &operators[0].descriptor, 1, sizeof operators[0], create, pf_simple_destroy_, plan,
    pf_simple_required_input_, NULL, pf_simple_run_, nothing, join, finish, NULL, NULL, NULL, NULL };
PF_PLUGIN_TABLE("org.example.flood", "0.1.0", &table)
"#;

/// Ways to flood, as the plugin numbers them.
mod way {
    pub(super) const NONE: i64 = 0;
    pub(super) const LINES_AT_WORK: i64 = 1;
    pub(super) const LINES: i64 = 2;
    pub(super) const LONG_LINES: i64 = 3;
    pub(super) const ROWS: i64 = 4;
    pub(super) const ROWS_UNTIL_ASKED: i64 = 5;
    pub(super) const EMPTY_ROWS: i64 = 6;
    pub(super) const BODY: i64 = 7;
    pub(super) const NOTE_WITH_BODY: i64 = 8;
    pub(super) const QUESTIONS: i64 = 9;
}

/// Small, so that the limits are reached soon.
const MEMORY: u64 = 16 << 20;
/// Longer than any test takes.
const LONG: Duration = Duration::from_secs(600);

/// The plugin, and how many of its workers were lost.
struct Plugin {
    library: Arc<dyn Library>,
    deaths: Arc<AtomicU32>,
}

impl Plugin {
    fn new(call: Duration) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plugin.so");
        let bytes = compile_source(FLOODS, &[]);
        std::fs::write(&path, &bytes).unwrap();
        let artifact = Artifact {
            plugin: "org.example.flood".into(),
            version: semver::Version::new(0, 1, 0),
            path,
            sha256: Sha256::of(&bytes),
            interface: parfocal_operator::VERSION,
            limits: Limits { memory: MEMORY, call },
        };
        let deaths = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&deaths);
        let options = WorkerOptions {
            program: env!("CARGO_BIN_EXE_parfocal-worker").into(),
            policy: Policy::default(),
            deaths: Some(Arc::new(move |_, _, _| {
                count.fetch_add(1, Ordering::Relaxed);
            })),
        };
        Self { library: WorkerLane::new(options).load(&artifact).unwrap(), deaths }
    }

    fn operator(&self, way: i64) -> Box<dyn Operator> {
        let known = &self.library.operators()[0];
        let given = [("way".to_owned(), ParameterValue::Integer(way))];
        let parameters = Parameters::complete(&known.parameters, given).unwrap();
        self.library.create(&known.id, &parameters).unwrap()
    }

    /// What comes of a flood. The next call of another instance has to go well.
    fn flood(&self, way: i64, services: &RunServices) -> (Error, Kept) {
        let mut kept = Kept::default();
        let error = self.operator(way).finish(&[], &mut kept, services).unwrap_err();
        assert!(error.to_string().contains("org.example.flood 0.1.0"), "{error}");
        self.operator(way::NONE).finish(&[], &mut Kept::default(), &RunServices::default()).unwrap();
        (error, kept)
    }

    fn deaths(&self) -> u32 {
        self.deaths.load(Ordering::Relaxed)
    }
}

/// A sink that keeps what comes.
#[derive(Default)]
struct Kept(Vec<Vec<Scalar>>);

impl Sink for Kept {
    fn columns(&mut self, _: u32, _: &[Column]) -> Result<()> {
        Ok(())
    }

    fn rows(&mut self, _: u32, rows: Vec<Vec<Scalar>>) -> Result<()> {
        self.0.extend(rows);
        Ok(())
    }

    fn field(&mut self, _: u32, _: Field) -> Result<()> {
        Ok(())
    }
}

/// The most memory that this process ever had, in bytes.
fn most_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_ascii_whitespace().nth(1).unwrap().parse::<u64>().unwrap() << 10
}

#[test]
fn a_plugin_that_logs_without_end_is_timed_out() {
    let plugin = Plugin::new(Duration::from_secs(2));
    let (error, _) = plugin.flood(way::LINES_AT_WORK, &RunServices::default());
    assert_eq!(error.kind(), &ErrorKind::Timeout { ms: 2000 }, "{error}");
    assert_eq!(plugin.deaths(), 1);
}

#[test]
fn a_plugin_that_logs_without_end_can_be_cancelled() {
    let plugin = Plugin::new(LONG);
    let cancel = CancelToken::default();
    let user = cancel.clone();
    let services = RunServices::new(cancel, 0).telling(Arc::new(move |_| user.cancel()));
    let (error, _) = plugin.flood(way::LINES_AT_WORK, &services);
    assert_eq!(error.kind(), &ErrorKind::Cancelled, "{error}");
    assert_eq!(plugin.deaths(), 0, "it is not for its fault that it was ended");
}

#[test]
fn a_log_that_is_too_long_ends_its_worker() {
    for (way, max) in [(way::LINES, "100000 lines"), (way::LONG_LINES, "16777216 bytes")] {
        let plugin = Plugin::new(LONG);
        let (error, _) = plugin.flood(way, &RunServices::default());
        assert!(matches!(error.kind(), ErrorKind::OutOfRange { max: most, .. } if most == max), "{error:?}");
        assert!(error.remedy().is_some(), "{error}");
    }
}

#[test]
fn results_without_end_are_out_of_memory_and_the_host_does_not_hold_them() {
    let plugin = Plugin::new(LONG);
    let before = most_memory();
    for (way, deaths) in [(way::ROWS_UNTIL_ASKED, 0), (way::ROWS, 1), (way::EMPTY_ROWS, 2)] {
        let (error, kept) = plugin.flood(way, &RunServices::default());
        let ErrorKind::OutOfMemory { need, budget } = *error.kind() else { panic!("{error:?}") };
        assert!(budget == MEMORY && need > budget && need < budget + (1 << 20), "{error}");
        assert!(kept.0.len() < 1 << 20, "{}", kept.0.len());
        // One that stops when it is asked to lives on.
        assert_eq!(plugin.deaths(), deaths);
    }
    let grown = most_memory() - before;
    assert!(grown < 16 * MEMORY, "{} MiB", grown >> 20);
}

#[test]
fn an_answer_that_is_longer_than_the_plugin_s_memory_is_refused_unread() {
    let plugin = Plugin::new(LONG);
    let before = most_memory();
    let (error, _) = plugin.flood(way::BODY, &RunServices::default());
    assert_eq!(error.kind(), &ErrorKind::OutOfMemory { need: 4 << 30, budget: MEMORY }, "{error}");
    let grown = most_memory() - before;
    assert!(grown < 16 * MEMORY, "{} MiB", grown >> 20);
}

#[test]
fn a_note_with_a_body_is_no_note() {
    let plugin = Plugin::new(LONG);
    let (error, _) = plugin.flood(way::NOTE_WITH_BODY, &RunServices::default());
    assert_eq!(error.kind().name(), "protocol", "{error}");
}

#[test]
fn a_plugin_that_is_slow_is_told_from_one_that_is_stuck() {
    let plugin = Plugin::new(Duration::from_millis(500));
    let (error, _) = plugin.flood(way::QUESTIONS, &RunServices::default());
    assert!(error.message().ends_with("and was ended while it was still at work"), "{error}");
    let (error, _) = plugin.flood(way::LINES_AT_WORK, &RunServices::default());
    assert!(error.message().ends_with("and was ended"), "{error}");
}
