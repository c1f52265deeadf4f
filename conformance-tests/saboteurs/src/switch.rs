//! Which fault is on: a name in the library's own bytes.

/// Bytes of the switch.
const LENGTH: usize = 64;

/// How it begins.
const MARK: &[u8; 24] = b"parfocal saboteur fault:";

/// The switch: its mark, then the name of the fault, then spaces. It is read as it lies in the file that was loaded.
#[used]
pub static SWITCH: [u8; LENGTH] = *b"parfocal saboteur fault:                                        ";

/// The name of the fault that is on; empty for none.
#[must_use]
pub fn name() -> String {
    // SAFETY: a valid static. The read is volatile because the bytes of the file are not those that were compiled.
    let bytes = unsafe { (&raw const SWITCH).read_volatile() };
    String::from_utf8_lossy(&bytes[MARK.len()..]).trim_end().to_owned()
}

/// Switches a fault on in the bytes of the library. `None` when the switch is not there exactly once, or too short.
#[must_use]
pub fn patch(mut library: Vec<u8>, fault: &str) -> Option<Vec<u8>> {
    let off =
        |window: &[u8]| window.starts_with(MARK) && window[MARK.len()..].iter().all(|byte| *byte == b' ');
    let mut places =
        library.windows(LENGTH).enumerate().filter(|(_, window)| off(window)).map(|(place, _)| place);
    let place = places.next()? + MARK.len();
    if places.next().is_some() || fault.len() > LENGTH - MARK.len() {
        return None;
    }
    drop(places);
    library.get_mut(place..place + fault.len())?.copy_from_slice(fault.as_bytes());
    Some(library)
}
