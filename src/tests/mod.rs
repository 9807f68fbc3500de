//! Tests inside PostgreSQL: one backend, one transaction that is rolled back. What needs several
//! sessions, commits, roles or crashes is in `tests/` (see tests/README.md).

mod json;
mod queue;
mod recording;
