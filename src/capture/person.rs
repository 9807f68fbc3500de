//! Who did what the database records by itself: the person behind the login role, where there is one.

use crate::store::principals;
use crate::{identity, provenance};
use auditlog_core::event::Event;

/// Completes the actor of an event that names none: whoever has logged in as `login`. Where that role is a principal, events name
/// that, as those of tracked tables and reads of the log do; otherwise the role.
pub fn complete(event: &mut Event, login: &str) {
    if event.actor_id.is_some() {
        return;
    }
    let is_person = event.actor_type.as_deref() != Some("service");
    match is_person.then(|| principals::of_role(login)).flatten() {
        Some(person) => {
            event.actor_type = Some("user".to_owned());
            event.actor_id = Some(person.actor_id.clone());
        }
        None => {
            event.actor_type.get_or_insert_with(|| "database_role".to_owned());
            event.actor_id = Some(login.to_owned());
        }
    }
}

/// Replaces an actor that is a login role by the person who it is: whom a token has named in this transaction, where it is this
/// session's role (many people may share one), otherwise its principal.
pub fn replace_role(event: &mut Event) {
    if event.actor_type.as_deref() != Some("database_role") {
        return;
    }
    let Some(role) = event.actor_id.as_deref() else { return };
    let named = identity::current().filter(|_| role == provenance::session_user());
    let person = match named {
        Some(subject) => Some(subject.actor_id.clone()),
        None => principals::of_role(role).map(|principal| principal.actor_id.clone()),
    };
    if person.is_some() {
        event.actor_type = Some("user".to_owned());
        event.actor_id = person;
    }
}
