//! What is told, whoever it is told to.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::severity::Severity;
use crate::text::cut;

/// The most bytes of a notification's id.
pub const MAX_ID_BYTES: usize = 128;

/// What has happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// An alert has fired.
    Fired,
    /// What an alert had fired for is over.
    Resolved,
    /// Many firings, told of together.
    Digest,
    /// A report was made.
    Report,
    /// Somebody tries the channel.
    Test,
}

impl Kind {
    /// Its name, in lower case.
    pub fn label(self) -> &'static str {
        match self {
            Self::Fired => "fired",
            Self::Resolved => "resolved",
            Self::Digest => "digest",
            Self::Report => "report",
            Self::Test => "test",
        }
    }
}

/// Where an event is in the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventRef {
    /// The event's id.
    pub event_id: String,
    /// Its place in the log.
    pub log_index: i64,
    /// When it happened, in microseconds since 1970 UTC.
    pub timestamp: i64,
}

/// One of the firings of a digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// The id of the notification that the digest stands for.
    pub id: String,
    /// What had happened.
    pub kind: Kind,
    /// The alert's name.
    pub alert: String,
    /// How bad it is.
    pub severity: Severity,
    /// The fields that the alert groups by, with their values.
    pub group: Vec<(String, Option<String>)>,
    /// Events that the firing counted.
    pub count: u64,
    /// When, in microseconds since 1970 UTC.
    pub fired_at: i64,
}

/// Something to tell through a channel. The caller keeps it as JSON until it is delivered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notification {
    /// The idempotency key: the same for every try, so that who gets it twice can see that. From 1 to
    /// [`MAX_ID_BYTES`] letters, digits, `-` and `_`, such as a UUID.
    pub id: String,
    /// What has happened.
    pub kind: Kind,
    /// The alert's name.
    pub alert: String,
    /// The alert's description.
    #[serde(default)]
    pub description: Option<String>,
    /// How bad it is.
    pub severity: Severity,
    /// The fields that the alert groups by, with the values of this group; `None` is a missing one.
    #[serde(default)]
    pub group: Vec<(String, Option<String>)>,
    /// Events that the firing counted.
    pub count: u64,
    /// The time within which they were counted, for people, such as `5m`.
    #[serde(default)]
    pub window: Option<String>,
    /// Why it fired, in words, when the count alone doesn't say it.
    #[serde(default)]
    pub reason: Option<String>,
    /// The first event that counted.
    #[serde(default)]
    pub first: Option<EventRef>,
    /// The last event that counted.
    #[serde(default)]
    pub last: Option<EventRef>,
    /// The ids of some of the events.
    #[serde(default)]
    pub samples: Vec<String>,
    /// The alert's labels.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// The database whose log it is.
    pub database: String,
    /// The name under which that log is signed, if it has one.
    #[serde(default)]
    pub origin: Option<String>,
    /// When it fired, or was resolved, in microseconds since 1970 UTC.
    pub fired_at: i64,
    /// Where to look further.
    #[serde(default)]
    pub url: Option<String>,
    /// The same for what belongs together, such as a firing and its resolution: the alert and its group.
    pub dedup_key: String,
    /// Who is to get it, for channels that can choose: addresses of e-mail. Empty for the channel's own.
    #[serde(default)]
    pub recipients: Vec<String>,
    /// The text to send instead of the channel's own ([`crate::Template`]).
    #[serde(default)]
    pub template: Option<String>,
    /// What a digest stands for.
    #[serde(default)]
    pub members: Vec<Member>,
}

impl Notification {
    /// Whether its id can stand in headers, signatures and Message-IDs as it is.
    pub(crate) fn has_usable_id(&self) -> bool {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        (1..=MAX_ID_BYTES).contains(&self.id.len()) && self.id.bytes().all(allowed)
    }

    /// The same in short, for a receiver that takes no more: without samples, labels and template, with long texts cut.
    /// What identifies it stays as it is, and a digest keeps its members.
    #[must_use]
    pub fn shortened(&self) -> Self {
        let short = |text: &Option<String>, most: usize| text.as_deref().map(|text| cut(text, most).into_owned());
        let group = |group: &[(String, Option<String>)], pairs: usize, field: usize, value: usize| {
            let pairs = group.iter().take(pairs);
            pairs
                .map(|(name, text)| (cut(name, field).into_owned(), short(text, value)))
                .collect::<Vec<_>>()
        };
        let members = self.members.iter().map(|member| Member {
            alert: cut(&member.alert, 40).into_owned(),
            group: group(&member.group, 1, 20, 40),
            ..member.clone()
        });
        Self {
            alert: cut(&self.alert, 200).into_owned(),
            description: short(&self.description, 200),
            reason: short(&self.reason, 200),
            window: short(&self.window, 50),
            group: group(&self.group, 10, 100, 100),
            samples: Vec::new(),
            labels: BTreeMap::new(),
            database: cut(&self.database, 200).into_owned(),
            origin: short(&self.origin, 200),
            url: self.url.clone().filter(|url| url.len() <= 2_000),
            template: None,
            members: members.collect(),
            ..self.clone()
        }
    }
}
