//! How long events are kept, and in which tier: [`policy`] reads what was decided, [`tier`] says what it
//! means for a range of time, [`requirement`] and [`conflict`] compare it with what laws and standards
//! demand, [`hold`] is what keeps events whatever the policy, [`plan`] puts all of it together.
//!
//! Times are microseconds since 1970, as everywhere. Nothing here knows the present: it is an argument.

pub mod age;
pub mod class_name;
pub mod conflict;
pub mod hold;
mod matcher;
#[cfg(any(test, feature = "testing"))]
pub mod model;
pub mod pattern;
pub mod plan;
pub mod policy;
pub mod requirement;
pub mod tier;
