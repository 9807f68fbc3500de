//! The attacks, and who notices: `verify()` in SQL, the auditor with the key, the auditor who has also kept
//! a checkpoint, the auditor who also asks for a witness. `●` noticed, `○` not.
//!
//! Whatever is not computed anew all through, everybody notices. Against the owner of database and key
//! helps only what is outside.

/// What is done besides the statement.
#[derive(Debug, Clone, Copy)]
pub enum Then {
    /// Nothing.
    Nothing,
    /// These rows, the chain, the tree and the head are computed anew, and the old checkpoints removed.
    Rewrite(&'static [i64]),
    /// The publisher has another key from now on.
    OtherKey,
}

/// One attack.
pub struct Attack {
    /// What for people.
    pub name: &'static str,
    /// What somebody with all rights does; `{last}` is the partition that has most events.
    pub sql: &'static str,
    /// And then.
    pub then: Then,
    /// Who notices.
    pub seen: &'static str,
}

const fn rows(name: &'static str, sql: &'static str) -> Attack {
    Attack {
        name,
        sql,
        then: Then::Nothing,
        seen: "●●●●",
    }
}

const fn anew(name: &'static str, sql: &'static str, changed: &'static [i64]) -> Attack {
    Attack {
        name,
        sql,
        then: Then::Rewrite(changed),
        seen: "○○●●",
    }
}

/// All of them.
pub const ATTACKS: &[Attack] = &[
    // values
    rows(
        "event_type changed",
        "UPDATE auditlog_data.log SET event_type = 'x.y' WHERE log_index = 100",
    ),
    rows(
        "severity changed",
        "UPDATE auditlog_data.log SET severity = 'debug' WHERE log_index = 100",
    ),
    rows(
        "event_id changed",
        "UPDATE auditlog_data.log SET event_id = 'evt_x' WHERE log_index = 100",
    ),
    rows(
        "timestamp moved by a microsecond",
        "UPDATE auditlog_data.log SET timestamp = timestamp + interval '1 microsecond' WHERE log_index = 100",
    ),
    rows(
        "actor removed",
        "UPDATE auditlog_data.log SET actor_id = NULL WHERE log_index = 100",
    ),
    rows(
        "actor emptied",
        "UPDATE auditlog_data.log SET operation = '' WHERE log_index = 100",
    ),
    rows(
        "number made a longer one of the same value",
        "UPDATE auditlog_data.log SET extra = jsonb_set(extra, '{metadata,n}', '100.0') WHERE log_index = 100",
    ),
    rows(
        "number changed beyond a double's precision",
        "UPDATE auditlog_data.log SET before = '{\"amount\": 9007199254740992}' WHERE log_index = 100",
    ),
    rows(
        "text written in another Unicode form",
        "UPDATE auditlog_data.log SET resource_id = 'cafe' || chr(769) WHERE log_index = 100",
    ),
    rows(
        "tags in another order",
        "UPDATE auditlog_data.log SET tags = ARRAY['b', 'a'] WHERE log_index = 100",
    ),
    rows(
        "address's mask changed",
        "UPDATE auditlog_data.log SET db_client_addr = '127.0.0.1' WHERE log_index = 100",
    ),
    rows(
        "login role changed",
        "UPDATE auditlog_data.log SET db_session_user = 'somebody' WHERE log_index = 100",
    ),
    rows(
        "columns exchanged between two events",
        "UPDATE auditlog_data.log AS l SET actor_id = o.actor_id FROM auditlog_data.log AS o WHERE (l.log_index, o.log_index) IN ((100, 101), (101, 100))",
    ),
    // what is no value any more: the row goes into the bundle all the same
    rows(
        "tags with a NULL among them",
        "UPDATE auditlog_data.log SET tags = ARRAY['a', NULL] WHERE log_index = 100",
    ),
    rows(
        "tags in two dimensions",
        "UPDATE auditlog_data.log SET tags = '{{a},{b}}' WHERE log_index = 100",
    ),
    rows(
        "timestamp at the end of time",
        "UPDATE auditlog_data.log SET recorded_at = 'infinity', sealed_at = '-infinity' WHERE log_index = 100",
    ),
    // rows
    rows("event removed", "DELETE FROM auditlog_data.log WHERE log_index = 100"),
    rows(
        "many events removed",
        "DELETE FROM auditlog_data.log WHERE log_index BETWEEN 50 AND 150",
    ),
    rows(
        "first event removed",
        "DELETE FROM auditlog_data.log WHERE log_index = 0",
    ),
    // it is no part of what was signed, so nobody is shown it
    Attack {
        name: "event inserted at the end",
        sql: "CREATE TEMPORARY TABLE t AS SELECT * FROM {last} WHERE log_index = 100; UPDATE t SET log_index = 900; \
        INSERT INTO {last} SELECT * FROM t",
        then: Then::Nothing,
        seen: "●○○○",
    },
    rows(
        "two events exchanged",
        "UPDATE {last} SET log_index = -1 WHERE log_index = 100; UPDATE {last} SET log_index = 100 WHERE log_index = 101; \
        UPDATE {last} SET log_index = 101 WHERE log_index = -1",
    ),
    rows(
        "event replaced by another one",
        "UPDATE {last} AS l SET (event_id, extra, recorded_at, entry_hash) = (o.event_id, o.extra, o.recorded_at, o.entry_hash) \
        FROM {last} AS o WHERE l.log_index = 100 AND o.log_index = 101",
    ),
    // hashes
    rows(
        "entry_hash changed",
        "UPDATE auditlog_data.log SET entry_hash = sha256('x') WHERE log_index = 100",
    ),
    rows(
        "hash changed",
        "UPDATE auditlog_data.log SET hash = sha256('x') WHERE log_index = 100",
    ),
    rows(
        "prev_hash changed",
        "UPDATE auditlog_data.log SET prev_hash = sha256('x') WHERE log_index = 100",
    ),
    rows(
        "value and entry_hash changed together",
        "UPDATE auditlog_data.log SET event_type = 'x.y' WHERE log_index = 100; \
         UPDATE auditlog_data.log AS l SET entry_hash = sha256('\\x00'::bytea || substr(auditlog.bundle_record(e), 126)) \
         FROM auditlog.events AS e WHERE e.log_index = l.log_index AND l.log_index = 100",
    ),
    // what was signed, and the tree: where nothing can be signed any more, there is nothing to show (×), or
    // only what was signed before
    Attack {
        name: "a leaf changed",
        sql: "UPDATE auditlog_data.tile SET hashes = set_byte(hashes, 40, get_byte(hashes, 40) # 1) WHERE (level, tile_index) = (0, 0)",
        then: Then::Nothing,
        seen: "●●●●",
    },
    Attack {
        name: "a checkpoint forged",
        sql: "UPDATE auditlog_data.checkpoint SET root = sha256('x')",
        then: Then::Nothing,
        seen: "●×××",
    },
    Attack {
        name: "the root forged",
        sql: "UPDATE auditlog_data.head SET root = sha256('x')",
        then: Then::Nothing,
        seen: "●○○○",
    },
    Attack {
        name: "the end cut off, checkpoints left",
        sql: "DELETE FROM auditlog_data.log WHERE log_index >= 200; \
        UPDATE auditlog_data.head SET size = 200, hash = (SELECT hash FROM auditlog.events WHERE log_index = 199)",
        then: Then::Nothing,
        seen: "●●●●",
    },
    // everything computed anew
    anew(
        "event changed, all computed anew",
        "UPDATE auditlog_data.log SET event_type = 'x.y' WHERE log_index = 100",
        &[100],
    ),
    anew(
        "event removed, all computed anew",
        "DELETE FROM auditlog_data.log WHERE log_index = 100",
        &[],
    ),
    anew(
        "events exchanged, all computed anew",
        "UPDATE {last} SET log_index = -1 WHERE log_index = 100; UPDATE {last} SET log_index = 100 WHERE log_index = 101; \
        UPDATE {last} SET log_index = 101 WHERE log_index = -1",
        &[],
    ),
    anew(
        "end cut off, all computed anew",
        "DELETE FROM auditlog_data.log WHERE log_index >= 200",
        &[],
    ),
    anew(
        "beginning cut off, all computed anew",
        "DELETE FROM auditlog_data.log WHERE log_index < 100",
        &[],
    ),
    anew("everything removed", "DELETE FROM auditlog_data.log", &[]),
    Attack {
        name: "the key replaced",
        sql: "SELECT 1",
        then: Then::OtherKey,
        seen: "○●●●",
    },
    // who erases by hand is found
    rows(
        "personal values erased by hand",
        "SELECT auditlog.erase('user:erased', 'nobody shall know'); DELETE FROM auditlog_data.inbox_0; \
        DELETE FROM auditlog_data.inbox_1; DELETE FROM auditlog_data.inbox_2; DELETE FROM auditlog_data.inbox_3",
    ),
    Attack {
        name: "personal values erased by the rules",
        sql: "SELECT auditlog.erase('user:erased', 'by the rules')",
        then: Then::Nothing,
        seen: "○○○○",
    },
    // what is not hashed (docs/format.md)
    Attack {
        name: "time of sealing changed",
        sql: "UPDATE auditlog_data.log SET sealed_at = sealed_at - interval '1 day' WHERE log_index = 100",
        then: Then::Nothing,
        seen: "○○○○",
    },
];
