"""The rules of docs/ARCHITECTURE.md that a search of the source can check. Prints each violation; exit status 1 if any.

Test code (src/tests/, *_test.rs, *_tests.rs, tests.rs, a test module at the end of a file) may run SQL and raise errors as
it likes.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
SKIPPED = {"target", ".git", ".run", "node_modules"}
MAX_LINES = 500


def files(*suffixes):
    """Every source file of the project with one of the suffixes, as a path relative to the root."""
    for path in sorted(ROOT.rglob("*")):
        relative = path.relative_to(ROOT)
        if path.is_file() and path.suffix in suffixes and not SKIPPED & set(relative.parts):
            yield relative


def is_test(path):
    """Whether a file holds nothing but tests."""
    return "tests" in path.parts or re.search(r"(^|_)tests?$", path.stem) is not None


def everything(path):
    """All lines of a file."""
    return (ROOT / path).read_text(encoding="utf-8").splitlines()


TEST_MODULE = re.compile(r"^#\[cfg\((any\()?test\b.*\n(#\[.*\n)*(pub )?mod \w+ \{", re.MULTILINE)


def product(path):
    """The lines of a file before its test module."""
    text = (ROOT / path).read_text(encoding="utf-8")
    module = TEST_MODULE.search(text)
    return (text[: module.start()] if module else text).splitlines()


def code(line):
    """A line of Rust without its comment; good enough for names, no parser."""
    return re.sub(r"//.*", "", line)


def search(paths, pattern, message, lines=product):
    """One violation for each line of code that matches."""
    expression = re.compile(pattern)
    for path in paths:
        for number, line in enumerate(lines(path), 1):
            text = code(line) if path.suffix == ".rs" else line
            if expression.search(text):
                yield f"{path}:{number}: {message}: {line.strip()}"


def violations():
    """All rules."""
    rust = list(files(".rs"))
    extension = [path for path in rust if path.parts[0] == "src" and not is_test(path)]
    pure = [path for path in [*rust, *files(".toml")] if path.parts[0] in ("crates", "pgrx-embed")]

    yield from search(pure, r"\bpgrx(::|\s*=|_)", "only src/ may name pgrx")
    yield from search(
        [path for path in extension if path.parts[1] != "store"],
        r"\bSpi\b|\bSpiClient\b|\bSPI_(connect|exec|prepare|cursor)\w*",
        "only src/store may run SQL",
    )
    yield from search(
        [path for path in extension if path != pathlib.Path("src/error.rs")],
        r"\bErrorReport::new|\bereport!|\berror!\(|\bpg_sys::errstart",
        "only src/error.rs may build a PostgreSQL error",
    )
    # Spelled in two parts so that this file passes its own rule.
    unfinished = "|".join(["TO" + "DO", "FIX" + "ME"])
    yield from search(
        files(".rs", ".sh", ".py", ".sql", ".md", ".toml"),
        rf"\b({unfinished})\b|\b(todo|unimplemented)!\(",
        "unfinished work belongs into the issues",
        everything,
    )
    for path in files(".rs", ".sh"):
        lines = len(everything(path))
        if lines > MAX_LINES:
            yield f"{path}: {lines} lines, more than {MAX_LINES}: split it by what it holds"


found = list(violations())
print(*found, sep="\n", end="\n" if found else "")
sys.exit(1 if found else 0)
