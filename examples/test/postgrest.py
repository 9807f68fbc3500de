#!/usr/bin/env python3
"""Checks examples/postgrest without PostgREST: each request is sent as PostgREST sends it, one transaction that sets role, claims and
headers, calls the function of db-pre-request and then reads. Called by scripts/examples_test.sh; the server is that of PGHOST, PGPORT."""

import base64
import hashlib
import hmac
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time

from checks import EXAMPLES, Refused, check, new_database, psql, refused, sealed, until, value

FOLDER = EXAMPLES / "postgrest"
DATABASE = "postgrest"
PEOPLE = {"auditlog_user": "ann", "auditlog_manager": "mia", "auditlog_analyst": "ana", "auditlog_compliance": "olga", "auditlog_administrator": "adam"}
# Of 9 events 2 are ann's, 3 those of others in the team that mia manages.
SEES = {"auditlog_user": 2, "auditlog_manager": 5, "auditlog_analyst": 9, "auditlog_compliance": 9, "auditlog_administrator": 9}
# Functions and views that not everybody has.
STAFF = {"auditlog_analyst", "auditlog_compliance", "auditlog_administrator"}
READ = "SELECT count(*) FROM \"auditlog_api\".\"events\" WHERE event_type = 'document.open'"


def encoded(data):
    """base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def openssl(*arguments, data=None):
    """What openssl prints."""
    return subprocess.run(["openssl", *arguments], input=data, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout


class Signer:
    """A key, and the tokens that it signs."""

    def __init__(self, folder, name):
        self.file = f"{folder}/{name}.pem"
        openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", self.file)
        modulus = openssl("rsa", "-in", self.file, "-noout", "-modulus").decode().strip().split("=")[1]
        self.jwk = {"kty": "RSA", "alg": "RS256", "use": "sig", "kid": "k1", "n": encoded(bytes.fromhex(modulus)), "e": "AQAB"}

    def token(self, subject, role, algorithm="RS256", **claims):
        """A token for somebody; claims replace the usual ones."""
        now = int(time.time())
        claims = {"sub": subject, "role": role, "iss": "https://id.example.com", "aud": "auditlog", "iat": now, "exp": now + 300, **claims}
        text = ".".join(encoded(json.dumps(part).encode()) for part in ({"alg": algorithm, "typ": "JWT", "kid": "k1"}, claims))
        if algorithm == "none":
            return f"{text}."
        if algorithm == "HS256":
            return f"{text}.{encoded(hmac.new(json.dumps(self.jwk).encode(), text.encode(), hashlib.sha256).digest())}"
        return f"{text}.{encoded(openssl('dgst', '-sha256', '-sign', self.file, data=text.encode()))}"


def literal(text):
    """As PostgreSQL's string."""
    return "'" + text.replace("'", "''") + "'"


def request(role, sql, token=None, claims=None, writes=False, identify=True, headers=None):
    """The statements of one request; POST of a volatile function writes, all others are READ ONLY."""
    payload = token.split(".")[1] if token else encoded(b"{}")
    claims = claims or json.loads(base64.urlsafe_b64decode(payload + "=="))
    headers = {"accept": "application/json", **({"authorization": f"Bearer {token}"} if token else {}), **(headers or {})}
    settings = {"search_path": '"auditlog_api", "public"', "role": role, "request.jwt.claims": json.dumps(claims), "request.method": "POST" if writes else "GET",
                "request.path": "/events", "request.headers": json.dumps(headers), "request.cookies": "{}"}
    return ("BEGIN ISOLATION LEVEL READ COMMITTED " + ("READ WRITE" if writes else "READ ONLY") + ";\nSELECT "
            + ", ".join(f"set_config({literal(name)}, {literal(setting)}, true)" for name, setting in settings.items()) + " \\g /dev/null\n"
            + ("SELECT \"auditlog_postgrest\".\"identify\"() \\g /dev/null\n" if identify else "") + sql + " \\g\nCOMMIT;\n")


def prepare(signer):
    """A log with people of all roles, and their events."""
    new_database(DATABASE)
    script = (FOLDER / "api.sql").read_text(encoding="utf-8")
    psql(script, DATABASE)
    psql(script, DATABASE)
    print("ok postgrest: api.sql runs, and runs again")
    psql(f"SELECT auditlog.set_token_keys({literal(json.dumps({'keys': [signer.jwk]}))}, 'https://id.example.com', 'auditlog')", DATABASE)
    psql("""SELECT auditlog.add_principal(actor_id => 'ann', teams => ARRAY['ops']);
        SELECT auditlog.add_principal(actor_id => 'bob', teams => ARRAY['ops']);
        SELECT auditlog.add_principal(actor_id => 'mia', teams => ARRAY['leads'], manages => ARRAY['ops']);
        SELECT auditlog.add_principal(actor_id => name) FROM unnest(ARRAY['ana', 'olga', 'adam', 'cid']) AS name;
        SELECT auditlog.record('document.open', jsonb_build_object('type', 'user', 'id', name)) FROM (VALUES ('ann', 2), ('bob', 3), ('cid', 4)) AS v (name, n),
            generate_series(1, n)""", DATABASE)
    sealed(DATABASE)


def check_roles(signer):
    """What each role gets."""
    for role, person in PEOPLE.items():
        token = signer.token(person, role)
        logins = ["postgrest_all"] + ([] if role in STAFF else ["postgrest_own"])
        for login in logins:
            seen = value(request(role, READ, token), DATABASE, login)
            check(f"postgrest: {role} sees {SEES[role]} of 9 events as {login}", seen == str(SEES[role]), seen)
        sql = "SELECT actor_id || ' ' || sees || ' ' || identified_by FROM \"auditlog_api\".\"whoami\"()"
        seen = value(request(role, sql, token), DATABASE, "postgrest_all")
        check(f"postgrest: {role} is {person} by token", seen.startswith(f"{person} ") and seen.endswith(" token"), seen)
        seen = value(request(role, "SELECT count(*) FROM \"auditlog_api\".\"search\"(query => 'event_type:document.open')", token), DATABASE, "postgrest_all")
        counted = value(request(role, "SELECT * FROM \"auditlog_api\".\"count\"(query => 'event_type:document.open')", token), DATABASE, "postgrest_all")
        facets = psql(request(role, "SELECT * FROM \"auditlog_api\".\"facets\"(field => 'actor.id', query => 'event_type:document.open')", token), DATABASE, "postgrest_all")[1]
        bars = value(request(role, "SELECT sum(events) FROM \"auditlog_api\".\"histogram\"(now() - interval '1 hour', now(), query => 'event_type:document.open')", token),
                     DATABASE, "postgrest_all")
        total = str(sum(int(row[1]) for row in facets))
        check(f"postgrest: search, count, facets and histogram of {role} agree", {seen, counted, total, bars} == {str(SEES[role])}, seen, counted, facets, bars)
        for what, sql in (("health", "SELECT count(*) > 0 FROM \"auditlog_api\".\"health\"()"),
                          ("alert_firings", "SELECT count(*) >= 0 FROM \"auditlog_api\".\"alert_firings\"")):
            if role in STAFF:
                check(f"postgrest: {role} has {what}", value(request(role, sql, token), DATABASE, "postgrest_all") == "t")
            else:
                refused(f"postgrest: {role} has no {what}", request(role, sql, token), DATABASE, "postgrest_all")
        for verb, sql in (("POST", "INSERT INTO \"auditlog_api\".\"events\" (event_type) VALUES ('made.up')"),
                          ("PATCH", "UPDATE \"auditlog_api\".\"events\" SET actor_id = 'x'"), ("DELETE", "DELETE FROM \"auditlog_api\".\"events\"")):
            refused(f"postgrest: {role} can't {verb} /events", request(role, sql, token, writes=True), DATABASE, "postgrest_all", ("42501", "55000", "0A000"))
    first = psql(request("auditlog_analyst", "SELECT * FROM \"auditlog_api\".\"search\"(page_size => 4, query => 'event_type:document.open')", signer.token("ana", "auditlog_analyst")),
                 DATABASE, "postgrest_all")[1]
    rest = psql(request("auditlog_analyst", f"SELECT * FROM \"auditlog_api\".\"search\"(query => 'event_type:document.open', after => {literal(first[-1][0])})",
                        signer.token("ana", "auditlog_analyst")), DATABASE, "postgrest_all")[1]
    ids = {json.loads(row[1])["event_id"] for row in first + rest}
    check("postgrest: pages follow each other without gap or overlap", (len(first), len(rest), len(ids)) == (4, 5, 9), len(first), len(rest), len(ids))


def check_recording(signer):
    """Who may record, and what the gateway's settings add."""
    token = signer.token("bob", "auditlog_writer", email="bob@example.com")
    sql = "SELECT \"auditlog_api\".\"record\"('{\"event_type\": \"document.share\"}'::jsonb)"
    psql(request("auditlog_writer", sql, token, writes=True, headers={"x-request-id": "r-1", "x-forwarded-for": "198.51.100.9"}), DATABASE, "postgrest_all")
    sealed(DATABASE)
    seen = psql("SELECT actor_id, actor_email, actor_ip, request_id, db_session_user, db_current_user FROM auditlog.events WHERE event_type = 'document.share'", DATABASE)[1]
    check("postgrest: what is recorded has its actor from the claims, its address and request from the headers",
          seen == [["bob", "bob@example.com", "198.51.100.9", "r-1", "postgrest_all", "auditlog_writer"]], seen)
    refused("postgrest: nothing is recorded by GET", request("auditlog_writer", sql, token), DATABASE, "postgrest_all", ("25006",))
    refused("postgrest: a writer reads nothing", request("auditlog_writer", READ, token), DATABASE, "postgrest_all")
    refused("postgrest: a user records nothing", request("auditlog_user", sql, signer.token("ann", "auditlog_user"), writes=True), DATABASE, "postgrest_all")


def check_tricks(signer, other):
    """Who claims to be somebody else, and who tries to become another role."""
    ann = signer.token("ann", "auditlog_user")
    seen = value(request("auditlog_user", READ, ann, claims={"sub": "cid", "role": "auditlog_user"}), DATABASE, "postgrest_own")
    check("postgrest: the claims of another beside one's own token change nothing", seen == "2", seen)
    seen = value(request("auditlog_user", READ, claims={"sub": "cid"}, identify=False), DATABASE, "postgrest_own")
    check("postgrest: claims without a token show nothing, even where db-pre-request is forgotten", seen == "0", seen)
    refused("postgrest: no token, no answer", request("auditlog_user", READ, claims={"sub": "cid"}), DATABASE, "postgrest_own", ("28000",))
    now = int(time.time())
    for name, token in {
        "without signature": signer.token("cid", "auditlog_user", "none"), "signed with the public key (HS256)": signer.token("cid", "auditlog_user", "HS256"),
        "of another key": other.token("cid", "auditlog_user"), "that has expired": signer.token("cid", "auditlog_user", exp=now - 60),
        "for another audience": signer.token("cid", "auditlog_user", aud="shop"), "of another issuer": signer.token("cid", "auditlog_user", iss="https://evil.example.com"),
        "of nobody": signer.token("nobody", "auditlog_user"), "with another's payload": ".".join([ann.split(".")[0], signer.token("cid", "auditlog_user").split(".")[1], ann.split(".")[2]]),
    }.items():
        refused(f"postgrest: a token {name} is refused", request("auditlog_user", READ, token), DATABASE, "postgrest_own", ("28000",))
    two = request("auditlog_user", 'DO $$ BEGIN PERFORM FROM "auditlog_api"."events"; END $$', ann) + request("auditlog_user", READ, claims={"sub": "ann"}, identify=False)
    check("postgrest: on the same connection nothing is left for the next request", value(two, DATABASE, "postgrest_own") == "0")
    # One prepared statement on one connection, for ann, for mia, and for somebody without token.
    three = (request("auditlog_user", f"PREPARE pgrst AS {READ};\nEXECUTE pgrst", ann) + request("auditlog_manager", "EXECUTE pgrst", signer.token("mia", "auditlog_manager"))
             + request("auditlog_user", "EXECUTE pgrst", claims={"sub": "ann"}, identify=False))
    seen = psql(three, DATABASE, "postgrest_own", "-t")[0][0].split()
    check("postgrest: a prepared statement shows each person what is hers", seen == ["2", "5", "0"], seen)
    for login, role in (("postgrest_own", "auditlog_analyst"), ("postgrest_own", "auditlog_administrator"), ("postgrest_own", "auditlog_writer"),
                        ("postgrest_all", "auditlog_owner"), ("postgrest_all", "postgres"), ("postgrest_all", "pg_read_all_data")):
        refused(f"postgrest: {login} can't become {role}", request(role, READ, ann), DATABASE, login, ("42501", "22023"))
    refused("postgrest: an unknown role gets nothing", request("nobody_at_all", READ, ann), DATABASE, "postgrest_all", ("22023",))
    for login in ("postgrest_own", "postgrest_all"):
        for sql in (READ, "SELECT * FROM auditlog.events", "SELECT auditlog_postgrest.identify()"):
            refused(f"postgrest: {login} itself has no rights: {sql[:44]}", sql, DATABASE, login)
    for back in ("RESET ROLE", "SET ROLE NONE", "SELECT set_config('role', 'none', false)"):
        refused(f"postgrest: {back} takes rights away", request("auditlog_user", f"{back};\n{READ}", ann), DATABASE, "postgrest_own")
    for further in ("SET ROLE auditlog_analyst", "SELECT set_config('role', 'auditlog_administrator', true)", "SET SESSION AUTHORIZATION postgres"):
        refused(f"postgrest: SQL that got through can't {further} as postgrest_own", request("auditlog_user", f"{further};\n{READ}", ann), DATABASE,
                "postgrest_own", ("42501", "22023"))
    seen = value(request("auditlog_user", f"SET LOCAL ROLE auditlog_manager;\n{READ}", ann), DATABASE, "postgrest_own")
    check("postgrest: as a manager ann, whose team is ops, would see that team: role and person are two things", seen == "5", seen)


def check_catalogue():
    """Nothing in the schema has other rights than those of who asks."""
    seen = psql("""SELECT c.relname FROM pg_class AS c WHERE c.relnamespace = 'auditlog_api'::regnamespace AND NOT COALESCE(c.reloptions @> '{security_invoker=true}', false)
        UNION ALL SELECT p.proname FROM pg_proc AS p WHERE p.pronamespace IN ('auditlog_api'::regnamespace, 'auditlog_postgrest'::regnamespace)
            AND (p.prosecdef OR has_function_privilege('public', p.oid, 'EXECUTE') OR NOT p.proconfig @> '{"search_path=pg_catalog, pg_temp"}')""", DATABASE)[1]
    check("postgrest: all views and functions run with the caller's rights, and none is for everybody", not seen, seen)
    configured = dict(re.findall(r'^([a-z-]+) = "?(.*?)"?$', (FOLDER / "postgrest.conf").read_text(encoding="utf-8"), re.MULTILINE))
    check("postgrest: postgrest.conf names what api.sql makes, and nobody for who has no token",
          configured["db-schemas"] == "auditlog_api" and configured["db-pre-request"] == "auditlog_postgrest.identify" and "//postgrest_own@" in configured["db-uri"]
          and "db-anon-role" not in configured, configured)


def check_journal():
    """Reads by GET, in READ ONLY transactions, are in the journal under the person's name."""
    until("SELECT count(*) >= 5 FROM auditlog.events WHERE event_type IN ('auditlog.view', 'auditlog.search') AND actor_id = 'ann'", DATABASE)
    names = value("SELECT string_agg(DISTINCT actor_id, ' ' ORDER BY actor_id) FROM auditlog.access_log WHERE db_session_user LIKE 'postgrest%'"
                  " AND event_type = 'auditlog.search' AND (extra #>> '{metadata,read_only}')::boolean", DATABASE)
    check("postgrest: what was read is in the access journal under the name of the token", names == "adam ana ann mia olga", names)


def main():
    """All of it."""
    if not shutil.which("openssl"):
        print("skipped postgrest: there is no openssl to sign tokens with")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        signer, other = Signer(folder, "ours"), Signer(folder, "other")
        prepare(signer)
        check_roles(signer)
        check_recording(signer)
        check_tricks(signer, other)
        check_catalogue()
        check_journal()
    return 0


if __name__ == "__main__":
    sys.exit(main())
