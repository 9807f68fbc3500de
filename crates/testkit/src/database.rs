//! A database of its own for each test, in the shared cluster.

use crate::cluster::Cluster;
use crate::shared;
use postgres::{Client, NoTls};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

/// A database with the extension; dropped at the end, so that its workers end too.
#[derive(Debug)]
pub struct Database {
    cluster: &'static Cluster,
    name: String,
}

static COUNTER: AtomicU32 = AtomicU32::new(0);

impl Default for Database {
    fn default() -> Database {
        Database::new()
    }
}

impl Database {
    /// A new database in [`shared`].
    pub fn new() -> Database {
        Database::new_in(shared())
    }

    /// A new database in another cluster that lives as long as the program.
    pub fn new_in(cluster: &'static Cluster) -> Database {
        let name = format!("test_{}", COUNTER.fetch_add(1, Ordering::Relaxed));
        // One at a time: that two at once work is the subject of one test, not the luck of all.
        static ONE: Mutex<()> = Mutex::new(());
        let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
        cluster.create_database_with_extension(&name);
        Database { cluster, name }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A connection as superuser.
    pub fn superuser(&self) -> Client {
        self.cluster.connect(&self.name)
    }

    /// A connection as this existing role.
    pub fn connect_as(&self, role: &str) -> Client {
        self.cluster.connect_as(role, &self.name)
    }

    /// Makes a login role that is a member of `groups`; returns its name.
    pub fn login(&self, groups: &[&str]) -> String {
        let name = format!("login_{}", COUNTER.fetch_add(1, Ordering::Relaxed));
        self.cluster.create_login(&name, groups);
        name
    }

    /// A connection as a new login role that may record and nothing else.
    pub fn writer(&self) -> Client {
        let role = self.login(&["auditlog_writer"]);
        self.connect_as(&role)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return; // somebody may want to look at it while the server lives
        }
        // Connections of the test may still be open when this runs.
        let drop = format!("DROP DATABASE {} WITH (FORCE)", self.name);
        let dropped = self
            .cluster
            .config("postgres", "postgres")
            .connect(NoTls)
            .and_then(|mut c| c.batch_execute(&drop));
        if let Err(error) = dropped {
            eprintln!("{drop}: {error}");
        }
    }
}
