//! Every form: once as it should be, once without the token and with a wrong one, once by somebody who must not.

use crate::browser::{Browser, attributes, parsed, texts};
use crate::world::World;
use auditlog_testkit::{LONG, wait_until};

type Fields = &'static [(&'static str, &'static str)];

/// A form: where it goes, what it has, where one is sent afterwards, and who must not.
struct Form {
    path: String,
    fields: Fields,
    /// Status and, of a redirect, where to.
    expected: (u16, &'static str),
    by: &'static str,
    not_by: Option<&'static str>,
}

fn form(path: &str, fields: Fields, to: &'static str, by: &'static str, not_by: &'static str) -> Form {
    Form {
        path: path.to_owned(),
        fields,
        expected: (303, to),
        by,
        not_by: (!not_by.is_empty()).then_some(not_by),
    }
}

fn page(path: &str, fields: Fields, by: &'static str, not_by: &'static str) -> Form {
    Form {
        expected: (200, ""),
        ..form(path, fields, "", by, not_by)
    }
}

const ALERT: Fields = &[
    ("name", "Denied"),
    ("condition", "status:denied"),
    ("count", "1"),
    ("severity", "error"),
    ("channels", "filed"),
    ("recipients", "a@b.c"),
    ("do", "save"),
];
const PREVIEW: Fields = &[
    ("name", "Denied"),
    ("condition", "status:denied"),
    ("count", "2"),
    ("window", "5m"),
    ("group_by", "actor.id"),
    ("do", "preview"),
];
const TRIAL: Fields = &[
    ("definition", "name: Tried\ncondition: status:denied\n"),
    ("do", "test"),
];
const POLICY: Fields = &[(
    "definition",
    "retention_policies:\n  - event_types: [a.b]\n    hot_days: 90\n    warm_days: 365\n    cold_years: 7\n",
)];

/// All forms in an order in which one makes what the next changes.
fn forms() -> Vec<Form> {
    // Nobody listens there.
    const CONFIG: &str = "{\"url\": \"https://127.0.0.1:9/in\"}";
    const SINK: Fields = &[
        ("name", "filed"),
        ("kind", "http"),
        ("config", CONFIG),
        ("query", ""),
        ("format", "json"),
    ];
    const CHANNEL: Fields = &[
        ("name", "filed"),
        ("kind", "webhook"),
        ("config", CONFIG),
        ("min_severity", "debug"),
    ];
    vec![
        form(
            "/preferences",
            &[("theme", "dark"), ("clock", "local"), ("return_to", "/search?q=x")],
            "/search?q=x",
            "ann",
            "",
        ),
        form(
            "/saved-queries",
            &[
                ("name", "mine"),
                ("query", "status:failed"),
                ("description", "d"),
                ("return_to", "/search"),
            ],
            "/search",
            "ana",
            "ann",
        ),
        form(
            "/saved-queries/delete",
            &[("name", "mine"), ("return_to", "/search")],
            "/search",
            "ana",
            "mia",
        ),
        page(
            "/search/export",
            &[("q", "event_type:a.b"), ("format", "csv")],
            "ana",
            "com",
        ),
        page("/search/export", &[("q", ""), ("format", "json")], "adm", "ann"),
        page(
            "/search/export",
            &[("q", ""), ("since", "2026-01-01T00:00:00Z"), ("format", "ndjson")],
            "adm",
            "mia",
        ),
        form(
            "/search/export",
            &[("q", "status:denied"), ("format", "pdf")],
            "/reports/1",
            "com",
            "ana",
        ),
        form("/admin/channels", CHANNEL, "/admin/channels", "adm", "ana"),
        form("/admin/channels/filed/disable", &[], "/admin/channels", "adm", "com"),
        form("/admin/channels/filed/enable", &[], "/admin/channels", "adm", "com"),
        page("/alerts/new", PREVIEW, "adm", "ana"),
        page("/alerts/new", TRIAL, "adm", "com"),
        form("/alerts/new", ALERT, "/alerts/{alert}", "adm", "ana"),
        page("/alerts/{alert}/edit", PREVIEW, "adm", "ana"),
        form("/alerts/{alert}/edit", ALERT, "/alerts/{alert}", "adm", "com"),
        page("/alerts/{alert}/test", &[], "adm", "ana"),
        form(
            "/alerts/{alert}/mute",
            &[("until", "2099-01-01T00:00"), ("reason", "holidays")],
            "/alerts/{alert}",
            "adm",
            "ana",
        ),
        form("/alerts/{alert}/unmute", &[], "/alerts/{alert}", "adm", "com"),
        form("/alerts/{alert}/disable", &[], "/alerts/{alert}", "adm", "ann"),
        form("/alerts/{alert}/enable", &[], "/alerts/{alert}", "adm", "ann"),
        form(
            "/alerts/firings/{firing}/acknowledge",
            &[("note", "seen"), ("return_to", "/alerts")],
            "/alerts",
            "ana",
            "com",
        ),
        form(
            "/alerts/install",
            &[("keys", "failed_logins"), ("keys", "password_spraying")],
            "/alerts",
            "adm",
            "ana",
        ),
        form("/alerts/{alert}/delete", &[], "/alerts", "adm", "ana"),
        form("/admin/channels/filed/delete", &[], "/admin/channels", "adm", "com"),
        form(
            "/reports",
            &[
                ("framework", "soc2"),
                ("since", "2026-10-01T00:00"),
                ("until", "2026-11-01T00:00"),
                ("users", "a, b"),
                ("formats", "json"),
            ],
            "/reports/2",
            "com",
            "ana",
        ),
        form(
            "/reports/incident",
            &[
                ("title", "It"),
                ("query", "status:denied"),
                ("since", "2026-10-01T00:00"),
                ("until", "2026-11-01T00:00"),
            ],
            "/reports/3",
            "adm",
            "ann",
        ),
        form("/reports/run", &[("name", "own")], "/reports/4", "adm", "ana"),
        form("/reports/4/cancel", &[], "/reports/4", "adm", "ana"),
        form("/admin/retention", POLICY, "/admin/retention", "adm", "com"),
        form("/admin/retention/run", &[], "/admin/retention", "adm", "ana"),
        form(
            "/admin/holds",
            &[
                ("name", "case 1"),
                ("query", "event_type:a.b"),
                ("until", "2099-01-01T00:00"),
                ("reason", "court"),
            ],
            "/admin/holds",
            "adm",
            "com",
        ),
        form(
            "/admin/holds/release",
            &[("name", "case 1"), ("reason", "over")],
            "/admin/holds",
            "adm",
            "com",
        ),
        form("/admin/sinks", SINK, "/admin/sinks", "adm", "ana"),
        form("/admin/sinks/filed/pause", &[], "/admin/sinks", "adm", "ana"),
        form("/admin/sinks/filed/resume", &[], "/admin/sinks", "adm", "ana"),
        form("/admin/sinks/filed/redrive", &[], "/admin/sinks", "adm", "ana"),
        page("/admin/sinks/filed/test", &[], "adm", "ana"),
        form("/admin/sinks/filed/delete", &[], "/admin/sinks", "adm", "ana"),
        form("/admin/jobs/{job}/disable", &[], "/admin/jobs", "adm", "com"),
        form("/admin/jobs/{job}/enable", &[], "/admin/jobs", "adm", "com"),
        form(
            "/admin/jobs/{job}/schedule",
            &[("schedule", "0 4 * * *")],
            "/admin/jobs",
            "adm",
            "com",
        ),
        form("/admin/jobs/{job}/delete", &[], "/admin/jobs", "adm", "com"),
        form(
            "/admin/principals",
            &[("actor_id", "user_5"), ("email", "e@f.g"), ("teams", "ops, dev")],
            "/admin/principals",
            "adm",
            "mia",
        ),
        form(
            "/admin/principals/drop",
            &[("actor_id", "user_5"), ("tenant", "")],
            "/admin/principals",
            "adm",
            "mia",
        ),
    ]
}

#[test]
fn every_form_once_right_and_twice_wrong() {
    let world = World::new();
    let mut client = world.superuser();
    client
        .batch_execute("SELECT auditlog.create_report('{\"name\": \"own\", \"title\": \"Own\", \"period\": \"last month\", \"metrics\": [\"event_count\"], \"group_by\": [\"event_type\"]}')")
        .unwrap_or_else(|error| panic!("a report of one's own: {error:?}"));
    let schedule = "SELECT auditlog.schedule('nightly', '0 3 * * *', 'SELECT 1')";
    client.batch_execute("SET SESSION AUTHORIZATION adm").expect("adm");
    let job: i64 = client.query_one(schedule, &[]).expect("a job").get(0);
    client
        .batch_execute("RESET SESSION AUTHORIZATION")
        .expect("the superuser");
    // A denied event, and an alert that fires for it.
    client
        .batch_execute("SELECT auditlog.create_alert('{\"name\": \"First\", \"condition\": \"status:denied\"}')")
        .expect("an alert");
    let record =
        "SELECT auditlog.record('a.b', actor => '{\"id\": \"user_17\"}', action => '{\"status\": \"denied\"}')";
    let mut firing = 0;
    wait_until("the alert fires", LONG, || {
        client.batch_execute(record).expect("an event");
        std::thread::sleep(std::time::Duration::from_millis(300));
        let rows = client
            .query("SELECT id FROM auditlog.alert_firings LIMIT 1", &[])
            .expect("firings");
        rows.first().map(|row| firing = row.get::<_, i64>(0)).is_some()
    });
    let browsers: Vec<(&str, Browser)> = ["adm", "ana", "com", "mia", "ann"]
        .into_iter()
        .map(|name| (name, Browser::of(&world, name)))
        .collect();
    let browser = |name: &str| &browsers.iter().find(|(other, _)| *other == name).expect("somebody").1;
    let mut alert = 0;
    let mut wrong = Vec::new();
    for form in forms() {
        if alert == 0 {
            let found = client
                .query("SELECT id FROM auditlog.alerts WHERE name = 'Denied'", &[])
                .expect("alerts");
            alert = found.first().map_or(0, |row| row.get::<_, i64>(0));
        }
        let fill = |alert: i64, text: &str| {
            let text = text
                .replace("{alert}", &alert.to_string())
                .replace("{firing}", &firing.to_string());
            text.replace("{job}", &job.to_string())
        };
        let path = fill(alert, &form.path);
        let before = changes(&mut client);
        for token in [None, Some("wrong"), Some("")] {
            let answer = browser(form.by).post_with(&path, form.fields, token);
            if answer.status != 403 {
                wrong.push(format!("{path} with the token {token:?}: {}", answer.status));
            }
        }
        let foreign = browser(form.by)
            .request("POST", &path)
            .header("Sec-Fetch-Site", "cross-site")
            .body(
                "application/x-www-form-urlencoded",
                format!("csrf_token={}", browser(form.by).csrf).as_bytes(),
            )
            .send();
        if foreign.status != 403 {
            wrong.push(format!("{path} from another site: {}", foreign.status));
        }
        if let Some(other) = form.not_by {
            let answer = browser(other).post(&path, form.fields);
            if answer.status != 403 {
                wrong.push(format!(
                    "{path} by {other}: {} {:?}",
                    answer.status,
                    answer.header("location")
                ));
            }
        }
        assert_eq!(
            changes(&mut client),
            before,
            "{path}: what was refused has changed nothing"
        );
        let answer = browser(form.by).post(&path, form.fields);
        if alert == 0 {
            let found = client
                .query("SELECT id FROM auditlog.alerts WHERE name = 'Denied'", &[])
                .expect("alerts");
            alert = found.first().map_or(0, |row| row.get::<_, i64>(0));
        }
        let (status, to) = form.expected;
        let location = answer.header("location").map(str::to_owned);
        if answer.status != status || status == 303 && location.as_deref() != Some(fill(alert, to).as_str()) {
            let says = texts(&parsed(&answer), ".notice.bad, .problem, .error-detail, main h1").join(" | ");
            wrong.push(format!(
                "{path} by {}: {} {location:?} instead of {status} {to}: {says}",
                form.by, answer.status
            ));
            continue;
        }
        if status == 303 && path != "/preferences" {
            // The message is there once, and says that it worked.
            let to = location.expect("a location");
            let shown = parsed(&browser(form.by).get(&to));
            let good = texts(&shown, "main > .notice.ok");
            let bad = texts(&shown, "main > .notice.bad");
            if good.len() != 1 || !bad.is_empty() {
                wrong.push(format!("{path}: messages {good:?} {bad:?}"));
            }
            let again = texts(&parsed(&browser(form.by).get(&to)), "main > .notice.ok");
            if !again.is_empty() {
                wrong.push(format!("{path}: the message came twice: {again:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Events about changes of the log's own configuration.
fn changes(client: &mut auditlog_testkit::postgres::Client) -> i64 {
    let sql = "SELECT count(*) FROM auditlog.events WHERE event_type LIKE 'auditlog.%change' AND event_type <> 'auditlog.policy_change'";
    client.query_one(sql, &[]).expect("a count").get(0)
}

#[test]
fn what_is_wrong_comes_back_filled_in() {
    let world = World::new();
    let adm = Browser::of(&world, "adm");
    let wrong: [(&str, Fields, &str); 9] = [
        (
            "/alerts/new",
            &[("name", "Kept name"), ("condition", "status:("), ("do", "save")],
            "Kept name",
        ),
        (
            "/alerts/new",
            &[
                ("name", "Kept name"),
                ("condition", "x"),
                ("window", "soon"),
                ("do", "preview"),
            ],
            "soon",
        ),
        (
            "/alerts/new",
            &[("definition", "name: [kept\n"), ("do", "save")],
            "name: [kept",
        ),
        (
            "/reports",
            &[
                ("framework", "none"),
                ("since", "2026-01-01T00:00"),
                ("until", "2026-02-01T00:00"),
                ("users", "kept"),
            ],
            "kept",
        ),
        ("/admin/retention", &[("definition", "kept: [")], "kept: ["),
        (
            "/admin/holds",
            &[("name", "n"), ("query", "kept:("), ("reason", "r")],
            "kept:(",
        ),
        (
            "/admin/sinks",
            &[("name", "n"), ("kind", "file"), ("config", "{no json")],
            "no JSON",
        ),
        (
            "/admin/channels",
            &[("name", "n"), ("kind", "pigeon"), ("config", "{}")],
            "pigeon",
        ),
        (
            "/admin/principals",
            &[("role_name", "nobody_of_this_name")],
            "nobody_of_this_name",
        ),
    ];
    for (path, fields, kept) in wrong {
        let answer = adm.post(path, fields);
        assert_eq!(
            answer.status,
            422,
            "{path} {fields:?}: {}",
            texts(&parsed(&answer), "main").concat()
        );
        assert!(answer.text().contains(kept), "{path}: {kept}");
        let html = parsed(&answer);
        let told = texts(&html, ".notice.bad, [role=alert]").concat();
        assert!(!told.is_empty(), "{path}");
        // What was filled in stays.
        for (_, value) in fields.iter().filter(|(name, _)| *name == "name") {
            let values = attributes(&html, "input[name=name]", "value");
            assert!(values.contains(&(*value).to_owned()), "{path}: {values:?}");
        }
    }
    let html = parsed(&adm.post(
        "/alerts/new",
        &[("name", "x"), ("condition", "status:("), ("do", "save")],
    ));
    assert!(texts(&html, "[role=alert]").concat().contains('^'), "the caret");
    // What is there already is a conflict.
    adm.post("/admin/principals", &[("actor_id", "twice")]).expect(303);
    adm.get("/");
    adm.post("/admin/principals", &[("actor_id", "twice")]).expect(422);
    // What is not there is no page, and what is no form is none.
    adm.post("/alerts/999/enable", &[]).expect(404);
    adm.post("/admin/jobs/x/enable", &[]).expect(400);
    adm.post("/admin/jobs/1/explode", &[]).expect(404);
    adm.request("POST", "/admin/holds")
        .body("application/json", b"{}")
        .send()
        .expect(415);
    let token = adm.csrf.clone();
    let long = format!("csrf_token={token}&definition={}", "a".repeat(20 << 20));
    adm.request("POST", "/admin/retention")
        .body("application/x-www-form-urlencoded", long.as_bytes())
        .send()
        .expect(413);
    assert_eq!(adm.request("PUT", "/search").send().status, 405);
}

#[test]
fn a_preview_leaves_nothing_behind() {
    let world = World::new();
    let adm = Browser::of(&world, "adm");
    let answer = adm.post("/alerts/new", PREVIEW).expect(200);
    assert!(
        texts(&parsed(&answer), "#preview, ol.lines")
            .concat()
            .contains("Fires when 2 events"),
        "{}",
        answer.text()
    );
    assert_eq!(attributes(&parsed(&answer), "input[name=name]", "value"), ["Denied"]);
    let count: i64 = world
        .superuser()
        .query_one("SELECT count(*) FROM auditlog.alerts", &[])
        .expect("alerts")
        .get(0);
    assert_eq!(count, 0);
}
