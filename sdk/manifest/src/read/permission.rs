//! Reads one permission.

use super::{Read, cursor::Keys};
use crate::permission::{Permission, PermissionKind, check_directory, check_host, check_serial};

const KINDS: &str = "write one of files, network, serial";

pub(super) fn read(keys: &Keys<'_>) -> Read<Permission> {
    let kind = keys.required("kind")?;
    let checked = |key, check: fn(&str) -> Result<(), &'static str>, remedy: &str| {
        let field = keys.required(key)?;
        let text = field.line()?;
        match check(text) {
            Ok(()) => Ok(text.to_owned()),
            Err(why) => Err(field.wrong(format!("{} is `{text}`, which {why}", field.name()), remedy)),
        }
    };
    let kind = match kind.line()? {
        "files" => {
            keys.closed(&["kind", "path", "access", "reason"])?;
            PermissionKind::Files {
                path: checked("path", check_directory, "name one directory, for example `~/calibration`")?,
                access: keys.required("access")?.word()?,
            }
        }
        "network" => {
            keys.closed(&["kind", "host", "port", "reason"])?;
            let host = checked("host", check_host, "name one host, for example `licence.example.org`")?;
            let field = keys.required("port")?;
            let port = field.integer()?;
            let port = u16::try_from(port).ok().filter(|port| *port > 0).ok_or_else(|| {
                field.wrong(
                    format!("{} is {port}; it must lie between 1 and 65535", field.name()),
                    "name one port",
                )
            })?;
            PermissionKind::Network { host, port }
        }
        "serial" => {
            keys.closed(&["kind", "port", "reason"])?;
            PermissionKind::Serial {
                port: checked("port", check_serial, "name one port, for example `/dev/ttyUSB0`")?,
            }
        }
        other => return Err(kind.wrong(format!("there is no permission of kind `{other}`"), KINDS)),
    };
    if !keys.has("reason") {
        return Err(keys.wrong(
            format!("the permission to {} has no `reason`", kind.phrase()),
            "add one sentence that tells the user why; it is shown when they are asked",
        ));
    }
    Ok(Permission { kind, reason: keys.required("reason")?.line()?.to_owned() })
}
