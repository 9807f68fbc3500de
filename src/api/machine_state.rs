//! `auditlog_data.machine_state`: what samples of health have from outside of the database.

use crate::fmgr::{Call, Rows};
use crate::store::columns::text;
use pgrx::pg_sys;
use pgrx::pg_sys::Datum;
use sha2::{Digest, Sha256};
use std::ffi::{CStr, CString};
use std::fs::File;
use std::io::{self, Read};

crate::sql_function!(auditlog_machine_state, pg_finfo_auditlog_machine_state, state);

fn state(call: &Call) -> Datum {
    let clock = clock();
    let library = library().and_then(|path| sha256(&path).ok());
    let float = |value: f64| Datum::from(value.to_bits());
    Rows::new(call).push(&[
        clock.as_ref().map(|clock| clock.synchronised.into()),
        clock.as_ref().map(|clock| float(clock.offset_ms)),
        clock.as_ref().map(|clock| float(clock.error_ms)),
        clock.as_ref().map(|_| text(b"kernel (adjtimex)")),
        free_bytes().map(Into::into),
        library.map(|sha256| text(sha256.as_bytes())),
    ]);
    call.null()
}

/// What the kernel says of its clock.
struct Clock {
    synchronised: bool,
    offset_ms: f64,
    error_ms: f64,
}

/// adjtimex(2): the offset that the time daemon is about to correct, and the bound of the error that it promises.
fn clock() -> Option<Clock> {
    // SAFETY: plain data; with no mode set the call reads.
    let (state, answer) = unsafe {
        let mut answer: libc::timex = std::mem::zeroed();
        (libc::adjtimex(&mut answer), answer)
    };
    if state < 0 {
        return None;
    }
    let unit = if answer.status & libc::STA_NANO != 0 { 1e6 } else { 1e3 };
    Some(Clock {
        synchronised: answer.status & libc::STA_UNSYNC == 0,
        offset_ms: answer.offset as f64 / unit,
        error_ms: answer.maxerror as f64 / 1e3,
    })
}

/// Bytes that are free where the data directory lies.
fn free_bytes() -> Option<i64> {
    // SAFETY: a path of the server's, and plain data.
    unsafe {
        let path = CStr::from_ptr(pg_sys::DataDir);
        let mut answer: libc::statvfs = std::mem::zeroed();
        (libc::statvfs(path.as_ptr(), &mut answer) == 0)
            .then(|| (answer.f_bavail as i64).saturating_mul(answer.f_frsize as i64))
    }
}

/// The file that this code was loaded from.
fn library() -> Option<CString> {
    // SAFETY: asks the loader for the file of an address of ours.
    unsafe {
        let mut info: libc::Dl_info = std::mem::zeroed();
        let found = libc::dladdr(state as *const libc::c_void, &mut info) != 0 && !info.dli_fname.is_null();
        found.then(|| CStr::from_ptr(info.dli_fname).to_owned())
    }
}

fn sha256(path: &CStr) -> io::Result<String> {
    let mut file = File::open(path.to_string_lossy().as_ref())?;
    let (mut hasher, mut buffer) = (Sha256::new(), vec![0; 64 * 1024]);
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(auditlog_core::erase::hex(&hasher.finalize())),
            read => hasher.update(&buffer[..read]),
        }
    }
}
