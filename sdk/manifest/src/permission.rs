//! What a plugin may use beyond pixels and the host's services.
//!
//! Permissions are a list, each with a reason that the user reads before granting it. There are no wildcards: who needs
//! two directories asks twice.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One thing that a plugin asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Permission {
    /// What it asks for.
    #[serde(flatten)]
    pub kind: PermissionKind,
    /// Why, in one sentence that the user sees.
    pub reason: String,
}

/// What can be asked for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum PermissionKind {
    /// The files of one directory and those below it.
    Files {
        /// The directory: absolute, or below the user's home as `~/...`.
        path: String,
        /// What may be done there.
        access: FileAccess,
    },
    /// Connections to one port of one host.
    Network {
        /// A host name or address.
        host: String,
        /// A TCP port.
        #[schemars(range(min = 1))]
        port: u16,
    },
    /// One serial port.
    Serial {
        /// The port as the system names it, for example `/dev/ttyUSB0` or `COM3`.
        port: String,
    },
}

impl PermissionKind {
    /// The permission in words, for example `read files in ~/calibration`.
    #[must_use]
    pub fn phrase(&self) -> String {
        match self {
            Self::Files { path, access: FileAccess::Read } => format!("read files in {path}"),
            Self::Files { path, access: FileAccess::Write } => format!("read and write files in {path}"),
            Self::Network { host, port } => format!("connect to {host}:{port}"),
            Self::Serial { port } => format!("use the serial port {port}"),
        }
    }
}

/// What may be done with files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FileAccess {
    /// Reading.
    Read,
    /// Reading and writing.
    Write,
}

/// Why a directory cannot be asked for.
pub(crate) fn check_directory(path: &str) -> Result<(), &'static str> {
    let below = path.strip_prefix("~/").or_else(|| path.strip_prefix('/')).or_else(|| {
        let (drive, rest) = path.split_once(":/")?;
        (drive.len() == 1 && drive.starts_with(|c: char| c.is_ascii_alphabetic())).then_some(rest)
    });
    let Some(below) = below else { return Err("is neither absolute nor below `~/`") };
    check_wildcard(path)?;
    if below.trim_matches('/').is_empty() {
        return Err("is everything there is");
    }
    if below.split('/').any(|part| matches!(part, "." | "..")) {
        return Err("goes through `.` or `..`");
    }
    Ok(())
}

/// Why a host cannot be asked for.
pub(crate) fn check_host(host: &str) -> Result<(), &'static str> {
    check_wildcard(host)?;
    if matches!(host, "0.0.0.0" | "::" | "0") {
        return Err("is everything there is");
    }
    if host.parse::<std::net::IpAddr>().is_ok() {
        return Ok(());
    }
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    if host.len() <= 253 && host.split('.').all(label) {
        Ok(())
    } else {
        Err("is no host name in lower case")
    }
}

/// Why a serial port cannot be asked for.
pub(crate) fn check_serial(port: &str) -> Result<(), &'static str> {
    check_wildcard(port)?;
    let named = port
        .strip_prefix("/dev/")
        .is_some_and(|name| !name.is_empty() && !name.split('/').any(|part| matches!(part, "" | "." | "..")));
    let com =
        port.strip_prefix("COM").is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
    if named || com { Ok(()) } else { Err("is neither `/dev/<name>` nor `COM<number>`") }
}

fn check_wildcard(text: &str) -> Result<(), &'static str> {
    if text.contains(['*', '?', '[', ']', '{', '}']) { Err("is a wildcard") } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_and_everything_are_refused() {
        for good in ["/opt/vendor", "~/calibration", "C:/data/x"] {
            assert_eq!(check_directory(good), Ok(()), "{good}");
        }
        for bad in ["", "/", "~/", "~", "data", "/data/*", "/data/../etc", "C:/", "//"] {
            assert!(check_directory(bad).is_err(), "{bad}");
        }
        for good in ["example.org", "localhost", "192.168.0.7", "::1"] {
            assert_eq!(check_host(good), Ok(()), "{good}");
        }
        for bad in ["", "*", "*.example.org", "0.0.0.0", "Example.org", "a..b", "-a"] {
            assert!(check_host(bad).is_err(), "{bad}");
        }
        for good in ["/dev/ttyUSB0", "/dev/serial/by-id/x", "COM3"] {
            assert_eq!(check_serial(good), Ok(()), "{good}");
        }
        for bad in ["", "/dev/", "/dev/tty*", "/dev/../x", "COM", "COMx", "ttyUSB0"] {
            assert!(check_serial(bad).is_err(), "{bad}");
        }
    }
}
