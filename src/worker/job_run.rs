//! A scheduled job's run: a worker of its own, connected as the job's owner, that executes the command and ends. What it is to
//! do and what came of it are in a segment of shared memory that the scheduler keeps.

use crate::compat;
use pgrx::bgworkers::{BackgroundWorker, SignalWakeFlags};
use pgrx::pg_sys;
use pgrx::prelude::*;
use std::ffi::{CStr, CString};
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicI32, AtomicU32, Ordering};

/// Bytes of what a run says at its end.
const MESSAGE: usize = 2_000;

/// What a run has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Status {
    /// Its process is not there yet.
    Starting = 0,
    /// It executes.
    Running = 1,
    /// It has ended well.
    Succeeded = 2,
    /// It has not.
    Failed = 3,
}

impl Status {
    fn of(number: u32) -> Status {
        match number {
            1 => Status::Running,
            2 => Status::Succeeded,
            3 => Status::Failed,
            _ => Status::Starting,
        }
    }

    /// As pg_cron calls it.
    pub fn label(self) -> &'static str {
        match self {
            Status::Starting => "starting",
            Status::Running => "running",
            Status::Succeeded => "succeeded",
            Status::Failed => "failed",
        }
    }
}

/// The segment's beginning; the command follows.
#[repr(C)]
struct Shared {
    database: pg_sys::Oid,
    role: pg_sys::Oid,
    status: AtomicU32,
    pid: AtomicI32,
    message_length: AtomicU32,
    message: [u8; MESSAGE],
    command_length: usize,
}

/// A run as the scheduler sees it.
pub struct Run {
    segment: *mut pg_sys::dsm_segment,
    handle: *mut pg_sys::BackgroundWorkerHandle,
}

impl Run {
    /// Starts a run; `None` when no worker is free.
    pub fn start(database: pg_sys::Oid, role: pg_sys::Oid, command: &str, job: i64) -> Option<Run> {
        // SAFETY: a worker of ours; the segment stays mapped until `Run` is dropped, and is large enough for what is written.
        unsafe {
            let segment = pg_sys::dsm_create(size_of::<Shared>() + command.len(), 0);
            if segment.is_null() {
                return None;
            }
            pg_sys::dsm_pin_mapping(segment);
            let shared: *mut Shared = pg_sys::dsm_segment_address(segment).cast();
            std::ptr::write_bytes(shared, 0, 1);
            (*shared).database = database;
            (*shared).role = role;
            (*shared).command_length = command.len();
            std::ptr::copy_nonoverlapping(command.as_ptr(), shared.add(1).cast::<u8>(), command.len());
            let mut worker: pg_sys::BackgroundWorker = std::mem::zeroed();
            write_name(&mut worker.bgw_name, &format!("pg_auditlog job {job}"));
            write_name(&mut worker.bgw_type, "pg_auditlog job");
            write_name(&mut worker.bgw_library_name, "pg_auditlog");
            write_name(&mut worker.bgw_function_name, "auditlog_job_main");
            worker.bgw_flags = (pg_sys::BGWORKER_SHMEM_ACCESS | pg_sys::BGWORKER_BACKEND_DATABASE_CONNECTION) as i32;
            worker.bgw_start_time = pg_sys::BgWorkerStartTime::BgWorkerStart_RecoveryFinished;
            worker.bgw_restart_time = pg_sys::BGW_NEVER_RESTART;
            worker.bgw_main_arg = pg_sys::Datum::from(pg_sys::dsm_segment_handle(segment));
            worker.bgw_notify_pid = pg_sys::MyProcPid;
            let mut handle = std::ptr::null_mut();
            // The handle lives as long as this process.
            let before = pg_sys::MemoryContextSwitchTo(pg_sys::TopMemoryContext);
            let registered = pg_sys::RegisterDynamicBackgroundWorker(&mut worker, &mut handle);
            pg_sys::MemoryContextSwitchTo(before);
            let run = Run { segment, handle };
            registered.then_some(run)
        }
    }

    fn shared(&self) -> &Shared {
        // SAFETY: mapped as long as `self` lives.
        unsafe { &*pg_sys::dsm_segment_address(self.segment).cast() }
    }

    /// What it has come to. A process that is gone without a word has failed.
    pub fn status(&self) -> (Status, Option<i32>) {
        let mut pid = 0;
        // SAFETY: the handle that was made with the worker.
        let state = unsafe { pg_sys::GetBackgroundWorkerPid(self.handle, &mut pid) };
        let status = Status::of(self.shared().status.load(Ordering::Acquire));
        let pid = self.shared().pid.load(Ordering::Acquire);
        let pid = (pid > 0).then_some(pid);
        match (state, status) {
            (pg_sys::BgwHandleStatus::BGWH_STOPPED, Status::Starting | Status::Running) => (Status::Failed, pid),
            _ => (status, pid),
        }
    }

    /// Is its process gone?
    pub fn is_gone(&self) -> bool {
        let mut pid = 0;
        // SAFETY: as above.
        unsafe { pg_sys::GetBackgroundWorkerPid(self.handle, &mut pid) == pg_sys::BgwHandleStatus::BGWH_STOPPED }
    }

    /// What it has said at its end.
    pub fn message(&self) -> Option<String> {
        let shared = self.shared();
        let length = shared.message_length.load(Ordering::Acquire) as usize;
        (length > 0).then(|| String::from_utf8_lossy(&shared.message[..length.min(MESSAGE)]).into_owned())
    }

    /// Ends it, as `pg_terminate_backend` does.
    pub fn terminate(&self) {
        // SAFETY: as above.
        unsafe { pg_sys::TerminateBackgroundWorker(self.handle) }
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        // SAFETY: nobody uses it any more here; the run's own mapping is its own.
        unsafe { pg_sys::dsm_detach(self.segment) }
    }
}

fn write_name(place: &mut [std::ffi::c_char], name: &str) {
    for (to, from) in place.iter_mut().zip(name.bytes()) {
        *to = from as std::ffi::c_char;
    }
}

#[doc(hidden)]
#[pg_guard]
#[unsafe(no_mangle)]
pub extern "C-unwind" fn auditlog_job_main(argument: pg_sys::Datum) {
    BackgroundWorker::attach_signal_handlers(SignalWakeFlags::SIGHUP);
    compat::terminate_like_a_backend();
    // SAFETY: the first thing that this process does; the segment is one that `Run::start` has made.
    unsafe {
        pg_sys::CurrentResourceOwner = pg_sys::ResourceOwnerCreate(std::ptr::null_mut(), c"pg_auditlog job".as_ptr());
        let segment = pg_sys::dsm_attach(argument.value() as u32);
        if segment.is_null() {
            return;
        }
        pg_sys::dsm_pin_mapping(segment);
        let shared: &mut Shared = &mut *pg_sys::dsm_segment_address(segment).cast();
        shared.pid.store(pg_sys::MyProcPid, Ordering::Release);
        let command = std::slice::from_raw_parts(std::ptr::from_ref(shared).add(1).cast::<u8>(), shared.command_length);
        let command = CString::new(command).unwrap_or_default();
        pg_sys::BackgroundWorkerInitializeConnectionByOid(shared.database, shared.role, 0);
        shared.status.store(Status::Running as u32, Ordering::Release);
        let (status, message) = run(&command);
        let bytes = message.as_bytes();
        let mut end = bytes.len().min(MESSAGE);
        while !message.is_char_boundary(end) {
            end -= 1;
        }
        shared.message[..end].copy_from_slice(&bytes[..end]);
        shared.message_length.store(end as u32, Ordering::Release);
        shared.status.store(status as u32, Ordering::Release);
    }
}

/// Executes the command in one transaction, as pg_cron does; a single statement may be one that wants none, such as VACUUM.
unsafe fn run(command: &CStr) -> (Status, String) {
    // SAFETY: a connected worker outside any transaction; the text lives as long as the call.
    unsafe {
        pg_sys::debug_query_string = command.as_ptr();
        pg_sys::SetCurrentStatementStartTimestamp();
        pg_sys::pgstat_report_activity(pg_sys::BackendState::STATE_RUNNING, command.as_ptr());
        pg_sys::StartTransactionCommand();
    }
    PgTryBuilder::new(AssertUnwindSafe(|| {
        // SAFETY: as above, inside the transaction.
        let said = unsafe {
            let said = execute(command);
            pg_sys::CommitTransactionCommand();
            said
        };
        (Status::Succeeded, said)
    }))
    .catch_others(|caught| {
        use pg_sys::panic::CaughtError::{ErrorReport, PostgresError, RustPanic};
        let report = match &caught {
            PostgresError(report) | ErrorReport(report) => report,
            RustPanic { ereport, .. } => ereport,
        };
        let message = format!("ERROR: {}", report.message());
        pgrx::log!("pg_auditlog job: {}", report.message());
        // SAFETY: pgrx has taken the error out of PostgreSQL's stack.
        unsafe { pg_sys::AbortCurrentTransaction() };
        (Status::Failed, message)
    })
    .execute()
}

unsafe fn execute(command: &CStr) -> String {
    let mut said = String::new();
    // SAFETY: inside a transaction of a connected worker; nodes are PostgreSQL's own, of the tags that are asked for.
    unsafe {
        let statements = pg_sys::pg_parse_query(command.as_ptr());
        let count = if statements.is_null() { 0 } else { (*statements).length };
        for i in 0..count {
            let raw: *mut pg_sys::RawStmt = (*(*statements).elements.add(i as usize)).ptr_value.cast();
            let tag = pg_sys::CreateCommandTag((*raw).stmt);
            let with_snapshot = needs_snapshot((*(*raw).stmt).type_);
            if with_snapshot {
                pg_sys::PushActiveSnapshot(pg_sys::GetTransactionSnapshot());
            }
            let queries = pg_sys::pg_analyze_and_rewrite_fixedparams(
                raw,
                command.as_ptr(),
                std::ptr::null(),
                0,
                std::ptr::null_mut(),
            );
            let plans = pg_sys::pg_plan_queries(
                queries,
                command.as_ptr(),
                pg_sys::CURSOR_OPT_PARALLEL_OK as i32,
                std::ptr::null_mut(),
            );
            if with_snapshot {
                pg_sys::PopActiveSnapshot();
            }
            let portal = pg_sys::CreatePortal(c"".as_ptr(), true, true);
            (*portal).visible = false;
            pg_sys::PortalDefineQuery(
                portal,
                std::ptr::null(),
                command.as_ptr(),
                tag,
                plans,
                std::ptr::null_mut(),
            );
            pg_sys::PortalStart(portal, std::ptr::null_mut(), 0, std::ptr::null_mut());
            let mut done: pg_sys::QueryCompletion = std::mem::zeroed();
            done.commandTag = tag;
            compat::run_portal(portal, count == 1, &mut done);
            pg_sys::PortalDrop(portal, false);
            pg_sys::CommandCounterIncrement();
            let name = CStr::from_ptr(pg_sys::GetCommandTagName(done.commandTag)).to_string_lossy();
            said = match done.nprocessed {
                0 => name.into_owned(),
                rows => format!("{name} {rows}"),
            };
        }
    }
    said
}

/// `analyze_requires_snapshot`, which is PostgreSQL's own.
fn needs_snapshot(tag: pg_sys::NodeTag) -> bool {
    use pg_sys::NodeTag as T;
    matches!(
        tag,
        T::T_InsertStmt
            | T::T_DeleteStmt
            | T::T_UpdateStmt
            | T::T_MergeStmt
            | T::T_SelectStmt
            | T::T_ReturnStmt
            | T::T_PLAssignStmt
            | T::T_DeclareCursorStmt
            | T::T_ExplainStmt
            | T::T_CreateTableAsStmt
            | T::T_CallStmt
    )
}
