"""Write the lists of classes that a driver and its executors load, from a real session with usual work.

Run as ``make class-lists`` after a change of Spark; the lists go with the package
(:mod:`sparkk8s_nb.spark.class_archive_maker`).
"""

from __future__ import annotations

import lzma
import re
import tempfile
from pathlib import Path

import pandas as pd
from pyspark.sql import SparkSession, Window
from pyspark.sql import functions as f

import sparkk8s_nb

PLACE = Path(sparkk8s_nb.__file__).parent / "spark" / "class_lists"
MADE_AT_RUN_TIME = re.compile(r"\$Proxy\d|\$\$Lambda|GeneratedClass|^sparkk8s/|^\$")
"""Proxies, lambdas and generated code have other names in every JVM."""


def work(spark: SparkSession, directory: Path) -> None:
    """What notebooks usually do first."""
    spark._jsparkSession.sparkContext().range(0, 2, 1, 2).count()
    words = spark.sparkContext.parallelize(["a b", "b c"], 2).flatMap(str.split)
    words.map(lambda word: (word, 1)).reduceByKey(lambda one, other: one + other).collect()
    frame = spark.createDataFrame(pd.DataFrame({"a": [1, 2, 3], "b": ["x", "y", "z"], "c": [0.5, 1.5, None]}))
    frame.createOrReplaceTempView("t")
    spark.range(1000).selectExpr("sum(id)").collect()
    spark.sql(
        "select b, sum(a) s, count(distinct c) from t join (select id from range(10)) r on r.id = t.a "
        "where c is not null group by b order by s"
    ).toPandas()
    spark.sql("select current_timestamp(), date_add(current_date(), 1), upper('a')").show()
    frame.groupBy("b").applyInPandas(lambda group: group, "a long, b string, c double").count()
    frame.select(f.udf(lambda text: text + "!")("b"), f.pandas_udf(lambda n: n + 1, "long")("a")).show()
    for kind in ("parquet", "csv", "json"):
        frame.write.mode("overwrite").format(kind).option("header", True).save(str(directory / kind))
        spark.read.format(kind).option("header", True).load(str(directory / kind)).filter("a > 1").count()
    frame.cache().count()
    frame.withColumn("n", f.row_number().over(Window.partitionBy("b").orderBy("a"))).collect()
    frame.join(f.broadcast(frame.selectExpr("a as d", "b")), "b").describe().show()
    frame.repartition(4).explain()


def main() -> None:
    """Run the session and write both lists."""
    with tempfile.TemporaryDirectory(prefix="class-lists-") as name:
        directory = Path(name)
        conf = {
            f"spark.{role}.extraJavaOptions": f"-Xshare:auto -XX:DumpLoadedClassList={directory / role}"
            for role in ("driver", "executor")
        }
        options = {"executors": 1, "context": "embedded", "class_archives": False, "conf": conf}
        with sparkk8s_nb.start(**options) as session:
            work(session.spark, directory)
        for role in ("driver", "executor"):
            lines = (directory / role).read_text().splitlines()
            kept = [line for line in lines if not MADE_AT_RUN_TIME.search(line) and not line.startswith("#")]
            packed = lzma.compress("\n".join([*kept, ""]).encode(), preset=9 | lzma.PRESET_EXTREME)
            (PLACE / f"{role}.txt.xz").write_bytes(packed)
            print(f"{role}: {len(kept)} lines, {len(packed) // 1024} KB")


if __name__ == "__main__":
    main()
