"""Progress of cells: jobs, stages and task counts, as Spark's status store tells them.

A job belongs to a cell by its job tag, never by guess.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from sparkk8s_nb.model.quantities import format_duration
from sparkk8s_nb.model.task_metrics import FailureCause, SlowTask, TaskMetrics
from sparkk8s_nb.model.timeline import Timeline


class JobState(StrEnum):
    """A job's state, in Spark's words."""

    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True, kw_only=True)
class CellRef:
    """One execution of one cell.

    Parameters
    ----------
    tag : str
        The job tag that its jobs carry.
    count : int
        IPython's execution count.
    cell_id : str
        The front end's id of the cell; empty in a terminal.
    """

    tag: str
    count: int
    cell_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StageProgress:
    """One attempt of one stage, or all its attempts summed up.

    Parameters
    ----------
    id, attempt : int
    name : str
    state : str
        ``PENDING``, ``ACTIVE``, ``COMPLETE``, ``FAILED`` or ``SKIPPED``.
    tasks, running, done, failed, killed, speculative : int
    skipped : bool
        Whether it need not run: its shuffle files are there already.
    submitted, completed : float
        Seconds since the epoch; 0.0 while it has not.
    failure : str
        Why it failed, one line.
    metrics : TaskMetrics
        Sums over its ended tasks.
    median, longest : float
        Seconds of its successful tasks; the median within 13 %.
    slowest : tuple of SlowTask
        The slowest first.
    causes : tuple of FailureCause
    """

    id: int
    attempt: int
    name: str
    state: str
    tasks: int
    running: int = 0
    done: int = 0
    failed: int = 0
    killed: int = 0
    skipped: bool = False
    speculative: int = 0
    submitted: float = 0.0
    completed: float = 0.0
    failure: str = ""
    metrics: TaskMetrics = field(default_factory=TaskMetrics)
    median: float = 0.0
    longest: float = 0.0
    slowest: tuple[SlowTask, ...] = ()
    causes: tuple[FailureCause, ...] = ()

    @property
    def skew(self) -> float:
        """How many times the median its slowest task took; 0.0 where there is nothing to compare."""
        return self.longest / self.median if self.median and self.done > 1 else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class JobProgress:
    """One job with its stages. Times are seconds since the epoch, 0.0 where unknown."""

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

    @property
    def metrics(self) -> TaskMetrics:
        """Sums over its stages."""
        return sum((stage.metrics for stage in self.stages), TaskMetrics())


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


_BAR = 20
_NARROW_BAR = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """All jobs of one cell (or of the whole session, when ``cell`` is None).

    Parameters
    ----------
    cell : CellRef or None
    jobs : tuple of JobProgress
        By id.
    as_of : float
        Seconds since the epoch.
    timeline : Timeline
        When the executors worked.
    missing : str
        One sentence when numbers may be short; empty when all is known.

    Examples
    --------
    >>> job = JobProgress(id=0, description="count", state=JobState.RUNNING, tags=("c-1",), stages=(),
    ...                   tasks=400, done=120, submitted=100.0)
    >>> Progress.of(CellRef(tag="c-1", count=1), [job], at=104.0).line(width=60)
    '[######..............] 120/400 tasks · 1 job · 4 s'
    """

    cell: CellRef | None = None
    jobs: tuple[JobProgress, ...] = ()
    as_of: float = 0.0
    timeline: Timeline = field(default_factory=Timeline)
    missing: str = ""

    @classmethod
    def of(cls, cell: CellRef | None, jobs: Iterable[JobProgress], at: float) -> Progress:
        """Return the progress of one cell: those of the jobs that carry its tag, ordered by id.

        Parameters
        ----------
        cell : CellRef or None
            None takes all jobs.
        jobs : iterable of JobProgress
            As :class:`~sparkk8s_nb.ports.SparkStatus` gives them.
        at : float
            Seconds since the epoch.
        """
        mine = (job for job in jobs if cell is None or cell.tag in job.tags)
        return cls(cell=cell, jobs=tuple(sorted(mine, key=lambda job: job.id)), as_of=at)

    @property
    def state(self) -> JobState:
        """RUNNING while a job runs, else FAILED if one failed, else SUCCEEDED; UNKNOWN without a job."""
        states = {job.state for job in self.jobs}
        for state in (JobState.RUNNING, JobState.FAILED, JobState.SUCCEEDED):
            if state in states:
                return state
        return JobState.UNKNOWN

    @property
    def totals(self) -> Totals:
        """Sums over all jobs; a stage that several jobs share counts once."""
        stages: dict[int, StageProgress] = {}
        for job in self.jobs:
            for stage in job.stages:
                known = stages.get(stage.id)
                if known is None or known.skipped or stage.attempt > known.attempt:
                    stages[stage.id] = stage
        ran = [stage for stage in stages.values() if not stage.skipped]
        return Totals(
            jobs=len(self.jobs),
            jobs_running=sum(job.state is JobState.RUNNING for job in self.jobs),
            jobs_failed=sum(job.state is JobState.FAILED for job in self.jobs),
            stages=len(ran),
            stages_done=sum(stage.state == "COMPLETE" for stage in ran),
            stages_skipped=len(stages) - len(ran),
            tasks=sum(max(job.tasks - job.skipped, job.done) for job in self.jobs),
            running=sum(job.running for job in self.jobs),
            done=sum(job.done for job in self.jobs),
            failed=sum(job.failed for job in self.jobs),
            skipped=sum(job.skipped for job in self.jobs),
        )

    @property
    def fraction(self) -> float:
        """How much of the known work is done, 0 to 1; 1 once every job succeeded."""
        if self.state is JobState.SUCCEEDED:
            return 1.0
        totals = self.totals
        return min(1.0, totals.done / totals.tasks) if totals.tasks else 0.0

    @property
    def started(self) -> float:
        """When the first job was submitted, seconds since the epoch; 0.0 without one."""
        return min((job.submitted for job in self.jobs if job.submitted), default=0.0)

    @property
    def seconds(self) -> float:
        """From the first job's submission to the last one's end, or to now while one runs."""
        if not self.started:
            return 0.0
        if self.state is JobState.RUNNING or not all(job.ended for job in self.jobs):
            return max(0.0, self.as_of - self.started)
        return max(0.0, max(job.ended for job in self.jobs) - self.started)

    def line(self, width: int = 80) -> str:
        """Return the progress as one line of at most ``width`` characters; what fits least is left out."""
        totals = self.totals
        parts = [f"{totals.done}/{totals.tasks} tasks"]
        if totals.failed:
            parts.append(f"{totals.failed} failed")
        parts.append(plural(totals.jobs, "job"))
        if totals.stages:
            parts.append(f"{totals.stages_done}/{totals.stages} stages")
        parts.append(format_duration(self.seconds))
        for bar in (_BAR, _NARROW_BAR, 0):
            text = f"{_bar(self.fraction, bar)} {' · '.join(parts)}" if bar else " · ".join(parts)
            if len(text) <= width:
                return text
        while len(parts) > 1 and len(" · ".join(parts)) > width:
            parts.pop()
        return " · ".join(parts)[: max(0, width)]

    def summary(self, executors: int | None = None) -> str:
        """Return what stays of a finished cell: ``3 jobs, 412 tasks, 6.2 s, 2 executors``."""
        totals = self.totals
        failed_jobs = f" ({totals.jobs_failed} failed)" if totals.jobs_failed else ""
        failed_tasks = f" ({totals.failed} failed)" if totals.failed else ""
        seconds = self.seconds
        parts = [
            plural(totals.jobs, "job") + failed_jobs,
            plural(totals.done + totals.failed if totals.jobs_failed else totals.tasks, "task")
            + failed_tasks,
            f"{seconds:.1f} s" if seconds < 60 else format_duration(seconds),
        ]
        if executors is not None:
            parts.append(plural(executors, "executor"))
        return ", ".join(parts)


def plural(count: int, noun: str) -> str:
    """Return a count with its noun.

    >>> plural(1, "job"), plural(3, "job")
    ('1 job', '3 jobs')
    """
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _bar(fraction: float, width: int) -> str:
    filled = int(fraction * width)
    return "[" + "#" * filled + "." * (width - filled) + "]"
