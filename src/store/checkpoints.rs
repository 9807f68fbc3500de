//! Checkpoints and what belongs to them: origins, public keys, the publisher's state.

use super::catalog::as_owner;
use super::head::{Head, identity};
use super::spi::{self, Arg};
use super::subtransaction;
use auditlog_tlog::Hash;
use std::cell::Cell;

/// Under which origin the log is signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incarnation {
    /// 1 for the first.
    pub number: i64,
    /// The origin of the checkpoints.
    pub origin: String,
    /// Did it begin in this installation? Not in a copy.
    pub is_ours: bool,
}

const INCARNATION: &str = "SELECT number, origin, (system_identifier, database_oid, extension_oid) = ($1, $2, $3) \
    FROM auditlog_data.incarnation ORDER BY number DESC LIMIT 1";

/// The newest incarnation, under the active snapshot.
pub fn incarnation() -> Option<Incarnation> {
    as_owner(|| parse_incarnation(&spi::read(INCARNATION, &identity())))
}

/// The newest incarnation, as committed by now.
pub fn incarnation_committed() -> Option<Incarnation> {
    subtransaction::without_keeping_locks(|| {
        as_owner(|| parse_incarnation(&spi::read_latest(INCARNATION, &identity())))
    })
}

fn parse_incarnation(rows: &[Vec<spi::Cell>]) -> Option<Incarnation> {
    let row = rows.first()?;
    Some(Incarnation {
        number: row[0].int()?,
        origin: row[1].text()?,
        is_ours: row[2].int()? != 0,
    })
}

/// The origin of the incarnation with this number, for an installation that is given no other name.
pub fn default_origin(number: i64) -> String {
    // SAFETY: reads the control file's number and a global.
    let (system, database) = unsafe { (pgrx::pg_sys::GetSystemIdentifier(), pgrx::pg_sys::MyDatabaseId.to_u32()) };
    match number {
        1 => format!("pg_auditlog/{system:016x}/{database}"),
        // Copies of a copy may declare the same number.
        _ => {
            let random = auditlog_core::erase::hex(&crate::random::bytes::<4>());
            format!("pg_auditlog/{system:016x}/{database}/{number}-{random}")
        }
    }
}

thread_local! {
    static TRUSTED: Cell<bool> = const { Cell::new(false) };
}

/// Is a function of ours writing here at this moment? SQL cannot say so.
pub fn is_trusted() -> bool {
    TRUSTED.get()
}

/// Runs a statement that the guard lets pass, with the owner's rights.
pub fn trusted(sql: &str, arguments: &[Arg]) {
    trusted_rows(sql, arguments);
}

/// As [`trusted`], for what it returns.
pub fn trusted_rows(sql: &str, arguments: &[Arg]) -> Vec<Vec<spi::Cell>> {
    struct Until;
    impl Drop for Until {
        fn drop(&mut self) {
            TRUSTED.set(false);
        }
    }
    TRUSTED.set(true);
    let _until = Until;
    as_owner(|| spi::run(sql, arguments))
}

/// Asks the publisher for another key.
pub fn request_rotation(who: &str) {
    trusted(
        "INSERT INTO auditlog_data.key_rotation (requested_at, requested_by) VALUES (clock_timestamp(), $1)",
        &[Arg::text(Some(who))],
    );
}

/// Who asked for another key, if anybody did.
pub fn requested_rotation() -> Option<String> {
    let rows = spi::run(
        "SELECT requested_by FROM auditlog_data.key_rotation ORDER BY requested_at LIMIT 1",
        &[],
    );
    rows.first()?.first()?.text()
}

/// Another key signs from `size` events on.
pub fn rotated(origin: &str, old: &str, new: &str, size: i64) {
    spi::run(
        "UPDATE auditlog_data.signing_key SET retired_at = clock_timestamp() WHERE vkey = $1",
        &[Arg::text(Some(old))],
    );
    add_key(new, origin, size);
}

/// All requests are answered.
pub fn forget_rotations() {
    spi::run("DELETE FROM auditlog_data.key_rotation", &[]);
}

/// Begins an incarnation after `size` events.
pub fn begin(number: i64, origin: &str, size: i64, declared_by: &str, reason: &str) {
    let [system, database, extension] = identity();
    trusted(
        "INSERT INTO auditlog_data.incarnation (number, origin, first_size, started_at, system_identifier, \
             database_oid, extension_oid, declared_by, reason) \
             VALUES ($1::integer, $2, $3, clock_timestamp(), $4, $5, $6, $7, $8)",
        &[
            Arg::int(number),
            Arg::text(Some(origin)),
            Arg::int(size),
            system,
            database,
            extension,
            Arg::text(Some(declared_by)),
            Arg::text(Some(reason)),
        ],
    );
}

/// A signed checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Entries of the tree.
    pub size: i64,
    /// The root of the tree.
    pub root: Hash,
    /// The signed note.
    pub note: String,
}

/// With the cosignatures that have come in.
const NEWEST: &str = "SELECT c.size, c.root, c.note || COALESCE((SELECT string_agg(s.lines, '' ORDER BY s.sink) \
    FROM auditlog_data.cosignature AS s WHERE (s.origin, s.size) = (c.origin, c.size)), '') \
    FROM auditlog_data.checkpoint AS c WHERE c.origin = $1 AND c.size >= $2 ORDER BY c.size DESC LIMIT 1";

fn parse(rows: &[Vec<spi::Cell>]) -> Option<Stored> {
    let row = rows.first()?;
    Some(Stored {
        size: row[0].int()?,
        root: row[1].bytes()?.try_into().ok()?,
        note: row[2].text()?,
    })
}

/// The newest checkpoint of an origin over at least `size` events, under the active snapshot.
pub fn newest(origin: &str, size: i64) -> Option<Stored> {
    let arguments = [Arg::text(Some(origin)), Arg::int(size)];
    as_owner(|| parse(&spi::read(NEWEST, &arguments)))
}

/// The same, as committed by now.
pub fn newest_committed(origin: &str, size: i64) -> Option<Stored> {
    let arguments = [Arg::text(Some(origin)), Arg::int(size)];
    subtransaction::without_keeping_locks(|| as_owner(|| parse(&spi::read_latest(NEWEST, &arguments))))
}

/// The checkpoint to prove an event with: the newest one that witnesses have cosigned, or else the newest.
pub fn to_prove_with(origin: &str, size: i64) -> Option<Stored> {
    let covers = |stored: &Stored| stored.size >= size;
    cosigned(origin)
        .into_iter()
        .find(covers)
        .or_else(|| newest(origin, size))
}

/// The newest checkpoints with cosignatures, which their notes bear; the newest first.
pub fn cosigned(origin: &str) -> Vec<Stored> {
    let rows = as_owner(|| {
        spi::read(
            "SELECT c.size, c.root, c.note || s.lines FROM auditlog_data.checkpoint AS c JOIN ( \
                 SELECT size, string_agg(lines, '' ORDER BY sink) AS lines FROM auditlog_data.cosignature \
                 WHERE origin = $1 GROUP BY size ORDER BY size DESC LIMIT 100) AS s ON s.size = c.size \
             WHERE c.origin = $1 ORDER BY c.size DESC",
            &[Arg::text(Some(origin))],
        )
    });
    rows.iter().filter_map(|row| parse(std::slice::from_ref(row))).collect()
}

/// The smallest checkpoint over more than `size` events, without cosignatures.
pub fn next(origin: &str, size: i64) -> Option<Stored> {
    some_after(origin, size, "ORDER BY size LIMIT 1").pop()
}

/// The largest checkpoint over at least `size` events, without cosignatures: what a witness is asked to sign.
pub fn last(origin: &str, size: i64) -> Option<Stored> {
    some_after(origin, size - 1, "ORDER BY size DESC LIMIT 1").pop()
}

/// Nothing is signed under this origin any more: somebody outside has seen another log.
pub fn block(origin: &str, state: &str, detail: &str) {
    spi::run(
        "INSERT INTO auditlog_data.publisher (state, detail, since, blocked_origin, blocked_state, blocked_detail) \
         VALUES ($2, $3, clock_timestamp(), $1, $2, $3) \
         ON CONFLICT (single) DO UPDATE SET state = EXCLUDED.state, detail = EXCLUDED.detail, since = EXCLUDED.since, \
         blocked_origin = EXCLUDED.blocked_origin, blocked_state = EXCLUDED.blocked_state, \
         blocked_detail = EXCLUDED.blocked_detail",
        &[Arg::text(Some(origin)), Arg::text(Some(state)), Arg::text(Some(detail))],
    );
}

/// Why nothing is signed under this origin any more, as committed by now.
pub fn blocked(origin: &str) -> Option<(String, String)> {
    let rows = as_owner(|| {
        spi::read_latest(
            "SELECT blocked_state, blocked_detail FROM auditlog_data.publisher WHERE blocked_origin = $1",
            &[Arg::text(Some(origin))],
        )
    });
    let row = rows.first()?;
    Some((row[0].text()?, row[1].text()?))
}

/// The next thousand checkpoints of an origin over more than `size` events, by size.
pub fn after(origin: &str, size: i64) -> Vec<Stored> {
    some_after(origin, size, "ORDER BY size LIMIT 1000")
}

fn some_after(origin: &str, size: i64, which: &str) -> Vec<Stored> {
    let sql = format!("SELECT size, root, note FROM auditlog_data.checkpoint WHERE origin = $1 AND size > $2 {which}");
    let rows = as_owner(|| spi::read(&sql, &[Arg::text(Some(origin)), Arg::int(size)]));
    // A root of another length is none of ours; it must not hide the checkpoint.
    let stored = |row: &Vec<spi::Cell>| {
        Some(Stored {
            size: row[0].int()?,
            root: row[1].bytes()?.try_into().unwrap_or([0xff; 32]),
            note: row[2].text()?,
        })
    };
    rows.iter().filter_map(stored).collect()
}

/// All keys of an origin, as vkeys.
pub fn keys(origin: &str) -> Vec<String> {
    let sql = "SELECT vkey FROM auditlog_data.signing_key WHERE origin = $1 ORDER BY since";
    let rows = as_owner(|| spi::read(sql, &[Arg::text(Some(origin))]));
    rows.iter().filter_map(|row| row[0].text()).collect()
}

/// Keeps a checkpoint over all that `head` speaks of.
pub fn keep(origin: &str, head: &Head, note: &str) {
    spi::run(
        "INSERT INTO auditlog_data.checkpoint (origin, size, root, note, made_at) VALUES ($1, $2, $3, $4, clock_timestamp())",
        &[
            Arg::text(Some(origin)),
            Arg::int(head.size),
            Arg::bytea(&head.root),
            Arg::text(Some(note)),
        ],
    );
}

/// The key in use for an origin, as vkey.
pub fn key(origin: &str) -> Option<String> {
    let rows = spi::run(
        "SELECT vkey FROM auditlog_data.signing_key WHERE origin = $1 AND retired_at IS NULL ORDER BY since DESC LIMIT 1",
        &[Arg::text(Some(origin))],
    );
    rows.first()?.first()?.text()
}

/// Notes a key that signs from `size` events on.
pub fn add_key(vkey: &str, origin: &str, size: i64) {
    spi::run(
        "INSERT INTO auditlog_data.signing_key (vkey, origin, from_size, since) VALUES ($1, $2, $3, clock_timestamp())",
        &[Arg::text(Some(vkey)), Arg::text(Some(origin)), Arg::int(size)],
    );
}

/// The publisher's state and what it says of it, as committed by now; `None` when all is well.
pub fn trouble() -> Option<(String, String)> {
    let rows = subtransaction::without_keeping_locks(|| {
        as_owner(|| {
            spi::read_latest(
                "SELECT state, detail FROM auditlog_data.publisher WHERE state <> 'ok'",
                &[],
            )
        })
    });
    let row = rows.first()?;
    Some((row[0].text()?, row[1].text()?))
}

/// Notes the publisher's state, when it is another one than before.
pub fn set_state(state: &str, detail: &str) {
    spi::run(
        "INSERT INTO auditlog_data.publisher AS p (state, detail, since) \
         SELECT $1, $2, clock_timestamp() \
         WHERE NOT EXISTS (SELECT FROM auditlog_data.publisher AS o WHERE (o.state, o.detail) = ($1, $2)) \
         ON CONFLICT (single) DO UPDATE SET state = EXCLUDED.state, detail = EXCLUDED.detail, since = EXCLUDED.since",
        &[Arg::text(Some(state)), Arg::text(Some(detail))],
    );
}

/// What has changed in the log's protection since this was asked last, and what of it is missing now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProtectionChange {
    /// Kinds of things: triggers, functions …
    pub kinds: Vec<String>,
    /// What is missing, as `auditlog.health()` shows it.
    pub faults: Vec<String>,
}

/// Compares the log's protection with what it was; the first time there is nothing to compare with. What is incomplete then, or
/// in a copy, is remembered only when it `is_final` (told whether anything is missing): a dump that is being loaded brings the rest.
pub fn protection_change(is_final: impl FnOnce(bool) -> bool) -> Option<ProtectionChange> {
    let rows = spi::run(
        "WITH now AS MATERIALIZED (SELECT auditlog_data.protection() AS protection), \
         before AS MATERIALIZED (SELECT p.protection FROM auditlog_data.publisher AS p) \
         SELECT COALESCE(o.key, n.key), (SELECT protection FROM before) IS NOT NULL \
         FROM (SELECT * FROM before, jsonb_each_text(before.protection)) AS o \
         FULL JOIN (SELECT * FROM now, jsonb_each_text(now.protection)) AS n ON n.key = o.key \
         WHERE o.value IS DISTINCT FROM n.value ORDER BY 1",
        &[],
    );
    if rows.is_empty() {
        return None;
    }
    let known = rows.iter().any(|row| row[1].int() == Some(1));
    if !known {
        let complete = protection_faults().is_empty();
        let is_copy = incarnation().is_some_and(|incarnation| !incarnation.is_ours);
        if (!complete || is_copy) && !is_final(complete) {
            return None;
        }
    }
    spi::run(
        "INSERT INTO auditlog_data.publisher (state, detail, since, protection) \
         VALUES ('ok', '', clock_timestamp(), auditlog_data.protection()) \
         ON CONFLICT (single) DO UPDATE SET protection = EXCLUDED.protection",
        &[],
    );
    known.then(|| ProtectionChange {
        kinds: rows.iter().filter_map(|row| row[0].text()).collect(),
        faults: protection_faults(),
    })
}

/// What of the log's protection is missing now.
pub fn protection_faults() -> Vec<String> {
    let sql = "SELECT f.fault FROM auditlog_data.guard_faults() AS f ORDER BY 1 LIMIT 100";
    let rows = as_owner(|| spi::read_latest(sql, &[]));
    rows.iter().filter_map(|row| row[0].text()).collect()
}
