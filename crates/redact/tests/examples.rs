//! What is hidden and, as much, what stays.

use auditlog_redact::{Strings, sql, value};

fn check(cases: &[(&str, &str)]) {
    for (given, expected) in cases {
        assert_eq!(sql(given, Strings::Standard), *expected, "of: {given}");
    }
}

#[test]
fn roles() {
    check(&[
        (
            "CREATE ROLE bob LOGIN PASSWORD 'hunter2' VALID UNTIL '2030-01-01' IN ROLE staff",
            "CREATE ROLE bob LOGIN PASSWORD '<REDACTED>' VALID UNTIL '2030-01-01' IN ROLE staff",
        ),
        (
            "alter user bob with encrypted password E'hun\\'ter2'; COMMENT ON ROLE bob IS 'from Basel'",
            "alter user bob with encrypted password '<REDACTED>'; COMMENT ON ROLE bob IS 'from Basel'",
        ),
        (
            "ALTER ROLE bob PASSWORD /* a */ $x$hunter2$x$ -- b",
            "ALTER ROLE bob PASSWORD /* a */ '<REDACTED>' -- b",
        ),
        (
            "ALTER ROLE bob PASSWORD U&'hunter\\0032' UESCAPE '!'",
            "ALTER ROLE bob PASSWORD '<REDACTED>' UESCAPE '<REDACTED>'",
        ),
        (
            "ALTER ROLE bob PASSWORD 'hun'\n -- c\n 'ter2' LOGIN",
            "ALTER ROLE bob PASSWORD '<REDACTED>' LOGIN",
        ),
        ("ALTER ROLE bob PASSWORD NULL", "ALTER ROLE bob PASSWORD NULL"),
        (
            "ALTER ROLE bob PASSWORD 'hunter2",
            "ALTER ROLE bob PASSWORD '<REDACTED>'",
        ),
    ]);
}

#[test]
fn foreign_servers_and_subscriptions() {
    check(&[
        (
            "CREATE USER MAPPING FOR bob SERVER s OPTIONS (user 'bob', \"pass\" 'hunter2', key 'abc')",
            "CREATE USER MAPPING FOR bob SERVER s OPTIONS (user 'bob', \"pass\" '<REDACTED>', key '<REDACTED>')",
        ),
        (
            "ALTER SERVER s OPTIONS (SET host 'db', ADD passwd 'hunter2')",
            "ALTER SERVER s OPTIONS (SET host 'db', ADD passwd '<REDACTED>')",
        ),
        (
            "CREATE SUBSCRIPTION s CONNECTION 'host=db user=r password=hunter2 dbname=d' PUBLICATION p",
            "CREATE SUBSCRIPTION s CONNECTION 'host=db user=r password=<REDACTED> dbname=d' PUBLICATION p",
        ),
        (
            "CREATE SUBSCRIPTION s CONNECTION 'postgresql://r:hunter2@db/d?sslmode=require' PUBLICATION p",
            "CREATE SUBSCRIPTION s CONNECTION 'postgresql://r:<REDACTED>@db/d?sslmode=require' PUBLICATION p",
        ),
        (
            "SELECT dblink_connect('c', 'host=db password = ''hun ter2'' user=r')",
            "SELECT dblink_connect('c', 'host=db password = <REDACTED> user=r')",
        ),
        (
            "ALTER SYSTEM SET primary_conninfo = 'host=db password=hunter2'",
            "ALTER SYSTEM SET primary_conninfo = 'host=db password=<REDACTED>'",
        ),
        (
            "ALTER SYSTEM SET ssl_passphrase_command TO 'echo hunter2'",
            "ALTER SYSTEM SET ssl_passphrase_command TO '<REDACTED>'",
        ),
        (
            "COPY t FROM PROGRAM 'PGPASSWORD=hunter2 curl --password hunter2 https://u:hunter2@x/y'",
            "COPY t FROM PROGRAM 'PGPASSWORD=<REDACTED> curl --password <REDACTED> https://u:<REDACTED>@x/y'",
        ),
        ("SET app.api_token = hunter2", "SET app.api_token = <REDACTED>"),
        (
            "ALTER DATABASE d SET app.secret TO hunter2",
            "ALTER DATABASE d SET app.secret TO <REDACTED>",
        ),
    ]);
}

#[test]
fn strings_within_strings() {
    check(&[
        (
            "DO $$ BEGIN EXECUTE 'ALTER ROLE x PASSWORD ''hunter2'' LOGIN'; PERFORM f('x'); END $$",
            "DO $$ BEGIN EXECUTE 'ALTER ROLE x PASSWORD ''<REDACTED>'' LOGIN'; PERFORM f('x'); END $$",
        ),
        (
            "DO $$ BEGIN EXECUTE format('ALTER ROLE %I PASSWORD %L', 'x', 'hunter2'); PERFORM f('x'); END $$",
            "DO $$ BEGIN EXECUTE format('ALTER ROLE %I PASSWORD %L', '<REDACTED>', '<REDACTED>'); PERFORM f('x'); END $$",
        ),
        (
            "DO $$ BEGIN EXECUTE 'ALTER ROLE x PASSWORD ' || quote_literal('hunter2'); END $$",
            "DO $$ BEGIN EXECUTE 'ALTER ROLE x PASSWORD ' || quote_literal('<REDACTED>'); END $$",
        ),
        (
            "CREATE FUNCTION f() RETURNS boolean LANGUAGE plpgsql AS $f$ BEGIN IF new.password = old.password THEN RETURN true; END IF; END $f$",
            "CREATE FUNCTION f() RETURNS boolean LANGUAGE plpgsql AS $f$ BEGIN IF new.password = old.password THEN RETURN true; END IF; END $f$",
        ),
        (
            "CREATE FUNCTION f() RETURNS text LANGUAGE plpython3u AS $f$\nimport os\npassword = \"hunter2\"\nreturn password\n$f$",
            "CREATE FUNCTION f() RETURNS text LANGUAGE plpython3u AS $f$\nimport os\npassword = <REDACTED>\nreturn password\n$f$",
        ),
        (
            "SELECT dblink_connect($$host=db password=hunter2;x user=r$$)",
            "SELECT dblink_connect($$host=db password=<REDACTED> user=r$$)",
        ),
        (
            r#"INSERT INTO t VALUES ('{"password":"hunter2","user":"bob"}')"#,
            r#"INSERT INTO t VALUES ('{"password":<REDACTED>,"user":"bob"}')"#,
        ),
    ]);
}

#[test]
fn data() {
    check(&[
        (
            "INSERT INTO users (name, password) VALUES ('bob', 'hunter2')",
            "INSERT INTO users (name, password) VALUES ('<REDACTED>', '<REDACTED>')",
        ),
        (
            "UPDATE users SET password = crypt('hunter2', gen_salt('bf')), name = 'bob' WHERE id = 7",
            "UPDATE users SET password = crypt('<REDACTED>', gen_salt('<REDACTED>')), name = 'bob' WHERE id = 7",
        ),
        (
            "SELECT pgp_sym_decrypt(secret, 'key') FROM t WHERE name = 'bob'",
            "SELECT pgp_sym_decrypt(secret, '<REDACTED>') FROM t WHERE name = 'bob'",
        ),
        (
            "SELECT id, password FROM users WHERE name = 'bob'",
            "SELECT id, password FROM users WHERE name = 'bob'",
        ),
        (
            "SELECT * FROM users WHERE password = 'hunter2' AND name = 'bob'",
            "SELECT * FROM users WHERE password = '<REDACTED>' AND name = 'bob'",
        ),
        (
            "SELECT auditlog.authenticate('eyJhbGciOi')",
            "SELECT auditlog.authenticate('<REDACTED>')",
        ),
    ]);
}

#[test]
fn what_is_not_secret_stays() {
    for text in [
        "CREATE TABLE users (id bigint PRIMARY KEY, password varchar(64), note text DEFAULT 'none')",
        "COMMENT ON COLUMN users.password IS 'a hash'",
        "GRANT SELECT (id, name) ON users TO \"bob's role\" -- for reporting",
        "SELECT 'it''s', E'\\x41', $$a'b$$, U&'\\0041', B'01', N'x', 1e5, $1, a$b, \"q\"\"q\" /* x /* y */ z */",
        "ALTER ROLE bob SET search_path = 'a, b'",
        "SELECT * FROM t WHERE url = 'https://example.org:8080/a?b=c'",
        "CREATE INDEX tokens_idx ON tokens (kind) WHERE kind = 'access'",
        "SELECT 'a' /* unfinished",
        "SELECT 'unfinished",
        "",
    ] {
        assert_eq!(sql(text, Strings::Standard), text);
    }
}

#[test]
fn comments_that_speak_of_secrets_go() {
    check(&[
        (
            "ALTER ROLE bob LOGIN -- PASSWORD 'hunter2'\n",
            "ALTER ROLE bob LOGIN -- <REDACTED>\n",
        ),
        (
            "ALTER ROLE bob /* PASSWORD 'hunter2' */ LOGIN",
            "ALTER ROLE bob /* <REDACTED> */ LOGIN",
        ),
    ]);
}

#[test]
fn backslashes_escape_where_the_server_says_so() {
    let text = r"SELECT 'a\' || ' , ALTER ROLE x PASSWORD 'hunter2'";
    assert!(!sql(text, Strings::Backslash).contains("hunter2"));
    let text = r"ALTER ROLE x PASSWORD 'hun\'ter2' VALID UNTIL 'infinity'";
    assert_eq!(
        sql(text, Strings::Backslash),
        "ALTER ROLE x PASSWORD '<REDACTED>' VALID UNTIL 'infinity'"
    );
}

#[test]
fn values_of_settings() {
    assert_eq!(
        value("primary_conninfo", "host=a password=b c=d"),
        "host=a password=<REDACTED> c=d"
    );
    assert_eq!(value("ssl_passphrase_command", "cat /x"), "<REDACTED>");
    assert_eq!(value("work_mem", "4MB"), "4MB");
    assert_eq!(value("app.password", ""), "");
}
