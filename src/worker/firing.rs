//! What an alert has found is written down: the firing, an event of the log, and whom to tell.

use super::evaluator::Watched;
use crate::api::own_event::{self, OwnEvent};
use crate::shmem;
use crate::store::firings::{self, Of};
use crate::store::{checkpoints, notifications};
use auditlog_core::erase::hex;
use auditlog_core::event::Severity;
use auditlog_core::json::Json;
use auditlog_notify::{EventRef, Kind, Notification};
use auditlog_policy::alert::definition::Definition;
use auditlog_policy::alert::engine::{Firing, Moment, Resolved};
use sha2::{Digest, Sha256};
use std::collections::HashMap;

/// An alert fires; false when that is written down already.
pub fn fired(firing: &Firing, watched: &Watched, event_ids: &HashMap<i64, String>) -> bool {
    let definition = &watched.definition;
    let muted = watched.muted_until.is_some_and(|until| until > shmem::unix_micros());
    let samples: Vec<String> = firing
        .samples
        .iter()
        .filter_map(|at| event_ids.get(at).cloned())
        .collect();
    let of = Of {
        alert: &definition.name,
        severity: definition.severity().label(),
        muted,
    };
    let Some(id) = firings::add(firing, &of, &samples) else {
        return false;
    };
    tell_log(id, firing, definition, &samples, muted);
    if !muted {
        let body = notification(id, firing, definition, &samples, event_ids);
        tell(id, &body, definition);
    }
    true
}

/// A group's firings are over: whoever was told of them is told of that.
pub fn resolved(resolved: &Resolved, watched: &Watched) {
    for id in firings::resolve(resolved) {
        for (channel, body) in notifications::of_firing(id) {
            let Ok(mut body) = serde_json::from_str::<Notification>(&body) else {
                continue;
            };
            body.kind = Kind::Resolved;
            body.fired_at = shmem::unix_micros();
            body.id = format!("{}-resolved", body.id);
            body.description.clone_from(&watched.definition.description);
            add(Some(id), &channel, &body);
        }
    }
}

/// Puts a notification into the outbox, once.
pub fn add(firing: Option<i64>, channel: &str, body: &Notification) -> Option<i64> {
    let text = serde_json::to_string(body).unwrap_or_default();
    notifications::add(firing, channel, body.kind.label(), &body.id, &text)
}

/// For each channel that the alert names, and that wants to know of what is so grave.
fn tell(id: i64, body: &Notification, definition: &Definition) {
    let Some(wanted) = &definition.notification else { return };
    for channel in notifications::channels() {
        let least = Severity::from_label(&channel.min_severity);
        if channel.enabled
            && wanted.channels.contains(&channel.name)
            && least.is_none_or(|least| definition.severity() >= least)
        {
            let mut own = body.clone();
            own.id = format!("{}-{}", body.id, key_of(&channel.name));
            add(Some(id), &channel.name, &own);
        }
    }
}

/// A channel's name where only letters, digits, - and _ may stand.
fn key_of(name: &str) -> String {
    hex(&Sha256::digest(name)[..6])
}

/// What is told. Its id names firing and installation, so that two databases never share one.
fn notification(
    id: i64,
    firing: &Firing,
    definition: &Definition,
    samples: &[String],
    event_ids: &HashMap<i64, String>,
) -> Notification {
    let origin = checkpoints::incarnation().map(|now| now.origin);
    let reference = |moment: &Moment| EventRef {
        event_id: event_ids.get(&moment.log_index).cloned().unwrap_or_default(),
        log_index: moment.log_index,
        timestamp: moment.at_us,
    };
    let wanted = definition.notification.clone().unwrap_or_default();
    Notification {
        id: format!("{}-{id}", installation(origin.as_deref())),
        kind: Kind::Fired,
        alert: definition.name.clone(),
        description: definition.description.clone(),
        severity: auditlog_notify::Severity::from_label(definition.severity().label())
            .unwrap_or(auditlog_notify::Severity::Warning),
        group: firing.group.clone(),
        count: firing.count,
        window: firing.window.map(|window| window.to_string()),
        reason: Some(firing.reason.clone()),
        first: Some(reference(&firing.first)),
        last: Some(reference(&firing.last)),
        samples: samples.to_vec(),
        labels: definition.labels.iter().cloned().collect(),
        database: crate::provenance::database(),
        dedup_key: format!("{}-{}-{}", installation(origin.as_deref()), firing.alert, firing.key),
        origin,
        fired_at: shmem::unix_micros(),
        url: None,
        recipients: wanted.recipients,
        template: wanted.template,
        members: Vec::new(),
    }
}

/// A short name of this installation of the extension: of the log's origin, or of the cluster and database.
pub(super) fn installation(origin: Option<&str>) -> String {
    let text = origin.map_or_else(
        || {
            let number = |arg: u64| arg.to_string();
            // SAFETY: reads the control file's number and a global.
            unsafe {
                format!(
                    "{}/{}",
                    number(pgrx::pg_sys::GetSystemIdentifier()),
                    pgrx::pg_sys::MyDatabaseId.to_u32()
                )
            }
        },
        str::to_owned,
    );
    hex(&Sha256::digest(text)[..8])
}

fn tell_log(id: i64, firing: &Firing, definition: &Definition, samples: &[String], muted: bool) {
    let group = firing.group.iter().map(|(field, value)| {
        let value = value.as_deref().map_or(Json::Null, own_event::text);
        (field.clone(), value)
    });
    let samples = samples.iter().map(|id| own_event::text(id)).collect();
    own_event::record(&OwnEvent {
        event_type: "auditlog.alert",
        severity: definition.severity().label(),
        actor: ("system", "pg_auditlog"),
        operation: "alert",
        metadata: &[
            ("alert", own_event::text(&definition.name)),
            ("firing_id", own_event::number(id)),
            ("group", Json::Object(group.collect())),
            ("count", own_event::number(firing.count as i64)),
            ("reason", own_event::text(&firing.reason)),
            ("samples", Json::Array(samples)),
            ("muted", Json::Bool(muted)),
        ],
    });
}
