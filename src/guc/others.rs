//! Settings that are not ours and need not exist, like those that PostgREST makes: asked for every event, so PostgreSQL 15,
//! which looks through all names for each, is spared that. Later versions have a hash table of names.

use pgrx::pg_sys;
use std::ffi::CStr;

/// A text setting of somebody else's.
pub struct OthersSetting {
    name: &'static CStr,
    #[cfg(feature = "pg15")]
    place: std::cell::Cell<usize>,
}

impl OthersSetting {
    /// The setting with this name.
    pub const fn new(name: &'static CStr) -> OthersSetting {
        OthersSetting {
            name,
            #[cfg(feature = "pg15")]
            place: std::cell::Cell::new(0),
        }
    }

    /// Its value as it is now; empty while nobody has made it. Good until a setting changes.
    pub fn raw(&self) -> &[u8] {
        // SAFETY: null or NUL-terminated.
        unsafe { super::bytes(self.find()) }
    }

    #[cfg(not(feature = "pg15"))]
    unsafe fn find(&self) -> *const std::ffi::c_char {
        // SAFETY: a NUL-terminated name; missing settings are allowed.
        unsafe { pg_sys::GetConfigOption(self.name.as_ptr(), true, false) }
    }

    /// All settings lie in one array by name; where this one is or would be is found again by its neighbours.
    #[cfg(feature = "pg15")]
    unsafe fn find(&self) -> *const std::ffi::c_char {
        unsafe extern "C-unwind" {
            // They only return variables of this process.
            fn get_guc_variables() -> *mut *mut pg_sys::config_generic;
            fn GetNumConfigOptions() -> std::ffi::c_int;
        }
        // SAFETY: the array holds as many settings, and does not change meanwhile; a string's setting begins with the generic part.
        unsafe {
            let all = std::slice::from_raw_parts(get_guc_variables(), GetNumConfigOptions() as usize);
            let order = |setting: &*mut pg_sys::config_generic| by_name(CStr::from_ptr((**setting).name), self.name);
            let mut place = self.place.get();
            let fits = place <= all.len()
                && all[..place].last().is_none_or(|before| order(before).is_lt())
                && all.get(place).is_none_or(|after| order(after).is_ge());
            if !fits {
                place = all.partition_point(|setting| order(setting).is_lt());
                self.place.set(place);
            }
            match all.get(place) {
                Some(setting) if order(setting).is_eq() && (**setting).vartype == pg_sys::config_type::PGC_STRING => {
                    *(*(*setting).cast::<pg_sys::config_string>()).variable
                }
                _ => std::ptr::null(),
            }
        }
    }
}

/// PostgreSQL's order of names (`guc_name_compare`): ASCII letters without their case, bytes as the platform's `char`.
#[cfg(feature = "pg15")]
fn by_name(one: &CStr, other: &CStr) -> std::cmp::Ordering {
    fn letters(name: &CStr) -> impl Iterator<Item = std::ffi::c_char> {
        let bytes = name.to_bytes().iter();
        bytes.map(|byte| byte.to_ascii_lowercase() as std::ffi::c_char)
    }
    letters(one).cmp(letters(other))
}
