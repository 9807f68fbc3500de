//! Tokens by hand: made once, shown once, taken back.

use crate::browser::{Browser, attributes, parsed, texts};
use crate::world::World;

#[test]
fn a_token_is_shown_once_and_taken_back() {
    let world = World::new();
    let ann = Browser::of(&world, "ann");
    let made = ann
        .post(
            "/admin/tokens",
            &[("name", "nightly <b>"), ("scopes", "read"), ("days", "7")],
        )
        .expect(201);
    let shown = texts(&parsed(&made), "pre code").concat();
    assert!(shown.starts_with("pgal_") && shown.len() == 48, "{shown}");
    let answer = world
        .anonymous("GET", "/api/v1/audit-logs")
        .header("Authorization", &format!("Bearer {shown}"))
        .send();
    answer.expect(200);
    let again = ann.get("/admin/tokens").expect(200);
    assert!(!again.text().contains(&shown[12..]), "it is shown once");
    let html = parsed(&again);
    assert!(texts(&html, "table").concat().contains("nightly <b>"));
    let action = attributes(&html, "form[action$='/revoke']", "action").remove(0);
    // nobody else's
    let mia = Browser::of(&world, "mia");
    assert!(!mia.get("/admin/tokens").expect(200).text().contains("nightly"));
    mia.post(&action, &[]).expect(404);
    ann.post(&action, &[]).expect(303);
    let answer = world
        .anonymous("GET", "/api/v1/audit-logs")
        .header("Authorization", &format!("Bearer {shown}"))
        .send();
    answer.expect(401);
    // without a scope, without a name, without the form's token
    ann.post("/admin/tokens", &[("name", "x"), ("days", "7")]).expect(422);
    ann.post("/admin/tokens", &[("name", ""), ("scopes", "read"), ("days", "7")])
        .expect(422);
    ann.request("POST", "/admin/tokens")
        .body("application/x-www-form-urlencoded", b"name=x&scopes=read&days=7")
        .send()
        .expect(403);
}
