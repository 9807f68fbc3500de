"""Runs the queries over an archive with DuckDB: python3 queries_duckdb.py DIRECTORY"""

import sys

import duckdb
from queries import QUERIES, show

archive = sys.argv[1].rstrip("/")
connection = duckdb.connect()
connection.execute(f"CREATE VIEW events AS SELECT * FROM read_parquet('{archive}/class=*/*/*.parquet', hive_partitioning = true)")
for name, sql in QUERIES:
    show(name, connection.execute(sql).fetchall())
