"""One job with its stages, and the sums over several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from sparkk8s_nb.model.stage import StageProgress
from sparkk8s_nb.model.task_metrics import TaskMetrics


class JobState(StrEnum):
    """A job's state, in Spark's words."""

    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobProgress:
    """One job with its stages. Times are seconds since the epoch, 0.0 where unknown.

    ``sql`` is the number of the SQL execution that it is part of; ``statement`` is the text of the SQL statement
    that this is of or builds upon, empty for DataFrames alone. It may hold literals of any kind: it is for live
    views, never for what is saved. ``query`` and ``batch`` are the streaming query that the job belongs to and
    the number of its batch.
    """

    id: int
    description: str
    state: JobState
    tags: tuple[str, ...]
    stages: tuple[StageProgress, ...]
    tasks: int
    running: int = 0
    done: int = 0
    failed: int = 0
    skipped: int = 0
    submitted: float = 0.0
    ended: float = 0.0
    failure: str = ""
    sql: str = ""
    statement: str = ""
    query: str = ""
    batch: int = -1

    @property
    def metrics(self) -> TaskMetrics:
        """Sums over its stages."""
        return TaskMetrics.total(stage.metrics for stage in self.stages)


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Sums over the jobs of a cell.

    Parameters
    ----------
    jobs, jobs_running, jobs_failed : int
    stages, stages_done : int
        Stages that ran or will; a skipped stage (its shuffle files are there already) is not among them.
    stages_skipped : int
    tasks : int
        Tasks that ran or will: those of skipped stages are not among them.
    running, done, failed, skipped : int
        Tasks.
    metrics : TaskMetrics
    """

    jobs: int = 0
    jobs_running: int = 0
    jobs_failed: int = 0
    stages: int = 0
    stages_done: int = 0
    stages_skipped: int = 0
    tasks: int = 0
    running: int = 0
    done: int = 0
    failed: int = 0
    skipped: int = 0
    metrics: TaskMetrics = field(default_factory=TaskMetrics)


def totals_of(jobs: Sequence[JobProgress]) -> Totals:
    """Return the sums over jobs; a stage that several jobs share counts once, by its newest attempt."""
    stages: dict[int, StageProgress] = {}
    for job in jobs:
        for stage in job.stages:
            known = stages.get(stage.id)
            if known is None or known.skipped or stage.attempt > known.attempt:
                stages[stage.id] = stage
    ran = [stage for stage in stages.values() if not stage.skipped]
    return Totals(
        jobs=len(jobs),
        jobs_running=sum(job.state is JobState.RUNNING for job in jobs),
        jobs_failed=sum(job.state is JobState.FAILED for job in jobs),
        stages=len(ran),
        stages_done=sum(stage.state == "COMPLETE" for stage in ran),
        stages_skipped=len(stages) - len(ran),
        tasks=sum(max(job.tasks - job.skipped, job.done) for job in jobs),
        running=sum(job.running for job in jobs),
        done=sum(job.done for job in jobs),
        failed=sum(job.failed for job in jobs),
        skipped=sum(job.skipped for job in jobs),
        metrics=TaskMetrics.total(stage.metrics for stage in ran),
    )
