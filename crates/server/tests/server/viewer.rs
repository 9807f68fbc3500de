//! Links of viewers: one list, for a short time, as their makers may see it; and nothing else by any trick.

use serde_json::{Value, json};

use crate::browser::{Browser, attributes, body, parsed, texts};
use crate::client::{Answer, request};
use crate::world::World;
use auditlog_testkit::{LONG, wait_until};

pub fn make(world: &World, name: &str, wanted: &Value) -> Answer {
    world.by(name, "POST", "/api/v1/viewer-links").json(wanted).send()
}

/// What is behind the # of a link.
pub fn link(answer: Answer) -> String {
    let made = answer.expect(201).json();
    let url = made["url"].as_str().expect("a link").to_owned();
    let (page, text) = url.split_once('#').expect("a part that is not sent");
    assert_eq!(page, "http://localhost/viewer");
    text.to_owned()
}

pub fn open(world: &World, fields: &[(&str, &str)]) -> Answer {
    request(world.address, "POST", "/viewer")
        .header("Accept", "text/html")
        .body("application/x-www-form-urlencoded", body(fields).as_bytes())
        .send()
}

pub fn types(answer: &Answer) -> Vec<String> {
    let mut types = types_in_order(answer);
    types.sort();
    types
}

/// As they are shown; without the tokens behind links, which makers see as they see all that they did.
fn types_in_order(answer: &Answer) -> Vec<String> {
    let mut types = texts(&parsed(answer), "tr.event td.c-type");
    types.retain(|shown| !shown.starts_with("auditlog."));
    types
}

#[test]
fn a_link_shows_its_list_as_its_maker_sees_it() {
    let world = World::new();
    world.record(&[
        ("a.one", "user_17"),
        ("a.two", "user_99"),
        ("a.three", "user_17"),
        ("b.four", "user_17"),
        ("a.five", "user_4"),
    ]);
    let wanted = json!({"query": "event_type:a.*", "name": "for the ticket", "columns": ["time", "type", "actor"], "minutes": 5});
    let answer = make(&world, "ann", &wanted);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.json()["sees"], "own");
    let ann = link(answer);
    let page = open(&world, &[("link", &ann)]).expect(200);
    assert_eq!(types(&page), ["a.one", "a.three"]);
    let html = parsed(&page);
    assert_eq!(texts(&html, "thead th"), ["Time", "Event type", "Actor"]);
    let words = texts(&html, "main").concat();
    assert!(
        words.contains("ann@example.com") && words.contains("event_type:a.*"),
        "{words}"
    );
    // Nothing leads anywhere else, and there is nothing to fill in.
    assert!(
        attributes(&html, "a:not(.skip)", "href").is_empty(),
        "{:?}",
        attributes(&html, "a", "href")
    );
    assert!(
        attributes(
            &html,
            "nav.main-nav, header.top, input:not([type=hidden]), select, textarea",
            "class"
        )
        .is_empty()
    );
    for set in ["set-cookie", "x-csrf-token"] {
        assert!(page.header(set).is_none(), "{set}");
    }
    // The manager's has the team's events; a whole address may be pasted.
    let mia = link(make(&world, "mia", &json!({"query": "event_type:a.*"})));
    assert_eq!(
        types(&open(&world, &[("link", &format!("http://x/viewer#{mia}"))]).expect(200)),
        ["a.five", "a.one", "a.three"]
    );
    // A time and an order.
    let none = link(make(&world, "ann", &json!({"end_time": "2020-01-01T00:00:00Z"})));
    assert!(
        open(&world, &[("link", &none)])
            .expect(200)
            .text()
            .contains("No events match")
    );
    let oldest = link(make(&world, "ann", &json!({"order": "oldest"})));
    let page = open(&world, &[("link", &oldest)]).expect(200);
    assert_eq!(types_in_order(&page), ["a.one", "a.three", "b.four"]);
    // Fields of a form change nothing.
    let fields = [
        ("link", ann.as_str()),
        ("q", "*"),
        ("query", "*"),
        ("cols", "ip"),
        ("since", "x"),
    ];
    assert_eq!(types(&open(&world, &fields).expect(200)), ["a.one", "a.three"]);
}

#[test]
fn pages_follow_each_other_within_a_link() {
    let world = World::new();
    let events: Vec<(&str, &str)> = (0..60).map(|_| ("a.b", "user_17")).collect();
    world.record(&events);
    let (one, two) = (
        link(make(&world, "ann", &json!({"query": "event_type:a.b"}))),
        link(make(&world, "ann", &json!({"query": "event_type:a.*"}))),
    );
    let first = open(&world, &[("link", &one)]).expect(200);
    assert_eq!(types(&first).len(), 50);
    let html = parsed(&first);
    assert_eq!(
        attributes(&html, "form[action='/viewer'] input[name=link]", "value"),
        [one.as_str()]
    );
    let cursor = attributes(&html, "input[name=cursor]", "value").remove(0);
    let second = open(&world, &[("link", &one), ("cursor", &cursor)]).expect(200);
    assert_eq!(types(&second).len(), 10);
    assert!(attributes(&parsed(&second), "input[name=cursor]", "value").is_empty());
    // Another link's, and one that is changed.
    open(&world, &[("link", &two), ("cursor", &cursor)]).expect(400);
    open(&world, &[("link", &one), ("cursor", "AAAA")]).expect(400);
}

#[test]
fn what_is_altered_over_or_taken_back_shows_nothing() {
    let world = World::new();
    world.record(&[("a.one", "user_17")]);
    let answer = make(&world, "ann", &json!({})).expect(201).json();
    let text = answer["url"]
        .as_str()
        .and_then(|url| url.split_once('#'))
        .expect("a link")
        .1
        .to_owned();
    for at in [0, 1, 20, 30, text.len() / 2, text.len() - 2] {
        let mut changed = text.clone().into_bytes();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).expect("ASCII");
        let refused = open(&world, &[("link", &changed)]).expect(400);
        assert!(!refused.text().contains("a.one"), "{at}");
    }
    for wrong in ["", "x", "pgal_AAAA", "<script>alert(1)</script>", &"A".repeat(20_000)] {
        assert!(
            !open(&world, &[("link", wrong)])
                .expect(400)
                .text()
                .contains("<script>alert")
        );
    }
    // Another server's, with another secret.
    assert_eq!(open(&World::new(), &[("link", &text)]).status, 400);
    open(&world, &[("link", &text)]).expect(200);
    // Nobody else's to take back; then at once.
    let target = format!("/api/v1/viewer-links/{}", answer["id"]);
    world.by("mia", "DELETE", &target).send().expect(404);
    let listed = world.get("ann", "/api/v1/viewer-links").expect(200).json();
    assert_eq!(
        (&listed["items"][0]["name"], &listed["items"][0]["state"]),
        (&json!("viewer link"), &json!("good"))
    );
    assert_eq!(
        world.get("mia", "/api/v1/viewer-links").expect(200).json()["items"],
        json!([])
    );
    world.by("ann", "DELETE", &target).send().expect(204);
    let over = open(&world, &[("link", &text)]).expect(410);
    assert!(over.text().contains("taken back") && !over.text().contains("a.one"));
    // A token that is no link is none of these.
    let token = world
        .by("ann", "POST", "/api/v1/tokens")
        .json(&json!({"name": "t", "scopes": ["read"]}));
    token.send().expect(201);
    let id = &world.get("ann", "/api/v1/tokens").expect(200).json()["items"][0]["id"];
    world
        .by("ann", "DELETE", &format!("/api/v1/viewer-links/{id}"))
        .send()
        .expect(404);
    // Whoever is no principal any more, or has lost what it sees by, shows nothing by older links.
    let (ann, mia) = (
        link(make(&world, "ann", &json!({}))),
        link(make(&world, "mia", &json!({}))),
    );
    assert_eq!(types(&open(&world, &[("link", &mia)]).expect(200)), ["a.one"]);
    let sql =
        "SELECT auditlog.alter_principal('user_4', '{\"manages\": []}'); SELECT auditlog.drop_principal('user_17')";
    world.superuser().batch_execute(sql).expect("changes");
    assert!(types(&open(&world, &[("link", &mia)]).expect(200)).is_empty());
    open(&world, &[("link", &ann)]).expect(410);
}

#[test]
fn a_makers_role_counts_while_it_lasts() {
    let world = World::new();
    let mut client = world.superuser();
    world.record(&[("a.one", "user_17"), ("a.two", "user_99")]);
    client
        .batch_execute("CREATE ROLE vera LOGIN PASSWORD 'vera' IN ROLE auditlog_analyst")
        .expect("a role");
    make(&world, "vera", &json!({})).expect(409);
    client
        .batch_execute("SELECT auditlog.add_principal('vera', actor_id => 'user_7', email => 'vera@example.com')")
        .expect("a principal");
    // The authenticator is no member of vera: less than she sees, and both the answer and the page say so.
    let answer = make(&world, "vera", &json!({})).expect(201);
    assert_eq!(answer.json()["sees"], "own");
    assert!(types(&open(&world, &[("link", &link(answer))]).expect(200)).is_empty());
    let fields = [
        ("q", "a"),
        ("cols", "time"),
        ("cols", "type"),
        ("return_to", "/search?q=a"),
    ];
    let page = Browser::of(&world, "vera").post("/search/link", &fields).expect(201);
    assert!(page.text().contains("shows less than you see"));
    client.batch_execute("GRANT vera TO authenticator").expect("GRANT");
    let answer = make(&world, "vera", &json!({"query": "event_type:a.*"})).expect(201);
    assert_eq!(answer.json()["sees"], "all");
    let text = link(answer);
    assert_eq!(types(&open(&world, &[("link", &text)]).expect(200)), ["a.one", "a.two"]);
    client
        .batch_execute("REVOKE auditlog_analyst FROM vera")
        .expect("REVOKE");
    let refused = open(&world, &[("link", &text)]);
    assert!(
        types(&refused).is_empty() && refused.status == 403,
        "{}",
        refused.status
    );
    client
        .batch_execute("GRANT auditlog_analyst TO vera; REVOKE vera FROM authenticator")
        .expect("back");
    assert!(types(&open(&world, &[("link", &text)]).expect(200)).is_empty());
    client.batch_execute("DROP ROLE vera").expect("DROP ROLE");
}

#[test]
fn a_link_is_good_for_minutes_and_for_nothing_else() {
    let world = World::with(|given| given.viewer_longest = Some("5m".parse().expect("a time")));
    world.record(&[("a.one", "user_17")]);
    let text = link(make(&world, "ann", &json!({"query": "event_type:a.one"})));
    for (target, method) in [
        ("/api/v1/audit-logs", "GET"),
        ("/api/v1/whoami", "GET"),
        ("/api/v1/audit-logs/stream", "GET"),
        ("/api/v1/tokens", "GET"),
        ("/api/v1/viewer-links", "GET"),
        ("/search", "GET"),
    ] {
        let request = request(world.address, method, target).header("Accept", "application/json");
        let bearer = request
            .clone()
            .header("Authorization", &format!("Bearer {text}"))
            .send();
        let cookie = request.header("Cookie", &format!("__Host-auditlog={text}")).send();
        for answer in [bearer, cookie] {
            assert!(matches!(answer.status, 401 | 303), "{target}: {}", answer.status);
        }
    }
    for wrong in [
        json!({"minutes": 6}),
        json!({"minutes": 0}),
        json!({"minutes": -1}),
        json!({"columns": ["<b>"]}),
        json!({"query": "status:("}),
        json!({"query": "a\u{0}"}),
        json!({"start_time": "yesterday"}),
        json!({"end_time": "'; DROP"}),
        json!({"name": "x\ny"}),
        json!({"name": "x".repeat(81)}),
        json!({"token": "pgal_x"}),
    ] {
        make(&world, "ann", &wrong).expect(400);
    }
    let problem = make(&world, "ann", &json!({"query": "status:(a"})).json();
    assert_eq!(problem["errors"][0]["position"], 8);
    let long = make(&world, "ann", &json!({"query": "x ".repeat(9_000)})).status;
    assert!(matches!(long, 400 | 422), "{long}");
    for nobody in ["wri", "nob"] {
        make(&world, nobody, &json!({})).expect(403);
    }
    // A token makes none, whatever it is good for.
    for scopes in [json!(["read"]), Value::Null] {
        let token = world
            .by("ann", "POST", "/api/v1/tokens")
            .json(&json!({"name": "t", "scopes": scopes}));
        let token = token.send().expect(201).json()["token"]
            .as_str()
            .expect("a token")
            .to_owned();
        let request = world.anonymous("POST", "/api/v1/viewer-links").json(&json!({}));
        request
            .header("Authorization", &format!("Bearer {token}"))
            .send()
            .expect(403);
    }
    // The end is the database's, too: what the link says of it is not believed.
    let mut client = world.superuser();
    let seconds: f64 = client
        .query_one("SELECT extract(epoch FROM max(expires_at) - now())::float8 FROM auditlog.tokens WHERE name LIKE 'viewer link%'", &[])
        .expect("the end")
        .get(0);
    assert!((240.0..=301.0).contains(&seconds), "{seconds}");
    let without = World::with(|given| given.authenticator = None);
    make(&without, "ann", &json!({})).expect(409);
}
