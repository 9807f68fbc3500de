//! Single sign-on: nobody comes in by another's sign-in, by an answer that is not right, or past the database.

use std::time::Duration;

use serde_json::json;

use crate::browser::body;
use crate::client::request;
use crate::provider::{CLIENT, signed};
use crate::sso_site::{Jar, Site, error_of};
use crate::tokens::now;

#[test]
fn nobody_ends_anothers_sign_in() {
    let site = Site::new();
    let mut ann = Jar::default();
    let there = site.begin(&mut ann, "");
    let back = site.provider.approve(&there, "user_17");
    // Another browser, with a sign-in of its own under way or none: mallory has ann end hers, or ends ann's.
    let mut mallory = Jar::default();
    site.begin(&mut mallory, "");
    let asked = site.provider.asked().len();
    let refused = mallory.get(&site.world, &back).expect(400);
    assert!(
        error_of(&refused).contains("not begun in this browser"),
        "{}",
        refused.text()
    );
    assert!(!mallory.has("__Host-auditlog"));
    // Whoever has shown the state has used it up, also for ann.
    ann.get(&site.world, &back).expect(400);
    assert!(!ann.has("__Host-auditlog"));
    assert_eq!(site.provider.asked().len(), asked, "the code was not given to anybody");

    // A good one, a second time.
    let mut ann = Jar::default();
    let there = site.begin(&mut ann, "");
    let back = site.provider.approve(&there, "user_17");
    let before = ann.clone();
    ann.get(&site.world, &back).expect(200);
    assert!(ann.has("__Host-auditlog"));
    for mut jar in [before, ann.clone(), Jar::default()] {
        jar.get(&site.world, &back).expect(400);
    }
    ann.get(&site.world, "/").expect(200);

    for (name, change) in [
        ("wrong state", ("state=", "state=x")),
        ("no state", ("state=", "stat=")),
    ] {
        let mut jar = Jar::default();
        let there = site.begin(&mut jar, "");
        let back = site.provider.approve(&there, "user_17").replace(change.0, change.1);
        let back = back
            .replace("session_stat=", "session_state=")
            .replace("session_state=x", "z=");
        jar.get(&site.world, &back).expect(400);
        assert!(!jar.has("__Host-auditlog"), "{name}");
    }
    // A code of another sign-in: the verifier does not fit; the provider refuses. One that was used: the same.
    let (mut one, mut two) = (Jar::default(), Jar::default());
    let (there_one, there_two) = (site.begin(&mut one, ""), site.begin(&mut two, ""));
    let back_one = site.provider.approve(&there_one, "user_17");
    let back_two = site.provider.approve(&there_two, "user_4");
    let code_of_two = back_two.split("&code=").nth(1).expect("a code");
    let mixed = format!(
        "{}&code={code_of_two}",
        back_one.split("&code=").next().expect("a state")
    );
    let refused = one.get(&site.world, &mixed).expect(403);
    assert!(error_of(&refused).contains("did not confirm"), "{}", refused.text());
    two.get(&site.world, &back_two).expect(403);
}

#[test]
fn answers_that_are_not_right_let_nobody_in() {
    let site = Site::new();
    let change = |claims: serde_json::Value| site.provider.behave(|manner| manner.claims = claims);
    let refused = |what: &str, status: u16| {
        let mut jar = Jar::default();
        let answer = site.come_back(&mut jar, "user_17");
        assert_eq!(answer.status, status, "{what}: {}", answer.text());
        assert!(!jar.has("__Host-auditlog"), "{what}");
        assert!(!answer.text().contains("eyJ"), "{what}: nothing of a token is shown");
        assert!(!error_of(&answer).is_empty(), "{what}");
        answer
    };
    let now = i64::try_from(now()).expect("now");
    for (what, claims) in [
        ("another nonce", json!({"nonce": "x"})),
        ("no nonce", json!({"nonce": null})),
        ("another audience", json!({"aud": "other"})),
        ("another issuer", json!({"iss": "https://evil.example"})),
        ("given to another", json!({"azp": "other"})),
        ("expired", json!({"exp": now - 60})),
        ("of the future", json!({"nbf": now + 3_600})),
        ("nobody", json!({"sub": ""})),
    ] {
        change(claims);
        refused(what, 502);
    }
    change(json!({}));
    for (what, status, answer, expected) in [
        ("not JSON", 200, "<html>".to_owned(), 502),
        ("no token", 200, json!({"access_token": "x"}).to_string(), 502),
        (
            "a token of a program",
            200,
            json!({"id_token": "pgal_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}).to_string(),
            502,
        ),
        (
            "unsigned",
            200,
            json!({"id_token": "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ1c2VyXzE3In0."}).to_string(),
            502,
        ),
        ("refused", 400, json!({"error": "<script>"}).to_string(), 403),
        ("broken", 500, String::new(), 503),
        ("elsewhere", 302, String::new(), 502),
    ] {
        site.provider.behave(|manner| manner.answer = Some((status, answer)));
        let page = refused(what, expected);
        assert!(!page.text().contains("<script>"), "{what}");
    }
    // A key that the provider's set does not have, and a client that is not let in.
    let forged = signed(
        9,
        &json!({"iss": site.provider.issuer, "aud": CLIENT, "sub": "user_17", "exp": now + 60}),
    );
    site.provider
        .behave(|manner| manner.answer = Some((200, json!({"id_token": forged}).to_string())));
    refused("forged", 502);
    site.provider.behave(|manner| manner.answer = None);

    // What the provider says by the browser.
    for (what, query, status, words) in [
        (
            "no",
            "error=access_denied&error_description=%3Cb%3E",
            403,
            "did not let you in",
        ),
        ("oops", "error=%3Cscript%3E", 403, "did not confirm"),
        ("nothing", "a=b", 502, "cannot be used"),
    ] {
        let mut jar = Jar::default();
        let back = site.provider.approve(&site.begin(&mut jar, ""), "user_17");
        let state = back.split('&').next().expect("a state");
        let issuer = crate::client::escape(&site.provider.issuer);
        let answer = jar
            .get(&site.world, &format!("{state}&iss={issuer}&{query}"))
            .expect(status);
        assert!(error_of(&answer).contains(words), "{what}: {}", answer.text());
        assert!(!jar.has("__Host-auditlog"));
    }
    // Another provider's answer (mix-up), and one that does not say whose it is.
    for iss in ["&iss=https%3A%2F%2Fevil.example", ""] {
        let mut jar = Jar::default();
        let back = site.provider.approve(&site.begin(&mut jar, ""), "user_17");
        let back = format!("{}{iss}", back.split("&iss=").next().expect("an answer"));
        jar.get(&site.world, &back).expect(502);
        assert!(!jar.has("__Host-auditlog"));
    }
    // Nobody is led to another site.
    for evil in [
        "//evil.example",
        "https://evil.example",
        "/\\evil",
        "/login",
        "javascript:x",
    ] {
        let mut jar = Jar::default();
        let back = site.provider.approve(&site.begin(&mut jar, evil), "user_17");
        assert_eq!(
            jar.get(&site.world, &back).expect(200).header("refresh"),
            Some("0; url=/"),
            "{evil}"
        );
    }
    // Nor is anybody's browser made to begin.
    let fields = body(&[("return_to", "/")]);
    let forced = request(site.world.address, "POST", "/login/sso")
        .header("Sec-Fetch-Site", "cross-site")
        .body("application/x-www-form-urlencoded", fields.as_bytes());
    assert!(forced.send().expect(403).header("set-cookie").is_none());
}

#[test]
fn the_database_has_the_last_word() {
    let site = Site::new();
    let mut jar = Jar::default();
    let answer = site.come_back(&mut jar, "stranger_1").expect(403);
    assert!(!jar.has("__Host-auditlog"));
    let words = error_of(&answer);
    assert!(
        words.contains("the audit log does not") && words.contains("stranger_1"),
        "{words}"
    );
    assert!(
        !words.contains("user_17") && !answer.text().contains("add_principal"),
        "{words}"
    );
    // Hostile ids are shown as text.
    let hostile = "<script>alert(1)</script>\u{202e}";
    let answer = site.come_back(&mut jar, hostile).expect(403);
    assert!(!answer.text().contains("<script>alert") && !answer.text().contains('\u{202e}'));

    // The provider's keys are not the database's: another audience there, another key, none at all.
    let mut ann = site.browser("user_17");
    let mut again = Jar::default();
    site.set_keys(7, "somebody else");
    assert!(error_of(&site.come_back(&mut again, "user_17").expect(403)).contains("does not take"));
    assert!(
        ann.get(&site.world, "/")
            .expect(303)
            .header("location")
            .is_some_and(|to| to.starts_with("/login"))
    );
    site.set_keys(8, CLIENT);
    site.come_back(&mut again, "user_17").expect(403);
    site.world
        .superuser()
        .execute("SELECT auditlog.set_token_keys(NULL)", &[])
        .expect("no keys");
    site.come_back(&mut again, "user_17").expect(403);
    assert!(!again.has("__Host-auditlog"));
    // The provider changes its keys, and the database has them: nobody need restart anything.
    site.set_keys(8, CLIENT);
    site.provider.behave(|manner| manner.seed = 8);
    std::thread::sleep(Duration::from_millis(5_100));
    site.browser("user_17");
    // Who is a principal no more is out at once.
    let mut dev = site.browser("user_99");
    let mut client = site.world.superuser();
    client
        .execute("SELECT auditlog.drop_principal('user_99')", &[])
        .expect("dropped");
    dev.get(&site.world, "/search").expect(303);
}
