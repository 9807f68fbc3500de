//! After a start of the server, and after CREATE DATABASE … TEMPLATE, nobody knows which databases have the extension. The shared catalogue
//! of dependencies does: its owner role owns objects there. One short visit to one database tells,
//! so that no other database is ever connected to.

use crate::shmem;
use crate::store::spi;
use pgrx::bgworkers::{BackgroundWorker, SignalWakeFlags};
use pgrx::pg_sys;
use pgrx::prelude::*;

#[doc(hidden)]
#[pg_guard]
#[unsafe(no_mangle)]
pub extern "C-unwind" fn auditlog_discovery_main(_argument: pg_sys::Datum) {
    BackgroundWorker::attach_signal_handlers(SignalWakeFlags::SIGHUP);
    crate::compat::terminate_like_a_backend();
    let database = crate::guc::LAUNCHER_DATABASE.get();
    let database = database.as_deref().and_then(|d| d.to_str().ok()).unwrap_or("postgres");
    BackgroundWorker::connect_worker_to_spi(Some(database), None);
    super::settle_settings();
    let found = super::job::transaction(|| {
        spi::run(
            "SELECT DISTINCT s.dbid FROM pg_catalog.pg_shdepend s \
             JOIN pg_catalog.pg_authid a ON a.oid = s.refobjid AND a.rolname = 'auditlog_owner' \
             JOIN pg_catalog.pg_database d ON d.oid = s.dbid AND d.datallowconn \
             WHERE s.refclassid = 'pg_catalog.pg_authid'::regclass AND s.deptype = 'o' AND s.dbid <> 0",
            &[],
        )
    });
    for row in found.unwrap_or_default() {
        if let Some(oid) = row[0].int() {
            shmem::slot(pg_sys::Oid::from_u32(oid as u32));
        }
    }
    shmem::wake_launcher();
}
