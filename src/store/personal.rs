//! Which values of an event are personal: they enter its hash as commitments under a salt of the event.

use super::columns::{INBOX, RowBuf, SALT, at, text_list};
use super::{jsonb, row};
use crate::guc;
use auditlog_core::document;
use auditlog_core::personal::{DEFAULT_COLUMNS, DEFAULT_PATHS, SALT_BYTES};
use std::cell::RefCell;

/// What `auditlog.personal_fields` says.
struct Personal {
    /// The setting as it was when its paths were taken from it.
    setting: Option<Box<[u8]>>,
    /// None: those of the default.
    paths: Option<Vec<String>>,
}

thread_local! {
    static PERSONAL: RefCell<Personal> = const { RefCell::new(Personal { setting: None, paths: None }) };
}

/// Chooses what of a row is personal, by the setting, and draws the salt that hides it.
pub fn hide(event: &mut RowBuf<INBOX>) {
    let setting = guc::raw(&guc::PERSONAL_FIELDS);
    PERSONAL.with_borrow_mut(|personal| {
        let Personal { setting: known, paths } = personal;
        if known.as_deref() != Some(setting) {
            let list: Vec<String> = str::from_utf8(setting)
                .unwrap_or_default()
                .split(',')
                .map(|p| p.trim().to_owned())
                .filter(|p| !p.is_empty())
                .collect();
            let default =
                list.len() == DEFAULT_PATHS.len() && DEFAULT_PATHS.iter().all(|d| list.iter().any(|p| p == d));
            *paths = (!default).then_some(list);
            *known = Some(setting.into());
        }
        let personal = at!("personal");
        let hidden_in_extra = paths.is_none() && personal_in_extra(event);
        let needed = match paths {
            // NULL hides columns only: where a personal value stayed in extra, the row says so.
            None if hidden_in_extra => {
                event.set(personal, text_list(DEFAULT_PATHS.into_iter()));
                true
            }
            None => {
                event.clear(personal);
                DEFAULT_COLUMNS.iter().any(|at| !event.nulls[*at])
            }
            Some(list) => {
                event.set(personal, text_list(list.iter().map(String::as_str)));
                !list.is_empty()
            }
        };
        if needed {
            event.bytes(SALT, &crate::random::bytes::<SALT_BYTES>());
        } else {
            event.clear(SALT);
        }
    });
}

/// Did a default personal value stay in `extra`, like a host name in place of an address?
fn personal_in_extra(event: &RowBuf<INBOX>) -> bool {
    let extra = at!("extra");
    if event.nulls[extra] {
        return false;
    }
    // SAFETY: a jsonb column.
    let data: &[u8] = unsafe { row::bytes(event.values[extra]) };
    // All default paths begin with this key; most events have it in columns only.
    data.windows(5).any(|w| w == b"actor")
        && jsonb::tree(data).is_ok_and(|tree| document::personal_in_extra(&tree, DEFAULT_PATHS))
}
