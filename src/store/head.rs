//! The head of the log: how many events are sealed, the hash of the last one, the root of the Merkle
//! tree. Only the sealer advances it, in the transaction that inserts the rows.

use super::catalog::as_owner;
use super::spi::{self, Arg};
use super::subtransaction;
use crate::error::Fault;
use crate::shmem;
use auditlog_core::chain::{GENESIS, Hash};
use auditlog_tlog::hash::empty_root;
use pgrx::pg_sys;

/// Size, hash and root of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Number of sealed events; the next `log_index`.
    pub size: i64,
    /// `hash` of the event with index `size - 1`; [`GENESIS`] when empty.
    pub hash: Hash,
    /// Root of the Merkle tree over the entries (RFC 6962).
    pub root: Hash,
}

impl Head {
    /// Of the log without events.
    pub fn empty() -> Head {
        Head {
            size: 0,
            hash: GENESIS,
            root: empty_root(),
        }
    }
}

/// How this installation of the extension is told apart from copies of it: cluster, database, and
/// the extension's own object id (a dump that is loaded back into its database makes a new one).
pub fn identity() -> [Arg; 3] {
    // SAFETY: reads the control file's number and a global, looks the extension up.
    unsafe {
        [
            Arg::int(pg_sys::GetSystemIdentifier() as i64),
            Arg::int(i64::from(pg_sys::MyDatabaseId.to_u32())),
            Arg::int(i64::from(
                pg_sys::get_extension_oid(c"pg_auditlog".as_ptr(), true).to_u32(),
            )),
        ]
    }
}

const READ: &str = "SELECT size, hash, root FROM auditlog_data.head \
    WHERE (system_identifier, database_oid, extension_oid) = ($1, $2, $3)";

/// The same row where it should be now. Each batch leaves a version of it behind, and while an old snapshot is held none of them can
/// be cleared away: after an hour a look-up by the key would go past tens of thousands.
const READ_AT: &str = "SELECT size, hash, root FROM auditlog_data.head \
    WHERE ctid = $4::text::tid AND (system_identifier, database_oid, extension_oid) = ($1, $2, $3)";

const FOREIGN: &str = "SELECT size, hash, root FROM auditlog_data.head \
    WHERE (system_identifier, database_oid, extension_oid) <> ($1, $2, $3)";

const NEWEST: &str = "ORDER BY size DESC, updated_at DESC LIMIT 1";

fn parse(rows: &[Vec<spi::Cell>]) -> Option<Head> {
    let row = rows.first()?;
    Some(Head {
        size: row[0].int()?,
        hash: row[1].bytes()?.try_into().ok()?,
        root: row[2].bytes()?.try_into().ok()?,
    })
}

/// The head by a way to ask the database. Its place in shared memory is only a hint: whoever may not see that version, or does not find
/// it there any more, looks by the key.
fn find(ask: impl Fn(&str, &[Arg]) -> Vec<Vec<spi::Cell>>, lock: &str) -> Option<Head> {
    let [system, database, extension] = identity();
    // SAFETY: a plain global of this process.
    let place = shmem::known_slot(unsafe { pg_sys::MyDatabaseId }).and_then(|slot| slot.head_place.get());
    let there = place.and_then(|place| {
        let place = [system, database, extension, Arg::text(Some(&place))];
        parse(&ask(&format!("{READ_AT}{lock}"), &place))
    });
    there.or_else(|| parse(&ask(&format!("{READ}{lock}"), &[system, database, extension])))
}

/// The head under the active snapshot: what belongs to the rows that this statement sees.
pub fn visible() -> Option<Head> {
    as_owner(|| find(spi::read, ""))
}

/// The head that the rows of the log should end at, under the active snapshot: this installation's,
/// or before it has taken a copied log over, the one that came with the copy.
pub fn of_the_rows() -> Option<Head> {
    visible()
        .filter(|own| own.size > 0)
        .or_else(|| as_owner(|| parse(&spi::read(&format!("{FOREIGN} AND size >= 0 {NEWEST}"), &identity()))))
}

/// The head as committed by now, for those who may not see it.
pub fn committed() -> Option<Head> {
    subtransaction::without_keeping_locks(|| as_owner(|| find(spi::read_latest, "")))
}

/// The head as committed by now.
pub fn current() -> Option<Head> {
    find(spi::run, "")
}

/// The head as committed by now, locked for this transaction.
pub fn lock() -> Option<Head> {
    find(spi::run, " FOR UPDATE")
}

/// Is an event something to wake readers of the log for? What the journal writes of their looks (a read by `tail()`, the token with
/// which a look began) is not: two of them would go on waking each other for ever. They find it with what comes next.
pub fn is_news(event_type: &str, operation: Option<&str>) -> bool {
    !matches!(
        (event_type, operation),
        ("auditlog.search", Some("tail")) | ("auditlog.view", Some("authenticate"))
    )
}

/// Tells clients that LISTEN, when the transaction commits, of a batch's first and last log_index. It is the same for all
/// of them: what they may see they ask for.
pub fn notify(first: i64, last: i64) {
    let payload = format!("{first} {last}");
    spi::run(
        "SELECT pg_catalog.pg_notify('auditlog', $1)",
        &[Arg::text(Some(&payload))],
    );
}

/// Sets the head of an installation that has not sealed anything yet.
pub fn start_at(head: &Head) {
    let [system, database, extension] = identity();
    spi::run(
        "INSERT INTO auditlog_data.head AS h (system_identifier, database_oid, extension_oid, size, hash, root) \
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (system_identifier, database_oid, extension_oid) \
         DO UPDATE SET size = EXCLUDED.size, hash = EXCLUDED.hash, root = EXCLUDED.root, updated_at = clock_timestamp() WHERE h.size = 0",
        &[
            system,
            database,
            extension,
            Arg::int(head.size),
            Arg::bytea(&head.hash),
            Arg::bytea(&head.root),
        ],
    );
}

const ADVANCE: &str = "UPDATE auditlog_data.head SET size = $4, hash = $5, root = $6, updated_at = clock_timestamp() \
    WHERE (system_identifier, database_oid, extension_oid) = ($1, $2, $3) AND size = $7 AND hash = $8 AND root = $9";

/// Moves the head from `from` to `to`; fails when somebody else moved it, so that a fork can't be.
pub fn advance(from: &Head, to: &Head) {
    let [system, database, extension] = identity();
    let slot = shmem::my_slot();
    let move_to = |place: Option<&str>| {
        let at = if place.is_some() {
            " AND ctid = $10::text::tid"
        } else {
            ""
        };
        let sql = format!("{ADVANCE}{at} RETURNING ctid::text");
        let mut arguments = vec![
            system,
            database,
            extension,
            Arg::int(to.size),
            Arg::bytea(&to.hash),
            Arg::bytea(&to.root),
            Arg::int(from.size),
            Arg::bytea(&from.hash),
            Arg::bytea(&from.root),
        ];
        arguments.extend(place.map(|place| Arg::text(Some(place))));
        spi::run(&sql, &arguments)
    };
    let mut rows = slot
        .and_then(|slot| slot.head_place.get())
        .map_or_else(Vec::new, |place| move_to(Some(&place)));
    if rows.is_empty() {
        rows = move_to(None);
    }
    if rows.len() != 1 {
        Fault::broken("the head of the log was moved by somebody else")
            .detail(format!("It should be at {} events.", from.size))
            .hint("Run auditlog.verify() and look for changes of auditlog_data.head.")
            .raise();
    }
    if let (Some(slot), Some(place)) = (slot, rows[0][0].text()) {
        slot.head_place.set(&place);
    }
}

/// What is known of the log that this database is a copy of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Nothing: this installation began its own log.
    Own,
    /// Rows of a dump are arriving, but its head is not there yet.
    Arriving,
    /// The head that another installation left here.
    Copy(Head),
}

/// Size that marks a restore under way in [`announce_restore`]'s row.
const ARRIVING: i64 = -1;

/// Where this database's log comes from.
pub fn origin() -> Origin {
    let rows = spi::run(&format!("{FOREIGN} {NEWEST}"), &identity());
    match (parse(&rows), rows.is_empty()) {
        (_, true) => Origin::Own,
        (Some(head), _) if head.size > ARRIVING => Origin::Copy(head),
        _ => Origin::Arriving,
    }
}

/// Notes that a dump is being loaded, so that the sealer waits for its head before it goes on.
pub fn announce_restore() {
    as_owner(|| {
        spi::run(
            "INSERT INTO auditlog_data.head (system_identifier, database_oid, extension_oid, size, hash, root) \
             VALUES (0, 0, 0, $1, $2, $3) ON CONFLICT DO NOTHING",
            &[Arg::int(ARRIVING), Arg::bytea(&GENESIS), Arg::bytea(&empty_root())],
        );
    });
}

/// Forgets the heads of other installations once this one goes on from them.
pub fn forget_origin() {
    spi::run(
        "DELETE FROM auditlog_data.head WHERE (system_identifier, database_oid, extension_oid) <> ($1, $2, $3)",
        &identity(),
    );
}

/// Is the log that `head` speaks of here: its last row, and what pg_dump writes after the rows? When
/// only the latter is missing and nobody is connected who could be restoring it, it is repaired.
pub fn is_complete(head: &Head) -> bool {
    let last = [Arg::int(head.size - 1), Arg::bytea(&head.hash)];
    if head.size > 0
        && spi::run(
            "SELECT 1 FROM auditlog_data.log WHERE log_index = $1 AND hash = $2",
            &last,
        )
        .is_empty()
    {
        return false;
    }
    if super::tiles::edge(head).is_none() {
        return false;
    }
    if spi::run("SELECT auditlog_data.incomplete_partitions()", &[]).is_empty() {
        return true;
    }
    let alone = spi::run(
        "SELECT 1 FROM pg_catalog.pg_stat_activity WHERE datname = pg_catalog.current_database() \
         AND backend_type = 'client backend' LIMIT 1",
        &[],
    )
    .is_empty();
    if alone {
        spi::run(
            "SELECT auditlog_data.secure_partition(p) FROM auditlog_data.incomplete_partitions() AS p",
            &[],
        );
    }
    alone
}
