//! Every kind of sink against a counterpart: one program, as each would link the whole crate.

mod event_hub;
mod faults;
mod file;
mod lake;
mod objects;
mod splunk;
mod support;
mod syslog;
mod webhook;
