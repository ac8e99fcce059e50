"""What Spark says of itself reaches fleet and progress; a driver that is gone is told once."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import pytest

from sparkk8s_nb.errors import DriverError
from sparkk8s_nb.model.drained import Drained, JobEnded, JobStarted, PlannedStage
from sparkk8s_nb.model.fleet import ExecutorStatus, WantedChanged
from sparkk8s_nb.model.progress import CellRef, JobProgress, JobState, StageProgress
from sparkk8s_nb.model.streams import Stream, StreamState
from sparkk8s_nb.model.task_metrics import TaskMetrics
from sparkk8s_nb.ports import SparkStatus
from sparkk8s_nb.session.fleet_state import FleetState
from sparkk8s_nb.session.status_follower import (
    ANSWERS_WITHIN,
    BUSY_PERIOD,
    FIRST_MOMENT,
    FIRST_PERIOD,
    IDLE_PERIOD,
    STATUS_PERIOD,
    StatusFollower,
)
from sparkk8s_nb.testing import FakeClock, FakeDriver

WAIT = 20.0


class Follow:
    def __init__(self):
        self.driver = FakeDriver()
        self.fleet = FleetState(1, on_trip=print)
        self.gone = []
        self.told = threading.Event()
        self.follower = StatusFollower(
            self.driver, self.fleet, now=FakeClock(5.0), on_driver_gone=self._on_driver_gone
        )

    def _on_driver_gone(self, error):
        self.gone.append(error)
        self.told.set()

    def threads(self):
        return [thread for thread in threading.enumerate() if thread.name == "sparkk8s-status"]


@pytest.fixture
def follow():
    found = Follow()
    yield found
    found.follower.stop()
    assert found.threads() == []


def test_executors_reach_the_fleet(follow):
    """Registered ones are ready."""
    follow.driver.answer = SparkStatus(executors=(ExecutorStatus(id="1", cores=2),), jobs=())
    follow.follower.start()
    assert follow.fleet.feed.wait_for(lambda fleet: fleet.ready == 1, timeout=WAIT).ready == 1


def test_a_driver_that_is_gone_is_told_once_and_the_thread_ends(follow):
    """Whoever is told decides what it means."""
    follow.driver.dead = True
    follow.follower.start()
    assert follow.told.wait(WAIT)
    for thread in follow.threads():
        thread.join(WAIT)
    assert [error.problem for error in follow.gone] == ["The driver is gone."]


class Ended(FakeDriver):
    """A driver whose JVM is ended in the middle of a reading."""

    def __init__(self):
        super().__init__()
        self.reading, self.end = threading.Event(), threading.Event()

    def drain(self):
        self.reading.set()
        assert self.end.wait(WAIT)
        raise DriverError("The driver is gone.", fix="Start again.")


def test_a_stop_that_ends_the_driver_tells_nobody(follow):
    """It was wished for."""
    driver = Ended()
    follower = StatusFollower(driver, follow.fleet, now=FakeClock(5.0), on_driver_gone=follow.gone.append)
    follower.start()
    assert driver.reading.wait(WAIT)
    follower._worker.request_stop()  # with which stop begins
    driver.end.set()
    follower.stop()
    assert follow.threads() == []
    assert follow.gone == []
    assert follower.progress.closed


def test_a_cell_that_begins_has_the_progress_at_once(follow):
    """Empty, and its own."""
    cell = CellRef(tag="s-cell-1", count=1, cell_id="a")
    follow.follower.follow(cell)
    assert follow.follower.progress.value.cell == cell
    assert follow.follower.progress.value.jobs == ()


CELL = CellRef(tag="c", count=1)


def job(number, state=JobState.RUNNING, *, tag="c", done=4, query=""):
    """A job as the status store tells it."""
    stage = StageProgress(
        id=number, attempt=0, name="s", state="COMPLETE", tasks=4, done=done, submitted=1.0,
        metrics=TaskMetrics(shuffle_written=10),
    )  # fmt: skip
    ended = 0.0 if state is JobState.RUNNING else 4.0
    return JobProgress(
        id=number, description="", state=state, tags=(tag,), stages=(stage,), tasks=4, done=done,
        submitted=1.0, ended=ended, query=query,
    )  # fmt: skip


def status(*jobs, streams=None):
    return SparkStatus(executors=(), jobs=jobs, streams=streams)


def started(number, *, tag="c", query=""):
    """A reading of the listener in which a job begins."""
    plan = (PlannedStage(id=number, tasks=4, name="s"),)
    return JobStarted(id=number, at=1.0, tags=(tag,), query=query, stages=plan)


def test_without_a_listener_a_cell_has_its_sums_and_says_what_is_missing(follow):
    """From the status store; a streaming query's jobs are not its own."""
    follow.driver.without_listener = "Details of tasks are missing: no Janino."
    followed = follow.follower.follow(CELL)
    follow.driver.answer = status(job(0), job(1, query="q"))
    follow.follower._read()
    assert [one.id for one in follow.follower.progress.value.jobs] == [0]
    followed.end()
    follow.driver.answer = status(job(0, JobState.SUCCEEDED), job(1, JobState.SUCCEEDED, query="q"))
    follow.follower._read()
    (cell,) = follow.follower.cells
    assert (cell.jobs, cell.stages, cell.tasks, cell.metrics.shuffle_written) == (1, 1, 4, 10)
    assert cell.missing == "Details of tasks are missing: no Janino."
    assert follow.follower.progress.value.state is JobState.SUCCEEDED


def test_a_quick_job_that_is_seen_only_after_its_cell_still_counts_to_it(follow):
    """The status store is asked for a cell's jobs a while longer."""
    follow.follower.follow(CELL).end()
    follow.driver.answer = status(job(0, JobState.SUCCEEDED))
    follow.follower._read()
    assert [cell.jobs for cell in follow.follower.cells] == [1]
    assert follow.driver.asked[-1] == (("c",), (), False)


def test_what_sparks_bus_lost_is_mended_and_told(follow):
    """The end of one job, the begin of another; counted once, also when the event comes after all."""
    follow.follower.follow(CELL)
    follow.driver.readings = [Drained(at=1.0, started=(started(0),)), Drained(at=2.0, lost=7)]
    follow.driver.answer = status(job(0, JobState.SUCCEEDED), job(1, JobState.SUCCEEDED))
    follow.follower._read()
    assert follow.follower.progress.value.state is JobState.RUNNING
    follow.follower._read()
    progress = follow.follower.progress.value
    assert [(one.id, one.state) for one in progress.jobs] == [(0, "SUCCEEDED"), (1, "SUCCEEDED")]
    assert progress.missing == (
        "Spark dropped 7 events: counts of stages and the begins or ends of 2 jobs come from its status store."
    )
    end = JobEnded(id=1, at=4.0, succeeded=True)
    follow.driver.readings = [Drained(at=3.0, lost=7, started=(started(1),), ended=(end,))]
    follow.follower._read()
    assert [cell.jobs for cell in follow.follower.cells] == [2]


def test_what_was_lost_before_a_cell_began_is_none_of_its_business(follow):
    """Its own numbers are whole."""
    follow.driver.readings = [Drained(at=1.0, lost=7)]
    follow.follower._read()
    follow.follower.follow(CELL)
    follow.driver.readings = [Drained(at=2.0, lost=7, started=(started(0),))]
    follow.follower._read()
    assert follow.follower.progress.value.missing == ""


def test_a_cell_beside_another_has_a_progress_of_its_own(follow):
    """A subshell's: both are among the cells."""
    main = follow.follower.follow(CELL)
    beside = follow.follower.follow(CellRef(tag="b", count=2), beside=True)
    ends = tuple(JobEnded(id=number, at=4.0, succeeded=True) for number in (0, 1))
    follow.driver.readings = [Drained(at=2.0, started=(started(0), started(1, tag="b")), ended=ends)]
    follow.follower._read()
    assert [one.id for one in main.feed.value.jobs] == [0]
    assert [one.id for one in beside.feed.value.jobs] == [1]
    assert follow.follower.progress.value.cell == CELL
    beside.end()
    assert beside.feed.closed
    assert not main.feed.closed
    assert [(cell.tag, cell.jobs) for cell in follow.follower.cells] == [("c", 1), ("b", 1)]


def test_streaming_queries_have_a_feed_of_their_own_and_stand_beside_the_cells_progress(follow):
    """Never counted to the cell."""
    follow.follower.follow(CELL).begun_at -= FIRST_MOMENT
    query = Stream(id="q", run="r", name="clicks", batches=2)
    follow.driver.readings = [Drained(at=2.0, streams=(query,), started=(started(0, query="q"),))]
    assert follow.follower._read() == BUSY_PERIOD
    assert [one.name for one in follow.follower.streams.value] == ["clicks"]
    progress = follow.follower.progress.value
    assert (progress.jobs, [one.name for one in progress.streams]) == ((), ["clicks"])


def test_the_first_job_of_a_cell_that_has_just_begun_is_looked_for_more_often(follow):
    """Until there is one, and not for long."""
    begun = follow.follower.follow(CELL)
    assert follow.follower._read() == FIRST_PERIOD
    follow.driver.readings = [Drained(at=2.0, started=(started(0),))]
    assert follow.follower._read() == BUSY_PERIOD
    begun.end()
    follow.follower.follow(CELL).begun_at -= FIRST_MOMENT
    assert follow.follower._read() == BUSY_PERIOD


def test_a_stream_alone_is_looked_at_once_a_second(follow):
    """It may run for days; the fleet is complete, no cell runs."""
    follow.fleet.apply(WantedChanged(wanted=0, at=1.0))
    query = Stream(id="q", run="r")
    follow.driver.readings = [Drained(at=2.0, streams=(query,), started=(started(0, query="q"),))]
    assert follow.follower._read() == STATUS_PERIOD
    over = replace(query, state=StreamState.ENDED)
    follow.driver.readings = [
        Drained(at=2.0, streams=(over,), ended=(JobEnded(id=0, at=2.0, succeeded=True),))
    ]
    assert follow.follower._read() == IDLE_PERIOD


def test_whoever_asks_knows_whether_the_jvm_answers(follow):
    """It did a moment ago; a reading that hangs is not waited for."""
    assert follow.follower.answers(patience=0)
    follow.follower._read_at.publish(time.monotonic() - ANSWERS_WITHIN)
    assert not follow.follower.answers(patience=0)
    follow.follower.start()
    assert follow.follower.answers(patience=WAIT)


def test_a_death_is_seen(follow):
    """A bug must not look like a quiet Spark."""
    follow.driver.answer = None
    follow.follower.start()
    fleet = follow.fleet.feed.wait_for(lambda fleet: bool(fleet.stale or fleet.verdict), timeout=WAIT)
    assert "status follower died" in fleet.stale + fleet.verdict
