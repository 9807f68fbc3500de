//! Attacks on where records stand.

use auditlog_bundle::Kind::{Extra, Missing, Modified, Reordered, UncoveredGap, Unreadable};
use auditlog_bundle::layout::events_path;

use super::support::Parts;
use super::values::{forge_entry, impersonal};
use super::{Attack, Base};

macro_rules! attack {
    ($name:literal, [$($kind:ident),*], $bundle:ident => $act:expr) => {
        attack!($name, Small, [$($kind),*], $bundle => $act)
    };
    ($name:literal, $base:ident, [$($kind:ident),*], $bundle:ident => $act:expr) => {
        Attack { name: $name, base: Base::$base, act: |$bundle, _| $act, kinds: &[$($kind),*] }
    };
}

fn renumbered(bytes: &[u8], index: u64) -> Vec<u8> {
    let mut parts = Parts::of(bytes);
    parts.log_index = index;
    parts.bytes()
}

pub(super) fn attacks() -> Vec<Attack> {
    let mut attacks = records();
    attacks.extend(files());
    attacks
}

fn records() -> Vec<Attack> {
    vec![
        attack!("a record removed", [Missing], b => b.edit_file(0, |records| drop(records.remove(300)))),
        attack!("the first records removed", [UncoveredGap], b => b.edit_file(0, |records| drop(records.drain(..5)))),
        attack!("the last record removed", [Missing], b => b.edit_file(0, |records| drop(records.pop()))),
        attack!("all records removed", [Missing], b => b.edit_file(0, Vec::clear)),
        attack!("a record there twice", [Extra], b => b.edit_file(0, |records| {
            let copy = records[300].clone();
            records.insert(301, copy);
        })),
        attack!("a record there twice, far apart", [Extra], b => b.edit_file(0, |records| {
            let copy = records[300].clone();
            records.push(copy);
        })),
        attack!("two neighbours swapped", [Reordered], b => b.edit_file(0, |records| records.swap(300, 301))),
        attack!("a record moved to the end of its file", [Reordered], b => b.edit_file(0, |records| {
            let record = records.remove(300);
            records.push(record);
        })),
        attack!("the records of two events under each other's log_index", [Reordered], b => b.edit_file(0, |records| {
            let (first, second) = (records[300].clone(), records[301].clone());
            records[300] = renumbered(&second, 300);
            records[301] = renumbered(&first, 301);
        })),
        attack!("log_index changed to a taken one", [Reordered], b => b.edit_record(300, |parts| parts.log_index = 20)),
        attack!("log_index changed to one behind the end", [Reordered], b => b.edit_record(300, |parts| {
            parts.log_index = 70_000;
        })),
        attack!("one record in place of another", [Modified], b => b.edit_file(0, |records| {
            records[300] = renumbered(&records[301].clone(), 300);
        })),
        attack!("a forged record beside the right one", [Extra], b => b.edit_file(0, |records| {
            let mut forged = Parts::of(&records[impersonal(300) as usize]);
            forge_entry(&mut forged);
            records.insert(impersonal(300) as usize, forged.bytes());
        })),
        attack!("a forged record put in, all behind it moved up", [Extra, Reordered], b => b.edit_file(0, |records| {
            let mut forged = Parts::of(&records[impersonal(300) as usize]);
            forge_entry(&mut forged);
            records.insert(impersonal(300) as usize, forged.bytes());
            for (index, bytes) in records.iter_mut().enumerate() {
                *bytes = renumbered(bytes, index as u64);
            }
        })),
        attack!("a forged record behind the end", [Extra], b => b.edit_file(0, |records| {
            let mut forged = Parts::of(&records[impersonal(300) as usize]);
            forge_entry(&mut forged);
            forged.log_index = 700;
            records.push(forged.bytes());
        })),
        attack!("a record of a selection removed", Selection, [Missing], b => {
            b.edit_file(0, |records| drop(records.remove(30)));
        }),
        attack!("a record of a selection changed", Selection, [Modified], b => b.edit_record(impersonal_seventh(), forge_entry)),
        attack!("prev_hash and hash in a selection", Selection, [Modified], b => b.edit_record(70, |parts| {
            std::mem::swap(&mut parts.prev_hash, &mut parts.hash);
        })),
        attack!("a selection's record under another log_index", Selection, [Reordered], b => {
            b.edit_record(70, |parts| parts.log_index = 71);
        }),
    ]
}

/// An event of the selection without personal values.
fn impersonal_seventh() -> u64 {
    (0..)
        .map(|n| n * 7)
        .find(|index| impersonal(*index) == *index)
        .expect("there is one")
}

fn files() -> Vec<Attack> {
    vec![
        attack!("the file cut between records", [Missing], b => b.edit_file(0, |records| records.truncate(650))),
        attack!("the file cut inside a record", [Missing, Unreadable, UncoveredGap], b => b.edit_bytes(&events_path(0), |bytes| {
            bytes.truncate(bytes.len() / 2);
        })),
        attack!("the file cut inside the last record", [Unreadable], b => b.edit_bytes(&events_path(0), |bytes| {
            bytes.truncate(bytes.len() - 1);
        })),
        attack!("the file removed", [Missing], b => b.remove(&events_path(0))),
        attack!("a record's magic changed", [Unreadable], b => b.edit_file(0, |records| records[300][0] = b'P')),
        attack!("a record's version changed", [Unreadable], b => b.edit_file(0, |records| records[300][4] = 2)),
        attack!("a record's length made shorter", [Modified, Unreadable], b => b.edit_bytes(&events_path(0), |bytes| {
            bytes[3] -= 3;
        })),
        attack!("a record's length made longer", [Modified, Unreadable], b => b.edit_bytes(&events_path(0), |bytes| {
            bytes[2] += 1;
        })),
        attack!("a record's length made enormous", [Unreadable], b => b.edit_bytes(&events_path(0), |bytes| {
            bytes[0] = 0xff;
        })),
        attack!("bytes behind the last record", [Unreadable], b => b.edit_bytes(&events_path(0), |bytes| {
            bytes.extend(b"and so on");
        })),
        attack!("another file among the events", [Extra], b => b.put("events/evil.bin", b"")),
        attack!("a copied record in a file of its own", [Extra], b => {
            let records = b.records(0);
            b.put("events/000007.bin", []);
            b.edit_file(7, |copy| copy.push(records[3].clone()));
        }),
        attack!("a record in the wrong file", Large, [Reordered], b => {
            let mut moved = Vec::new();
            b.edit_file(0, |records| moved = records.remove(65_000));
            b.edit_file(1, |records| records.push(moved));
        }),
        attack!("a copy of a record in the wrong file", Large, [Extra], b => {
            let copy = b.records(0)[100].clone();
            b.edit_file(1, |records| records.push(copy));
        }),
        attack!("the first file removed", Large, [UncoveredGap], b => b.remove(&events_path(0))),
        attack!("the last file removed", Large, [Missing], b => b.remove(&events_path(1))),
        attack!("the files exchanged", Large, [Reordered], b => {
            let (first, second) = (b.bytes(&events_path(0)), b.bytes(&events_path(1)));
            b.put(&events_path(0), second);
            b.put(&events_path(1), first);
        }),
    ]
}
