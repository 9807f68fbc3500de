//! The places of an object's events, and the tree over them: the same as a certificate's.

use auditlog_bundle::certificate::{Range, place_leaf};
use auditlog_tlog::{Frontier, Hash};

/// Places as they come, ascending. Takes the memory of the ranges.
#[derive(Debug, Clone, Default)]
pub(crate) struct Places {
    ranges: Vec<Range>,
    tree: Frontier,
}

impl Places {
    /// Whether `log_index` comes after all of them.
    pub(crate) fn is_next(&self, log_index: u64) -> bool {
        self.ranges.last().is_none_or(|(_, last)| *last < log_index)
    }

    /// Whether `log_index` would begin a range of its own.
    pub(crate) fn begins(&self, log_index: u64) -> bool {
        self.ranges
            .last()
            .is_none_or(|(_, last)| last.checked_add(1) != Some(log_index))
    }

    /// Adds the next place, with its leaf in the log's tree.
    pub(crate) fn push(&mut self, log_index: u64, entry_hash: &Hash) {
        match self.ranges.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(log_index) => *last = log_index,
            _ => self.ranges.push((log_index, log_index)),
        }
        self.tree.push(place_leaf(log_index, entry_hash));
    }

    pub(crate) fn ranges(&self) -> &[Range] {
        &self.ranges
    }

    pub(crate) fn events(&self) -> u64 {
        self.tree.size()
    }

    pub(crate) fn root(&self) -> Hash {
        self.tree.root()
    }
}
