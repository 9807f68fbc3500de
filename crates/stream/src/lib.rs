//! Delivery of batches of events to SIEMs: Splunk, Azure Event Hubs, AWS Security Lake, syslog, HTTP, files, objects.
//!
//! A [`Stream`] is the configuration of one sink, a [`Link`] the sink in use, an [`Item`] one event in the sink's format.
//! [`Driver::deliver`] sends a batch and says what came of it ([`Sent`]), by one rule for all kinds ([`Outcome`]): how
//! many events are done with, which of them were given up, and whether to go on, to wait, to go back or to pause. The caller
//! stores that, and reads events from the log. Threads and the clock are the caller's too. Every call ends by its deadline,
//! but for what [`auditlog_notify::Attempt::deadline`] says.
//!
//! Delivery is at least once, and in order. Whatever fails after events may have arrived is a failure, and its repetition is
//! harmless: every event carries the log's origin, its place in the log and the hash of its entry. Batches of the
//! same events have the same name where a receiver can know them by it.
//!
//! # How to use it
//!
//! Begin with a new [`Link`] and a new [`Driver`] [`Stream::window`] events before the stored position. Take events until one of
//! [`Stream::limits`] is reached ([`Stream::weight`] says what each counts). After [`Driver::deliver`] store the position
//! behind `delivered` and the rejected events together. On [`Outcome::Rewind`] go back that many events and send again at once,
//! on [`Outcome::Retry`] wait as [`auditlog_notify::breaker`] says and send the same batch, on [`Outcome::Pause`] tell.
//!
//! # Kinds and options
//!
//! Where a secret belongs stands `secret:NAME`, never the secret: NAME is a file in the directory of
//! [`auditlog_notify::Secrets`], read for every delivery.
//!
//! | kind | options |
//! | --- | --- |
//! | `splunk_hec` | `hec_url` (needed), `hec_token` (needed, secret), `source_type` (`pg_auditlog`), `source`, `host`, `index`, `gzip` (true), `acknowledge` (false), `channel`, `acknowledge_seconds` (300), and those of a connection |
//! | `azure_event_hub` | `event_hub_namespace` (needed), `event_hub_name` (needed), `shared_access_key` (secret) with `shared_access_key_name` (`RootManageSharedAccessKey`), or `entra_token` (secret), `endpoint`, and those of a connection |
//! | `aws_security_lake` | `account_id` (needed), `region` (needed), `s3_bucket` (needed), `source_name` (`pg_auditlog`; `_` and the class are added), `source_names`, and those of a bucket |
//! | `syslog` | `address` (needed: `tls://host:6514`, `tcp://`, `udp://`, `unix://`), `replay_events` (10000), `replay_seconds` (10), and those of `auditlog-sink`'s kind `syslog` |
//! | `http` | `url` (needed), `body` (`ndjson`, `cloudevents`), `gzip` (false), `signing_secret` (secret), `old_signing_secret` (secret), `token` (secret), `token_header`, `token_scheme`, `headers`, `source`, and those of a connection |
//! | `file` | `path` (needed), `rotate_bytes` (100000000; 0 for never), `rotate_daily` (true) |
//! | `object_store` | `url` (needed: `s3://bucket/prefix` or a directory), `compression` (`zstd`, `gzip`, `none`), and those of a bucket |
//!
//! Of a connection: `connect_timeout_seconds` (10), `ca_file`, `client_cert_file` with `client_key_file`. Of a bucket: the same,
//! and `credentials_file`, `profile`, `endpoint`, `path_style`, `region`, `lock_mode` with `retain_days`. Of every sink:
//! `batch_bytes`, `batch_events`, `batch_seconds`.
#![forbid(unsafe_code)]

mod driver;
mod event_hub;
mod file;
mod item;
mod json;
mod lake;
mod limits;
mod lines;
mod objects;
mod ocsf_fields;
mod ocsf_parquet;
mod outcome;
mod server;
mod session;
mod shred;
mod splunk;
mod splunk_ack;
mod splunk_reply;
mod squeeze;
mod store;
mod stream;
mod syslog;
mod webhook;

pub use auditlog_notify::{Attempt, Failure, Secrets};
pub use auditlog_sink::ConfigError;
pub use driver::{Driver, MAX_REFUSED_IN_A_ROW, Sender};
pub use item::{Item, Limits};
pub use objects::NamedFile;
pub use outcome::{Outcome, Rejected, Sent};
pub use stream::{KINDS, Link, Stream, TAKE_FILES};
