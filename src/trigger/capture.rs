//! AFTER INSERT, UPDATE, DELETE and BEFORE TRUNCATE on tracked tables: an event for each row that changed.

use crate::api::{context, event_rows};
use crate::error::Fault;
use crate::fmgr::Call;
use crate::guc;
use crate::hooks::statement;
use crate::infallible;
use crate::store::capture_plan::{self, Column, Plan};
use crate::store::capture_template::{Source, Template};
use crate::store::columns::{INBOX, RowBuf, at};
use crate::store::datum_json::{same, steadily};
use crate::store::jsonb_build::{Kind, ObjectWriter};
use crate::store::trigger_ddl::qualified_name;
use crate::store::{event_types, inbox, principals};
use auditlog_core::capture::{Treatment, composite_key};
use auditlog_core::context::Context;
use auditlog_core::document::{self, Limits};
use auditlog_core::json::Json;
use pgrx::pg_sys;
use pgrx::pg_sys::Datum;
use std::cell::RefCell;
use std::rc::Rc;

crate::sql_function!(auditlog_capture, pg_finfo_auditlog_capture, capture);

/// What happened, as PostgreSQL numbers it in `tg_event`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Insert = 0,
    Delete = 1,
    Update = 2,
    Truncate = 3,
}

impl Change {
    fn of(event: u32) -> Change {
        match event & 3 {
            0 => Change::Insert,
            1 => Change::Delete,
            2 => Change::Update,
            _ => Change::Truncate,
        }
    }

    fn operation(self) -> &'static str {
        match self {
            Change::Insert => "insert",
            Change::Delete => "delete",
            Change::Update => "update",
            Change::Truncate => "truncate",
        }
    }

    /// The type in the catalogue.
    fn built_in(self) -> &'static str {
        match self {
            Change::Insert => "resource.create",
            Change::Delete => "resource.delete",
            Change::Update => "resource.modify",
            Change::Truncate => "resource.truncate",
        }
    }
}

/// What stands for a redacted value.
const REDACTED: &str = "[redacted]";
/// A value is cut no shorter than this where a row has so many that the event would be too large.
const LEAST_VALUE: usize = 512;
/// Levels of an event around a value: document, changes, before or after.
const LEVELS_AROUND: usize = 3;

/// Buffers of this session.
#[derive(Default)]
struct Work {
    old: Values,
    new: Values,
    changed: Vec<usize>,
    json: Vec<u8>,
}

/// A row taken apart.
#[derive(Default)]
struct Values {
    values: Vec<Datum>,
    nulls: Vec<bool>,
}

impl Values {
    /// # Safety
    /// A tuple of this descriptor.
    unsafe fn read(&mut self, tuple: pg_sys::HeapTuple, desc: pg_sys::TupleDesc, width: usize) {
        self.values.resize(width, Datum::null());
        self.nulls.resize(width, true);
        // SAFETY: as the caller promises; there is room for all attributes.
        unsafe { infallible::heap_deform_tuple(tuple, desc, self.values.as_mut_ptr(), self.nulls.as_mut_ptr()) }
    }

    fn get(&self, column: &Column) -> Option<Datum> {
        (!self.nulls[column.place]).then(|| self.values[column.place])
    }
}

thread_local! {
    static WORK: RefCell<Work> = RefCell::default();
}

fn capture(call: &Call) -> Datum {
    let trigger = call.trigger();
    let change = Change::of(trigger.tg_event);
    // TriggerEvent: FOR EACH ROW is 4, BEFORE is 8.
    let wanted = if change == Change::Truncate { 8 } else { 4 };
    if trigger.tg_event & 0x1c != wanted {
        Fault::new(
            pgrx::PgSqlErrorCode::ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED,
            "this trigger is made by auditlog.track() only",
        )
        .raise();
    }
    inbox::shared_slot();
    // SAFETY: the trigger's relation is open during the call.
    let Some(plan) = (unsafe { capture_plan::plan(trigger.tg_relation) }) else {
        // SAFETY: as above.
        let table = qualified_name(unsafe { (*trigger.tg_relation).rd_id });
        Fault::broken(format!(
            "table {table} has the triggers of a tracked table, but is not tracked"
        ))
        .detail("It is not known which of its values must be masked.")
        .hint(format!(
            "Call auditlog.track('{table}'), or drop the triggers whose names begin with 00_auditlog_."
        ))
        .raise()
    };
    if change == Change::Truncate {
        // A partitioned table holds no rows; its partitions are truncated with it, each for itself.
        // SAFETY: an open relation.
        if unsafe { (*(*trigger.tg_relation).rd_rel).relkind } as u8 != pg_sys::RELKIND_PARTITIONED_TABLE {
            truncated(trigger, &plan);
        }
        return Datum::null();
    }
    // Not borrowed while other code runs: a function that prints a value might write to a tracked table.
    let mut work = WORK.take();
    // SAFETY: the tuples live during the call.
    unsafe {
        let desc = (*trigger.tg_relation).rd_att;
        match change {
            Change::Insert => work.new.read(trigger.tg_trigtuple, desc, plan.width),
            _ => work.old.read(trigger.tg_trigtuple, desc, plan.width),
        }
        if change == Change::Update {
            work.new.read(trigger.tg_newtuple, desc, plan.width);
        }
        work.find_changes(&plan, change);
        if change != Change::Update || !work.changed.is_empty() {
            let moved = change == Change::Delete && moved_to_partition(trigger.tg_trigtuple);
            record(&plan, change, &mut work, moved);
        }
    }
    WORK.set(work);
    Datum::null()
}

/// A row that an UPDATE moves to another partition is deleted here and inserted there.
unsafe fn moved_to_partition(tuple: pg_sys::HeapTuple) -> bool {
    // SAFETY: a tuple as it lies in its table; the marks are HeapTupleHeaderIndicatesMovedPartitions's.
    unsafe {
        let next = (*(*tuple).t_data).t_ctid;
        next.ip_posid == 0xfffd && inbox::block_of(&next) == u32::MAX
    }
}

impl Work {
    /// Places in the plan's columns of those that are to be told of.
    unsafe fn find_changes(&mut self, plan: &Plan, change: Change) {
        self.changed.clear();
        for (i, column) in plan.columns.iter().enumerate() {
            let told = change != Change::Update
                || match (self.old.get(column), self.new.get(column)) {
                    (None, None) => false,
                    // SAFETY: two values of the same column.
                    (Some(old), Some(new)) => !unsafe { same(old, new, column.by_value, column.length) },
                    _ => true,
                };
            if told {
                self.changed.push(i);
            }
        }
    }
}

unsafe fn record(plan: &Rc<Plan>, change: Change, work: &mut Work, moved: bool) {
    // SAFETY: as the caller promises.
    let mut event = move || unsafe { record_steadily(plan, change, work, moved) };
    if plan.varies { steadily(event) } else { event() }
}

unsafe fn record_steadily(plan: &Rc<Plan>, change: Change, work: &mut Work, moved: bool) {
    with_template(plan, change, |template| {
        let now = crate::provenance::recorded_at();
        let limit = guc::MAX_EVENT_SIZE.get() as usize * 1024;
        let mut longest = guc::CAPTURE_MAX_VALUE.get() as usize * 1024;
        // SAFETY: as the caller promises.
        let mut row = unsafe { row(plan, change, work, template, longest) };
        if event_rows::payload_bytes(&row) > limit {
            // Many values, none too long by itself: each gets its share.
            longest = (limit / 4 / plan.columns.len().max(1)).clamp(LEAST_VALUE, longest.max(LEAST_VALUE));
            // SAFETY: as the caller promises.
            row = unsafe { self::row(plan, change, work, template, longest) };
            let bytes = event_rows::payload_bytes(&row);
            if bytes > limit {
                too_large(plan, bytes, limit);
            }
        }
        add_extra(&mut row, plan, change, work, template, moved);
        row.text(at!("event_id"), Some(&crate::random::event_id(now)));
        row.time(at!("timestamp"), now);
        inbox::complete_own(&mut row, now);
        statement::append(&row);
    });
}

fn too_large(plan: &Plan, bytes: usize, limit: usize) -> ! {
    Fault::new(
        pgrx::PgSqlErrorCode::ERRCODE_PROGRAM_LIMIT_EXCEEDED,
        "the event of a captured row is too large",
    )
    .detail(format!(
        "A row of {} makes an event of {bytes} bytes; auditlog.max_event_size is {limit}.",
        plan.table
    ))
    .hint("Ignore columns of the table with auditlog.track(), or raise auditlog.max_event_size.")
    .raise()
}

/// The event's row, without what is the same for all and without what is set last.
unsafe fn row(plan: &Plan, change: Change, work: &mut Work, template: &Template, longest: usize) -> RowBuf<INBOX> {
    let mut row = template.start();
    let Work {
        old,
        new,
        changed,
        json,
    } = work;
    // SAFETY: as the caller promises.
    unsafe {
        let before = match change {
            Change::Insert => None,
            _ => Some(&*old),
        };
        if !plan.key.is_empty() {
            let key = key(plan, before.unwrap_or(&*new));
            row.text(at!("resource_id"), Some(&key));
        }
        if let Some(values) = before {
            // Without a key, the whole row says which one it was.
            if plan.key.is_empty() && change == Change::Update {
                object(plan, values, 0..plan.columns.len(), longest, json);
            } else {
                object(plan, values, changed.iter().copied(), longest, json);
            }
            row.bytes(at!("before"), json);
        }
        if change != Change::Delete {
            object(plan, new, changed.iter().copied(), longest, json);
            row.bytes(at!("after"), json);
        }
    }
    row
}

/// Writes the JSON object of some columns.
unsafe fn object(
    plan: &Plan,
    values: &Values,
    columns: impl Iterator<Item = usize> + Clone,
    longest: usize,
    out: &mut Vec<u8>,
) {
    out.clear();
    let depth = (guc::MAX_JSON_DEPTH.get() as usize).saturating_sub(LEVELS_AROUND);
    let shown = columns
        .map(|i| &plan.columns[i])
        .filter(|column| column.mask != Some(Treatment::Drop));
    let keys: Vec<&[u8]> = shown.clone().map(|column| column.name.as_bytes()).collect();
    let mut object = ObjectWriter::begin(keys.into_iter(), out);
    for column in shown {
        object.value(|out| {
            let value = values.get(column);
            match (column.mask, value) {
                (Some(Treatment::Redact), _) => text(REDACTED, out),
                (_, None) => Kind::NULL,
                // SAFETY: a value of the column.
                (Some(_), Some(value)) => text(&crate::mask_key::hash(&unsafe { column.converter.text(value) }), out),
                // SAFETY: the same.
                (None, Some(value)) => unsafe { column.converter.write(value, longest, depth, out) },
            }
        });
    }
}

fn text(text: &str, out: &mut Vec<u8>) -> Kind {
    out.extend_from_slice(text.as_bytes());
    Kind::STRING
}

/// What names the row: the value of its key, or a row literal of the values.
unsafe fn key(plan: &Plan, values: &Values) -> String {
    let part = |column: &Column| -> String {
        let Some(value) = values.get(column) else {
            return String::new();
        };
        // SAFETY: a value of the column.
        let shown = || unsafe { column.converter.text(value) };
        match column.mask {
            None | Some(Treatment::Ignore) => String::from_utf8(shown()).unwrap_or_default(),
            Some(Treatment::Hash) => crate::mask_key::hash(&shown()),
            Some(Treatment::Drop | Treatment::Redact) => REDACTED.to_owned(),
        }
    };
    match plan.key.as_slice() {
        [column] => part(column),
        columns => {
            let parts: Vec<String> = columns.iter().map(part).collect();
            composite_key(parts.iter().map(String::as_str))
        }
    }
}

/// What only this event says besides its values.
fn add_extra(row: &mut RowBuf<INBOX>, plan: &Plan, change: Change, work: &Work, template: &Template, moved: bool) {
    let dropped = |i: &&usize| plan.columns[**i].mask == Some(Treatment::Drop);
    let mut members = Vec::new();
    if change == Change::Update && work.changed.iter().any(|i| dropped(&i)) {
        let names = work
            .changed
            .iter()
            .filter(dropped)
            .map(|i| Json::String(plan.columns[*i].name.clone()));
        members.push(("changed_unrecorded".to_owned(), Json::Array(names.collect())));
    }
    if moved {
        members.push(("moved_to_partition".to_owned(), Json::Bool(true)));
    }
    if members.is_empty() {
        return;
    }
    row.json(at!("extra"), Some(&with_metadata(template.extra.clone(), members)));
}

fn with_metadata(extra: Option<Json>, members: Vec<(String, Json)>) -> Json {
    let mut pairs = match extra {
        Some(Json::Object(pairs)) => pairs,
        _ => Vec::new(),
    };
    match pairs.iter_mut().find(|(key, _)| key == "metadata") {
        Some((_, Json::Object(metadata))) => metadata.extend(members),
        _ => pairs.push(("metadata".to_owned(), Json::Object(members))),
    }
    Json::Object(pairs)
}

/// Calls `f` with the template that fits the transaction's context.
fn with_template<R>(plan: &Rc<Plan>, change: Change, f: impl FnOnce(&Template) -> R) -> R {
    let event_type = &plan.event_types[change as usize];
    let known = event_types::get(event_type);
    let context = context::current();
    let named = context.as_deref().is_some_and(Context::names_actor);
    let of = Source {
        principal: if named { None } else { principals::caller() },
        context,
        graveness: known.clone().or_else(|| event_types::get(change.built_in())),
        known,
        // SAFETY: a global of this process.
        session_user: unsafe { infallible::GetSessionUserId() },
    };
    let place = &plan.templates[change as usize];
    // Taken out while it is used: what runs meanwhile may need one for the same table.
    let template = place.take().filter(|template| template.of.is(&of));
    let template = template.unwrap_or_else(|| make_template(plan, change, event_type, of));
    let result = f(&template);
    *place.borrow_mut() = Some(template);
    result
}

fn make_template(plan: &Plan, change: Change, event_type: &str, of: Source) -> Template {
    let string = |text: &str| Json::String(text.to_owned());
    let object = |pairs: Vec<(&str, Json)>| Json::Object(pairs.into_iter().map(|(k, v)| (k.to_owned(), v)).collect());
    let mut resource = vec![("type", string(&plan.table))];
    if !plan.key.is_empty() && change != Change::Truncate {
        // Its place is taken, so that the context has none to give.
        resource.push(("id", string("0")));
    }
    if !plan.classification.is_empty() {
        let labels = plan.classification.iter().map(|label| string(label)).collect();
        resource.push(("tags", object(vec![("classification", Json::Array(labels))])));
    }
    let mut pairs = vec![
        ("event_type", string(event_type)),
        ("resource", object(resource)),
        (
            "action",
            object(vec![
                ("operation", string(change.operation())),
                ("status", string("success")),
            ]),
        ),
    ];
    if let Some(partition) = &plan.partition {
        pairs.push(("metadata", object(vec![("partition", string(partition))])));
    }
    let mut document = object(pairs);
    if let Some(context) = &of.context {
        context.merge(&mut document);
    }
    let now = crate::shmem::unix_micros();
    let limits = Limits {
        max_bytes: usize::MAX,
        max_depth: guc::MAX_JSON_DEPTH.get() as usize,
        now_us: now,
        max_clock_skew_us: 0,
    };
    let mut event = document::parse(document, &limits).unwrap_or_else(|e| Fault::from(e).raise());
    event.timestamp = None;
    event.severity = of.graveness.as_ref().map(|known| known.default_severity);
    if event.actor_id.is_none() && event.actor_email.is_none() {
        // Nobody says who it was: the database knows who the role is, or at least which one logged in.
        let (kind, id) = match &of.principal {
            Some(principal) => ("user", principal.actor_id.clone()),
            None => ("database_role", crate::provenance::session_user()),
        };
        event.actor_type = Some(kind.to_owned());
        event.actor_id = Some(id);
        if event.tenant.is_none() {
            event.tenant = of.principal.as_ref().and_then(|principal| principal.tenant.clone());
        }
    }
    let known = of.known.clone();
    Template::new(of, plan, |row| {
        event_rows::fill(row, &event, known.as_deref(), now);
        event.extra
    })
}

/// TRUNCATE takes the rows unseen: the event says how much there was.
fn truncated(trigger: &pg_sys::TriggerData, plan: &Rc<Plan>) {
    with_template(plan, Change::Truncate, |template| {
        let now = crate::provenance::recorded_at();
        // SAFETY: the trigger's relation is open during the call.
        let (blocks, rows) = unsafe {
            let relation = trigger.tg_relation;
            let blocks = pg_sys::RelationGetNumberOfBlocksInFork(relation, pg_sys::ForkNumber::MAIN_FORKNUM);
            (i64::from(blocks), f64::from((*(*relation).rd_rel).reltuples))
        };
        let mut members = vec![(
            "bytes".to_owned(),
            Json::Number((blocks * i64::from(pg_sys::BLCKSZ)).to_string()),
        )];
        if rows >= 0.0 {
            members.push(("estimated_rows".to_owned(), Json::Number((rows as i64).to_string())));
        }
        let mut row = template.start();
        row.json(at!("extra"), Some(&with_metadata(template.extra.clone(), members)));
        row.text(at!("event_id"), Some(&crate::random::event_id(now)));
        row.time(at!("timestamp"), now);
        inbox::complete_own(&mut row, now);
        statement::append(&row);
    });
}
