//! What holds for every text and every search.

use auditlog_pages::components::query_box::{Problem, QueryBox, query_box};
use auditlog_pages::text;
use auditlog_pages::url::{self, Column, LIMITS, Order, PRESETS, Range, SearchState};
use chrono::{DateTime, Utc};
use proptest::prelude::*;
use scraper::{Html, Selector};

/// Characters that attack, and others.
fn hostile() -> impl Strategy<Value = String> {
    let character = prop_oneof![
        any::<char>(),
        prop::sample::select(vec![
            '<', '>', '&', '"', '\'', '/', '\\', '\u{202e}', '\u{200b}', '\0', '\n', '\u{301}', '#', '(', ')', '*',
            ':', ' ', '|'
        ]),
        proptest::char::range('a', 'z'),
    ];
    prop::collection::vec(character, 0..60).prop_map(String::from_iter)
}

fn moment() -> impl Strategy<Value = DateTime<Utc>> {
    (0_i64..4_000_000_000, 0_u32..1_000_000).prop_map(|(s, us)| DateTime::from_timestamp(s, us * 1000).unwrap())
}

fn range() -> impl Strategy<Value = Range> {
    prop_oneof![
        (0..PRESETS.len()).prop_map(|i| Range::preset(PRESETS[i].0).unwrap()),
        (moment(), moment()).prop_map(|(since, until)| Range::Custom {
            since: Some(since),
            until: Some(until)
        }),
        moment().prop_map(|since| Range::Custom {
            since: Some(since),
            until: None
        }),
        moment().prop_map(|until| Range::Custom {
            since: None,
            until: Some(until)
        }),
    ]
}

prop_compose! {
    fn state()(query in hostile(), range in range(), oldest: bool, columns in prop::sample::subsequence(Column::ALL.to_vec(), 1..Column::ALL.len()).prop_shuffle(),
               limit in prop::sample::select(LIMITS.to_vec()), after in prop::option::of("[ -~]{1,80}")) -> SearchState {
        SearchState { query: query.replace("\r\n", "\n").replace('\0', ""), range, order: if oldest { Order::Oldest } else { Order::Newest }, columns, limit, after }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn nothing_hidden_is_shown(value in hostile()) {
        for markup in [text::value(&value), text::long_value(&value), text::short_value(&value, 10), text::block(&value)] {
            let html = Html::parse_fragment(&markup.into_string());
            let shown: String = html.root_element().text().collect();
            prop_assert!(shown.chars().all(|c| c == '\n' || !text::is_deceptive(c)), "{shown:?}");
            prop_assert!(html.root_element().descendent_elements().all(|e| matches!(e.value().name(), "html" | "bdi" | "span" | "details" | "summary" | "div" | "p")));
        }
        prop_assert!(text::plain(&value).chars().all(|c| !text::is_deceptive(c)));
    }

    #[test]
    fn what_is_harmless_is_shown_as_it_is(value in "[ -~]{1,60}") {
        let html = Html::parse_fragment(&text::value(&value).into_string());
        prop_assert_eq!(html.root_element().text().collect::<String>(), value);
    }

    #[test]
    fn a_search_is_in_its_address(state in state()) {
        let (back, wrong) = SearchState::parse(&state.query_string());
        let ordered = !matches!(&state.range, Range::Custom { since: Some(since), until: Some(until) } if since >= until);
        prop_assert!(wrong.is_empty() == ordered, "{wrong:?}");
        prop_assert_eq!(back, state.clone());
        prop_assert!(state.href().bytes().all(|b| b.is_ascii_graphic() && !b"\"'<>`".contains(&b)));
    }

    #[test]
    fn any_query_string_is_read(query in hostile()) {
        let (state, _) = SearchState::parse(&query);
        prop_assert_eq!(SearchState::parse(&state.query_string()).0, state);
    }

    #[test]
    fn a_facet_narrows_to_its_value(value in hostile(), query in "(status:failed|a OR b|a # b|\\(x\\)|)") {
        prop_assume!(!value.contains('\0') && !value.is_empty());
        let narrowed = url::narrow(&query, &url::term("resource.id", &value));
        let parsed = auditlog_query::parse(&narrowed, &auditlog_query::Limits::default());
        prop_assert!(parsed.is_ok(), "{narrowed:?}: {parsed:?}");
        prop_assert!(narrowed.chars().all(|c| c == '\n' || !text::is_deceptive(c)));
    }

    #[test]
    fn an_event_has_a_page(id in hostile()) {
        let href = url::event(&id);
        prop_assert!(href.starts_with("/events/") || href.starts_with("/events?id="));
        let path = href.strip_prefix("/events/").unwrap_or("");
        prop_assert!(!path.contains('/') && path != "." && path != ".." && href.is_ascii());
        let encoded = href.rsplit(['/', '=']).next().unwrap_or("");
        prop_assert_eq!(&url::pairs(&format!("x={encoded}"))[0].1, &id);
    }

    #[test]
    fn any_problem_can_be_shown(query in hostile(), position in 0_usize..90, length in 0_usize..9) {
        let problem = Problem { position, length, message: query.clone(), hint: Some(query.clone()) };
        let markup = query_box(QueryBox { id: "q", name: "q", label: "Query", value: &query, problem: Some(&problem), main: true });
        let html = Html::parse_fragment(&markup.into_string());
        let marks = html.select(&Selector::parse("mark").unwrap()).count();
        prop_assert_eq!(marks, 1);
    }
}

#[test]
fn the_vectors_hold() {
    let vectors: Vec<(String, String)> = serde_json::from_str(include_str!("text-vectors.json")).unwrap();
    for (text, expected) in vectors {
        assert_eq!(text::plain(&text), expected, "{text:?}");
    }
}

#[test]
fn nobody_is_sent_elsewhere() {
    for path in ["/", "/search?q=a%20b", "/events/x"] {
        assert_eq!(url::local(path), path);
    }
    for path in [
        "",
        "//evil.example",
        "/\\evil.example",
        "https://evil.example",
        "javascript:alert(1)",
        "/\t/evil.example",
        "/a\r\nb",
    ] {
        assert_eq!(url::local(path), "/", "{path:?}");
    }
}

#[test]
fn facets_keep_the_meaning() {
    assert_eq!(url::narrow("a OR b", "status:x"), "(a OR b) AND status:x");
    assert_eq!(url::narrow("a AND b", "status:x"), "a AND b AND status:x");
    assert_eq!(url::narrow("a # why", "status:x"), "(a # why\n) AND status:x");
    assert_eq!(url::narrow("a AND status:x", "status:x"), "a AND status:x");
    assert_eq!(url::narrow("a AND b ", ""), "a AND b");
    assert_eq!(url::term("actor.email", "a@b.example"), "actor.email:a@b.example");
    assert_eq!(
        url::term("resource.id", "x \"y\" \u{202e}*"),
        "resource.id:=\"x \\\"y\\\" \\u202e*\""
    );
    assert_eq!(url::term("resource.id", "or"), "resource.id:=\"or\"");
    assert_eq!(url::term_pattern("authentication.*"), "authentication.*");
}
