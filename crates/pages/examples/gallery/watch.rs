//! Alerts and what they have found.

use auditlog_pages::components::query_box::Problem;
use auditlog_pages::pages::{alert, alert_form, alerts};
use auditlog_pages::url::Range;
use chrono::TimeDelta;

use crate::data::{Spice, now};

/// An alert of the gallery.
pub fn alert(spice: Spice, id: i64, name: &str, state: &str) -> alerts::Alert {
    alerts::Alert {
        id, name: spice.text(name), state: state.into(), severity: if id % 2 == 1 { "error".into() } else { "warning".into() },
        condition: spice.text("event_type:authentication.login AND status:failed"),
        in_words: spice.text("Fires when 5 events match «event_type:authentication.login AND status:failed» within 5 minutes, separately for each actor.email."),
        fired: 14 * id as u64, last_fired_at: Some(now() - TimeDelta::minutes(34 * id)),
        muted_until: (state == "muted").then(|| now() + TimeDelta::hours(6)), mute_reason: (state == "muted").then(|| spice.text("planned penetration test")),
        error: (state == "failing").then(|| spice.text("saved query «prod» does not exist")), channels: vec![spice.text("email"), spice.text("slack")],
    }
}

fn firing(spice: Spice, id: i64) -> alerts::Firing {
    alerts::Firing {
        id,
        alert: spice.text("Multiple failed logins"),
        severity: "error".into(),
        group: vec![(spice.text("actor.email"), spice.text("contractor@partner.example"))],
        count: 5,
        events: 23,
        reason: spice.text("5 events within 2 minutes; 5 within 5 minutes are enough"),
        fired_at: now() - TimeDelta::minutes(34 * id),
        open: id == 1,
        muted: id == 3,
        samples: vec![
            spice.text("evt_0195803122d07c3ba1d4"),
            spice.text("evt_0195803122d07c3ba1d5"),
        ],
        acknowledged: (id > 2).then(|| (spice.text("b.okafor"), now() - TimeDelta::minutes(12))),
        note: (id > 2).then(|| spice.text("Forgot the password; called back on the known number.")),
        deliveries: vec![
            (spice.text("email fired"), "delivered".into()),
            (spice.text("slack fired"), "waiting".into()),
        ],
        query: spice
            .text("event_type:authentication.login AND status:failed AND actor.email:=\"contractor@partner.example\""),
        range: Range::Last("7d"),
    }
}

/// All alerts.
pub fn watch(spice: Spice) -> alerts::Model {
    let built = |key: &str, name: &str, installed| alerts::BuiltIn {
        key: key.into(),
        name: name.into(),
        description: spice.text("Comes with the extension."),
        installed,
    };
    alerts::Model {
        alerts: vec![
            alert(spice, 1, "Multiple failed logins", "active"),
            alert(spice, 2, "Privileged role granted", "muted"),
            alert(spice, 3, "Data copied out in bulk", "failing"),
            alert(spice, 4, "Login from a new address", "disabled"),
        ],
        firings: vec![firing(spice, 1), firing(spice, 2), firing(spice, 3)],
        built_in: vec![
            built("failed_logins", "Multiple failed logins", true),
            built("password_spraying", "Password spraying", false),
            built("audit_log_attacked", "Audit log attacked or broken", false),
        ],
        channels: vec![spice.text("email"), spice.text("slack")],
    }
}

fn steps(spice: Spice) -> Vec<(String, String)> {
    [
        ("definition", "Fires when 5 events match within 5 minutes."),
        ("condition", "5 of them match"),
        ("firing", "it fires for actor.email bob@example.com"),
        ("channel slack", "there is none of this name: auditlog.create_channel()"),
    ]
    .map(|(step, result)| (spice.text(step), spice.text(result)))
    .to_vec()
}

/// One alert.
pub fn watcher(spice: Spice) -> alert::Model {
    alert::Model {
        alert: alert(spice, 2, "Multiple failed login attempts", "muted"),
        definition: spice.text("{\n  \"name\": \"Multiple failed login attempts\",\n  \"condition\": \"event_type:authentication.login AND status:failed\",\n  \"threshold\": {\"count\": 5, \"window\": \"5m\", \"group_by\": [\"actor.email\"]}\n}"),
        explanation: vec![spice.text("Fires when 5 events match within 5 minutes, separately for each actor.email."), spice.text("After a firing the same group is quiet for 5 minutes."), spice.text("Of the 20,412 events that were sealed in the last 7 days, 143 match; it would have fired 3 times, for 2 groups.")],
        test: Some(steps(spice)), firings: vec![firing(spice, 2)], changed: Some((spice.text("ana.kovac"), now() - TimeDelta::days(3))),
    }
}

/// An alert that is being written.
pub fn draft(spice: Spice) -> alert_form::Model {
    alert_form::Model {
        fields: alert_form::Fields {
            name: spice.text("Exports at night"),
            condition: spice.text("event_type:data.export AND rows:>bogus"),
            count: "3".into(),
            window: "1h".into(),
            group_by: "actor.id".into(),
            channels: vec![spice.text("email")],
            ..alert_form::Fields::default()
        },
        channels: vec![spice.text("email"), spice.text("slack")],
        problem: Some(Problem {
            position: 34,
            length: 5,
            message: spice.text("«bogus» is no number"),
            hint: None,
        }),
        preview: Some(vec![
            spice.text("Of the 20,412 events that were sealed in the last 7 days, 9 match; it would have fired once."),
            spice.text("2026-03-07 02:14:09Z for actor.id user_99001"),
        ]),
        test: Some(steps(spice)),
        ..alert_form::Model::default()
    }
}
