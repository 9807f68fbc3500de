//! Samples: is each event in the signed log, and is it shown as it is?

use auditlog_bundle::Record;
use auditlog_bundle::content::Entries;
use auditlog_bundle::report::hex;
use auditlog_core::chain::link_hash;
use auditlog_core::encode::parse_hex;
use auditlog_tlog::proof::verify_inclusion;
use auditlog_tlog::{Checkpoint, Hash};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::Verified;
use super::draw::{draw, plausible};
use super::fields::{Field, Fields};
use crate::model::{Report, Sample, Sampled, Section};

/// Checks the samples of all sections.
pub(super) fn check(report: &Report, checkpoint: Option<&Checkpoint>, verified: &mut Verified) {
    for section in &report.sections {
        let Some(sample) = &section.sample else { continue };
        let before = verified.findings_in_all();
        check_draw(report, section, sample, verified);
        for item in &sample.items {
            let at = format!("{}, log_index {}", section.id, item.log_index);
            verified.samples += 1;
            match check_item(report, sample, item, checkpoint) {
                Ok(outside) => {
                    verified.samples_proven += u64::from(checkpoint.is_some());
                    for column in outside {
                        verified.leave_open(format!(
                            "what samples show as «{column}»: the report has no more than a commitment to it, or it is no part of a sealed event"
                        ));
                    }
                }
                Err(findings) => findings
                    .into_iter()
                    .for_each(|detail| verified.find("sample", format!("{at}: {detail}"))),
            }
        }
        if verified.findings_in_all() == before
            && sample.of > sample.items.len() as u64
            && rows(section, sample).is_none()
        {
            verified.leave_open(
                "that samples were drawn from all events of their sections: the report does not list those; that they were \
                 drawn by their seed is checked by how likely it is"
                    .to_owned(),
            );
        }
    }
}

/// Whether the events are those that the seed draws.
fn check_draw(report: &Report, section: &Section, sample: &Sample, verified: &mut Verified) {
    let id = &section.id;
    let places: Vec<u64> = sample.items.iter().map(|item| item.log_index).collect();
    if !places.is_sorted_by(|a, b| a < b) {
        verified.find("sample", format!("{id}: its events are not in the order of the log"));
    }
    if places.len() as u64 > sample.of {
        let detail = format!("{id}: {} events were drawn from {}", places.len(), sample.of);
        verified.find("sample", detail);
    }
    let integrity = &report.integrity;
    let inside = |place: &u64| {
        integrity.first_log_index.is_some_and(|first| first <= *place)
            && integrity.last_log_index.is_some_and(|last| *place <= last)
    };
    for place in places.iter().filter(|place| !inside(place)) {
        let detail = format!("{id}: log_index {place} is not between the first and the last event of the period");
        verified.find("sample", detail);
    }
    let (drawn, why) = match rows(section, sample) {
        Some(rows) => (
            draw(&sample.seed, rows, places.len()) == places,
            "from the rows that the section lists",
        ),
        None => (
            plausible(&sample.seed, &places, sample.of),
            "than these: somebody has chosen them",
        ),
    };
    if !drawn {
        verified.find("sample", format!("{id}: the seed draws other events {why}"));
    }
}

/// The places of all events that the sample was drawn from, when the section lists them.
fn rows(section: &Section, sample: &Sample) -> Option<Vec<u64>> {
    section.tables.iter().find_map(|table| {
        let column = table.columns.iter().position(|column| column.name == "log_index")?;
        let all = table.total == sample.of && table.rows.len() as u64 == sample.of;
        let rows = || table.rows.iter().map(|row| row.get(column)?.as_u64());
        all.then(rows)?.collect()
    })
}

/// Checks an event; returns columns that no record has, or what does not fit.
fn check_item<'s>(
    report: &Report,
    sample: &'s Sample,
    item: &Sampled,
    checkpoint: Option<&Checkpoint>,
) -> Result<Vec<&'s str>, Vec<String>> {
    let bytes = STANDARD
        .decode(&item.record)
        .map_err(|error| vec![format!("the record is no base64: {error}")])?;
    let record = Record::parse(&bytes).map_err(|error| vec![error.to_string()])?;
    let leaf = leaf(&record).map_err(|why| vec![why])?;
    let mut findings = Vec::new();
    if record.log_index != item.log_index {
        findings.push(format!("the record is of log_index {}", record.log_index));
    }
    if item.entry_hash != hex(&leaf) {
        findings.push("the entry_hash is not that of the record".to_owned());
    }
    let integrity = &report.integrity;
    if item.log_index.checked_add(1) == Some(integrity.log_size) && integrity.head_hash != hex(&record.hash) {
        findings.push("it is the log's last event, and the report's head_hash is not its hash".to_owned());
    }
    match item
        .proof
        .iter()
        .map(|hash| parse_hex(hash))
        .collect::<Option<Vec<Hash>>>()
    {
        None => findings.push("the proof has something else than hashes".to_owned()),
        Some(proof) => {
            let proven = checkpoint.map(|to| verify_inclusion(&leaf, item.log_index, to.size, &proof, &to.root));
            if let Some(Err(error)) = proven {
                findings.push(format!("it is not in the log that was signed: {error}"));
            }
        }
    }
    let mut outside = Vec::new();
    if item.values.len() == sample.columns.len() {
        let fields = Fields::of(&record).map_err(|error| vec![error.to_string()])?;
        for (column, shown) in sample.columns.iter().zip(&item.values) {
            let field = fields.get(&column.name);
            if field == Field::Outside {
                outside.push(&*column.name);
            } else if !field.is_shown_as(shown) {
                findings.push(format!(
                    "«{}» is shown as {shown}, and the event says otherwise",
                    column.name
                ));
            }
        }
    } else {
        findings.push("it has not as many values as the sample has columns".to_owned());
    }
    if findings.is_empty() {
        Ok(outside)
    } else {
        Err(findings)
    }
}

/// The leaf of a record, computed from its values.
pub(super) fn leaf(record: &Record<'_>) -> Result<Hash, String> {
    let mut entries = Entries::default();
    let content = entries.content(record).map_err(|error| error.to_string())?;
    if let Some(column) = content.value_beside_erased {
        return Err(format!(
            "the value of {column} was erased, and another stands in its place"
        ));
    }
    if record.entry_hash != content.entry_hash {
        return Err("the record's entry_hash is not that of its values".to_owned());
    }
    if record.hash != link_hash(&record.prev_hash, &content.entry_hash, record.log_index) {
        return Err("the record's hash is not that of its place in the chain".to_owned());
    }
    Ok(content.entry_hash)
}
