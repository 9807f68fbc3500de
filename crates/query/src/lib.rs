//! The query language of the audit log, without PostgreSQL.
//!
//! `text → parse → ast::Expr → check → node::Checked → eval::matches`, and `ast::Expr → print`.
//! [`filters`] compiles a JSON object of filters into the same [`ast::Expr`]. Nothing here reads a
//! clock or does I/O: «now» and the time zone are arguments. The grammar and its meaning are
//! specified in `docs/query-language.md`; what one stage does lies in the file of that name.
#![forbid(unsafe_code)]

pub mod ast;
pub mod check;
pub mod dates;
pub mod decimal;
pub mod error;
pub mod eval;
pub mod fields;
pub mod filters;
pub mod fold;
pub mod json;
pub mod leaves;
mod lex;
pub mod limits;
pub mod node;
pub mod parse;
pub mod pattern;
pub mod predicate;
pub mod print;
pub mod span;
pub mod suggest;
pub mod tokens;
pub mod wanted;

pub use check::{CheckOptions, check};
pub use error::{ErrorKind, Notice, QueryError};
pub use eval::matches;
pub use leaves::{Leaf, leaves};
pub use limits::Limits;
pub use parse::{Query, parse};
