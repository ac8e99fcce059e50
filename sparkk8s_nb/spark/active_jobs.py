"""The jobs that run, by the scheduler's own set: listeners and the status store hear of a job later."""

from __future__ import annotations

import time
from typing import Any

CANCELLED = "cancelled from the notebook"

NOBODYS_TAG = "sparkk8s-no-job-has-this-tag"

SCHEDULER_SECONDS = 1.0
"""How long the scheduler may take for what was asked of it before; what it has not begun by then is not cancelled."""

LOOK_AGAIN = 0.005

COPIES = 5
"""So often a set that changes while it is copied is copied again."""


class ActiveJobs:
    """The active jobs of one SparkContext, by their tags. Any thread may ask.

    Parameters
    ----------
    context : SparkContext
    """

    def __init__(self, context: Any) -> None:
        self._context = context._jsc.sc()

    def cancel(self, tag: str, spared: str = "") -> int:
        """Cancel the jobs with one tag and without the other, but not those of streaming queries.

        Every job that was submitted before this call is among them: Spark's own cancelling by tag would be as
        exact, but a streaming query inherits the tag of the cell that started it.

        Returns
        -------
        int
            How many.
        """
        self._let_scheduler_catch_up()
        jobs = self._with_tag(tag, spared)
        for job in jobs:
            self._context.cancelJob(job, CANCELLED)
        return len(jobs)

    @property
    def count(self) -> int:
        """How many jobs are active, of whichever cell or streaming query."""
        return int(self._context.dagScheduler().activeJobs().size())

    def _let_scheduler_catch_up(self) -> None:
        """Wait until the scheduler has taken what was submitted before: it does one thing after another."""
        caught_up = self._context.cancelJobsWithTagWithFuture(NOBODYS_TAG, CANCELLED)
        deadline = time.monotonic() + SCHEDULER_SECONDS
        while not caught_up.isCompleted() and time.monotonic() < deadline:
            time.sleep(LOOK_AGAIN)

    def _with_tag(self, tag: str, spared: str) -> list[int]:
        jobs = self._copied()
        found = []
        for index in range(jobs.size()):
            job = jobs.apply(index)
            properties = job.properties()
            tags = (properties.getProperty("spark.job.tags") or "").split(",") if properties else ()
            if tag in tags and spared not in tags and not properties.getProperty("sql.streaming.queryId"):
                found.append(int(job.jobId()))
        return found

    def _copied(self) -> Any:
        """The active jobs. The scheduler goes on meanwhile: a copy of its set that grows just then may lack some."""
        active = self._context.dagScheduler().activeJobs()
        for _ in range(COPIES):
            before = active.size()
            jobs = active.toList()
            if before == jobs.size() == active.size():
                break
        return jobs
