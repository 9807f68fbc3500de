//! Events as clients see them.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio_postgres::types::Type;

use super::Answer;
use crate::database::Transaction;

/// An event of a list or by itself.
#[derive(Debug, Deserialize)]
pub struct Event {
    /// Its place in the log, once it is sealed.
    pub log_index: Option<i64>,
    /// Changes when erasure changes what is shown; the chain's hash otherwise. None before it is sealed.
    pub tag: Option<String>,
    /// Where it stands among the events found.
    pub cursor: String,
    /// The document that it came as, and a member `auditlog` for what the log says of it.
    pub document: Box<RawValue>,
}

impl Serialize for Event {
    /// Clients get the document.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.document.serialize(serializer)
    }
}

/// Columns of [`Event`] for events called `e`. The member is named as in exports (`crates/format`).
pub(super) const COLUMNS: &str = "e.log_index, auditlog.cursor(e) AS cursor, \
    CASE WHEN e.redacted IS NULL THEN encode(e.hash, 'hex') ELSE encode(e.hash, 'hex') || '-' || md5(e.redacted::text) END AS tag, \
    auditlog.to_json(e) || jsonb_build_object('auditlog', jsonb_strip_nulls(jsonb_build_object( \
        'log_index', e.log_index, 'category', e.category, 'recorded_at', e.recorded_at, 'sealed_at', e.sealed_at, \
        'entry_hash', encode(e.entry_hash, 'hex'), 'prev_hash', encode(e.prev_hash, 'hex'), 'hash', encode(e.hash, 'hex'), \
        'retention_class', e.retention_class, 'db_session_user', e.db_session_user, 'db_current_user', e.db_current_user, \
        'db_client_addr', host(e.db_client_addr), 'db_application', e.db_application, \
        'redacted', (SELECT jsonb_agg(k ORDER BY k) FROM jsonb_object_keys(e.redacted) AS k), \
        'document', auditlog.to_json(e) -> 'auditlog'))) AS document";

/// One event, if the caller may see it.
///
/// # Errors
/// What the database refuses.
pub async fn by_id(transaction: &Transaction, event_id: &str) -> Answer<Option<Event>> {
    let sql = format!("SELECT {COLUMNS} FROM auditlog.events AS e WHERE e.event_id = $1 ORDER BY e.log_index LIMIT 1");
    transaction.optional(&sql, &[(&event_id, Type::TEXT)]).await
}

/// Events behind a place of the log, in its order.
///
/// # Errors
/// What the database refuses, such as a query that is none.
pub async fn tail(transaction: &Transaction, after: i64, query: &str, limit: i32) -> Answer<Vec<Event>> {
    let sql = format!("SELECT {COLUMNS} FROM auditlog.tail(after => $1, query => $2, \"limit\" => $3) AS e");
    let values: [(&(dyn tokio_postgres::types::ToSql + Sync), Type); 3] =
        [(&after, Type::INT8), (&query, Type::TEXT), (&limit, Type::INT4)];
    transaction.list(&sql, &values).await
}

/// How far the log goes, if there is anything behind a place but the journal's entries of other tails; None otherwise.
///
/// # Errors
/// What the database refuses.
pub async fn news_behind(transaction: &Transaction, after: i64) -> Answer<Option<i64>> {
    let sql = "SELECT auditlog.tail_wait($1, now())";
    transaction.scalar(sql, &[(&after, Type::INT8)]).await
}

/// The last place of the log; -1 when it is empty.
///
/// # Errors
/// What the database refuses.
pub async fn last_place(transaction: &Transaction) -> Answer<i64> {
    let last: Option<i64> = transaction.scalar("SELECT auditlog.tail_position()", &[]).await?;
    Ok(last.unwrap_or(-1))
}

/// Raises the error of a query that is none, without reading anything.
///
/// # Errors
/// When it is none.
pub async fn check_query(transaction: &Transaction, query: &str) -> Answer<()> {
    transaction
        .call("SELECT auditlog.parse_query($1)", &[(&query, Type::TEXT)])
        .await
}
