//! `events @@@ 'query'` becomes ordinary conditions on columns while PostgreSQL plans, so that
//! indexes, partition pruning and statistics serve it. There is no SQL text in between.

mod actor;
mod expression;
mod functions;
mod nodes;
mod row;
mod support;

pub use expression::time;
