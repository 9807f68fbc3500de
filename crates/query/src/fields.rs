//! The fields that queries know: the one table behind names, types, columns and `auditlog.fields()`.

use Kind::{Integer, Ip, Json, Severity, Text, TextList, Time};

/// Type of a field, which decides how literals are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Text,
    /// A moment; literals are dates.
    Time,
    /// `debug` < `info` < `notice` < `warning` < `error` < `critical`.
    Severity,
    /// An IP address; literals may be networks.
    Ip,
    /// A list of texts.
    TextList,
    /// A whole number.
    Integer,
    /// Any JSON; every path below it is a field too.
    Json,
}

impl Kind {
    /// The name shown to people.
    pub fn label(self) -> &'static str {
        match self {
            Text => "text",
            Time => "time",
            Severity => "severity",
            Ip => "ip address",
            TextList => "list of texts",
            Integer => "integer",
            Json => "json",
        }
    }
}

/// A field with a column of its own.
#[derive(Debug, PartialEq, Eq)]
pub struct Field {
    /// Path in the event's document, or the column's name for what is not in the document.
    pub path: &'static str,
    /// Column of the log.
    pub column: &'static str,
    /// Type.
    pub kind: Kind,
    /// Is it part of the document? The others are derived or set by the database.
    pub in_document: bool,
    /// What it holds.
    pub description: &'static str,
    /// A condition.
    pub example: &'static str,
}

/// A short name.
#[derive(Debug, PartialEq, Eq)]
pub struct Alias {
    /// The name, lower case.
    pub name: &'static str,
    /// The paths it stands for: any of them may satisfy a condition.
    pub targets: &'static [&'static str],
}

const fn field(
    path: &'static str,
    column: &'static str,
    kind: Kind,
    description: &'static str,
    example: &'static str,
) -> Field {
    Field {
        path,
        column,
        kind,
        in_document: true,
        description,
        example,
    }
}

const fn computed(column: &'static str, kind: Kind, description: &'static str, example: &'static str) -> Field {
    Field {
        in_document: false,
        ..field(column, column, kind, description, example)
    }
}

/// All fields, in the order in which they are shown.
#[rustfmt::skip]
pub static FIELDS: [Field; 37] = [
    field("timestamp", "timestamp", Time, "when it happened", "timestamp:>now-24h"),
    field("event_id", "event_id", Text, "identifier of the event", "event_id:evt_2026031012345678"),
    field("event_type", "event_type", Text, "what happened, dotted", "event_type:authentication.*"),
    computed("category", Text, "group of the event type, from the catalogue", "category:cost"),
    field("severity", "severity", Severity, "how grave it is", "severity:>=warning"),
    field("tenant", "tenant", Text, "tenant it belongs to", "tenant:acme"),
    field("idempotency_key", "idempotency_key", Text, "key that keeps an event from being recorded twice", "idempotency_key:*"),
    field("actor.type", "actor_type", Text, "kind of the actor", "actor.type:user"),
    field("actor.id", "actor_id", Text, "identifier of the actor", "actor.id:user_12345"),
    field("actor.email", "actor_email", Text, "e-mail address of the actor", "actor.email:admin@company.com"),
    field("actor.ip_address", "actor_ip", Ip, "address the actor came from", "actor.ip_address:203.0.113.0/24"),
    field("actor.user_agent", "actor_user_agent", Text, "program the actor used", "actor.user_agent:*curl*"),
    field("actor.session_id", "actor_session_id", Text, "session of the actor", "actor.session_id:sess_abcdef123456"),
    field("resource.type", "resource_type", Text, "kind of the resource", "resource.type:ec2_instance"),
    field("resource.id", "resource_id", Text, "identifier of the resource", "resource.id:i-0123456789abcdef"),
    field("resource.cloud_provider", "cloud_provider", Text, "cloud the resource lives in", "resource.cloud_provider:aws"),
    field("resource.account_id", "account_id", Text, "account that owns the resource", "resource.account_id:123456789012"),
    field("resource.region", "region", Text, "region of the resource", "resource.region:us-*"),
    field("resource.tags", "resource_tags", Json, "tags of the resource", "resource.tags.Environment:production"),
    field("action.operation", "operation", Text, "operation that was called", "action.operation:stop_instance"),
    field("action.status", "status", Text, "how it ended", "action.status:failed"),
    field("action.method", "method", Text, "way it was called", "action.method:api"),
    field("changes.before", "before", Json, "values before the change", "changes.before.state:running"),
    field("changes.after", "after", Json, "values after the change", "changes.after.state:stopped"),
    field("metadata.request_id", "request_id", Text, "identifier of the request", "metadata.request_id:req_xyz789"),
    field("metadata.tags", "tags", TextList, "tags of the event", "metadata.tags:(automation AND cost-optimization)"),
    computed("log_index", Integer, "position in the log, from 0", "log_index:[1000 TO 2000}"),
    computed("recorded_at", Time, "when the event was recorded", "recorded_at:now/d"),
    computed("sealed_at", Time, "when the event was chained", "sealed_at:>now-5m"),
    computed("retention_class", Text, "rule that decides how long it is kept", "retention_class:default"),
    computed("db_session_user", Text, "database role that was logged in", "db_session_user:app"),
    computed("db_current_user", Text, "database role that recorded it", "db_current_user:app"),
    computed("db_client_addr", Ip, "address of the database client", "db_client_addr:10.0.0.0/8"),
    computed("db_application", Text, "application_name of the database client", "db_application:psql"),
    computed("db_xid", Integer, "database transaction that recorded it", "db_xid:123456"),
    computed("entry_hash", Text, "hash of the entry, hexadecimal", "entry_hash:9f86d081*"),
    computed("hash", Text, "hash of the entry in its chain, hexadecimal", "hash:2c26b46b*"),
];

const fn alias(name: &'static str, targets: &'static [&'static str]) -> Alias {
    Alias { name, targets }
}

/// Short names. Every column's name is one too, see [`targets`].
#[rustfmt::skip]
pub static ALIASES: [Alias; 21] = [
    alias("status", &["action.status"]),
    alias("tags", &["metadata.tags", "resource.tags"]),
    alias("tag", &["metadata.tags", "resource.tags"]),
    alias("ip", &["actor.ip_address"]),
    alias("ip_address", &["actor.ip_address"]),
    alias("user", &["actor.email", "actor.id"]),
    alias("email", &["actor.email"]),
    alias("user_agent", &["actor.user_agent"]),
    alias("session", &["actor.session_id"]),
    alias("session_id", &["actor.session_id"]),
    alias("provider", &["resource.cloud_provider"]),
    alias("account", &["resource.account_id"]),
    alias("resource", &["resource.id", "resource.name"]),
    alias("request", &["metadata.request_id"]),
    alias("time", &["timestamp"]),
    alias("ts", &["timestamp"]),
    alias("@timestamp", &["timestamp"]),
    alias("level", &["severity"]),
    alias("role", &["db_session_user", "db_current_user"]),
    alias("xid", &["db_xid"]),
    alias("application", &["db_application"]),
];

/// First segments that hold fields of the table below them.
pub const GROUPS: [&str; 5] = ["actor", "resource", "action", "changes", "metadata"];

/// The field with this path, in any case.
pub fn by_path(path: &str) -> Option<&'static Field> {
    FIELDS.iter().find(|field| field.path.eq_ignore_ascii_case(path))
}

/// The paths that a short name or a column's name stands for, in any case.
pub fn targets(name: &str) -> Vec<&'static str> {
    if let Some(alias) = ALIASES.iter().find(|alias| alias.name.eq_ignore_ascii_case(name)) {
        return alias.targets.to_vec();
    }
    FIELDS
        .iter()
        .filter(|field| field.column != field.path && field.column.eq_ignore_ascii_case(name))
        .map(|field| field.path)
        .collect()
}

/// The short names of a field.
pub fn aliases(field: &'static Field) -> impl Iterator<Item = &'static str> {
    let column = (field.column != field.path).then_some(field.column);
    let named = ALIASES.iter().filter(|alias| alias.targets.contains(&field.path));
    column
        .into_iter()
        .filter(|column| ALIASES.iter().all(|alias| alias.name != *column))
        .chain(named.map(|alias| alias.name))
}

/// The known name nearest to a wrong one, when it is near enough to be meant.
pub fn nearest(name: &str) -> Option<&'static str> {
    let name = name.to_lowercase();
    let allowed = if name.chars().count() > 5 { 2 } else { 1 };
    FIELDS
        .iter()
        .flat_map(|field| [field.path, field.column])
        .chain(ALIASES.iter().map(|alias| alias.name))
        .map(|known| (distance(&name, known), known))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}

/// Edit distance in which two swapped neighbours count once: the commonest typing error.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    // no known name is near to what is this long
    if a.len().abs_diff(b.len()) > 2 {
        return usize::MAX;
    }
    let mut before = vec![0; b.len() + 1];
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let changed = usize::from(a[i - 1] != b[j - 1]);
            row[j] = (last[j] + 1).min(row[j - 1] + 1).min(last[j - 1] + changed);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}
