"""What a real Spark's jobs are called, what they run, which task is slow while it runs, and that a cancel is exact."""

from __future__ import annotations

import inspect
import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sparkk8s_nb.model.activity import Activity
from sparkk8s_nb.model.progress import JobProgress, Progress
from sparkk8s_nb.model.spec import SharedPaths
from sparkk8s_nb.spark.active_jobs import ActiveJobs
from sparkk8s_nb.spark.driver import SparkDriver
from tests.embedded.local_driver import local_driver
from tests.eventually import eventually

pytestmark = pytest.mark.timeout(300)

CONF = {"spark.master": "local[4]", "spark.sql.redaction.string.regex": "token=[a-z0-9]+"}


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the driver may write."""
    return tmp_path_factory.mktemp("progress-details")


@pytest.fixture(scope="module")
def driver(shared: Path) -> Iterator[SparkDriver]:
    """One for all; four tasks run at once."""
    paths = SharedPaths(shared=(str(shared),))
    with local_driver(shared, shared_paths=paths, warehouse=shared / "warehouse", conf=CONF) as made:
        made.drain()
        yield made


def line() -> int:
    """The caller's."""
    return inspect.currentframe().f_back.f_lineno  # type: ignore[union-attr]


class InCell:
    """A cell on a thread of its own."""

    def __init__(self, driver: SparkDriver, tag: str, work: Callable[[], object]) -> None:
        self.error: Exception | None = None
        self._driver, self._tag, self._work = driver, tag, work
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        scope = self._driver.enter_cell(self._tag)
        try:
            self._work()
        except Exception as error:  # noqa: BLE001 - looked at by the test
            self.error = error
        finally:
            scope.leave()


class Watch:
    """The fold of what a driver tells."""

    def __init__(self, driver: SparkDriver) -> None:
        self.driver = driver
        driver.drain()
        self.activity = Activity()

    def look(self) -> Progress:
        reading = self.driver.drain()
        assert reading is not None
        self.activity = self.activity.apply(reading)
        return Progress.of(None, self.activity.jobs(), time.time())

    def jobs(self) -> tuple[JobProgress, ...]:
        """Once all that began have ended."""
        assert eventually(lambda: (jobs := self.look().jobs) and all(job.ended for job in jobs), 20)
        return self.look().jobs


def test_a_task_that_takes_far_longer_is_named_while_it_runs(driver: SparkDriver):
    """Its partition and its executor; the cancel of its cell ends it."""
    watch = Watch(driver)

    def skewed() -> object:
        return driver.spark.sparkContext.parallelize(range(40), 40).foreach(
            lambda number: time.sleep(600 if number == 23 else 0.02)
        )

    cell = InCell(driver, "skewed", skewed)
    found: list[str] = []

    def named() -> bool:
        found[:] = [words for words in watch.look().words if "has run for" in words]
        return bool(found)

    assert eventually(named, 60), watch.look()
    assert "1 of 40 tasks has run for" in found[0]
    assert "x the median: partition 23 on executor driver" in found[0]
    assert driver.cancel("skewed") == 1
    cell.thread.join(30)
    assert watch.jobs()[0].state == "FAILED"
    assert not any("has run" in words for words in watch.look().words)


def test_a_statement_is_told_in_one_line_without_what_spark_redacts(driver: SparkDriver):
    """Also of what is built upon it."""
    watch = Watch(driver)
    text = "SELECT id % 7 AS k, count(*) AS n\n  FROM range(1000) WHERE 'token=abc1' <> 'x'\n GROUP BY 1"
    told = "SELECT id % 7 AS k, count(*) AS n FROM range(1000) WHERE '*********(redacted)' <> 'x' GROUP BY 1"
    frame = driver.spark.sql(text)
    frame.collect()
    frame.where("n > 3").count()
    driver.spark.range(5).count()
    statements = {job.sql: job.statement for job in watch.jobs()}
    assert list(statements.values()) == [told, told, ""]


def test_a_dataframes_job_is_called_after_the_line_of_its_action(driver: SparkDriver, shared: Path):
    """Counts, shows, writes and reads; its stages say what they run."""
    watch = Watch(driver)
    spark, here = driver.spark, Path(__file__).name
    frame = spark.range(1000).groupBy("id").count()
    begin = line()
    frame.count()
    frame.where("id < 3").show()
    frame.write.parquet(str(shared / "counts"))
    spark.read.parquet(str(shared / "counts"))
    jobs = watch.jobs()
    called = list(dict.fromkeys(job.description for job in jobs))
    assert called == [
        f"count at {here}:{begin + 1}",
        f"show at {here}:{begin + 2}",
        f"parquet at {here}:{begin + 3}",
        f"parquet at {here}:{begin + 4}",
    ]
    ran = [stage.operators for job in jobs for stage in job.stages if stage.operators]
    assert any(re.fullmatch(r"Range > (\w+Aggregate > )+Exchange", operators) for operators in ran), ran
    assert not any("WholeStageCodegen" in operators for operators in ran), ran
    assert all(not stage.name or stage.name in called for job in jobs for stage in job.stages)


def test_steps_of_another_plan_are_not_told_of_a_stage_that_has_the_same_name_for_its_own(
    driver: SparkDriver,
):
    """A DataFrame over rows of another one: each plan counts what is compiled from 1."""
    watch = Watch(driver)
    spark = driver.spark
    rows = spark.range(0, 20, 1, 4).rdd.map(lambda row: (row.id % 3,))
    spark.createDataFrame(rows, "k long").where("k <> 9").groupBy("k").count().collect()
    (first, *_) = [stage for job in watch.jobs() for stage in job.stages if stage.operators]
    assert "Aggregate" in first.operators or "WholeStageCodegen" in first.operators, first.operators


def test_what_follows_an_action_is_not_called_after_it(driver: SparkDriver):
    """A job that no action of ours begins has no line."""
    watch = Watch(driver)
    driver.spark.range(5).count()
    driver.spark.sparkContext._jsc.sc().range(0, 3, 1, 1).collect()
    descriptions = [job.description for job in watch.jobs()]
    assert "count at" in descriptions[0]
    assert descriptions[-1] == "collect"


def test_a_job_is_cancelled_as_soon_as_it_was_submitted(driver: SparkDriver):
    """Whether or not anybody has told the listeners of it: twenty in a row."""
    active = ActiveJobs(driver.spark.sparkContext)
    cancelled = []
    for number in range(20):
        tag = f"submitted-{number}"

        def long() -> object:
            return driver.spark.sparkContext.parallelize([1], 1).foreach(lambda _: time.sleep(600))

        cell = InCell(driver, tag, long)
        while not active.count:
            assert cell.thread.is_alive(), cell.error
        cancelled.append(driver.cancel(tag))
        cell.thread.join(30)
        assert not cell.thread.is_alive()
    assert cancelled == [1] * 20


def test_only_jobs_with_the_tag_are_cancelled_and_no_streaming_query(driver: SparkDriver):
    """A query inherits the tag of the cell that started it."""
    queries: list[Any] = []

    def start_stream() -> None:
        rows = driver.spark.readStream.format("rate").option("rowsPerSecond", 5).load()

        def wait(batch: Any, number: int) -> None:
            batch.sparkSession.sparkContext.parallelize([1], 1).foreach(lambda _: time.sleep(600))

        queries.append(rows.writeStream.foreachBatch(wait).start())

    def long() -> object:
        return driver.spark.sparkContext.parallelize([1], 1).foreach(lambda _: time.sleep(600))

    active = ActiveJobs(driver.spark.sparkContext)
    stream = InCell(driver, "streams", start_stream)
    stream.thread.join(60)
    assert stream.error is None
    assert eventually(lambda: active.count == 1, 60)
    other = InCell(driver, "other", long)
    assert eventually(lambda: active.count == 2, 60)
    assert driver.cancel("streams") == 0
    assert driver.cancel("other") == 1
    other.thread.join(30)
    assert active.count == 1
    queries[0].stop()
