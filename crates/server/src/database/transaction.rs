//! One request, one transaction.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::join3;
use serde::de::DeserializeOwned;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Row, RowStream};

use super::pool::Lease;
use super::{DatabaseError, target};
use crate::config::TransactionLimits;

/// A value that is bound, and its type.
pub type Bound<'a> = (&'a (dyn ToSql + Sync), Type);

/// What a transaction is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// READ ONLY.
    Read,
    /// READ ONLY, and may take as long as exports may.
    LongRead,
    /// Changes something.
    Write,
    /// Changes something, or calls what is not allowed in a READ ONLY transaction, and may take long.
    LongWrite,
}

/// A transaction of the caller's. Dropped without [`Transaction::commit`] it is stopped and rolled back.
pub struct Transaction {
    lease: Option<Lease>,
    /// Questions without an answer yet. Stays up when a request is given up while it waits.
    waiting: AtomicUsize,
}

impl Transaction {
    /// Begins on a connection.
    ///
    /// # Errors
    /// When the connection is broken.
    pub async fn begin(
        lease: Lease,
        access: Access,
        limits: &TransactionLimits,
        application: &str,
    ) -> Result<Transaction, DatabaseError> {
        let (transaction, ()) = Transaction::begin_with(lease, access, limits, application, async |_| Ok(())).await?;
        Ok(transaction)
    }

    /// Begins on a connection and says who it is for. What that sends first goes out together with the beginning, and the
    /// database answers all of it at once: a round trip for each would be most of what a small request waits for. Where the
    /// beginning is refused, so is what comes behind it, and the transaction is given to nobody.
    ///
    /// # Errors
    /// When the connection is broken, or whoever it is for is refused.
    pub async fn begin_with<T>(
        lease: Lease,
        access: Access,
        limits: &TransactionLimits,
        application: &str,
        introduce: impl AsyncFnOnce(&Transaction) -> Result<T, DatabaseError>,
    ) -> Result<(Transaction, T), DatabaseError> {
        let transaction = Transaction {
            lease: Some(lease),
            waiting: AtomicUsize::new(0),
        };
        let begin = beginning(access, limits);
        // Polled in this order, so sent in this order; to the end, so that no answer is left behind.
        let (begun, named, introduced) = join3(
            transaction.answered(transaction.client()?.batch_execute(&begin)),
            // Provenance of events and the access journal have it as db_application.
            transaction.call(
                "SELECT pg_catalog.set_config('application_name', $1, true)",
                &[(&application, Type::TEXT)],
            ),
            introduce(&transaction),
        )
        .await;
        begun?;
        named?;
        let introduced = introduced?;
        Ok((transaction, introduced))
    }

    fn client(&self) -> Result<&tokio_postgres::Client, DatabaseError> {
        let connection = self.lease.as_ref().and_then(Lease::connection);
        connection
            .map(|connection| &connection.client)
            .ok_or(DatabaseError::Busy)
    }

    async fn answered<T>(&self, question: impl Future<Output = T>) -> T {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        let answer = question.await;
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        answer
    }

    /// Rows as the database has them. Unnamed statements: no plan made for one role is used for another.
    ///
    /// # Errors
    /// What the database refuses.
    pub async fn rows_of(&self, sql: &str, values: &[Bound<'_>]) -> Result<Vec<Row>, DatabaseError> {
        Ok(self.answered(self.client()?.query_typed(sql, values)).await?)
    }

    /// Rows that come one by one, as fast as they are taken; whoever has taken the last says so by
    /// [`Transaction::streamed`].
    ///
    /// # Errors
    /// What the database refuses before the first row.
    pub async fn stream(&self, sql: &str, values: &[Bound<'_>]) -> Result<RowStream, DatabaseError> {
        let values = values.iter().map(|(value, kind)| (*value, kind.clone()));
        self.waiting.fetch_add(1, Ordering::Relaxed);
        Ok(self.client()?.query_typed_raw(sql, values).await?)
    }

    /// The last row of a stream was taken.
    pub fn streamed(&self) {
        self.waiting.fetch_sub(1, Ordering::Relaxed);
    }

    /// Each row of a query as one value, by its JSON.
    ///
    /// # Errors
    /// What the database refuses.
    pub async fn list<T: DeserializeOwned>(&self, sql: &str, values: &[Bound<'_>]) -> Result<Vec<T>, DatabaseError> {
        let sql = format!("SELECT pg_catalog.row_to_json(r)::pg_catalog.text FROM ({sql}) AS r");
        let rows = self.rows_of(&sql, values).await?;
        let value = |row: &Row| Ok(serde_json::from_str(row.try_get(0)?)?);
        rows.iter().map(value).collect()
    }

    /// The only row, if there is one.
    ///
    /// # Errors
    /// What the database refuses.
    pub async fn optional<T: DeserializeOwned>(
        &self,
        sql: &str,
        values: &[Bound<'_>],
    ) -> Result<Option<T>, DatabaseError> {
        Ok(self.list(sql, values).await?.into_iter().next())
    }

    /// The first column of the only row.
    ///
    /// # Errors
    /// What the database refuses.
    pub async fn scalar<T>(&self, sql: &str, values: &[Bound<'_>]) -> Result<Option<T>, DatabaseError>
    where
        T: for<'a> tokio_postgres::types::FromSql<'a>,
    {
        match self.rows_of(sql, values).await?.first() {
            Some(row) => Ok(row.try_get::<_, Option<T>>(0)?),
            None => Ok(None),
        }
    }

    /// Calls a function for what it does.
    ///
    /// # Errors
    /// What the database refuses.
    pub async fn call(&self, sql: &str, values: &[Bound<'_>]) -> Result<(), DatabaseError> {
        self.rows_of(sql, values).await.map(drop)
    }

    /// Does something that may take so long and no longer; what takes longer is given up, and the transaction goes on.
    /// None when it was given up.
    ///
    /// # Errors
    /// What the database refuses for another reason.
    pub async fn attempt<T>(
        &self,
        budget: Duration,
        work: impl Future<Output = Result<T, DatabaseError>>,
    ) -> Result<Option<T>, DatabaseError> {
        let begin = format!(
            "SAVEPOINT attempt; SET LOCAL statement_timeout = {}",
            budget.as_millis()
        );
        self.answered(self.client()?.batch_execute(&begin)).await?;
        let (end, outcome) = match work.await {
            Ok(value) => ("RELEASE attempt", Ok(Some(value))),
            Err(DatabaseError::Postgres(error)) if error.code() == Some(&SqlState::QUERY_CANCELED) => {
                ("ROLLBACK TO attempt; RELEASE attempt", Ok(None))
            }
            Err(error) => return Err(error),
        };
        self.answered(self.client()?.batch_execute(end)).await?;
        outcome
    }

    /// Commits, and gives the connection back.
    ///
    /// # Errors
    /// When the database refuses, or the connection broke before it answered.
    pub async fn commit(mut self) -> Result<(), DatabaseError> {
        self.client()?.batch_execute("COMMIT").await?;
        if let Some(lease) = self.lease.take() {
            lease.rest();
        }
        Ok(())
    }

    /// Takes back what was done, and gives the connection back.
    pub async fn roll_back(mut self) {
        if let Some(lease) = self.lease.take() {
            end(lease).await;
        }
    }
}

/// Takes back what was done; a connection that cannot is closed.
async fn end(lease: Lease) {
    if let Some(connection) = lease.connection()
        && connection.client.batch_execute("ROLLBACK").await.is_ok()
    {
        lease.rest();
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        let Some(lease) = self.lease.take() else {
            return;
        };
        let is_waiting = self.waiting.load(Ordering::Relaxed) > 0;
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return; // the server has ended; the connection goes with it
        };
        runtime.spawn(async move {
            if is_waiting {
                // Nothing of a request that was given up goes on in the database.
                if let Some(connection) = lease.connection() {
                    connection.cancel().await;
                }
            } else {
                end(lease).await;
            }
        });
    }
}

/// Everything is for this transaction alone, so that the connection keeps nothing.
fn beginning(access: Access, limits: &TransactionLimits) -> String {
    let mut sql = String::from("BEGIN ISOLATION LEVEL READ COMMITTED");
    if matches!(access, Access::Read | Access::LongRead) {
        sql.push_str(" READ ONLY");
    }
    let statement = match access {
        Access::Read | Access::Write => limits.statement,
        Access::LongRead | Access::LongWrite => limits.export,
    };
    let mut set = |name: &str, value: Duration| {
        // Writing to a string does not fail.
        let _ = write!(sql, "; SET LOCAL {name} = {}", value.as_millis());
    };
    set("statement_timeout", statement);
    set("lock_timeout", limits.lock);
    set("idle_in_transaction_session_timeout", limits.idle);
    sql.push_str(
        "; SET LOCAL search_path = pg_catalog, pg_temp; SET LOCAL timezone = 'UTC'; SET LOCAL DateStyle = 'ISO, YMD'",
    );
    sql.push_str("; SET LOCAL IntervalStyle = 'iso_8601'; SET LOCAL row_security = on");
    sql
}

/// `application_name` of a request: the client's address is in the provenance of what it records and reads.
pub fn application(client: std::net::IpAddr) -> String {
    format!("{} {}", target::APPLICATION, client.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_an_application_has_63_bytes() {
        let longest = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff".parse().expect("an address");
        assert!(application(longest).len() <= 63);
    }
}
