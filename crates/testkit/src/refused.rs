//! Errors that a test expects.

use postgres::Client;
use postgres::error::DbError;

/// Runs `sql`, which must fail, and returns the server's error.
///
/// # Panics
/// When the statement succeeds, or the connection breaks.
pub fn refused(client: &mut Client, sql: &str) -> DbError {
    match client.batch_execute(sql) {
        Ok(()) => panic!("accepted: {}", short(sql)),
        Err(error) => error
            .as_db_error()
            .unwrap_or_else(|| panic!("no error of the server for {}: {error:?}", short(sql)))
            .clone(),
    }
}

/// Runs `sql`, which must fail with this SQLSTATE, and returns the server's error.
///
/// # Panics
/// When it doesn't.
pub fn refused_with(client: &mut Client, code: &str, sql: &str) -> DbError {
    let error = refused(client, sql);
    assert_eq!(error.code().code(), code, "{}: {error:?}", short(sql));
    error
}

/// A statement as messages show it.
fn short(sql: &str) -> String {
    if sql.chars().count() > 200 {
        sql.chars().take(200).chain("…".chars()).collect()
    } else {
        sql.to_owned()
    }
}
