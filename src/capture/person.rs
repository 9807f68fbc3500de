//! Who did what the database records by itself: the person behind the login role, where there is one.

use crate::store::principals;
use auditlog_core::event::Event;

/// Completes the actor of an event that names none: whoever has logged in as `login`. Where that role is a principal, events name
/// that, as those of tracked tables and reads of the log do; otherwise the role.
pub fn complete(event: &mut Event, login: &str) {
    if event.actor_id.is_some() {
        return;
    }
    let is_person = event.actor_type.as_deref() != Some("service");
    match principals::of_role(login).filter(|_| is_person) {
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
