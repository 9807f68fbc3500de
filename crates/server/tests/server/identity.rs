//! Logging in: who is let in, for how long, and what other sites can do with it.

use std::time::Duration;

use serde_json::json;

use crate::client::{Answer, Request};
use crate::world::World;

struct Login {
    cookie: String,
    csrf: String,
}

fn log_in(world: &World, name: &str, password: &str) -> Answer {
    world
        .anonymous("POST", "/api/v1/session")
        .json(&json!({"user": name, "password": password}))
        .send()
}

fn session(world: &World, name: &str) -> Login {
    let answer = log_in(world, name, name).expect(201);
    let set = answer.header("set-cookie").expect("a cookie").to_owned();
    for part in [
        "__Host-auditlog=",
        "; Path=/",
        "; Secure",
        "; HttpOnly",
        "; SameSite=Strict",
    ] {
        assert!(set.contains(part), "{set}");
    }
    assert!(!set.contains(name) && !set.contains("Domain"));
    Login {
        cookie: set.split(';').next().expect("a pair").to_owned(),
        csrf: answer.json()["csrf_token"].as_str().expect("a token").to_owned(),
    }
}

impl Login {
    fn by(&self, world: &World, method: &str, target: &str) -> Request {
        world
            .anonymous(method, target)
            .header("Cookie", &format!("other=1; {}", self.cookie))
    }
}

#[test]
fn a_session_is_its_person() {
    let world = World::new();
    let login = session(&world, "ann");
    let who = login.by(&world, "GET", "/api/v1/whoami").send().expect(200).json();
    assert_eq!((who["role"].as_str(), who["sees"].as_str()), (Some("ann"), Some("own")));
    assert_eq!(who["rights"], json!(["user"]));
    let state = login.by(&world, "GET", "/api/v1/session").send().expect(200).json();
    assert_eq!(state["csrf_token"], login.csrf.as_str());
    let out = login
        .by(&world, "DELETE", "/api/v1/session")
        .header("X-CSRF-Token", &login.csrf)
        .send()
        .expect(204);
    assert!(out.header("set-cookie").expect("a cookie").contains("Max-Age=0"));
    login.by(&world, "GET", "/api/v1/whoami").send().expect(401);
}

#[test]
fn wrong_passwords_are_refused_alike() {
    let world = World::new();
    let wrong = log_in(&world, "ann", "wrong").expect(401).json();
    let unknown = log_in(&world, "nobody_here", "wrong").expect(401).json();
    assert_eq!(wrong["detail"], unknown["detail"]);
    log_in(&world, "ann", "").expect(401);
    log_in(&world, "", "x").expect(401);
    // A role without login, a superuser, the owner.
    log_in(&world, "auditlog_user", "x").expect(401);
    log_in(&world, "root", "root").expect(403);
    assert!(
        world
            .get("ann", "/api/v1/whoami")
            .expect(200)
            .header("set-cookie")
            .is_none()
    );
    let refused = world
        .anonymous("GET", "/api/v1/whoami")
        .basic("ann", "wrong")
        .send()
        .expect(401);
    assert!(refused.header("www-authenticate").expect("ways").contains("Basic"));
    let browser = world
        .anonymous("GET", "/api/v1/whoami")
        .header("Sec-Fetch-Mode", "cors")
        .send()
        .expect(401);
    assert!(!browser.header("www-authenticate").expect("ways").contains("Basic"));
}

#[test]
fn sessions_end() {
    let world = World::with(|given| given.session_idle = Some("700ms".parse().expect("a time")));
    let login = session(&world, "ann");
    for _ in 0..4 {
        std::thread::sleep(Duration::from_millis(250));
        login.by(&world, "GET", "/api/v1/whoami").send().expect(200);
    }
    std::thread::sleep(Duration::from_millis(900));
    login.by(&world, "GET", "/api/v1/whoami").send().expect(401);

    let world = World::with(|given| given.session_absolute = Some("600ms".parse().expect("a time")));
    let login = session(&world, "ann");
    login.by(&world, "GET", "/api/v1/whoami").send().expect(200);
    std::thread::sleep(Duration::from_millis(700));
    login.by(&world, "GET", "/api/v1/whoami").send().expect(401);
}

#[test]
fn other_sites_can_do_nothing() {
    let world = World::new();
    let login = session(&world, "ann");
    let search = || login.by(&world, "POST", "/api/v1/audit-logs/search").json(&json!({}));
    search().send().expect(403);
    search().header("X-CSRF-Token", "wrong").send().expect(403);
    let good = || search().header("X-CSRF-Token", &login.csrf);
    good().send().expect(200);
    good().header("Sec-Fetch-Site", "same-origin").send().expect(200);
    good().header("Sec-Fetch-Site", "cross-site").send().expect(403);
    good().header("Sec-Fetch-Site", "same-site").send().expect(403);
    good().header("Origin", "https://evil.example").send().expect(403);
    good().header("Origin", "http://localhost").send().expect(200);
    // Another session's token, and another site's login.
    let other = session(&world, "ann");
    search().header("X-CSRF-Token", &other.csrf).send().expect(403);
    let forced = world
        .anonymous("POST", "/api/v1/session")
        .json(&json!({"user": "ann", "password": "ann"}));
    forced.header("Sec-Fetch-Site", "cross-site").send().expect(403);
    // Browsers repeat Basic by themselves.
    let basic = world.by("ann", "POST", "/api/v1/audit-logs/search").json(&json!({}));
    basic.header("Sec-Fetch-Site", "cross-site").send().expect(403);
}

#[test]
fn guesses_and_floods_are_slowed_down() {
    let world = World::with(|given| given.rate_refusals = Some(3));
    for _ in 0..3 {
        log_in(&world, "ann", "guess").expect(401);
    }
    let refused = log_in(&world, "ann", "ann").expect(429);
    assert!(
        refused
            .header("retry-after")
            .expect("when")
            .parse::<u64>()
            .expect("seconds")
            >= 1
    );

    let world = World::with(|given| given.rate_requests = Some(5));
    for _ in 0..5 {
        world.get("ann", "/api/v1/whoami").expect(200);
    }
    world.get("ann", "/api/v1/whoami").expect(429);
    world.get("mia", "/api/v1/whoami").expect(200);
}

#[test]
fn answers_say_how_they_may_be_used() {
    let world = World::new();
    let answer = world
        .by("ann", "GET", "/api/v1/whoami")
        .header("X-Request-Id", "abc-1")
        .send()
        .expect(200);
    assert_eq!(answer.header("x-request-id"), Some("abc-1"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    let nowhere = world.get("ann", "/api/v1/nothing").expect(404);
    assert_eq!(nowhere.header("content-type"), Some("application/problem+json"));
    let method = world.by("ann", "PUT", "/api/v1/audit-logs").send().expect(405);
    assert!(method.header("allow").is_some());
    world
        .by("ann", "POST", "/api/v1/audit-logs/search")
        .body("text/plain", b"{}")
        .send()
        .expect(415);
    world
        .by("ann", "POST", "/api/v1/audit-logs/search")
        .body("application/json", b"{")
        .send()
        .expect(400);
    let small = World::with(|given| given.body_limit = Some(100));
    small
        .by("ann", "POST", "/api/v1/audit-logs/search")
        .body("application/json", &[b' '; 200])
        .send()
        .expect(413);
}
