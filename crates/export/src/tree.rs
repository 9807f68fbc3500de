//! The log's tree of which only some leaves are given, and what is in the gaps between them.

use auditlog_tlog::Hash;
use auditlog_tlog::hash::{empty_root, node_hash};

/// A complete subtree: its first leaf is a multiple of its size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subtree {
    /// It has 2 to the power of this leaves.
    pub height: u32,
    /// How many subtrees of this height are left of it.
    pub index: u64,
}

/// The largest complete subtrees within the leaves from `from` to before `to`, from left to right.
pub fn gap(from: u64, to: u64) -> impl Iterator<Item = Subtree> {
    let mut at = from;
    std::iter::from_fn(move || {
        if at >= to {
            return None;
        }
        let fits = 63 - (to - at).leading_zeros();
        let height = at.trailing_zeros().min(fits);
        let index = at >> height;
        at += 1 << height;
        Some(Subtree { height, index })
    })
}

/// Makes the root from leaves and subtrees that come from left to right.
#[derive(Debug, Clone, Default)]
pub struct Builder {
    size: u64,
    /// Subtrees that wait for the one to their right, each smaller than the one before.
    stack: Vec<(u32, Hash)>,
}

impl Builder {
    /// How many leaves have come.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Adds a complete subtree, which must begin where the leaves so far end.
    pub fn add(&mut self, height: u32, hash: Hash) {
        let (mut at, mut joined) = (height, hash);
        while let Some((_, left)) = self.stack.pop_if(|(top, _)| *top == at) {
            joined = node_hash(&left, &joined);
            at += 1;
        }
        self.stack.push((at, joined));
        self.size += 1 << height;
    }

    /// The root over all leaves.
    pub fn root(&self) -> Hash {
        let mut hashes = self.stack.iter().rev();
        let Some((_, last)) = hashes.next() else {
            return empty_root();
        };
        hashes.fold(*last, |right, (_, left)| node_hash(left, &right))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use auditlog_tlog::Frontier;
    use auditlog_tlog::hash::leaf_hash;

    fn leaves(size: u64) -> Vec<Hash> {
        (0..size).map(|i| leaf_hash(&[i as u8; 32])).collect()
    }

    fn hash_of(leaves: &[Hash], subtree: Subtree) -> Hash {
        let width = 1usize << subtree.height;
        let first = subtree.index as usize * width;
        let mut tree = Builder::default();
        leaves[first..first + width].iter().for_each(|leaf| tree.add(0, *leaf));
        tree.root()
    }

    #[test]
    fn any_leaves_with_the_gaps_between_them_give_the_root() {
        for size in 0..70 {
            let all = leaves(size);
            let mut expected = Frontier::new();
            all.iter().for_each(|leaf| expected.push(*leaf));
            for step in 1..9 {
                for first in 0..step {
                    let mut tree = Builder::default();
                    let mut at = 0;
                    for chosen in (first..size).step_by(step as usize).chain([size]) {
                        for subtree in gap(at, chosen) {
                            tree.add(subtree.height, hash_of(&all, subtree));
                        }
                        if chosen < size {
                            tree.add(0, all[chosen as usize]);
                        }
                        at = chosen + 1;
                    }
                    assert_eq!(
                        (tree.size(), tree.root()),
                        (size, expected.root()),
                        "{size} {step} {first}"
                    );
                }
            }
        }
    }
}
