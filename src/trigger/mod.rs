//! The triggers: rows on their way in, and everything that is refused.

pub mod capture;
pub mod ddl_guard;
pub mod definition_events;
pub mod events_row;
pub mod inbox_row;
pub mod log_row;
pub mod principals;
pub mod refuse;
pub mod saved_queries;
pub mod tracking;
pub mod tuples;
