//! The deepest query that the limits allow needs little stack: PostgreSQL's processes have few MB.

mod support;

use auditlog_query::{Limits, parse};
use support::{compile, holds, json};

/// A debug build's frames are several times those of a release build.
const STACK: usize = if cfg!(debug_assertions) { 2 << 20 } else { 1 << 20 };

#[test]
fn the_deepest_queries_fit_into_a_small_stack() {
    let deepest = |open: &str, close: &str| format!("{}a{}", open.repeat(99), close.repeat(99));
    let queries = [
        deepest("(", ")"),
        deepest("(a OR b ", ")"),
        deepest("NOT ", ""),
        deepest("f:{", "}"),
        deepest("f:{a OR b ", "}"),
        format!("f:{}", deepest("(", ")")),
        format!("f:{}", deepest("(a OR b ", ")")),
        format!("{}a{}", "f:{g:(h:".repeat(49), ")}".repeat(49)),
        format!("{}a{}", "f:{g:(".repeat(5000), ")}".repeat(5000)),
    ];
    let deep = (0..100).fold(serde_json::json!("a"), |inner, _| serde_json::json!({"f": [inner]}));
    let run = move || {
        for query in queries {
            if let Ok(checked) = compile(&query) {
                holds(&checked, &json(&deep));
                let printed = parse(&query, &Limits::default()).expect("parses").expr.to_string();
                assert!(!printed.is_empty());
            }
        }
    };
    let thread = std::thread::Builder::new()
        .stack_size(STACK)
        .spawn(run)
        .expect("a thread");
    thread.join().expect("no overflow");
}
