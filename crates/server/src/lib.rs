//! `auditlog-server`: the audit log over HTTP, with the caller's own rights in the database.
//!
//! Nothing here decides who may see what. Each request is one transaction of PostgreSQL under the caller's identity
//! ([`identity`]); row-level security and privileges of the extension do the rest. [`data`] holds what is read and
//! written, a file for each subject, for the REST API ([`rest`]) and for pages ([`web`]) alike.
#![forbid(unsafe_code)]

pub mod app;
pub mod config;
pub mod data;
pub mod database;
pub mod http;
pub mod identity;
pub mod logs;
pub mod metrics;
pub mod openapi;
pub mod rest;
pub mod run;
pub mod serve;
pub mod sso;
pub mod stream;
pub mod web;

pub use app::App;
pub use config::Settings;
pub use run::{Running, StartError, start};
