//! Serving the host.

use std::{
    io::{Read, Write},
    os::unix::net::UnixStream,
};

use parfocal_core::Library;
use parfocal_types::{Error, Result};

/// Says that the library is there, and waits until the host goes.
pub(crate) fn serve(mut socket: UnixStream, _library: &dyn Library) -> Result<()> {
    let lost = |error| Error::internal("the host cannot be reached").with_source(error);
    socket.write_all(&[1]).map_err(lost)?;
    std::io::copy(&mut (&socket).take(u64::MAX), &mut std::io::sink()).map_err(lost)?;
    Ok(())
}
