//! The table `auditlog.saved_queries`, kept in memory until somebody changes it.

use super::catalog::{as_owner, objects, saved_queries_changes};
use super::spi::{self, Arg};
use pgrx::pg_sys;
use std::cell::RefCell;
use std::collections::HashMap;

/// Queries by name.
type Queries = HashMap<String, String>;

thread_local! {
    // Of which state of the table they are; `None` before the first load.
    static KNOWN: RefCell<(Option<u64>, Queries)> = RefCell::new((None, HashMap::new()));
}

/// The text of a saved query.
pub fn get(name: &str) -> Option<String> {
    objects(); // registers the invalidation before the first load
    // Before the look, so that a change meanwhile is not missed.
    let changes = saved_queries_changes();
    if KNOWN.with_borrow(|(of, _)| *of != Some(changes)) {
        // SAFETY: reads a global of this process.
        let parallel = unsafe { pg_sys::IsInParallelMode() };
        let queries: Queries = all(parallel).into_iter().collect();
        // The statement's snapshot may be an old one: not to be kept for the statements after it.
        KNOWN.with_borrow_mut(|known| *known = ((!parallel).then_some(changes), queries));
    }
    KNOWN.with_borrow(|(_, queries)| queries.get(name).cloned())
}

/// Names and texts of all saved queries, as they are now; in a parallel query, where no other
/// snapshot may be taken, as the statement sees them.
pub fn all(parallel: bool) -> Vec<(String, String)> {
    let read = if parallel { spi::read } else { spi::read_latest };
    as_owner(|| read("SELECT name, query FROM auditlog.saved_queries ORDER BY name", &[]))
        .iter()
        .filter_map(|row| Some((row[0].text()?, row[1].text()?)))
        .collect()
}

/// Keeps others from changing saved queries until the end of the transaction, so that what was
/// checked against them stays true; readers do not wait.
pub fn lock() {
    as_owner(|| spi::run("LOCK TABLE auditlog.saved_queries IN SHARE ROW EXCLUSIVE MODE", &[]));
}

/// Who saved it.
pub fn saved_by(name: &str) -> Option<String> {
    let sql = "SELECT created_by FROM auditlog.saved_queries WHERE name = $1";
    as_owner(|| spi::read_latest(sql, &[Arg::text(Some(name))]))
        .first()
        .and_then(|row| row[0].text())
}

/// Saves a query.
pub fn save(name: &str, query: &str, description: Option<&str>, user: &str) {
    let sql = "INSERT INTO auditlog.saved_queries (name, query, description, created_by, updated_by) \
        VALUES ($1, $2, $3, $4, $4) ON CONFLICT (name) DO UPDATE SET query = excluded.query, \
        description = excluded.description, updated_by = excluded.updated_by, updated_at = now()";
    let args = [Some(name), Some(query), description, Some(user)].map(Arg::text);
    as_owner(|| spi::run(sql, &args));
}

/// Deletes a query.
pub fn delete(name: &str) {
    let sql = "DELETE FROM auditlog.saved_queries WHERE name = $1";
    as_owner(|| spi::run(sql, &[Arg::text(Some(name))]));
}
