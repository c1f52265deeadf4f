//! The host's services and sink, as the traits that operators know.

use parfocal_operator::{LogLevel, Services, Sink};
use parfocal_types::{
    error::Result,
    table::{Column, Field, Scalar},
};

use super::bindings::parfocal::operator::{services, sink};
use crate::Cross;

/// The imports of `services`.
pub(super) struct HostServices;

impl Services for HostServices {
    fn log(&self, level: LogLevel, text: &str) {
        let level = match level {
            LogLevel::Error => services::Level::Error,
            LogLevel::Warning => services::Level::Warning,
            LogLevel::Info => services::Level::Info,
            LogLevel::Debug => services::Level::Debug,
        };
        services::log(level, text);
    }

    fn progress(&self, fraction: f32) {
        services::progress(fraction);
    }

    fn is_cancelled(&self) -> bool {
        services::is_cancelled()
    }

    fn seed(&self) -> u64 {
        services::seed()
    }
}

/// The imports of `sink` for tables and records.
pub(super) struct HostSink;

impl Sink for HostSink {
    fn columns(&mut self, port: u32, columns: &[Column]) -> Result<()> {
        let columns: Vec<_> = columns.to_vec().cross();
        sink::declare_columns(port, &columns).map_err(Cross::cross)
    }

    fn rows(&mut self, port: u32, rows: Vec<Vec<Scalar>>) -> Result<()> {
        let rows: Vec<Vec<_>> = rows.cross();
        sink::add_rows(port, &rows).map_err(Cross::cross)
    }

    fn field(&mut self, port: u32, field: Field) -> Result<()> {
        let field = field.cross();
        sink::add_field(port, &field).map_err(Cross::cross)
    }
}

/// Lets a panic say why before the instance traps.
pub(super) fn report_panics() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        std::panic::set_hook(Box::new(|panic| HostServices.log(LogLevel::Error, &panic.to_string())));
    });
}
