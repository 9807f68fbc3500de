//! Sigma rules are queries: every rule of the shared data is translated, printed, read again and
//! evaluated. Run with `--nocapture` to see what was not translated, and why.

mod condition;
mod document;
mod query;
mod rule;
#[path = "../support/mod.rs"]
mod support;

use auditlog_query::json::{Spans, to_json};
use auditlog_query::{Limits, parse};
use rule::Rule;
use serde_json::json;
use std::path::{Path, PathBuf};
use support::{compile, holds, json};

fn rules(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            rules(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "yml") {
            found.push(path);
        }
    }
}

/// What is wrong with the rule's query, if anything; says whether a document was made for it.
fn judge(rule: &Rule, text: &str) -> Result<bool, String> {
    let shown = |error: auditlog_query::QueryError| format!("{error}\n{}", error.detail);
    let parsed = parse(text, &Limits::default()).map_err(shown)?;
    let checked = compile(text).map_err(shown)?;
    let printed = parsed.expr.to_string();
    let again = parse(&printed, &Limits::default()).map_err(shown)?;
    if to_json(&again.expr, Spans::Hidden) != to_json(&parsed.expr, Spans::Hidden) {
        return Err(format!("printed as another query: {printed}"));
    }
    let negative = document::holds_for_nothing(rule);
    for empty in [
        json!({}),
        json!({"timestamp": "2026-11-25T00:00:00Z", "event_type": "other.event"}),
    ] {
        if holds(&checked, &json(&empty)) != negative {
            return Err(format!("is {} for {empty}", !negative));
        }
    }
    let Some(document) = document::document(rule) else {
        return Ok(false);
    };
    if holds(&checked, &json(&document)) {
        Ok(true)
    } else {
        Err(format!("is false for {document}"))
    }
}

#[test]
fn rules_are_queries() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/sigma/rules");
    let mut paths = Vec::new();
    rules(&folder, &mut paths);
    if paths.is_empty() {
        eprintln!("skipped: {} is absent", folder.display());
        return;
    }
    paths.sort();
    let (mut documents, mut other, mut wrong) = (0, Vec::new(), Vec::new());
    for path in &paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let yaml = std::fs::read_to_string(path).expect("a readable rule");
        let translated = Rule::read(&yaml).and_then(|rule| query::query(&rule).map(|text| (rule, text)));
        match translated {
            Err(why) => other.push(format!("{name}: {why}")),
            Ok((rule, text)) => match judge(&rule, &text) {
                Ok(made) => documents += usize::from(made),
                Err(how) => wrong.push(format!("{name}: {text}\n  {how}")),
            },
        }
    }
    assert!(wrong.is_empty(), "{} rules:\n{}", wrong.len(), wrong.join("\n"));
    // two fields of an event cannot be compared, and free text is words: it has no «../../»
    let known = ["modifier fieldref", "keyword without a letter or digit"];
    assert!(
        other.iter().all(|why| known.iter().any(|reason| why.ends_with(reason))),
        "{other:?}"
    );
    eprintln!(
        "{} rules, {} translated, {documents} of them with a document of their own; not translated: {}",
        paths.len(),
        paths.len() - other.len(),
        other.join("; ")
    );
}

#[test]
fn modifiers_that_few_rules_use_are_translated() {
    for (detection, expected) in [
        ("{s: {f|cidr: 10.0.0.0/8}, condition: s}", "f:\"10.0.0.0/8\""),
        ("{s: {f|gte: 5, g|lt: 2}, condition: s}", "(f:>=5 AND g:<2)"),
        (
            "{s: {f|exists: true, g|exists: false}, condition: s}",
            "(f:* AND NOT g:*)",
        ),
        ("{s: {f|cased: Ab}, condition: s}", "f:=\"Ab\""),
        ("{s: {f|contains|cased: A.b}, condition: s}", r#"f:~"(?s).*A\.b.*""#),
        (
            "{s: {f|re|i: 'a\"b'}, condition: s}",
            r#"f:~"(?s:.*)(?:(?i)a\"b)(?s:.*)""#,
        ),
        ("{s: {f|neq: [a, b]}, condition: s}", "(NOT f:\"a\" OR NOT f:\"b\")"),
        (
            "{s: {f|contains|all: [a b, 'c*']}, condition: s}",
            r"(f:*a\ b* AND f:*c*)",
        ),
        ("{s: {f: 'a\\*b?', g: null}, condition: s}", r"(f:a\*b? AND NOT g:*)"),
        ("{s: {'|all': [a, b]}, condition: s}", "(\"a\" AND \"b\")"),
        (
            "{s1: {a: 1}, s2: {b: 2}, t: {c: 3}, condition: not (1 of s* or t) and all of them}",
            "(NOT ((a:\"1\" OR b:\"2\") OR c:\"3\") AND (a:\"1\" AND b:\"2\" AND c:\"3\"))",
        ),
        (
            "{s: {status: a, user.x: b}, condition: s}",
            "(\"status\":\"a\" AND \"user\".x:\"b\")",
        ),
    ] {
        let rule = Rule::read(&format!("detection: {detection}")).unwrap_or_else(|why| panic!("{detection}: {why}"));
        let text = query::query(&rule).expect("translates");
        assert_eq!(text, expected);
        if expected.contains("NOT (") {
            continue; // contradicts itself
        }
        judge(&rule, &text).unwrap_or_else(|why| panic!("{text}: {why}"));
    }
    for (detection, why) in [
        ("{s: {f|fieldref: g}, condition: s}", "fieldref"),
        ("{s: ['*-*'], condition: s}", "letter"),
        ("{s: [a], condition: s and}", "ends early"),
        ("{s: [a], condition: (s}", "not closed"),
        ("{s: [a], condition: t}", "no selection t"),
    ] {
        let error = Rule::read(&format!("detection: {detection}")).and_then(|rule| query::query(&rule));
        assert!(error.is_err_and(|error| error.contains(why)), "{detection}");
    }
}
