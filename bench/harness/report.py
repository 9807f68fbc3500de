"""Prints the results, and writes them for machines and for docs/performance.md."""

import json
import os
import platform
import subprocess
import time
from pathlib import Path

from .goals import goals

ROOT = Path(__file__).resolve().parent.parent.parent


def conditions(cluster, plan):
    """Under which conditions the figures were taken."""
    cpu = next((line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
                if line.startswith("model name")), platform.machine())
    names = ("shared_buffers", "fsync", "synchronous_commit", "full_page_writes", "max_wal_size", "checkpoint_timeout",
             "autovacuum", "jit", "max_parallel_workers_per_gather", "shared_preload_libraries")
    return {
        "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "commit": commit(),
        "PostgreSQL": cluster.setting("server_version"),
        "CPU": f"{cpu}, {os.cpu_count()} cores",
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "kernel": platform.release(),
        "settings": ", ".join(f"{name} = {cluster.setting(name) or 'none'}" for name in names),
        "rounds": f"{plan.rounds} of each variant, interleaved, {plan.seconds} s each; medians",
        "load average at start": f"{plan.load_at_start:.2f}",
    }


def commit():
    """The commit that was measured: BENCH_COMMIT when the extension was built elsewhere; git may be absent."""
    if given := os.environ.get("BENCH_COMMIT"):
        return given
    def git(*arguments):
        done = subprocess.run(["git", "-c", f"safe.directory={ROOT}", "-C", str(ROOT), *arguments],
                              capture_output=True, text=True, check=False)
        return done.stdout.strip() if done.returncode == 0 else ""
    head = git("rev-parse", "--short", "HEAD")
    return (head + (" with uncommitted changes" if git("status", "--porcelain", "src", "crates", "sql", "Cargo.lock") else "")) if head else "not committed yet"


def number(value):
    """Four digits are more than the noise allows."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def goal_lines(results, plan):
    """Rows (work, against, figure, goal, verdict)."""
    for goal in goals(plan):
        figure = goal.figure(results)
        if figure is None:
            continue
        digits = 2 if goal.base else 1 if abs(figure) < 10 else 0
        text = f"{figure:.{digits}f} {goal.unit}"
        yield goal.work, goal.against, text, goal.bound_text(), "met" if goal.met(figure) else "MISSED"


def figure_lines(results):
    """Rows (measure, variant, median, smallest, largest)."""
    for measure, variant in results.samples:
        low, high = results.spread(measure, variant)
        yield measure, variant, number(results.get(measure, variant)), number(low), number(high)


def table(rows, head):
    """Aligned columns for the terminal."""
    rows = [head, *rows]
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)


def markdown(rows, head):
    """The same as Markdown."""
    lines = ["| " + " | ".join(row) + " |" for row in [head, ["---"] * len(head), *rows]]
    return "\n".join(lines)


GOAL_HEAD = ("work", "against", "measured", "goal", "")
FIGURE_HEAD = ("figure", "variant", "median", "lowest", "highest")


def text(results, plan, about):
    """The report for the terminal."""
    return "\n\n".join([
        "\n".join(f"{name}: {value}" for name, value in about.items()),
        table(list(figure_lines(results)), FIGURE_HEAD),
        table(list(goal_lines(results, plan)), GOAL_HEAD),
    ])


def write_json(path, results, plan, about):
    """The report for machines: every sample."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({
        "conditions": about,
        "samples": [{"measure": m, "variant": v, "values": values} for (m, v), values in results.samples.items()],
        "goals": [dict(zip(("work", "against", "measured", "goal", "verdict"), row, strict=True))
                  for row in goal_lines(results, plan)],
    }, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def keep_others(path, results):
    """Takes over the samples of measures that this run did not make; returns where they are from."""
    if not path.exists():
        return {}
    last = json.loads(path.read_text(encoding="utf-8"))
    made = {measure for measure, _ in results.samples}
    kept = {}
    for sample in last["samples"]:
        if sample["measure"] not in made:
            kept[sample["measure"], sample["variant"]] = sample["values"]
    results.samples.update(kept)
    names = ", ".join(sorted({measure.split(",")[0].split(" (")[0] for measure, _ in kept}))
    where = last["conditions"]
    return {"from an earlier run": f"{where['date']}, commit {where['commit']}, {where['rounds']}: {names}"} if kept else {}


def write_document(path, results, plan, about):
    """docs/performance.md."""
    path.write_text(f"""# Performance

Written by `make bench` (`bench/run.sh --write`); don't edit it by hand. What each figure means, and how the comparison
is kept fair, stands in [bench/README.md](../bench/README.md). All variants ran side by side in one run on the machine
named below: read the ratios, not the seconds.

## Goals

{markdown(goal_lines(results, plan), GOAL_HEAD)}

## Conditions

{markdown(about.items(), ("what", "value"))}

## All figures

Median, lowest and highest of the rounds.

{markdown(figure_lines(results), FIGURE_HEAD)}
""", encoding="utf-8")
