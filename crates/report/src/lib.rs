//! Reports (docs/reports.md): what frameworks ask for ([`framework`]), what users define ([`custom`]), what a report says ([`model`]),
//! and the report as files. Pure: no PostgreSQL, no I/O, no clock.
#![forbid(unsafe_code)]

pub mod csv;
pub mod custom;
#[cfg(feature = "extract")]
pub mod extract;
pub mod files;
pub mod framework;
pub mod manifest;
pub mod model;
pub mod pdf;
#[cfg(feature = "testing")]
pub mod synthetic;
pub mod tally;
pub mod verify;
