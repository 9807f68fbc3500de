#!/usr/bin/env python3
"""Checks tests/vectors/entries.json with an implementation of its own.

Written from docs/format.md, with nothing but Python's standard library, so that a mistake in the
Rust code cannot hide in its own tests. Usage: verify_vectors.py [FILE]
"""

import hashlib
import hmac
import ipaddress
import json
import pathlib
import struct
import sys

COLUMNS = [  # id, column, path, type: the table of docs/format.md section 2
    (1, "timestamp", "timestamp", "time"),
    (2, "recorded_at", None, "time"),
    (3, "db_xid", None, "integer"),
    (4, "severity", "severity", "text"),
    (5, "event_id", "event_id", "text"),
    (6, "event_type", "event_type", "text"),
    (7, "category", None, "text"),
    (8, "operation", "action.operation", "text"),
    (9, "status", "action.status", "text"),
    (10, "method", "action.method", "text"),
    (11, "tenant", "tenant", "text"),
    (12, "idempotency_key", "idempotency_key", "text"),
    (13, "actor_type", "actor.type", "text"),
    (14, "actor_id", "actor.id", "text"),
    (15, "actor_email", "actor.email", "text"),
    (16, "actor_ip", "actor.ip_address", "address"),
    (17, "actor_user_agent", "actor.user_agent", "text"),
    (18, "actor_session_id", "actor.session_id", "text"),
    (19, "resource_type", "resource.type", "text"),
    (20, "resource_id", "resource.id", "text"),
    (21, "cloud_provider", "resource.cloud_provider", "text"),
    (22, "account_id", "resource.account_id", "text"),
    (23, "region", "resource.region", "text"),
    (24, "resource_tags", "resource.tags", "json"),
    (25, "before", "changes.before", "json"),
    (26, "after", "changes.after", "json"),
    (27, "request_id", "metadata.request_id", "text"),
    (28, "tags", "metadata.tags", "list"),
    (29, "extra", None, "json"),
    (30, "db_session_user", None, "text"),
    (31, "db_current_user", None, "text"),
    (32, "db_client_addr", None, "address"),
    (33, "db_application", None, "text"),
    (34, "personal", None, "list"),
]
DEFAULT_PERSONAL = ["actor.email", "actor.ip_address", "actor.user_agent"]


class Number(str):
    """A JSON number as the text it was."""


def u32(number):
    return struct.pack(">I", number)


def sized(data):
    return u32(len(data)) + data


class Row:
    """One case: the columns, and what hides the personal ones."""

    def __init__(self, case):
        self.columns = case["columns"]
        self.salt = None if case["salt"] is None else bytes.fromhex(case["salt"])
        self.redacted = case["redacted"] or {}
        listed = self.columns.get("personal")
        self.hidden_columns = DEFAULT_PERSONAL if listed is None else listed
        self.hidden_members = [] if listed is None else listed

    def commit(self, path, value):
        if self.salt is None:
            raise ValueError(f"{path} is there but the salt is not")
        return hmac.new(self.salt, path.encode() + b"\0" + value, hashlib.sha256).digest()

    def canonical(self, value, path, hiding):
        if value is None:
            return b"n"
        if value is True:
            return b"t"
        if value is False:
            return b"f"
        if isinstance(value, Number):
            return b"#" + sized(value.encode("ascii"))
        if isinstance(value, str):
            return b'"' + sized(value.encode())
        if isinstance(value, list):
            return b"[" + u32(len(value)) + b"".join(self.canonical(v, path, False) for v in value)
        out = b"{" + u32(len(value))
        members = sorted(((k.encode(), k) for k in value), key=lambda pair: (len(pair[0]), pair[0]))
        for raw, key in members:
            below = f"{path}.{key}" if path else key
            out += sized(raw)
            if hiding and below in self.hidden_members:
                out += b"c" + self.member_commitment(value[key], below)
            else:
                out += self.canonical(value[key], below, hiding)
        return out

    def member_commitment(self, value, path):
        if self.salt is None and isinstance(value, dict) and list(value) == ["$redacted"]:
            return bytes.fromhex(value["$redacted"])
        return self.commit(path, self.canonical(value, path, False))

    def value(self, kind, given, path):
        if kind == "text":
            return b"\x01" + sized(given.encode())
        if kind == "time":
            return b"\x02" + sized(struct.pack(">q", given))
        if kind == "integer":
            return b"\x03" + sized(struct.pack(">q", given))
        if kind == "address":
            address = ipaddress.ip_interface(given)
            return b"\x04" + sized(bytes([address.version, address.network.prefixlen]) + address.packed)
        if kind == "list":
            return b"\x05" + sized(u32(len(given)) + b"".join(sized(item.encode()) for item in given))
        parsed = json.loads(given, parse_int=Number, parse_float=Number)
        return b"\x06" + sized(self.canonical(parsed, path or "", True))

    def entry(self):
        out = b"pgal\x01"
        for number, name, path, kind in COLUMNS:
            given = self.columns.get(name)
            hidden = path is not None and path in self.hidden_columns
            if hidden and path in self.redacted:
                field = b"\x07" + sized(bytes.fromhex(self.redacted[path]))
            elif given is None:
                continue
            else:
                field = self.value(kind, given, path)
                if hidden:
                    field = b"\x07" + sized(self.commit(path, field))
            out += bytes([number]) + field
        return out


def checks(vectors):
    """Yields what is checked and whether it holds."""
    assert vectors["format"] == 1, "this script knows format 1"
    entries = {}
    for case in vectors["cases"]:
        name = case["name"]
        entry = Row(case).entry()
        entries[name] = entry
        yield f"entry of «{name}»", entry.hex() == case["entry"]
        yield f"entry_hash of «{name}»", hashlib.sha256(b"\0" + entry).hexdigest() == case["entry_hash"]
        if "same_entry_as" in case:
            yield f"«{name}» has the entry of «{case['same_entry_as']}»", entry == entries[case["same_entry_as"]]
    prev = bytes(32)
    for index, link in enumerate(vectors["chain"]):
        entry_hash = hashlib.sha256(b"\0" + entries[link["case"]]).digest()
        link_hash = hashlib.sha256(b"\x02" + prev + entry_hash + struct.pack(">Q", index)).digest()
        good = link["log_index"] == index and link["prev_hash"] == prev.hex()
        yield f"link {index}", good and link["entry_hash"] == entry_hash.hex() and link["hash"] == link_hash.hex()
        prev = link_hash


def main():
    default = pathlib.Path(__file__).with_name("entries.json")
    file = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else default
    passed = failed = 0
    for what, good in checks(json.loads(file.read_text(encoding="utf-8"))):
        if good:
            passed += 1
        else:
            failed += 1
            print(f"FAILED: {what}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
