//! Patterns in their order, made ready so that finding the first match takes a few look-ups whatever their
//! number: each name knows already which of the patterns that match it is the first.

use super::pattern::Pattern;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// Takes eight bytes at a time, as the compiler's own hasher does. The names come from the policy, so nobody
/// can fill it with names that collide by what they record.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Words(u64);

impl Words {
    fn add(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

impl Hasher for Words {
    fn finish(&self) -> u64 {
        // a product has its best bits above, a table takes the lowest
        self.0.rotate_left(26)
    }

    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        words.iter().for_each(|word| self.add(u64::from_le_bytes(*word)));
        let last = rest
            .iter()
            .rev()
            .fold(rest.len() as u64, |last, byte| (last << 8) | u64::from(*byte));
        self.add(last);
    }

    fn write_u8(&mut self, _: u8) {
        // the end of a text: its length is in already
    }
}

/// Names and what they lead to. Most texts are as long as no name, and are not hashed.
#[derive(Debug, Clone, Default)]
struct Names {
    targets: HashMap<String, usize, BuildHasherDefault<Words>>,
    /// A bit for each length, the last for all that are longer.
    lengths: [u64; 4],
}

impl Names {
    fn bit(name: &str) -> (usize, u64) {
        let length = name.len().min(255);
        (length / 64, 1 << (length % 64))
    }

    fn insert(&mut self, name: &str, target: usize) {
        let (at, bit) = Names::bit(name);
        self.lengths[at] |= bit;
        self.targets.insert(name.to_owned(), target);
    }

    fn get(&self, name: &str) -> Option<usize> {
        let (at, bit) = Names::bit(name);
        if self.lengths[at] & bit == 0 {
            return None;
        }
        self.targets.get(name).copied()
    }
}

/// Finds the first pattern that matches.
#[derive(Debug, Clone, Default)]
pub(super) struct Matcher {
    exact: Names,
    under: Names,
    otherwise: Option<usize>,
}

impl Matcher {
    /// Patterns with what they lead to, in their order.
    pub fn new<'a>(rules: impl Iterator<Item = (&'a Pattern, usize)> + Clone) -> Matcher {
        let mut found = Matcher::default();
        for (pattern, _) in rules.clone() {
            // the first that has all of these types; nothing later can win
            let first = || {
                rules
                    .clone()
                    .find(|(other, _)| other.covers(pattern))
                    .map(|(_, target)| target)
            };
            match pattern {
                Pattern::All => found.otherwise = found.otherwise.or_else(first),
                Pattern::Exact(name) => {
                    if let Some(target) = first() {
                        found.exact.insert(name, target);
                    }
                }
                Pattern::Under(name) => {
                    if let Some(target) = first() {
                        found.under.insert(name, target);
                    }
                }
            }
        }
        found
    }

    /// What the first pattern that matches leads to.
    pub fn find(&self, event_type: &str) -> Option<usize> {
        if let Some(target) = self.exact.get(event_type) {
            return Some(target);
        }
        // the longest name knows whether a shorter one came first
        let mut name = event_type;
        while let Some(dot) = name.rfind('.') {
            name = &name[..dot];
            if let Some(target) = self.under.get(name) {
                return Some(target);
            }
        }
        self.otherwise
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pattern() -> impl Strategy<Value = Pattern> {
        prop_oneof![
            1 => Just(Pattern::All),
            6 => "[ab](\\.[ab]){0,3}".prop_map(Pattern::Exact),
            6 => "[ab](\\.[ab]){0,3}".prop_map(Pattern::Under),
        ]
    }

    proptest! {
        #[test]
        fn the_first_match_wins(
            patterns in proptest::collection::vec(pattern(), 0..12),
            types in proptest::collection::vec("[ab](\\.[ab]){0,4}", 20),
        ) {
            let matcher = Matcher::new(patterns.iter().enumerate().map(|(at, pattern)| (pattern, at)));
            for name in &types {
                let first = patterns.iter().position(|pattern| pattern.matches(name));
                prop_assert_eq!(matcher.find(name), first, "{}", name);
            }
        }
    }
}
