//! Patterns in their order, made ready so that finding the first match takes a few look-ups whatever their
//! number: each name knows already which of the patterns that match it is the first.

use super::pattern::Pattern;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// FNV-1a. The names come from the policy, so nobody can fill it with names that collide by what they record.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Fnv {
        Fnv(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for Fnv {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
}

type Names = HashMap<String, usize, BuildHasherDefault<Fnv>>;

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
                        found.exact.insert(name.clone(), target);
                    }
                }
                Pattern::Under(name) => {
                    if let Some(target) = first() {
                        found.under.insert(name.clone(), target);
                    }
                }
            }
        }
        found
    }

    /// What the first pattern that matches leads to.
    pub fn find(&self, event_type: &str) -> Option<usize> {
        if let Some(target) = self.exact.get(event_type) {
            return Some(*target);
        }
        // the longest name knows whether a shorter one came first
        let mut name = event_type;
        while let Some(dot) = name.rfind('.') {
            name = &name[..dot];
            if let Some(target) = self.under.get(name) {
                return Some(*target);
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
