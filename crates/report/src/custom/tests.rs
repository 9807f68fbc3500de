//! Definitions as texts, and their periods.

mod periods;
mod texts;
