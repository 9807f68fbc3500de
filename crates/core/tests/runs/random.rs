//! Random tampering with random chains, read in random order.

use super::support::*;
use auditlog_core::runs::*;
use proptest::prelude::*;

/// One act of tampering, and the indices it touches.
#[derive(Debug, Clone)]
enum Tampering {
    Values(usize),
    ValuesAnew(usize),
    HashColumn(usize, u8),
    PrevAnew(usize),
    Remove(usize),
    Copy(usize),
    Forge(usize),
    Swap(usize, usize),
    SwapPayload(usize, usize),
}

fn apply(tampering: &Tampering, rows: &mut Vec<Row>) -> Vec<(u64, Kind)> {
    use Tampering::*;
    let (at, kind) = match *tampering {
        Values(at) => {
            rows[at].payload ^= 1 << 40;
            (at, Kind::Modified)
        }
        ValuesAnew(at) => {
            rows[at].payload ^= 1 << 40;
            rows[at].rehash();
            (at, Kind::Modified)
        }
        HashColumn(at, which) => {
            let column = match which % 3 {
                0 => &mut rows[at].prev,
                1 => &mut rows[at].entry,
                _ => &mut rows[at].hash,
            };
            column[usize::from(which) % 32] ^= 0x40;
            (at, Kind::Modified)
        }
        PrevAnew(at) => {
            rows[at].prev[9] ^= 0x40;
            rows[at].rehash();
            (at, Kind::Modified)
        }
        Remove(at) => {
            rows.remove(at);
            (at, Kind::Missing)
        }
        Copy(at) => {
            rows.push(rows[at].clone());
            (at, Kind::Extra)
        }
        Forge(at) => {
            let mut row = rows[at].clone();
            row.payload ^= 1 << 40;
            row.rehash();
            rows.push(row);
            (at, Kind::Extra)
        }
        Swap(a, b) | SwapPayload(a, b) => {
            if matches!(tampering, Swap(..)) {
                swap_indices(rows, a, b)
            } else {
                swap_payloads(rows, a, b)
            }
            return vec![(a.min(b) as u64, Kind::Reordered), (a.max(b) as u64, Kind::Reordered)];
        }
    };
    vec![(at as u64, kind)]
}

fn tampering(length: usize) -> impl Strategy<Value = Tampering> {
    let at = 0..length;
    let two = (0..length, 1..length).prop_map(move |(a, step)| (a, (a + step) % length));
    prop_oneof![
        at.clone().prop_map(Tampering::Values),
        at.clone().prop_map(Tampering::ValuesAnew),
        (at.clone(), any::<u8>()).prop_map(|(at, which)| Tampering::HashColumn(at, which)),
        at.clone().prop_map(Tampering::PrevAnew),
        at.clone().prop_map(Tampering::Remove),
        at.clone().prop_map(Tampering::Copy),
        at.prop_map(Tampering::Forge),
        two.clone().prop_map(|(a, b)| Tampering::Swap(a, b)),
        two.prop_map(|(a, b)| Tampering::SwapPayload(a, b)),
    ]
}

fn one_tampering_shuffled() -> impl Strategy<Value = (Vec<Row>, Expect, Vec<(u64, Kind)>)> {
    (2usize..60)
        .prop_flat_map(|length| (Just(length), tampering(length)))
        .prop_flat_map(|(length, tampering)| {
            let mut rows = chain(length as u64);
            let expect = whole(&rows);
            let expected = apply(&tampering, &mut rows);
            (Just(rows).prop_shuffle(), Just(expect), Just(expected))
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn a_single_tampering_is_named_exactly((rows, expect, expected) in one_tampering_shuffled(), cut in 0usize..60) {
        let findings = check(&rows, expect);
        prop_assert_eq!(named(&findings), expected.clone(), "{:#?}", findings);
        let (left, right) = rows.split_at(cut.min(rows.len()));
        let (mut one, mut two) = (Checker::new(), Checker::new());
        feed(&mut one, left);
        feed(&mut two, right);
        one.merge(two);
        prop_assert_eq!(named(&one.finish(expect)), expected, "in two parts");
    }
}

#[test]
fn memory_does_not_grow_with_an_intact_log() {
    // the checker prints its state: an intact log read in order is a single run
    let mut checker = Checker::new();
    feed(&mut checker, &chain(5000));
    let state = format!("{checker:?}");
    assert!(state.len() < 2000, "{} bytes of state", state.len());
}
