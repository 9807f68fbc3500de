//! Reading PostgreSQL's parse trees.

use pgrx::pg_sys;
use std::ffi::{CStr, c_char};

/// The elements of a list of pointers.
///
/// # Safety
/// The list is live, or null, and holds nodes of this type.
pub unsafe fn items<T>(list: *const pg_sys::List) -> Vec<*mut T> {
    // SAFETY: as the caller promises.
    unsafe {
        let count = if list.is_null() { 0 } else { (*list).length };
        (0..count as usize)
            .map(|i| (*(*list).elements.add(i)).ptr_value.cast())
            .collect()
    }
}

/// A string of PostgreSQL's; `None` for a null pointer.
///
/// # Safety
/// It ends with NUL.
pub unsafe fn text(string: *const c_char) -> Option<String> {
    // SAFETY: as the caller promises.
    (!string.is_null()).then(|| unsafe { CStr::from_ptr(string) }.to_string_lossy().into_owned())
}

/// What kind of node this is.
///
/// # Safety
/// A live node, or null.
pub unsafe fn tag<T>(node: *const T) -> pg_sys::NodeTag {
    if node.is_null() {
        return pg_sys::NodeTag::T_Invalid;
    }
    // SAFETY: every node begins with its tag.
    unsafe { (*node.cast::<pg_sys::Node>()).type_ }
}

/// Name of a role in effect.
pub fn role_name(role: pg_sys::Oid) -> String {
    // SAFETY: a catalogue look-up inside a transaction; null for a role that is gone.
    unsafe { text(pg_sys::GetUserNameFromId(role, true)) }.unwrap_or_else(|| role.to_u32().to_string())
}

/// The role that a statement names.
///
/// # Safety
/// A live node, or null.
pub unsafe fn role(spec: *const pg_sys::RoleSpec) -> String {
    use pg_sys::RoleSpecType as R;
    // SAFETY: as the caller promises; globals of this process.
    unsafe {
        if spec.is_null() {
            return role_name(pg_sys::GetUserId());
        }
        match (*spec).roletype {
            R::ROLESPEC_CSTRING => text((*spec).rolename).unwrap_or_default(),
            R::ROLESPEC_SESSION_USER => role_name(pg_sys::GetSessionUserId()),
            R::ROLESPEC_PUBLIC => "public".to_owned(),
            _ => role_name(pg_sys::GetUserId()),
        }
    }
}

/// The roles in a list.
///
/// # Safety
/// A list of `RoleSpec`.
pub unsafe fn roles(list: *const pg_sys::List) -> Vec<String> {
    // SAFETY: as the caller promises.
    unsafe {
        items::<pg_sys::RoleSpec>(list)
            .into_iter()
            .map(|spec| role(spec))
            .collect()
    }
}

/// A name as it would be written in SQL.
pub fn quoted(name: &str) -> String {
    let Ok(name) = std::ffi::CString::new(name) else {
        return name.to_owned();
    };
    // SAFETY: a NUL-terminated string; the result is another one or the same.
    unsafe { text(pg_sys::quote_identifier(name.as_ptr())) }.unwrap_or_default()
}

/// A qualified name: a list of strings.
///
/// # Safety
/// A list of `String` nodes, or null.
pub unsafe fn qualified(names: *const pg_sys::List) -> String {
    // SAFETY: as the caller promises.
    let parts: Vec<String> = unsafe {
        items::<pg_sys::String>(names)
            .into_iter()
            .filter_map(|name| text((*name).sval))
            .map(|name| quoted(&name))
            .collect()
    };
    parts.join(".")
}

/// A relation's qualified name. Where the statement names no schema, it is the one in which it is found.
///
/// # Safety
/// A live node.
pub unsafe fn relation(range: *const pg_sys::RangeVar) -> String {
    // SAFETY: as the caller promises; look-ups that take no lock and accept what is missing.
    unsafe {
        let name = text((*range).relname).unwrap_or_default();
        let mut schema = text((*range).schemaname);
        if schema.is_none() {
            let flags = pg_sys::RVROption::RVR_MISSING_OK;
            let found =
                pg_sys::RangeVarGetRelidExtended(range, pg_sys::NoLock as i32, flags, None, std::ptr::null_mut());
            if found != pg_sys::Oid::INVALID {
                schema = text(pg_sys::get_namespace_name(pg_sys::get_rel_namespace(found)));
            }
        }
        match schema {
            Some(schema) => format!("{}.{}", quoted(&schema), quoted(&name)),
            None => quoted(&name),
        }
    }
}

/// An option of a statement that is true or false; without a value it is true.
///
/// # Safety
/// A live node.
pub unsafe fn is_true(option: *const pg_sys::DefElem) -> bool {
    // SAFETY: as the caller promises; the node's tag says what it is.
    unsafe {
        let value = (*option).arg;
        match tag(value) {
            pg_sys::NodeTag::T_Invalid => true,
            pg_sys::NodeTag::T_Boolean => (*value.cast::<pg_sys::Boolean>()).boolval,
            pg_sys::NodeTag::T_Integer => (*value.cast::<pg_sys::Integer>()).ival != 0,
            pg_sys::NodeTag::T_String => {
                let word = text((*value.cast::<pg_sys::String>()).sval).unwrap_or_default();
                matches!(word.to_ascii_lowercase().as_str(), "true" | "on" | "yes" | "1")
            }
            _ => false,
        }
    }
}
