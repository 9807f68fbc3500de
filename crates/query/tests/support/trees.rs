//! Random queries, documents and token strings.
#![allow(dead_code)] // each test file uses a part

use auditlog_core::json::Json;
use auditlog_query::ast::{Bound, Expr, ExprKind, Order, Part, Path, Scalar, Segment, Value, ValueKind};
use auditlog_query::span::Span;
use proptest::prelude::*;

const HERE: Span = Span { start: 0, end: 0 };

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zA-Z0-9_.:@/-]{1,8}",
        "[ -~]{1,8}",
        "\\PC{1,4}",
        prop::sample::select(vec![
            "and",
            "OR",
            "not",
            "to",
            "IN",
            "null",
            "now-1d/d",
            "10.0.0.0/8",
            "200",
            "_exists_",
            "#x",
            "a\\",
            "\\u0041",
            "C:\\new\\x",
            "a\nb",
            "é",
            "ΑΣ",
            "~",
            "^2",
            "&&",
            "||",
            "-x",
            "'q'",
            "/re/",
            "[a]",
            "{",
            "\\*",
            "x~1",
        ])
        .prop_map(str::to_owned),
    ]
}

fn parts() -> impl Strategy<Value = Vec<Part>> {
    let part = prop_oneof![4 => text().prop_map(Part::Text), 1 => Just(Part::Many), 1 => Just(Part::One)];
    prop::collection::vec(part, 1..4).prop_map(|parts| {
        let mut out: Vec<Part> = Vec::new();
        for part in parts {
            match (out.last_mut(), part) {
                (Some(Part::Text(last)), Part::Text(more)) => last.push_str(&more),
                (Some(Part::Many), Part::Many) => {}
                (_, part) => out.push(part),
            }
        }
        out
    })
}

fn scalar(wild: bool) -> BoxedStrategy<Scalar> {
    let of = |parts, quoted| Scalar {
        span: HERE,
        parts,
        quoted,
    };
    let plain = text().prop_map(move |text| of(vec![Part::Text(text)], false));
    let quoted = prop::option::of(text()).prop_map(move |text| of(text.map(Part::Text).into_iter().collect(), true));
    if !wild {
        return prop_oneof![plain, quoted].boxed();
    }
    let prefix = text().prop_map(move |text| of(vec![Part::Text(text), Part::Many], true));
    let pattern = parts()
        .prop_filter("a star alone is another node", |parts| *parts != [Part::Many])
        .prop_map(move |parts| of(parts, false));
    prop_oneof![3 => plain, 2 => quoted, 1 => prefix, 2 => pattern].boxed()
}

fn path() -> impl Strategy<Value = Path> {
    let known = prop::sample::select(vec![
        "status",
        "event_type",
        "actor.email",
        "tags",
        "a",
        "a.b",
        "not",
        "_saved_",
    ])
    .prop_map(|path| path.split('.').map(|name| (name.to_owned(), false)).collect::<Vec<_>>());
    let any = prop::collection::vec((text(), any::<bool>()), 1..3);
    prop_oneof![2 => known, 1 => any].prop_map(|segments| Path {
        span: HERE,
        segments: segments
            .into_iter()
            .map(|(name, quoted)| Segment { name, quoted })
            .collect(),
    })
}

fn regex() -> impl Strategy<Value = ValueKind> {
    let pattern = prop::sample::select(vec![
        "a.*", "a|b", "\\d+", "a/b", "x\"y", "(?i)z", "\\\\", "a b", "[/]", "\\.",
    ]);
    (pattern, any::<bool>()).prop_map(|(pattern, ignore_case)| ValueKind::Regex {
        pattern: pattern.to_owned(),
        ignore_case,
    })
}

fn value(leaf_expr: BoxedStrategy<Expr>) -> BoxedStrategy<Value> {
    let bound =
        || (any::<bool>(), prop::option::of(scalar(false))).prop_map(|(inclusive, value)| Bound { inclusive, value });
    let order = prop::sample::select(vec![
        Order::Less,
        Order::LessOrEqual,
        Order::Greater,
        Order::GreaterOrEqual,
    ]);
    let leaf = prop_oneof![
        1 => Just(ValueKind::Exists),
        4 => scalar(true).prop_map(ValueKind::Equals),
        1 => regex(),
        1 => (order, scalar(false)).prop_map(|(order, scalar)| ValueKind::Compare(order, scalar)),
        1 => (bound(), bound()).prop_map(|(low, high)| ValueKind::Range(low, high)),
        1 => prop::collection::vec(scalar(true), 0..4).prop_map(ValueKind::List),
        1 => leaf_expr.prop_map(|expr| ValueKind::Nested(Box::new(expr))),
    ]
    .prop_map(|kind| Value { span: HERE, kind });
    let other = (path(), scalar(true)).prop_map(|(path, literal)| {
        let value = Value {
            span: HERE,
            kind: ValueKind::Equals(literal),
        };
        let kind = ValueKind::Other(Box::new(Expr {
            span: HERE,
            kind: ExprKind::Field(path, value),
        }));
        Value { span: HERE, kind }
    });
    prop_oneof![8 => leaf, 1 => other]
        .prop_recursive(3, 12, 3, |inner| {
            let of = |kind| Value { span: HERE, kind };
            prop_oneof![
                prop::collection::vec(inner.clone(), 2..4).prop_map(move |items| of(ValueKind::And(items))),
                prop::collection::vec(inner.clone(), 2..4).prop_map(move |items| of(ValueKind::Or(items))),
                inner.prop_map(move |item| of(ValueKind::Not(Box::new(item)))),
            ]
        })
        .boxed()
}

fn leaf(nested: BoxedStrategy<Expr>) -> BoxedStrategy<Expr> {
    let exact = scalar(false).prop_map(|scalar| Value {
        span: HERE,
        kind: ValueKind::Exact(scalar),
    });
    prop_oneof![
        1 => Just(ExprKind::All),
        3 => scalar(true).prop_map(ExprKind::Text),
        1 => scalar(false).prop_map(ExprKind::Saved),
        6 => (path(), value(nested)).prop_map(|(path, value)| ExprKind::Field(path, value)),
        1 => (path(), exact).prop_map(|(path, value)| ExprKind::Field(path, value)),
    ]
    .prop_map(|kind| Expr { span: HERE, kind })
    .boxed()
}

/// Any tree that a text can have.
pub fn expr() -> BoxedStrategy<Expr> {
    let word = scalar(true)
        .prop_map(|literal| Expr {
            span: HERE,
            kind: ExprKind::Text(literal),
        })
        .boxed();
    leaf(leaf(word))
        .prop_recursive(4, 24, 4, |inner| {
            let of = |kind| Expr { span: HERE, kind };
            prop_oneof![
                prop::collection::vec(inner.clone(), 2..4).prop_map(move |items| of(ExprKind::And(items))),
                prop::collection::vec(inner.clone(), 2..4).prop_map(move |items| of(ExprKind::Or(items))),
                inner.prop_map(move |item| of(ExprKind::Not(Box::new(item)))),
            ]
        })
        .boxed()
}

/// Pieces of queries in any order.
pub fn tokens() -> impl Strategy<Value = String> {
    let token = prop::sample::select(vec![
        "a",
        "status",
        "actor.email",
        "timestamp",
        "ip",
        "tags",
        "event_type",
        "severity",
        "x-y",
        "\"p q\"",
        "'r'",
        ":",
        "=",
        "==",
        "!=",
        ":=",
        ":~",
        ">",
        ">=",
        "<",
        "<=",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        " TO ",
        " AND ",
        " OR ",
        " NOT ",
        " IN ",
        "&&",
        "||",
        "!",
        "-",
        "+",
        "*",
        "?",
        "/",
        "/re/",
        "/(/i",
        "\\",
        "\\u0041",
        "\\ud83d",
        "~2",
        "^3",
        "|",
        ",",
        ".",
        " ",
        "\t",
        "\n",
        "#c\n",
        "\"",
        "'",
        "now",
        "-1d",
        "/d",
        "2026-11-21",
        "||+1M",
        "10.0.0.0/8",
        "203.0.113.*",
        "::1",
        "200",
        "-1.5e3",
        "null",
        "_exists_:",
        "_missing_:",
        "_saved_:",
        "é",
        "İ",
        "\u{3000}",
        "9999-99-99",
        "/99",
    ]);
    prop::collection::vec(token, 0..24).prop_map(|tokens| tokens.concat())
}

/// Events with the values that [`tokens`] and [`expr`] speak of.
pub fn document() -> impl Strategy<Value = Json> {
    let scalar = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::Bool),
        prop::sample::select(vec!["200", "-1500", "1.50"]).prop_map(|n| Json::Number(n.to_owned())),
        prop::sample::select(vec![
            "a",
            "p q",
            "10.1.2.3",
            "2026-11-21T05:00:00Z",
            "failed",
            "200",
            "warning",
            ""
        ])
        .prop_map(|s| Json::String(s.to_owned())),
    ];
    let value = scalar.prop_recursive(2, 6, 3, |inner| {
        let member = (prop::sample::select(vec!["a", "b"]), inner.clone());
        prop_oneof![
            prop::collection::vec(inner, 0..3).prop_map(Json::Array),
            prop::collection::btree_map(member.0, member.1, 0..3)
                .prop_map(|map| Json::Object(map.into_iter().map(|(k, v)| (k.to_owned(), v)).collect())),
        ]
    });
    let keys = vec![
        "a",
        "status",
        "tags",
        "timestamp",
        "event_type",
        "severity",
        "actor",
        "action",
        "metadata",
    ];
    prop::collection::btree_map(prop::sample::select(keys), value, 0..6)
        .prop_map(|map| Json::Object(map.into_iter().map(|(k, v)| (k.to_owned(), v)).collect()))
}
