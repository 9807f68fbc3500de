"""What DuckDB and pyarrow find in an archive: python engines.py DIRECTORY EVENT_ID -> one JSON object."""

import glob
import json
import sys

import duckdb
import pyarrow.dataset
import pyarrow.parquet

directory, event_id = sys.argv[1:]
objects = sorted(glob.glob(f"{directory}/**/*.parquet", recursive=True))
found = {"objects": len(objects)}

parquet = pyarrow.parquet.ParquetFile(objects[0])
metadata = parquet.metadata
found["types"] = {field.name: str(field.type) for field in parquet.schema_arrow}
found["created_by"] = metadata.created_by
found["page_index"] = all(
    metadata.row_group(0).column(at).has_offset_index for at in range(metadata.num_columns)
)
found["sorted_by"] = [parquet.schema.column(s.column_index).name for s in metadata.row_group(0).sorting_columns]
table = pyarrow.dataset.dataset(directory, partitioning="hive", format="parquet").to_table()
found["rows"] = table.num_rows
first = min(table.to_pylist(), key=lambda row: row["log_index"])
found["first"] = {
    name: value.hex() if isinstance(value, bytes) else str(value) for name, value in first.items() if value is not None
}
group = parquet.read_row_group(0, columns=["timestamp"]).column(0).to_pylist()
# an erased time is NULL, and comes first
known = [time for time in group if time is not None]
found["in_order"] = group == [None] * (len(group) - len(known)) + sorted(known)

duckdb.execute("SET TimeZone = 'UTC'")
duckdb.execute(
    f"CREATE VIEW events AS SELECT * FROM read_parquet('{directory}/**/*.parquet', hive_partitioning = true)"
)


def one(sql, *values):
    return duckdb.execute(sql, values).fetchall()


found["duckdb"] = {
    "count": one("SELECT count(*), count(DISTINCT event_id) FROM events WHERE class = 'default' AND day = DATE '2026-03-10'"),
    "elsewhere": one("SELECT count(*) FROM events WHERE day <> DATE '2026-03-10'"),
    "types": dict(one("SELECT column_name, column_type FROM (DESCRIBE events)")),
    "by_id": one("SELECT log_index FROM events WHERE event_id = ?", event_id),
    "tagged": one("SELECT count(*) FROM events WHERE list_contains(tags, 'pci')"),
    "gold": one("SELECT count(*) FROM events WHERE before->>'plan' = 'gold' AND before->>'name' = 'Zoë Quîntero'"),
    "failed": one(
        "SELECT count(*) FROM events WHERE event_type LIKE 'authentication.%' AND status = 'failed'"
        " AND timestamp >= TIMESTAMPTZ '2026-03-10 14:30:46Z'"
    ),
    "network": one("SELECT count(*) FROM events WHERE starts_with(actor_ip, '2001:db8:')"),
}
probe = "SELECT bool_or(NOT bloom_filter_excludes) FROM parquet_bloom_probe(?, 'event_id', ?)"
found["bloom"] = [one(probe, objects[0], value)[0][0] for value in (event_id, "evt_not-there")]
json.dump(found, sys.stdout, ensure_ascii=False)
