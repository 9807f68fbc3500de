"""Proofs: what the Merkle tree costs the sealer, how long a proof takes, how fast a bundle is verified offline."""

import json
import os
import subprocess
import time
from pathlib import Path

from .cluster import Failed, Session
from .quiet import undisturbed
from .searches import load
from .variants import RECORD, database

PROOF = """SELECT length(auditlog.inclusion_proof(event_id)) FROM auditlog.events WHERE log_index = {index}"""


def proof(cluster, results, plan):
    """The sealer's time for the tree, the time of one proof, the rate of the offline verifier."""
    with database(cluster, RECORD) as db:
        load(db, plan.search_rows)
        results.begin()
        # The sealer's own clock over a backlog of large batches.
        row = db.sql("SELECT extract(epoch FROM seal_time), extract(epoch FROM tree_time), batches FROM auditlog.stat_seal")[0]
        results.add("proof, share of sealing for the tree (%)", "auditlog", float(row[1]) / float(row[0]) * 100)
        results.commit(0.0)
        db.sql("SELECT auditlog.checkpoint()")
        with Session(cluster, db.name) as session:
            one_proof(cluster, session, results, plan.search_rows)
        offline(cluster, db, results)


def one_proof(cluster, session, results, rows):
    """`inclusion_proof()` of events all over the log; the first of each session reads the catalogue as well."""
    places = [rows * k // 11 for k in range(1, 11)]
    for index in places:
        session.rows(PROOF.format(index=index))

    def once():
        times = sorted(session.seconds(PROOF.format(index=index)) for index in places * 3)
        results.add(f"proof, one of {rows:,} events (ms)", "auditlog", times[len(times) // 2] * 1000)
    undisturbed(cluster, results, once)


def offline(cluster, db, results):
    """`auditlog bundle` and `auditlog verify`, when the program is there."""
    program = os.environ.get("AUDITLOG_PROGRAM", "")
    if not program or not Path(program).exists():
        print("    offline verify: skipped, AUDITLOG_PROGRAM names no program", flush=True)
        return
    folder = cluster.directory / "bundle"
    dsn = f"host={cluster.environment['PGHOST']} port={cluster.environment['PGPORT']} user=postgres dbname={db.name}"
    started = time.perf_counter()
    run([program, "bundle", "--dsn", dsn, "--out", str(folder)])
    seconds = time.perf_counter() - started
    events = json.loads((folder / "bundle.json").read_text())["events"]
    results.begin()
    results.add("proof, bundle written (events/s)", "auditlog", events / seconds)
    results.commit(0.0)
    key = db.sql("SELECT auditlog.public_key()")[0][0]

    def once():
        started = time.perf_counter()
        run([program, "verify", str(folder), "--key", key, "--quiet"])
        results.add("proof, bundle verified offline (events/s)", "auditlog", events / (time.perf_counter() - started))
    for _ in range(3):
        undisturbed(cluster, results, once)


def run(arguments):
    """Runs a program that must succeed."""
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failed(f"{' '.join(arguments)[:200]}: exit status {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
