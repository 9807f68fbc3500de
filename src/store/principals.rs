//! The table of principals: who a role or an application's user is to the log. What policies ask of it, for
//! every query of a restricted role, is kept in memory until somebody changes the table.

use super::catalog::{as_owner, objects, principals_changes};
use super::checkpoints::trusted;
use super::spi::{self, Arg, Cell};
use crate::identity::Subject;
use crate::infallible;
use crate::provenance::role_name;
use pgrx::pg_sys;
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

/// Somebody who may be allowed to read parts of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The id by which events name the actor.
    pub actor_id: String,
    /// The tenant, where one database serves several.
    pub tenant: Option<String>,
    /// The login role, when there is one.
    pub role_name: Option<String>,
    /// The e-mail address.
    pub email: Option<String>,
    /// Teams that the principal belongs to.
    pub teams: Vec<String>,
    /// Teams that the principal manages; `None`: the own ones.
    pub manages: Option<Vec<String>>,
}

/// Teams and tenant of a manager.
type Managed = (Vec<String>, Option<String>);

/// What the policies have asked, all of one state of the table.
#[derive(Default)]
struct Known {
    of: Option<u64>,
    by_role: HashMap<String, Option<Rc<Principal>>>,
    by_actor: HashMap<(String, Option<String>), Option<Rc<Principal>>>,
    teams: HashMap<Managed, Rc<Vec<String>>>,
    has_tenants: Option<bool>,
}

thread_local! {
    static KNOWN: RefCell<Known> = RefCell::default();
}

/// Roles that are kept in memory.
const KEPT_ROLES: usize = 1000;

const COLUMNS: &str = "actor_id, tenant, role_name, email, teams, manages";

fn parse(row: &[Cell]) -> Option<Principal> {
    Some(Principal {
        actor_id: row[0].text()?,
        tenant: row[1].text(),
        role_name: row[2].text(),
        email: row[3].text(),
        teams: row[4].texts()?,
        manages: row[5].texts(),
    })
}

/// What is known of the table as it is now, or else what `find` finds out.
fn known<T: Clone>(
    cached: impl FnOnce(&Known) -> Option<T>,
    find: impl FnOnce(Read) -> T,
    keep: impl FnOnce(&mut Known, T),
) -> T {
    objects(); // registers the invalidation before the first look
    // Before the look, so that a change meanwhile is not missed.
    let changes = principals_changes();
    KNOWN.with_borrow_mut(|known| {
        if known.of != Some(changes) {
            *known = Known {
                of: Some(changes),
                ..Known::default()
            };
        }
    });
    if let Some(found) = KNOWN.with_borrow(cached) {
        return found;
    }
    // SAFETY: reads a global of this process.
    let parallel = unsafe { pg_sys::IsInParallelMode() };
    // The newest state whatever the transaction's isolation level: what is taken away from somebody is gone.
    let read: Read = if parallel { spi::read } else { spi::read_latest };
    let found = find(read);
    // In a parallel query the statement's snapshot may be an old one: not to be kept.
    if !parallel {
        KNOWN.with_borrow_mut(|known| {
            if known.of == Some(changes) {
                keep(known, found.clone());
            }
        });
    }
    found
}

type Read = fn(&str, &[Arg]) -> Vec<Vec<Cell>>;

/// The principal of a role.
pub fn of_role(role: &str) -> Option<Rc<Principal>> {
    let sql = format!("SELECT {COLUMNS} FROM auditlog_data.principal WHERE role_name = $1");
    known(
        |known| known.by_role.get(role).cloned(),
        |read| {
            as_owner(|| {
                read(&sql, &[Arg::text(Some(role))])
                    .first()
                    .and_then(|row| parse(row))
                    .map(Rc::new)
            })
        },
        |known, found| {
            // Whoever fails to log in may claim any name.
            if known.by_role.len() >= KEPT_ROLES {
                known.by_role.clear();
            }
            known.by_role.insert(role.to_owned(), found);
        },
    )
}

/// The principal that events name so.
pub fn of_actor(subject: &Subject) -> Option<Rc<Principal>> {
    let sql =
        format!("SELECT {COLUMNS} FROM auditlog_data.principal WHERE actor_id = $1 AND tenant IS NOT DISTINCT FROM $2");
    let arguments = [Arg::text(Some(&subject.actor_id)), Arg::text(subject.tenant.as_deref())];
    let key = (subject.actor_id.clone(), subject.tenant.clone());
    known(
        |known| known.by_actor.get(&key).cloned(),
        |read| as_owner(|| read(&sql, &arguments).first().and_then(|row| parse(row)).map(Rc::new)),
        |known, found| {
            known.by_actor.insert(key.clone(), found);
        },
    )
}

/// The tenants in which somebody is an actor with this id.
pub fn tenants_of(actor_id: &str) -> Vec<Option<String>> {
    let sql = "SELECT tenant FROM auditlog_data.principal WHERE actor_id = $1 ORDER BY tenant LIMIT 2";
    as_owner(|| spi::read_latest(sql, &[Arg::text(Some(actor_id))]))
        .iter()
        .map(|row| row[0].text())
        .collect()
}

/// Who the caller is: whom a token named in this transaction, or else whose role it is. Inside of a function
/// with its owner's rights that is the owner, when it is a principal.
pub fn caller() -> Option<Rc<Principal>> {
    objects(); // registers the invalidation before the first look
    // SAFETY: globals of this process.
    let roles = unsafe {
        [
            infallible::GetUserId(),
            infallible::GetOuterUserId(),
            infallible::GetSessionUserId(),
        ]
    };
    let subject = crate::identity::current();
    let asked = Asked {
        roles,
        subject: subject.clone(),
        // Also another one when a role may have got another name.
        changes: principals_changes(),
    };
    if let Some(found) = CALLER.with_borrow(|last| {
        last.as_ref()
            .filter(|last| last.0.is(&asked))
            .map(|last| last.1.clone())
    }) {
        return found;
    }
    let found = find_caller(roles, subject);
    // In a parallel query the statement's snapshot may be an old one: not to be kept.
    // SAFETY: reads a global of this process.
    if !unsafe { pg_sys::IsInParallelMode() } {
        CALLER.set(Some((asked, found.clone())));
    }
    found
}

/// What decides who the caller is: asked for every captured row.
struct Asked {
    roles: [pg_sys::Oid; 3],
    subject: Option<Rc<Subject>>,
    changes: u64,
}

impl Asked {
    fn is(&self, other: &Asked) -> bool {
        let same = match (&self.subject, &other.subject) {
            (None, None) => true,
            (Some(one), Some(two)) => Rc::ptr_eq(one, two),
            _ => false,
        };
        same && self.roles == other.roles && self.changes == other.changes
    }
}

thread_local! {
    static CALLER: RefCell<Option<(Asked, Option<Rc<Principal>>)>> = const { RefCell::new(None) };
}

fn find_caller([user, outer, session]: [pg_sys::Oid; 3], subject: Option<Rc<Subject>>) -> Option<Rc<Principal>> {
    if user != outer
        && let Some(owner) = of_role(&role_name(user))
    {
        return Some(owner);
    }
    // A principal that is gone meanwhile is nobody, not whoever the connection belongs to.
    if let Some(subject) = subject {
        return of_actor(&subject);
    }
    // SET ROLE to a group keeps the person; to another person takes that one.
    of_role(&role_name(outer)).or_else(|| (session != outer).then(|| of_role(&role_name(session))).flatten())
}

/// Type and id of the actor as which the caller's own reads are recorded: the principal, or else the login role.
pub fn reader() -> (&'static str, String) {
    match caller() {
        Some(principal) => ("user", principal.actor_id.clone()),
        None => ("database_role", crate::provenance::session_user()),
    }
}

/// The actors whose events a manager sees: the members of the teams that it manages, and itself.
pub fn team_of(principal: &Principal) -> Rc<Vec<String>> {
    let managed = principal.manages.as_ref().unwrap_or(&principal.teams);
    let key = (managed.clone(), principal.tenant.clone());
    let sql = "SELECT DISTINCT actor_id FROM auditlog_data.principal \
        WHERE teams && $1 AND ($2::text IS NULL OR tenant = $2) ORDER BY actor_id";
    let members = known(
        |known| known.teams.get(&key).cloned(),
        |read| {
            as_owner(|| {
                let rows = read(
                    sql,
                    &[Arg::texts(Some(managed)), Arg::text(principal.tenant.as_deref())],
                );
                Rc::new(rows.iter().filter_map(|row| row[0].text()).collect::<Vec<String>>())
            })
        },
        |known, found| {
            known.teams.insert(key.clone(), found);
        },
    );
    if members.contains(&principal.actor_id) {
        return members;
    }
    let mut with_itself = members.as_ref().clone();
    with_itself.push(principal.actor_id.clone());
    Rc::new(with_itself)
}

const HAS_TENANTS: &str = "SELECT EXISTS (SELECT FROM auditlog_data.principal WHERE tenant IS NOT NULL)";

/// Has any principal a tenant?
pub fn has_tenants() -> bool {
    known(
        |known| known.has_tenants,
        |read| as_owner(|| read(HAS_TENANTS, &[]).first().and_then(|row| row[0].int()) != Some(0)),
        |known, found| known.has_tenants = Some(found),
    )
}

/// Why a principal could not be added or changed: there is one with the same key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// The actor is a principal already.
    Actor,
    /// The role is somebody else's.
    Role,
}

/// Keeps others from changing principals until the transaction ends, so that what is checked stays true.
pub fn lock() {
    as_owner(|| spi::run("LOCK TABLE auditlog_data.principal IN SHARE ROW EXCLUSIVE MODE", &[]));
}

/// The principal as it is now, read under [`lock`].
pub fn get(actor_id: &str, tenant: Option<&str>) -> Option<Principal> {
    let sql =
        format!("SELECT {COLUMNS} FROM auditlog_data.principal WHERE actor_id = $1 AND tenant IS NOT DISTINCT FROM $2");
    let rows = as_owner(|| spi::read_latest(&sql, &[Arg::text(Some(actor_id)), Arg::text(tenant)]));
    rows.first().and_then(|row| parse(row))
}

/// Is a key of `new` somebody's already, other than `old`'s?
pub fn taken(new: &Principal, old: Option<&Principal>) -> Option<Taken> {
    let same = |one: &Principal| old.is_some_and(|old| (&old.actor_id, &old.tenant) == (&one.actor_id, &one.tenant));
    if get(&new.actor_id, new.tenant.as_deref()).is_some_and(|one| !same(&one)) {
        return Some(Taken::Actor);
    }
    let role = new.role_name.as_deref()?;
    let sql = format!("SELECT {COLUMNS} FROM auditlog_data.principal WHERE role_name = $1");
    let rows = as_owner(|| spi::read_latest(&sql, &[Arg::text(Some(role))]));
    let other = rows.first().and_then(|row| parse(row));
    other.is_some_and(|one| !same(&one)).then_some(Taken::Role)
}

/// Writes, under [`lock`]. Plans hold whether there are tenants: when that changes, all of them are made again,
/// whichever table of the log they read.
fn write(sql: &str, arguments: &[Arg]) {
    let tenants = || as_owner(|| spi::run(HAS_TENANTS, &[]).first().and_then(|row| row[0].int()));
    let before = tenants();
    trusted(sql, arguments);
    if tenants() != before {
        // SAFETY: queues a message for the end of the transaction.
        unsafe { pg_sys::CacheInvalidateRelcacheAll() }
    }
}

/// Adds a principal.
pub fn add(principal: &Principal, who: &str) {
    let mut arguments = arguments(principal);
    arguments.push(Arg::text(Some(who)));
    write(
        "INSERT INTO auditlog_data.principal (actor_id, tenant, role_name, email, teams, manages, changed_by) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        &arguments,
    );
}

/// Puts `new` in the place of `old`.
pub fn replace(old: &Principal, new: &Principal, who: &str) {
    let mut arguments = arguments(new);
    arguments.extend([
        Arg::text(Some(who)),
        Arg::text(Some(&old.actor_id)),
        Arg::text(old.tenant.as_deref()),
    ]);
    write(
        "UPDATE auditlog_data.principal SET actor_id = $1, tenant = $2, role_name = $3, email = $4, teams = $5, \
         manages = $6, changed_by = $7, changed_at = clock_timestamp() \
         WHERE actor_id = $8 AND tenant IS NOT DISTINCT FROM $9",
        &arguments,
    );
}

/// Removes a principal.
pub fn remove(principal: &Principal) {
    write(
        "DELETE FROM auditlog_data.principal WHERE actor_id = $1 AND tenant IS NOT DISTINCT FROM $2",
        &[
            Arg::text(Some(&principal.actor_id)),
            Arg::text(principal.tenant.as_deref()),
        ],
    );
}

fn arguments(principal: &Principal) -> Vec<Arg> {
    vec![
        Arg::text(Some(&principal.actor_id)),
        Arg::text(principal.tenant.as_deref()),
        Arg::text(principal.role_name.as_deref()),
        Arg::text(principal.email.as_deref()),
        Arg::texts(Some(&principal.teams)),
        Arg::texts(principal.manages.as_deref()),
    ]
}
