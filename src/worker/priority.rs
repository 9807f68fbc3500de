//! Which workers stand back behind sessions.

use super::Duty;
use crate::guc;

/// Lowers the priority of this process, and of the threads that it starts, where its work can wait: retention, exports and
/// reports take minutes in any case, and an application's commit must not take longer for them.
pub(super) fn settle(duty: Duty) {
    if !matches!(duty, Duty::Keeper | Duty::Exporter | Duty::Reporter) {
        return;
    }
    // SAFETY: a call without memory; to stand back is always allowed.
    let failed = unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, guc::WORKER_NICE.get()) } != 0;
    if failed {
        pgrx::debug1!("the priority of the worker stays as it is");
    }
}
