//! Tampering with a chain: exactly the touched rows are named, in whatever order rows are read.

use auditlog_core::chain::{GENESIS, Hash, entry_hash, link_hash};
use auditlog_core::runs::{Checker, Expect, Finding, Kind};
use proptest::prelude::*;

/// A row as the log has it; `payload` stands for all hashed columns.
#[derive(Debug, Clone, PartialEq)]
struct Row {
    index: u64,
    payload: u64,
    prev: Hash,
    entry: Hash,
    hash: Hash,
}

impl Row {
    fn entry_of(payload: u64) -> Hash {
        entry_hash(&payload.to_be_bytes())
    }
    /// Makes the row consistent again, as a careful forger would.
    fn rehash(&mut self) {
        self.entry = Row::entry_of(self.payload);
        self.hash = link_hash(&self.prev, &self.entry, self.index);
    }
    fn id(&self) -> String {
        format!("evt_{}", self.payload)
    }
}

fn chain(length: u64) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for index in 0..length {
        let prev = rows.last().map_or(GENESIS, |row| row.hash);
        let mut row = Row {
            index,
            payload: 1000 + index,
            prev,
            entry: GENESIS,
            hash: GENESIS,
        };
        row.rehash();
        rows.push(row);
    }
    rows
}

fn whole(rows: &[Row]) -> Expect {
    let last = rows.last().expect("a chain has rows");
    Expect {
        first: 0,
        size: rows.len() as u64,
        start_prev: Some(GENESIS),
        head_hash: Some(last.hash),
    }
}

fn check(rows: &[Row], expect: Expect) -> Vec<Finding> {
    let mut checker = Checker::new();
    feed(&mut checker, rows);
    checker.finish(expect)
}

fn feed(checker: &mut Checker, rows: &[Row]) {
    for row in rows {
        let content_ok = Row::entry_of(row.payload) == row.entry;
        checker.row(
            row.index,
            &row.prev,
            &row.entry,
            &row.hash,
            content_ok,
            row.id().as_bytes(),
        );
    }
}

fn named(findings: &[Finding]) -> Vec<(u64, Kind)> {
    findings
        .iter()
        .map(|finding| (finding.log_index, finding.kind))
        .collect()
}

/// Tampers with a chain of 50 and compares what is named, forwards, backwards and in two halves.
#[track_caller]
fn expect_named(tamper: impl FnOnce(&mut Vec<Row>), expected: &[(u64, Kind)]) -> Vec<Finding> {
    let mut rows = chain(50);
    let expect = whole(&rows);
    tamper(&mut rows);
    let findings = check(&rows, expect);
    assert_eq!(named(&findings), expected, "{findings:#?}");
    rows.reverse();
    assert_eq!(named(&check(&rows, expect)), expected, "read backwards");
    let (odd, even): (Vec<Row>, Vec<Row>) = rows.into_iter().partition(|row| row.index % 2 == 1);
    let (mut one, mut two) = (Checker::new(), Checker::new());
    feed(&mut one, &odd);
    feed(&mut two, &even);
    one.merge(two);
    assert_eq!(named(&one.finish(expect)), expected, "read by two workers");
    findings
}

#[test]
fn an_intact_chain_has_no_findings() {
    expect_named(|_| {}, &[]);
    assert_eq!(
        check(
            &[],
            Expect {
                first: 0,
                size: 0,
                start_prev: Some(GENESIS),
                head_hash: None
            }
        ),
        []
    );
}

#[test]
fn a_part_of_the_chain_is_checked_with_what_is_known_of_its_ends() {
    let rows = chain(50);
    let part = &rows[10..20];
    let expect = Expect {
        first: 10,
        size: 20,
        start_prev: Some(rows[9].hash),
        head_hash: None,
    };
    assert_eq!(check(part, expect), []);
    assert_eq!(
        check(
            part,
            Expect {
                start_prev: None,
                ..expect
            }
        ),
        []
    );
    let wrong = Expect {
        start_prev: Some(rows[8].hash),
        ..expect
    };
    assert_eq!(named(&check(part, wrong)), [(10, Kind::Modified)]);
}

#[test]
fn changed_values() {
    let findings = expect_named(|rows| rows[17].payload = 1, &[(17, Kind::Modified)]);
    assert_eq!(findings[0].event_id.as_deref(), Some("evt_1"));
    assert_eq!(findings[0].detail, "the values do not give entry_hash");
    expect_named(|rows| rows[0].payload = 1, &[(0, Kind::Modified)]);
    expect_named(|rows| rows[49].payload = 1, &[(49, Kind::Modified)]);
}

#[test]
fn one_changed_hash_column() {
    expect_named(|rows| rows[17].entry[0] ^= 1, &[(17, Kind::Modified)]);
    expect_named(|rows| rows[17].hash[0] ^= 1, &[(17, Kind::Modified)]);
    expect_named(|rows| rows[17].prev[0] ^= 1, &[(17, Kind::Modified)]);
    expect_named(|rows| rows[0].prev[0] ^= 1, &[(0, Kind::Modified)]);
    expect_named(|rows| rows[49].hash[0] ^= 1, &[(49, Kind::Modified)]);
}

#[test]
fn rows_made_anew_so_that_they_fit_themselves() {
    let anew = |at: usize| {
        move |rows: &mut Vec<Row>| {
            rows[at].payload = 1;
            rows[at].rehash();
        }
    };
    let findings = expect_named(anew(17), &[(17, Kind::Modified)]);
    assert_eq!(findings[0].event_id.as_deref(), Some("evt_1"));
    expect_named(anew(0), &[(0, Kind::Modified)]);
    expect_named(anew(49), &[(49, Kind::Modified)]);
    let prev_too = |at: usize| {
        move |rows: &mut Vec<Row>| {
            rows[at].prev[0] ^= 1;
            rows[at].rehash();
        }
    };
    expect_named(prev_too(17), &[(17, Kind::Modified)]);
    expect_named(prev_too(0), &[(0, Kind::Modified)]);
    expect_named(prev_too(49), &[(49, Kind::Modified)]);
}

#[test]
fn the_rest_made_anew_shows_at_the_head() {
    let findings = expect_named(
        |rows| {
            rows[30].payload = 1;
            for at in 30..50 {
                rows[at].prev = rows[at - 1].hash;
                rows[at].rehash();
            }
        },
        &[(49, Kind::Modified)],
    );
    assert_eq!(findings[0].detail, "hash is not the one of the head");
}

#[test]
fn removed_rows() {
    let remove = |at: usize| {
        move |rows: &mut Vec<Row>| {
            rows.remove(at);
        }
    };
    expect_named(remove(17), &[(17, Kind::Missing)]);
    expect_named(remove(0), &[(0, Kind::Missing)]);
    expect_named(remove(49), &[(49, Kind::Missing)]);
    expect_named(
        |rows| drop(rows.drain(47..)),
        &[47, 48, 49].map(|at| (at, Kind::Missing)),
    );
    expect_named(Vec::clear, &(0..50).map(|at| (at, Kind::Missing)).collect::<Vec<_>>());
}

#[test]
fn a_long_gap_is_one_finding() {
    let mut rows = chain(12_010);
    let expect = whole(&rows);
    rows.drain(5..12_005);
    let findings = check(&rows, expect);
    assert_eq!(named(&findings), [(5, Kind::Missing)]);
    assert_eq!(
        findings[0].detail,
        "no row has a log_index from 5 to 12004 (12000 rows)"
    );
}

#[test]
fn inserted_rows() {
    let copy = |at: usize, change: fn(&mut Row)| {
        move |rows: &mut Vec<Row>| {
            let mut row = rows[at].clone();
            change(&mut row);
            rows.insert(at + 1, row.clone());
        }
    };
    let extra = [(17, Kind::Extra)];
    expect_named(copy(17, |_| {}), &extra);
    let findings = expect_named(copy(17, |row| row.payload = 1), &extra);
    assert_eq!(findings[0].event_id.as_deref(), Some("evt_1"));
    expect_named(copy(17, |row| row.hash[0] ^= 1), &extra);
    let forge = |row: &mut Row| {
        row.payload = 1;
        row.rehash();
    };
    let findings = expect_named(copy(17, forge), &extra);
    assert_eq!(findings[0].event_id.as_deref(), Some("evt_1"));
    expect_named(copy(0, forge), &[(0, Kind::Extra)]);
    expect_named(copy(49, forge), &[(49, Kind::Extra)]);
    let forge_unlinked = |row: &mut Row| {
        row.prev[3] ^= 1;
        row.rehash();
    };
    expect_named(copy(17, forge_unlinked), &extra);
}

#[test]
fn a_forged_row_before_the_genuine_one() {
    expect_named(
        |rows| {
            let mut row = rows[17].clone();
            row.payload = 1;
            row.rehash();
            rows.insert(17, row);
        },
        &[(17, Kind::Extra)],
    );
}

#[test]
fn a_forged_branch() {
    expect_named(
        |rows| {
            let mut prev = rows[16].hash;
            for at in 17..20 {
                let mut row = Row {
                    index: at,
                    payload: at,
                    prev,
                    entry: GENESIS,
                    hash: GENESIS,
                };
                row.rehash();
                prev = row.hash;
                rows.push(row);
            }
            rows.sort_by_key(|row| row.index);
        },
        &[17, 18, 19].map(|at| (at, Kind::Extra)),
    );
}

#[test]
fn rows_beyond_the_head() {
    for count in 1..4 {
        let beyond: Vec<_> = (50..50 + count).map(|at| (at, Kind::Extra)).collect();
        expect_named(
            |rows| {
                for index in 50..50 + count {
                    let prev = rows.last().expect("rows").hash;
                    let mut row = Row {
                        index,
                        payload: index,
                        prev,
                        entry: GENESIS,
                        hash: GENESIS,
                    };
                    row.rehash();
                    rows.push(row);
                }
            },
            &beyond,
        );
    }
    expect_named(
        |rows| {
            rows.push(Row {
                index: 77,
                ..rows[3].clone()
            })
        },
        &[(77, Kind::Extra)],
    );
}

fn swap_indices(rows: &mut [Row], a: usize, b: usize) {
    (rows[a].index, rows[b].index) = (rows[b].index, rows[a].index);
}

fn swap_payloads(rows: &mut [Row], a: usize, b: usize) {
    let (left, right) = (rows[a].clone(), rows[b].clone());
    (rows[a].payload, rows[a].entry) = (right.payload, right.entry);
    (rows[b].payload, rows[b].entry) = (left.payload, left.entry);
}

#[test]
fn swapped_rows() {
    for (a, b) in [(17, 18), (17, 19), (3, 40), (0, 49), (0, 1), (48, 49)] {
        let expected = [(a as u64, Kind::Reordered), (b as u64, Kind::Reordered)];
        let findings = expect_named(|rows| swap_indices(rows, a, b), &expected);
        assert_eq!(findings[0].detail, format!("this row belongs at log_index {b}"));
        assert_eq!(findings[1].detail, format!("this row belongs at log_index {a}"));
        assert_eq!(findings[0].event_id, Some(format!("evt_{}", 1000 + b)));
        let findings = expect_named(|rows| swap_payloads(rows, a, b), &expected);
        assert_eq!(
            findings[0].detail,
            format!("the values of this row belong at log_index {b}")
        );
    }
}

#[test]
fn many_rows_moved() {
    let turned: Vec<_> = (10..20).map(|at| (at, Kind::Reordered)).collect();
    let reverse = |rows: &mut Vec<Row>| rows[10..20].iter_mut().for_each(|row| row.index = 29 - row.index);
    expect_named(reverse, &turned);
    let all: Vec<_> = (0..50).map(|at| (at, Kind::Reordered)).collect();
    expect_named(
        |rows| rows.iter_mut().for_each(|row| row.index = (row.index + 7) % 50),
        &all,
    );
    expect_named(
        |rows| {
            swap_payloads(rows, 5, 30);
            swap_payloads(rows, 30, 41);
        },
        &[5, 30, 41].map(|at| (at, Kind::Reordered)),
    );
}

#[test]
fn rows_swapped_where_only_the_rows_after_them_are_known() {
    let mut rows = chain(50);
    swap_indices(&mut rows, 10, 11);
    let expect = Expect {
        first: 10,
        size: 20,
        start_prev: None,
        head_hash: None,
    };
    assert_eq!(
        named(&check(&rows[10..20], expect)),
        [(10, Kind::Reordered), (11, Kind::Reordered)]
    );
}

#[test]
fn a_row_moved_onto_another_or_behind_the_end() {
    let findings = expect_named(|rows| rows[17].index = 30, &[(30, Kind::Reordered)]);
    assert_eq!(findings[0].detail, "this row belongs at log_index 17");
    expect_named(|rows| rows[17].index = 60, &[(60, Kind::Reordered)]);
    let onto_removed = |rows: &mut Vec<Row>| {
        rows[17].index = 30;
        rows.remove(30);
    };
    expect_named(onto_removed, &[(30, Kind::Missing), (30, Kind::Reordered)]);
}

#[test]
fn one_row_overwritten_with_another() {
    expect_named(
        |rows| {
            rows[30] = Row {
                index: 30,
                ..rows[17].clone()
            }
        },
        &[(30, Kind::Modified)],
    );
    let payload = |rows: &mut Vec<Row>| (rows[30].payload, rows[30].entry) = (rows[17].payload, rows[17].entry);
    expect_named(payload, &[(30, Kind::Modified)]);
}

#[test]
fn several_things_at_once() {
    expect_named(
        |rows| {
            rows[5].payload = 1;
            rows[6].payload = 2;
            rows[6].rehash();
            swap_indices(rows, 20, 30);
            rows[40].prev[0] ^= 1;
            rows.remove(10);
        },
        &[
            (5, Kind::Modified),
            (6, Kind::Modified),
            (10, Kind::Missing),
            (20, Kind::Reordered),
            (30, Kind::Reordered),
            (40, Kind::Modified),
        ],
    );
}

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
