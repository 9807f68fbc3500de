//! Attacks on what records say.

use auditlog_bundle::Kind::Modified;
use auditlog_core::chain::{entry_hash, link_hash};

use super::support::{Bundle, Parts};
use super::{Attack, Base, LOG};
use auditlog_bundle::synthetic::Owned;
use auditlog_core::columns::position;

/// An event with a default list of personal values, none of them erased.
fn with_email() -> u64 {
    (20..)
        .find(|index| has_email(*index) && index % 11 != 5)
        .expect("there is one")
}

/// One whose values were erased.
fn erased() -> u64 {
    (20..)
        .find(|index| has_email(*index) && index % 11 == 5)
        .expect("there is one")
}

fn has_email(index: u64) -> bool {
    let row = LOG.row(index);
    let was_there = row.erased.iter().any(|(path, _)| path == "actor.email");
    row.paths.is_none() && (was_there || row.values[email()] != Owned::Null)
}

fn email() -> usize {
    position("actor_email").expect("a column")
}

/// One with erased members inside JSON.
fn erased_inside() -> u64 {
    (0..700)
        .find(|index| {
            let plain = LOG.row(*index).plain();
            plain.windows(9).any(|bytes| bytes == b"$redacted")
        })
        .expect("there is one")
}

fn at(bytes: &[u8], what: &[u8]) -> usize {
    bytes
        .windows(what.len())
        .position(|window| window == what)
        .expect("it is there")
}

fn change_status(parts: &mut Parts) {
    let at = at(&parts.values, b"instance");
    parts.values[at] = b'I';
}

pub(super) fn forge_entry(parts: &mut Parts) {
    change_status(parts);
    parts.entry_hash = entry_hash(&entry(parts));
}

/// The entry of a record's values, by the verifier's own way: attackers have it too.
fn entry(parts: &Parts) -> Vec<u8> {
    // an event without personal values is its own entry
    assert!(!parts.values.windows(9).any(|bytes| bytes == b"Mozilla/5"));
    parts.values.clone()
}

/// Puts an e-mail address (15) behind actor_id (14).
fn put_email(parts: &mut Parts) {
    let id = at(&parts.values, b"user_");
    let length = u32::from_be_bytes(parts.values[id - 4..id].try_into().expect("4 bytes"));
    let end = id + length as usize;
    let field = [b"\x0f\x01\0\0\0\x0e".as_slice(), b"eve@evil.test.".as_slice()].concat();
    parts.values.splice(end..end, field);
}

/// An event without personal values.
pub(super) fn impersonal(from: u64) -> u64 {
    let plain = |index: &u64| {
        let row = LOG.row(*index);
        row.paths.is_none() && row.erased.is_empty() && row.values[email()] == Owned::Null && row.plain() == row.entry()
    };
    (from..).find(plain).expect("there is one")
}

fn relink(bundle: &Bundle, from: u64) {
    bundle.edit_file(0, |records| {
        let mut prev = [9; 32];
        for bytes in records {
            let mut parts = Parts::of(bytes);
            if parts.log_index >= from {
                parts.prev_hash = prev;
                prev = link_hash(&prev, &parts.entry_hash, parts.log_index);
                parts.hash = prev;
                *bytes = parts.bytes();
            }
        }
    });
}

macro_rules! attack {
    ($name:literal, $bundle:ident => $act:expr) => {
        attack!($name, [Modified], $bundle => $act)
    };
    ($name:literal, [$($kind:ident),*], $bundle:ident => $act:expr) => {
        Attack { name: $name, base: Base::Small, act: |$bundle, _| $act, kinds: &[$($kind),*] }
    };
}

pub(super) fn attacks() -> Vec<Attack> {
    vec![
        attack!("a value changed", b => b.edit_record(50, change_status)),
        attack!("a length in the values changed", b => b.edit_record(50, |parts| {
            let at = at(&parts.values, b"instance");
            parts.values[at - 1] += 1;
        })),
        attack!("bytes behind the values", b => b.edit_record(50, |parts| parts.values.push(0))),
        attack!("the values' version changed", b => b.edit_record(50, |parts| parts.values[4] = 2)),
        attack!("all values removed", b => b.edit_record(50, |parts| parts.values.truncate(5))),
        attack!("a column of two records swapped", b => {
            let mut first = Vec::new();
            let id = |parts: &Parts| at(&parts.values, b"evt_") + 4;
            b.edit_record(60, |parts| first = parts.values[id(parts)..][..16].to_vec());
            let mut second = Vec::new();
            b.edit_record(61, |parts| {
                let at = id(parts);
                second = parts.values[at..][..16].to_vec();
                parts.values[at..][..16].copy_from_slice(&first);
            });
            b.edit_record(60, |parts| {
                let at = id(parts);
                parts.values[at..][..16].copy_from_slice(&second);
            });
        }),
        attack!("prev_hash changed", b => b.edit_record(50, |parts| parts.prev_hash[31] ^= 1)),
        attack!("the first prev_hash changed", b => b.edit_record(0, |parts| parts.prev_hash[0] ^= 1)),
        attack!("hash changed", b => b.edit_record(50, |parts| parts.hash[0] ^= 1)),
        attack!("hash of the last event changed", b => b.edit_record(699, |parts| parts.hash[0] ^= 1)),
        attack!("entry_hash changed", b => b.edit_record(50, |parts| parts.entry_hash[0] ^= 1)),
        attack!("values and entry_hash changed together", b => b.edit_record(impersonal(30), forge_entry)),
        attack!("values, entry_hash and hash changed together", b => b.edit_record(impersonal(30), |parts| {
            forge_entry(parts);
            parts.hash = link_hash(&parts.prev_hash, &parts.entry_hash, parts.log_index);
        })),
        attack!("the chain computed anew from one event on", b => relink(b, 400)),
        attack!("the chain computed anew from the beginning", b => relink(b, 0)),
        attack!("the salt changed", b => b.edit_record(with_email(), |parts| {
            parts.salt.as_mut().expect("a salt")[0] ^= 1;
        })),
        attack!("the salt removed", b => b.edit_record(with_email(), |parts| parts.salt = None)),
        attack!("a personal value changed", b => b.edit_record(with_email(), |parts| {
            let at = at(&parts.values, b"@example.com");
            parts.values[at + 1] = b'E';
        })),
        attack!("the list of personal paths changed", b => {
            let index = (0..700).find(|index| LOG.row(*index).paths.as_ref().is_some_and(|paths| paths.len() == 2));
            b.edit_record(index.expect("there is one"), |parts| {
                let at = at(&parts.values, b"actor.id");
                parts.values[at] = b'A';
            });
        }),
        attack!("a commitment of an erased value forged", b => b.edit_record(erased(), |parts| {
            let redacted = parts.redacted.as_mut().expect("redactions");
            let last = redacted.len() - 1;
            redacted[last] = if redacted[last] == b'0' { b'1' } else { b'0' };
        })),
        attack!("the redactions removed", b => b.edit_record(erased(), |parts| parts.redacted = None)),
        attack!("the redactions are no JSON", b => b.edit_record(erased(), |parts| {
            parts.redacted = Some(b"x".to_vec());
        })),
        attack!("a commitment of an erased member forged", b => b.edit_record(erased_inside(), |parts| {
            let at = at(&parts.values, b"$redacted") + 14;
            parts.values[at] = if parts.values[at] == b'0' { b'1' } else { b'0' };
        })),
        attack!("another value put beside an erased one", b => b.edit_record(erased(), put_email)),
        attack!("another value put beside an erased one, and a salt", b => b.edit_record(erased(), |parts| {
            put_email(parts);
            parts.salt = Some(vec![1; 16]);
        })),
        attack!("the salt's length reaches behind the record", b => b.edit_file(0, |records| {
            let at = 5 + 8 + 8 + 96;
            records[50][at] = 0x7f;
        })),
        // said in docs/format.md: the time of sealing is not hashed
        attack!("sealed_at changed", [], b => b.edit_record(50, |parts| parts.sealed_at += 1)),
    ]
}
