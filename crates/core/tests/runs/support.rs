//! Chains to tamper with.

use auditlog_core::chain::{GENESIS, Hash, entry_hash, link_hash};
use auditlog_core::runs::{Checker, Expect, Finding, Kind};

/// A row as the log has it; `payload` stands for all hashed columns.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    pub index: u64,
    pub payload: u64,
    pub prev: Hash,
    pub entry: Hash,
    pub hash: Hash,
}

impl Row {
    pub fn entry_of(payload: u64) -> Hash {
        entry_hash(&payload.to_be_bytes())
    }
    /// Makes the row consistent again, as a careful forger would.
    pub fn rehash(&mut self) {
        self.entry = Row::entry_of(self.payload);
        self.hash = link_hash(&self.prev, &self.entry, self.index);
    }
    pub fn id(&self) -> String {
        format!("evt_{}", self.payload)
    }
}

pub fn chain(length: u64) -> Vec<Row> {
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

pub fn whole(rows: &[Row]) -> Expect {
    let last = rows.last().expect("a chain has rows");
    Expect {
        first: 0,
        size: rows.len() as u64,
        start_prev: Some(GENESIS),
        head_hash: Some(last.hash),
    }
}

pub fn check(rows: &[Row], expect: Expect) -> Vec<Finding> {
    let mut checker = Checker::new();
    feed(&mut checker, rows);
    checker.finish(expect)
}

pub fn feed(checker: &mut Checker, rows: &[Row]) {
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

pub fn named(findings: &[Finding]) -> Vec<(u64, Kind)> {
    findings
        .iter()
        .map(|finding| (finding.log_index, finding.kind))
        .collect()
}

/// Tampers with a chain of 50 and compares what is named, forwards, backwards and in two halves.
#[track_caller]
pub fn expect_named(tamper: impl FnOnce(&mut Vec<Row>), expected: &[(u64, Kind)]) -> Vec<Finding> {
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

pub fn swap_indices(rows: &mut [Row], a: usize, b: usize) {
    (rows[a].index, rows[b].index) = (rows[b].index, rows[a].index);
}

pub fn swap_payloads(rows: &mut [Row], a: usize, b: usize) {
    let (left, right) = (rows[a].clone(), rows[b].clone());
    (rows[a].payload, rows[a].entry) = (right.payload, right.entry);
    (rows[b].payload, rows[b].entry) = (left.payload, left.entry);
}
