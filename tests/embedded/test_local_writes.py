"""Writes that would be lost are refused before a job, by a real Spark; what is shared is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from sparkk8s_nb.errors import UnsharedPathError
from sparkk8s_nb.model.spec import SharedPaths
from tests.embedded.local_driver import local_driver

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> Path:
    """``base/shared`` is shared but for ``scratch`` in it, of which ``kept`` is again; the rest is not."""
    return tmp_path_factory.mktemp("local-writes")


@pytest.fixture(scope="module")
def spark(base):
    """The check is the driver's alone."""
    shared = base / "shared"
    paths = SharedPaths(
        shared=(str(shared), str(shared / "scratch" / "kept")), apart=(str(shared / "scratch"),)
    )
    with local_driver(base, shared_paths=paths, warehouse=base / "warehouse") as driver:
        yield driver.spark


def refused(base, path, write):
    """It is, in two lines that name the path; nothing is there, and no job ran."""
    with pytest.raises(UnsharedPathError) as caught:
        write()
    assert str(path) in caught.value.problem
    assert len(str(caught.value).splitlines()) == 2
    assert not Path(path).exists()


WRITES = {
    "parquet": lambda spark, path: spark.range(3).write.parquet(path),
    "csv with a scheme": lambda spark, path: spark.range(3).write.csv(f"file://{path}"),
    "overwrite": lambda spark, path: spark.range(3).write.mode("overwrite").json(path),
    "partitioned": lambda spark, path: (
        spark.range(3).selectExpr("id", "id % 2 AS odd").write.partitionBy("odd").parquet(path)
    ),
    "directory": lambda spark, path: spark.sql(
        f"INSERT OVERWRITE DIRECTORY '{path}' USING parquet SELECT * FROM range(3)"
    ),
    "external table": lambda spark, path: spark.range(3).write.option("path", path).saveAsTable("elsewhere"),
    "CTAS": lambda spark, path: spark.sql(
        f"CREATE TABLE ctas USING parquet LOCATION '{path}' AS WITH t AS (SELECT 1 AS a) SELECT * FROM t"
    ),
    "text of an RDD": lambda spark, path: spark.sparkContext.parallelize("ab", 1).saveAsTextFile(path),
    "an RDD by keyword": lambda spark, path: spark.sparkContext.parallelize("ab", 1).saveAsTextFile(
        path=path
    ),
    "pickles of an RDD": lambda spark, path: spark.sparkContext.parallelize([1], 1).saveAsPickleFile(path),
    "another session": lambda spark, path: spark.newSession().range(3).write.orc(path),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_a_write_that_would_be_lost_is_refused_before_a_job(spark, base, write):
    """From DataFrames, SQL and RDDs alike, also in sessions that a user makes."""
    path = base / "unshared" / "out"
    refused(base, path, lambda: write(spark, str(path)))


@pytest.mark.parametrize("write", [WRITES["parquet"], WRITES["directory"], WRITES["text of an RDD"]])
def test_a_shared_path_is_written_to(spark, base, write, request):
    """With all that is below it; a path that only begins like it is another."""
    path = base / "shared" / request.node.name.replace("[", "-").replace("]", "")
    write(spark, str(path))
    assert (path / "_SUCCESS").exists()
    refused(base, f"{base}/shared-not", lambda: write(spark, f"{base}/shared-not"))
    refused(base, f"{base}/other", lambda: write(spark, f"{base}/shared/../other"))


def test_of_paths_within_one_another_the_innermost_decides(spark, base):
    """A volume of one side that is mounted within a shared one, and a shared one within that."""
    scratch = base / "shared" / "scratch"
    refused(base, scratch / "out", lambda: spark.range(3).write.parquet(str(scratch / "out")))
    refused(base, scratch, lambda: spark.sparkContext.parallelize("ab", 1).saveAsTextFile(str(scratch)))
    spark.range(3).write.parquet(str(scratch / "kept" / "out"))
    assert (scratch / "kept" / "out" / "_SUCCESS").exists()


def test_a_table_in_a_local_warehouse_is_refused(spark, base):
    """Made with its data, or filled later; its folder is the driver's."""
    refused(base, base / "warehouse" / "flights", lambda: spark.range(3).write.saveAsTable("flights"))
    spark.sql("CREATE TABLE empty (id BIGINT) USING parquet")
    with pytest.raises(UnsharedPathError, match="warehouse/empty"):
        spark.sql("INSERT INTO empty VALUES (1)")


def test_a_streaming_query_into_local_files_is_refused(spark, base):
    """Before it starts; the sink itself has made its folder by then."""
    rows = spark.readStream.format("rate").load()
    stream = rows.writeStream.format("parquet").option("checkpointLocation", str(base / "shared" / "cp"))
    with pytest.raises(UnsharedPathError, match="/stream is not shared"):
        stream.start(str(base / "stream"))
    assert not list((base / "stream").rglob("*.parquet"))
    assert not spark.streams.active


def test_what_writes_nothing_to_a_disk_is_no_matter(spark, base):
    """Queries, views, the noop sink, caches, other errors."""
    spark.range(3).createOrReplaceTempView("numbers")
    spark.range(3).write.format("noop").mode("overwrite").save()
    assert spark.sql("SELECT count(*) FROM numbers").collect()[0][0] == 3
    assert spark.sparkContext.parallelize([1, 2], 1).sum() == 3
    with pytest.raises(Exception, match="TABLE_OR_VIEW_NOT_FOUND"):
        spark.table("nothing")
