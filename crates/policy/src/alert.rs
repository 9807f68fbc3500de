//! Alerts: [`definition`] reads what an alert is, [`engine`] says when it fires.

pub mod definition;
pub mod engine;
pub mod field;
pub mod schedule;
