//! Text → [`CustomReport`].

use super::period::{Rolling, Since, midnight};
use super::{
    CustomReport, Format, GROUP_ALIASES, GroupField, Interval, MAX_GROUP_FIELDS, MAX_TOP, Measure, OrderBy, OrderKey,
};
use auditlog_core::document::parse_timestamp;
use auditlog_policy::alert::definition::keys::{Keys, each, flag, name, names, nearest, text, whole, wrong};
use auditlog_policy::alert::definition::{DefinitionError, Fault};
use auditlog_policy::alert::field::Field;
use auditlog_policy::yaml::{self, Node, Value};
use auditlog_query::dates::Zone;
use auditlog_query::{CheckOptions, check, parse};
use auditlog_schedule::Schedule;
use chrono::NaiveDate;

type Read<T> = Result<T, DefinitionError>;

const KEYS: [&str; 15] = [
    "name",
    "title",
    "description",
    "period",
    "time_zone",
    "filters",
    "group_by",
    "interval",
    "metrics",
    "top",
    "compare",
    "order_by",
    "schedule",
    "formats",
    "deliver",
];

/// Longest name and title, in characters.
const MAX_CHARS: usize = 200;

/// Groups that are shown when the definition does not say.
const TOP: u32 = 100;

const PERIODS: &str = "Write last_day, last_week, last_month, last_quarter, last_year, last_30_days (or another number), this_day, this_week, this_month, this_quarter, this_year, or {since: 2026-01-01, until: 2026-04-01}.";

pub(super) fn report(source: &str, options: &CheckOptions<'_>) -> Read<CustomReport> {
    let root = yaml::read(source).map_err(|error| {
        let hint = "Write YAML or JSON with the keys name and period; texts with a colon or # go in quotes.";
        Fault::new(error.message, hint).at(error.place)
    })?;
    let keys = Keys::new(&root, "a report", &KEYS)?;
    let node = keys.need("name", "Give the report a name, such as name: Access to payroll.")?;
    let name_text = name(node, "the name", MAX_CHARS)?;
    let (time_zone, zone) = keys
        .get("time_zone")
        .map_or(Ok(("UTC".to_owned(), Zone::Utc)), time_zone)?;
    let period_node = keys.need("period", PERIODS)?;
    let period = period(period_node, &zone)?;
    let group_by = keys.get("group_by").map_or(Ok(Vec::new()), groups)?;
    let metrics = match keys.get("metrics") {
        None => vec![Measure::EventCount],
        Some(node) => list(node, "metrics", &Measure::ALL.map(|one| (one.name(), one)))?,
    };
    let schedule = keys.get("schedule").map_or(Ok(None), schedule)?;
    if let (Some(_), Since::Fixed { .. }) = (&schedule, &period) {
        let hint = "Write a period that moves, such as period: last_month, or schedule: once.";
        let fault = Fault::new(
            "a schedule with a fixed period makes the same report again and again",
            hint,
        );
        return Err(fault.at(keys.get("schedule").map_or(keys.place, |node| node.place)));
    }
    let deliver = keys
        .get("deliver")
        .map(|node| Keys::new(node, "deliver", &["channels", "sinks"]));
    let deliver = deliver.transpose()?;
    let receivers = |key: &str, what: &str| {
        let node = deliver.as_ref().and_then(|keys| keys.get(key));
        node.map_or(Ok(Vec::new()), |node| names(node, what))
    };
    Ok(CustomReport {
        title: match keys.get("title") {
            Some(node) => name(node, "the title", MAX_CHARS)?,
            None => name_text.clone(),
        },
        name: name_text,
        description: match keys.get("description") {
            Some(node) => text(node, "the description", true)?.trim().to_owned(),
            None => String::new(),
        },
        period,
        time_zone,
        zone,
        filters: keys
            .get("filters")
            .map_or(Ok("*".to_owned()), |node| filters(node, source, options))?,
        interval: keys.get("interval").map(interval).transpose()?,
        top: keys.get("top").map_or(Ok(TOP), |node| whole(node, "top", MAX_TOP))?,
        compare: keys.get("compare").map_or(Ok(false), compare)?,
        order_by: match keys.get("order_by") {
            Some(node) => order_by(node, &metrics, &group_by)?,
            None => default_order(&metrics),
        },
        schedule,
        formats: match keys.get("formats") {
            Some(node) => list(node, "formats", &Format::ALL.map(|one| (one.name(), one)))?,
            None => Format::ALL.to_vec(),
        },
        channels: receivers("channels", "a channel")?,
        sinks: receivers("sinks", "a sink")?,
        group_by,
        metrics,
    })
}

/// Most first, by what is counted first.
fn default_order(metrics: &[Measure]) -> OrderBy {
    OrderBy {
        key: OrderKey::Metric(metrics.first().copied().unwrap_or(Measure::EventCount)),
        descending: true,
    }
}

fn time_zone(node: &Node) -> Read<(String, Zone)> {
    let written = name(node, "time_zone", 100)?;
    match written.parse() {
        Ok(zone) => Ok((written, zone)),
        Err(_) => {
            let hint = "Write a name of the IANA database, such as Europe/Berlin, or an offset such as +02:00.";
            Err(Fault::new(format!("there is no time zone {written:?}"), hint).at(node.place))
        }
    }
}

fn period(node: &Node, zone: &Zone) -> Read<Since> {
    if node.entries().is_some() {
        let keys = Keys::new(node, "period", &["since", "until"])?;
        let end = |key: &str| {
            let node = keys.need(key, "Write both ends, such as {since: 2026-01-01, until: 2026-04-01}.")?;
            moment(node, key, zone)
        };
        let (since_us, until_us) = (end("since")?, end("until")?);
        if until_us <= since_us {
            let hint = "Write a later until; it is the first moment that is no more part of the period.";
            return Err(Fault::new("the period ends before it begins", hint).at(node.place));
        }
        return Ok(Since::Fixed { since_us, until_us });
    }
    let Some(written) = node.scalar() else {
        return Err(wrong(node, "period", "a period", PERIODS));
    };
    Rolling::parse(written).map(Since::Rolling).ok_or_else(|| {
        let known: Vec<String> = super::Unit::ALL
            .into_iter()
            .flat_map(|unit| [Rolling::Last(unit), Rolling::This(unit)])
            .map(|rolling| rolling.to_string())
            .collect();
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        let near = nearest(written, &known).map(|near| format!("Did you mean «{near}»? "));
        let hint = format!("{}{PERIODS}", near.unwrap_or_default());
        Fault::new(format!("{written:?} is no period"), hint).at(node.place)
    })
}

/// A day, which begins at midnight of the zone, or a time.
fn moment(node: &Node, key: &str, zone: &Zone) -> Read<i64> {
    let written = text(node, key, false)?;
    let day = NaiveDate::parse_from_str(&written, "%Y-%m-%d").ok();
    let found = match day {
        Some(day) => midnight(day, zone),
        None => parse_timestamp(&written),
    };
    found.ok_or_else(|| {
        let hint = "Write a day, such as 2026-01-01, or a time with its offset, such as 2026-01-01T08:00:00+01:00.";
        Fault::new(format!("{key} is {written:?}, not a time"), hint).at(node.place)
    })
}

fn filters(node: &Node, source: &str, options: &CheckOptions<'_>) -> Read<String> {
    let Some(written) = node.scalar() else {
        let message = format!("filters is {}, not a query", node.kind());
        return Err(Fault::new(message, "Write a query in quotes, such as \"status:failed\".").at(node.place));
    };
    let checked = parse(written, &options.limits).and_then(|query| check(&query, options));
    checked.map_err(|error| {
        let message = format!("filters, at character {}: {}", error.position, error.message);
        Fault::new(message, error.hint).at(node.place_of(error.position.saturating_sub(1), source))
    })?;
    let found = written.trim();
    Ok(if found.is_empty() { "*" } else { found }.to_owned())
}

fn groups(node: &Node) -> Read<Vec<GroupField>> {
    let mut found: Vec<GroupField> = Vec::new();
    each(node, |item| {
        let written = text(item, "group_by", false)?.trim().to_owned();
        let alias = GROUP_ALIASES.iter().find(|(name, _)| *name == written);
        let field = Field::parse(alias.map_or(written.as_str(), |(_, path)| path)).map_err(|fault| {
            let hint = format!(
                "{} In reports, user is actor.id and resource is resource.id.",
                fault.hint
            );
            Fault::new(format!("group_by: {}", fault.message), hint).at(item.place)
        })?;
        if found.iter().any(|other| other.field.same(&field)) {
            let message = format!("group_by names the field {written:?} twice");
            return Err(Fault::new(message, "Name it once.").at(item.place));
        }
        found.push(GroupField { name: written, field });
        Ok(())
    })?;
    if found.len() > MAX_GROUP_FIELDS {
        let message = format!("group_by has {} fields", found.len());
        return Err(Fault::new(message, format!("At most {MAX_GROUP_FIELDS} are taken.")).at(node.place));
    }
    Ok(found)
}

/// Some of a closed list, at least one, each once.
fn list<T: Copy + PartialEq>(node: &Node, what: &str, known: &[(&str, T)]) -> Read<Vec<T>> {
    let mut found: Vec<T> = Vec::new();
    each(node, |item| {
        let one = choice(item, what, known)?;
        // twice is once
        if !found.contains(&one) {
            found.push(one);
        }
        Ok(())
    })?;
    if found.is_empty() {
        let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
        let hint = format!("Write some of {}, or leave {what} out.", names.join(", "));
        return Err(Fault::new(format!("{what} is empty"), hint).at(node.place));
    }
    Ok(found)
}

fn choice<T: Copy>(node: &Node, what: &str, known: &[(&str, T)]) -> Read<T> {
    let written = node.scalar().unwrap_or_default();
    if let Some((_, found)) = known.iter().find(|(name, _)| *name == written) {
        return Ok(*found);
    }
    let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
    let near = nearest(written, &names).map(|near| format!("Did you mean «{near}»? "));
    let message = match node.scalar() {
        Some(written) => format!("{what} has no {written:?}"),
        None => format!("{what} has {}, not a name", node.kind()),
    };
    let hint = format!("{}Known are {}.", near.unwrap_or_default(), names.join(", "));
    Err(Fault::new(message, hint).at(node.place))
}

fn interval(node: &Node) -> Read<Interval> {
    choice(node, "interval", &Interval::ALL.map(|one| (one.name(), one)))
}

fn compare(node: &Node) -> Read<bool> {
    match &node.value {
        Value::Text(written) if written == "previous_period" => Ok(true),
        Value::Bool(_) => flag(node, "compare"),
        _ => {
            let hint = "Write compare: previous_period, or leave it out.";
            Err(Fault::new("compare is no comparison", hint).at(node.place))
        }
    }
}

/// `event_count`, `-event_count`, `event_count desc`
fn order_by(node: &Node, metrics: &[Measure], group_by: &[GroupField]) -> Read<OrderBy> {
    let written = text(node, "order_by", false)?;
    let mut words = written.split_whitespace();
    let (first, second) = (words.next().unwrap_or_default(), words.next());
    let (key_name, minus) = match first.strip_prefix('-') {
        Some(rest) => (rest, true),
        None => (first, false),
    };
    let metric = metrics.iter().find(|metric| metric.name() == key_name);
    let group = group_by.iter().position(|field| field.name == key_name);
    let key = metric.copied().map(OrderKey::Metric).or(group.map(OrderKey::Group));
    let descending = match (second, minus, key) {
        (Some("desc"), false, _) | (None, true, _) => Some(true),
        (Some("asc"), false, _) => Some(false),
        // most first, names from A on
        (None, false, key) => Some(matches!(key, Some(OrderKey::Metric(_)))),
        _ => None,
    };
    match (key, descending, words.next()) {
        (Some(key), Some(descending), None) => Ok(OrderBy { key, descending }),
        _ => {
            let names = metrics.iter().map(|metric| metric.name());
            let names: Vec<&str> = names.chain(group_by.iter().map(|field| field.name.as_str())).collect();
            let near = nearest(key_name, &names).filter(|near| *near != key_name);
            let near = near.map(|near| format!("Did you mean «{near}»? ")).unwrap_or_default();
            let hint = format!("{near}Write one of {}, with asc or desc behind it.", names.join(", "));
            Err(Fault::new(format!("the report can't be ordered by {written:?}"), hint).at(node.place))
        }
    }
}

fn schedule(node: &Node) -> Read<Option<Schedule>> {
    let written = text(node, "schedule", false)?;
    if written.trim() == "once" {
        return Ok(None);
    }
    let found = Schedule::parse(&written).map_err(|error| {
        let hint = format!("{} Write once for a report that is run by hand.", error.hint);
        Fault::new(format!("schedule: {error}"), hint).at(node.place)
    })?;
    if found.at_start() || found.interval().is_some() {
        let hint =
            "Write minutes and hours, such as schedule: \"0 6 1 * *\" for six o'clock on the first of each month.";
        return Err(Fault::new(format!("a report can't be run {:?}", found.to_string()), hint).at(node.place));
    }
    Ok(Some(found))
}
