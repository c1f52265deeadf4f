//! Where an index and its packages lie.

use std::{
    fmt,
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
    str::FromStr,
};

use parfocal_types::{Error, ErrorKind, Result};

use crate::{fetch, walk::cannot};

/// A folder, or an address that begins with `https://`. Plain `http://` is taken for this computer only (`localhost`,
/// `127.0.0.1`, `[::1]`), where nobody listens in between.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A folder.
    Folder(PathBuf),
    /// An address, without a `/` at its end.
    Web(String),
}

impl FromStr for Place {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let text = text.strip_suffix(&format!("/{}", crate::INDEX_FILE)).unwrap_or(text);
        if !text.contains("://") {
            return Ok(Self::Folder(PathBuf::from(text)));
        }
        if is_safe(text) {
            return Ok(Self::Web(text.trim_end_matches('/').to_owned()));
        }
        Err(Error::invalid_argument(format!("`{text}` is no address to fetch from"))
            .with_remedy("give an address that begins with https://, or a folder"))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(folder) => folder.display().fmt(f),
            Self::Web(address) => f.write_str(address),
        }
    }
}

/// Whether nobody on the way can change what comes from an address.
pub(crate) fn is_safe(address: &str) -> bool {
    let plain = |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '<' | '>' | '\\' | '#' | '?');
    if !address.chars().all(plain) {
        return false;
    }
    if let Some(rest) = address.strip_prefix("https://") {
        return !rest.is_empty() && !rest.starts_with('/');
    }
    let Some(rest) = address.strip_prefix("http://") else { return false };
    let host = rest.split('/').next().unwrap_or_default();
    let name = match host.strip_prefix('[') {
        Some(six) => six.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    !host.contains('@') && matches!(name, "localhost" | "127.0.0.1" | "::1")
}

impl Place {
    /// Reads a file of it: a path below it, or a whole address.
    ///
    /// # Errors
    /// `not-found` when there is none, `corrupt` when it is longer than the limit, `not-supported` for an address in a build
    /// without https.
    pub(crate) fn read(&self, file: &str, limit: u64) -> Result<Vec<u8>> {
        if file.contains("://") {
            return fetch::get(file, limit);
        }
        match self {
            Self::Folder(folder) => read(&folder.join(file), limit),
            Self::Web(address) => fetch::get(&format!("{address}/{file}"), limit),
        }
    }
}

fn read(path: &Path, limit: u64) -> Result<Vec<u8>> {
    let unreadable = |error| cannot("read", path, error);
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > limit {
        return Err(too_long(&path.display().to_string(), limit));
    }
    Ok(bytes)
}

pub(crate) fn too_long(what: &str, limit: u64) -> Error {
    Error::new(ErrorKind::Corrupt { what: what.to_owned() }, format!("{what} is longer than {limit} bytes"))
        .with_remedy("tell whoever keeps the index")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_that_nobody_can_change_on_the_way_are_taken() {
        for good in
            ["https://a.example/plugins", "http://127.0.0.1:8080", "http://localhost/x", "http://[::1]:80/x"]
        {
            assert!(matches!(good.parse(), Ok(Place::Web(_))), "{good}");
        }
        for bad in [
            "http://a.example",
            "http://127.0.0.1@a.example/",
            "http://localhost.a.example/",
            "ftp://a.example",
            "https://",
            "https:///x",
            "https://a b",
            "http://127.0.0.1.a.example",
            "file:///etc",
        ] {
            assert!(bad.parse::<Place>().is_err(), "{bad}");
        }
        assert_eq!("x/index.toml".parse::<Place>().unwrap(), Place::Folder("x".into()));
        assert_eq!(
            "https://a.example/p/index.toml".parse::<Place>().unwrap().to_string(),
            "https://a.example/p"
        );
    }
}
