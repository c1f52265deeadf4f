//! The memory of an instance.

use wasmtime::ResourceLimiter;

/// Entries of all tables of an instance: functions that it calls by pointer. The largest C++ programs have some ten
/// thousand. At most 16 bytes each, which do not count as its memory.
const MOST_ENTRIES: usize = 1 << 20;
/// Core instances, memories and tables that one component may consist of.
const MOST_PARTS: usize = 64;

/// Keeps the sum of an instance's memories inside a budget, and remembers what it refused.
#[derive(Debug)]
pub(crate) struct Limiter {
    budget: u64,
    used: u64,
    /// How much the last growth added, in case the system has no memory for it.
    last: u64,
    entries: usize,
    /// As `last`, for tables.
    last_entries: usize,
    denied: Option<u64>,
}

impl Limiter {
    pub(crate) fn new(budget: u64) -> Self {
        Self { budget, used: 0, last: 0, entries: 0, last_entries: 0, denied: None }
    }

    /// Bytes allowed.
    pub(crate) fn budget(&self) -> u64 {
        self.budget
    }

    /// Bytes that were asked for in all when growth was last refused, since this was last asked.
    pub(crate) fn take_denied(&mut self) -> Option<u64> {
        self.denied.take()
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let more = (desired as u64).saturating_sub(current as u64);
        let total = self.used.saturating_add(more);
        if total > self.budget {
            self.denied = Some(total);
            return Ok(false);
        }
        self.used = total;
        self.last = more;
        Ok(true)
    }

    fn memory_grow_failed(&mut self, _error: wasmtime::Error) -> wasmtime::Result<()> {
        self.used = self.used.saturating_sub(self.last);
        self.denied = Some(self.used.saturating_add(self.last));
        self.last = 0;
        Ok(())
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let more = desired.saturating_sub(current);
        let total = self.entries.saturating_add(more);
        if total > MOST_ENTRIES {
            return Ok(false);
        }
        (self.entries, self.last_entries) = (total, more);
        Ok(true)
    }

    fn table_grow_failed(&mut self, _error: wasmtime::Error) -> wasmtime::Result<()> {
        self.entries = self.entries.saturating_sub(self.last_entries);
        self.last_entries = 0;
        Ok(())
    }

    fn instances(&self) -> usize {
        MOST_PARTS
    }

    fn tables(&self) -> usize {
        MOST_PARTS
    }

    fn memories(&self) -> usize {
        MOST_PARTS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_budget_holds_for_all_memories_of_an_instance_together() {
        let mut limiter = Limiter::new(100);
        assert!(limiter.memory_growing(0, 60, None).unwrap());
        assert!(!limiter.memory_growing(0, 60, None).unwrap());
        assert_eq!(limiter.take_denied(), Some(120));
        assert_eq!(limiter.take_denied(), None);
        assert!(limiter.memory_growing(60, 100, None).unwrap());
        limiter.memory_grow_failed(wasmtime::Error::msg("no memory")).unwrap();
        assert_eq!(limiter.take_denied(), Some(100));
        assert!(limiter.memory_growing(60, 90, None).unwrap());
    }

    #[test]
    fn the_entries_of_all_tables_are_counted_together() {
        let mut limiter = Limiter::new(0);
        assert!(limiter.table_growing(0, MOST_ENTRIES / 2, None).unwrap());
        assert!(!limiter.table_growing(0, MOST_ENTRIES / 2 + 1, None).unwrap());
        assert!(!limiter.table_growing(10, usize::MAX, None).unwrap());
        assert!(limiter.table_growing(0, MOST_ENTRIES / 2, None).unwrap());
        limiter.table_grow_failed(wasmtime::Error::msg("no memory")).unwrap();
        assert!(limiter.table_growing(MOST_ENTRIES / 2, MOST_ENTRIES, None).unwrap());
    }
}
