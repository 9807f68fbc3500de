//! Reports (docs/reports.md): what frameworks ask for ([`framework`]), what a report says ([`model`]), and the report as files.
//! Pure: no PostgreSQL, no I/O, no clock.
#![forbid(unsafe_code)]

pub mod model;
