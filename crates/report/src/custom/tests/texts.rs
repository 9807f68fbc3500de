//! Definitions as texts.

use crate::custom::{CustomReport, Format, Interval, Measure, OrderKey};
use proptest::prelude::*;

const WHOLE: &str = r#"name: Access to payroll
title: Who has read salaries
description: For the works council
period: last_month
time_zone: Europe/Berlin
filters: "event_type:data.select AND resource.id:payroll"
group_by: [user, event_type]
interval: day
metrics: [event_count, unique_users, rows, last]
top: 20
compare: previous_period
order_by: rows desc
schedule: "0 6 1 * *"
formats: [pdf, csv]
deliver: {channels: [auditors], sinks: [archive]}
"#;

#[test]
fn a_whole_definition_is_read() {
    let report = CustomReport::parse(WHOLE).expect("a report");
    assert_eq!(report.title, "Who has read salaries");
    let fields: Vec<String> = report
        .group_by
        .iter()
        .map(|one| one.field.target().path.join("."))
        .collect();
    assert_eq!(fields, ["actor.id", "event_type"]);
    assert_eq!(report.interval, Some(Interval::Day));
    assert_eq!(
        report.metrics,
        [Measure::EventCount, Measure::UniqueUsers, Measure::Rows, Measure::Last]
    );
    assert_eq!(
        (report.order_by.key, report.order_by.descending),
        (OrderKey::Metric(Measure::Rows), true)
    );
    assert_eq!(report.formats, [Format::Pdf, Format::Csv]);
    assert!(report.compare && report.schedule.is_some());
    assert_eq!(
        (report.channels, report.sinks),
        (vec!["auditors".to_owned()], vec!["archive".to_owned()])
    );
}

#[test]
fn a_short_definition_has_defaults() {
    let report = CustomReport::parse("name: All\nperiod: this_week").expect("a report");
    assert_eq!(
        (
            report.title.as_str(),
            report.filters.as_str(),
            report.time_zone.as_str()
        ),
        ("All", "*", "UTC")
    );
    assert_eq!(
        (report.metrics, report.formats.len(), report.top),
        (vec![Measure::EventCount], 3, 100)
    );
    assert_eq!((report.compare, report.schedule, report.interval), (false, None, None));
}

#[test]
fn the_canonical_form_is_read_as_the_same() {
    let json = r#"{"name":"All","title":"All","period":"this_week","time_zone":"UTC","filters":"*","metrics":["event_count"],"top":100,"compare":false,"order_by":"event_count desc","schedule":"once","formats":["pdf","json","csv"]}"#;
    assert_eq!(
        CustomReport::parse("name: All\nperiod: this week")
            .expect("a report")
            .to_json()
            .to_string(),
        json
    );
    for text in [
        WHOLE,
        json,
        "name: x\nperiod: {since: 2026-01-01, until: 2026-02-01}\ntime_zone: +02:00",
        "name: x\nperiod: last 3 days\ngroup_by: metadata.\"a.b\"\norder_by: metadata.\"a.b\"\nfilters: \"\"",
    ] {
        let report = CustomReport::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        let again = CustomReport::parse(&report.to_json().to_string()).expect("JSON");
        assert_eq!(again, report, "{text}");
    }
}

#[test]
fn orders_are_read() {
    let order = |text: &str| {
        let source = WHOLE.replace("rows desc", text);
        let found = CustomReport::parse(&source)
            .unwrap_or_else(|error| panic!("{text}: {error}"))
            .order_by;
        (found.key, found.descending)
    };
    assert_eq!(order("rows"), (OrderKey::Metric(Measure::Rows), true));
    assert_eq!(order("-rows"), (OrderKey::Metric(Measure::Rows), true));
    assert_eq!(order("last asc"), (OrderKey::Metric(Measure::Last), false));
    assert_eq!(order("user"), (OrderKey::Group(0), false));
    assert_eq!(order("event_type desc"), (OrderKey::Group(1), true));
}

#[test]
#[rustfmt::skip]
fn errors_say_where_and_what_to_do() {
    for (from, to, expected) in [
        ("title:", "titel:", "2:1 a report has no key \"titel\" | Did you mean «title»? "),
        ("name: Access to payroll", "name: \"\"", "1:7 the name is empty | Write 1 to 200 characters."),
        ("period: last_month", "period: last_mont", "4:9 \"last_mont\" is no period | Did you mean «last_month»? Write last_day,"),
        ("period: last_month", "period: {since: 2026-02-01, until: 2026-01-01}", "4:9 the period ends before it begins | Write a later until;"),
        ("period: last_month", "period: {since: 2026-02-30, until: 2026-01-01}", "4:17 since is \"2026-02-30\", not a time | Write a day,"),
        ("period: last_month", "period: {since: 2026-02-01}", "4:9 the key \"until\" is missing | Write both ends,"),
        ("period: last_month", "period: {since: 2026-02-01, until: 2026-03-01}", "13:11 a schedule with a fixed period makes the same report again and again | Write a period that moves,"),
        ("period: last_month\n", "", "1:1 the key \"period\" is missing | Write last_day,"),
        ("Europe/Berlin", "Europe/Berlim", "5:12 there is no time zone \"Europe/Berlim\" | Write a name of the IANA database"),
        ("event_type:data.select AND", "event_typ:data.select AND", "6:11 filters, at character 1: unknown field \"event_typ\" | Did you mean «event_type»?"),
        ("[user, event_type]", "[user, actor.id]", "7:18 group_by names the field \"actor.id\" twice | Name it once."),
        ("[user, event_type]", "[user, ip, tenant, severity, hash]", "7:11 group_by has 5 fields | At most 4 are taken."),
        ("[user, event_type]", "[tags]", "7:12 group_by: \"tags\" means several fields | Write one of them: metadata.tags, resource.tags."),
        ("interval: day", "interval: days", "8:11 interval has no \"days\" | Did you mean «day»? Known are hour, day, week, month."),
        ("rows, last]", "row, last]", "9:38 metrics has no \"row\" | Did you mean «rows»? "),
        ("metrics: [event_count, unique_users, rows, last]", "metrics: []", "9:10 metrics is empty | Write some of event_count,"),
        ("top: 20", "top: 0", "10:6 top is 0 | Write a whole number from 1 to 10000."),
        ("previous_period", "last_year", "11:10 compare is no comparison | Write compare: previous_period, or leave it out."),
        ("rows desc", "first desc", "12:11 the report can't be ordered by \"first desc\" | Write one of event_count, unique_users, rows, last, user, event_type, with asc or desc behind it."),
        ("rows desc", "rows down", "12:11 the report can't be ordered by \"rows down\" | Write one of"),
        ("\"0 6 1 * *\"", "\"0 6 32 * *\"", "13:11 schedule: "),
        ("\"0 6 1 * *\"", "\"30 seconds\"", "13:11 a report can't be run \"30 seconds\" | Write minutes and hours,"),
        ("\"0 6 1 * *\"", "\"@reboot\"", "13:11 a report can't be run \"@reboot\" | Write minutes and hours,"),
        ("[pdf, csv]", "[pdf, xls]", "14:16 formats has no \"xls\" | Known are pdf, json, csv."),
        ("channels:", "channel:", "15:11 deliver has no key \"channel\" | Did you mean «channels»? "),
    ] {
        assert!(WHOLE.contains(from), "{from}");
        let error = CustomReport::parse(&WHOLE.replacen(from, to, 1)).expect_err(to);
        let text = format!("{}:{} {} | {}", error.line, error.column, error.message, error.hint);
        assert!(text.starts_with(expected), "{to}\n{text}\n{expected}");
    }
}

proptest! {
    #[test]
    fn no_text_is_too_odd(cut in 0..600_usize, length in 0..60_usize, put in "[\\[\\]{}:*$\"a-c0-9 \n-]{0,8}") {
        let from = WHOLE.floor_char_boundary(cut % WHOLE.len());
        let to = WHOLE.floor_char_boundary((from + length).min(WHOLE.len()));
        let mutated = format!("{}{put}{}", &WHOLE[..from], &WHOLE[to..]);
        match CustomReport::parse(&mutated) {
            Ok(report) => {
                prop_assert!(!report.metrics.is_empty() && !report.formats.is_empty());
                let _ = report.resolve(1_700_000_000_000_000);
            }
            Err(error) => prop_assert!(error.line >= 1 && !error.hint.is_empty(), "{error:?}"),
        }
    }
}
