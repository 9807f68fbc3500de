//! Sets of log indexes: ascending vectors without repetitions.

/// From this ratio of lengths on, the longer set is searched instead of walked through.
const GALLOP: usize = 16;

/// What is in both. Both ascend.
pub fn intersect(a: &[u64], b: &[u64]) -> Vec<u64> {
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    let mut both = Vec::with_capacity(short.len());
    if short.len().saturating_mul(GALLOP) <= long.len() {
        let mut rest = long;
        for wanted in short {
            rest = &rest[gallop(rest, *wanted)..];
            if rest.first() == Some(wanted) {
                both.push(*wanted);
            }
        }
        return both;
    }
    let (mut i, mut j) = (0, 0);
    while let (Some(x), Some(y)) = (short.get(i), long.get(j)) {
        if x == y {
            both.push(*x);
        }
        i += usize::from(x <= y);
        j += usize::from(y <= x);
    }
    both
}

/// How many of `set` are less than `wanted`, in time that grows with the logarithm of the answer.
fn gallop(set: &[u64], wanted: u64) -> usize {
    let mut end = 1;
    while set.get(end - 1).is_some_and(|value| *value < wanted) {
        end *= 2;
    }
    let start = end / 2;
    let end = end.min(set.len());
    start + set[start..end].partition_point(|value| *value < wanted)
}

/// What is in any. Each ascends.
pub fn union(sets: &[Vec<u64>]) -> Vec<u64> {
    let mut all = sets.concat();
    // The standard library's stable sort finds ascending stretches and merges them.
    all.sort();
    all.dedup();
    all
}

/// Leaves the first `max`. True when that took some away, so that the rest of the log must be searched
/// in another way.
#[must_use]
pub fn cut(set: &mut Vec<u64>, max: usize) -> bool {
    let too_many = set.len() > max;
    set.truncate(max);
    too_many
}
