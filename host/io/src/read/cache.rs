//! A bounded store of decoded pieces, shared by all images of a file.

use std::{
    collections::{BTreeMap, HashMap},
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError},
};

use parfocal_types::error::Result;

/// Bytes of decoded pieces that one open file keeps. The piece used last stays even when it alone is larger.
pub const CACHE_BYTES: usize = 64 << 20;

/// Rough cost of keeping a piece besides its pixels, so that many tiny strips stay bounded too.
const ENTRY_BYTES: usize = 200;

type Piece = Arc<Vec<u8>>;

/// One piece: empty until somebody decoded it. Its lock makes a second reader wait instead of decoding it again.
#[derive(Default)]
struct Slot(Mutex<Option<Piece>>);

struct Entry {
    slot: Arc<Slot>,
    bytes: usize,
    used: u64,
}

struct State<K> {
    entries: HashMap<K, Entry>,
    /// Keys of the decoded pieces by the time of their last use.
    order: BTreeMap<u64, K>,
    bytes: usize,
    clock: u64,
}

/// Decoded pieces by key; the one unused for longest leaves first.
pub(crate) struct Cache<K> {
    state: Mutex<State<K>>,
    limit: usize,
}

/// A panic elsewhere leaves the maps whole: every change below is completed before the lock is given back.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<K: Copy + Eq + Hash> Cache<K> {
    pub(crate) fn new(limit: usize) -> Self {
        let state = State { entries: HashMap::new(), order: BTreeMap::new(), bytes: 0, clock: 0 };
        Self { state: Mutex::new(state), limit }
    }

    /// The piece `key`, decoded now if it is not there. Threads that ask for the same piece decode it once; the
    /// others wait for it.
    pub(crate) fn get(&self, key: K, decode: impl FnOnce() -> Result<Vec<u8>>) -> Result<Piece> {
        let slot = lock(&self.state).slot(key);
        let content = lock(&slot.0);
        self.fill(key, &slot, content, decode)
    }

    /// As [`get`](Self::get), or nothing when another thread decodes the piece just now.
    pub(crate) fn try_get(&self, key: K, decode: impl FnOnce() -> Result<Vec<u8>>) -> Option<Result<Piece>> {
        let slot = lock(&self.state).slot(key);
        let content = match slot.0.try_lock() {
            Ok(content) => content,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        Some(self.fill(key, &slot, content, decode))
    }

    fn fill(
        &self,
        key: K,
        slot: &Arc<Slot>,
        mut content: MutexGuard<'_, Option<Piece>>,
        decode: impl FnOnce() -> Result<Vec<u8>>,
    ) -> Result<Piece> {
        if let Some(piece) = &*content {
            return Ok(Arc::clone(piece));
        }
        match decode() {
            Ok(bytes) => {
                let piece = Arc::new(bytes);
                *content = Some(Arc::clone(&piece));
                drop(content);
                lock(&self.state).account(key, slot, piece.len(), self.limit);
                Ok(piece)
            }
            Err(error) => {
                lock(&self.state).forget(key, slot);
                Err(error)
            }
        }
    }
}

impl<K: Copy + Eq + Hash> State<K> {
    fn slot(&mut self, key: K) -> Arc<Slot> {
        self.clock += 1;
        let entry =
            self.entries.entry(key).or_insert_with(|| Entry { slot: Arc::default(), bytes: 0, used: 0 });
        if self.order.remove(&entry.used).is_some() {
            self.order.insert(self.clock, key);
        }
        entry.used = self.clock;
        Arc::clone(&entry.slot)
    }

    fn account(&mut self, key: K, slot: &Arc<Slot>, bytes: usize, limit: usize) {
        let Some(entry) = self.entries.get_mut(&key).filter(|entry| Arc::ptr_eq(&entry.slot, slot)) else {
            return;
        };
        entry.bytes = bytes.saturating_add(ENTRY_BYTES);
        self.bytes += entry.bytes;
        self.order.insert(entry.used, key);
        while self.bytes > limit && self.order.len() > 1 {
            let Some((_, oldest)) = self.order.pop_first() else { break };
            self.bytes -= self.entries.remove(&oldest).map_or(0, |gone| gone.bytes);
        }
    }

    fn forget(&mut self, key: K, slot: &Arc<Slot>) {
        if self.entries.get(&key).is_some_and(|entry| entry.bytes == 0 && Arc::ptr_eq(&entry.slot, slot)) {
            self.entries.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use parfocal_types::error::Error;

    fn piece(cache: &Cache<u32>, key: u32) -> (usize, bool) {
        let mut decoded = false;
        let piece = cache.get(key, || {
            decoded = true;
            Ok(vec![0; 10])
        });
        (piece.unwrap().len(), decoded)
    }

    #[test]
    fn the_piece_unused_for_longest_leaves_first() {
        let cache = Cache::new(2 * (10 + ENTRY_BYTES));
        assert_eq!(piece(&cache, 1), (10, true));
        assert_eq!(piece(&cache, 2), (10, true));
        assert_eq!(piece(&cache, 1), (10, false));
        assert_eq!(piece(&cache, 3), (10, true));
        assert_eq!(piece(&cache, 1), (10, false), "used after 2, so 2 left");
        assert_eq!(piece(&cache, 2), (10, true));
    }

    #[test]
    fn a_piece_larger_than_the_limit_stays_until_the_next() {
        let cache = Cache::new(5);
        assert_eq!(piece(&cache, 1), (10, true));
        assert_eq!(piece(&cache, 1), (10, false));
        assert_eq!(piece(&cache, 2), (10, true));
        assert_eq!(piece(&cache, 1), (10, true));
    }

    #[test]
    fn a_failure_is_not_kept() {
        let cache = Cache::new(2 * (10 + ENTRY_BYTES));
        assert!(cache.get(1, || Err(Error::corrupt("strip 1"))).is_err());
        assert_eq!(piece(&cache, 1), (10, true));
    }
}
