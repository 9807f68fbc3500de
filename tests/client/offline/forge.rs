//! What somebody with all rights, and patience, can compute anew.

use auditlog_testkit::postgres::Client;
use auditlog_tlog::Hash;
use auditlog_tlog::tile::{Appender, to_bytes};
use sha2::{Digest, Sha256};

/// Computes the entry hashes of these rows, the whole chain, the tree and the head anew, and removes what
/// was signed before.
pub fn rewrite(client: &mut Client, changed: &[i64]) {
    for index in changed {
        // without personal values the record ends with the entry, which begins after 125 bytes
        client
            .execute(
                "UPDATE auditlog_data.log AS l SET entry_hash = sha256('\\x00'::bytea || substr(auditlog.bundle_record(e), 126))
                 FROM auditlog.events AS e WHERE e.log_index = l.log_index AND l.log_index = $1",
                &[index],
            )
            .expect("entry_hash");
    }
    let rows = client
        .query(
            "SELECT log_index, entry_hash FROM auditlog_data.log ORDER BY log_index",
            &[],
        )
        .expect("rows");
    let mut tree = Appender::new();
    let mut previous: Hash = [0; 32];
    for (place, row) in rows.iter().enumerate() {
        let (index, entry): (i64, Vec<u8>) = (row.get(0), row.get(1));
        let entry: Hash = entry.try_into().expect("32 bytes");
        let mut link = Sha256::new();
        link.update([2]);
        link.update(previous);
        link.update(entry);
        link.update((place as u64).to_be_bytes());
        let hash: Hash = link.finalize().into();
        client
            .execute(
                "UPDATE auditlog_data.log SET log_index = $2, prev_hash = $3, hash = $4 WHERE log_index = $1 AND entry_hash = $5",
                &[&index, &-(place as i64 + 1), &previous.to_vec(), &hash.to_vec(), &entry.to_vec()],
            )
            .expect("links");
        previous = hash;
        tree.append(entry);
    }
    client
        .batch_execute("UPDATE auditlog_data.log SET log_index = -log_index - 1 WHERE log_index < 0; DELETE FROM auditlog_data.tile")
        .expect("places");
    for tile in tree.changed() {
        client
            .execute(
                "INSERT INTO auditlog_data.tile (level, tile_index, hashes) VALUES ($1, $2, $3)",
                &[
                    &i16::from(tile.id.level),
                    &(tile.id.index as i64),
                    &to_bytes(&tile.hashes),
                ],
            )
            .expect("tile");
    }
    client
        .execute(
            "UPDATE auditlog_data.head SET size = $1, hash = $2, root = $3",
            &[&(rows.len() as i64), &previous.to_vec(), &tree.root().to_vec()],
        )
        .expect("head");
    client
        .batch_execute("DELETE FROM auditlog_data.checkpoint; DELETE FROM auditlog_data.cosignature")
        .expect("what was signed");
}
