//! The checkpoint that the bundle is about.

use std::fs;
use std::io;
use std::path::Path;

use auditlog_tlog::note::{NoteError, Verified};
use auditlog_tlog::{Checkpoint, SignedNote, VerifierKey};

use super::{CannotJudge, Check, Options};
use crate::finding::{Finding, Findings, Kind};
use crate::layout::CHECKPOINT;
use crate::report::Report;

/// The most events of a bundle, 2³⁶: a forged checkpoint must not keep the verifier busy for ever.
const MAX_EVENTS: u64 = 1 << 36;

/// Reads and judges the checkpoint; `None` when nothing can be compared with it.
pub(super) fn judge(
    directory: &Path,
    options: &Options<'_>,
    findings: &mut Findings,
    report: &mut Report,
) -> Result<Option<Checkpoint>, CannotJudge> {
    let bytes = match fs::read(directory.join(CHECKPOINT)) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            findings.add(Finding::of_file(Kind::Unreadable, CHECKPOINT, "the file is not there"));
            return Ok(None);
        }
        Err(error) => return Err(CannotJudge::io(CHECKPOINT)(error)),
    };
    let (note, checkpoint) = match parse(&bytes) {
        Ok(both) => both,
        Err(why) => {
            findings.add(Finding::of_file(Kind::Unreadable, CHECKPOINT, why));
            return Ok(None);
        }
    };
    check_signature(&note, &checkpoint, options, findings, report);
    check_policy(&note, options, findings, report);
    report.origin.clone_from(&checkpoint.origin);
    report.size = checkpoint.size;
    report.root = checkpoint.root;
    if checkpoint.size > MAX_EVENTS {
        let detail = format!(
            "it is of {} events, and a bundle has at most {MAX_EVENTS}",
            checkpoint.size
        );
        findings.add(Finding::of_file(Kind::Unreadable, CHECKPOINT, detail));
        return Ok(None);
    }
    Ok(Some(checkpoint))
}

/// A signed checkpoint, or why the bytes are none.
pub(super) fn parse(bytes: &[u8]) -> Result<(SignedNote, Checkpoint), String> {
    let note = SignedNote::parse_bytes(bytes).map_err(|error| error.to_string())?;
    let checkpoint = Checkpoint::parse(note.text()).map_err(|error| error.to_string())?;
    Ok((note, checkpoint))
}

/// The keys that may sign for `origin`.
pub(super) fn keys_of(origin: &str, options: &Options<'_>) -> Vec<VerifierKey> {
    let any = !options.checks.on(Check::Origin);
    options
        .keys
        .iter()
        .filter(|key| any || key.name().as_str() == origin)
        .cloned()
        .collect()
}

fn check_signature(
    note: &SignedNote,
    checkpoint: &Checkpoint,
    options: &Options<'_>,
    findings: &mut Findings,
    report: &mut Report,
) {
    if !options.checks.on(Check::Signature) {
        return;
    }
    let keys = keys_of(&checkpoint.origin, options);
    if keys.is_empty() {
        let detail = format!(
            "the checkpoint is of the log «{}», and no key that was given is named after it; signed by {}",
            checkpoint.origin,
            signers(note)
        );
        findings.add(Finding::of_file(Kind::KeyReplaced, CHECKPOINT, detail));
        return;
    }
    match note.verify(&keys) {
        Ok(verified) => report.signed_by = verified.iter().map(|verified| verified.key.to_string()).collect(),
        Err(NoteError::Unknown) => {
            let detail = format!("no key that was given has signed the checkpoint, but {}", signers(note));
            findings.add(Finding::of_file(Kind::KeyReplaced, CHECKPOINT, detail));
        }
        Err(error) => findings.add(Finding::of_file(Kind::Modified, CHECKPOINT, error.to_string())),
    }
}

fn check_policy(note: &SignedNote, options: &Options<'_>, findings: &mut Findings, report: &mut Report) {
    let Some(policy) = options.policy.filter(|_| options.checks.on(Check::Policy)) else {
        return;
    };
    let keys = policy.witness_keys();
    let verified = match note.verify_known(&keys) {
        Ok(verified) => verified,
        Err(error) => {
            findings.add(Finding::of_file(Kind::Modified, CHECKPOINT, error.to_string()));
            return;
        }
    };
    if !policy.satisfied(verified.iter().map(|verified| verified.key)) {
        let detail = format!(
            "{} of the policy's {} witnesses have cosigned the checkpoint, which is no quorum",
            verified.len(),
            keys.len()
        );
        findings.add(Finding::of_file(Kind::Unwitnessed, CHECKPOINT, detail));
    }
    let cosigner = |verified: &Verified<'_>| Some((verified.key.name().to_string(), verified.time?));
    report.cosigned_by = verified.iter().filter_map(cosigner).collect();
}

/// Who says that it has signed the note.
pub(super) fn signers(note: &SignedNote) -> String {
    let names: Vec<String> = note
        .signatures()
        .iter()
        .take(8)
        .map(|signature| format!("{} ({:08x})", signature.name, signature.key_id))
        .collect();
    names.join(", ")
}
