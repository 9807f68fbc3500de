//! The groups of an alert, by key, and in the order in which they were last matched.
//!
//! Where memory ends, groups are given up in classes: first those with a single entry, then those with more,
//! at last those that have fired; in a class the one that was matched longest ago. So who invents groups to
//! push an attack out of memory gives up their own ones first.

use std::collections::HashMap;
use std::sync::Arc;

/// Place of a group in its table.
pub(super) type GroupId = u32;

const NONE: u32 = u32::MAX;

/// How much is lost with a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Class {
    /// One entry.
    Single = 0,
    /// Several.
    Several = 1,
    /// It has fired.
    Fired = 2,
    /// It has fired, and is to be resolved.
    Open = 3,
}

const CLASSES: [Class; 4] = [Class::Single, Class::Several, Class::Fired, Class::Open];

/// Groups of type `T`.
#[derive(Debug)]
pub(super) struct Groups<T> {
    ids: HashMap<Arc<str>, GroupId>,
    slots: Vec<Slot<T>>,
    free: Vec<GroupId>,
    /// First and last of each class.
    ends: [(GroupId, GroupId); CLASSES.len()],
}

#[derive(Debug)]
struct Slot<T> {
    key: Arc<str>,
    /// When it was last matched, by the engine's clock.
    last_us: i64,
    class: Class,
    before: GroupId,
    behind: GroupId,
    value: T,
}

impl<T> Default for Groups<T> {
    fn default() -> Groups<T> {
        Groups {
            ids: HashMap::new(),
            slots: Vec::new(),
            free: Vec::new(),
            ends: [(NONE, NONE); CLASSES.len()],
        }
    }
}

impl<T: Default> Groups<T> {
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    pub fn find(&self, key: &str) -> Option<GroupId> {
        self.ids.get(key).copied()
    }

    /// The group's value; the id is one that `find` or `add` gave.
    pub fn get(&mut self, id: GroupId) -> &mut T {
        &mut self.slots[id as usize].value
    }

    pub fn key(&self, id: GroupId) -> &Arc<str> {
        &self.slots[id as usize].key
    }

    pub fn last_us(&self, id: GroupId) -> i64 {
        self.slots[id as usize].last_us
    }

    pub fn values(&self) -> impl Iterator<Item = &T> {
        self.ids.values().map(|id| &self.slots[*id as usize].value)
    }

    /// Keys, times and values of all groups.
    pub fn all(&self) -> impl Iterator<Item = (&str, i64, &T)> {
        self.ids.values().map(|id| {
            let slot = &self.slots[*id as usize];
            (slot.key.as_ref(), slot.last_us, &slot.value)
        })
    }

    /// Forgets groups that were not matched since then, but for those that are open.
    pub fn forget(&mut self, since_us: i64) {
        for class in [Class::Single, Class::Several, Class::Fired] {
            while let Some((id, last_us)) = self.oldest(class)
                && last_us <= since_us
            {
                self.remove(id);
            }
        }
    }

    /// Gives up a group, because memory ends; says whether there was one.
    pub fn give_up(&mut self) -> bool {
        let weakest = CLASSES.into_iter().find_map(|class| self.oldest(class));
        if let Some((id, _)) = weakest {
            self.remove(id);
        }
        weakest.is_some()
    }

    /// A new group; there is none of this key yet.
    pub fn add(&mut self, key: &str, last_us: i64, class: Class) -> GroupId {
        let slot = Slot {
            key: Arc::from(key),
            last_us,
            class,
            before: NONE,
            behind: NONE,
            value: T::default(),
        };
        let id = match self.free.pop() {
            Some(id) => {
                self.slots[id as usize] = slot;
                id
            }
            None => {
                self.slots.push(slot);
                (self.slots.len() - 1) as GroupId
            }
        };
        self.ids.insert(Arc::clone(&self.slots[id as usize].key), id);
        self.link(id);
        id
    }

    /// The group was matched, or its class has changed. Its time never goes back.
    pub fn touch(&mut self, id: GroupId, last_us: i64, class: Class) {
        let slot = &self.slots[id as usize];
        let last_us = last_us.max(slot.last_us);
        if slot.class == class && (slot.last_us == last_us && slot.behind == NONE) {
            return;
        }
        self.unlink(id);
        let slot = &mut self.slots[id as usize];
        slot.last_us = last_us;
        slot.class = class;
        self.link(id);
    }

    /// The group of the class that was matched longest ago, and when.
    pub fn oldest(&self, class: Class) -> Option<(GroupId, i64)> {
        let id = self.ends[class as usize].0;
        (id != NONE).then(|| (id, self.slots[id as usize].last_us))
    }

    fn remove(&mut self, id: GroupId) {
        self.unlink(id);
        let slot = &mut self.slots[id as usize];
        slot.value = T::default();
        self.ids.remove(&slot.key);
        self.free.push(id);
    }

    /// Puts the group behind those that were matched before it: nearly always at the end.
    fn link(&mut self, id: GroupId) {
        let (class, last_us) = (self.slots[id as usize].class, self.slots[id as usize].last_us);
        let mut before = self.ends[class as usize].1;
        while before != NONE && self.slots[before as usize].last_us > last_us {
            before = self.slots[before as usize].before;
        }
        let behind = match before {
            NONE => self.ends[class as usize].0,
            before => self.slots[before as usize].behind,
        };
        self.slots[id as usize].before = before;
        self.slots[id as usize].behind = behind;
        self.join(class, before, id);
        self.join(class, id, behind);
    }

    fn unlink(&mut self, id: GroupId) {
        let slot = &self.slots[id as usize];
        let (class, before, behind) = (slot.class, slot.before, slot.behind);
        self.join(class, before, behind);
    }

    fn join(&mut self, class: Class, before: GroupId, behind: GroupId) {
        match before {
            NONE => self.ends[class as usize].0 = behind,
            before => self.slots[before as usize].behind = behind,
        }
        match behind {
            NONE => self.ends[class as usize].1 = before,
            behind => self.slots[behind as usize].before = before,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_weakest_is_the_oldest_of_the_lowest_class() {
        let mut groups: Groups<u8> = Groups::default();
        let fired = groups.add("fired", 1, Class::Fired);
        let several = groups.add("several", 2, Class::Several);
        let single = groups.add("single", 3, Class::Single);
        let other = groups.add("other", 4, Class::Single);
        groups.touch(single, 5, Class::Single);
        groups.touch(fired, 9, Class::Open);
        let mut order = Vec::new();
        while groups.give_up() {
            let gone = [fired, several, single, other].into_iter().find(|id| {
                !order.contains(id)
                    && groups
                        .find(["fired", "several", "single", "other"][*id as usize])
                        .is_none()
            });
            order.extend(gone);
        }
        assert_eq!(order, [other, single, several, fired]);
        assert_eq!(groups.len(), 0);
    }

    proptest! {
        /// Against a list that is sorted anew for each question.
        #[test]
        fn order_is_kept(steps in proptest::collection::vec((0..12u8, 0..40i64, 0..4usize, 0..5u8), 0..200)) {
            let mut groups: Groups<u8> = Groups::default();
            let mut model: Vec<(String, i64, Class)> = Vec::new();
            for (name, time, class, action) in steps {
                let (key, class) = (name.to_string(), CLASSES[class]);
                let found = groups.find(&key);
                prop_assert_eq!(found.is_some(), model.iter().any(|(known, ..)| *known == key));
                let before = model.iter().position(|(known, ..)| *known == key).map(|at| model.remove(at));
                match (found, before) {
                    (Some(id), Some(_)) if action == 0 => groups.remove(id),
                    (Some(id), Some((_, last, _))) => {
                        groups.touch(id, time, class);
                        model.push((key, time.max(last), class));
                    }
                    _ => {
                        groups.add(&key, time, class);
                        model.push((key, time, class));
                    }
                }
                prop_assert_eq!(groups.len(), model.len());
                for class in CLASSES {
                    let oldest = model.iter().filter(|entry| entry.2 == class).map(|entry| entry.1).min();
                    prop_assert_eq!(groups.oldest(class).map(|(_, last)| last), oldest);
                }
            }
        }
    }
}
