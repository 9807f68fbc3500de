//! Blocking access to object storage: S3 and what speaks its protocol, Azure Blob Storage, Google Cloud Storage, a
//! local directory. For whoever has a thread: nothing here makes one, handles a signal or keeps a state but
//! credentials that were read.
//!
//! The protocols are those of the crate `object_store`; the bytes go over `auditlog-sink`'s HTTP, so that deadlines,
//! allow-lists and TLS are the same for all that leaves the server. A call tries once and says by
//! [`FailureKind`](auditlog_sink::FailureKind) what to do when it fails; when to try again is the caller's.
//!
//! | URL | options |
//! | --- | --- |
//! | `file:///directory` | none. The directory must be there. Files and their folders are flushed (fsync) before a call is done |
//! | `s3://bucket/prefix` | `credentials_file` (needed), `profile` (`default`), `region` (`us-east-1`), `endpoint`, `path_style` |
//! | `az://container/prefix` | `account` (needed), `credentials_file` (needed), `profile`, `endpoint`, and for an application `tenant_id` with `client_id` |
//! | `gs://bucket/prefix` | `credentials_file` (needed): the JSON of a service account; `endpoint` |
//!
//! All but the first take `connect_timeout_seconds` (10), `ca_file`, `client_cert_file` with `client_key_file`. An
//! endpoint without TLS must be this machine. `credentials_file` is in the form of `~/.aws/credentials`: for S3
//! `aws_access_key_id`, `aws_secret_access_key`, perhaps `aws_session_token`; for Azure one of `azure_storage_key`,
//! `azure_storage_sas`, `azure_client_secret`. It is looked at for every call, so it may be replaced at any time.
//!
//! **Object Lock.** `object_store` can't send S3's headers for a lock with an object. Give the bucket a default
//! retention: uploads carry a checksum, as S3 then asks for.
#![forbid(unsafe_code)]

mod credentials;
mod error;
mod location;
mod provider;
mod store;
mod transport;

pub use error::ObjectError;
pub use store::{Created, Entry, MAX_SINGLE_BYTES, Store};
pub use transport::Allow;
