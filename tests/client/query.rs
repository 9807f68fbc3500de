//! The query language in SQL: one meaning on every path, and the plans that it gets.

mod differential;
pub(crate) mod generator;
mod plans;
mod words;
