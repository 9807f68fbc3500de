//! Sets against `BTreeSet`.

use std::collections::BTreeSet;

use auditlog_index::sets::{cut, intersect, union};
use proptest::prelude::*;

fn set(most: usize) -> impl Strategy<Value = BTreeSet<u64>> {
    let value = prop_oneof![0..40u64, 0..2_000u64, any::<u64>()];
    prop::collection::btree_set(value, 0..most)
}

fn list(set: &BTreeSet<u64>) -> Vec<u64> {
    set.iter().copied().collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn intersections(a in set(30), b in prop_oneof![set(30), set(600)]) {
        let expected: Vec<u64> = a.intersection(&b).copied().collect();
        prop_assert_eq!(intersect(&list(&a), &list(&b)), expected.clone());
        prop_assert_eq!(intersect(&list(&b), &list(&a)), expected);
    }

    #[test]
    fn unions(sets in prop::collection::vec(set(50), 0..6)) {
        let expected: BTreeSet<u64> = sets.iter().flatten().copied().collect();
        let lists: Vec<Vec<u64>> = sets.iter().map(list).collect();
        prop_assert_eq!(union(&lists), list(&expected));
    }

    #[test]
    fn cuts(set in set(30), max in 0..40usize) {
        let mut left = list(&set);
        prop_assert_eq!(cut(&mut left, max), set.len() > max);
        prop_assert_eq!(left, set.into_iter().take(max).collect::<Vec<_>>());
    }
}
