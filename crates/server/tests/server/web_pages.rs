//! Pages: who gets which, what they say of wrong questions, and that nobody sees another's events through any of them.

use crate::browser::{Browser, attributes, parsed, sign_in, texts};
use crate::client::request;
use crate::world::World;
use auditlog_testkit::{LONG, wait_until};

const EVERYBODY: &[&str] = &["adm", "ana", "com", "mia", "ann"];
const ALL_SEEING: &[&str] = &["adm", "ana", "com"];
const REPORTERS: &[&str] = &["adm", "com"];
const ADMINISTRATORS: &[&str] = &["adm"];

/// Pages, and who may see them.
const PAGES: [(&str, &[&str]); 22] = [
    ("/", EVERYBODY),
    ("/?range=30d", EVERYBODY),
    ("/search", EVERYBODY),
    (
        "/search?q=status%3Afailed&range=all&order=oldest&cols=time,actor&limit=25",
        EVERYBODY,
    ),
    ("/live", EVERYBODY),
    ("/live?q=status%3Afailed&types=a.b&types=authentication.*", EVERYBODY),
    ("/help/query", EVERYBODY),
    ("/integrity", ALL_SEEING),
    ("/alerts", ALL_SEEING),
    ("/alerts/new", ADMINISTRATORS),
    ("/alerts/new?as=yaml", ADMINISTRATORS),
    ("/reports", REPORTERS),
    ("/admin", ADMINISTRATORS),
    ("/admin/retention", ADMINISTRATORS),
    ("/admin/retention?at=2027-01-01T00:00", ADMINISTRATORS),
    ("/admin/holds", ADMINISTRATORS),
    ("/admin/sinks", ADMINISTRATORS),
    ("/admin/channels", ADMINISTRATORS),
    ("/admin/jobs", ADMINISTRATORS),
    ("/admin/principals", ADMINISTRATORS),
    ("/admin/tokens", EVERYBODY),
    ("/events", EVERYBODY),
];

#[test]
fn every_page_for_every_role() {
    let world = World::new();
    world.record(&[("a.b", "user_17"), ("c.d", "user_99")]);
    let mut wrong = Vec::new();
    for person in ["adm", "ana", "com", "mia", "ann", "wri", "nob"] {
        let browser = Browser::of(&world, person);
        for (page, who) in PAGES {
            let expected = match who.contains(&person) {
                true if page == "/events" => 303,
                true => 200,
                // A writer is known to the log, and so may read how queries are written.
                false if person == "wri" && page == "/help/query" => 200,
                false if page == "/events" => 303,
                false => 403,
            };
            let answer = browser.get(page);
            if answer.status != expected {
                wrong.push(format!("{person} {page}: {} instead of {expected}", answer.status));
                continue;
            }
            if answer.status == 303 {
                continue;
            }
            let html = parsed(&answer);
            let what = format!("{person} {page}");
            assert!(
                html.errors
                    .iter()
                    .all(|e| e.contains("DOCTYPE") || e.contains("self-closing")),
                "{what}: {:?}",
                html.errors
            );
            for (name, value) in [
                (
                    "content-security-policy",
                    auditlog_pages::assets::CONTENT_SECURITY_POLICY,
                ),
                ("x-content-type-options", "nosniff"),
                ("x-frame-options", "DENY"),
                ("referrer-policy", "no-referrer"),
                ("cache-control", "no-store"),
                ("content-type", "text/html; charset=utf-8"),
            ] {
                assert_eq!(answer.header(name), Some(value), "{what}: {name}");
            }
            assert!(
                answer
                    .header("permissions-policy")
                    .is_some_and(|policy| policy.contains("camera=()"))
            );
            // What may not be done is not offered.
            let links = attributes(&html, "nav.main-nav a", "href");
            for (link, who) in [
                ("/alerts", ALL_SEEING),
                ("/reports", REPORTERS),
                ("/admin", ADMINISTRATORS),
            ] {
                assert_eq!(
                    links.contains(&link.to_owned()),
                    who.contains(&person),
                    "{what}: {link}"
                );
            }
            if answer.status == 403 {
                assert!(texts(&html, "p.error-status").concat().contains("403"), "{what}");
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // And the log tells of those who were refused.
    assert_eq!(Browser::of(&world, "ann").get("/alerts/1").status, 403);
    assert_eq!(Browser::of(&world, "adm").get("/alerts/1").status, 404);
    assert_eq!(Browser::of(&world, "com").get("/reports/1").status, 404);
    assert_eq!(Browser::of(&world, "adm").get("/nowhere").status, 404);
}

#[test]
fn nobody_in_particular_is_sent_to_log_in() {
    let world = World::new();
    for (page, _) in PAGES {
        let answer = request(world.address, "GET", page).send().expect(303);
        let location = answer.header("location").expect("a location").to_owned();
        assert!(location.starts_with("/login"), "{page}: {location}");
        if page != "/" {
            assert!(location.starts_with("/login?return_to=%2F"), "{page}: {location}");
        }
    }
    // A form of somebody whose session has ended does nothing, and leads there too.
    let answer = request(world.address, "POST", "/admin/retention/run")
        .body("application/x-www-form-urlencoded", b"csrf_token=x")
        .send()
        .expect(303);
    assert_eq!(answer.header("location"), Some("/login"));
    // A link from another site comes without the cookie: the page that answers leads to itself.
    let answer = request(world.address, "GET", "/search?q=x")
        .header("Sec-Fetch-Site", "cross-site")
        .send()
        .expect(200);
    assert_eq!(answer.header("refresh"), Some("0; url=/search?q=x"));
    // Programs are not led anywhere.
    let answer = request(world.address, "GET", "/api/v1/whoami").send().expect(401);
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    let answer = request(world.address, "GET", "/nowhere").send().expect(404);
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
}

#[test]
fn wrong_questions_are_answered_in_place() {
    let world = World::new();
    let browser = Browser::of(&world, "ann");
    for page in ["/search?q=status%3Aok+AND+%28", "/live?q=%28", "/search?q=a%3A%5B1+TO"] {
        let answer = browser.get(page).expect(400);
        let html = parsed(&answer);
        assert!(texts(&html, "[role=alert]").concat().contains('^'), "{page}");
        assert_eq!(
            attributes(&html, "textarea[aria-invalid=true]", "name"),
            ["q"],
            "{page}"
        );
    }
    let answer = browser.get("/search?after=AAAA&since=never").expect(200);
    let text = answer.text();
    assert!(text.contains("another search") && text.contains("is no time"), "{text}");
    // What is typed stays.
    let html = parsed(&browser.get("/search?q=status%3A%28").expect(400));
    assert_eq!(texts(&html, "textarea[name=q]").concat().trim(), "status:(");
}

#[test]
fn nobody_sees_anothers_events_by_any_page() {
    let world = World::new();
    let mut client = world.superuser();
    for (id, actor, mark) in [
        ("evt_a", "user_17", "mine_1"),
        ("evt_b", "user_99", "secret_2"),
        ("evt_c", "user_17", "mine_3"),
        ("evt_d", "user_99", "secret_4"),
    ] {
        let document = serde_json::json!({
            "event_id": id, "event_type": if actor == "user_17" { "a.mine" } else { "policy.violation" },
            "actor": {"type": "user", "id": actor, "email": format!("{mark}@example.com"), "ip_address": "192.0.2.1"},
            "resource": {"type": "thing", "id": mark}, "action": {"status": "denied"},
        });
        client
            .query("SELECT auditlog.record($1::text::jsonb)", &[&document.to_string()])
            .expect("an event");
    }
    world.sealed(&mut client);
    let ann = Browser::of(&world, "ann");
    let mine = ann.get("/events/evt_a").expect(200);
    assert!(mine.text().contains("mine_1"));
    for page in [
        "/",
        "/?range=30d",
        "/search",
        "/search?range=all&limit=250",
        "/search?q=actor.id%3Auser_99&range=all",
        "/search?q=NOT+actor.id%3Auser_17",
        "/live",
        "/live?types=policy.violation",
        "/events/evt_a",
        "/events/evt_c",
        "/help/query",
    ] {
        let answer = ann.get(page).expect(200);
        let text = answer.text();
        for secret in ["secret_2", "secret_4", "evt_b", "evt_d"] {
            assert!(!text.contains(secret), "{page} has {secret}");
        }
        // The catalogue of types is everybody's; counts of others' are nobody's.
        if !page.starts_with("/live") && !page.contains("user_99") {
            let facets = texts(&parsed(&answer), ".facets li a.only, .bars td, .bars th").concat();
            assert!(!facets.contains("policy.violation"), "{page}: {facets}");
        }
    }
    assert_eq!(ann.get("/events/evt_b").status, 404);
    assert_eq!(ann.get("/events?id=evt_b").status, 404);
    assert_eq!(ann.get("/events/evt_none").status, 404);
    // The steps to the events before and after pass over what is not hers.
    let previous = attributes(&parsed(&ann.get("/events/evt_c")), "a[rel=prev]", "href");
    assert_eq!(previous, ["/events/evt_a"]);
    let previous = attributes(
        &parsed(&Browser::of(&world, "adm").get("/events/evt_c")),
        "a[rel=prev]",
        "href",
    );
    assert_eq!(previous, ["/events/evt_b"]);
    // Her figures are of her events: two denied ones, no violation.
    let figures = texts(&parsed(&ann.get("/")), ".stats").concat();
    assert!(figures.contains("Policy violations"), "{figures}");
    let page = parsed(&ann.get("/search?q=status%3Adenied"));
    assert_eq!(texts(&page, "#found-title"), ["2 events"]);
    // The manager of the team sees the team's.
    assert_eq!(Browser::of(&world, "mia").get("/events/evt_a").status, 200);
    assert_eq!(Browser::of(&world, "mia").get("/events/evt_b").status, 404);
}

#[test]
fn pages_of_a_list_follow_each_other() {
    let world = World::new();
    let events: Vec<(&str, &str)> = (0..60).map(|_| ("a.b", "user_17")).collect();
    world.record(&events);
    let ann = Browser::of(&world, "ann");
    let mut seen = std::collections::BTreeSet::new();
    let mut target = "/search?q=event_type%3Aa.b&limit=25".to_owned();
    for round in 0..3 {
        let page = parsed(&ann.get(&target).expect(200));
        let events = attributes(&page, "tr.event a.open", "href");
        assert_eq!(events.len(), if round < 2 { 25 } else { 10 });
        seen.extend(events);
        let next = attributes(&page, "a[rel=next]", "href");
        assert_eq!(next.is_empty(), round == 2);
        if let Some(next) = next.first() {
            target = next.clone();
        }
    }
    assert_eq!(seen.len(), 60);
}

#[test]
fn assets_are_kept_for_ever() {
    let world = World::new();
    let page = sign_in(&world, "ann", "wrong", "").expect(422);
    let html = parsed(&page);
    let mut files = attributes(
        &html,
        "link[rel=stylesheet], link[rel=icon], link[rel=modulepreload]",
        "href",
    );
    files.extend(attributes(&html, "script", "src"));
    assert!(files.len() > 5);
    for file in files {
        let answer = request(world.address, "GET", &file).send().expect(200);
        assert_eq!(
            answer.header("cache-control"),
            Some(auditlog_pages::assets::CACHE_FOR_EVER),
            "{file}"
        );
        let tag = answer.header("etag").expect("a tag").to_owned();
        assert!(tag.starts_with('"') && tag.len() > 10);
        request(world.address, "GET", &file)
            .header("If-None-Match", &tag)
            .send()
            .expect(304);
        let old = file.replace(auditlog_pages::assets::hash(), "0");
        let answer = request(world.address, "GET", &old).send().expect(200);
        assert_eq!(answer.header("cache-control"), Some("no-cache"));
    }
    request(world.address, "GET", "/assets/0/..%2f..%2fetc%2fpasswd")
        .send()
        .expect(404);
    request(world.address, "GET", "/assets/0/none.js").send().expect(404);
}

#[test]
fn a_look_at_a_page_is_in_the_journal() {
    let world = World::new();
    let mut client = world.superuser();
    let sql = format!("ALTER DATABASE {} SET auditlog.access_log = on", world.database);
    client.batch_execute(&sql).expect("a setting");
    Browser::of(&world, "ann").get("/").expect(200);
    wait_until("the look is in the log", LONG, || {
        let sql = "SELECT count(*) FROM auditlog.events WHERE category = 'auditlog' AND db_session_user = 'ann' AND event_type = 'auditlog.search'";
        client.query_one(sql, &[]).expect("a count").get::<_, i64>(0) > 0
    });
}
