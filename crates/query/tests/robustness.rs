//! Random strings of tokens through every stage: no panic, no slow one, errors lie inside the text,
//! and what is printed is the same query. The long run:
//! `cargo test --release -p auditlog-query --test robustness -- --ignored --nocapture`

mod support;

use auditlog_core::json::Json;
use auditlog_query::eval::{JsonValue, each_text};
use auditlog_query::json::{Spans, to_json};
use auditlog_query::leaves::{leaf, leaves};
use auditlog_query::predicate::{predicate, to_sql};
use auditlog_query::wanted::{Wanted, wanted};
use auditlog_query::{CheckOptions, Limits, QueryError, check, fold, parse, tokens};
use std::collections::HashSet;
use std::time::{Duration, Instant};
use support::{holds, json};

/// All tokens of the language, half-broken constructs, and characters that folding, widths and
/// direction make odd.
#[rustfmt::skip]
const VOCABULARY: &[&str] = &[
    // names
    "a", "b.c", "status", "STATUS", "actor.email", "actor.id", "timestamp", "ts", "ip", "tags", "tags.a", "event_type",
    "severity", "user", "resource", "resource.tags.\"x.y/z\"", "changes.after.a", "list", "log_index", "\"status\"", "'q k'",
    "category", "request.size", "@timestamp", "$x", "x-y", "x/y", "_exists_", "_missing_:", "_exists_:", "_saved_:", "_saved_:s",
    // operators
    ":", ":", ":", "=", "==", "!=", ":!=", ":=", ":~", ">", ">=", "<", "<=", ":>", ":<=", "=>", "=<", "(", "(", ")", ")", "[", "]",
    "{", "}", ":(", ":[", ":{", ":[a TO b]", ":{* TO 5]", " TO ", " to ", " AND ", " and ", " OR ", " or ", " NOT ", " not ", " IN ",
    " in (", ":IN [a b]", "&&", "||", "&", "|", "!", "-", "+", "*", "**", "?", "*:*", "*:", ",", ".", "..", ";", "%", "`",
    // space and comments
    " ", " ", " ", "\t", "\r\n", "\n", "#", "# c\n", "\u{a0}", "\u{3000}", "\u{2003}", "\u{200b}", "\u{feff}",
    // literals
    "x", "failed", "null", "true", "200", "1.0", "-1.5e3", ".5", "1e999999", "1e9999999", "9007199254740993", "00", "0x1",
    "\"p q\"", "\"\"", "'r'", "\"x\"*", "\"*\"", "fail*", "*ail?d", "10.0.0.0/8", "10.0.0.0/33", "203.0.113.*", "1.*.2.*", "::1",
    "2001:db8::/32", "fe80::1%eth0", "now", "now-1d/d", "now/w+8h", "now-7x", "now-99999999999y", "2026-11-21", "2026-02-30",
    "2026-11", "0000-01-01", "9999-12-31T23:59:60Z", "2026-11-21T10:00+25:00", "2026-11-21||+1M/d", "||/d", "-1d", "/d", "10:30",
    "arn:aws:iam::1:role/x", "https://a.example/?q=1&r=[2]", "C:\\Windows\\x", "warning", "high",
    // expressions
    "/re/", "/re/i", "/(/", "/a\\/b/", "/", "~\"a.*\"", "~\"(\"", "~'[^\\\"]+'", "~\"(a|a)*$\"", "~\"(?x) a # b\"", "~\"\\\\pL{9}\"",
    // halves
    "\"", "'", "\\", "\\\\", "\\\"", "\\u0041", "\\u00", "\\ud83d", "\\ud83d\\ude00", "\\u0000", "\\*", "\\ ", "\\(", "^2", "~2", "~", "^",
    "[a", "b]", "{a", "f:", ":v", "f:(", "f:{a:1", "f:[1 TO", "f:[1,", "IN (", "NOT", "((((((((", "))))))))", "f:{g:{h:{",
    // odd characters
    "é", "e\u{301}", "ß", "ẞ", "İ", "ı", "ſ", "K", "Σ", "ς", "日本", "👩‍👩‍👧", "\u{202e}", "\u{0}", "\u{7f}", "\u{85}", "\u{2028}", "\u{fffd}",
    "\u{10ffff}", "ﬁ", "١٢", "Ⅷ", "ǅ", "\u{e000}", "«", "»", "“x”",
];

/// Reproducible and good enough for choosing tokens.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        // xorshift64*
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % end
    }

    fn text(&mut self) -> String {
        // mostly short: those are read to their end more often
        let most = [4, 8, 16, 48][self.below(4)];
        let length = self.below(most) + 1;
        let spaced = self.below(2) == 0;
        let mut out = String::new();
        for _ in 0..length {
            out.push_str(VOCABULARY[self.below(VOCABULARY.len())]);
            if spaced && self.below(3) == 0 {
                out.push(' ');
            }
        }
        out
    }
}

fn documents() -> Vec<Json> {
    let event = serde_json::json!({
        "timestamp": "2026-11-25T10:30:45.123Z", "event_type": "resource.modify", "severity": "info",
        "actor": {"id": 42, "email": "İß@company.com", "ip_address": "203.0.113.45"},
        "action": {"status": "failed"}, "resource": {"id": "x", "tags": {"a": "p q", "x.y/z": 1.0}},
        "changes": {"after": {"a": [1, "x", null, {"b": true}]}},
        "metadata": {"tags": ["a", "b"]}, "request": {"size": 200.0}, "list": [{"a": "x", "g": {"h": 1}}, []]
    });
    let other = serde_json::json!({
        "status": ["failed", null, 7], "a": {"b": "2026-11-21"}, "b": {"c": "10.1.2.3"}, "ip": "::1", "tags": "x", "user": "日本 ΣΣ"
    });
    [
        event,
        other,
        serde_json::json!({}),
        serde_json::json!(["a", {"status": "x"}]),
    ]
    .iter()
    .map(json)
    .collect()
}

fn assert_inside(text: &str, error: &QueryError) {
    let length = text.chars().count();
    assert!((1..=length + 1).contains(&error.position), "{text:?} {error:?}");
    assert!(
        text.get(error.span.start..error.span.end).is_some(),
        "{text:?} {error:?}"
    );
}

#[derive(Default, Debug)]
struct Seen {
    queries: usize,
    refused_by_parser: usize,
    refused_by_checker: usize,
    matches: usize,
    slowest: Duration,
}

fn run(text: &str, documents: &[Json], seen: &mut Seen) {
    let query = match parse(text, &Limits::default()) {
        Ok(query) => query,
        Err(error) => {
            assert_inside(text, &error);
            seen.refused_by_parser += 1;
            return;
        }
    };
    let printed = query.expr.to_string();
    // printing may need more parentheses than the text had
    let wider = Limits {
        nesting: 2 * Limits::default().nesting + 2,
        text_bytes: usize::MAX,
        ..Limits::default()
    };
    let again = parse(&printed, &wider).unwrap_or_else(|error| panic!("{text:?} is printed as {printed:?}: {error}"));
    assert_eq!(
        to_json(&again.expr, Spans::Hidden),
        to_json(&query.expr, Spans::Hidden),
        "{text:?} is printed as {printed:?}"
    );
    assert_eq!(again.expr.to_string(), printed, "{text:?}");
    let saved = |name: &str| (name == "s").then(|| "status:failed OR _saved_:none".to_owned());
    let options = CheckOptions {
        saved: Some(&saved),
        ..CheckOptions::default()
    };
    let checked = match check(&query, &options) {
        Ok(checked) => checked,
        Err(error) => {
            assert_inside(text, &error);
            seen.refused_by_checker += 1;
            return;
        }
    };
    let rechecked = check(&again, &options).unwrap_or_else(|error| panic!("{text:?}, {printed:?}: {error}"));
    seen.queries += 1;
    let sql = to_sql(&predicate(&checked), text, "UTC");
    assert!(
        !sql.condition.contains(&format!("${}", sql.parameters.len() + 1)),
        "{text:?}"
    );
    assert!(leaf(&checked.node, leaves(&checked.node).len()).is_none(), "{text:?}");
    let wanted = wanted(&checked);
    for document in documents {
        let held = holds(&checked, document);
        if let (true, Some(wanted)) = (held, &wanted) {
            assert!(
                has(wanted, &words(document)),
                "{text:?} wants {wanted:?} of {document:?}"
            );
        }
        assert_eq!(holds(&rechecked, document), held, "{text:?} is printed as {printed:?}");
        seen.matches += usize::from(held);
    }
}

/// The words of a document as the index has them.
fn words(document: &Json) -> HashSet<String> {
    let mut words = HashSet::new();
    each_text(JsonValue::Json(document), &mut |text| {
        words.extend(tokens::tokens(text).map(|word| fold::fold(word).into_owned()));
        if tokens::is_value(text) {
            words.insert(format!("={}", fold::fold(text)));
        }
    });
    words
}

fn has(wanted: &Wanted, words: &HashSet<String>) -> bool {
    match wanted {
        Wanted::Word(word) => words.contains(word),
        Wanted::Value(value) => words.contains(&format!("={value}")),
        Wanted::All(items) => items.iter().all(|item| has(item, words)),
        Wanted::Any(items) => items.iter().any(|item| has(item, words)),
    }
}

fn run_many(count: usize, seed: u64) {
    let documents = documents();
    let mut random = Random(seed);
    let mut seen = Seen::default();
    let begin = Instant::now();
    for _ in 0..count {
        let text = random.text();
        let start = Instant::now();
        run(&text, &documents, &mut seen);
        let mut took = start.elapsed();
        // a busy machine may take the processor away; a slow query is slow each time
        for _ in 0..5 {
            if took >= Duration::from_millis(50) {
                let start = Instant::now();
                run(&text, &documents, &mut Seen::default());
                took = took.min(start.elapsed());
            }
        }
        assert!(took < Duration::from_millis(50), "{took:?}: {text:?}");
        seen.slowest = seen.slowest.max(took);
    }
    eprintln!("{count} strings in {:?}: {seen:?}", begin.elapsed());
    // the strings reach every stage
    assert!(
        seen.queries > count / 50 && seen.refused_by_checker > 0 && seen.matches > 0,
        "{seen:?}"
    );
}

#[test]
fn random_tokens_break_nothing() {
    run_many(20_000, 20_261_125);
}

#[test]
#[ignore = "takes minutes; the short form runs always"]
fn a_million_random_token_strings_break_nothing() {
    run_many(1_000_000, 42);
}
