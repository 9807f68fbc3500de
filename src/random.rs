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
    BYTES.with_borrow_mut(|(used, pool)| {
        if *used + N > POOL {
            // SAFETY: fills the whole pool.
            let ok = unsafe { pg_sys::pg_strong_random(pool.as_mut_ptr().cast(), POOL) };
            if !ok {
                crate::error::Fault::broken("no strong random numbers to be had").raise();
            }
            *used = 0;
        }
        let mut out = [0u8; N];
        out.copy_from_slice(&pool[*used..*used + N]);
        pool[*used..*used + N].fill(0);
        *used += N;
        out
    })
}

/// A new event id: `evt_` and a UUIDv7 (RFC 9562 §5.7) of the given time in microseconds since the
/// Unix epoch.
pub fn event_id(us: i64) -> String {
    let uuid = uuid::Builder::from_unix_timestamp_millis((us / 1000).max(0) as u64, &bytes::<10>()).into_uuid();
    let mut id = String::with_capacity(4 + uuid::fmt::Simple::LENGTH);
    id.push_str("evt_");
    id.push_str(uuid.simple().encode_lower(&mut [0; uuid::fmt::Simple::LENGTH]));
    id
}
