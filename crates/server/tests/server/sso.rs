//! Single sign-on: people come in by a provider's token, on the way of any bearer, and are out when it ends.

use std::time::Duration;

use serde_json::json;

use crate::browser::{attributes, parsed, sign_in, texts};
use crate::client::request;
use crate::provider::Manner;
use crate::sso_site::{Jar, Site, error_of};
use crate::world::World;

#[test]
fn each_person_sees_what_is_theirs() {
    let site = Site::new();
    site.world
        .record(&[("a.ann", "user_17"), ("a.dev", "user_99"), ("a.mia", "user_4")]);
    let page = request(site.world.address, "GET", "/login").send().expect(200);
    let html = parsed(&page);
    assert_eq!(texts(&html, "form[action='/login/sso'] button"), ["Company <account>"]);
    assert_eq!(attributes(&html, "input[type=password]", "name"), ["password"]);

    let mut dev = Jar::default();
    let there = site.begin(&mut dev, "/search?q=x");
    assert!(dev.has("__Host-auditlog-sso") && !dev.has("__Host-auditlog"));
    let back = site.provider.approve(&there, "user_99");
    let page = dev.get(&site.world, &back).expect(200);
    assert_eq!(page.header("refresh"), Some("0; url=/search?q=x"));
    assert!(!dev.has("__Host-auditlog-sso"), "the sign-in is over");
    assert!(!page.text().contains("code%2F"), "the code is not said again");
    let mut mia = site.browser("user_4");
    let mut ann = site.browser("user_17");
    for _ in 0..3 {
        assert_eq!(site.events(&mut dev), ["a.dev"]);
        assert_eq!(site.events(&mut ann), ["a.ann"]);
        assert_eq!(site.events(&mut mia), ["a.ann", "a.mia"]);
    }
    assert!(dev.get(&site.world, "/").expect(200).text().contains("user_99"));
    for page in ["/", "/live", "/help/query", "/admin/tokens"] {
        dev.get(&site.world, page).expect(200);
    }
    for page in ["/alerts", "/admin", "/reports", "/integrity"] {
        dev.get(&site.world, page).expect(403);
    }
    // The same for the API's sessions, with the token against forgery.
    let who = dev.get(&site.world, "/api/v1/whoami").expect(200).json();
    assert_eq!(
        (&who["actor_id"], &who["identified_by"]),
        (&json!("user_99"), &json!("token"))
    );
    let state = dev.get(&site.world, "/api/v1/session").expect(200).json();
    let search = || {
        request(site.world.address, "POST", "/api/v1/audit-logs/search")
            .header("Cookie", &dev.cookies())
            .json(&json!({"query": "a"}))
    };
    search().send().expect(403);
    let csrf = state["csrf_token"].as_str().expect("a token");
    search().header("X-CSRF-Token", csrf).send().expect(200);
    // Who has a login role of its own that the authenticator may take has its rights.
    let sql = "CREATE ROLE olga LOGIN IN ROLE auditlog_administrator; GRANT olga TO authenticator;
        SELECT auditlog.add_principal('olga', actor_id => 'user_8')";
    site.world.superuser().batch_execute(sql).expect("a principal");
    let mut olga = site.browser("user_8");
    assert_eq!(site.events(&mut olga).len(), 3);
    olga.get(&site.world, "/admin").expect(200);
    let sql = "REVOKE olga FROM authenticator";
    site.world.superuser().batch_execute(sql).expect("REVOKE");
    olga.get(&site.world, "/admin").expect(403);
    site.world
        .superuser()
        .batch_execute("DROP ROLE olga")
        .expect("DROP ROLE");
}

/// Tokens of this many seconds have expired, and are taken for ten more: 30 are for clocks that differ.
const ALMOST_OVER: i64 = -20;

fn until_over() {
    std::thread::sleep(Duration::from_millis(10_500));
}

#[test]
fn a_session_ends_with_its_token() {
    let site = Site::new();
    site.provider.behave(|manner| manner.seconds = ALMOST_OVER);
    let mut ann = site.browser("user_17");
    ann.get(&site.world, "/").expect(200);
    until_over();
    ann.get(&site.world, "/api/v1/whoami").expect(401);
    let over = ann.get(&site.world, "/search?q=x").expect(303);
    assert_eq!(over.header("location"), Some("/login?return_to=%2Fsearch%3Fq%3Dx"));
}

#[test]
fn a_session_goes_on_as_long_as_its_token_is_renewed() {
    let site = Site::new();
    let behave = |change: fn(&mut Manner)| site.provider.behave(change);
    behave(|manner| (manner.refreshes, manner.seconds) = (true, ALMOST_OVER));
    let mut mia = site.browser("user_4");
    let [mut one, mut two, mut three] = [site.browser("user_4"), site.browser("user_4"), site.browser("user_4")];
    behave(|manner| manner.seconds = 600);
    // Once for all requests that come together.
    let before = site.provider.asked().len();
    let world = &site.world;
    std::thread::scope(|scope| {
        for _ in 0..4 {
            let mut jar = mia.clone();
            scope.spawn(move || jar.get(world, "/api/v1/whoami").expect(200));
        }
    });
    let asked = site.provider.asked().split_off(before);
    assert_eq!(asked.len(), 1, "{asked:?}");
    assert!(
        asked[0].starts_with("grant_type=refresh_token&refresh_token=refresh%20"),
        "{asked:?}"
    );
    until_over();
    mia.get(world, "/").expect(200);
    // A newer token of somebody else ends the session, and so does a provider that lets the person in no more.
    behave(|manner| manner.renewed_subject = Some("user_8".to_owned()));
    one.get(world, "/api/v1/whoami").expect(401);
    behave(|manner| manner.answer = Some((400, json!({"error": "invalid_grant"}).to_string())));
    two.get(world, "/api/v1/whoami").expect(401);
    // One that cannot be reached does not: later it may.
    behave(|manner| manner.answer = Some((500, String::new())));
    three.get(world, "/api/v1/whoami").expect(503);
    assert!(three.has("__Host-auditlog"));
}

#[test]
fn a_provider_that_is_down_keeps_nobody_else_out() {
    let mut site = Site::with(|given| given.rate_refusals = Some(1_000));
    site.provider.stop();
    let mut jar = Jar::default();
    let answer = jar
        .post(&site.world, "/login/sso", &[("return_to", "/search")])
        .expect(503);
    assert!(error_of(&answer).contains("cannot be reached"), "{}", answer.text());
    assert!(!answer.text().contains(&site.provider.address.to_string()));
    let html = parsed(&answer);
    assert_eq!(
        attributes(&html, "form[action='/login'] input[name=return_to]", "value"),
        ["/search"]
    );
    sign_in(&site.world, "ann", "ann", "").expect(303);
    request(site.world.address, "GET", "/ready").send().expect(200);
}

#[test]
fn signing_out_ends_both_sessions() {
    let site = Site::with(|given| given.login = Some(false));
    let page = parsed(&request(site.world.address, "GET", "/login").send().expect(200));
    assert!(attributes(&page, "input[type=password]", "name").is_empty());
    assert_eq!(texts(&page, "form[action='/login/sso'] button").len(), 1);
    assert!(!texts(&page, "main").concat().contains("Nobody signs in"));
    sign_in(&site.world, "ann", "ann", "").expect(422);
    let mut ann = site.browser("user_17");
    let csrf = ann.get(&site.world, "/api/v1/session").expect(200).json()["csrf_token"].clone();
    ann.post(&site.world, "/logout", &[("csrf_token", "x")]).expect(403);
    let mut left = ann.clone();
    let page = ann
        .post(
            &site.world,
            "/logout",
            &[("csrf_token", csrf.as_str().expect("a token"))],
        )
        .expect(200);
    assert!(!ann.has("__Host-auditlog"));
    let there = page.header("refresh").expect("a way").to_owned();
    let expected = format!(
        "0; url={}/logout?client_id=audit&post_logout_redirect_uri=http%3A%2F%2Flocalhost%2Flogin",
        site.provider.issuer
    );
    assert_eq!(there, expected, "and no token in it");
    assert_eq!(page.header("clear-site-data"), Some("\"cache\""));
    left.get(&site.world, "/").expect(303);

    // Without a provider there is nothing of it.
    let world = World::new();
    let mut jar = Jar::default();
    jar.post(&world, "/login/sso", &[]).expect(404);
    jar.get(&world, "/login/sso/callback?state=x&code=y").expect(404);
}

#[test]
fn guesses_are_slowed_down() {
    let site = Site::with(|given| given.rate_refusals = Some(3));
    let mut jar = Jar::default();
    for _ in 0..3 {
        jar.get(&site.world, "/login/sso/callback?state=x&code=y").expect(400);
    }
    let refused = jar.get(&site.world, "/login/sso/callback?state=x&code=y").expect(429);
    assert!(refused.header("retry-after").is_some());
}
