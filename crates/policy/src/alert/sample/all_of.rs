//! Events for an alert whose queries must all be matched, in one group.

use super::{find, holds, put_path};
use crate::alert::definition::{Queries, Threshold};
use crate::alert::field::Field;
use auditlog_core::json::Json;
use auditlog_query::eval::JsonDocument;
use auditlog_query::node::Checked;

/// The events, in order: with the last of them, and not before, each query is matched. None when no way was found.
pub(super) fn events(queries: &Queries, threshold: &Threshold, now_us: i64) -> Option<Vec<Json>> {
    let wanted: Vec<Checked> = queries.all_of.iter().map(|query| queries.narrowed(query)).collect();
    let made = wanted.iter().map(|query| find(query, now_us));
    let mut events = made.collect::<Option<Vec<Json>>>()?;
    for field in &threshold.group_by {
        unite(&mut events, &wanted, field, now_us)?;
    }
    let united = |field: &Field| values(field, &events).windows(2).all(|pair| pair[0] == pair[1]);
    if !threshold.group_by.iter().all(united) {
        return None;
    }
    // an event may match more than the query that it was made of: what adds nothing is not needed
    let mut matched = vec![false; wanted.len()];
    events.retain(|event| {
        let mut adds = false;
        for (matched, query) in matched.iter_mut().zip(&wanted) {
            if !*matched && holds(query, event, now_us) {
                (*matched, adds) = (true, true);
            }
        }
        adds
    });
    Some(events)
}

fn values(field: &Field, events: &[Json]) -> Vec<Option<String>> {
    events
        .iter()
        .map(|event| field.value(JsonDocument::new(event)))
        .collect()
}

/// Gives all events one value of the field: that of one of them, with which all still match; none when there is no such.
fn unite(events: &mut [Json], wanted: &[Checked], field: &Field, now_us: i64) -> Option<()> {
    let path = &field.target().path;
    let place = |event: &Json| path.iter().try_fold(event, |place, key| place.get(key)).cloned();
    let there: Vec<Json> = events.iter().filter_map(place).collect();
    let with = |value: &Json| {
        let mut changed = events.to_vec();
        for event in &mut changed {
            put_path(event, path, value.clone(), true);
        }
        let all = changed
            .iter()
            .zip(wanted)
            .all(|(event, query)| holds(query, event, now_us));
        all.then_some(changed)
    };
    if there.is_empty() {
        return Some(());
    }
    let changed = there.iter().find_map(with)?;
    events.clone_from_slice(&changed);
    Some(())
}
