//! Roles and their settings, as the catalogues have them at this moment.

use super::spi::{self, Arg, Cell};
use auditlog_core::json::Json;
use pgrx::pg_sys;
use pgrx::pg_sys::{Datum, Oid};
use std::ffi::CStr;

/// Has the role the rights of any of these groups? A role that is gone is a member of nothing.
pub fn is_any(role: Oid, groups: &[&CStr]) -> bool {
    // SAFETY: looks memberships up in the catalogue.
    unsafe {
        let exists = pg_sys::SearchSysCacheExists(
            pg_sys::SysCacheIdentifier::AUTHOID as i32,
            role.into(),
            Datum::null(),
            Datum::null(),
            Datum::null(),
        );
        exists
            && groups.iter().any(|name| {
                let group = pg_sys::get_role_oid(name.as_ptr(), true);
                group != Oid::INVALID && pg_sys::has_privs_of_role(role, group)
            })
    }
}

/// The attributes of a role; `None` when there is none of this name.
pub fn attributes(role: &str) -> Option<Json> {
    let rows = spi::run(
        "SELECT rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication, rolbypassrls, \
            rolconnlimit, rolvaliduntil::text FROM pg_catalog.pg_roles WHERE rolname = $1",
        &[Arg::text(Some(role))],
    );
    let row = rows.first()?;
    let flag = |i: usize| Json::Bool(row[i].int() == Some(1));
    let mut pairs: Vec<(String, Json)> = [
        "superuser",
        "inherit",
        "createrole",
        "createdb",
        "login",
        "replication",
        "bypassrls",
    ]
    .iter()
    .enumerate()
    .map(|(i, name)| ((*name).to_owned(), flag(i)))
    .collect();
    // A limit is signed; the cell has it as the catalogue's four bytes.
    let limit = row[7].int().unwrap_or(-1) as u32 as i32;
    pairs.push(("connection_limit".to_owned(), Json::Number(limit.to_string())));
    if let Some(until) = row[8].text() {
        pairs.push(("valid_until".to_owned(), Json::String(until)));
    }
    Some(Json::Object(pairs))
}

/// The settings of a role in a database; an empty name stands for all roles, or all databases.
pub fn settings(role: &str, database: &str) -> Vec<String> {
    let rows = spi::run(
        "SELECT pg_catalog.unnest(s.setconfig) FROM pg_catalog.pg_db_role_setting s \
        LEFT JOIN pg_catalog.pg_roles r ON r.oid = s.setrole \
        LEFT JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase \
        WHERE COALESCE(r.rolname, '') = $1 AND COALESCE(d.datname, '') = $2",
        &[Arg::text(Some(role)), Arg::text(Some(database))],
    );
    rows.iter().filter_map(|row| row.first().and_then(Cell::text)).collect()
}

/// A role by its name.
pub fn role_oid(name: &str) -> Option<Oid> {
    let rows = spi::read_latest(
        "SELECT oid FROM pg_catalog.pg_roles WHERE rolname = $1",
        &[Arg::text(Some(name))],
    );
    Some(Oid::from_u32(rows.first()?[0].int()? as u32))
}

/// A database by its name.
pub fn database_oid(name: &str) -> Option<Oid> {
    let rows = spi::read_latest(
        "SELECT oid FROM pg_catalog.pg_database WHERE datname = $1",
        &[Arg::text(Some(name))],
    );
    Some(Oid::from_u32(rows.first()?[0].int()? as u32))
}

/// May a role log in and connect to a database?
pub fn may_connect(role: Oid, database: Oid) -> bool {
    let rows = spi::read_latest(
        "SELECT r.rolcanlogin AND pg_catalog.has_database_privilege(r.oid, $2::oid, 'CONNECT') FROM pg_catalog.pg_roles AS r WHERE r.oid = $1::oid",
        &[
            Arg::int(i64::from(role.to_u32())),
            Arg::int(i64::from(database.to_u32())),
        ],
    );
    rows.first().and_then(|row| row[0].int()) == Some(1)
}
