//! Sessions of browsers, tricks with addresses, hostile texts on every page, and databases that trust.

use crate::browser::{Browser, attributes, parsed, sign_in};
use crate::client::{escape, request};
use crate::world::{World, cluster};
use auditlog_testkit::{Cluster, LONG, Options, wait_until};
use scraper::Html;

#[test]
fn nobody_is_sent_elsewhere() {
    let world = World::new();
    let evil = [
        "//evil.example",
        "///evil.example",
        "\\\\evil.example",
        "/\\evil.example",
        "https://evil.example/",
        "http:evil.example",
        "//evil.example/..",
        "/..//evil.example",
        "/.//evil.example",
        "javascript:alert(1)",
        "/\tevil",
        "\t//evil.example",
        " //evil.example",
        "/%0d%0aSet-Cookie:x=y\r\nX: y",
        "evil.example",
        "/login",
        "/logout",
        "/api/v1/whoami",
        "@evil.example",
        "?x",
        "/\u{2215}/evil",
    ];
    for text in evil {
        let answer = sign_in(&world, "ann", "ann", text).expect(303);
        assert_eq!(answer.header("location"), Some("/"), "{text:?}");
        let page = request(world.address, "GET", &format!("/login?return_to={}", escape(text)))
            .send()
            .expect(200);
        assert_eq!(
            attributes(&parsed(&page), "main input[name=return_to]", "value")
                .first()
                .map(String::as_str),
            Some("/"),
            "{text:?}"
        );
        let ann = Browser::of(&world, "ann");
        let answer = ann
            .post("/preferences", &[("theme", "dark"), ("return_to", text)])
            .expect(303);
        let location = answer.header("location").expect("a location");
        assert!(matches!(location, "/" | "/login"), "{text:?}: {location}");
        let saved = ann.post("/saved-queries/delete", &[("name", "x"), ("return_to", text)]);
        assert!(saved.header("location").is_none_or(|to| to == "/search"), "{text:?}");
    }
    for good in ["/search?q=status%3Afailed&range=7d", "/events/a%2Fb", "/?range=7d"] {
        let answer = sign_in(&world, "ann", "ann", good).expect(303);
        assert_eq!(answer.header("location"), Some(good));
    }
}

#[test]
fn sessions_begin_and_end() {
    let world = World::new();
    let refused = sign_in(&world, "ann", "wrong", "/search").expect(422);
    assert!(refused.header("set-cookie").is_none());
    let html = parsed(&refused);
    assert_eq!(attributes(&html, "input[name=user]", "value"), ["ann"]);
    assert!(!refused.text().contains("wrong"), "the password is not said again");
    assert_eq!(attributes(&html, "main input[name=return_to]", "value"), ["/search"]);
    for (user, password) in [
        ("", "x"),
        ("ann", ""),
        ("nobody_here", "x"),
        ("root", "root"),
        ("postgres", "x"),
    ] {
        assert_eq!(sign_in(&world, user, password, "").status, 422, "{user}");
    }
    let answer = sign_in(&world, "ann", "ann", "").expect(303);
    let cookie = answer.header("set-cookie").expect("a cookie");
    for part in ["__Host-auditlog=", "Path=/", "Secure", "HttpOnly", "SameSite=Strict"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    // From another site nobody is logged in.
    let body = b"user=ann&password=ann";
    request(world.address, "POST", "/login")
        .header("Sec-Fetch-Site", "cross-site")
        .body("application/x-www-form-urlencoded", body)
        .send()
        .expect(403);
    let ann = Browser::of(&world, "ann");
    // The script's own requests come with the cookie.
    ann.get("/api/v1/suggest?q=st&cursor=3&limit=12").expect(200);
    let items = ann.get("/api/v1/suggest?q=st&cursor=3&limit=12").json();
    for key in ["suggestion", "kind", "replace_from", "replace_to"] {
        assert!(!items["items"][0][key].is_null(), "{items}");
    }
    ann.post_with("/logout", &[], Some("wrong")).expect(403);
    ann.get("/").expect(200);
    let answer = ann.post("/logout", &[]).expect(303);
    assert_eq!(answer.header("location"), Some("/login"));
    assert!(
        answer
            .header("set-cookie")
            .is_some_and(|cookie| cookie.contains("Max-Age=0"))
    );
    let answer = ann.get("/search?q=x").expect(303);
    assert_eq!(answer.header("location"), Some("/login?return_to=%2Fsearch%3Fq%3Dx"));
    ann.get("/api/v1/whoami").expect(401);
    // Another login with the cookie of an older session ends that.
    let old = Browser::of(&world, "ann");
    old.request("POST", "/login")
        .body("application/x-www-form-urlencoded", body)
        .send()
        .expect(303);
    old.get("/").expect(303);
    // Who has no role of the log is told so, and may leave.
    let nob = Browser::of(&world, "nob");
    let page = parsed(&nob.get("/").expect(403));
    assert_eq!(attributes(&page, "form[action='/logout']", "method"), ["post"]);
    let csrf = attributes(&page, "form[action='/logout'] input[name=csrf_token]", "value");
    nob.post_with("/logout", &[], csrf.first().map(String::as_str))
        .expect(303);
}

#[test]
fn the_page_says_when_passwords_are_not_taken() {
    let world = World::with(|given| given.login = Some(false));
    let page = request(world.address, "GET", "/login").send().expect(200);
    let html = parsed(&page);
    assert!(attributes(&html, "input[type=password], form[action='/login']", "name").is_empty());
    assert!(page.text().contains("Nobody signs in by a password"));
    assert!(
        !page.text().contains("/login/sso"),
        "there is no single sign-on to offer"
    );
    sign_in(&world, "ann", "ann", "").expect(422);
}

const HOSTILE: [&str; 6] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' onmouseover='alert(1)",
    "javascript:alert(1)",
    "\u{202e}\u{2066}gnp.exe\u{200b}\u{feff}",
    "</textarea></pre><svg onload=alert(1)>&#x3c;",
];

#[test]
fn hostile_texts_do_nothing_on_any_page() {
    let world = World::new();
    let mut client = world.superuser();
    let mut pages: Vec<String> = [
        "/",
        "/?range=30d",
        "/search?range=all",
        "/live",
        "/alerts",
        "/integrity",
        "/reports",
        "/admin",
        "/admin/retention",
        "/admin/holds",
        "/admin/sinks",
        "/admin/channels",
        "/admin/jobs",
        "/admin/principals",
    ]
    .map(str::to_owned)
    .to_vec();
    client.batch_execute("SELECT auditlog.create_alert('{\"name\": \"<script>alert(1)</script>\", \"condition\": \"status:denied\", \"threshold\": {\"count\": 1, \"window\": \"1m\", \"group_by\": [\"actor.id\"]}}')").expect("an alert");
    for (number, text) in HOSTILE.iter().enumerate() {
        let id = format!("{number}{text}");
        let document = serde_json::json!({
            "event_id": id, "event_type": "permission.grant", "severity": "critical",
            "actor": {"type": text, "id": text, "email": text, "user_agent": text, "session_id": text},
            "resource": {"type": text, "id": text, "region": text, "account_id": text, "tags": {*text: text}},
            "action": {"operation": text, "status": "denied", "method": text},
            "changes": {"before": {*text: text}, "after": {*text: [text, {"a": text}]}},
            "metadata": {"tags": [text], "request_id": text, *text: text}, *text: text,
        });
        client
            .query("SELECT auditlog.record($1::text::jsonb)", &[&document.to_string()])
            .expect("an event");
        let quoted = serde_json::to_string(&format!("h{number} {text}")).expect("JSON");
        let alert = format!("{{\"name\": {quoted}, \"condition\": \"status:x\", \"description\": {quoted}}}");
        client
            .query("SELECT auditlog.create_alert($1)", &[&alert])
            .expect("an alert");
        client
            .query(
                "SELECT auditlog.schedule($1, '0 3 * * *', $1)",
                &[&format!("j{number} {text}")],
            )
            .expect("a job");
        client
            .query(
                "SELECT auditlog.add_principal(actor_id => $1, teams => ARRAY[$1])",
                &[&id],
            )
            .expect("a principal");
        client
            .query("SELECT auditlog.hold($1, 'status:x', NULL, $1)", &[&id])
            .expect("a hold");
        let _ = client.query("SELECT auditlog.save_query($1, $2, $2)", &[&format!("q{number}"), text]);
        pages.push(format!("/events/{}", escape(&id)));
        for page in [
            "/search?range=all&q=",
            "/live?q=",
            "/live?types=",
            "/search?range=all&after=",
            "/login?return_to=",
            "/alerts/",
            "/reports/",
            "/nowhere/",
            "/events/",
        ] {
            pages.push(format!("{page}{}", escape(text)));
        }
        pages.push(format!(
            "/search?range=all&q={}",
            escape(&auditlog_pages::url::term("user", text))
        ));
    }
    world.sealed(&mut client);
    wait_until("the alert fires", LONG, || {
        client
            .query_one("SELECT count(*) FROM auditlog.alert_firings", &[])
            .expect("firings")
            .get::<_, i64>(0)
            >= 4
    });
    pages.push("/alerts/1".to_owned());
    pages.push("/alerts/2".to_owned());
    pages.push("/alerts/2/edit".to_owned());
    let adm = Browser::of(&world, "adm");
    let (mut wrong, mut shown) = (Vec::new(), 0);
    for page in pages {
        let answer = adm.get(&page);
        assert!(answer.status < 500, "{page}: {}", answer.status);
        if answer.status == 303 {
            continue;
        }
        let text = answer.text();
        shown += usize::from(text.contains("alert(1)"));
        judge(&Html::parse_document(&text), &page, &mut wrong);
        let html = Html::parse_document(&text);
        for node in html.tree.nodes() {
            // A box that is filled in shows what was typed; nothing else does.
            let is_box = node
                .parent()
                .and_then(|parent| parent.value().as_element().map(|element| element.name() == "textarea"));
            let Some(shown) = node.value().as_text().filter(|_| is_box != Some(true)) else {
                continue;
            };
            if shown.contains(['\u{202e}', '\u{2066}', '\u{200b}', '\u{feff}']) {
                wrong.push(format!("{page}: {:?} is shown", &**shown));
            }
        }
    }
    // Forms that come back filled in with them.
    for text in HOSTILE {
        for (path, field) in [
            ("/alerts/new", "condition"),
            ("/admin/holds", "query"),
            ("/admin/retention", "definition"),
            ("/alerts/new", "definition"),
            ("/admin/sinks", "name"),
            ("/reports", "users"),
        ] {
            let answer = adm.post(
                path,
                &[(field, text), ("do", "preview"), ("kind", "x"), ("config", "{}")],
            );
            assert!(answer.status < 500, "{path} {text}");
            judge(&parsed(&answer), path, &mut wrong);
        }
        judge(&parsed(&sign_in(&world, text, text, text)), "/login", &mut wrong);
    }
    assert!(shown > 20, "{shown} pages show them");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What may run, or lead elsewhere.
fn judge(html: &Html, page: &str, wrong: &mut Vec<String>) {
    for element in html.root_element().descendent_elements() {
        let value = element.value();
        if matches!(
            value.name(),
            "img" | "iframe" | "object" | "embed" | "base" | "style" | "math" | "video" | "audio" | "frame"
        ) {
            wrong.push(format!("{page}: an element {}", value.name()));
        }
        if value.name() == "script"
            && (element.attr("src").is_none_or(|src| !src.starts_with("/assets/")) || !element.inner_html().is_empty())
        {
            wrong.push(format!("{page}: a script {}", element.html()));
        }
        for (name, content) in value.attrs() {
            let leads = matches!(
                name,
                "href" | "src" | "action" | "data-href" | "data-live" | "data-proof" | "data-suggest" | "data-progress"
            );
            let is_ours = (content.starts_with('/') && !content.starts_with("//") && !content.contains('\\'))
                || content.starts_with('#');
            if name.starts_with("on")
                || matches!(name, "style" | "srcdoc" | "formaction" | "xlink:href")
                || (leads && !is_ours)
            {
                wrong.push(format!("{page}: {name}={content}"));
            }
        }
    }
}

#[test]
fn a_database_that_trusts_lets_nobody_in() {
    let trusting: &'static Cluster = Box::leak(Box::new(cluster(&Options::default())));
    let world = World::on(trusting, |_| {});
    sign_in(&world, "ann", "ann", "").expect(303);
    let rules = "local all postgres trust\nlocal all service,authenticator scram-sha-256\nlocal all all trust\n";
    std::fs::write(trusting.data().join("pg_hba.conf"), rules).expect("pg_hba.conf");
    trusting
        .connect("postgres")
        .batch_execute("SELECT pg_reload_conf()")
        .expect("a reload");
    wait_until("the rules are read", LONG, || {
        sign_in(&world, "mia", "anything", "").status == 422 && sign_in(&world, "mia", "mia", "").status == 422
    });
    for (name, password) in [("mia", "mia"), ("com", "wrong"), ("adm", "adm")] {
        let answer = sign_in(&world, name, password, "").expect(422);
        assert!(answer.header("set-cookie").is_none());
        assert!(answer.text().contains("pg_hba.conf"), "{name}: {}", answer.text());
        let answer = request(world.address, "GET", "/api/v1/whoami")
            .basic(name, password)
            .send()
            .expect(403);
        assert!(
            answer.text().contains("does not ask for passwords"),
            "{}",
            answer.text()
        );
        let body = serde_json::json!({"user": name, "password": password});
        request(world.address, "POST", "/api/v1/session")
            .json(&body)
            .send()
            .expect(403);
    }
}
