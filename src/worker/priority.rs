//! Which workers stand back behind sessions.

use super::Duty;
use crate::guc;

/// Lowers the priority of this process, and of the threads that it starts, where its work can wait: retention, exports and
/// reports take minutes in any case, and an application's commit must not take longer for them.
pub(super) fn settle(duty: Duty) {
    if !matches!(duty, Duty::Keeper | Duty::Exporter | Duty::Reporter) {
        return;
    }
    // SAFETY: a call without memory. To stand back is always allowed, so nothing can fail; the result, the new value, may be -1.
    unsafe { libc::nice(guc::WORKER_NICE.get()) };
}
