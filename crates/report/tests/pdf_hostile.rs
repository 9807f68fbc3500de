//! No text of a report breaks its PDF.

mod pdf_support;

use auditlog_report::model::Report;
use auditlog_report::pdf::{Attachment, render};
use pdf_support::{assert_sound, minimal, tool, written};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// More than a thousand texts that have broken other programs, or could.
fn hostile() -> Vec<String> {
    let fixed = [
        "",
        " ",
        "\n",
        "\r\n",
        "\t",
        "\0",
        "\u{7f}",
        "\u{feff}",
        "\u{fffe}",
        "\u{ffff}",
        "\u{10ffff}",
        "\u{d7ff}",
        "\u{e000}",
        "<script>alert(1)</script>",
        "'; DROP TABLE events; --",
        "=1+1",
        "+SUM(A1)",
        "-2+3",
        "@cmd|' /C calc'!A0",
        "%s%n%x",
        "../../etc/passwd",
        "${jndi:ldap://x}",
        "{{7*7}}",
        "(unbalanced",
        ")",
        "<<>>",
        "endobj endstream",
        "\\",
        "\\u{0}",
        "%PDF-1.7",
        "👨‍👩‍👧‍👦 family",
        "🏴󠁧󠁢󠁥󠁮󠁧󠁿",
        "😀😀😀",
        "🇩🇪",
        "\u{202e}evil\u{202c}",
        "\u{2066}a\u{2069}",
        "\u{200f}\u{200e}",
        "a\u{200b}b\u{2060}c\u{ad}d",
        "Z̸̡̢̛̗̘̙̜̝̞̟̠̣̤̥̦̩̪̫̬̭̮̯̰̱̲̳a",
        "\u{301}\u{302}",
        "שלום עולם",
        "مرحبا بالعالم",
        "नमस्ते दुनिया",
        "สวัสดีชาวโลก",
        "日本語テスト",
        "한국어",
        "中文测试",
        "ﷺ",
        "ﬁ ﬂ ﬀ",
        "Ⅷ½²",
        "𝕳𝖊𝖑𝖑𝖔",
        "𐀀𐎀",
        "א1ב2ג 3 a(b)c",
        "(שלום) [עולם]",
        "a\u{a0}b\u{202f}c\u{3000}d",
        "\u{2028}\u{2029}",
        "\u{85}",
        "null",
        "NaN",
        "1e999",
        "ＦＵＬＬ",
        "İıŞş",
        "ǅ ß ẞ",
        "क्‍ष",
        "\u{200d}\u{200d}",
        "\u{1160}\u{3164}",
        "\u{fffc}\u{fffd}",
    ];
    let mut texts: Vec<String> = fixed.iter().map(ToString::to_string).collect();
    for text in [
        "a",
        "é",
        "🦀",
        "\u{202e}",
        "ש",
        "م",
        "क",
        "W",
        " ",
        "-",
        "\\u{",
        "a\u{301}",
        "\n",
        "\0",
        "👩‍🔧",
    ] {
        texts.push(text.repeat(10_000));
    }
    texts.push(format!("a{}", "\u{301}".repeat(5_000)));
    texts.push(format!("{} {}", "x".repeat(5_000), "y".repeat(5_000)));
    // Characters from all over Unicode, alone and in words.
    for code in (0..0x11_0000u32).step_by(0x7c1) {
        if let Some(character) = char::from_u32(code) {
            texts.push(format!("{character} a{character}b {character}{character} 12"));
        }
    }
    // Controls, format characters, marks.
    for code in (0..0xa0)
        .chain(0x300..0x370)
        .chain(0x590..0x5d0)
        .chain(0x600..0x660)
        .chain(0x2000..0x2070)
    {
        if let Some(character) = char::from_u32(code) {
            texts.push(format!("x{character}"));
        }
    }
    texts
}

/// Puts texts into every place of a report where a text is: `next` gives them one after the other.
fn fill(value: &mut Value, next: &mut impl FnMut() -> String) {
    match value {
        // These are words of the model's lists.
        Value::String(text) if ["custom", "critical", "lines", "bars", "heat", "findings"].contains(&text.as_str()) => {
        }
        Value::String(text) => *text = next(),
        Value::Array(items) => items.iter_mut().for_each(|item| fill(item, next)),
        Value::Object(fields) => fields.iter_mut().for_each(|(_, value)| fill(value, next)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// A report in which everything is there once.
fn full() -> Value {
    let column = json!({"name": "n", "label": "l"});
    let chart = |form: &str| {
        json!({
            "title": "t", "alt": "a", "form": form, "unit": "u", "x": ["1", "2"],
            "series": [{"name": "s", "values": [1.0, 2.0]}, {"name": "r", "values": [3.0]}]
        })
    };
    let bars = json!({"title": "t", "alt": "a", "form": "bars", "unit": "u", "x": ["1", "2"], "series": [{"name": "s", "values": [1.0]}]});
    let mut report = minimal();
    report["integrity"]["anchors"] = json!([{"name": "n", "kind": "k", "state": "s", "size": 1}]);
    report["filters"] = json!({"accounts": ["a"]});
    report["summary"] =
        json!([{"name": "n", "label": "l", "value": "v", "note": "n"}, {"name": "n", "label": "l", "value": 1}]);
    report["charts"] = json!([chart("lines"), chart("bars"), chart("heat"), bars]);
    report["sections"] = json!([{
        "id": "s", "control": "c", "title": "t", "asks": "a", "directness": "d", "notes": "n", "query": "q", "result": "findings",
        "findings": [{"severity": "critical", "kind": "k", "text": "t", "log_indexes": [1, 2], "count": 5}],
        "metrics": [{"name": "n", "label": "l", "value": "v", "note": "n"}],
        "tables": [{
            "name": "n", "caption": "c", "columns": [column, column, column],
            "rows": [["a", {"k": "v"}, ["x", "y"]], ["b", null, 7], ["c"]], "exceptions": 1, "total": 9
        }],
        "sample": {
            "seed": "s", "of": 3, "columns": [column],
            "items": [{"log_index": 1, "entry_hash": "h", "values": ["v"], "record": "r", "proof": ["p"]}]
        }
    }]);
    report
}

#[test]
fn every_text_may_be_anywhere() {
    let texts = hostile();
    assert!(texts.len() > 1_000, "{}", texts.len());
    let places = {
        let mut count = 0;
        fill(&mut full(), &mut || {
            count += 1;
            String::new()
        });
        count
    };
    assert!(places > 60, "{places}");
    // In each round a place gets the next text, so that after all rounds each text has been in each place.
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(8);
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let texts = &texts;
            scope.spawn(move || {
                for round in (thread..texts.len()).step_by(threads) {
                    // A step that shares no divisor with the number of texts spreads the long ones.
                    let mut at = round;
                    let mut next = || {
                        at += 7;
                        texts[at % texts.len()].clone()
                    };
                    let mut report = full();
                    fill(&mut report, &mut next);
                    let report: Report = serde_json::from_value(report).unwrap();
                    let pdf = render(&report, &[]).unwrap_or_else(|error| panic!("round {round}: {error}"));
                    if round % 100 == 0 {
                        assert_sound(&pdf);
                    }
                }
            });
        }
    });
}

#[test]
fn what_is_invisible_is_written_out() {
    let mut report = full();
    fill(&mut report, &mut || "a\u{202e}b🦀c\0d".into());
    let report: Report = serde_json::from_value(report).unwrap();
    let file = written(&render(&report, &[]).unwrap());
    let Some(text) = tool("pdftotext", &["-raw"], &file.path, &["-"]) else {
        return;
    };
    assert!(text.contains(r"a\u{202e}b\u{1f980}c\u{0}d"), "{text}");
    assert!(!text.contains('\u{202e}') && !text.contains('\0'));
}

#[test]
fn scripts_are_drawn_and_can_be_copied() {
    let mut report = minimal();
    let written_in = [
        "Łódź Ångström",
        "Ελληνικά",
        "Русский",
        "עברית",
        "العربية",
        "हिन्दी",
        "ไทย",
        "ქართული",
        "Հայերեն",
        "Việt",
    ];
    report["scope"]["covers"] = written_in.iter().map(|text| json!(text)).collect();
    let report: Report = serde_json::from_value(report).unwrap();
    let file = written(&render(&report, &[]).unwrap());
    let Some(text) = tool("pdftotext", &["-raw"], &file.path, &["-"]) else {
        return;
    };
    for script in [
        "Łódź Ångström",
        "Ελληνικά",
        "Русский",
        "ไทย",
        "ქართული",
        "Հայերեն",
        "Việt",
        "עברית",
    ] {
        assert!(text.contains(script), "{script} in {text}");
    }
    assert!(!text.contains("\\u{"), "{text}");
}

#[test]
fn attachments_with_odd_descriptions_are_taken() {
    let report: Report = serde_json::from_value(minimal()).unwrap();
    for description in ["", "\0", "🦀", &"x".repeat(100_000)] {
        let file = Attachment {
            name: "a.json",
            mime: "application/json",
            description,
            bytes: b"{}",
        };
        assert_sound(&render(&report, &[file]).unwrap());
    }
}

/// Any JSON value of a cell.
fn cell() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        prop::collection::vec(any::<String>(), 0..3).prop_map(Value::from),
        (any::<String>(), any::<i64>()).prop_map(|(name, value)| Value::Object(Map::from_iter([(name, value.into())]))),
    ]
}

prop_compose! {
    fn chart()(
        form in prop::sample::select(vec!["bars", "lines", "heat"]),
        x in prop::collection::vec(any::<String>(), 0..40),
        series in prop::collection::vec((any::<String>(), prop::collection::vec(-1e300..1e300, 0..40)), 0..9),
        title in any::<String>(),
    ) -> Value {
        let series: Vec<Value> = series.into_iter().map(|(name, values)| json!({"name": name, "values": values})).collect();
        json!({"title": title, "alt": title, "form": form, "unit": title, "x": x, "series": series})
    }
}

prop_compose! {
    fn table()(
        columns in prop::collection::vec(any::<String>(), 0..20),
        rows in prop::collection::vec(prop::collection::vec(cell(), 0..20), 0..30),
        (exceptions, total, caption) in (any::<u64>(), any::<u64>(), any::<String>()),
    ) -> Value {
        let columns: Vec<Value> = columns.into_iter().map(|name| json!({"name": name, "label": name})).collect();
        json!({"name": caption, "caption": caption, "columns": columns, "rows": rows, "exceptions": exceptions, "total": total})
    }
}

prop_compose! {
    fn section()(
        id in any::<String>(),
        charts in prop::collection::vec(chart(), 0..3),
        tables in prop::collection::vec(table(), 0..3),
        metrics in prop::collection::vec((any::<String>(), cell(), prop::option::of(any::<String>())), 0..6),
        findings in prop::collection::vec((any::<String>(), any::<u64>(), prop::collection::vec(any::<u64>(), 0..60)), 0..5),
        result in prop::sample::select(vec!["clean", "findings", "no_evidence", "information"]),
    ) -> Value {
        let metrics: Vec<Value> = metrics.into_iter().map(|(label, value, note)| json!({"name": label, "label": label, "value": value, "note": note})).collect();
        let findings: Vec<Value> = findings.into_iter().map(|(text, count, indexes)| json!({
            "severity": "warning", "kind": text, "text": text, "log_indexes": indexes, "count": count
        })).collect();
        json!({
            "id": id, "control": id, "title": id, "asks": id, "result": result, "notes": id, "query": id,
            "findings": findings, "metrics": metrics, "charts": charts, "tables": tables
        })
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn any_report_becomes_a_pdf(
        sections in prop::collection::vec(section(), 0..4),
        charts in prop::collection::vec(chart(), 0..2),
        (title, made_at) in (any::<String>(), any::<String>()),
        (first, last, gaps, offset) in (any::<Option<u64>>(), any::<Option<u64>>(), any::<u64>(), any::<Option<f64>>()),
    ) {
        let mut report = minimal();
        report["title"] = title.into();
        report["made_at"] = made_at.into();
        report["sections"] = sections.into();
        report["charts"] = charts.into();
        report["integrity"]["first_log_index"] = json!(first);
        report["integrity"]["last_log_index"] = json!(last);
        report["integrity"]["gaps"] = json!(gaps);
        report["integrity"]["clock_offset_ms"] = json!(offset);
        let report: Report = serde_json::from_value(report).unwrap();
        let pdf = render(&report, &[]);
        prop_assert!(pdf.is_ok(), "{:?}", pdf.err());
        assert_sound(&pdf.unwrap());
    }
}
