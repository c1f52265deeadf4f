//! Sets that are united: a union-find in which the smallest member stands for its set.

/// Disjoint sets of the numbers from 0 on.
#[derive(Debug, Clone, Default)]
pub(super) struct Union(Vec<u32>);

impl Union {
    /// So many sets of one member each.
    pub(super) fn of(count: usize) -> Self {
        Self((0..count as u32).collect())
    }

    /// Adds a set of one member.
    pub(super) fn add(&mut self) {
        self.0.push(self.0.len() as u32);
    }

    /// The smallest member of the set. Halves the path on the way.
    pub(super) fn find(&mut self, mut member: u32) -> u32 {
        while self.parent(member) != member {
            let above = self.parent(self.parent(member));
            if let Some(parent) = self.0.get_mut(member as usize) {
                *parent = above;
            }
            member = above;
        }
        member
    }

    /// Unites two sets.
    pub(super) fn unite(&mut self, one: u32, other: u32) {
        let (one, other) = (self.find(one), self.find(other));
        if let Some(parent) = self.0.get_mut(one.max(other) as usize) {
            *parent = one.min(other);
        }
    }

    fn parent(&self, member: u32) -> u32 {
        self.0.get(member as usize).copied().unwrap_or(member)
    }
}
