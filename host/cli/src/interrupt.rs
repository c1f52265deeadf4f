//! What Ctrl-C, SIGTERM and a closed terminal do: the first asks the work to stop, the second ends the program.

use std::{io::Write as _, sync::OnceLock};

use parfocal_core::CancelToken;
use parfocal_io::write::discard_all;
use parfocal_types::{Error, Result};

/// What a shell reports for a program that an interrupt ended: 128 + SIGINT.
const INTERRUPTED: i32 = 130;

/// The token that an interrupt cancels; one for the whole program, the handler is set by the first call.
///
/// Whoever writes looks at it between pieces, so that its unfinished files go away with it. A second interrupt does not
/// wait for that: it removes unfinished files and ends the program.
pub(crate) fn token() -> CancelToken {
    static TOKEN: OnceLock<CancelToken> = OnceLock::new();
    TOKEN
        .get_or_init(|| {
            let token = CancelToken::default();
            let cancelled = token.clone();
            // Where no handler can be set, an interrupt ends the program as the system does it.
            let _ = ctrlc::set_handler(move || {
                if cancelled.is_cancelled() {
                    discard_all();
                    std::process::exit(INTERRUPTED);
                }
                cancelled.cancel();
                let _ = std::io::stderr().write_all(b"\nstopping; once more to stop at once\n");
            });
            token
        })
        .clone()
}

/// Goes on, unless somebody asked to stop.
///
/// # Errors
/// `cancelled`.
pub(crate) fn proceed(token: &CancelToken) -> Result<()> {
    if token.is_cancelled() { Err(Error::cancelled()) } else { Ok(()) }
}
