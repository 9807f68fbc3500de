//! Attacks on certificates of retention, and on what the log tells of erasures. Whoever makes a bundle can
//! leave out what he likes and write what he likes; some of these logs were also sealed and signed by a forger.

use auditlog_bundle::Kind::{Extra, KeyReplaced, Missing, Modified, UncoveredGap, Unreadable};
use auditlog_bundle::layout::certificate_path;
use auditlog_bundle::synthetic::{Erasures, Log, Plan, Removal};
use auditlog_bundle::{Certificate, Kind};
use auditlog_tlog::note::NoteSigner;
use auditlog_tlog::{SignedNote, SigningKey};

use super::support::{Auditor, Bundle, Parts};
use super::{Attack, Base, LOG, RETAINED, SMALL};

macro_rules! attack {
    ($name:literal, [$($kind:ident),*], $bundle:ident => $act:expr) => {
        Attack { name: $name, base: Base::Retained, act: |$bundle, _| $act, kinds: &[$($kind),*] }
    };
}

/// The place of the event that tells of the first certificate.
const FIRST: u64 = 400;

/// That of the second.
const SECOND: u64 = 450;

/// The log of which retention has removed the beginning, a piece, and some of another.
pub(super) fn plan() -> Plan {
    Plan {
        size: 700,
        checkpoints: vec![256, 700],
        removals: vec![
            Removal::new(FIRST, &[(0, 99), (140, 180), (300, 300), (302, 302), (304, 310)]),
            Removal::new(SECOND, &[(200, 230)]),
        ],
        ..Plan::default()
    }
}

/// The bundle is that of another log, which the holder of the log's key has sealed and signed.
fn sealed(bundle: &Bundle, change: impl FnOnce(&mut Plan)) {
    let mut plan = plan();
    change(&mut plan);
    bundle.replace(&Bundle::new(&LOG, &plan));
}

/// The second certificate is another, and the log tells of it.
fn told(bundle: &Bundle, change: fn(&mut Certificate)) {
    sealed(bundle, |plan| plan.removals[1].change = change);
}

/// The second certificate as it is in the bundle.
fn second(bundle: &Bundle) -> SignedNote {
    SignedNote::parse_bytes(&bundle.bytes(&certificate_path(SECOND))).expect("a note")
}

/// Puts another text in place of the second certificate's, signed by `key`.
fn sign(bundle: &Bundle, key: &SigningKey, text: &str) {
    let mut note = SignedNote::new(text).expect("a text");
    note.add(NoteSigner::new(LOG.vkey().name().clone(), key.clone()).sign(&note));
    bundle.put(&certificate_path(SECOND), note.to_string());
}

/// The second certificate as it would be for other places.
fn for_places(ranges: &[(u64, u64)]) -> Certificate {
    Removal::new(SECOND, ranges).certificate(&LOG, &plan())
}

fn other_origin() -> Log {
    Log {
        origin: "example.org/other".to_owned(),
        ..LOG.clone()
    }
}

pub(super) fn attacks() -> Vec<Attack> {
    let mut attacks = forged();
    attacks.extend(sealed_by_a_forger());
    attacks.extend(erasures());
    attacks
}

/// By whoever makes the bundle.
fn forged() -> Vec<Attack> {
    vec![
        attack!("a certificate removed", [Missing], b => b.remove(&certificate_path(SECOND))),
        attack!("the certificate of the beginning removed", [UncoveredGap, Missing], b => b.remove(&certificate_path(FIRST))),
        attack!("a certificate signed by another key", [KeyReplaced, Missing], b => {
            let text = second(b).text().to_owned();
            sign(b, &SigningKey::from_seed(&[8; 32]), &text);
        }),
        attack!("a certificate's signature flipped", [Modified, Missing], b => {
            let mut note = second(b);
            let mut signature = note.signatures()[0].clone();
            signature.bytes[9] ^= 1;
            note.add(signature);
            b.put(&certificate_path(SECOND), note.to_string());
        }),
        attack!("a certificate edited, its signature kept", [Modified, Missing], b => {
            let note = second(b).to_string();
            b.put(&certificate_path(SECOND), note.replace("thirty days", "ninety days"));
        }),
        attack!("a certificate edited and signed anew", [Modified, Missing], b => {
            let text = second(b).text().replace("thirty days", "ninety days");
            sign(b, &LOG.key, &text);
        }),
        attack!("a certificate made for other places, with their root", [Modified, Missing], b => {
            b.edit_file(0, |records| records.retain(|bytes| !(240..=250).contains(&Parts::of(bytes).log_index)));
            let text = for_places(&[(200, 230), (240, 250)]).text().expect("a text");
            sign(b, &LOG.key, &text);
        }),
        attack!("a certificate of this log for an event that tells of nothing", [Modified, Missing], b => {
            b.edit_file(0, |records| records.retain(|bytes| !(240..=250).contains(&Parts::of(bytes).log_index)));
            let note = for_places(&[(240, 250)]).sign(&LOG.key).expect("a note");
            b.put(&certificate_path(500), note.to_string());
        }),
        attack!("a certificate under another name as well", [Modified], b => {
            b.put(&certificate_path(FIRST + 1), b.bytes(&certificate_path(FIRST)));
        }),
        attack!("a certificate under the name of another", [Modified, Missing], b => {
            b.put(&certificate_path(SECOND), b.bytes(&certificate_path(FIRST)));
        }),
        attack!("the event that tells of a certificate removed", [Modified, Missing], b => {
            b.edit_file(0, |records| records.retain(|bytes| Parts::of(bytes).log_index != SECOND));
        }),
        attack!("records removed beyond a certificate", [Missing], b => {
            b.edit_file(0, |records| records.retain(|bytes| !(231..=233).contains(&Parts::of(bytes).log_index)));
        }),
        attack!("a certificate of another log, signed by that log's key", [Modified, Missing], b => {
            let plan = Plan { removals: vec![Removal::new(SECOND, &[(200, 230)])], ..plan() };
            let note = plan.removals[0].note(&other_origin(), &plan);
            b.put(&certificate_path(SECOND), note.to_string());
        }),
        attack!("a certificate that is no note", [Unreadable, Missing], b => b.put(&certificate_path(SECOND), b"gone\n")),
        attack!("a checkpoint in place of a certificate", [Unreadable, Missing], b => {
            b.put(&certificate_path(SECOND), b.head().to_string());
        }),
        attack!("an endless certificate", [Unreadable, Missing], b => {
            b.put(&certificate_path(SECOND), vec![b'a'; 3_000_000]);
        }),
        attack!("another file among the certificates", [Extra], b => b.put("certificates/450.json", b"{}")),
        attack!("a tile below a certificate damaged", [Modified, Unreadable, UncoveredGap, Missing], b => {
            b.tile(0, 0, |hashes| hashes[50][0] ^= 1);
        }),
    ]
}

/// By whoever also makes events of the log about itself, and has its key: what is told of does not hold.
fn sealed_by_a_forger() -> Vec<Attack> {
    vec![
        attack!("a root that is not that of the leaves", [Modified, Missing], b => told(b, |c| c.root[0] ^= 1)),
        attack!("the root of other places", [Modified, Missing], b => {
            told(b, |c| c.root = for_places(&[(201, 231)]).root);
        }),
        attack!("more events removed than places named", [Modified, Missing], b => told(b, |c| c.events += 1)),
        attack!("fewer places named than removed", [Missing], b => told(b, |c| *c = for_places(&[(200, 229)]))),
        attack!("places after the event that tells of them", [Modified, Missing], b => {
            sealed(b, |plan| plan.removals[1].ranges.push((SECOND + 1, SECOND + 3)));
        }),
        attack!("places behind the end of the log", [Modified, Missing], b => {
            told(b, |c| {
                c.log_indexes.push((700, 700));
                c.events += 1;
            });
        }),
        attack!("a certificate that is not canonical", [Modified, Missing], b => sealed(b, |plan| {
            plan.removals[1].write = |certificate| {
                certificate.text().expect("a text").replace("\",\"", "\", \"")
            };
        })),
        Attack {
            name: "a certificate of another log, told of in this one",
            base: Base::Retained,
            act: |b, auditor| {
                auditor.keys.push(other_origin().vkey());
                told(b, |c| c.origin = other_origin().origin);
            },
            kinds: &[Modified, Missing],
        },
        attack!("two certificates over one place", [Modified], b => {
            sealed(b, |plan| plan.removals[1].ranges = vec![(180, 180), (200, 230)]);
        }),
        attack!("a record left where a certificate says that it is removed", [Extra], b => {
            sealed(b, |plan| plan.left = vec![215]);
        }),
        attack!("a record put back", [Extra], b => {
            let bytes = SMALL_RECORD.with(Vec::clone);
            b.edit_file(0, |records| {
                let at = records.iter().position(|bytes| Parts::of(bytes).log_index > 160).expect("records behind it");
                records.insert(at, bytes);
            });
            b.manifest(|manifest| manifest.events += 1);
        }),
        attack!("a forged record where one was removed", [Extra, Modified], b => {
            let mut parts = Parts::of(&SMALL_RECORD.with(Vec::clone));
            parts.values.truncate(5);
            b.edit_file(0, |records| records.insert(0, parts.bytes()));
            b.manifest(|manifest| manifest.events += 1);
        }),
    ]
}

thread_local! {
    /// The record at place 160 of the log from which nothing was removed.
    static SMALL_RECORD: Vec<u8> = SMALL.records(0)[160].clone();
}

fn erased(name: &'static str, erasures: fn(&Bundle, &mut Auditor), kinds: &'static [Kind]) -> Attack {
    Attack {
        name,
        base: Base::Small,
        act: erasures,
        kinds,
    }
}

/// The bundle is that of a log that tells of erasures otherwise.
fn tells(bundle: &Bundle, erasures: Erasures) {
    bundle.replace(&Bundle::new(
        &LOG,
        &Plan {
            size: 700,
            erasures,
            ..Plan::default()
        },
    ));
}

fn erasures() -> Vec<Attack> {
    vec![
        erased(
            "values erased, and no event tells of it",
            |b, _| tells(b, Erasures::Untold),
            &[UncoveredGap],
        ),
        erased(
            "an erasure event that names fewer",
            |b, _| tells(b, Erasures::Fewer),
            &[UncoveredGap],
        ),
        erased(
            "an erasure event before what was erased",
            |b, _| tells(b, Erasures::Early),
            &[UncoveredGap],
        ),
        erased(
            "the event that tells of an erasure removed",
            |b, _| b.edit_file(0, |records| drop(records.remove(319))),
            &[Missing, UncoveredGap],
        ),
        erased(
            "the event that tells of an erasure changed",
            |b, _| {
                b.edit_record(319, |parts| {
                    let end = parts.values.len();
                    parts.values[end - 30] ^= 1;
                })
            },
            &[Modified, UncoveredGap],
        ),
        // it tells all the same: its place is proven
        erased(
            "the event that tells of an erasure moved",
            |b, _| b.edit_file(0, |records| records.swap(319, 320)),
            &[Kind::Reordered],
        ),
        erased(
            "the event that tells of an erasure under another log_index",
            |b, _| b.edit_record(319, |parts| parts.log_index = 690),
            &[Kind::Reordered],
        ),
    ]
}

#[test]
fn what_certificates_cover_is_counted() {
    let report = super::support::verify(&RETAINED.path(), &[LOG.vkey()], &[]);
    assert_eq!(report.findings, []);
    let covered = 100 + 41 + 1 + 1 + 7 + 31;
    assert_eq!(
        (report.covered, report.events, report.proven),
        (covered, 700 - covered, 700 - covered)
    );
    assert_eq!((report.certificates, report.certificates_open), (2, 0));
    let json = report.json();
    assert_eq!(json["covered"], covered);
    assert_eq!(json["certificates"]["found"], 2);
    assert_eq!(json["certificates"]["removed"][0]["events"], covered);
    let text = report.text();
    for line in [
        "PROVEN: all 519 events of the log «example.org/synthetic» that retention has left are there",
        "  181 events are not there, and certificates say why:",
        "  policy «thirty days» has removed 181 events of the class «short» from 2026-03-10T14:30:45Z until 2026-03-11T14:40:00Z (2 certificates)",
        "  - what the removed events were: that they were",
    ] {
        assert!(text.contains(line), "{text}");
    }
}
