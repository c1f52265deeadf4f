//! All cases, sorted by number. A case stands beside its function, in the file of its topic.

mod abi;
mod hand;
mod man;
mod opr;
mod prf;
mod rob;
mod sec;

use std::sync::OnceLock;

use crate::case::Case;

pub(crate) use {opr::digest, sec::words};

/// Every case, sorted by number.
#[must_use]
pub fn cases() -> &'static [Case] {
    static CASES: OnceLock<Vec<Case>> = OnceLock::new();
    CASES.get_or_init(|| {
        let groups = [man::cases(), abi::cases(), opr::cases(), sec::cases(), rob::cases(), prf::cases()];
        let mut all: Vec<Case> = groups.into_iter().flatten().collect();
        all.sort_by_key(|case| case.id);
        all
    })
}

/// The case of a number, such as `OPR-06`.
#[must_use]
pub fn case(id: &str) -> Option<&'static Case> {
    cases().iter().find(|case| case.id == id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_numbers_of_the_six_groups_are_there_once() {
        let expected = [("ABI", 16), ("MAN", 14), ("OPR", 31), ("PRF", 8), ("ROB", 15), ("SEC", 10)];
        let numbers =
            expected.iter().flat_map(|(group, count)| (1..=*count).map(move |n| format!("{group}-{n:02}")));
        let expected: Vec<String> = numbers.collect();
        assert_eq!(cases().iter().map(|case| case.id).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn every_case_says_what_why_and_how_to_mend_it() {
        for case in cases() {
            assert_eq!(case.group.to_string(), case.id[..3], "{}", case.id);
            for text in [case.sentence, case.demands, case.why, case.fix] {
                assert!(text.len() > 20 && text.ends_with('.'), "{}: {text}", case.id);
            }
            assert!(case.sentence.len() <= 110, "{}: a list has one line for it", case.id);
        }
    }
}
