//! Attacks on what the log has signed, and on what the bundle says of itself.

use auditlog_bundle::Kind::{Forked, KeyReplaced, Modified, RolledBack, Unreadable, Unwitnessed};
use auditlog_bundle::layout::checkpoint_path;
use auditlog_bundle::synthetic::{Log, Plan};
use auditlog_tlog::cosignature::Cosigner;
use auditlog_tlog::{Hash, KeyName, Policy, SignedNote, SigningKey};

use super::support::{Auditor, Bundle};
use super::values::{forge_entry, impersonal};
use super::{Attack, Base, LOG, SMALL};

macro_rules! attack {
    ($name:literal, [$($kind:ident),*], $bundle:ident, $auditor:ident => $act:expr) => {
        Attack { name: $name, base: Base::Small, act: |$bundle, $auditor| $act, kinds: &[$($kind),*] }
    };
}

/// The same log under another key.
fn other_key() -> Log {
    Log {
        key: SigningKey::from_seed(&[8; 32]),
        ..LOG.clone()
    }
}

/// A log of another name under the same key.
fn other_origin() -> Log {
    Log {
        origin: "example.org/other".to_owned(),
        ..LOG.clone()
    }
}

/// Rewrites the log from an early event on. Returns the new root.
fn rewrite(bundle: &Bundle) -> Hash {
    bundle.edit_record(impersonal(10), forge_entry);
    bundle.rebuild(0..9)
}

fn sign(bundle: &Bundle, log: &Log, root: Hash) {
    bundle.put("checkpoint", log.sign(bundle.size, root).to_string());
}

fn remove_notes(bundle: &Bundle) {
    for size in [256, 512, 600, 700] {
        bundle.remove(&checkpoint_path(size));
    }
}

/// The bundle as it was at an earlier time, with a genuine checkpoint.
fn earlier(bundle: &Bundle, notes: bool) {
    let plan = Plan {
        size: 600,
        checkpoints: vec![256, 512, 600],
        every: None,
        ..Plan::default()
    };
    let before = Bundle::new(&LOG, &plan);
    let note = bundle.note(700);
    bundle.replace(&before);
    if notes {
        bundle.put(&checkpoint_path(700), note.to_string());
    }
}

fn flip_signature(note: &SignedNote) -> String {
    let mut signature = note.signatures()[0].clone();
    signature.bytes[5] ^= 1;
    let mut flipped = note.clone();
    flipped.add(signature);
    flipped.to_string()
}

fn witness(name: &str) -> Cosigner {
    Cosigner::new(KeyName::new(name).expect("a name"), SigningKey::from_seed(&[9; 32]))
}

fn policy(auditor: &mut Auditor) {
    let key = witness("witness.example").verifier().to_string();
    let text = format!("witness w {key}\nquorum w\n");
    auditor.policy = Some(Policy::parse(&text).expect("a policy"));
}

pub(super) fn attacks() -> Vec<Attack> {
    let mut attacks = signed();
    attacks.extend(older());
    attacks.extend(said());
    attacks
}

fn signed() -> Vec<Attack> {
    vec![
        attack!("the checkpoint's signature flipped", [Modified], b, _a => {
            b.put("checkpoint", flip_signature(&b.head()));
        }),
        attack!("the checkpoint's root changed, its signature kept", [Modified, Forked], b, _a => {
            let head = b.head().to_string();
            let other = LOG.sign(700, [3; 32]).to_string();
            let (_, signature) = head.split_once("\n\n").expect("a signature");
            let (text, _) = other.split_once("\n\n").expect("a text");
            b.put("checkpoint", format!("{text}\n\n{signature}"));
        }),
        attack!("the log rewritten and signed by another key", [KeyReplaced], b, _a => {
            let root = rewrite(b);
            sign(b, &other_key(), root);
            remove_notes(b);
        }),
        attack!("the checkpoint signed by another key", [KeyReplaced], b, _a => {
            let root = b.rebuild(0..0);
            sign(b, &other_key(), root);
        }),
        attack!("the checkpoint of another log, signed by the log's key", [KeyReplaced], b, _a => {
            let root = b.rebuild(0..0);
            let name = LOG.vkey().name().clone();
            let text = other_origin().sign(b.size, root);
            let mut note = SignedNote::new(text.text()).expect("a text");
            note.add(auditlog_tlog::note::NoteSigner::new(name, LOG.key.clone()).sign(&note));
            b.put("checkpoint", note.to_string());
            b.manifest(|manifest| manifest.origin = other_origin().origin);
        }),
        attack!("the bundle of another log", [KeyReplaced], b, _a => {
            let root = b.rebuild(0..0);
            sign(b, &other_origin(), root);
            b.manifest(|manifest| manifest.origin = other_origin().origin);
        }),
        attack!("the checkpoint removed", [Unreadable], b, _a => b.remove("checkpoint")),
        attack!("the checkpoint is no note", [Unreadable], b, _a => b.put("checkpoint", b"700 events, I swear\n")),
        attack!("the checkpoint is a note of something else", [Unreadable], b, _a => {
            let mut note = SignedNote::new("hello\n").expect("a text");
            note.add(auditlog_tlog::note::NoteSigner::new(LOG.vkey().name().clone(), LOG.key.clone()).sign(&note));
            b.put("checkpoint", note.to_string());
        }),
        attack!("no witness has cosigned", [Unwitnessed], _b, auditor => policy(auditor)),
        attack!("a cosignature flipped", [Modified], b, auditor => {
            policy(auditor);
            let mut note = b.head();
            let mut cosignature = witness("witness.example").cosign(&note, 1_773_153_045).expect("a checkpoint");
            cosignature.bytes[20] ^= 1;
            note.add(cosignature);
            b.put("checkpoint", note.to_string());
        }),
        attack!("a cosignature of another checkpoint", [Modified], b, auditor => {
            policy(auditor);
            let mut note = b.head();
            note.add(witness("witness.example").cosign(&b.note(600), 1_773_153_045).expect("a checkpoint"));
            b.put("checkpoint", note.to_string());
        }),
    ]
}

fn older() -> Vec<Attack> {
    vec![
        attack!("rewritten by the log's key, an older checkpoint kept", [Forked], b, auditor => {
            auditor.known = vec![SMALL.note(512)];
            let root = rewrite(b);
            sign(b, &LOG, root);
            remove_notes(b);
        }),
        attack!("rewritten by the log's key, the newest checkpoint kept", [Forked], b, auditor => {
            auditor.known = vec![SMALL.head()];
            let root = rewrite(b);
            sign(b, &LOG, root);
            remove_notes(b);
        }),
        attack!("rewritten by the log's key, older notes left in the bundle", [Forked], b, _a => {
            let root = rewrite(b);
            sign(b, &LOG, root);
        }),
        attack!("the end cut off, a newer checkpoint kept", [RolledBack], b, auditor => {
            auditor.known = vec![SMALL.head()];
            earlier(b, false);
        }),
        attack!("the end cut off, a newer note left in the bundle", [RolledBack], b, _a => earlier(b, true)),
        attack!("another log of the auditor's is not continued", [Forked], _b, auditor => {
            let before = other_origin();
            auditor.keys.push(before.vkey());
            auditor.known = vec![before.sign(5, [1; 32])];
        }),
        attack!("a note's signature flipped", [Modified], b, _a => {
            b.put(&checkpoint_path(512), flip_signature(&b.note(512)));
        }),
        attack!("a note under another size", [Modified], b, _a => {
            b.put(&checkpoint_path(513), b.note(512).to_string());
        }),
        attack!("a note of another tree", [Forked], b, _a => {
            b.put(&checkpoint_path(512), LOG.sign(512, [3; 32]).to_string());
        }),
        attack!("a note that is none", [Unreadable], b, _a => b.put(&checkpoint_path(512), b"512\n")),
    ]
}

fn said() -> Vec<Attack> {
    vec![
        attack!("the manifest says another size", [Modified], b, _a => b.manifest(|manifest| manifest.size = 600)),
        attack!("the manifest says another origin", [Modified], b, _a => {
            b.manifest(|manifest| manifest.origin = "example.org/other".to_owned());
        }),
        attack!("the manifest says fewer events", [Modified], b, _a => b.manifest(|manifest| manifest.events = 699)),
        attack!("the manifest says more events", [Modified], b, _a => b.manifest(|manifest| manifest.events = 701)),
        attack!("the manifest removed", [Unreadable], b, _a => b.remove("bundle.json")),
        attack!("the manifest is no JSON", [Unreadable], b, _a => b.put("bundle.json", b"{")),
        attack!("the manifest lacks a member", [Unreadable], b, _a => b.put("bundle.json", b"{\"origin\": \"x\"}")),
        // nothing in it is believed
        attack!("the manifest names another key", [], b, _a => {
            b.manifest(|manifest| manifest.keys = vec![other_key().vkey().to_string()]);
        }),
    ]
}
