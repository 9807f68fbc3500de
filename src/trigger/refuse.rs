//! Refuses UPDATE, DELETE and TRUNCATE of inbox, log, head and proofs, for everybody but the workers.

use super::log_row::restoring;
use super::tuples::relation_name;
use crate::error::Fault;
use crate::fmgr::Call;
use crate::store::columns::{LOG, RowBuf};
use crate::store::{checkpoints, erasure};
use pgrx::pg_sys::Datum;

crate::sql_function!(auditlog_refuse, pg_finfo_auditlog_refuse, refuse);

fn refuse(call: &Call) -> Datum {
    let trigger = call.trigger();
    let relation = relation_name(call);
    match (trigger.tg_event & 3, relation.as_str()) {
        (
            _,
            table @ ("tile" | "incarnation" | "signing_key" | "key_rotation" | "checkpoint" | "cosignature"
            | "checkpoint_sink" | "publisher" | "principal" | "token_keys" | "tracked_table" | "alert"
            | "alert_state" | "evaluator" | "firing" | "job" | "job_run" | "channel" | "channel_state"
            | "notification" | "retention_policy" | "legal_hold" | "partition_tier" | "retention_move"
            | "certificate" | "retention_run" | "archive_object" | "restored" | "restore" | "archive_erasure"
            | "export" | "sink" | "sink_state" | "sink_letter" | "health_sample" | "verification_run"
            | "access_snapshot" | "review" | "framework" | "report_definition" | "report" | "report_file"
            | "report_delivery" | "classified_table" | "api_token"),
        ) => {
            // INSERT: a dump brings its proofs along.
            let trusted = match table {
                "tile" => crate::worker::is_sealer(),
                "tracked_table" => checkpoints::is_trusted(),
                "incarnation" | "key_rotation" | "checkpoint_sink" | "publisher" => {
                    crate::worker::is_publisher() || checkpoints::is_trusted()
                }
                "principal" | "token_keys" | "api_token" | "alert" | "channel" => checkpoints::is_trusted(),
                "notification" if crate::worker::is_reporter() => true,
                "job" | "job_run" | "alert_state" | "evaluator" | "firing" | "channel_state" | "notification" => {
                    crate::worker::is_watching() || checkpoints::is_trusted()
                }
                "export" => crate::worker::is_exporter() || checkpoints::is_trusted(),
                "health_sample" | "verification_run" | "access_snapshot" => crate::worker::is_publisher(),
                "report" | "report_file" | "report_delivery" => {
                    crate::worker::is_reporter() || checkpoints::is_trusted()
                }
                "review" | "framework" | "report_definition" | "classified_table" => checkpoints::is_trusted(),
                "retention_policy" | "legal_hold" | "sink" => checkpoints::is_trusted(),
                "sink_state" => crate::worker::is_streamer(),
                "sink_letter" => crate::worker::is_streamer() || checkpoints::is_trusted(),
                "partition_tier" => crate::worker::is_keeper() || crate::worker::is_sealer(),
                "retention_move" | "retention_run" | "archive_object" | "restored" | "restore" | "archive_erasure" => {
                    crate::worker::is_keeper() || checkpoints::is_trusted()
                }
                "certificate" => {
                    crate::worker::is_keeper() || crate::worker::is_publisher() || checkpoints::is_trusted()
                }
                _ => crate::worker::is_publisher(),
            };
            if trusted || (trigger.tg_event & 3 == 0 && restoring()) {
                Datum::null()
            } else {
                refused(trigger.tg_event & 3, table)
            }
        }
        (3, _) | (_, "word_run" | "word_chunk") if crate::worker::is_sealer() => Datum::null(),
        // The sealer advances the head; a dump brings its head along.
        (2, "head") if crate::worker::is_sealer() => trigger.tg_newtuple.into(),
        (0, "head") if crate::worker::is_sealer() || restoring() => trigger.tg_trigtuple.into(),
        (_, "head") if crate::worker::is_sealer() => trigger.tg_trigtuple.into(),
        (1, "word_run") if erasure::is_erasing() => Datum::null(),
        (2, _) if erasure::is_erasing() && erases(call) => trigger.tg_newtuple.into(),
        // It empties drained inbox tables (store/inbox.rs).
        (event, _) => refused(event, &relation),
    }
}

/// Does this UPDATE do what erasure may, and nothing else?
fn erases(call: &Call) -> bool {
    let trigger = call.trigger();
    // SAFETY: an open relation and its tuples during the call; the number of columns is checked first.
    unsafe {
        let desc = (*trigger.tg_relation).rd_att;
        if (*desc).natts as usize != LOG {
            return false;
        }
        let (mut old, mut new) = (RowBuf::<LOG>::new(), RowBuf::<LOG>::new());
        for (row, tuple) in [(&mut old, trigger.tg_trigtuple), (&mut new, trigger.tg_newtuple)] {
            pgrx::pg_sys::heap_deform_tuple(tuple, desc, row.values.as_mut_ptr(), row.nulls.as_mut_ptr());
        }
        erasure::is_erasure((&old.values, &old.nulls), (&new.values, &new.nulls))
    }
}

fn refused(event: u32, relation: &str) -> ! {
    let operation = match event {
        1 => "DELETE",
        2 => "UPDATE",
        3 => "TRUNCATE",
        _ => "INSERT",
    };
    Fault::refused(format!("{operation} of audit events is refused"))
        .detail(format!("Table {relation} is part of a write-once audit log.",))
        .hint("Events leave the log by retention only. To correct an event, record another one that refers to it.")
        .raise()
}
