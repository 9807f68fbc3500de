//! Values that a group has had, and when one is new.
//!
//! A group is watched for `after` from its first event on, by arrival; until then all its values are learnt. After that, a value that it
//! never had is new, once. Of each group the values seen last are kept; one that was dropped, or a group that was not
//! seen for [`FORGET_DAYS`] days, begins anew.

use super::groups::{Class, Groups};
use std::collections::HashMap;

/// A group that does not come for so long is forgotten.
pub const FORGET_DAYS: i64 = 90;

/// Values of an alert's groups.
#[derive(Debug)]
pub(super) struct Known {
    after_us: i64,
    /// Most values of a group.
    most: usize,
    pub groups: Groups<Values>,
    /// Values that went because there were too many.
    pub dropped: u64,
}

/// Values of a group.
#[derive(Debug, Default, Clone, PartialEq)]
pub(super) struct Values {
    /// When its first event arrived.
    pub since_us: i64,
    /// Hashes of its values, and when each arrived last.
    pub seen: HashMap<u128, i64>,
}

/// A value that is new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct New {
    /// How many values the group had before.
    pub known: usize,
    /// Since when it is watched, microseconds since the epoch.
    pub since_us: i64,
}

impl Known {
    pub fn new(after_us: i64, most: usize) -> Known {
        Known {
            after_us,
            most: most.max(2),
            groups: Groups::default(),
            dropped: 0,
        }
    }

    /// A matching event of a group with this value; says when it is new.
    pub fn observe(&mut self, key: &str, value: u128, arrived_us: i64) -> Option<New> {
        let id = self.groups.find(key).unwrap_or_else(|| {
            let id = self.groups.add(key, arrived_us, Class::Single);
            self.groups.get(id).since_us = arrived_us;
            id
        });
        let (after_us, most) = (self.after_us, self.most);
        let group = self.groups.get(id);
        let learnt = arrived_us.saturating_sub(group.since_us) >= after_us;
        let known = group.seen.len();
        let before = group.seen.insert(value, arrived_us);
        self.dropped += group.bound(most);
        let new = New {
            known,
            since_us: group.since_us,
        };
        self.groups
            .touch(id, arrived_us, if learnt { Class::Several } else { Class::Single });
        (learnt && before.is_none()).then_some(new)
    }

    /// Forgets groups that do not come any more.
    pub fn sweep(&mut self, clock_us: i64) {
        let kept_us = self.after_us.saturating_add(FORGET_DAYS * 86_400_000_000);
        self.groups.forget(clock_us.saturating_sub(kept_us));
    }
}

impl Values {
    /// Drops the value that was not seen for longest, when there are too many.
    fn bound(&mut self, most: usize) -> u64 {
        if self.seen.len() <= most {
            return 0;
        }
        // by the value where the times are equal: what is dropped must not hang on the order of a hash table
        let oldest = self
            .seen
            .iter()
            .min_by_key(|(value, last)| (**last, **value))
            .map(|(value, _)| *value);
        oldest.and_then(|value| self.seen.remove(&value)).map_or(0, |_| 1)
    }
}
