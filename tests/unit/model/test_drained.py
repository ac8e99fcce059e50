"""The listener's JSON becomes values."""

from __future__ import annotations

import json
from typing import Any

from sparkk8s_nb.model.drained import PlannedStage, SqlStarted, parse_drained
from sparkk8s_nb.model.streams import StreamState
from sparkk8s_nb.model.task_metrics import FailureCause, RunningTask, SlowTask
from sparkk8s_nb.model.timeline import ExecutorWork

SUMS = [900, 700, 90, 1, 2, 3, 4, 5, 6, 7, 8]
STAGE = [
    12, 1, "sum at <stdin>:1", "Exchange > HashAggregate", 8, 2, 5, 1, 0, 0, 1000, 0, "", SUMS, 512, 7363,
    [[3, 7363, "2", 64]], [["ZeroDivisionError", 1]], [[6, 1500, "3"]],
]  # fmt: skip
READING: dict[str, Any] = {
    "n": 3, "t": 5000, "d": 1, "q": 2,
    "e": [["4", "count at NativeMethodAccessorImpl.java:0", "SELECT  count(*) FROM trips"], ["5", "show", ""]],
    "j": [[7, 1500, "count", "s-cell-1,s-root", "4", "", "", [[12, 8, "sum"], [11, 4, "map"]]]],
    "k": [[6, 4900, 0, "cancelled"]],
    "s": [STAGE],
    "x": [["2", 2, 1500, 5, 1, 4]],
    "r": [["q-1", "r-1", "clicks", 1000, 0, "", 3, 2, 75, 25, 50.5, 210.0]],
}  # fmt: skip


def test_a_reading_says_when_and_what_is_missing() -> None:
    """Times are seconds; drops of the listener and of Spark's bus are apart."""
    reading = parse_drained(json.dumps(READING))
    assert (reading.at, reading.dropped, reading.lost) == (5.0, 1, 2)


def test_a_job_brings_its_tags_and_the_stages_it_may_need() -> None:
    """Stages are planned: which of them run shows later."""
    (job,) = parse_drained(json.dumps(READING)).started
    assert (job.id, job.at, job.tags, job.sql, job.query) == (7, 1.5, ("s-cell-1", "s-root"), "4", "")
    assert job.stages[0] == PlannedStage(id=12, tasks=8, name="sum")


def test_a_failed_job_brings_its_reason() -> None:
    """The end of a job that did not succeed."""
    (end,) = parse_drained(json.dumps(READING)).ended
    assert (end.id, end.succeeded, end.reason) == (6, False, "cancelled")


def test_a_stage_brings_counts_sums_and_what_slowed_it() -> None:
    """Milliseconds become seconds, sums keep their names."""
    (stage,) = parse_drained(json.dumps(READING)).stages
    assert (stage.state, stage.tasks, stage.running, stage.done, stage.failed) == ("ACTIVE", 8, 2, 5, 1)
    assert (stage.metrics.run_ms, stage.metrics.shuffle_written, stage.metrics.records_written) == (900, 4, 8)
    assert (stage.median, stage.longest) == (0.512, 7.363)
    assert stage.slowest == (SlowTask(partition=3, seconds=7.363, executor="2", spilled=64),)
    assert stage.causes == (FailureCause(reason="ZeroDivisionError", count=1),)
    assert stage.oldest == (RunningTask(partition=6, began=1.5, executor="3"),)
    assert stage.operators == "Exchange > HashAggregate"


def test_a_query_brings_what_it_is_called_and_its_statement_in_one_line() -> None:
    """A DataFrame's has no statement."""
    assert parse_drained(json.dumps(READING)).executions == (
        SqlStarted(id="4", description="count", statement="SELECT count(*) FROM trips"),
        SqlStarted(id="5", description="show"),
    )


def test_a_stage_that_failed_is_failed_also_when_it_has_an_end() -> None:
    """A completed stage with a reason has failed."""
    row = [*STAGE]
    row[11], row[12] = 4000, "fetch failure"
    (stage,) = parse_drained(json.dumps({**READING, "s": [row]})).stages
    assert (stage.state, stage.failure, stage.completed) == ("FAILED", "fetch failure", 4.0)


def test_an_executor_brings_its_task_seconds() -> None:
    """What it did since the reading before."""
    work = parse_drained(json.dumps(READING)).work
    assert work == (ExecutorWork(id="2", running=2, busy=1.5, done=5, failed=1, slots=4),)


def test_a_batchs_job_brings_its_query_and_its_number() -> None:
    """A job of a streaming query."""
    row = [*READING["j"][0]]
    row[5], row[6] = "q-1", "3"
    (job,) = parse_drained(json.dumps({**READING, "j": [row]})).started
    assert (job.query, job.batch) == ("q-1", 3)


def test_a_streaming_query_brings_its_batches_and_rows() -> None:
    """As its last progress has them."""
    (stream,) = parse_drained(json.dumps(READING)).streams
    assert (stream.id, stream.run, stream.name, stream.started, stream.running) == (
        "q-1",
        "r-1",
        "clicks",
        1.0,
        True,
    )
    assert (stream.batches, stream.batch, stream.rows, stream.last_rows) == (3, 2, 75, 25)
    assert (stream.arriving, stream.processing) == (50.5, 210.0)


def test_a_streaming_query_that_ended_says_whether_it_failed() -> None:
    """A stop is no failure."""
    row = ["q-1", "r-1", "", 1000, 4000, "", 3, 2, 75, 25, 0.0, 0.0]
    (stopped,) = parse_drained(json.dumps({**READING, "r": [row]})).streams
    row[5] = "ValueError: no"
    (failed,) = parse_drained(json.dumps({**READING, "r": [row]})).streams
    assert (stopped.state, stopped.ended) == (StreamState.ENDED, 4.0)
    assert (failed.state, failed.error) == (StreamState.FAILED, "ValueError: no")
