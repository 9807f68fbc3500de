//! Was a sample drawn by its seed?

use sha2::{Digest, Sha256};

/// The first `count` of these places in the order in which a sample is drawn: SHA-256(seed ‖ `:` ‖ place in decimal), lowest
/// first. They are returned in the order of the log.
pub fn draw(seed: &str, places: impl IntoIterator<Item = u64>, count: usize) -> Vec<u64> {
    let mut keyed: Vec<([u8; 32], u64)> = places.into_iter().map(|place| (key(seed, place), place)).collect();
    if keyed.len() > count {
        keyed.select_nth_unstable(count);
        keyed.truncate(count);
    }
    let mut drawn: Vec<u64> = keyed.into_iter().map(|(_, place)| place).collect();
    drawn.sort_unstable();
    drawn
}

fn key(seed: &str, place: u64) -> [u8; 32] {
    Sha256::new()
        .chain_update(seed.as_bytes())
        .chain_update(b":")
        .chain_update(place.to_string())
        .finalize()
        .into()
}

/// So unlikely (its natural logarithm, −34.5 ≈ ln 10⁻¹⁵) no honest sample ever is.
const NEVER: f64 = 34.5;

/// Can these places be the lowest of `of`, although the others are not known? The keys of all are uniform, so the highest of the
/// `k` lowest lies near `k / of`. When it lies so high that, among `of` keys, fewer than `k` below it happen less than once in
/// 10¹⁵ reports (Chernoff's bound), somebody has chosen them otherwise.
pub(super) fn plausible(seed: &str, places: &[u64], of: u64) -> bool {
    let count = places.len() as u64;
    if count == 0 || count >= of {
        return true;
    }
    let highest = places.iter().map(|place| key(seed, *place)).max().unwrap_or_default();
    let (first, _) = highest.split_first_chunk::<8>().expect("32 bytes");
    let x = (u64::from_be_bytes(*first) as f64 / 2f64.powi(64)).clamp(f64::MIN_POSITIVE, 1.0 - f64::EPSILON);
    let share = (count - 1) as f64 / of as f64;
    if share >= x {
        return true;
    }
    let term = |p: f64, q: f64| if p > 0.0 { p * (p / q).ln() } else { 0.0 };
    of as f64 * (term(share, x) + term(1.0 - share, 1.0 - x)) < NEVER
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_that_of_the_hashes() {
        // printf 'seed:7' | sha256sum, for 0 … 9: the lowest three, by coreutils
        let hash = |place: u64| auditlog_bundle::report::hex(&key("seed", place));
        assert_eq!(
            hash(7),
            "0f1c63b88102f461803c0118ee3e89f1b31b928cd4bc21f5f6297cbb1544b76c"
        );
        let mut by_hash: Vec<u64> = (0..10).collect();
        by_hash.sort_by_key(|place| hash(*place));
        let mut lowest = by_hash[..3].to_vec();
        lowest.sort_unstable();
        assert_eq!(draw("seed", 0..10, 3), lowest);
        assert_eq!(draw("seed", 0..3, 10), [0, 1, 2]);
    }

    #[test]
    fn honest_samples_are_plausible_and_chosen_ones_are_not() {
        for round in 0..200 {
            let seed = format!("seed {round}");
            for of in [26, 60, 1000, 3000] {
                assert!(plausible(&seed, &draw(&seed, 0..of, 25), of), "{seed} {of}");
            }
            // the first 25 of many are somebody's choice
            assert!(!plausible(&seed, &(0..25).collect::<Vec<_>>(), 200), "{seed}");
        }
        let mut one_other = draw("s", 0..100_000, 25);
        one_other[0] = (0..100_000).max_by_key(|place| key("s", *place)).expect("some");
        assert!(!plausible("s", &one_other, 100_000));
    }
}
