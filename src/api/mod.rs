//! What SQL calls: one file a noun. Thin: arguments in, work in `store` and the pure crates, result out.

pub mod as_given;
pub mod await_sealed;
pub mod bundle;
pub mod candidates;
pub mod context;
pub mod cursor;
pub mod erase;
pub mod event_document;
pub mod event_rows;
pub mod field;
pub mod filters;
pub mod incarnation;
pub mod own_event;
pub mod proof;
pub mod query;
pub mod query_document;
pub mod query_leaf;
pub mod record;
pub mod row_document;
pub mod saved_query;
pub mod stats;
pub mod suggest;
pub mod to_json;
pub mod verify;
pub mod verify_tree;
pub mod words;
