//! What is to be known of a tracked table (or a partition of one) to capture its rows: columns in the order
//! of JSON's keys, what happens to their values, the key. Made once a session, and again when PostgreSQL
//! says that the table, its root or the list of tracked tables changed.

use super::capture_template::Template;
use super::catalog::objects;
use super::datum_json::Converter;
use super::tracked::{self, Tracked};
use crate::compat::attribute;
use auditlog_core::capture::{Rule, Treatment};
use pgrx::pg_sys;
use pgrx::pg_sys::Oid;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ffi::CStr;
use std::rc::Rc;

/// A column whose changes count.
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its place in a row, from 0.
    pub place: usize,
    /// How its values lie there.
    pub by_value: bool,
    /// Their length, or −1.
    pub length: i16,
    /// What happens to them; none: they are recorded as they are.
    pub mask: Option<Treatment>,
    /// Makes them JSON.
    pub converter: Converter,
}

/// A tracked table.
pub struct Plan {
    /// The table, or its root when it is a partition.
    pub table: String,
    /// Its own name, when it is a partition.
    pub partition: Option<String>,
    /// What its rows are: see `auditlog.classify`.
    pub classification: Vec<String>,
    /// By PostgreSQL's numbers of INSERT, DELETE, UPDATE, TRUNCATE.
    pub event_types: [String; 4],
    /// Those whose changes count, in the order of `jsonb`'s keys.
    pub columns: Vec<Column>,
    /// Those that name the row; none without a primary key.
    pub key: Vec<Column>,
    /// Does the session's configuration change what some of their values look like?
    pub varies: bool,
    /// What the events of each kind of change have in common.
    pub templates: [RefCell<Option<Template>>; 4],
    /// Attributes of a row.
    pub width: usize,
    relation: Oid,
    root: Oid,
    memory: pg_sys::MemoryContext,
}

impl Plan {
    /// Memory that lives as long as the plan.
    pub fn memory(&self) -> pg_sys::MemoryContext {
        self.memory
    }
}

thread_local! {
    static PLANS: RefCell<HashMap<Oid, Rc<Plan>>> = RefCell::new(HashMap::new());
    // Plans that are out of date, until nobody uses them.
    static RETIRED: RefCell<Vec<Rc<Plan>>> = const { RefCell::new(Vec::new()) };
    static REGISTERED: Cell<bool> = const { Cell::new(false) };
    // Another number whenever something changed: a plan that was being made meanwhile is not kept.
    static CHANGES: Cell<u64> = const { Cell::new(0) };
    static LIST: Cell<Oid> = const { Cell::new(Oid::INVALID) };
}

/// The plan of a relation; none when it is not tracked.
///
/// # Safety
/// An open relation.
pub unsafe fn plan(relation: pg_sys::Relation) -> Option<Rc<Plan>> {
    // SAFETY: as the caller promises.
    let oid = unsafe { (*relation).rd_id };
    if let Some(plan) = PLANS.with_borrow(|plans| plans.get(&oid).cloned()) {
        return Some(plan);
    }
    register();
    sweep();
    let changes = CHANGES.get();
    let table = tracked::of(oid)?;
    // SAFETY: as the caller promises.
    let plan = Rc::new(unsafe { make(relation, &table) });
    if changes == CHANGES.get() {
        PLANS.with_borrow_mut(|plans| plans.insert(oid, plan.clone()));
    } else {
        RETIRED.with_borrow_mut(|retired| retired.push(plan.clone()));
    }
    Some(plan)
}

fn register() {
    LIST.set(objects().tracked_table);
    if !REGISTERED.replace(true) {
        let namespace = pg_sys::SysCacheIdentifier::NAMESPACEOID as i32;
        // SAFETY: plain functions that live as long as the process.
        unsafe {
            pg_sys::CacheRegisterRelcacheCallback(Some(relation_changed), pg_sys::Datum::null());
            pg_sys::CacheRegisterSyscacheCallback(namespace, Some(schema_changed), pg_sys::Datum::null());
        }
    }
}

#[pgrx::pg_guard]
unsafe extern "C-unwind" fn relation_changed(_argument: pg_sys::Datum, relation: Oid) {
    retire(|plan| {
        relation == Oid::INVALID || relation == plan.relation || relation == plan.root || relation == LIST.get()
    });
}

#[pgrx::pg_guard]
unsafe extern "C-unwind" fn schema_changed(_argument: pg_sys::Datum, _cache: i32, _hash: u32) {
    retire(|_| true);
}

fn retire(stale: impl Fn(&Plan) -> bool) {
    CHANGES.set(CHANGES.get().wrapping_add(1));
    PLANS.with_borrow_mut(|plans| {
        if plans.values().any(|plan| stale(plan)) {
            RETIRED.with_borrow_mut(|retired| {
                retired.extend(plans.values().filter(|plan| stale(plan)).cloned());
            });
            plans.retain(|_, plan| !stale(plan));
        }
    });
}

/// Frees plans that nobody uses any more.
fn sweep() {
    RETIRED.with_borrow_mut(|retired| {
        retired.retain(|plan| {
            let used = Rc::strong_count(plan) > 1;
            if !used {
                for template in &plan.templates {
                    template.take();
                }
                // SAFETY: nothing else points into it.
                unsafe { pg_sys::MemoryContextDelete(plan.memory) }
            }
            used
        });
    });
}

unsafe fn make(relation: pg_sys::Relation, table: &Tracked) -> Plan {
    // SAFETY: an open relation; the memory lives until the plan is swept.
    unsafe {
        let oid = (*relation).rd_id;
        let memory = pg_sys::AllocSetContextCreateInternal(
            pg_sys::CacheMemoryContext,
            c"pg_auditlog capture plan".as_ptr(),
            0,
            1024,
            8 * 1024 * 1024,
        );
        let desc = (*relation).rd_att;
        let numbers = tracked::key(oid);
        let (mut columns, mut named) = (Vec::new(), Vec::new());
        for place in 0..(*desc).natts as usize {
            let attribute = attribute(desc, place);
            // A virtual generated column is nowhere stored.
            if attribute.attisdropped || attribute.attgenerated as u8 == b'v' {
                continue;
            }
            let name = CStr::from_ptr(attribute.attname.data.as_ptr())
                .to_string_lossy()
                .into_owned();
            // Partitions have their own numbers and the same names.
            let treatment = rule(&table.rules, &name);
            let column = || Column {
                name: name.clone(),
                place,
                by_value: attribute.attbyval,
                length: attribute.attlen,
                mask: treatment.filter(|t| *t != Treatment::Ignore),
                converter: Converter::new(attribute.atttypid, memory),
            };
            if treatment != Some(Treatment::Ignore) {
                columns.push(column());
            }
            if numbers.contains(&attribute.attnum) {
                named.push((attribute.attnum, column()));
            }
        }
        columns.sort_by(|a: &Column, b| (a.name.len(), a.name.as_bytes()).cmp(&(b.name.len(), b.name.as_bytes())));
        named.sort_by_key(|(number, _)| numbers.iter().position(|n| n == number));
        let key: Vec<Column> = named.into_iter().map(|(_, column)| column).collect();
        let varies = columns
            .iter()
            .any(|column| column.converter.json_varies() || column.mask.is_some() && column.converter.text_varies())
            || key.iter().any(|column| column.converter.text_varies());
        let prefix = table.event_prefix.as_deref().unwrap_or("resource");
        Plan {
            varies,
            table: super::trigger_ddl::qualified_name(table.relation),
            classification: super::classified::of(table.relation),
            partition: (oid != table.relation).then(|| super::trigger_ddl::qualified_name(oid)),
            templates: Default::default(),
            event_types: ["create", "delete", "modify", "truncate"].map(|what| format!("{prefix}.{what}")),
            columns,
            key,
            width: (*desc).natts as usize,
            relation: oid,
            root: table.relation,
            memory,
        }
    }
}

fn rule(rules: &[Rule], column: &str) -> Option<Treatment> {
    rules.iter().find(|rule| rule.name == column).map(|rule| rule.treatment)
}
