//! The queue and its recorder: entries are recorded while the transaction that left them is still running.

#[pgrx::pg_schema]
mod tests {
    use crate::queue::{self, Entry, Provenance, Queue};
    use crate::shmem;
    use crate::store::spi::{self, Arg};
    use pgrx::prelude::*;
    use std::sync::atomic::Ordering::Acquire;
    use std::time::{Duration, Instant};

    fn entry(event_id: &str, document: &str) -> Entry {
        Entry {
            provenance: Provenance {
                session_user: b"alice".to_vec(),
                current_user: b"bob".to_vec(),
                client_addr: Some(vec![2, 32, 192, 0, 2, 7]),
                application: Some(b"ledger".to_vec()),
            },
            document: document.replace("ID", event_id),
        }
    }

    /// An event id that no other run has used.
    fn fresh_id() -> String {
        crate::random::event_id(shmem::unix_micros())
    }

    const DOCUMENT: &str = r#"{"event_id": "ID", "event_type": "auditlog.view", "timestamp": "2026-01-02T03:04:05.000006Z",
        "actor": {"id": "alice"}, "action": {"status": "success"}, "metadata": {"rows": 7}}"#;

    fn my_queue() -> &'static Queue {
        queue::of(shmem::my_slot().unwrap())
    }

    fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
        let begun = Instant::now();
        while !done() {
            assert!(begun.elapsed() < Duration::from_secs(30), "{what}");
            Spi::run("SELECT pg_catalog.pg_sleep(0.02)").unwrap();
        }
    }

    /// What another session sees of the event.
    fn recorded(event_id: &str) -> Option<String> {
        let rows = spi::read_latest(
            "SELECT concat_ws('|', event_type, db_session_user, db_current_user, host(db_client_addr), db_application, \
             extract(epoch FROM \"timestamp\"), extra) FROM auditlog.events WHERE event_id = $1",
            &[Arg::text(Some(event_id))],
        );
        rows.first().and_then(|row| row[0].text())
    }

    #[pg_test]
    fn what_is_pushed_is_recorded_with_its_own_provenance() {
        let slot = shmem::my_slot().unwrap();
        let (id, other) = (fresh_id(), fresh_id());
        let entry = entry(&id, DOCUMENT);
        let before = my_queue().fill().reserved;
        let reservation = queue::reserve(slot, entry.encode().len()).unwrap();
        assert!(my_queue().fill().reserved > before);
        reservation.push(&entry);
        assert_eq!(my_queue().fill().reserved, before);
        // SAFETY: a global of this process.
        let database = unsafe { pg_sys::MyDatabaseId };
        assert!(queue::try_push(database, &self::entry(&other, DOCUMENT)));
        wait_until("the entries are recorded", || recorded(&other).is_some());
        let expected = "auditlog.view|alice|bob|192.0.2.7|ledger|1767323045.000006|{\"metadata\": {\"rows\": 7}}";
        assert_eq!(recorded(&id).as_deref(), Some(expected));
        assert_eq!(recorded(&other).as_deref(), Some(expected));
        assert_eq!(
            slot.name.get(),
            Spi::get_one("SELECT pg_catalog.current_database()::text").unwrap()
        );
        let name = slot.name.get().unwrap();
        assert_eq!(shmem::slot_named(&name).map(shmem::number), Some(shmem::number(slot)));
    }

    #[pg_test]
    fn a_place_that_is_not_used_is_given_back() {
        let slot = shmem::my_slot().unwrap();
        let before = my_queue().fill().reserved;
        let mut reservation = queue::reserve(slot, 1000).unwrap();
        reservation.grow(5000).unwrap();
        assert_eq!(my_queue().fill().reserved, before + 5008);
        reservation.shrink(100);
        assert_eq!(my_queue().fill().reserved, before + 108);
        drop(reservation);
        assert_eq!(my_queue().fill().reserved, before);
        assert!(queue::reserve(slot, usize::MAX / 4).is_err());
    }

    #[pg_test]
    fn an_entry_that_cannot_be_recorded_keeps_no_other_one_waiting() {
        let slot = shmem::my_slot().unwrap();
        let before = my_queue().unrecordable.load(Acquire);
        let (first, last) = (fresh_id(), fresh_id());
        for document in [
            DOCUMENT,
            "no JSON",
            r#"{"event_type": 7}"#,
            "{\"event_type\": \"x\", \"y\": \"\\u0000\"}",
        ] {
            queue::reserve(slot, 1000).unwrap().push(&entry(&first, document));
        }
        queue::reserve(slot, 1000).unwrap().push(&entry(&last, DOCUMENT));
        wait_until("the last entry is recorded", || recorded(&last).is_some());
        assert!(recorded(&first).is_some());
        assert_eq!(my_queue().unrecordable.load(Acquire), before + 3);
    }
}
