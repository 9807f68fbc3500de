//! What pages are made of. One file a component; the rules of their look are in the crate's README.

pub mod badge;
pub mod bars;
pub mod card;
pub mod diff;
pub mod events;
pub mod fields;
pub mod form;
pub mod icon;
pub mod notice;
pub mod query_box;
pub mod seal;
pub mod stat;
pub mod table;
