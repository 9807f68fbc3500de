//! Random bytes for salts and event ids, from PostgreSQL's strong generator, drawn in advance.

use pgrx::pg_sys;
use std::cell::RefCell;

const POOL: usize = 4096;

thread_local! {
    // Filled only in a connected process, never in the postmaster, so that no two processes share it.
    static BYTES: RefCell<(usize, [u8; POOL])> = const { RefCell::new((POOL, [0; POOL])) };
}

/// `N` random bytes that no other call gets.
pub fn bytes<const N: usize>() -> [u8; N] {
    draw().unwrap_or_else(|| crate::error::Fault::broken("no strong random numbers to be had").raise())
}

/// The same; `None` when there are none to be had.
fn draw<const N: usize>() -> Option<[u8; N]> {
    BYTES.with_borrow_mut(|(used, pool)| {
        if *used + N > POOL {
            // SAFETY: fills the whole pool.
            if !unsafe { pg_sys::pg_strong_random(pool.as_mut_ptr().cast(), POOL) } {
                return None;
            }
            *used = 0;
        }
        let mut out = [0u8; N];
        out.copy_from_slice(&pool[*used..*used + N]);
        pool[*used..*used + N].fill(0);
        *used += N;
        Some(out)
    })
}

/// A new event id: `evt_` and a UUIDv7 (RFC 9562 §5.7) of the given time in microseconds since the
/// Unix epoch.
pub fn event_id(us: i64) -> String {
    id_of("evt_", us, &bytes())
}

/// Begin of the ids of events that the database records by itself; nobody else's event may have such an id.
pub const DATABASE_EVENT: &str = "dbevt_";

/// An id of an event that the database records by itself. `None` without random numbers: it never raises an error.
pub fn database_event_id(us: i64) -> Option<String> {
    Some(id_of(DATABASE_EVENT, us, &draw()?))
}

fn id_of(prefix: &str, us: i64, random: &[u8; 10]) -> String {
    let uuid = uuid::Builder::from_unix_timestamp_millis((us / 1000).max(0) as u64, random).into_uuid();
    let mut id = String::with_capacity(prefix.len() + uuid::fmt::Simple::LENGTH);
    id.push_str(prefix);
    id.push_str(uuid.simple().encode_lower(&mut [0; uuid::fmt::Simple::LENGTH]));
    id
}
