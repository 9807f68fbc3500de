"""The goals of design §9, and whether the figures meet them."""

from dataclasses import dataclass

from .captures import DURABLE, EXTRA, LOOP
from .exporting import MEMORY, RATE
from .reporting import MEMORY as REPORT_MEMORY
from .reporting import PAGES, PAGES_MEMORY, TIME
from .searches import SELECTIVE, SHAPES
from .serving import ADDED, FIRST_BYTE, IDLE
from .tiering import BYTES, LATENCY


@dataclass(frozen=True)
class Goal:
    """A ratio (or a figure) and the bound it must keep."""

    work: str
    against: str
    measure: str
    variant: str
    base: str | None  # variant to divide by; None: the figure itself
    bound: float
    at_least: bool
    unit: str = "×"

    def figure(self, results):
        """What was measured, or None."""
        if self.base is None:
            return results.get(self.measure, self.variant)
        return results.ratio(self.measure, self.variant, self.base)

    def met(self, figure):
        """Is the bound kept? Compared as printed, with two decimals."""
        return round(figure, 2) >= self.bound if self.at_least else round(figure, 2) <= self.bound

    def bound_text(self):
        """For people."""
        return f"{'≥' if self.at_least else '≤'} {self.bound:g} {self.unit}"


def goals(plan):
    """The goals that belong to a plan, in the order of the design."""
    found = []
    for clients, bound in ((1, 0.9), (16, 0.9), (64, 1.0)):
        if clients in plan.clients:
            for variant in ("auditlog", "auditlog-insert"):
                found.append(Goal(f"one event per transaction, {clients} clients, {variant}", "plain",
                                  f"record, {clients} clients (tps)", variant, "plain", bound, True))
    if 64 in plan.clients:
        for variant in ("auditlog", "auditlog-insert"):
            found.append(Goal(f"one event per transaction, 64 clients, {variant}", "naive",
                              "record, 64 clients (tps)", variant, "naive", 10, True))
    for variant in ("auditlog-insert", "auditlog record_batch"):
        found.append(Goal(f"{plan.bulk_rows:,} events in one statement, {variant}", "plain", "bulk (events/s)",
                          variant, "plain", 2, True))
    for variant, base in (("auditlog", "plain"), ("auditlog-insert", "plain"), ("auditlog-insert ×100", "plain ×100")):
        found.append(Goal(f"sustained until the inbox is empty, {variant}", base, "sustained (events/s)",
                          variant, base, 0.7, True))
    found.append(Goal(f"seal lag at {plan.lag_rate:,} events/s, p99", "—", "seal lag as seen, p99 (ms)", "auditlog", None,
                      500, False, "ms"))
    found.append(Goal("full verify", "count(sha256)", "verify (rows/s)", "auditlog", "count(sha256)", 1.0, True))
    found.append(Goal("storage per event", "plain", "storage per event (bytes)", "auditlog", "plain", 1.3, False))
    found.append(Goal("UPDATE of one row of a tracked table", "unaudited", LOOP, "auditlog.track", "unaudited", 2, False))
    found.append(Goal("the same by a client, flushed", "unaudited", DURABLE, "auditlog.track", "unaudited", 2, False))
    found.append(Goal("extra CPU of a plpgsql trigger", "that of auditlog.track", EXTRA, "plpgsql trigger", "auditlog.track", 5, True))
    for shape, _, _ in SHAPES:
        found.append(Goal(f"@@@, {shape}", "hand-written SQL", f"search, {shape} (ms)", "@@@", "hand-written", 1.05, False))
    found.append(Goal("a page deep in the log", "the first page", "search, a page of 100 (ms)", "deep page", "first page", 1.5, False))
    found.append(Goal("a search of 1,000 rows, told of", "not told of", "journal, a search of 1,000 rows (ms)", "journal on",
                      "journal off", 1.05, False))
    for name in ("json", "csv"):
        found.append(Goal(f"export_rows(), {name}", "COPY of the events", RATE, name, "COPY", 0.8, True))
    found.append(Goal("bytes of a warm event", "a hot one", BYTES, "warm", "hot", 0.5, False))
    found.append(Goal("bytes of an archived event", "a hot one", BYTES, "archive", "hot", 0.15, False))
    for target in ("warm", "archive"):
        found.append(Goal(f"record() beside moves to {target}", "alone", LATENCY, f"beside moves to {target}", "alone", 1.2, False))
    found.append(Goal("a report over the log", "its sections by hand", TIME, "report", "by hand", 1.3, False))
    found.append(Goal("a report over the log, memory of the reporter", "—", REPORT_MEMORY, "reporter", None, 300, False, "MB"))
    found.append(Goal("5,000 rows as PDF", "—", PAGES, "krilla", None, 1, False, "s"))
    found.append(Goal("5,000 rows as PDF, memory of the process", "—", PAGES_MEMORY, "krilla", None, 60, False, "MB"))
    for worker in ("exporter", "streamer"):
        found.append(Goal(f"memory of the {worker} over the long log", "—", MEMORY, worker, None, 150, False, "MB"))
    found.append(Goal("evaluator, one core", "—", "evaluator (documents/s)", "auditlog", None, 1_000_000, True, "/s"))
    found.append(Goal(f"a user's newest 50 of {plan.roles_rows:,} events", "—", "roles, a user's newest 50 (ms)", "my_events", None, 5, False, "ms"))
    found.append(Goal("the same by search()", "—", "roles, a user's newest 50 (ms)", "search()", None, 5, False, "ms"))
    found.append(Goal("a manager's count", "the same rows without policies", "roles, manager's count (ms)", "policy", "same rows", 1.2, False))
    found.append(Goal("an analyst's count", "a superuser's", "roles, analyst's count (ms)", "policy", "superuser", 1.05, False))
    found.append(Goal("50 tails, from recording to the client, p99", "—", "tails, from recording to the client, p99 (ms)", "50 tails", None, 500, False, "ms"))
    found.append(Goal("alert, from commit to the receiver, p99", "—", "alert, from commit to the receiver, p99 (ms)", "webhook", None, 1000, False, "ms"))
    found.append(Goal("500 alerts on one core", "—", "evaluator of 500 alerts (events/s)", "one core", None, 10_000, True, "/s"))
    for caller in ("session", "API token"):
        found.append(Goal(f"a page of 100 over HTTP, by {caller}, added p50", "the same SQL by pgbench", ADDED, caller, None, 2, False, "ms"))
    found.append(Goal(f"first byte of an export of {plan.search_rows:,} events", "—", FIRST_BYTE, f"of {plan.search_rows:,} events", None, 200, False, "ms"))
    found.append(Goal("1,000 idle streams, memory of the server", "—", IDLE, "the whole process", None, 100, False, "MB"))
    small, large = plan.growth_rows
    for shape, _ in SELECTIVE:
        found.append(Goal(f"{small:,} → {large:,} events, {shape}", "itself", f"growth, {shape} (ms)", "large", "small", 1.5, False))
    found.append(Goal(f"keyword in {large:,} events", "—", "growth, keyword (ms)", "large", None, 50, False, "ms"))
    found.append(Goal("tiles and signatures, share of sealing", "the whole batch", "proof, share of sealing for the tree (%)", "auditlog", None, 10, False, "%"))
    found.append(Goal(f"proof of one event of {plan.search_rows:,}", "—", f"proof, one of {plan.search_rows:,} events (ms)", "auditlog", None, 5, False, "ms"))
    found.append(Goal(f"proof of one event of {large:,}", "—", f"proof, one of {large:,} events (ms)", "auditlog", None, 5, False, "ms"))
    found.append(Goal("offline verify of a bundle", "—", "proof, bundle verified offline (events/s)", "auditlog", None, 1_000_000, True, "/s"))
    return found
