//! Where the log begins: a new installation starts at 0; a database that came out of a dump, a copy
//! or an upgrade goes on from the head that it brought along, once its rows are there.

use crate::api::own_event::{self, OwnEvent};
use crate::store::head::{self, Head, Origin};

/// The head to seal after, or why there is none yet.
pub fn ready() -> Result<Head, &'static str> {
    let own = head::lock();
    if let Some(head) = own
        && head.size > 0
    {
        return Ok(head);
    }
    match head::origin() {
        Origin::Own => {
            let empty = Head::empty();
            if own.is_none() {
                head::start_at(&empty);
            }
            Ok(empty)
        }
        Origin::Arriving => {
            Err("rows of a dump are here, the head of their log is not: waiting for the restore to end")
        }
        Origin::Copy(from) => {
            if !head::is_complete(&from) {
                return Err(
                    "the head of a restored log is here, its last event is not: waiting for the restore to end",
                );
            }
            head::start_at(&from);
            head::forget_origin();
            record_restore(&from);
            Ok(from)
        }
    }
}

/// Is nobody at work in this database who could be loading a dump? psql is never idle for a second then.
pub fn is_quiet() -> bool {
    crate::store::spi::run(
        "SELECT 1 FROM pg_catalog.pg_stat_activity WHERE datname = pg_catalog.current_database() \
         AND backend_type = 'client backend' \
         AND (state <> 'idle' OR state_change > pg_catalog.clock_timestamp() - interval '1 second') LIMIT 1",
        &[],
    )
    .is_empty()
}

/// Makes the head of a new installation, or takes a restored log over. Returns whether the log has
/// events. Writes nothing when there is nothing to do.
pub fn settle() -> Result<bool, &'static str> {
    match (head::current(), head::origin()) {
        (Some(own), _) if own.size > 0 => Ok(true),
        (Some(_), Origin::Own) => Ok(false),
        _ => ready().map(|head| head.size > 0),
    }
}

/// The takeover is itself an event: who reads the log must see that it went through a copy.
fn record_restore(from: &Head) {
    own_event::record(&OwnEvent {
        event_type: "auditlog.restore",
        severity: "warning",
        actor: ("system", "pg_auditlog"),
        operation: "restore",
        metadata: &[("size", own_event::number(from.size))],
    });
}
