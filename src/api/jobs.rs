//! Jobs: `schedule`, `schedule_in_database`, `alter_job`, `unschedule`, with the arguments of the extension pg_cron.

use super::own_event::{self, OwnEvent};
use crate::error::Fault;
use crate::fmgr::{Call, Rows};
use crate::guc;
use crate::provenance::{database, role_name};
use crate::shmem::my_slot;
use crate::store::POSTGRES_EPOCH;
use crate::store::columns::text;
use crate::store::inbox::shared_slot;
use crate::store::jobs::{self, JobRow};
use crate::store::roles;
use crate::store::spi::{self, Arg};
use auditlog_core::json::Json;
use auditlog_schedule::Schedule;
use pgrx::PgSqlErrorCode as Code;
use pgrx::pg_sys;
use pgrx::pg_sys::Datum;
use std::sync::atomic::Ordering::Relaxed;

crate::sql_function!(auditlog_schedule, pg_finfo_auditlog_schedule, schedule);
crate::sql_function!(
    auditlog_schedule_unnamed,
    pg_finfo_auditlog_schedule_unnamed,
    schedule_unnamed
);
crate::sql_function!(
    auditlog_schedule_in_database,
    pg_finfo_auditlog_schedule_in_database,
    schedule_in_database
);
crate::sql_function!(auditlog_alter_job, pg_finfo_auditlog_alter_job, alter);
crate::sql_function!(auditlog_unschedule, pg_finfo_auditlog_unschedule, unschedule);
crate::sql_function!(
    auditlog_unschedule_named,
    pg_finfo_auditlog_unschedule_named,
    unschedule_named
);
crate::sql_function!(auditlog_scheduler_state, pg_finfo_auditlog_scheduler_state, state);

/// Longest name, in bytes.
const LONGEST_NAME: usize = 200;
/// Longest command, in bytes.
const LONGEST: usize = 1024 * 1024;

/// `schedule(job_name, schedule, command)`
fn schedule(call: &Call) -> Datum {
    let name = required(call.text(0), "job_name");
    set(Some(name), call.text(1), call.text(2), None, None, true)
}

/// Schedules a command of ours as the caller's job; returns the job's id.
pub(super) fn schedule_ours(name: &str, schedule: &str, command: &str) -> i64 {
    let (schedule, command) = (Some(schedule.to_owned()), Some(command.to_owned()));
    set(Some(name.to_owned()), schedule, command, None, None, true).value() as i64
}

/// Removes a job that [`schedule_ours`] made, when it is still there.
pub(super) fn unschedule_ours(id: i64) {
    if jobs::lock(id).is_some() {
        remove(&own(Some(id)));
    }
}

/// `schedule(schedule, command)`
fn schedule_unnamed(call: &Call) -> Datum {
    set(None, call.text(0), call.text(1), None, None, true)
}

/// `schedule_in_database(job_name, schedule, command, database, username, active)`
fn schedule_in_database(call: &Call) -> Datum {
    let name = required(call.text(0), "job_name");
    let active = call.arg(5).is_none_or(|active| active.value() != 0);
    let database = required(call.text(3), "database");
    set(
        Some(name),
        call.text(1),
        call.text(2),
        Some(database),
        call.text(4),
        active,
    )
}

fn set(
    name: Option<String>,
    schedule: Option<String>,
    command: Option<String>,
    other_database: Option<String>,
    role: Option<String>,
    active: bool,
) -> Datum {
    let (schedule, command) = (required(schedule, "schedule"), required(command, "command"));
    if guc::USE_PG_CRON.get() {
        return hand_over(name, &schedule, &command, other_database, role, active);
    }
    let job = JobRow {
        id: 0,
        name,
        schedule,
        command,
        database: other_database.unwrap_or_else(database),
        role: role.unwrap_or_else(caller),
        active,
        revision: 0,
        looked_at: 0,
    };
    check(&job);
    let before = job.name.as_deref().and_then(|name| jobs::lock_named(name, &job.role));
    let id = match before {
        Some(before) => {
            let was = jobs::described(before.id);
            jobs::replace(&JobRow { id: before.id, ..job });
            tell("schedule", before.id, was);
            before.id
        }
        None => {
            let id = jobs::add(&job);
            tell("schedule", id, None);
            id
        }
    };
    shared_slot().scheduler.start_soon();
    id.into()
}

/// Where pg_cron is to run the jobs, it gets them as the caller would give them to it.
fn hand_over(
    name: Option<String>,
    schedule: &str,
    command: &str,
    other_database: Option<String>,
    role: Option<String>,
    active: bool,
) -> Datum {
    // Its own text: pg_cron reads some forms otherwise than they are meant.
    let schedule = &parsed(schedule).to_string();
    let here = spi::read("SELECT 1 FROM pg_catalog.pg_extension WHERE extname = 'pg_cron'", &[]);
    if here.is_empty() {
        Fault::broken("auditlog.use_pg_cron is on, but pg_cron is not installed in this database")
            .detail("Jobs are to be handed to it.")
            .hint("Run CREATE EXTENSION pg_cron in the database that cron.database_name names, or set auditlog.use_pg_cron = off.")
            .raise();
    }
    let rows = match (name, &other_database, &role) {
        (None, ..) => spi::run(
            "SELECT cron.schedule($1, $2)",
            &[Arg::text(Some(schedule)), Arg::text(Some(command))],
        ),
        (Some(name), None, None) => spi::run(
            "SELECT cron.schedule($1, $2, $3)",
            &[
                Arg::text(Some(&name)),
                Arg::text(Some(schedule)),
                Arg::text(Some(command)),
            ],
        ),
        (Some(name), ..) => spi::run(
            "SELECT cron.schedule_in_database($1, $2, $3, $4, $5, $6::boolean)",
            &[
                Arg::text(Some(&name)),
                Arg::text(Some(schedule)),
                Arg::text(Some(command)),
                Arg::text(Some(&other_database.unwrap_or_else(database))),
                Arg::text(role.as_deref()),
                Arg::text(Some(if active { "true" } else { "false" })),
            ],
        ),
    };
    rows.first().and_then(|row| row[0].int()).unwrap_or_default().into()
}

/// `alter_job(job_id, schedule, command, database, username, active)`
fn alter(call: &Call) -> Datum {
    let before = own(call.int(0));
    let job = JobRow {
        schedule: call.text(1).unwrap_or(before.schedule),
        command: call.text(2).unwrap_or(before.command),
        database: call.text(3).unwrap_or(before.database),
        role: call.text(4).unwrap_or(before.role),
        active: call.arg(5).map_or(before.active, |active| active.value() != 0),
        name: before.name,
        ..before
    };
    check(&job);
    let was = jobs::described(job.id);
    jobs::replace(&job);
    tell("alter_job", job.id, was);
    shared_slot().scheduler.start_soon();
    call.null()
}

/// `unschedule(job_id)`
fn unschedule(call: &Call) -> Datum {
    remove(&own(call.int(0)))
}

/// `unschedule(job_name)`
fn unschedule_named(call: &Call) -> Datum {
    let name = call.text(0).unwrap_or_default();
    let found = jobs::lock_named(&name, &caller());
    remove(&found.unwrap_or_else(|| {
        unknown(&format!(
            "The name is «{}», the role {}.",
            name.escape_debug(),
            caller()
        ))
    }))
}

fn remove(job: &JobRow) -> Datum {
    let was = jobs::described(job.id);
    jobs::remove(job.id);
    tell("unschedule", job.id, was);
    true.into()
}

/// A job that the caller may change: its own, or any if it is a superuser.
fn own(id: Option<i64>) -> JobRow {
    let id = id.unwrap_or_default();
    let job = jobs::lock(id).unwrap_or_else(|| unknown(&format!("The id is {id}.")));
    // SAFETY: looks at the caller's attributes.
    if job.role != caller() && !unsafe { pg_sys::superuser() } {
        Fault::refused("the job belongs to another role")
            .detail(format!("Job {id} is one of {}.", job.role))
            .hint("Its owner or a superuser may change it.")
            .raise();
    }
    job
}

fn unknown(detail: &str) -> ! {
    Fault::new(Code::ERRCODE_UNDEFINED_OBJECT, "there is no such job")
        .detail(detail)
        .hint("auditlog.job lists them.")
        .raise()
}

fn required(value: Option<String>, name: &str) -> String {
    match value {
        Some(value) if !value.trim().is_empty() => value,
        _ => Fault::new(
            Code::ERRCODE_NULL_VALUE_NOT_ALLOWED,
            format!("{name} of a job is missing"),
        )
        .detail(format!("{name} is NULL or empty."))
        .hint("For example auditlog.schedule('nightly', '0 3 * * *', 'SELECT auditlog.verify()').")
        .raise(),
    }
}

/// The schedule of that text; raises what is wrong with it.
fn parsed(text: &str) -> Schedule {
    Schedule::parse(text).unwrap_or_else(|error| {
        Fault::new(Code::ERRCODE_INVALID_PARAMETER_VALUE, error.message.clone())
            .detail(format!("At character {} of «{}».", error.position, text.escape_debug()))
            .hint(error.hint.clone())
            .raise()
    })
}

fn check(job: &JobRow) {
    parsed(&job.schedule);
    if job.command.len() > LONGEST {
        Fault::new(Code::ERRCODE_PROGRAM_LIMIT_EXCEEDED, "the command of a job is too long")
            .detail(format!("It has {} bytes; {LONGEST} are allowed.", job.command.len()))
            .hint("Put it into a function.")
            .raise();
    }
    if job.name.as_ref().is_some_and(|name| name.len() > LONGEST_NAME) {
        Fault::new(Code::ERRCODE_INVALID_PARAMETER_VALUE, "the name of a job is too long")
            .detail(format!("{LONGEST_NAME} bytes are allowed."))
            .hint("Take a shorter one.")
            .raise();
    }
    // SAFETY: looks at the caller's attributes.
    if job.role != caller() && !unsafe { pg_sys::superuser() } {
        Fault::refused("permission denied to schedule a job for another role")
            .detail(format!("You are {}, the job would run as {}.", caller(), job.role))
            .hint("Leave the role out, or ask a superuser.")
            .raise();
    }
    let Some(role) = roles::role_oid(&job.role) else {
        Fault::new(Code::ERRCODE_UNDEFINED_OBJECT, "there is no such role")
            .detail(format!("The role is «{}».", job.role.escape_debug()))
            .hint("Names of roles are case sensitive here.")
            .raise()
    };
    let Some(database) = roles::database_oid(&job.database) else {
        Fault::new(Code::ERRCODE_INVALID_CATALOG_NAME, "there is no such database")
            .detail(format!("The database is «{}».", job.database.escape_debug()))
            .hint("Names of databases are case sensitive here.")
            .raise()
    };
    if !roles::may_connect(role, database) {
        Fault::refused("the role of a job may not connect to its database")
            .detail(format!("The role is {}, the database {}.", job.role, job.database))
            .hint("Grant it CONNECT, and LOGIN.")
            .raise();
    }
}

fn caller() -> String {
    // SAFETY: a global of this process.
    role_name(unsafe { pg_sys::GetUserId() })
}

fn tell(operation: &str, id: i64, before: Option<Json>) {
    let change = OwnEvent {
        event_type: "auditlog.job_change",
        severity: "notice",
        actor: ("database_role", &crate::provenance::session_user()),
        operation,
        metadata: &[("jobid", own_event::number(id))],
    };
    let after = if operation == "unschedule" {
        None
    } else {
        jobs::described(id)
    };
    own_event::record_change(&change, Some(("job", &id.to_string())), before, after);
}

/// `scheduler_state()`
fn state(call: &Call) -> Datum {
    let mut rows = Rows::new(call);
    if let Some(slot) = my_slot() {
        let pid = slot.scheduler.pid.load(Relaxed);
        let count = |counter: &std::sync::atomic::AtomicU64| Some(Datum::from(counter.load(Relaxed) as i64));
        let errors = &slot.scheduler_errors;
        let at = errors.at.load(Relaxed);
        rows.push(&[
            (pid > 0).then(|| Datum::from(pid)),
            count(&slot.jobs_running),
            count(&slot.jobs_started),
            count(&slot.jobs_skipped),
            count(&errors.count),
            (at != 0).then(|| Datum::from(at - POSTGRES_EPOCH)),
            errors.text().map(|error| text(error.as_bytes())),
        ]);
    }
    call.null()
}
