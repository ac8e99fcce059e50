"""The scheduler's own set says which jobs a cancel means."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from sparkk8s_nb.spark import active_jobs as module
from sparkk8s_nb.spark.active_jobs import CANCELLED, ActiveJobs


class Job:
    """An ActiveJob."""

    def __init__(self, number: int, **properties: str) -> None:
        self._number = number
        self._properties = {key.replace("_", "."): value for key, value in properties.items()}

    def jobId(self) -> int:
        return self._number

    def properties(self) -> Job | None:
        return self if self._properties else None

    def getProperty(self, name: str) -> str | None:
        return self._properties.get(name)


class Jobs(list[Job]):
    """A Scala set, and its list."""

    def toList(self) -> Jobs:
        return Jobs(self)

    def size(self) -> int:
        return len(self)

    def apply(self, index: int) -> Job:
        return self[index]


class Scheduler:
    """A SparkContext whose scheduler takes a job that was submitted when it is asked for the third time."""

    def __init__(self, *jobs: Job) -> None:
        self.active = Jobs(jobs)
        self.submitted: list[Job] = []
        self.cancelled: list[tuple[int, str]] = []
        self.stuck = False
        self.asked = 0

    def cancelJobsWithTagWithFuture(self, tag: str, why: str) -> Scheduler:
        assert tag == module.NOBODYS_TAG
        return self

    def isCompleted(self) -> bool:
        self.asked += 1
        if self.stuck or self.asked < 3:
            return False
        self.active.extend(self.submitted)
        return True

    def dagScheduler(self) -> Scheduler:
        return self

    def activeJobs(self) -> Jobs:
        return self.active

    def cancelJob(self, number: int, why: str) -> None:
        self.cancelled.append((number, why))


def active(scheduler: Scheduler) -> ActiveJobs:
    return ActiveJobs(SimpleNamespace(_jsc=SimpleNamespace(sc=lambda: scheduler)))


def test_jobs_with_the_whole_tag_are_cancelled_and_no_streaming_querys() -> None:
    """A query inherits the tag of the cell that started it; a tag that only begins like it is another."""
    scheduler = Scheduler(
        Job(1, spark_job_tags="root,s-1"),
        Job(2, spark_job_tags="s-12"),
        Job(3, spark_job_tags="s-1", sql_streaming_queryId="q"),
        Job(4),
        Job(5, spark_job_tags="s-1,s-1-after-1"),
    )
    assert active(scheduler).count == 5
    assert active(scheduler).cancel("s-1", "s-1-after-1") == 1
    assert scheduler.cancelled == [(1, CANCELLED)]
    assert active(scheduler).cancel("s-1") == 2


def test_a_job_that_was_submitted_and_is_not_active_yet_is_cancelled_too() -> None:
    """What was submitted before, the scheduler has taken by then."""
    scheduler = Scheduler()
    scheduler.submitted.append(Job(7, spark_job_tags="s-1"))
    assert active(scheduler).cancel("s-1") == 1


def test_a_scheduler_that_is_stuck_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is active is cancelled all the same."""
    monkeypatch.setattr(module, "SCHEDULER_SECONDS", 0.0)
    scheduler = Scheduler(Job(1, spark_job_tags="s-1"))
    scheduler.stuck = True
    assert active(scheduler).cancel("s-1") == 1


def test_a_set_that_grows_while_it_is_copied_is_copied_again() -> None:
    """What such a copy lacks may be the job that is meant."""
    scheduler = Scheduler(Job(1, spark_job_tags="s-1"))

    class Growing(Jobs):
        copies = 0

        def toList(self) -> Jobs:
            self.copies += 1
            if self.copies == 1:
                self.append(Job(2, spark_job_tags="s-1"))
                return Jobs(self[1:])
            return Jobs(self)

    scheduler.active = Growing(scheduler.active)
    assert active(scheduler).cancel("s-1") == 2
    assert scheduler.cancelled == [(1, CANCELLED), (2, CANCELLED)]
