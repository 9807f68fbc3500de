//! What the tests share: a notification, a directory of secrets, and the servers of the sinks' tests.
#![allow(dead_code)]

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use auditlog_notify::{Attempt, Channel, EventRef, Failure, Kind, Notification, Outcome, Secrets, Severity, send};
use serde_json::Value;

pub mod post;

#[path = "../../../sink/tests/support/mod.rs"]
pub mod sink;

/// 2025-11-22 15:00:00.123456 UTC.
pub const NOW: i64 = 1_763_823_600_123_456;

/// The seed's example, as it fires.
pub fn notification() -> Notification {
    let event = |log_index: i64| EventRef {
        event_id: format!("0198a000-0000-7000-8000-00000000000{log_index}"),
        log_index,
        timestamp: NOW - 60_000_000 + log_index,
    };
    Notification {
        id: "0198b111-2222-7333-8444-555555555555".to_owned(),
        kind: Kind::Fired,
        alert: "Multiple Failed Login Attempts".to_owned(),
        description: Some("Somebody tries passwords.".to_owned()),
        severity: Severity::Error,
        group: vec![("actor.email".to_owned(), Some("bob@company.com".to_owned()))],
        count: 5,
        window: Some("5m".to_owned()),
        reason: None,
        first: Some(event(1)),
        last: Some(event(5)),
        samples: vec![event(1).event_id, event(5).event_id],
        labels: BTreeMap::from([("team".to_owned(), "security".to_owned())]),
        database: "app".to_owned(),
        origin: Some("example.com/audit".to_owned()),
        fired_at: NOW,
        url: Some("https://audit.example.com/firings/7?a=1&b=2".to_owned()),
        dedup_key: "12:bob@company.com".to_owned(),
        recipients: vec!["security@company.com".to_owned()],
        template: None,
        members: Vec::new(),
    }
}

/// A directory of secrets that is gone with its value.
pub struct Safe(tempfile::TempDir);

impl Safe {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// A directory with one secret.
    pub fn with(name: &str, text: &str) -> Self {
        let safe = Self::new();
        safe.put(name, text);
        safe
    }

    pub fn put(&self, name: &str, text: &str) {
        let path = self.0.path().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }

    pub fn path(&self) -> &std::path::Path {
        self.0.path()
    }

    pub fn secrets(&self) -> Secrets {
        Secrets::new(self.0.path())
    }

    /// Sends, with ten seconds of time and to everywhere.
    pub fn send(&self, channel: &Channel, n: &Notification) -> Outcome {
        self.send_within(channel, n, Duration::from_secs(10), &|_, _| true)
    }

    pub fn send_within(
        &self,
        channel: &Channel,
        n: &Notification,
        deadline: Duration,
        allow: &dyn Fn(&str, SocketAddr) -> bool,
    ) -> Outcome {
        let secrets = self.secrets();
        send(
            channel,
            n,
            &Attempt {
                secrets: &secrets,
                deadline,
                now: NOW,
                allow,
            },
        )
    }
}

#[track_caller]
pub fn channel(kind: &str, config: &Value) -> Channel {
    match Channel::parse(kind, config) {
        Ok(channel) => channel,
        Err(error) => panic!("{error} ({:?})", error.hint),
    }
}

/// The failure of an outcome with that name.
#[track_caller]
pub fn failure(outcome: &Outcome, label: &str) -> Failure {
    assert_eq!(outcome.label(), label, "{outcome:?}");
    outcome.error().expect("a failure").clone()
}

#[track_caller]
pub fn detail(outcome: Outcome) -> String {
    match outcome {
        Outcome::Delivered { detail } => detail,
        other => panic!("not delivered: {other:?}"),
    }
}
