"""Runs the queries over an archive with Apache Spark on this machine: python3 queries_spark.py DIRECTORY"""

import sys

from pyspark.sql import SparkSession
from queries import QUERIES, show

archive = sys.argv[1].rstrip("/")
spark = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").appName("archive").getOrCreate()
spark.sparkContext.setLogLevel("ERROR")
spark.read.option("basePath", archive).parquet(f"{archive}/class=*").createOrReplaceTempView("events")
for name, sql in QUERIES:
    show(name, [tuple(row) for row in spark.sql(sql).collect()])
spark.stop()
