//! Who hears of a custom report that was made: the channels that its definition names are told, the sinks get its files.

use super::firing::installation;
use crate::shmem;
use crate::store::{checkpoints, notifications, report_deliveries, reports::Asked};
use auditlog_core::document::format_timestamp;
use auditlog_notify::{Kind, Notification, Severity};
use auditlog_report::custom::CustomReport;
use std::collections::BTreeMap;

/// Puts a notification for each of its channels into the outbox and a delivery for each of its sinks beside it, in the transaction in which the report is done: neither is there
/// without the other.
pub(super) fn tell(asked: &Asked, findings: u64, manifest_sha256: &str) {
    if asked.kind != "custom" {
        return;
    }
    let Ok(custom) = CustomReport::parse(&asked.definition) else {
        return;
    };
    report_deliveries::add(asked.id, &custom.sinks);
    let origin = checkpoints::incarnation().map(|now| now.origin);
    let installation = installation(origin.as_deref());
    for channel in &custom.channels {
        let key = format!("{installation}-report-{}-{channel}", asked.id);
        let told = Notification {
            id: format!("{installation}-report-{}", asked.id),
            kind: Kind::Report,
            alert: custom.title.clone(),
            description: Some(custom.description.clone()).filter(|text| !text.is_empty()),
            severity: if findings > 0 {
                Severity::Warning
            } else {
                Severity::Info
            },
            group: Vec::new(),
            count: findings,
            window: None,
            reason: Some(format!(
                "It is about {} to {}. Take it with auditlog.report_file({}, 'pdf'); its manifest has SHA-256 {manifest_sha256}.",
                format_timestamp(asked.since),
                format_timestamp(asked.until),
                asked.id
            )),
            first: None,
            last: None,
            samples: Vec::new(),
            labels: BTreeMap::new(),
            database: crate::provenance::database(),
            dedup_key: key.clone(),
            origin: origin.clone(),
            fired_at: shmem::unix_micros(),
            url: None,
            recipients: Vec::new(),
            template: None,
            members: Vec::new(),
        };
        if let Ok(body) = serde_json::to_string(&told) {
            notifications::add(None, channel, "report", &key, &body);
        }
    }
}
