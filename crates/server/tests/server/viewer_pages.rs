//! The page of a viewer's link, and the one on which it is made.

use serde_json::{Value, json};

use crate::browser::{Browser, attributes, body, parsed, texts};
use crate::client::{Answer, request};
use crate::viewer::{link, make, open, types};
use crate::world::World;
use auditlog_testkit::{LONG, wait_until};

#[test]
fn only_named_sites_have_it_in_a_frame() {
    let world = World::new();
    let closed = request(world.address, "GET", "/viewer").send().expect(200);
    assert_eq!(
        closed.header("content-security-policy"),
        Some(auditlog_pages::assets::CONTENT_SECURITY_POLICY)
    );
    assert_eq!(closed.header("x-frame-options"), Some("DENY"));
    let world = World::with(|given| {
        given.viewer_origins = Some("https://portal.example.com, https://wiki.example.com:8443".to_owned());
    });
    let text = link(make(&world, "ann", &json!({})));
    for answer in [
        request(world.address, "GET", "/viewer").send().expect(200),
        open(&world, &[("link", &text)]).expect(200),
        open(&world, &[("link", "x")]).expect(400),
    ] {
        let policy = answer.header("content-security-policy").expect("a policy");
        let ancestors = "frame-ancestors https://portal.example.com https://wiki.example.com:8443;";
        assert!(
            policy.contains(ancestors) && policy.contains("default-src 'self'"),
            "{policy}"
        );
        assert!(policy.contains("require-trusted-types-for 'script'") && policy.contains("form-action 'self'"));
        assert_eq!(answer.header("x-frame-options"), None);
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert!(!answer.text().contains("name=\"referrer\""), "the header counts");
    }
    // All other pages stay out of frames.
    for page in ["/login", "/search"] {
        let answer = Browser::of(&world, "ann").get(page);
        assert_eq!(answer.header("x-frame-options"), Some("DENY"), "{page}");
        assert!(
            answer
                .header("content-security-policy")
                .expect("a policy")
                .contains("frame-ancestors 'none'")
        );
    }
}

#[test]
fn hostile_texts_are_text() {
    let world = World::new();
    let hostile = "</code><script>alert(1)</script>\"><img src=x onerror=alert(1)>\u{202e}";
    let document = json!({"event_type": "a.b", "actor": {"type": "user", "id": "user_17", "email": hostile},
        "resource": {"type": hostile, "id": hostile}, "changes": {"before": {*hostile: 1}, "after": {*hostile: 2}}});
    let mut client = world.superuser();
    client
        .query("SELECT auditlog.record($1::text::jsonb)", &[&document.to_string()])
        .expect("an event");
    world.sealed(&mut client);
    let query = format!("event_type:a.b OR {}", auditlog_pages::url::term("user", hostile));
    let columns = json!(["time", "type", "actor", "resource", "change"]);
    let text = link(make(
        &world,
        "ann",
        &json!({"query": query, "columns": columns, "name": "<script>"}),
    ));
    let page = open(&world, &[("link", &text)]).expect(200);
    assert_eq!(types(&page), ["a.b"]);
    assert!(page.text().contains("alert(1)"));
    let html = parsed(&page);
    assert!(attributes(&html, "img, iframe, main script", "src").is_empty() && texts(&html, "main script").is_empty());
    assert!(!page.text().contains('\u{202e}'));
    let ann = Browser::of(&world, "ann");
    for wrong in [hostile, "status:("] {
        let page = ann
            .post("/search/link", &[("q", wrong), ("cols", wrong), ("return_to", hostile)])
            .expect(422);
        assert!(!page.text().contains("<script>alert") && !page.text().contains("<img src=x"));
    }
}

#[test]
fn people_make_them_on_the_search_page_and_the_journal_has_each_use() {
    let world = World::with(|given| given.viewer_origins = Some("https://portal.example.com".to_owned()));
    world.record(&[("a.one", "user_17")]);
    let mut client = world.superuser();
    let sql = format!("ALTER DATABASE {} SET auditlog.access_log = on", world.database);
    client.batch_execute(&sql).expect("a setting");
    let ann = Browser::of(&world, "ann");
    let page = parsed(
        &ann.get("/search?q=event_type%3Aa.one&range=7d&cols=time,type")
            .expect(200),
    );
    let form = "form[action='/search/link']";
    assert_eq!(
        attributes(&page, &format!("{form} input[name=q]"), "value"),
        ["event_type:a.one"]
    );
    assert_eq!(
        attributes(&page, &format!("{form} input[name=cols]"), "value"),
        ["time", "type"]
    );
    assert_eq!(
        attributes(&page, &format!("{form} input[name=since]"), "value").len(),
        1
    );
    let fields = [
        ("q", "event_type:a.one"),
        ("cols", "time"),
        ("cols", "type"),
        ("minutes", "5"),
        ("return_to", "/search?q=x"),
    ];
    ann.post_with("/search/link", &fields, None).expect(403);
    let made = ann.post("/search/link", &fields).expect(201);
    let html = parsed(&made);
    let shown = texts(&html, "pre code");
    let text = shown[0].split_once('#').expect("a link").1.to_owned();
    assert!(
        shown[1].contains("<iframe src=\"http://localhost/viewer#"),
        "{}",
        shown[1]
    );
    open(&world, &[("link", &text)]).expect(200);
    wait_until("the use is in the log", LONG, || {
        let sql = "SELECT count(*) FROM auditlog.events AS e WHERE e.actor_id = 'user_17' AND e.db_session_user = 'authenticator' \
            AND auditlog.to_json(e)::text LIKE '%viewer link: event_type:a.one%'";
        // Once when it was made, to see what it shows, and once when it was opened.
        client.query_one(sql, &[]).expect("a count").get::<_, i64>(0) >= 2
    });
    // The token itself is nowhere.
    let sql = "SELECT count(*) FROM auditlog.events AS e WHERE auditlog.to_json(e)::text ~ 'pgal_[A-Za-z0-9_-]{20}'";
    assert_eq!(client.query_one(sql, &[]).expect("a count").get::<_, i64>(0), 0);
    assert!(!made.text().contains("pgal_"));
    let revoke = attributes(&html, "form[action$='/revoke']", "action").remove(0);
    ann.post(&revoke, &[]).expect(303);
    open(&world, &[("link", &text)]).expect(410);
    // Offered only where it can be made.
    let world = World::with(|given| given.authenticator = None);
    let page = parsed(&Browser::of(&world, "ann").get("/search").expect(200));
    assert!(attributes(&page, form, "action").is_empty());
}
