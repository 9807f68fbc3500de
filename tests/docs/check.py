"""Compares the documentation with a running server (PGHOST, PGPORT, PGUSER, PGDATABASE: an empty database) and with the
files of the project. Prints one line for each check and a closing line of totals; exit status 1 when a check failed.

The ```sql blocks of README.md, docs/query-language.md, roles.md, live.md, alerts.md, scheduler.md, retention.md, export.md, investigations.md and bi.md are run, each page in a database of its own: README.md in
PGDATABASE, the others in databases that are made here. So are the ```sh blocks of docs/verify.md, all in one shell, with the
program that AUDITLOG_PROGRAM names; without it they are skipped. ACCEPT=1 writes what the blocks printed over the ```output blocks.
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(sys.argv[1])
README = ROOT / "README.md"
LANGUAGE = ROOT / "docs/query-language.md"
GUIDE = ROOT / "docs/verify.md"
ROLES = ROOT / "docs/roles.md"
WATCHING = [ROOT / f"docs/{name}.md" for name in ("live", "alerts", "scheduler", "retention", "export", "investigations", "bi")]
PAGES = [README, *sorted((ROOT / "docs").rglob("*.md"))]
PSQL = ["psql", "-X", "-v", "VERBOSITY=default", "-P", "pager=off"]
BLOCKS = {language: re.compile(rf"^```{language}\n(?P<code>.*?)^```\n+^```output\n(?P<output>.*?)^```$", re.MULTILINE | re.DOTALL)
          for language in ("sql", "sh")}
# What differs from run to run, and what the page has instead.
FIXED = [
    (r"pg_auditlog/[0-9a-f]{16}/\d+", "pg_auditlog/6b072ef876b85413/16384"),
    (r"\+[0-9a-f]{8}\+[A-Za-z0-9+/]{43,44}=?", "+8cfe4b26+AaqMeU+EWvnk8XDjcHKFAtux6KKWBIRVuJKdlmtdaP67"),
    (r"\b[0-9a-f]{64}\b", "f4fe4b3d1712c80284d59a3ac91905d9cf3af87a6a6ef21569a3ff3e3c33a24c"),
    (r"(?<=\()[0-9a-f]{8}(?=\))", "8cfe4b26"),
    (r"(?m)^[A-Za-z0-9+/]{43}=$", "9P5LPRcSyAKE1Zo6yRkF2c86+HpqbvIVaaP/Pjwzokw="),
    (r"(?m)^(— \S+) [A-Za-z0-9+/=]+$", r"\1 jP5LJldINj8kOcNHbKXed3zZbpZjZPP9YQLRDAg8aIF0…"),
    (r"\d{4}-\d\d-\d\dT[\d:.]+Z", "2026-11-25T18:55:37Z"),
    # the publisher may have made one of its own
    (r"\d+ checkpoints in the bundle", "2 checkpoints in the bundle"),
]
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
FOLDERS = ("src/", "crates/", "sql/", "tests/", "docs/", "scripts/", "bench/", "examples/", ".ci/")

failed = []
passed = 0
skipped = 0


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


def psql(sql, *options, database=None):
    """The output of a fresh psql, errors included, without spaces at the ends of lines."""
    run = subprocess.run([*PSQL, *options], input=sql, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                         check=False, env={**os.environ, **({"PGDATABASE": database} if database else {})})
    return "\n".join(line.rstrip() for line in run.stdout.rstrip("\n").split("\n"))


def await_sealed(database):
    """Waits until the events of the blocks so far are sealed. A reader takes seconds from block to block; without the wait
    the first event of a month, whose table has to be made, may be sealed behind the events of later blocks."""
    for _ in range(100):
        rows = psql("SELECT inbox_rows FROM auditlog.stat_seal", "-At", database=database)
        if not rows.isdigit() or rows == "0":
            break
        time.sleep(0.1)


def blocks(page, database=None):
    """Runs the blocks of a page in their order; with ACCEPT=1 writes the results over those in the page."""
    text, name = page.read_text(encoding="utf-8"), page.relative_to(ROOT)
    steps = list(BLOCKS["sql"].finditer(text))
    check(f"each ```sql block of {name} has its ```output",
          [] if len(steps) == len(re.findall(r"^```sql$", text, re.MULTILINE)) > 0 else ["a block has none, or there is no block"])
    out, end = [], 0
    for number, step in enumerate(steps, 1):
        wanted, got = step["output"].rstrip("\n"), psql(step["code"], database=database)
        await_sealed(database)
        first = step["code"].strip().split("\n")[0]
        check(f"{name}, step {number}: {first}", [] if got == wanted else [f"-- {name}", wanted, "-- psql", got])
        out += [text[end : step.start("output")], got, "\n"]
        end = step.end("output")
    if os.environ.get("ACCEPT") == "1":
        page.write_text("".join([*out, text[end:]]), encoding="utf-8")


def fixed(text):
    """The text with the same origin, keys, hashes and times in every run, without spaces at the ends of lines."""
    for pattern, instead in FIXED:
        text = re.sub(pattern, instead, text)
    return "\n".join(line.rstrip() for line in text.strip("\n").split("\n"))


def shell_blocks(page, database):
    """Runs the shell blocks of a page in one shell, in a folder of its own where `auditlog` is found; with ACCEPT=1 writes the
    results over those in the page."""
    global skipped
    text, name = page.read_text(encoding="utf-8"), page.relative_to(ROOT)
    steps = list(BLOCKS["sh"].finditer(text))
    check(f"each ```sh block of {name} has its ```output",
          [] if len(steps) == len(re.findall(r"^```sh$", text, re.MULTILINE)) > 0 else ["a block has none, or there is no block"])
    program = os.environ.get("AUDITLOG_PROGRAM")
    if not program:
        skipped += len(steps)
        print(f"skipped: {name}: there is no program auditlog, and no cargo to build it")
        return
    mark = "\n@@ end of block @@\n"
    with tempfile.TemporaryDirectory() as folder:
        os.symlink(program, pathlib.Path(folder) / "auditlog")
        work = pathlib.Path(folder) / "work"
        work.mkdir()
        script = pathlib.Path(folder) / "blocks.sh"
        script.write_text("".join(f"{step['code']}printf '{mark.encode('unicode_escape').decode()}'\n" for step in steps), encoding="utf-8")
        env = {**os.environ, "PGDATABASE": database, "PATH": f"{folder}:{os.environ['PATH']}", "LC_ALL": "C.UTF-8"}
        run = subprocess.run(["bash", str(script)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, cwd=work, env=env)
    results = run.stdout.decode("utf-8", "replace").split(mark)[: len(steps)]
    results += ["the shell has ended before this block"] * (len(steps) - len(results))
    out, end = [], 0
    for number, (step, result) in enumerate(zip(steps, results), 1):
        wanted, got = fixed(step["output"]), fixed(result)
        check(f"{name}, step {number}: {step['code'].strip().split(chr(10))[0]}", [] if got == wanted else [f"-- {name}", wanted, "-- shell", got])
        out += [text[end : step.start("output")], got, "\n"]
        end = step.end("output")
    if os.environ.get("ACCEPT") == "1":
        page.write_text("".join([*out, text[end:]]), encoding="utf-8")


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
    # Samples of health are switched off here: they are events at times of their own.
    sql = ("SELECT name, CASE name WHEN 'auditlog.sample_interval' THEN boot_val::integer / 3600 || 'h' ELSE current_setting(name) END, context"
           " FROM pg_settings WHERE name LIKE 'auditlog.%'")
    for line in psql(sql, "-At", "-F", "\t").split("\n"):
        name, value, context = line.split("\t")
        server[name] = (value, context)
    for page in (README, ROOT / "docs/operations.md"):
        documented = {row[0]: tuple(row[1:3]) for row in cells(page, r"auditlog\.\w+") if row[0] != "auditlog.context"}
        problems = [f"{name}: page {documented.get(name)}, server {value}" for name, value in sorted(server.items())
                    if documented.get(name) != value]
        problems += [f"{name}: the server has no such setting" for name in sorted(documented.keys() - server.keys())]
        check(f"settings in {page.relative_to(ROOT)}", problems)


def query_settings():
    """The query language's page has its settings with their defaults and contexts."""
    sql = "SELECT name, current_setting(name), context FROM pg_settings WHERE name ~ '^auditlog.(query_|word_index)'"
    server = {tuple(line.split("\t")) for line in psql(sql, "-At", "-F", "\t").split("\n")}
    documented = {tuple(row[:3]) for row in cells(LANGUAGE, r"auditlog\.\w+")}
    check(f"settings in {LANGUAGE.relative_to(ROOT)}", [f"only on one side: {row}" for row in sorted(server ^ documented)])


def query_fields():
    """The query language's page has every field with its short names and type."""
    sql = "SELECT field, array_to_string(short_names, ' '), type FROM auditlog.fields()"
    server = {tuple(line.split("\t")) for line in psql(sql, "-At", "-F", "\t").split("\n")}
    section = LANGUAGE.read_text(encoding="utf-8").split("\n## Fields", 1)[-1].split("\n## ", 1)[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.split("\n") if line.startswith("| `")]
    documented = {(row[0].strip("`"), row[1].replace("`", "").replace(",", ""), row[2]) for row in rows}
    check(f"fields in {LANGUAGE.relative_to(ROOT)}", [f"only on one side: {row}" for row in sorted(server ^ documented)])


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
          "('auditlog.stat_ingest'::regclass, 'auditlog.stat_seal'::regclass, 'auditlog.stat_verify'::regclass, " \
          "'auditlog.stat_access'::regclass)"
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


def without_journal(database):
    """Reads of the pages' own blocks would be events, too, at times that nobody can foretell: the pages say that they are left out."""
    psql(f"ALTER DATABASE {database} SET auditlog.access_log = off")


without_journal("tour")
blocks(README)
psql("ALTER DATABASE tour RESET auditlog.access_log")
psql("CREATE DATABASE query_language")
without_journal("query_language")
blocks(LANGUAGE, "query_language")
psql("CREATE DATABASE roles")
without_journal("roles")
blocks(ROLES, "roles")
for page in WATCHING:
    psql(f"CREATE DATABASE {page.stem}")
    without_journal(page.stem)
    psql("CREATE EXTENSION pg_auditlog", database=page.stem)
    blocks(page, page.stem)
psql("CREATE DATABASE verify")
without_journal("verify")
shell_blocks(GUIDE, "verify")
settings()
query_settings()
query_fields()
roles()
health()
columns()
links()
paths()
print(f"{passed} passed, {len(failed)} failed" + (f", {skipped} skipped" if skipped else ""))
sys.exit(1 if failed else 0)
