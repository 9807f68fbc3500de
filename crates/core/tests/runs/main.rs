//! Tampering with a chain: exactly the touched rows are named, in whatever order rows are read.

mod random;
mod support;

use auditlog_core::chain::*;
use auditlog_core::runs::*;
use support::*;

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

/// Retention has removed rows 10 to 19, 21, and the first two.
fn after_retention(tamper: impl FnOnce(&mut Vec<Row>)) -> Vec<Finding> {
    let ranges = [(0, 1), (10, 19), (21, 21)];
    let mut rows = chain(50);
    let leaves: Vec<Hash> = rows.iter().map(|row| row.entry).collect();
    let expect = whole(&rows);
    rows.retain(|row| !ranges.iter().any(|(first, last)| (*first..=*last).contains(&row.index)));
    tamper(&mut rows);
    let mut checker = Checker::new();
    feed(&mut checker, &rows);
    checker.removed(&ranges, |place| leaves.get(place as usize).copied());
    checker.finish(expect)
}

fn at(rows: &[Row], index: u64) -> usize {
    rows.iter().position(|row| row.index == index).expect("a row")
}

#[test]
fn what_retention_has_removed_is_no_finding() {
    assert_eq!(after_retention(|_| {}), []);
}

#[test]
fn beside_removed_rows_everything_is_found_as_before() {
    for index in [2, 9, 20, 22, 40] {
        let anew = after_retention(|rows| {
            let at = at(rows, index);
            rows[at].payload = 1;
            rows[at].rehash();
        });
        assert_eq!(named(&anew), [(index, Kind::Modified)], "{anew:#?}");
        let changed = after_retention(|rows| {
            let at = at(rows, index);
            rows[at].hash[0] ^= 1;
        });
        assert_eq!(named(&changed), [(index, Kind::Modified)], "{changed:#?}");
        let gone = after_retention(|rows| {
            let at = at(rows, index);
            rows.remove(at);
        });
        assert_eq!(named(&gone), [(index, Kind::Missing)], "{gone:#?}");
    }
}

#[test]
fn a_tree_that_does_not_lead_to_the_rows_behind_is_found() {
    let mut rows = chain(20);
    let expect = whole(&rows);
    rows.drain(5..8);
    let mut checker = Checker::new();
    feed(&mut checker, &rows);
    checker.removed(&[(5, 7)], |place| Some(Row::entry_of(place)));
    let found = checker.finish(expect);
    assert!(!found.is_empty());
}
