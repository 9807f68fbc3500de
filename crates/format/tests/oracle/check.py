"""Compares what other readers find in the files with what was written into them."""

import csv
import json
import sys
from pathlib import Path

import jsonschema
import pycef
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

WORK = Path(sys.argv[1])
EXPECTED = [json.loads(line) for line in (WORK / "expected.jsonl").read_text().split("\n") if line]
csv.field_size_limit(1 << 24)
problems = 0


def lines(name):
    return [line for line in (WORK / name).read_bytes().decode().split("\n") if line]


def check(what, found, wanted):
    global problems
    if found != wanted:
        problems += 1
        if problems < 20:
            print(f"{what}: found {found!r}, wanted {wanted!r}")


def is_control(c):
    return c < " " or "\x7f" <= c <= "\x9f" or c in "\u2028\u2029"


def unique(pairs):
    members = dict(pairs)
    assert len(members) == len(pairs), f"a key is there twice: {[key for key, _ in pairs]}"
    return members


def read_csv(name):
    with (WORK / name).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file, strict=True))


def check_csv():
    for name in ("csv-raw", "csv"):
        rows = read_csv(name)
        check(f"{name} rows", len(rows), len(EXPECTED))
        for row, event in zip(rows, EXPECTED):
            check(f"{name} log_index", row["log_index"], str(event["log_index"]))
            for column, text in (event["texts"] or {}).items():
                cell = row[column]
                if name == "csv":
                    bare = cell.lstrip(" \t\r\n\v\f\0\x1b\x7f\x85\xa0\ufeff\u2028\u2029")
                    check(f"formula in {column}", bare[:1] in tuple("=+-@＝＋－＠"), False)
                    cell = cell.removeprefix("'")
                check(f"{name} {column}", cell, text or "")
    return len(EXPECTED)


def check_ndjson():
    for name in ("json", "ecs", "ocsf", "cloudevents"):
        found = [json.loads(line, object_pairs_hook=unique) for line in lines(name)]
        check(f"{name} lines", len(found), len(EXPECTED))
        if name == "json":
            for document, event in zip(found, EXPECTED):
                check("json log_index", document["auditlog"]["log_index"], event["log_index"])
                texts = event["texts"] or {}
                check("json user agent", document.get("actor", {}).get("user_agent"), texts.get("actor_user_agent")) if texts else None
    return len(EXPECTED)


def check_ocsf():
    classes = {
        2004: "detection_finding",
        3001: "account_change",
        3002: "authentication",
        3005: "user_access",
        6003: "api_activity",
        6005: "datastore_activity",
    }
    seen = {}
    for name, version in (("ocsf", "1.3.0"), ("ocsf-1.8.0", "1.8.0")):
        schema = OcsfJsonSchemaEmbedded(get_ocsf_schema(version=version))
        validators = {
            uid: jsonschema.Draft202012Validator(schema.get_class_schema(class_name=name, profiles=[]))
            for uid, name in classes.items()
        }
        for line in lines(name):
            event = json.loads(line)
            uid = event["class_uid"]
            seen[uid] = seen.get(uid, 0) + 1
            for error in validators[uid].iter_errors(event):
                check(f"OCSF {version} {classes[uid]}", error.message[:300], None)
            # the validator must be able to fail
            broken = dict(event, severity_id=42)
            assert any(validators[uid].iter_errors(broken))
    check("OCSF classes", sorted(seen), sorted(classes))
    return seen


CEF = {
    "cs1": "event_id",
    "act": "operation",
    "reason": "status",
    "suid": "actor_id",
    "spriv": "actor_type",
    "requestClientApplication": "actor_user_agent",
    "cs3": "resource_type",
    "cs4": "resource_id",
    "cs5": "tenant",
    "flexString2": "actor_session_id",
    "sproc": "db_application",
}


def of_cef(text):
    return "".join("\ufffd" if is_control(c) and c not in "\t\r\n" else c for c in text)


def check_cef():
    found = lines("cef")
    check("CEF lines", len(found), len(EXPECTED))
    parsed = 0
    for line, event in zip(found, EXPECTED):
        header = line.partition("externalId=")[0]
        if "=" in header or "\\" in header:
            # both are right there, but pycef takes neither
            continue
        fields = pycef.parse(line)
        check("pycef takes the line", fields is not None, True)
        if fields is None:
            continue
        parsed += 1
        # pycef does not undo escapes, and trims: only the key is compared
        check("pycef externalId", fields["externalId"], f"example.org/log:{event['log_index']}")
        check("pycef severity", fields["DeviceSeverity"].isdigit(), True)
    lognorm = WORK / "cef.lognorm"
    if not lognorm.exists():
        return parsed, None
    results = [json.loads(line) for line in lognorm.read_bytes().decode(errors="replace").split("\n") if line]
    check("lognorm lines", len(results), len(EXPECTED))
    for result, event in zip(results, EXPECTED):
        check("lognorm takes the line", "f" in result, True)
        if "f" not in result:
            continue
        extension = result["f"]["Extensions"]
        check("lognorm cn1", extension.get("cn1"), str(event["log_index"]))
        for key, column in CEF.items():
            text = (event["texts"] or {}).get(column)
            if text:
                check(f"lognorm {key}", extension.get(key), of_cef(text))
    return parsed, len(results)


def check_rsyslog():
    path = WORK / "received"
    if not path.exists():
        return None
    received = [json.loads(line) for line in path.read_bytes().decode().split("\n") if line]
    check("rsyslog lines", len(received), len(EXPECTED))
    sent = lines("json")
    for message, event, document in zip(received, EXPECTED, sent):
        check("rsyslog reads the structured data", bool(message["sd"]), True)
        if not message["sd"]:
            print(message)
            continue
        parameters = json.loads(message["sd"])["rfc5424-sd"]["auditlog@32473"]
        check("rsyslog log_index", parameters["log_index"], str(event["log_index"]))
        check("rsyslog origin", parameters["origin"], "example.org/log")
        check("rsyslog host", message["host"], "db1.example.org")
        check("rsyslog app", message["app"], "pg_auditlog")
        texts = event["texts"] or {}
        for name in ("event_id", "event_type", "severity"):
            if texts.get(name):
                wanted = "".join(
                    "".join(f"#{byte:03o}" for byte in c.encode()) if is_control(c) else c for c in texts[name]
                )
                check(f"rsyslog {name}", parameters.get(name), wanted)
        check("rsyslog message", message["msg"].lstrip(" "), document)
    return len(received)


print("csv, csv-raw (Python csv, strict):", check_csv(), "rows each")
print("json, ecs, ocsf, cloudevents (Python json, no key twice):", check_ndjson(), "lines each")
print("ocsf 1.3.0 and 1.8.0 (ocsf-json-schema, jsonschema), by class:", check_ocsf())
print("cef (pycef, liblognorm):", check_cef())
print("syslog (rsyslog, octet counting, mmpstrucdata):", check_rsyslog())
print("problems:", problems)
sys.exit(problems > 0)
