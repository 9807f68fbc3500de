//! The search functions from outside: pages while others write, who may, nothing to inject into.

mod facets;
mod injection;
mod pages;
mod saved;
mod standby;
