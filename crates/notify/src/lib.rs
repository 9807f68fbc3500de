//! Delivery of notifications to people and their tools: e-mail, Slack, Microsoft Teams, PagerDuty, webhooks, syslog,
//! files.
//!
//! A [`Channel`] is the configuration of one receiver, a [`Notification`] what is told. [`send`] tries once and says what
//! came of it, by one rule for all kinds ([`Outcome`]). Retries, the order of notifications and what is known about them are
//! the caller's; so are threads and the clock. [`breaker`] has the arithmetic of when to try again, [`egress`] the rule whom
//! to connect to.
//!
//! Delivery is at least once. Each notification has an id that is the same for every try: Message-ID in e-mail,
//! `webhook-id` and CloudEvents' `id`, `name` in syslog, `id` in files. PagerDuty has a key that a firing and its resolution
//! share. Slack and Teams have nothing like it: there a second one is shown twice.
//!
//! # Kinds and options
//!
//! Where a secret belongs stands `secret:NAME`, never the secret: NAME is a file in the directory of [`Secrets`], read for
//! every delivery, so it may be replaced at any time. The addresses of Slack and Teams are secrets themselves.
//!
//! | kind | options |
//! | --- | --- |
//! | `email` | `host` (needed), `from` (needed), `to`, `tls` (`starttls`, `implicit`; `none` to this machine only), `port` (587, 465, 25), `username` with `password` (secret), `reply_to`, `subject` (a template), `hello_name`, and those of a connection |
//! | `slack` | `url` (needed, secret), and those of a connection |
//! | `teams` | `url` (needed, secret), and those of a connection |
//! | `pagerduty` | `routing_key` (needed, secret), `url` (`https://events.pagerduty.com/v2/enqueue`), and those of a connection |
//! | `webhook` | `url` (needed; may be a secret), `signing_secret` (secret), `old_signing_secret` (secret, during a rotation), `token` (secret), `token_header` (`Authorization`), `token_scheme` (`Bearer`), `headers`, `source`, and those of a connection |
//! | `syslog` | `address` (needed: `tls://host:6514`, `tcp://`, `udp://`, `unix://`), `body` (`text`, `json`), and those of the sink `syslog` but for `severity`, which is the notification's |
//! | `file` | `path` (needed, absolute): a line of JSON for each |
//!
//! Of a connection: `connect_timeout_seconds` (10), `ca_file`, `client_cert_file` with `client_key_file`. Of every channel:
//! `template` ([`Template`]), `rate_per_minute`, `digest_after` ([`Limits`]).
#![forbid(unsafe_code)]

mod attempt;
pub mod breaker;
mod channel;
pub mod client;
mod digest;
mod document;
pub mod egress;
mod email;
mod http;
mod notification;
mod outcome;
mod pagerduty;
mod secrets;
mod severity;
mod signing;
mod slack;
mod targets;
mod teams;
mod template;
mod text;
mod webhook;

#[cfg(test)]
mod formats_tests;

pub use attempt::Attempt;
pub use auditlog_sink::ConfigError;
pub use channel::{Channel, KINDS, Limits, send};
pub use notification::{EventRef, Kind, MAX_ID_BYTES, Member, Notification};
pub use outcome::{Failure, Outcome};
pub use secrets::{MAX_SECRET_BYTES, SecretName, Secrets};
pub use severity::Severity;
pub use template::{MAX_TEMPLATE_BYTES, Template, TemplateError};
