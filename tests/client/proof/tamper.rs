//! Whoever touches tree, head or checkpoints is found out by `verify()`.

use super::{public_key, record};
use auditlog_testkit::Database;
use auditlog_testkit::log::{text, verify};

#[test]
fn changes_of_the_proofs_are_named() {
    let db = Database::new();
    let mut client = db.superuser();
    record(&mut client, 300);
    public_key(&mut client);
    record(&mut client, 700);
    text(&mut client, "SELECT auditlog.checkpoint()");
    let flip = |level: i32, tile: i32| {
        format!(
            "UPDATE auditlog_data.tile SET hashes = set_byte(hashes, 40, get_byte(hashes, 40) # 4)
             WHERE (level, tile_index) = ({level}, {tile})"
        )
    };
    let last = "auditlog_data.log_standard_' || to_char(now() AT TIME ZONE 'UTC', 'YYYY_MM') || '";
    let cut = format!(
        "UPDATE auditlog_data.head SET size = 999, hash = (SELECT prev_hash FROM auditlog.events WHERE log_index = 999);
         DO $$ BEGIN EXECUTE 'DELETE FROM {last} WHERE log_index = 999'; END $$"
    );
    // a row and its hashes, and all links after it, computed anew
    let anew = format!(
        "DO $$ DECLARE e auditlog.events; prev bytea; BEGIN
             EXECUTE 'UPDATE {last} SET operation = ''forged'' WHERE log_index = 500';
             SELECT hash INTO prev FROM auditlog.events WHERE log_index = 499;
             FOR e IN SELECT * FROM auditlog.events AS v WHERE log_index >= 500 ORDER BY log_index LOOP
                 EXECUTE 'UPDATE {last} SET entry_hash = $1, prev_hash = $2, hash = $3 WHERE log_index = $4' USING
                     CASE WHEN e.log_index = 500 THEN sha256('\\x00'::bytea || substr(auditlog.bundle_record(e), 126)) ELSE e.entry_hash END,
                     prev,
                     sha256('\\x02'::bytea || prev || CASE WHEN e.log_index = 500 THEN sha256('\\x00'::bytea || substr(auditlog.bundle_record(e), 126))
                         ELSE e.entry_hash END || int8send(e.log_index)),
                     e.log_index;
                 SELECT hash INTO prev FROM auditlog.events WHERE log_index = e.log_index;
             END LOOP;
             UPDATE auditlog_data.head SET hash = prev;
         END $$"
    );
    client
        .batch_execute(
            "UPDATE pg_trigger SET tgenabled = 'D' WHERE tgname LIKE 'auditlog\\_%' AND tgrelid::regclass::text LIKE 'auditlog_data.%'",
        )
        .expect("a superuser may change the catalogue");
    let mut client = db.superuser(); // a new connection: nothing cached
    let mut wrong = Vec::new();
    for (what, change, expected) in [
        ("a leaf", flip(0, 1), vec!["modified 257", "modified 256", "forked"]),
        ("the last leaves", flip(0, 3), vec!["modified 769", "forked", "forked"]),
        ("an inner hash", flip(1, 0), vec!["modified 256", "forked", "forked"]),
        ("a tile removed", "DELETE FROM auditlog_data.tile WHERE (level, tile_index) = (1, 0)".to_owned(), vec![
            "modified 0", "modified 256", "modified 512", "missing 0", "forked", "forked", "forked",
        ]),
        ("a tile too many", "INSERT INTO auditlog_data.tile VALUES (0, 9, sha256(''))".to_owned(), vec!["missing 1000"]),
        ("a level too many", "INSERT INTO auditlog_data.tile VALUES (2, 0, sha256(''))".to_owned(), vec!["missing 1000"]),
        ("another root", "UPDATE auditlog_data.head SET root = sha256('')".to_owned(), vec!["forked"]),
        ("the end cut off", cut, vec!["missing 999", "forked", "rolled_back"]),
        ("a row and all hashes anew", anew, vec!["modified 500"]),
        ("a checkpoint's text", "UPDATE auditlog_data.checkpoint SET note = replace(note, E'\\n300\\n', E'\\n301\\n') WHERE size = 300".to_owned(),
            vec!["modified"]),
        ("a checkpoint's root", "UPDATE auditlog_data.checkpoint SET root = sha256('') WHERE size = 300".to_owned(), vec!["modified"]),
        ("a checkpoint's size", "UPDATE auditlog_data.checkpoint SET size = 299 WHERE size = 300".to_owned(), vec!["modified"]),
        ("a checkpoint's signature", "UPDATE auditlog_data.checkpoint SET note = regexp_replace(note, 'A(.)(..==?|...=|....)\\n$', E'B\\\\1\\\\2\\n') || '' WHERE size = 300; \
            UPDATE auditlog_data.checkpoint SET note = overlay(note placing (CASE substr(note, length(note) - 20, 1) WHEN 'A' THEN 'B' ELSE 'A' END) from length(note) - 20 for 1) WHERE size = 300".to_owned(),
            vec!["key_replaced"]),
        ("the keys", "DELETE FROM auditlog_data.signing_key".to_owned(), vec!["key_replaced", "key_replaced"]),
    ] {
        client.batch_execute("BEGIN").expect("BEGIN");
        client.batch_execute(&change).unwrap_or_else(|e| panic!("{what}: {e:?}"));
        let found: Vec<String> = verify(&mut client)
            .iter()
            .map(|f| match f.log_index {
                Some(index) => format!("{} {index}", f.kind),
                None => f.kind.clone(),
            })
            .collect();
        client.batch_execute("ROLLBACK").expect("ROLLBACK");
        let (mut found, mut expected) = (found, expected);
        found.sort();
        expected.sort_unstable();
        if found != expected {
            wrong.push(format!("{what}: expected {expected:?}, found {found:?}"));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert_eq!(verify(&mut client), []);
}
