//! The columns of an event that enter its hash: one table drives the encoding, the row readers and
//! the documentation, so that they cannot drift apart.

/// How a column's value is written into the entry (docs/format.md, «Value types»).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// UTF-8 text.
    Text = 1,
    /// Microseconds since 1970-01-01 00:00 UTC, signed 64 bit big endian.
    Time = 2,
    /// Signed 64 bit big endian.
    Int = 3,
    /// IP address with prefix length.
    Inet = 4,
    /// List of texts.
    TextArray = 5,
    /// Canonical JSON.
    Json = 6,
}

/// One column of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Number of the field in the entry; never changes, never used again for something else.
    pub id: u8,
    /// SQL column name, the same in inbox and log.
    pub name: &'static str,
    /// Path in the public JSON document; empty when the caller cannot set the value there.
    pub path: &'static str,
    /// The path's first name when it has two, such as `actor`; otherwise empty.
    pub group: &'static str,
    /// The path's last name, such as `email`.
    pub leaf: &'static str,
    /// Type of the value.
    pub kind: Kind,
}

const fn column(id: u8, name: &'static str, path: &'static str, kind: Kind) -> Column {
    let mut dot = 0;
    while dot < path.len() && path.as_bytes()[dot] != b'.' {
        dot += 1;
    }
    let (group, leaf) = if dot < path.len() {
        (path.split_at(dot).0, path.split_at(dot + 1).1)
    } else {
        ("", path)
    };
    Column {
        id,
        name,
        path,
        group,
        leaf,
        kind,
    }
}

/// The hashed columns in the order of the table and of the entry. A new column is appended with a
/// new id: a column that is NULL is absent from the entry, so old hashes stay valid.
pub const COLUMNS: [Column; 34] = [
    column(1, "timestamp", "timestamp", Kind::Time),
    column(2, "recorded_at", "", Kind::Time),
    column(3, "db_xid", "", Kind::Int),
    column(4, "severity", "severity", Kind::Text),
    column(5, "event_id", "event_id", Kind::Text),
    column(6, "event_type", "event_type", Kind::Text),
    column(7, "category", "", Kind::Text),
    column(8, "operation", "action.operation", Kind::Text),
    column(9, "status", "action.status", Kind::Text),
    column(10, "method", "action.method", Kind::Text),
    column(11, "tenant", "tenant", Kind::Text),
    column(12, "idempotency_key", "idempotency_key", Kind::Text),
    column(13, "actor_type", "actor.type", Kind::Text),
    column(14, "actor_id", "actor.id", Kind::Text),
    column(15, "actor_email", "actor.email", Kind::Text),
    column(16, "actor_ip", "actor.ip_address", Kind::Inet),
    column(17, "actor_user_agent", "actor.user_agent", Kind::Text),
    column(18, "actor_session_id", "actor.session_id", Kind::Text),
    column(19, "resource_type", "resource.type", Kind::Text),
    column(20, "resource_id", "resource.id", Kind::Text),
    column(21, "cloud_provider", "resource.cloud_provider", Kind::Text),
    column(22, "account_id", "resource.account_id", Kind::Text),
    column(23, "region", "resource.region", Kind::Text),
    column(24, "resource_tags", "resource.tags", Kind::Json),
    column(25, "before", "changes.before", Kind::Json),
    column(26, "after", "changes.after", Kind::Json),
    column(27, "request_id", "metadata.request_id", Kind::Text),
    column(28, "tags", "metadata.tags", Kind::TextArray),
    column(29, "extra", "", Kind::Json),
    column(30, "db_session_user", "", Kind::Text),
    column(31, "db_current_user", "", Kind::Text),
    column(32, "db_client_addr", "", Kind::Inet),
    column(33, "db_application", "", Kind::Text),
    column(34, "personal", "", Kind::TextArray),
];

/// Position of a column in [`COLUMNS`], for readers that address a row's values by name.
pub fn position(name: &str) -> Option<usize> {
    COLUMNS.iter().position(|c| c.name == name)
}
