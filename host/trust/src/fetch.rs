//! Getting files over https.

use parfocal_types::{Error, Result};

use crate::place::is_safe;

/// Gets a file, and never more of it than the limit.
///
/// # Errors
/// `invalid-argument` for an address that is not safe, `not-found`, `timeout` and `lost` for what goes wrong on the way,
/// `corrupt` when the file is longer than the limit, `not-supported` in a build without https.
pub(crate) fn get(address: &str, limit: u64) -> Result<Vec<u8>> {
    if !is_safe(address) {
        return Err(Error::invalid_argument(format!("nothing is fetched from {address}"))
            .with_remedy("only addresses that begin with https:// are used"));
    }
    client::get(address, limit)
}

#[cfg(feature = "https")]
mod client {
    use std::time::Duration;

    use parfocal_types::{Error, ErrorKind, Result};
    use ureq::Agent;

    use crate::place::too_long;

    /// How long one file may take: a gigabyte over a slow line.
    const PATIENCE: Duration = Duration::from_secs(1800);
    /// How long a server may take to be reached.
    const CONNECT: Duration = Duration::from_secs(20);

    pub(super) fn get(address: &str, limit: u64) -> Result<Vec<u8>> {
        let https = address.starts_with("https://");
        let agent: Agent = Agent::config_builder()
            .https_only(https)
            // This computer is asked itself, and sends nobody elsewhere.
            .max_redirects(if https { 5 } else { 0 })
            .timeout_connect(Some(CONNECT))
            .timeout_global(Some(PATIENCE))
            .user_agent(concat!("parfocal/", env!("CARGO_PKG_VERSION")))
            .build()
            .into();
        let mut response = agent.get(address).call().map_err(|error| failed(address, limit, &error))?;
        if response.status().is_redirection() {
            return Err(failed(address, limit, &ureq::Error::TooManyRedirects));
        }
        response
            .body_mut()
            .with_config()
            .limit(limit)
            .read_to_vec()
            .map_err(|error| failed(address, limit, &error))
    }

    fn failed(address: &str, limit: u64, error: &ureq::Error) -> Error {
        let (kind, remedy) = match error {
            ureq::Error::StatusCode(404 | 410) => (ErrorKind::NotFound, "see that the address is right"),
            ureq::Error::BodyExceedsLimit(_) => return too_long(address, limit),
            ureq::Error::HostNotFound => {
                (ErrorKind::NotFound, "see that the address is right and the network is on")
            }
            ureq::Error::Timeout(_) => {
                (ErrorKind::Timeout { ms: PATIENCE.as_millis() as u64 }, "try again later")
            }
            _ => (ErrorKind::Lost, "try again; or copy the folder of the index here and name it instead"),
        };
        Error::new(kind, format!("cannot fetch {address}: {error}")).with_remedy(remedy)
    }
}

#[cfg(not(feature = "https"))]
mod client {
    use parfocal_types::{Error, Result};

    pub(super) fn get(address: &str, _: u64) -> Result<Vec<u8>> {
        Err(Error::not_supported(format!("fetching {address} in this build"))
            .with_remedy("copy the folder of the index to this computer and name it instead"))
    }
}
