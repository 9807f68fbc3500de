//! The seal: the log itself names the report. The event `auditlog.report` that ends the making of a report has in its `metadata`
//!
//! ```text
//! manifest_sha256   SHA-256 of manifest.json, hexadecimal
//! files             an object: pdf, json, csv → SHA-256 of the file; the formats that were made
//! report_id         the report's number, when it is there
//! ```
//!
//! and with a [`ReportProof`] anybody who has the log's key sees that this event is in the signed log. The manifest follows from
//! the report alone, so `report.json` and the proof are enough to find a changed byte.

use auditlog_bundle::Record;
use auditlog_core::encode::parse_hex;
use auditlog_core::json::Json;
use auditlog_tlog::proof::{verify_consistency, verify_inclusion};
use auditlog_tlog::{Checkpoint, Hash};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::fields::{Field, Fields};
use super::outcome::Pages;
use super::{Given, Trust, Verified, checkpoint, sample};
use crate::files::sha256;
use crate::model::Report;

/// The format's name and version.
pub const FORMAT: &str = "pg_auditlog report proof v1";

/// The type of the event.
pub const EVENT_TYPE: &str = "auditlog.report";

/// The most bytes of a proof that are read.
pub const MAX_BYTES: usize = 16 << 20;

/// `report.proof.json`: the event `auditlog.report` with its proof of place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportProof {
    /// [`FORMAT`].
    pub format: String,
    /// The event as a bundle has it (base64, docs/format.md).
    pub record: String,
    /// The inclusion proof (RFC 6962 audit path, hexadecimal hashes) to the tree of `checkpoint`.
    pub proof: Vec<String>,
    /// A signed checkpoint that covers the event.
    pub checkpoint: String,
    /// The consistency proof (RFC 6962, hexadecimal hashes) from the report's own checkpoint to this one; may be left out.
    /// Shows that both are of one history.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub consistency: Option<Vec<String>>,
}

impl ReportProof {
    /// The bytes of its file.
    ///
    /// # Panics
    /// Never: there is nothing in it that JSON cannot say.
    pub fn to_json(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec_pretty(self).expect("a proof is JSON");
        bytes.push(b'\n');
        bytes
    }

    /// Reads a file; the error says why it is none.
    fn from_json(bytes: &[u8]) -> Result<Self, String> {
        if bytes.len() > MAX_BYTES {
            return Err(format!("it has more than {MAX_BYTES} bytes"));
        }
        let proof: Self = serde_json::from_slice(bytes).map_err(|error| format!("it cannot be read: {error}"))?;
        if proof.format != FORMAT {
            return Err(format!(
                "it is of the format «{}», not «{FORMAT}»",
                proof.format.escape_debug()
            ));
        }
        Ok(proof)
    }
}

/// Checks the proof, when there is one. Sets [`Verified::sealed_at`] only when the event is in the signed log and names this
/// manifest and all files that are given.
pub(super) fn check(
    given: &Given<'_>,
    manifest: &[u8],
    report: Option<&Report>,
    of_report: Option<&Checkpoint>,
    trust: &Trust<'_>,
    verified: &mut Verified,
) {
    let Some(bytes) = given.proof else { return };
    let before = verified.findings_in_all();
    let place = match read(bytes, given, manifest, report, of_report, trust, verified) {
        Ok(place) => place,
        Err(why) => return verified.find("seal", why),
    };
    if verified.findings_in_all() == before {
        verified.sealed_at = Some(place);
    } else {
        verified.pages = None;
    }
}

/// Returns the place of the event; what it says otherwise is found.
fn read(
    bytes: &[u8],
    given: &Given<'_>,
    manifest: &[u8],
    report: Option<&Report>,
    of_report: Option<&Checkpoint>,
    trust: &Trust<'_>,
    verified: &mut Verified,
) -> Result<u64, String> {
    let proof = ReportProof::from_json(bytes)?;
    let record = STANDARD
        .decode(&proof.record)
        .map_err(|error| format!("the record is no base64: {error}"))?;
    let record = Record::parse(&record).map_err(|error| error.to_string())?;
    let origin = match report {
        Some(report) => report.integrity.origin.clone(),
        None => proof.checkpoint.lines().next().unwrap_or_default().to_owned(),
    };
    let signed = checkpoint::signed(&proof.checkpoint, &origin, trust, verified)
        .map_err(|why| format!("the proof's checkpoint: {why}"))?;
    let leaf = sample::leaf(&record)?;
    let path = hashes(&proof.proof).ok_or("the proof has something else than hashes")?;
    verify_inclusion(&leaf, record.log_index, signed.size, &path, &signed.root)
        .map_err(|error| format!("the event is not in the log that was signed: {error}"))?;
    if let (Some(old), Some(path)) = (of_report, &proof.consistency) {
        let path = hashes(path).ok_or("the consistency proof has something else than hashes")?;
        verify_consistency(old.size, &old.root, signed.size, &signed.root, &path).map_err(|error| {
            format!("the report's checkpoint and the proof's are not of one history of the log: {error}")
        })?;
    } else if of_report.is_some_and(|old| old.size == signed.size && old.root != signed.root) {
        return Err("the report's checkpoint and the proof's are of two histories of the log".to_owned());
    } else if of_report.is_some_and(|old| old.size != signed.size) {
        verified.leave_open("that the report's checkpoint and the proof's are of one history of the log: the proof has no consistency proof".to_owned());
    }
    if report.is_some_and(|report| record.log_index < report.integrity.log_size) {
        return Err("the event is older than the report".to_owned());
    }
    names(&record, given, manifest, report, verified)?;
    Ok(record.log_index)
}

/// Does the event name these files?
fn names(
    record: &Record<'_>,
    given: &Given<'_>,
    manifest: &[u8],
    report: Option<&Report>,
    verified: &mut Verified,
) -> Result<(), String> {
    let fields = Fields::of(record).map_err(|error| error.to_string())?;
    if fields.get("event_type") != Field::Text(EVENT_TYPE.to_owned()) {
        return Err(format!("the event in the proof is none of the type {EVENT_TYPE}"));
    }
    if let (Some(report), Field::Json(Json::Number(id))) = (report, fields.get("metadata.report_id"))
        && id != report.report_id.to_string()
    {
        return Err(format!("the proof is of the report {id}, this is {}", report.report_id));
    }
    match fields.get("metadata.manifest_sha256") {
        Field::Text(named) if named == sha256(manifest) => {}
        Field::Text(_) if given.manifest.is_some() => verified.find("seal", "the log names another manifest"),
        Field::Text(_) => verified.find("seal", "the log names another report: report.json has been changed"),
        _ => return Err("the event names no manifest".to_owned()),
    }
    let files = [("json", Some(given.json)), ("csv", given.csv), ("pdf", given.pdf)];
    for (format, bytes) in files {
        let (Some(bytes), Field::Text(named)) = (bytes, fields.get(&format!("metadata.files.{format}"))) else {
            continue;
        };
        if named != sha256(bytes) {
            verified.find("seal", format!("the log names another file as {format}"));
        } else if format == "pdf" {
            verified.pages = Some(Pages::Sealed);
        }
    }
    Ok(())
}

fn hashes(texts: &[String]) -> Option<Vec<Hash>> {
    texts.iter().map(|text| parse_hex(text)).collect()
}
