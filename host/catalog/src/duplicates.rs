//! Two plugins with one id and version: which one runs must not depend on luck.

use std::collections::BTreeMap;

use semver::Version;

use crate::{
    package::Package,
    rejection::{Rejection, RejectionCode},
};

/// Refuses plugins that share id and version. A broken one does not count: it hides nobody. Of true copies the first in
/// the order of the search is used.
pub(crate) fn refuse(packages: &mut [Package]) {
    let mut groups: BTreeMap<(String, Version), Vec<usize>> = BTreeMap::new();
    for (index, package) in packages.iter().enumerate() {
        if let (true, Ok(manifest)) = (package.is_usable(), &package.manifest) {
            let name = (manifest.plugin.id.to_string(), manifest.plugin.version.clone());
            groups.entry(name).or_default().push(index);
        }
    }
    for ((id, version), group) in groups.into_iter().filter(|(_, group)| group.len() > 1) {
        let folders: Vec<_> =
            group.iter().map(|index| packages[*index].folder.display().to_string()).collect();
        let copies = group.windows(2).all(|pair| packages[pair[0]].text == packages[pair[1]].text);
        for (place, index) in group.iter().enumerate() {
            if copies && place == 0 {
                continue;
            }
            let (message, remedy) = if copies {
                (
                    format!(
                        "{id} {version} in {} is a copy of the one in {}, which is used",
                        folders[place], folders[0]
                    ),
                    "remove one of the folders".to_owned(),
                )
            } else {
                (
                    format!("different plugins are all called {id} {version}: {}", folders.join(" and ")),
                    "remove all but one, or give each build a version of its own".to_owned(),
                )
            };
            packages[*index].rejected = Some(Rejection::new(RejectionCode::Duplicate, message, remedy));
        }
    }
}
