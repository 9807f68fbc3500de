//! The live view: one connection hears of new events, and each subscriber reads them again under its own rights.

mod hub;
mod seats;
mod subscriber;

pub use hub::{Hub, listen};
pub use seats::Seats;
pub use subscriber::{Wish, subscribe};
