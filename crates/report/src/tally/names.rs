//! Names that are counted while there are not too many of them.

use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};

/// A name's share of the memory beside its letters, in bytes.
pub(super) const NAME_COST: usize = 48;

/// Names, unless there are too many.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Names<T> {
    /// `None` when they would have taken too much memory.
    pub(super) found: Option<T>,
    bytes: usize,
}

impl<T: Default> Default for Names<T> {
    fn default() -> Names<T> {
        Names {
            found: Some(T::default()),
            bytes: 0,
        }
    }
}

impl<T> Names<T> {
    /// Another name: the rest is given up when there are too many.
    fn grow(&mut self, name: &str, limit: usize) {
        self.bytes += name.len() + NAME_COST;
        if self.bytes > limit {
            self.found = None;
        }
    }
}

impl Names<HashMap<Box<str>, u64>> {
    pub(super) fn add(&mut self, name: &str, n: u64, limit: usize) {
        let Some(found) = &mut self.found else { return };
        match found.get_mut(name) {
            Some(count) => *count += n,
            None => {
                found.insert(name.into(), n);
                self.grow(name, limit);
            }
        }
    }
}

impl Names<HashSet<Box<str>>> {
    pub(super) fn add(&mut self, name: &str, limit: usize) {
        let Some(found) = &mut self.found else { return };
        if !found.contains(name) {
            found.insert(name.into());
            self.grow(name, limit);
        }
    }
}
