//! Names that were probably meant.

/// The known name that was probably meant: few letters differ, or only their case.
pub(crate) fn near<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = wanted.to_lowercase();
    let most = (wanted.chars().count() / 3).max(1);
    known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(&wanted, &name.to_lowercase()), name))
        // Of names of one letter, every other one is near.
        .filter(|(distance, name)| *distance <= most && *distance < name.chars().count().max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// What to do about an unknown name: the one that was probably meant, and all that there are.
pub(crate) fn remedy(wanted: &str, what: &str, known: &[&str]) -> String {
    let list = format!("{what}: {}", if known.is_empty() { "none".to_owned() } else { known.join(", ") });
    match near(wanted, known.iter().copied()) {
        Some(name) => format!("did you mean `{name}`? {list}"),
        None => list,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_and_case_are_near_and_other_words_are_not() {
        assert_eq!(near("sgima", ["sigma", "radius"]), Some("sigma"));
        assert_eq!(near("dapi", ["GFP", "DAPI"]), Some("DAPI"));
        assert_eq!(near("radius", ["sigma"]), None);
        assert_eq!(near("b", ["a", "c"]), None);
    }
}
