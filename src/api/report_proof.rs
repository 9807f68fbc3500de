//! `report_proof`: the event that names a report's files, and its place in a signed checkpoint.

use super::reports::{newest_checkpoint, state_of};
use crate::error::Fault;
use crate::fmgr::Call;
use crate::store::catalog::as_owner;
use crate::store::columns::text;
use crate::store::tiles::Stored;
use crate::store::{report_reads, reports, view};
use auditlog_core::erase::hex;
use auditlog_report::manifest::Manifest;
use auditlog_report::verify::ReportProof;
use auditlog_tlog::{Checkpoint, SignedNote, proof};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pgrx::pg_sys::Datum;

crate::sql_function!(auditlog_report_proof, pg_finfo_auditlog_report_proof, proof_of);

/// `report_proof(id)`
fn proof_of(call: &Call) -> Datum {
    let id = call.int(0).unwrap_or_default();
    let Some(event_id) = reports::event_id(id) else {
        state_of(id);
        Fault::broken("the report is not done")
            .detail(format!("Report {id} has no files yet."))
            .hint("auditlog.reports says how far it is, and why it failed.")
            .raise()
    };
    match find(id, &event_id) {
        Ok(proof) => text(&proof.to_json()),
        Err(Missing::Checkpoint) => Fault::broken("no checkpoint covers the report yet")
            .detail(format!("Its event is {event_id}."))
            .hint("Call auditlog.checkpoint(), then ask again.")
            .raise(),
        Err(Missing::Path) => Fault::broken("the place of the report in the log cannot be proven")
            .detail(format!("Its event is {event_id}."))
            .hint("Run auditlog.verify().")
            .raise(),
    }
}

/// Why there is no proof.
pub enum Missing {
    /// No checkpoint covers the report's event yet.
    Checkpoint,
    /// The log's tree does not lead to it.
    Path,
}

/// The proof that the log has sealed the report with this event.
///
/// # Errors
/// Why there is none, or none yet.
pub fn find(id: i64, event_id: &str) -> Result<ReportProof, Missing> {
    let place = view::find(event_id)
        .and_then(|event| event.log_index)
        .ok_or(Missing::Checkpoint)?;
    let checkpoint = newest_checkpoint(place + 1).ok_or(Missing::Checkpoint)?;
    let drawn = as_owner(|| report_reads::sample(&[place])).pop().ok_or(Missing::Path)?;
    let path = proof::inclusion(place as u64, checkpoint.size, &Stored).map_err(|_| Missing::Path)?;
    Ok(ReportProof {
        format: auditlog_report::verify::seal::FORMAT.to_owned(),
        consistency: consistency(id, checkpoint.size),
        record: STANDARD.encode(&drawn.record),
        proof: path.iter().map(|hash| hex(hash)).collect(),
        checkpoint: checkpoint.note,
    })
}

/// Shows that the report's own checkpoint and the one of this size are of one history; none when the report has none.
fn consistency(id: i64, size: u64) -> Option<Vec<String>> {
    let manifest = Manifest::from_json(&reports::file(id, "manifest")?).ok()?;
    let note = SignedNote::parse(&manifest.checkpoint?).ok()?;
    let own = Checkpoint::parse(note.text()).ok()?;
    let hashes = proof::consistency(own.size, size, &Stored).ok()?;
    Some(hashes.iter().map(|hash| hex(hash)).collect())
}
