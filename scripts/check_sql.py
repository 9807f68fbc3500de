"""Every security-definer function pins search_path = pg_catalog, pg_temp. Prints each violation; exit status 1 if any.

Looks at the statements of sql/*.sql and of SQL inside src/*.rs, and at pgrx functions declared `security_definer`.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
CREATE = re.compile(r"\b(?:CREATE|ALTER)\s+(?:OR\s+REPLACE\s+)?(?:FUNCTION|PROCEDURE)\s+([\w.\"]+)", re.IGNORECASE)
PINNED = re.compile(r"\bSET\s+search_path\s*(?:=|TO)\s*'?pg_catalog'?\s*,\s*'?pg_temp'?", re.IGNORECASE)
DEFINER = re.compile(r"\bSECURITY\s+DEFINER\b", re.IGNORECASE)


def without_comments(text):
    """SQL without its line comments, lines kept."""
    return re.sub(r"--[^\n]*", "", text)


def statement(text, start):
    """A CREATE FUNCTION statement: from `start` to the semicolon after its body, dollar quotes respected."""
    position, quote = start, None
    for token in re.finditer(r"\$\w*\$|;", text[start:]):
        if quote is None and token[0] == ";":
            return text[start : start + token.end()]
        if token[0] != ";":
            quote = None if token[0] == quote else quote or token[0]
        position = start + token.end()
    return text[start:position] if position > start else text[start:]


def sql_violations(path):
    """CREATE FUNCTION … SECURITY DEFINER without the pinned path."""
    text = without_comments(path.read_text(encoding="utf-8"))
    for match in CREATE.finditer(text):
        source = statement(text, match.start())
        if DEFINER.search(source) and not PINNED.search(source):
            yield path, text.count("\n", 0, match.start()) + 1, match[1]


def rust_violations(path):
    """#[pg_extern(security_definer)] without #[search_path(pg_catalog, pg_temp)]."""
    text = path.read_text(encoding="utf-8")
    for match in re.finditer(r"#\[pg_extern\([^\]]*\bsecurity_definer\b", text):
        function = re.compile(r"\bfn\s+(\w+)").search(text, match.end())
        attributes = text[text.rfind("\n\n", 0, match.start()) + 1 : function.start()]
        if not re.search(r"#\[search_path\(pg_catalog,\s*pg_temp\)\]", attributes):
            yield path, text.count("\n", 0, match.start()) + 1, function[1]


found = []
for folder, pattern in (("sql", "*.sql"), ("src", "*.rs")):
    for source_file in sorted((ROOT / folder).rglob(pattern)):
        found += sql_violations(source_file)
        if source_file.suffix == ".rs":
            found += rust_violations(source_file)

for path, line, name in found:
    print(f"{path.relative_to(ROOT)}:{line}: {name} is SECURITY DEFINER without SET search_path = pg_catalog, pg_temp")
sys.exit(1 if found else 0)
