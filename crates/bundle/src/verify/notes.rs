//! The other checkpoints: those in the bundle, and those that the auditor brought.

use std::fs;
use std::path::Path;

use auditlog_tlog::Checkpoint;
use auditlog_tlog::note::NoteError;
use auditlog_tlog::proof::root_at;

use super::head::{keys_of, parse, signers};
use super::tree::Tree;
use super::{CannotJudge, Check, Options, list, parallel};
use crate::finding::{Finding, Findings, Kind};
use crate::layout::{CHECKPOINTS, checkpoint_size};
use crate::report::Report;

/// So many notes are judged in one go.
const BATCH: usize = 256;

/// The auditor's checkpoints, once their signatures have been checked: they are evidence only if the log
/// has signed them.
pub(super) fn known(options: &Options<'_>) -> Result<Vec<(String, Checkpoint)>, CannotJudge> {
    let judge = |(name, note): &(String, auditlog_tlog::SignedNote)| {
        let cannot = |why: String| CannotJudge::Known {
            name: name.clone(),
            why,
        };
        let checkpoint = Checkpoint::parse(note.text()).map_err(|error| cannot(error.to_string()))?;
        let keys = keys_of(&checkpoint.origin, options);
        note.verify(&keys).map_err(|error| cannot(error.to_string()))?;
        Ok((name.clone(), checkpoint))
    };
    options.known.iter().map(judge).collect()
}

/// What was found out about one note.
#[derive(Default)]
struct Judged {
    findings: Vec<Finding>,
    /// Whether it was compared with the tree.
    checked: bool,
    /// Whether no key that was given has signed it.
    unknown_key: bool,
    /// Whether it is of another log.
    other_origin: bool,
}

/// Compares all notes with the tree.
pub(super) fn check(
    directory: &Path,
    head: &Checkpoint,
    known: &[(String, Checkpoint)],
    tree: &Tree,
    options: &Options<'_>,
    findings: &mut Findings,
    report: &mut Report,
) -> Result<(), CannotJudge> {
    let mut names = list(directory, CHECKPOINTS)?;
    names.retain(|name| !name.ends_with(".tmp"));
    let batches: Vec<&[String]> = names.chunks(BATCH).collect();
    let judged = parallel::run(batches.len(), options.threads, |batch| {
        let judge = |name: &String| in_bundle(directory, name, head, tree, options);
        batches[batch].iter().map(judge).collect::<Result<Vec<_>, _>>()
    })?;
    for judged in judged.into_iter().flatten() {
        report.checkpoints += u64::from(judged.checked);
        report.checkpoints_of_unknown_keys += u64::from(judged.unknown_key);
        report.checkpoints_of_other_logs += u64::from(judged.other_origin);
        findings.extend(judged.findings);
    }
    for (name, checkpoint) in known {
        findings.extend(of_auditor(name, checkpoint, head, tree, options)?);
    }
    Ok(())
}

fn in_bundle(
    directory: &Path,
    name: &str,
    head: &Checkpoint,
    tree: &Tree,
    options: &Options<'_>,
) -> Result<Judged, CannotJudge> {
    let file = format!("{CHECKPOINTS}/{name}");
    let mut judged = Judged::default();
    let bytes = fs::read(directory.join(&file)).map_err(CannotJudge::io(file.clone()))?;
    let (note, checkpoint) = match parse(&bytes) {
        Ok(both) => both,
        Err(why) => {
            judged.findings.push(Finding::of_file(Kind::Unreadable, file, why));
            return Ok(judged);
        }
    };
    let checks = options.checks;
    if checks.on(Check::NoteName) && checkpoint_size(name) != Some(checkpoint.size) {
        let detail = format!("the checkpoint in it is of size {}", checkpoint.size);
        judged.findings.push(Finding::of_file(Kind::Modified, &file, detail));
    }
    if checkpoint.origin != head.origin {
        judged.other_origin = true;
        return Ok(judged);
    }
    match note.verify(&keys_of(&checkpoint.origin, options)) {
        Ok(_) => {}
        Err(NoteError::Unknown) => judged.unknown_key = true,
        Err(error) if checks.on(Check::NoteSignature) => {
            judged
                .findings
                .push(Finding::of_file(Kind::Modified, &file, error.to_string()));
        }
        Err(_) => {}
    }
    judged.checked = !judged.unknown_key;
    if checkpoint.size > head.size {
        if checks.on(Check::NoteSize) {
            let detail = format!(
                "the log has been larger: it has {} events in this checkpoint, signed by {}, and {} in the bundle's",
                checkpoint.size,
                signers(&note),
                head.size
            );
            judged.findings.push(Finding::of_file(Kind::RolledBack, file, detail));
        }
    } else if checks.on(Check::NoteRoot) && !same_tree(&checkpoint, head, tree)?.unwrap_or(true) {
        let detail = format!(
            "the first {} events of the bundle's tree are not the tree of this checkpoint, signed by {}",
            checkpoint.size,
            signers(&note)
        );
        judged.findings.push(Finding::of_file(Kind::Forked, file, detail));
    }
    Ok(judged)
}

fn of_auditor(
    name: &str,
    checkpoint: &Checkpoint,
    head: &Checkpoint,
    tree: &Tree,
    options: &Options<'_>,
) -> Result<Option<Finding>, CannotJudge> {
    let checks = options.checks;
    let finding = |kind, detail| Ok(Some(Finding::of_file(kind, name, detail)));
    if checkpoint.origin != head.origin {
        if !checks.on(Check::KnownOrigin) {
            return Ok(None);
        }
        let detail = format!(
            "the checkpoint that you have is of the log «{}», the bundle of «{}»; nothing shows that this is its continuation",
            checkpoint.origin, head.origin
        );
        return finding(Kind::Forked, detail);
    }
    if checkpoint.size > head.size {
        if !checks.on(Check::KnownSize) {
            return Ok(None);
        }
        let detail = format!(
            "the log has been larger: it has {} events in the checkpoint that you have, and {} in the bundle",
            checkpoint.size, head.size
        );
        return finding(Kind::RolledBack, detail);
    }
    if !checks.on(Check::KnownRoot) {
        return Ok(None);
    }
    match same_tree(checkpoint, head, tree)? {
        Some(true) => Ok(None),
        Some(false) => {
            let detail = format!(
                "the first {} events of the bundle's tree are not the tree of the checkpoint that you have",
                checkpoint.size
            );
            finding(Kind::Forked, detail)
        }
        None => {
            let detail = "the checkpoint that you have cannot be compared with the damaged tiles";
            finding(Kind::Unreadable, detail.to_owned())
        }
    }
}

/// Whether the tree began with the tree of `checkpoint`, which is not larger; `None` when damaged tiles
/// do not let it be told.
fn same_tree(checkpoint: &Checkpoint, head: &Checkpoint, tree: &Tree) -> Result<Option<bool>, CannotJudge> {
    if checkpoint.size == head.size {
        return Ok(Some(checkpoint.root == head.root));
    }
    match root_at(checkpoint.size, &tree.tiles) {
        Ok(root) => Ok(Some(root == checkpoint.root)),
        Err(auditlog_tlog::proof::ProofError::Source(crate::tiles::TileError::Io(error))) => {
            Err(CannotJudge::io("tile")(error))
        }
        Err(_) => Ok(None),
    }
}
