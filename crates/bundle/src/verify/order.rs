//! Which records of a file are out of order.

/// The fewest positions of `places` without which the rest ascends. The places are all different.
pub(super) fn misplaced(places: &[u32]) -> Vec<usize> {
    // the longest ascending subsequence: ends[k] is where the best one of length k + 1 ends
    let mut ends: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = Vec::with_capacity(places.len());
    for (at, place) in places.iter().enumerate() {
        let length = ends.partition_point(|end| places[*end] < *place);
        before.push(length.checked_sub(1).map(|k| ends[k]));
        if length == ends.len() {
            ends.push(at);
        } else {
            ends[length] = at;
        }
    }
    let mut kept = vec![false; places.len()];
    let mut at = ends.last().copied();
    while let Some(here) = at {
        kept[here] = true;
        at = before[here];
    }
    (0..places.len()).filter(|at| !kept[*at]).collect()
}

#[cfg(test)]
mod tests {
    use super::misplaced;

    #[test]
    fn the_fewest_are_named() {
        assert_eq!(misplaced(&[]), [0; 0]);
        assert_eq!(misplaced(&[1, 2, 3]), [0; 0]);
        // one moved to the front, one to the end
        assert_eq!(misplaced(&[9, 1, 2, 3]), [0]);
        assert_eq!(misplaced(&[2, 3, 4, 1]), [3]);
        assert_eq!(misplaced(&[1, 3, 2, 4]).len(), 1);
        assert_eq!(misplaced(&[4, 3, 2, 1]).len(), 3);
    }
}
