//! What is done about events: alerts (see [`alert`]), and how long they are kept (see [`retention`]). Pure: no PostgreSQL, no I/O, no clock, no
//! randomness of its own; «now» is an argument.
#![forbid(unsafe_code)]

pub mod alert;
pub mod duration;
pub mod retention;
pub mod yaml;
