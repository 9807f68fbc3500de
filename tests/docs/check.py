"""Compares the documentation with a running server (PGHOST, PGPORT, PGUSER, PGDATABASE: an empty database) and with the
files of the project. Prints one line for each check and a closing line of totals; exit status 1 when a check failed.

ACCEPT=1 writes what the tour printed over the ```output blocks of README.md.
"""

import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(sys.argv[1])
README = ROOT / "README.md"
PAGES = [README, *sorted((ROOT / "docs").rglob("*.md"))]
PSQL = ["psql", "-X", "-v", "VERBOSITY=default", "-P", "pager=off"]
BLOCK = re.compile(r"^```sql\n(?P<sql>.*?)^```\n+^```output\n(?P<output>.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
FOLDERS = ("src/", "crates/", "sql/", "tests/", "docs/", "scripts/", "bench/", "examples/", ".ci/")

failed = []
passed = 0


def check(name, problems):
    """Counts one check and shows what is wrong with it."""
    global passed
    problems = list(problems)
    if problems:
        failed.append(name)
        print(f"not ok: {name}", *problems, sep="\n    ")
    else:
        passed += 1
        print(f"ok: {name}")


def psql(sql, *options):
    """The output of a fresh psql, errors included, without spaces at the ends of lines."""
    run = subprocess.run([*PSQL, *options], input=sql, stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, text=True, check=False)
    return "\n".join(line.rstrip() for line in run.stdout.rstrip("\n").split("\n"))


def tour():
    """Runs the blocks of README.md in their order; returns the page with the results in place."""
    text = README.read_text(encoding="utf-8")
    steps = list(BLOCK.finditer(text))
    check("each ```sql block of README.md has its ```output",
          [] if len(steps) == len(re.findall(r"^```sql$", text, re.MULTILINE)) > 0 else ["a block has none, or there is no block"])
    out, end = [], 0
    for number, step in enumerate(steps, 1):
        wanted, got = step["output"].rstrip("\n"), psql(step["sql"])
        first = step["sql"].strip().split("\n")[0]
        check(f"tour, step {number}: {first}", [] if got == wanted else ["-- README.md", wanted, "-- psql", got])
        out += [text[end : step.start("output")], got, "\n"]
        end = step.end("output")
    return "".join([*out, text[end:]])


def cells(page, name):
    """The rows of a page's tables whose first cell is `name` as code: a list of lists without the backticks."""
    found = []
    for line in page.read_text(encoding="utf-8").split("\n"):
        row = [cell.strip().strip("`") for cell in line.strip().strip("|").split("|")]
        if line.startswith("| `") and re.fullmatch(name, row[0]):
            found.append(row)
    return found


def settings():
    """Tables of settings: name, default, context of every setting, no other and no fewer."""
    server = {}
    sql = "SELECT name, current_setting(name), context FROM pg_settings WHERE name LIKE 'auditlog.%'"
    for line in psql(sql, "-At", "-F", "\t").split("\n"):
        name, value, context = line.split("\t")
        server[name] = (value, context)
    for page in (README, ROOT / "docs/operations.md"):
        documented = {row[0]: tuple(row[1:3]) for row in cells(page, r"auditlog\.\w+") if row[0] != "auditlog.context"}
        problems = [f"{name}: page {documented.get(name)}, server {value}" for name, value in sorted(server.items())
                    if documented.get(name) != value]
        problems += [f"{name}: the server has no such setting" for name in sorted(documented.keys() - server.keys())]
        check(f"settings in {page.relative_to(ROOT)}", problems)


def roles():
    """Tables of roles: every role of the server, no other and no fewer."""
    server = set(psql("SELECT rolname FROM pg_roles WHERE rolname LIKE 'auditlog\\_%'", "-At").split("\n"))
    for page in (README, ROOT / "docs/operations.md"):
        documented = {row[0] for row in cells(page, r"auditlog_\w+")}
        check(f"roles in {page.relative_to(ROOT)}", [f"only on one side: {sorted(documented ^ server)}"] if documented != server else [])


def health():
    """The table of health() in the operations manual has its checks."""
    server = set(psql('SELECT "check" FROM auditlog.health()', "-At").split("\n"))
    text = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
    section = text.split("### auditlog.health()", 1)[-1].split("\n#", 1)[0]
    documented = set(re.findall(r"^\| `([^`]+)` \|", section, re.MULTILINE))
    check("checks of health() in docs/operations.md", [f"only on one side: {sorted(documented ^ server)}"] if documented != server else [])


def columns():
    """Every column of the stat_* views is explained in the operations manual."""
    text = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
    sql = "SELECT attrelid::regclass, attname FROM pg_attribute WHERE attnum > 0 AND attrelid IN " \
          "('auditlog.stat_ingest'::regclass, 'auditlog.stat_seal'::regclass, 'auditlog.stat_verify'::regclass)"
    rows = [line.split("|") for line in psql(sql, "-At").split("\n")]
    check("columns of stat_* in docs/operations.md", [f"{view}.{name}" for view, name in rows if f"`{name}`" not in text])


def anchor(heading):
    """The anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def links():
    """Relative links lead to files and headings that are there."""
    for page in PAGES:
        problems = []
        for target in LINK.findall(re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)):
            if re.match(r"[a-z]+:", target):
                continue
            path, _, fragment = target.partition("#")
            file = (page.parent / path).resolve() if path else page
            if not file.exists():
                problems.append(f"no file {target}")
            elif fragment and fragment not in map(anchor, re.findall(r"^#+ (.*)$", file.read_text(encoding="utf-8"), re.MULTILINE)):
                problems.append(f"no heading {target}")
        check(f"links of {page.relative_to(ROOT)}", problems)


def paths():
    """Files that ARCHITECTURE.md and the decisions name in backticks exist; so does each source folder in the map."""
    for page in (ROOT / "docs/ARCHITECTURE.md", *sorted((ROOT / "docs/decisions").glob("*.md"))):
        text = page.read_text(encoding="utf-8")
        named = [name for name in re.findall(r"`([\w./\-*]+)`", text) if name.startswith(FOLDERS)]
        check(f"paths in {page.relative_to(ROOT)}", [f"no {name}" for name in named if not list(ROOT.glob(name.rstrip("/")))])
    text = (ROOT / "docs/ARCHITECTURE.md").read_text(encoding="utf-8")
    folders = [*(ROOT / "src").iterdir(), *(ROOT / "crates").iterdir(), *(ROOT / "tests").iterdir()]
    check("folders in the map", [f"{folder.relative_to(ROOT)} is not on it" for folder in folders
                                 if folder.is_dir() and f"{folder.name}/" not in text])


page = tour()
if os.environ.get("ACCEPT") == "1":
    README.write_text(page, encoding="utf-8")
settings()
roles()
health()
columns()
links()
paths()
print(f"{passed} passed, {len(failed)} failed")
sys.exit(1 if failed else 0)
