//! Entries on their way from a session to the process that records them. A session may roll back, be read-only
//! or be ended at any moment, so its entries leave it through memory that it shares with the recorder.
//!
//! No I/O, no clock, no locks: whoever owns the memory holds a lock around each call.

mod entry;
mod ring;

pub use entry::{Entry, Provenance, WIRE_FORMAT};
pub use ring::{Positions, Ring, Taken, framed};
