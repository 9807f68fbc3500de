//! Proofs: those made are RFC 6962's, those made verify, and no other does.

mod support;

use std::sync::OnceLock;

use auditlog_tlog::MAX_SIZE;
use auditlog_tlog::hash::{Hash, empty_root, node_hash};
use auditlog_tlog::proof::{
    HashSource, ProofError, VerifyError, consistency, inclusion, leaf_at, root_at, verify_consistency, verify_inclusion,
};
use auditlog_tlog::tile::TileId;
use proptest::prelude::*;
use support::{Numbers, Stored, Tiles, leaf, leaves, path, proof, root};

#[test]
fn all_pairs_of_small_trees_are_consistent() {
    const LARGEST: u64 = 130;
    let leaves = leaves(LARGEST);
    let roots: Vec<Hash> = (0..=LARGEST as usize).map(|size| root(&leaves[..size])).collect();
    let tiles = Tiles::of(LARGEST);
    for new in 0..=LARGEST {
        for old in 0..=new {
            let made = consistency(old, new, &tiles).unwrap();
            tiles.check_asked(new);
            if old > 0 {
                assert_eq!(made, proof(old as usize, &leaves[..new as usize]), "{old} to {new}");
            }
            let (old_root, new_root) = (&roots[old as usize], &roots[new as usize]);
            verify_consistency(old, old_root, new, new_root, &made).unwrap();
            refuse_changed(old, old_root, new, new_root, &made);
        }
    }
}

/// Checks that changes of a proof or its roots are refused.
fn refuse_changed(old: u64, old_root: &Hash, new: u64, new_root: &Hash, made: &[Hash]) {
    let check =
        |old_root: &Hash, new_root: &Hash, proof: &[Hash]| verify_consistency(old, old_root, new, new_root, proof);
    let other = leaf(999_999);
    assert_eq!(
        check(old_root, new_root, &[made, &[other]].concat()),
        Err(VerifyError::TooLong)
    );
    assert_eq!(
        check(old_root, new_root, &[made, made, &[other]].concat()),
        Err(VerifyError::TooLong)
    );
    assert!(check(&other, new_root, made).is_err());
    if old > 0 {
        assert!(check(old_root, &other, made).is_err());
    }
    if let Some((last, rest)) = made.split_last() {
        assert_eq!(check(old_root, new_root, rest), Err(VerifyError::TooShort));
        assert_eq!(check(old_root, new_root, &[]), Err(VerifyError::TooShort));
        let changed = [rest, &[node_hash(last, last)]].concat();
        assert!(matches!(
            check(old_root, new_root, &changed),
            Err(VerifyError::Root | VerifyError::OldRoot)
        ));
        let mut swapped = made.to_vec();
        swapped.rotate_left(1);
        assert!(made.len() == 1 || check(old_root, new_root, &swapped).is_err());
    }
}

#[test]
fn all_entries_of_small_trees_are_included() {
    const LARGEST: u64 = 130;
    let leaves = leaves(LARGEST);
    let tiles = Tiles::of(LARGEST);
    for size in 1..=LARGEST {
        let leaves = &leaves[..size as usize];
        let root = root(leaves);
        for index in 0..size {
            let made = inclusion(index, size, &tiles).unwrap();
            tiles.check_asked(size);
            assert_eq!(made, path(index as usize, leaves), "{index} in {size}");
            let leaf = leaf_at(index, size, &tiles).unwrap();
            tiles.check_asked(size);
            assert_eq!(leaf, leaves[index as usize]);
            verify_inclusion(&leaf, index, size, &made, &root).unwrap();
            for other in (0..=size).filter(|other| *other != index) {
                assert!(
                    verify_inclusion(&leaf, other, size, &made, &root).is_err(),
                    "{index} as {other} of {size}"
                );
            }
            let longer = [&made[..], &[root]].concat();
            assert_eq!(
                verify_inclusion(&leaf, index, size, &longer, &root),
                Err(VerifyError::TooLong)
            );
            if let Some((_, rest)) = made.split_last() {
                assert_eq!(
                    verify_inclusion(&leaf, index, size, rest, &root),
                    Err(VerifyError::TooShort)
                );
                assert_eq!(
                    verify_inclusion(&leaf, index, size, &made[1..], &root),
                    Err(VerifyError::TooShort)
                );
            }
        }
    }
}

#[test]
fn old_sizes_of_a_tree_that_has_grown_are_proven() {
    const LARGEST: u64 = 132_000;
    let leaves = leaves(LARGEST);
    let tiles = Tiles::of(LARGEST);
    let mut numbers = Numbers(3);
    let mut sizes: Vec<u64> = (0..8).map(|_| numbers.below(LARGEST) + 1).collect();
    sizes.extend([1, 255, 256, 257, 65_535, 65_536, 65_537, 131_072, LARGEST]);
    for size in sizes {
        let root = root(&leaves[..size as usize]);
        assert_eq!(root_at(size, &tiles).unwrap(), root);
        tiles.check_asked(size);
        let index = numbers.below(size);
        let made = inclusion(index, size, &tiles).unwrap();
        tiles.check_asked(size);
        assert_eq!(made, path(index as usize, &leaves[..size as usize]));
        let old = numbers.below(size) + 1;
        let made = consistency(old, size, &tiles).unwrap();
        tiles.check_asked(size);
        assert_eq!(
            made,
            if old == size {
                vec![]
            } else {
                proof(old as usize, &leaves[..size as usize])
            }
        );
    }
}

#[test]
fn impossible_questions_have_errors() {
    let tiles = Tiles::of(10);
    assert_eq!(
        inclusion(10, 10, &tiles),
        Err(ProofError::Index { index: 10, size: 10 })
    );
    assert_eq!(leaf_at(0, 0, &tiles), Err(ProofError::Index { index: 0, size: 0 }));
    assert_eq!(consistency(11, 10, &tiles), Err(ProofError::Sizes { old: 11, new: 10 }));
    assert_eq!(root_at(MAX_SIZE + 1, &tiles), Err(ProofError::TooLarge(MAX_SIZE + 1)));
    assert_eq!(root_at(0, &tiles), Ok(empty_root()));
    assert!(tiles.asked.take().is_empty());
    let id = TileId { level: 0, index: 0 };
    assert_eq!(
        root_at(11, &tiles),
        Err(ProofError::Short {
            id,
            wanted: 11,
            found: 10
        })
    );
    assert_eq!(
        root_at(257, &tiles),
        Err(ProofError::Source("no tile tile/0/001".to_owned()))
    );

    struct Few;
    impl HashSource for Few {
        type Error = String;
        fn tiles(&self, _: &[(TileId, u16)]) -> Result<Vec<Vec<Hash>>, String> {
            Ok(vec![])
        }
    }
    assert_eq!(root_at(1, &&Few), Err(ProofError::Tiles { wanted: 1, found: 0 }));
    assert_eq!(
        ProofError::<String>::Short {
            id,
            wanted: 11,
            found: 10
        }
        .to_string(),
        "the tile tile/0/000.p/11 has 10 hashes where the tree has 11"
    );
}

#[test]
fn sizes_without_a_proof_are_checked_too() {
    let (a, b, empty) = (leaf(1), leaf(2), empty_root());
    use VerifyError as E;
    for (old, old_root, new, new_root, expected) in [
        (0, empty, 0, empty, Ok(())),
        (0, empty, 0, a, Err(E::Root)),
        (0, a, 0, a, Err(E::OldRoot)),
        (0, empty, 5, a, Ok(())),
        (0, a, 5, a, Err(E::OldRoot)),
        (5, a, 5, a, Ok(())),
        (5, a, 5, b, Err(E::Root)),
        (6, a, 5, a, Err(E::Sizes { old: 6, new: 5 })),
        (4, a, 5, b, Err(E::TooShort)),
        (3, a, 5, b, Err(E::TooShort)),
        (3, a, MAX_SIZE + 1, b, Err(E::TooLarge(MAX_SIZE + 1))),
    ] {
        assert_eq!(
            verify_consistency(old, &old_root, new, &new_root, &[]),
            expected,
            "{old} to {new}"
        );
    }
    for (old, new) in [(0, 0), (0, 5), (5, 5)] {
        let root = if old == 0 { empty } else { a };
        assert_eq!(verify_consistency(old, &root, new, &root, &[a]), Err(E::TooLong));
    }
    assert_eq!(verify_inclusion(&a, 0, 1, &[], &a), Ok(()));
    assert_eq!(verify_inclusion(&a, 0, 1, &[], &b), Err(E::Root));
    assert_eq!(verify_inclusion(&a, 0, 0, &[], &a), Err(E::Index { index: 0, size: 0 }));
    assert_eq!(verify_inclusion(&a, 0, u64::MAX, &[], &a), Err(E::TooLarge(u64::MAX)));
}

/// A tree of any size whose entries are all the same: a hash for each height.
struct Same(Vec<Hash>);

impl Same {
    fn new() -> Self {
        Self(
            (0..64)
                .scan(leaf(0), |root, _| Some(std::mem::replace(root, node_hash(root, root))))
                .collect(),
        )
    }
}

impl HashSource for Same {
    type Error = std::convert::Infallible;

    fn tiles(&self, wanted: &[(TileId, u16)]) -> Result<Vec<Vec<Hash>>, Self::Error> {
        Ok(wanted
            .iter()
            .map(|(id, width)| vec![self.0[8 * usize::from(id.level)]; usize::from(*width)])
            .collect())
    }
}

#[test]
fn trees_of_any_size_can_be_proven() {
    let tree = Same::new();
    let mut numbers = Numbers(11);
    for size in [1_000_000_000, 1 << 40, MAX_SIZE, MAX_SIZE - 1, (1 << 62) + 1, 1 << 62] {
        let root = root_at(size, &tree).unwrap();
        for index in [0, size / 2, size - 1, numbers.below(size)] {
            let made = inclusion(index, size, &tree).unwrap();
            assert!(made.len() <= 63);
            verify_inclusion(&leaf(0), index, size, &made, &root).unwrap();
            let old = index + 1;
            let made = consistency(old, size, &tree).unwrap();
            // One more than the tree is high; above 2⁶² that is more than a witness takes.
            assert!(made.len() <= 64, "{old} to {size}: {}", made.len());
            verify_consistency(old, &root_at(old, &tree).unwrap(), size, &root, &made).unwrap();
        }
    }
}

#[test]
fn a_proof_in_a_tree_of_a_thousand_million_has_less_than_a_kilobyte_of_hashes() {
    let tree = Same::new();
    let longest = [0, 123_456_789, 999_999_999].map(|index| inclusion(index, 1_000_000_000, &tree).unwrap().len());
    assert_eq!(longest[0], 30);
    assert!(longest.iter().all(|hashes| hashes * 32 <= 1024));
}

/// The sides of an inclusion path, leaf first: two questions with the same sides have the same proofs.
fn sides(index: u64, size: u64) -> Vec<bool> {
    let (mut start, mut end) = (0, size);
    let mut sides = Vec::new();
    while end - start > 1 {
        let middle = start + (end - start).next_power_of_two() / 2;
        sides.push(index < middle);
        if index < middle { end = middle } else { start = middle }
    }
    sides.reverse();
    sides
}

/// The tiles of a tree of 2000 entries, from which those of all smaller trees are proven.
static SMALL: OnceLock<Stored> = OnceLock::new();

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_changed_is_included(
        size in 1u64..2000, index: prop::sample::Index, at: prop::sample::Index, bit in 0u32..8, other in 0u64..4000,
    ) {
        let tiles = SMALL.get_or_init(|| Stored(Tiles::of(2000).stored));
        let index = index.index(size as usize) as u64;
        let (leaf, root) = (leaf(index), root_at(size, tiles).unwrap());
        let made = inclusion(index, size, tiles).unwrap();
        prop_assert_eq!(verify_inclusion(&leaf, index, size, &made, &root), Ok(()));

        // One bit of the leaf, the root or the proof.
        let mut bytes = [&[leaf, root][..], &made].concat().concat();
        let place = at.index(bytes.len());
        bytes[place] ^= 1 << bit;
        let hashes = bytes.as_chunks::<32>().0;
        let verified = verify_inclusion(&hashes[0], index, size, &hashes[2..], &hashes[1]);
        prop_assert_eq!(verified, Err(VerifyError::Root));

        if other != index {
            prop_assert!(verify_inclusion(&leaf, other, size, &made, &root).is_err());
        }
        // A size is only proven together with its root. Where the path is the same, so is the proof.
        let same = other > index && sides(index, other) == sides(index, size);
        prop_assert_eq!(verify_inclusion(&leaf, index, other, &made, &root).is_ok(), same);
    }

    #[test]
    fn nothing_changed_is_consistent(
        new in 2u64..2000, old: prop::sample::Index, at: prop::sample::Index, bit in 0u32..8,
    ) {
        let tiles = SMALL.get_or_init(|| Stored(Tiles::of(2000).stored));
        let old = old.index(new as usize - 1) as u64 + 1;
        let (old_root, new_root) = (root_at(old, tiles).unwrap(), root_at(new, tiles).unwrap());
        let made = consistency(old, new, tiles).unwrap();
        prop_assert_eq!(verify_consistency(old, &old_root, new, &new_root, &made), Ok(()));

        let mut bytes = [&[old_root, new_root][..], &made].concat().concat();
        let place = at.index(bytes.len());
        bytes[place] ^= 1 << bit;
        let hashes = bytes.as_chunks::<32>().0;
        prop_assert!(verify_consistency(old, &hashes[0], new, &hashes[1], &hashes[2..]).is_err());
    }

    #[test]
    fn no_list_of_hashes_upsets_the_verifiers(
        index: u64, size: u64, hashes in prop::collection::vec(any::<Hash>(), 0..70),
    ) {
        prop_assert!(verify_inclusion(&leaf(0), index, size, &hashes, &leaf(1)).is_err());
        let verified = verify_consistency(index, &leaf(0), size, &leaf(1), &hashes);
        prop_assert!(verified.is_err());
    }
}
