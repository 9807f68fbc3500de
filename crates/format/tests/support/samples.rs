//! Events of each kind that the formats tell apart.

use serde_json::json;

use super::Made;

const TIME: i64 = 1_773_153_045_123_000;

fn event(log_index: u64, event_type: &str, category: &str, severity: &str) -> Made {
    Made::new(log_index)
        .int("timestamp", TIME + log_index as i64 * 1_000_001)
        .int("recorded_at", TIME + log_index as i64 * 1_000_001 + 1500)
        .int("db_xid", 731)
        .text("severity", severity)
        .text("event_id", format!("evt_{log_index:016}"))
        .text("event_type", event_type)
        .text("category", category)
        .text("db_session_user", "app")
        .text("db_current_user", "app")
        .inet("db_client_addr", 32, &[10, 0, 3, 9])
        .text("db_application", "orders-api")
}

/// All of them.
pub fn all() -> Vec<Made> {
    vec![
        seed(),
        login(),
        row(),
        grant(),
        role(),
        table(),
        alert(),
        hostile(),
        erased(),
        bare(),
        select(),
        mfa(),
    ]
}

/// The example of the seed.
pub fn seed() -> Made {
    event(0, "resource.modify", "resource", "info")
        .text("actor_type", "user")
        .text("actor_id", "user_12345")
        .text("actor_email", "admin@company.com")
        .inet("actor_ip", 32, &[203, 0, 113, 45])
        .text("actor_user_agent", "Mozilla/5.0...")
        .text("actor_session_id", "sess_abcdef123456")
        .text("resource_type", "ec2_instance")
        .text("resource_id", "i-0123456789abcdef")
        .text("cloud_provider", "aws")
        .text("account_id", "123456789012")
        .text("region", "us-east-1")
        .json("resource_tags", json!({"Environment": "production"}))
        .text("operation", "stop_instance")
        .text("status", "success")
        .text("method", "api")
        .json("before", json!({"state": "running"}))
        .json("after", json!({"state": "stopped", "cost": 12.50, "since": null}))
        .text("request_id", "req_xyz789")
        .list("tags", &["automation", "cost-optimization"])
        .json(
            "extra",
            json!({"metadata": {"api_version": "v2"}, "auditlog": {"forged": true}}),
        )
}

/// A failed login, as the database records it.
pub fn login() -> Made {
    event(1, "authentication.login", "authentication", "warning")
        .text("actor_type", "user")
        .text("actor_id", "bob")
        .inet("actor_ip", 128, &[0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7])
        .text("actor_session_id", "69b1a2c3.4d2")
        .text("operation", "login")
        .text("status", "failed")
        .json(
            "extra",
            json!({"metadata": {"database": "shop", "auth_method": "scram-sha-256", "error": "password authentication failed"}}),
        )
}

/// A row of a tracked table.
pub fn row() -> Made {
    event(2, "resource.modify", "resource", "info")
        .text("actor_type", "database_role")
        .text("actor_id", "app")
        .text("resource_type", "public.orders")
        .text("resource_id", "(7,\"a b\")")
        .text("operation", "update")
        .text("status", "success")
        .json("before", json!({"amount": "10.00"}))
        .json("after", json!({"amount": "12.50"}))
}

/// A membership that was granted.
pub fn grant() -> Made {
    event(3, "grant.role", "access", "notice")
        .text("actor_type", "database_role")
        .text("actor_id", "postgres")
        .text("resource_type", "role")
        .text("resource_id", "auditlog_analyst")
        .text("operation", "grant")
        .text("status", "success")
        .json(
            "extra",
            json!({"metadata": {"grantee": "ann", "object_kind": "role", "statement": "GRANT auditlog_analyst TO ann"}}),
        )
}

/// A role that was created.
pub fn role() -> Made {
    event(4, "role.create", "access", "notice")
        .text("actor_type", "database_role")
        .text("actor_id", "postgres")
        .text("resource_type", "role")
        .text("resource_id", "ann")
        .text("operation", "create role")
        .text("status", "success")
}

/// A table that was dropped.
pub fn table() -> Made {
    event(5, "ddl.drop", "schema", "notice")
        .text("actor_type", "database_role")
        .text("actor_id", "postgres")
        .text("resource_type", "table")
        .text("resource_id", "public.orders")
        .text("operation", "drop table")
        .text("status", "success")
        .json(
            "extra",
            json!({"metadata": {"object_kind": "ddl", "statement": "DROP TABLE orders", "statement_digest": "0af3"}}),
        )
}

/// An alert that fired.
pub fn alert() -> Made {
    event(6, "auditlog.alert", "auditlog", "critical")
        .text("actor_type", "system")
        .text("actor_id", "pg_auditlog")
        .text("operation", "alert")
        .text("status", "success")
        .json(
            "extra",
            json!({"metadata": {"alert": "many failed logins", "firing_id": 12, "reason": "5 in 5 minutes", "group": {"actor.email": null}}}),
        )
}

/// Values that try to be something else.
pub fn hostile() -> Made {
    event(7, "resource.delete", "resource", "error")
        .text("actor_type", "user|admin")
        .text("actor_id", "=cmd|'/c calc'!A1")
        .text("actor_email", "a\"b]c\\d=e@example.com\nFORGED=1")
        .text(
            "actor_user_agent",
            "tab\there\r\nCEF:0|x|y|z|1|forged|10|src=1.2.3.4 act=none",
        )
        .text("resource_type", "\u{feff} @SUM(1)")
        .text("resource_id", "'quoted', \"twice\"; \u{2028}\u{85}\u{1b}[31m é漢字 \\")
        .text("operation", "delete\u{7f}")
        .text("status", "denied")
        .text("tenant", "")
        .json("before", json!({"a=b|c]\"\\": ["\n\r\t", -1.50, 1e3], "": {"": null}}))
        .json("extra", json!({"actor": {"id": 7, "phone": "+41"}, "x\n": "]=|"}))
}

/// An event whose personal columns were erased.
pub fn erased() -> Made {
    event(8, "user.update", "user", "info")
        .text("actor_type", "user")
        .text("actor_id", "user_9")
        .text("operation", "update")
        .text("status", "success")
        .json("after", json!({"name": {"$redacted": "ab".repeat(32)}}))
        .list("personal", &["actor.email", "actor.ip_address", "changes.after.name"])
        .redacted(&["actor.email", "actor.ip_address"])
}

/// As little as an event can have.
pub fn bare() -> Made {
    Made::new(9)
        .int("timestamp", 0)
        .int("recorded_at", 1)
        .text("severity", "debug")
        .text("event_id", "e")
        .text("event_type", "x")
        .text("category", "x")
        .text("db_session_user", "app")
        .text("db_current_user", "app")
}

/// A read of a table.
pub fn select() -> Made {
    event(10, "data.select", "data", "debug")
        .text("actor_type", "service")
        .text("actor_id", "reports")
        .inet("actor_ip", 24, &[10, 1, 2, 3])
        .text("resource_type", "public.orders")
        .text("operation", "select")
        .text("status", "success")
}

/// A second factor, with a status of its own.
pub fn mfa() -> Made {
    event(11, "authentication.mfa_verify", "authentication", "info")
        .text("actor_id", "ann")
        .text("actor_email", "ann@example.com")
        .text("operation", "verify")
        .text("status", "pending")
        .text("method", "POST")
}
