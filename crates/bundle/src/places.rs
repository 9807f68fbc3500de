//! Sets of places of the log. They take memory by the files they touch, 8 KiB each, and not by the places:
//! what retention has removed may be every third event of years.

use std::collections::BTreeMap;

use crate::layout::EVENTS_PER_FILE;

/// Places of one file, 64 to a word.
const WORDS: usize = (EVENTS_PER_FILE / 64) as usize;

/// The places of one file that are in a set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FilePlaces {
    /// All that it can have.
    All,
    /// Some: one bit each.
    Some(Box<[u64; WORDS]>),
}

impl FilePlaces {
    /// None of them.
    pub(crate) fn none() -> Self {
        Self::Some(Box::new([0; WORDS]))
    }

    /// Whether the place `at`, counted from the file's first, is among them.
    pub(crate) fn has(&self, at: u64) -> bool {
        self.word((at / 64) as usize) & (1 << (at % 64)) != 0
    }

    /// The places from 64 × `number` on, the first in the lowest bit.
    pub(crate) fn word(&self, number: usize) -> u64 {
        match self {
            Self::All => u64::MAX,
            Self::Some(words) => words[number],
        }
    }

    /// Adds a place.
    pub(crate) fn set(&mut self, at: u64) {
        self.set_word((at / 64) as usize, 1 << (at % 64));
    }

    fn set_word(&mut self, number: usize, bits: u64) {
        if let Self::Some(words) = self {
            words[number] |= bits;
        }
    }
}

/// A set of places.
#[derive(Debug, Clone, Default)]
pub(crate) struct Places {
    files: BTreeMap<u64, FilePlaces>,
}

impl Places {
    /// The places of a file that are in the set; `None` when it has none of them.
    pub(crate) fn of_file(&self, number: u64) -> Option<&FilePlaces> {
        self.files.get(&number)
    }

    /// Whether it has this place.
    pub(crate) fn has(&self, place: u64) -> bool {
        self.of_file(place / EVENTS_PER_FILE)
            .is_some_and(|file| file.has(place % EVENTS_PER_FILE))
    }

    /// Adds the places from `first` to `last`, both included.
    pub(crate) fn add(&mut self, first: u64, last: u64) {
        for (number, from, to) in by_file(first, last) {
            if (from, to) == (0, EVENTS_PER_FILE - 1) {
                self.files.insert(number, FilePlaces::All);
                continue;
            }
            let file = self.files.entry(number).or_insert_with(FilePlaces::none);
            for (word, bits) in words(from, to) {
                file.set_word(word, bits);
            }
        }
    }

    /// The first place from `first` to `last` that is in the set.
    pub(crate) fn first_of(&self, first: u64, last: u64) -> Option<u64> {
        if first > last {
            return None;
        }
        let files = self.files.range(first / EVENTS_PER_FILE..=last / EVENTS_PER_FILE);
        files.into_iter().find_map(|(number, file)| {
            let (from, to) = in_file(*number, first, last);
            let (word, common) = words(from, to)
                .map(|(word, bits)| (word, bits & file.word(word)))
                .find(|(_, common)| *common != 0)?;
            Some(number * EVENTS_PER_FILE + word as u64 * 64 + u64::from(common.trailing_zeros()))
        })
    }
}

/// The first and the last place from `first` to `last` in a file that has some of them, counted from its own first.
fn in_file(number: u64, first: u64, last: u64) -> (u64, u64) {
    let start = number * EVENTS_PER_FILE;
    (
        first.max(start) - start,
        last.min(start + (EVENTS_PER_FILE - 1)) - start,
    )
}

/// The files of the places from `first` to `last`, each with its first and last place counted from 0.
fn by_file(first: u64, last: u64) -> impl Iterator<Item = (u64, u64, u64)> {
    let files = if first <= last {
        first / EVENTS_PER_FILE..last / EVENTS_PER_FILE + 1
    } else {
        0..0
    };
    files.map(move |number| {
        let (from, to) = in_file(number, first, last);
        (number, from, to)
    })
}

/// The words of the places from `from` to `to` of a file, each with its bits of them.
fn words(from: u64, to: u64) -> impl Iterator<Item = (usize, u64)> {
    (from / 64..to / 64 + 1).map(move |word| {
        let low = from.max(word * 64) % 64;
        let high = to.min(word * 64 + 63) % 64;
        (word as usize, (u64::MAX >> (63 - (high - low))) << low)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn a_set_has_what_was_added(ranges in prop::collection::vec((60_000..140_000u64, prop_oneof![0..200u64, 0..70_000u64]), 0..6)) {
            let mut set = Places::default();
            let mut model = BTreeSet::new();
            for (first, count) in ranges {
                let last = first + count;
                prop_assert_eq!(set.first_of(first, last), model.range(first..=last).next().copied());
                set.add(first, last);
                model.extend(first..=last);
            }
            for place in (60_000..210_000).step_by(61).chain([65_535, 65_536, 131_071, 131_072]) {
                prop_assert_eq!(set.has(place), model.contains(&place));
            }
        }
    }

    #[test]
    fn the_edges() {
        let mut set = Places::default();
        set.add(0, 65_535);
        assert_eq!(set.of_file(0), Some(&FilePlaces::All));
        assert!(set.of_file(1).is_none() && set.has(65_535) && !set.has(65_536));
        set.add(5, 4);
        assert_eq!(set.files.len(), 1);
        set.add(u64::MAX - 1, u64::MAX);
        assert!(set.has(u64::MAX) && !set.has(u64::MAX - 2));
        assert_eq!(set.first_of(65_536, u64::MAX - 2), None);
    }
}
