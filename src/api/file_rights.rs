//! Files are read and written by the server's account: only who may do that by SQL may have it done by a sink or a channel.

use crate::error::Fault;
use pgrx::pg_sys;

/// `pg_read_server_files` and `pg_write_server_files`, as pg_authid.dat numbers them.
const READ: u32 = 4569;
const WRITE: u32 = 4570;

/// Raises an error unless the caller may have `what` («sink», «channel») use the files that its kind and the names of its options
/// ask for.
pub fn require<'a>(what: &str, kind: &str, mut options: impl Iterator<Item = &'a str>) {
    let may = |role: u32| {
        // SAFETY: looks memberships up in the catalogue; the superuser has all.
        unsafe { pg_sys::has_privs_of_role(pg_sys::GetOuterUserId(), pg_sys::Oid::from_u32(role)) }
    };
    let missing = if kind == "file" && !may(WRITE) {
        "pg_write_server_files"
    } else if options.any(|name| name.ends_with("_file")) && !may(READ) {
        "pg_read_server_files"
    } else {
        return;
    };
    Fault::refused("permission denied for files of the server")
        .detail(format!("This {what} needs the privileges of the role {missing}."))
        .hint(format!("Have a superuser add the {what}, or grant you that role."))
        .raise();
}
