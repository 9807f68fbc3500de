"""Checks of our own beside those of Schemathesis, for every answer."""

import re

import schemathesis

# What belongs into the server's log, not to a client.
INSIDES = re.compile(r"panicked|RUST_BACKTRACE|\.rs:\d+|auditlog_data\.|pg_catalog|SELECT .* FROM |/var/|/tmp/")


@schemathesis.check
def refusals_say_what_they_are_about(ctx, response, case):
    """A refusal of what the database or the server has judged names a place in the request, or has the database's code."""
    if response.status_code not in (400, 422):
        return
    problem = response.json()
    assert problem["type"].startswith("urn:auditlog:problem:"), problem
    assert problem["status"] == response.status_code, problem
    assert problem["instance"].startswith("urn:auditlog:request:"), problem
    assert problem.get("errors") or problem.get("sqlstate"), f"it does not say what it is about: {problem}"


@schemathesis.check
def answers_tell_nothing_of_the_insides(ctx, response, case):
    """No refusal shows code, SQL or files."""
    if response.status_code >= 400:
        # What was sent may come back.
        text = (response.content or b"").decode("utf-8", "replace")
        found = INSIDES.search(text)
        sent = f"{case.path_parameters}{case.query}{case.body}"
        assert not found or found[0] in sent, f"{found[0]} in {text[:300]}"


@schemathesis.hook
def filter_case(context, case):
    """HTTP lets a client send any header beside those that are described: that is no violation."""
    return not any(name.lower() == "x-schemathesis-unknown-property" for name in case.headers or {})
