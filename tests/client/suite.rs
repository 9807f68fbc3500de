//! Tests of pg_auditlog from outside: what one backend in a rolled-back transaction cannot show.
//!
//! One program, so that all tests share a cluster; each has a database of its own, and those that
//! stop, kill or copy a server have a cluster of their own.

mod alerts;
mod bad_input;
mod bloat;
mod capture;
mod concurrency;
mod context;
mod copies;
mod crash;
mod database_events;
mod erasure;
mod exports;
mod fleet;
mod guard;
mod idempotency;
mod jobs;
mod journal;
mod lifecycle;
mod offline;
mod partitions;
mod program;
mod proof;
mod protection;
mod publishing;
mod query;
mod readers;
mod real_data;
mod record;
mod reports;
mod retention;
mod roles;
mod search;
mod security;
mod sinks;
mod statements;
mod support;
mod tail;
mod tamper;
mod tokens;
