//! The list of tracked tables, and what the catalogue says of them.

use super::catalog::{as_owner, objects};
use super::checkpoints::trusted;
use super::spi::{self, Arg, Cell};
use super::{columns, jsonb};
use crate::error::Fault;
use auditlog_core::capture::{self, Existing, Rule, RuleError};
use auditlog_core::json::Json;
use pgrx::pg_sys;
use pgrx::pg_sys::Oid;

/// A tracked table as it is listed.
#[derive(Debug, Clone)]
pub struct Tracked {
    /// The table.
    pub relation: Oid,
    /// Its schema's name, and its own; none when it is gone.
    pub name: Option<(String, String)>,
    /// Columns that are ignored or masked, with the numbers and names that they have now.
    pub rules: Vec<Rule>,
    /// The condition, as it was given.
    pub only_if: Option<String>,
    /// First part of the event types.
    pub event_prefix: Option<String>,
    /// State of the triggers that the log knows of.
    pub state: String,
    /// Do the stored rules differ from these?
    stale: bool,
}

const LIST: &str = "SELECT t.relation::oid, n.nspname, c.relname, t.rules, t.rules_of, t.only_if, t.event_prefix, t.state, \
    (SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_array(a.attnum, a.attname)) FROM pg_catalog.pg_attribute a \
        WHERE a.attrelid = t.relation AND a.attnum > 0 AND NOT a.attisdropped) \
    FROM auditlog_data.tracked_table t \
    LEFT JOIN pg_catalog.pg_class c ON c.oid = t.relation LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace";

/// Is any table tracked?
pub fn any() -> bool {
    as_owner(|| !spi::read_latest("SELECT FROM auditlog_data.tracked_table LIMIT 1", &[]).is_empty())
}

/// All tracked tables; those whose masks can't be told for certain say so when their rows are captured.
pub fn all() -> Vec<Result<Tracked, RuleError>> {
    as_owner(|| spi::read_latest(LIST, &[]))
        .iter()
        .map(|row| parse(row))
        .collect()
}

/// A tracked table.
pub fn get(relation: Oid) -> Option<Tracked> {
    first(&format!("{LIST} WHERE t.relation = $1::oid"), relation)
}

/// The tracked table to which a relation belongs: itself, or the nearest table that it is a partition of.
pub fn of(relation: Oid) -> Option<Tracked> {
    let sql = format!(
        "{LIST} LEFT JOIN pg_catalog.pg_partition_ancestors($1::oid) WITH ORDINALITY p (relid, place) ON p.relid = t.relation \
        WHERE t.relation = $1::oid OR p.relid IS NOT NULL ORDER BY COALESCE(p.place, 0) LIMIT 1"
    );
    first(&sql, relation)
}

fn first(sql: &str, relation: Oid) -> Option<Tracked> {
    let rows = as_owner(|| spi::read_latest(sql, &[Arg::int(i64::from(relation.to_u32()))]));
    Some(parse(rows.first()?).unwrap_or_else(|e| unclear(relation, &e).raise()))
}

fn unclear(relation: Oid, why: &RuleError) -> Fault {
    Fault::broken("the masks of a tracked table are not clear")
        .detail(format!("{}: {why}.", super::trigger_ddl::qualified_name(relation)))
        .hint("Call auditlog.track() for the table again, with the columns as they are named now.")
}

fn parse(row: &[Cell]) -> Result<Tracked, RuleError> {
    let json = |i: usize| row[i].bytes().and_then(|data| jsonb::tree(data).ok());
    let relation = Oid::from_u32(row[0].int().unwrap_or_default() as u32);
    let stored = capture::from_json(&json(3).ok_or(RuleError::Stored)?)?;
    let columns: Vec<Existing> = json(8).as_ref().and_then(existing).unwrap_or_default();
    let numbers_hold = row[4].text() == Some(rules_of(relation));
    let name = row[1].text().zip(row[2].text());
    let rules = if name.is_some() {
        capture::resolve(&stored, &columns, numbers_hold)?
    } else {
        stored.clone()
    };
    Ok(Tracked {
        relation,
        stale: name.is_some() && (!numbers_hold || rules != stored),
        name,
        rules,
        only_if: row[5].text(),
        event_prefix: row[6].text(),
        state: row[7].text().unwrap_or_default(),
    })
}

fn existing(json: &Json) -> Option<Vec<Existing>> {
    let Json::Array(items) = json else { return None };
    let column = |item: &Json| match item {
        Json::Array(pair) => match pair.as_slice() {
            [Json::Number(number), Json::String(name)] => Some((number.parse().ok()?, name.clone())),
            _ => None,
        },
        _ => None,
    };
    items.iter().map(column).collect()
}

/// Where column numbers are those of a table: names are what holds in a copy.
fn rules_of(relation: Oid) -> String {
    // SAFETY: reads the control file's number and a global.
    let (system, database) = unsafe { (pg_sys::GetSystemIdentifier(), pg_sys::MyDatabaseId) };
    format!("{system:016x}/{}/{}", database.to_u32(), relation.to_u32())
}

/// The columns of a table.
pub fn columns_of(relation: Oid) -> Vec<Existing> {
    spi::read_latest(
        "SELECT attnum, attname FROM pg_catalog.pg_attribute \
         WHERE attrelid = $1::oid AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
        &[Arg::int(i64::from(relation.to_u32()))],
    )
    .iter()
    .filter_map(|row| Some((row[0].int()? as i16, row[1].text()?)))
    .collect()
}

/// Numbers of the columns that name a row: of the primary key, or else of the replica identity's index.
pub fn key(relation: Oid) -> Vec<i16> {
    spi::read_latest(
        "SELECT k.number FROM (SELECT x.indkey, x.indnkeyatts FROM pg_catalog.pg_index x \
             WHERE x.indrelid = $1::oid AND x.indisvalid AND (x.indisprimary OR x.indisreplident) \
             ORDER BY x.indisprimary DESC LIMIT 1) x, \
         pg_catalog.unnest(x.indkey::smallint[]) WITH ORDINALITY k (number, place) \
         WHERE k.place <= x.indnkeyatts ORDER BY k.place",
        &[Arg::int(i64::from(relation.to_u32()))],
    )
    .iter()
    .filter_map(|row| Some(row[0].int()? as i16))
    .collect()
}

/// Puts a table on the list, or changes how it is tracked.
pub fn put(relation: Oid, rules: &[Rule], only_if: Option<&str>, event_prefix: Option<&str>) {
    trusted(
        "INSERT INTO auditlog_data.tracked_table (relation, rules, rules_of, only_if, event_prefix, tracked_by) \
         VALUES ($1::oid, $2, $3, $4, $5, $6) ON CONFLICT (relation) DO UPDATE SET rules = excluded.rules, \
         rules_of = excluded.rules_of, only_if = excluded.only_if, event_prefix = excluded.event_prefix, \
         state = excluded.state, tracked_by = excluded.tracked_by, tracked_at = excluded.tracked_at",
        &[
            Arg::int(i64::from(relation.to_u32())),
            Arg::jsonb(&capture::to_json(rules)),
            Arg::text(Some(&rules_of(relation))),
            Arg::text(only_if),
            Arg::text(event_prefix),
            Arg::text(Some(&crate::provenance::session_user())),
        ],
    );
    announce();
}

/// Takes a table off the list.
pub fn remove(relation: Oid) {
    trusted(
        "DELETE FROM auditlog_data.tracked_table WHERE relation = $1::oid",
        &[Arg::int(i64::from(relation.to_u32()))],
    );
    announce();
}

/// Writes down the numbers and names that columns have now.
pub fn refresh(table: &Tracked) {
    if table.stale {
        trusted(
            "UPDATE auditlog_data.tracked_table SET rules = $2, rules_of = $3 WHERE relation = $1::oid",
            &[
                Arg::int(i64::from(table.relation.to_u32())),
                Arg::jsonb(&capture::to_json(&table.rules)),
                Arg::text(Some(&rules_of(table.relation))),
            ],
        );
        announce();
    }
}

/// Writes down what the log now knows of a table's triggers.
pub fn set_state(relation: Oid, state: &str) {
    trusted(
        "UPDATE auditlog_data.tracked_table SET state = $2 WHERE relation = $1::oid",
        &[Arg::int(i64::from(relation.to_u32())), Arg::text(Some(state))],
    );
}

/// Has every session make its plans anew.
pub(super) fn announce() {
    // SAFETY: a table of ours.
    unsafe { pg_sys::CacheInvalidateRelcacheByRelid(objects().tracked_table) }
}

fn oids(sql: &str) -> Vec<Oid> {
    as_owner(|| spi::read_latest(sql, &[]))
        .iter()
        .filter_map(|row| Some(Oid::from_u32(row[0].int()? as u32)))
        .collect()
}

/// State of each tracked table's triggers, where it is not the one that the log knows of.
pub fn changed_states() -> Vec<(Oid, String, String)> {
    as_owner(|| {
        spi::read_latest(
            "SELECT t.relation::oid, t.state, s.state FROM auditlog_data.tracked_table t \
             JOIN auditlog_data.capture_states() s USING (relation) \
             JOIN pg_catalog.pg_class c ON c.oid = t.relation WHERE s.state <> t.state ORDER BY t.relation::oid",
            &[],
        )
    })
    .iter()
    .filter_map(|row| Some((Oid::from_u32(row[0].int()? as u32), row[1].text()?, row[2].text()?)))
    .collect()
}

/// State of a tracked table's triggers.
pub fn state(relation: Oid) -> Option<String> {
    let rows = as_owner(|| {
        spi::read_latest(
            "SELECT s.state FROM auditlog_data.capture_states() s WHERE s.relation = $1::oid",
            &[Arg::int(i64::from(relation.to_u32()))],
        )
    });
    rows.first()?[0].text()
}

/// Members of tracked tables that lack the trigger for TRUNCATE, which PostgreSQL hands to no partition.
pub fn without_truncate() -> Vec<Oid> {
    oids(
        "SELECT r.relation FROM auditlog_data.captured_relations() r WHERE r.relation <> r.root AND NOT r.is_foreign AND NOT EXISTS \
         (SELECT FROM pg_catalog.pg_trigger g WHERE g.tgrelid = r.relation AND g.tgtype = 34 \
         AND g.tgfoid = 'auditlog_data.capture()'::pg_catalog.regprocedure) ORDER BY 1",
    )
}

/// Former partitions: nothing but the trigger for TRUNCATE is left of their tracking.
pub fn detached() -> Vec<Oid> {
    oids(
        "SELECT g.tgrelid FROM pg_catalog.pg_trigger g \
         WHERE g.tgfoid = 'auditlog_data.capture()'::pg_catalog.regprocedure \
         AND g.tgrelid NOT IN (SELECT r.relation FROM auditlog_data.captured_relations() r) \
         GROUP BY g.tgrelid HAVING pg_catalog.bool_and(g.tgtype = 34) ORDER BY 1",
    )
}

/// Triggers of ours on a table and on its partitions that PostgreSQL did not make itself as copies.
pub fn triggers(relation: Oid) -> Vec<Oid> {
    as_owner(|| {
        spi::read_latest(
            "SELECT g.oid FROM pg_catalog.pg_trigger g WHERE g.tgparentid = 0 \
             AND g.tgfoid = 'auditlog_data.capture()'::pg_catalog.regprocedure AND (g.tgrelid = $1::oid \
             OR g.tgrelid IN (SELECT r.relation FROM auditlog_data.captured_relations() r WHERE r.root = $1::oid)) \
             ORDER BY 1",
            &[Arg::int(i64::from(relation.to_u32()))],
        )
    })
    .iter()
    .filter_map(|row| Some(Oid::from_u32(row[0].int()? as u32)))
    .collect()
}

/// A table's own partitions at all levels; before PostgreSQL 16 foreign ones have no trigger for TRUNCATE.
pub fn partitions(relation: Oid) -> Vec<Oid> {
    spi::read_latest(
        "SELECT p.relid::oid FROM pg_catalog.pg_partition_tree($1::oid) p JOIN pg_catalog.pg_class c ON c.oid = p.relid \
         WHERE p.relid <> $1::oid AND c.relkind <> 'f' ORDER BY p.level, 1",
        &[Arg::int(i64::from(relation.to_u32()))],
    )
    .iter()
    .filter_map(|row| Some(Oid::from_u32(row[0].int()? as u32)))
    .collect()
}

/// The trigger function.
pub fn function() -> Oid {
    let found = oids("SELECT 'auditlog_data.capture()'::pg_catalog.regprocedure::oid");
    found.first().copied().unwrap_or(Oid::INVALID)
}

/// Tracked tables and partitions of tracked tables among what a command has dropped: whether it was the
/// tracked table itself, its number then, its name. To be asked within an event trigger for sql_drop.
pub fn dropped() -> Vec<(bool, Oid, String)> {
    let rows = as_owner(|| {
        spi::run(
            "SELECT t.relation IS NOT NULL, d.objid, d.object_identity \
             FROM pg_catalog.pg_event_trigger_dropped_objects() d \
             LEFT JOIN auditlog_data.tracked_table t ON t.relation = d.objid \
             WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objsubid = 0 \
             AND (t.relation IS NOT NULL OR EXISTS (SELECT FROM pg_catalog.pg_event_trigger_dropped_objects() g \
                 WHERE g.object_type = 'trigger' AND g.address_names[1:2] = d.address_names[1:2] \
                 AND g.address_names[3] = '00_auditlog_truncate'))",
            &[],
        )
    });
    rows.iter()
        .filter_map(|row| {
            let tracked = row[0].int()? != 0;
            Some((tracked, Oid::from_u32(row[1].int()? as u32), row[2].text()?))
        })
        .collect()
}

/// What the log says of how a table is tracked.
pub fn as_json(rules: &[Rule], only_if: Option<&str>, event_prefix: Option<&str>) -> Json {
    let text = |value: Option<&str>| value.map_or(Json::Null, |v| Json::String(v.to_owned()));
    let ignored = rules.iter().filter(|r| r.treatment == capture::Treatment::Ignore);
    let masked = rules.iter().filter(|r| r.treatment != capture::Treatment::Ignore);
    Json::Object(vec![
        (
            "ignore_columns".to_owned(),
            Json::Array(ignored.map(|r| Json::String(r.name.clone())).collect()),
        ),
        (
            "mask".to_owned(),
            Json::Object(
                masked
                    .map(|r| (r.name.clone(), Json::String(r.treatment.name().to_owned())))
                    .collect(),
            ),
        ),
        ("only_if".to_owned(), text(only_if)),
        ("event_prefix".to_owned(), text(event_prefix)),
    ])
}

/// An empty object for `null`; raises an error for what is no object.
pub fn mask_object(data: Option<&[u8]>) -> Json {
    match data.map(jsonb::tree) {
        None => Json::Object(Vec::new()),
        Some(Ok(object @ Json::Object(_))) => object,
        Some(_) => {
            let mut example = String::new();
            columns::write_json(
                &Json::Object(vec![("email".to_owned(), Json::String("hash".to_owned()))]),
                &mut example,
            );
            Fault::new(
                pgrx::PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
                "mask must be a JSON object",
            )
            .hint(format!("Name columns and their masks, such as {example}."))
            .raise()
        }
    }
}
