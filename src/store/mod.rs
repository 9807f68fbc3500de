//! The only part of the extension that touches tables: by SQL through SPI where speed does not
//! matter, by PostgreSQL's own heap functions where every event passes.

pub mod alerts;
pub mod archive;
pub mod audited;
pub mod bulk;
pub mod capture_plan;
pub mod capture_template;
pub mod catalog;
pub mod certificates;
pub mod checkpoint_sinks;
pub mod checkpoints;
pub mod columns;
pub mod datum_json;
pub mod erasure;
pub mod event_types;
pub mod exports;
pub mod firings;
pub mod head;
pub mod holds;
pub mod idempotency;
pub mod inbox;
pub mod jobs;
pub mod jsonb;
pub mod jsonb_build;
pub mod log;
pub mod notifications;
pub mod outbox;
pub mod partitions;
pub mod principals;
pub mod rebuild;
pub mod record;
pub mod retention;
pub mod retention_plan;
pub mod roles;
pub mod row;
pub mod row_chunk;
pub mod row_memory;
pub mod saved_queries;
pub mod scan;
pub mod settings;
pub mod sink_state;
pub mod sinks;
pub mod spi;
pub mod stream;
pub mod subtransaction;
pub mod suggestions;
pub mod tiles;
pub mod token_keys;
pub mod tracked;
pub mod trigger_ddl;
pub mod verified;
pub mod view;
pub mod view_record;
pub mod words;

/// Microseconds from the Unix epoch to PostgreSQL's (2000-01-01).
pub const POSTGRES_EPOCH: i64 = 946_684_800_000_000;
