//! Blocking delivery of messages to the outside: files, HTTP, syslog, S3 with object lock, witnesses.
//!
//! A [`Target`] is the configuration of one sink, a [`Message`] what goes there. [`deliver`] tries once and
//! says what came of it: a [`Receipt`], or a [`DeliveryError`] with what to do about it ([`FailureKind`]);
//! [`backoff()`] says when to try again. The order of messages, their retries and what is known about them
//! are the caller's. So is the thread: nothing here makes one, handles a signal or keeps a state, and every
//! call ends by its deadline, but for what [`deliver`] says.
//!
//! Delivery is at least once. Whatever fails after the message may have arrived is a failure, and its
//! repetition must be harmless: an object or the last note of a file that has the same bytes already is a
//! success ([`Receipt::already_there`]), HTTP gets the name as an idempotency key, syslog has it in its
//! structured data.
//!
//! # Kinds, addresses and options
//!
//! Secrets are never options: `token_file`, `credentials_file`, `client_key_file` name files that are read for
//! every delivery, so they may be replaced at any time. `ca_file` has certificates (PEM) to believe instead of the
//! system's; that they are checked can't be switched off.
//!
//! | kind | address | options |
//! | --- | --- | --- |
//! | `file` | an absolute path | `format` (`notes`, `lines`; see [`FileFormat`]) |
//! | `http` | `https://host/path`, with `{name}` in the path where the message's name is to stand | `method` (`POST`, `PUT`), `headers`, `idempotency_header` (`Idempotency-Key`), and those of a server |
//! | `witness` | the submission prefix; `/add-checkpoint` is added | those of a server |
//! | `syslog` | `udp://host[:514]`, `tcp://host:port`, `tls://host[:6514]`, `unix:///dev/log` | `facility` (`audit`), `severity` (`notice`), `hostname`, `app_name` (`pg_auditlog`), `msgid`, `enterprise_number`, `structured_data`, `time_digits` (6), `bom`, `framing` (`octet-counting`, `newline`), `max_bytes` (8192, UDP 2048), and those of a connection |
//! | `s3` | `s3://bucket/prefix` | `credentials_file` (needed), `profile` (`default`), `region` (`us-east-1`), `endpoint`, `path_style`, `lock_mode` (`COMPLIANCE`, `GOVERNANCE`) with `retain_days`, and those of a connection |
//!
//! Of a connection: `connect_timeout_seconds` (10), `ca_file`, `client_cert_file` with `client_key_file`. Of a
//! server: the same, and `token_file`, `token_header` (`Authorization`), `token_scheme` (`Bearer`).
#![deny(unsafe_code)]

mod backoff;
pub mod client;
mod credentials;
mod error;
mod file;
mod http;
mod http_sink;
mod judge;
mod kept;
mod message;
mod net;
mod options;
mod records;
mod s3;
mod secret;
mod sigv4;
mod syslog;
mod syslog_line;
mod syslog_text;
mod target;
mod tls;
mod unsent;
mod url;
mod witness;

pub use backoff::{MAX_BACKOFF, MIN_BACKOFF, backoff};
pub use error::{ConfigError, DeliveryError, FailureKind};
pub use judge::{MAX_ANSWER_BYTES, MAX_RETRY_AFTER};
pub use message::{Assurance, MAX_NAME_BYTES, Message, Receipt};
pub use records::{FileFormat, MAX_RECORD_BYTES, Records, read_all, read_last};
pub use syslog_text::Annotations;
pub use target::{KINDS, Target, deliver, deliver_annotated, deliver_if};
