//! What a panic behind the border says, and where it happened: kept for the error, instead of written to the host's terminal.

use std::{
    cell::{Cell, RefCell},
    panic::{self, AssertUnwindSafe, catch_unwind},
    sync::Once,
};

thread_local! {
    /// How many calls of the host this thread is in.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    /// What the last panic in such a call said.
    static LAST: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Runs `work`; a panic in it comes back as what it said, with the place in the source.
///
/// A plugin has a standard library of its own, and with it a panic hook of its own: the one that is set here is not the
/// host's. Panics outside of a call (a thread that the plugin started) go to the hook that was there before.
pub(crate) fn caught<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if DEPTH.try_with(Cell::get).unwrap_or(0) == 0 {
                return before(info);
            }
            let text = info.payload_as_str().unwrap_or("without a message");
            let place = info.location().map(|place| format!(" ({place})")).unwrap_or_default();
            let _ = LAST.try_with(|last| last.replace(Some(format!("{text}{place}"))));
        }));
    });
    DEPTH.with(|depth| depth.set(depth.get() + 1));
    let result = catch_unwind(AssertUnwindSafe(work));
    DEPTH.with(|depth| depth.set(depth.get() - 1));
    result.map_err(|_| LAST.with(RefCell::take).unwrap_or_else(|| "without a message".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_comes_back_with_its_words_and_its_place() {
        assert_eq!(caught(|| 7), Ok(7));
        let said = caught(|| panic!("no {}", "way")).unwrap_err();
        assert!(said.starts_with("no way (") && said.contains("panics.rs:"), "{said}");
        let odd = caught(|| panic::panic_any(7)).unwrap_err();
        assert!(odd.starts_with("without a message ("), "{odd}");
        assert_eq!(caught(|| 8), Ok(8));
    }
}
