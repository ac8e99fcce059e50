"""Progress of cells: jobs, stages and task counts, as Spark's status store tells them.

A job belongs to a cell by its job tag, never by guess.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from sparkk8s_nb.model.job import JobProgress, JobState, Totals, totals_of
from sparkk8s_nb.model.pace import Pace, format_rate
from sparkk8s_nb.model.quantities import format_duration, format_memory
from sparkk8s_nb.model.stage import StageProgress
from sparkk8s_nb.model.streams import Streams
from sparkk8s_nb.model.timeline import Timeline

__all__ = ["CellRef", "JobProgress", "JobState", "Progress", "StageProgress", "Totals", "plural"]

ETA_AFTER = 1.0
"""Seconds before which no end is foretold."""


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
    streams : Streams
        The session's streaming queries: beside the cell, never counted to it.
    missing : str
        One sentence when numbers may be short; empty when all is known.
    pace : Pace
        How fast tasks ended, seen over several readings.

    Examples
    --------
    >>> job = JobProgress(id=0, description="count", state=JobState.RUNNING, tags=("c-1",), stages=(),
    ...                   tasks=400, done=120, submitted=100.0)
    >>> Progress.of(CellRef(tag="c-1", count=1), [job], at=104.0).line(width=70)
    '[######..............] 120/400 tasks · 4 s, 9 s left · 30/s · 1 job'
    """

    cell: CellRef | None = None
    jobs: tuple[JobProgress, ...] = ()
    as_of: float = 0.0
    timeline: Timeline = field(default_factory=Timeline)
    streams: Streams = field(default_factory=Streams)
    missing: str = ""
    pace: Pace = field(default_factory=Pace)
    _totals: list[Totals] = field(default_factory=list, init=False, repr=False, compare=False)

    @classmethod
    def of(
        cls, cell: CellRef | None, jobs: Iterable[JobProgress], at: float, before: Progress | None = None
    ) -> Progress:
        """Return the progress of one cell: those of the jobs that carry its tag, ordered by id.

        Parameters
        ----------
        cell : CellRef or None
            None takes all jobs.
        jobs : iterable of JobProgress
            As :class:`~sparkk8s_nb.ports.SparkStatus` gives them.
        at : float
            Seconds since the epoch.
        before : Progress, optional
            The one of the reading before: with it the rate is the recent one, without the mean.
        """
        mine = (job for job in jobs if cell is None or cell.tag in job.tags)
        made = cls(cell=cell, jobs=tuple(sorted(mine, key=lambda job: job.id)), as_of=at)
        pace = before.pace if before is not None and before.cell == cell else Pace()
        return replace(made, pace=made._paced(pace, before))

    def _paced(self, pace: Pace, before: Progress | None) -> Pace:
        if self.state is not JobState.RUNNING and (before is None or before.state is not JobState.RUNNING):
            return pace
        since, done = self.started, sum(job.done for job in self.jobs)
        if before is not None and before.state is not JobState.RUNNING:
            since = min((job.submitted for job in self.jobs if job.state is JobState.RUNNING), default=since)
        return pace.seen(at=self.as_of, since=since, done=done, age=self.seconds)

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
        if not self._totals:
            self._totals.append(totals_of(self.jobs))
        return self._totals[0]

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
        return max(0.0, (self.ended or self.as_of) - self.started)

    @property
    def ended(self) -> float:
        """When the last job ended, seconds since the epoch; 0.0 while one runs."""
        if self.state is JobState.RUNNING or not all(job.ended for job in self.jobs):
            return 0.0
        return max((job.ended for job in self.jobs), default=0.0)

    @property
    def rate(self) -> float:
        """Tasks a second: lately while a job runs, else over all the time; 0.0 where unknown."""
        if self.state is JobState.RUNNING and self.pace.seconds:
            return self.pace.rate
        return self.totals.done / self.seconds if self.seconds else 0.0

    @property
    def eta(self) -> float | None:
        """Seconds until the known work is done if it goes on as lately; None where nobody can know."""
        left = self.totals.tasks - self.totals.done
        if self.state is not JobState.RUNNING or self.seconds < ETA_AFTER or left <= 0 or not self.rate:
            return None
        return left / self.rate

    @property
    def words(self) -> tuple[str, ...]:
        """What is notable about its stages, those that run or failed first, the newest first."""
        stages = {stage.id: stage for job in self.jobs for stage in job.stages if not stage.skipped}
        order = sorted(stages.values(), key=lambda stage: (stage.state not in _LIVELY, -stage.id))
        said = ((stage.id, stage.words(self.as_of)) for stage in order)
        return tuple(f"stage {number}: {'; '.join(words)}" for number, words in said if words)

    def line(self, width: int = 80) -> str:
        """Return the progress as one line of at most ``width`` characters; what fits least is left out."""
        totals = self.totals
        parts = [f"{totals.done}/{totals.tasks} tasks"]
        if totals.failed:
            parts.append(f"{totals.failed} failed")
        left = f", {format_duration(self.eta)} left" if self.eta is not None else ""
        parts.append(format_duration(self.seconds) + left)
        if self.rate:
            parts.append(format_rate(self.rate))
        parts.append(plural(totals.jobs, "job"))
        if totals.stages:
            parts.append(f"{totals.stages_done}/{totals.stages} stages")
        if self.streams.running:
            parts.append(plural(len(self.streams.running), "stream"))
        if not self.jobs and self.streams.running:
            return " · ".join(one.line for one in self.streams.running)[: max(0, width)]
        for bar in (_BAR, _NARROW_BAR, 0):
            text = f"{_bar(self.fraction, bar)} {' · '.join(parts)}" if bar else " · ".join(parts)
            if len(text) <= width:
                return text
        while len(parts) > 1 and len(" · ".join(parts)) > width:
            parts.pop()
        return " · ".join(parts)[: max(0, width)]

    def summary(self, executors: int | None = None) -> str:
        """Return what stays of a finished cell: ``3 jobs, 412 tasks, 6.2 s, 1.5 GiB shuffled, 2 executors``.

        Of a cell without jobs, which only waited beside streaming queries, those.
        """
        if not self.jobs and self.streams:
            return self.streams.summary
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
        if totals.metrics.shuffle_written:
            parts.append(f"{format_memory(totals.metrics.shuffle_written)} shuffled")
        if totals.metrics.disk_spilled:
            parts.append(f"{format_memory(totals.metrics.disk_spilled)} spilled")
        if executors is not None:
            parts.append(plural(executors, "executor"))
        return ", ".join(parts)


_LIVELY = frozenset({"ACTIVE", "FAILED"})


def plural(count: int, noun: str) -> str:
    """Return a count with its noun.

    >>> plural(1, "job"), plural(3, "job")
    ('1 job', '3 jobs')
    """
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _bar(fraction: float, width: int) -> str:
    filled = int(fraction * width)
    return "[" + "#" * filled + "." * (width - filled) + "]"
