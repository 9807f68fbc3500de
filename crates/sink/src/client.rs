//! The parts that deliver to more than sinks: one connection, one HTTP exchange, and the options for them.
//!
//! `auditlog-notify` speaks other protocols over the same sockets, so that deadline, allow-list and TLS are written
//! once.

pub use crate::http::{Answer, End, Request, exchange};
pub use crate::http_sink::{SCHEMES, check_header, connect_timeout, headers};
pub use crate::judge::{excerpt, refused, whole};
pub use crate::kept::Kept;
pub use crate::net::{Call, Connection, Peer, Timed, failed};
pub use crate::options::{Options, choices_hint};
pub use crate::syslog_line::{SyslogLine, SyslogReceiver};
pub use crate::tls::TlsOptions;
pub use crate::url::{Scheme, Url, encode_path, encode_unreserved};
