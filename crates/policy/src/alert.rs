//! Alerts: [`definition`] reads what an alert is, [`engine`] says when it fires.

pub mod builtin;
pub mod definition;
pub mod engine;
pub mod field;
pub mod sample;
pub mod schedule;
