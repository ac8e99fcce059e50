"""All that Spark does, folded from the listener's readings: jobs, their stages, streaming queries.

Where Spark's listener bus drops events, and where there is no listener, the status store's readings are
folded in as well. Bounded: the newest jobs are kept one by one, with their stages; what they were for is in
their cell's sums (:mod:`sparkk8s_nb.model.cells`) when they go.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from sparkk8s_nb.model.drained import Drained, SqlStarted
from sparkk8s_nb.model.jobfold import KnownJob, corrected, known_from, with_attempt
from sparkk8s_nb.model.progress import JobProgress, JobState, StageProgress
from sparkk8s_nb.model.streams import Stream, Streams

JOBS_KEPT = 1000
EXECUTIONS_KEPT = 200
"""SQL executions whose jobs may still begin."""

STREAM_JOBS_KEPT = 20
"""Ended jobs of one streaming query: it makes them for ever."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """Jobs and stages as of now.

    Parameters
    ----------
    as_of : float
        By the driver's clock, seconds since the epoch.
    dropped, lost : int
        Events that are missing, by the listener's bounds and by Spark's bus: numbers of running stages may be
        short, and views say so.
    mended : int
        Jobs whose beginning or end the bus lost and the status store told.
    streams : Streams
        The streaming queries, each with the jobs of its running batch.

    Examples
    --------
    >>> from sparkk8s_nb.model.drained import JobStarted
    >>> reading = Drained(at=2.0, started=(JobStarted(id=0, at=1.0, tags=("c",)),))
    >>> Activity().apply(reading).jobs()[0].state
    <JobState.RUNNING: 'RUNNING'>
    """

    as_of: float = 0.0
    dropped: int = 0
    lost: int = 0
    mended: int = 0
    streams: Streams = field(default_factory=Streams)
    _jobs: Mapping[int, KnownJob] = field(default_factory=dict, repr=False)
    _stages: Mapping[int, tuple[StageProgress, ...]] = field(default_factory=dict, repr=False)
    _finished: Mapping[int, JobProgress] = field(default_factory=dict, repr=False)
    _forgotten: int = field(default=-1, repr=False)
    _executions: Mapping[str, SqlStarted] = field(default_factory=dict, repr=False)

    def apply(self, reading: Drained) -> Activity:
        """The activity after a reading of the listener."""
        jobs, stages, finished = dict(self._jobs), dict(self._stages), dict(self._finished)
        executions = _newest({**self._executions, **{one.id: one for one in reading.executions}})
        for started in reading.started:
            before = jobs.get(started.id)
            told = started.part_of(executions.get(started.sql))
            jobs[started.id] = KnownJob(started=told, ended=before.ended if before else None)
        for seen in reading.stages:
            if reading.lost:
                # A task whose end was dropped would run for ever.
                seen = replace(seen, oldest=())
            stages[seen.id] = with_attempt(stages.get(seen.id, ()), seen)
        for ended in reading.ended:
            if ended.id in jobs:
                jobs[ended.id] = replace(jobs[ended.id], ended=ended)
                finished[ended.id] = jobs[ended.id].progress(stages)
        # A killed task's end may come after its job's: the last numbers are the right ones.
        for job in _ended_with(jobs, {seen.id for seen in reading.stages}):
            finished[job.started.id] = job.progress(stages)
        made = replace(
            self, as_of=reading.at, dropped=reading.dropped, lost=reading.lost, _executions=executions
        )
        return made._with(jobs, stages, finished, self.streams.seen(reading.streams))

    def with_status(
        self, said: Iterable[JobProgress], streams: Iterable[Stream] | None = None, *, at: float = 0.0
    ) -> Activity:
        """The activity with what the status store says beside.

        A job that only the store knows is taken as the store has it; one that the store calls ended has
        ended. Its counts of stages replace smaller ones, never larger. Where the listener's event comes after
        all, it counts.

        Parameters
        ----------
        said : iterable of JobProgress
            A job with the state UNKNOWN is one that the store has forgotten, or whose beginning it has not
            heard of: it does not run, unless the listener knows of a stage of it that does.
        streams : iterable of Stream, optional
            Those that Spark calls active, and those of before that have ended since; None if nobody looked.
        at : float
            Now, seconds since the epoch.
        """
        jobs, stages, finished = dict(self._jobs), dict(self._stages), dict(self._finished)
        mended = 0
        changed: set[int] = set()
        for job in said:
            known = jobs.get(job.id)
            if known is None and not self._is_news(job):
                continue
            if known is not None and job.state is JobState.UNKNOWN and _at_work(known, stages):
                continue
            if known is not None and known.stored is None:
                changed |= _correct(stages, job.stages)
            new = known_from(job, at) if known is None else known.told(job, at)
            if known is None or (known.stored is None and new is not known):
                mended += 1
            jobs[job.id] = new
            if new.ended is not None:
                finished[job.id] = new.progress(stages)
        for ended in _ended_with(jobs, changed):
            finished[ended.started.id] = ended.progress(stages)
        made = replace(self, as_of=max(self.as_of, at), mended=self.mended + mended)
        seen = self.streams if streams is None else self.streams.told(streams, at=at)
        return made._with(jobs, stages, finished, seen)

    def _is_news(self, job: JobProgress) -> bool:
        """Whether a job that is not known may be taken from the status store; a forgotten one counts once."""
        if job.query and job.state is not JobState.RUNNING:
            return False
        return job.state is not JobState.UNKNOWN and job.id > self._forgotten

    def _with(
        self,
        jobs: dict[int, KnownJob],
        stages: dict[int, tuple[StageProgress, ...]],
        finished: dict[int, JobProgress],
        streams: Streams,
    ) -> Activity:
        forgotten = max(self._forgotten, _forget(jobs, stages, finished))
        made = replace(self, _jobs=jobs, _stages=stages, _finished=finished, _forgotten=forgotten)
        return replace(made, streams=streams.with_jobs(made.streaming())) if streams else made

    def jobs(self, tag: str | None = None) -> tuple[JobProgress, ...]:
        """Jobs by id, all or those with a tag.

        A streaming query inherits the tag of the cell that started it; its jobs are not that cell's.
        """
        mine = (job for job in self._jobs.values() if tag is None or job.belongs_to(tag))
        return tuple(self._shown(job) for job in mine)

    def job(self, number: int) -> JobProgress | None:
        """One job by its id; None if it is forgotten."""
        job = self._jobs.get(number)
        return None if job is None else self._shown(job)

    def streaming(self) -> Mapping[str, tuple[JobProgress, ...]]:
        """Jobs of streaming queries, by query id."""
        found: dict[str, tuple[JobProgress, ...]] = {}
        for job in self._jobs.values():
            if query := job.started.query:
                found[query] = (*found.get(query, ()), self._shown(job))
        return found

    def _shown(self, job: KnownJob) -> JobProgress:
        return self._finished.get(job.started.id) or job.progress(self._stages)

    @property
    def running(self) -> tuple[int, ...]:
        """Ids of the jobs that run, of whichever cell or streaming query."""
        return tuple(number for number, job in self._jobs.items() if job.ended is None)

    @property
    def busy(self) -> bool:
        """Whether a job runs that is no streaming query's."""
        return any(job.ended is None and not job.started.query for job in self._jobs.values())

    def ended_since(self, before: Activity) -> tuple[JobProgress, ...]:
        """The jobs that have ended and had not in ``before``."""
        return tuple(
            self._shown(job)
            for number, job in self._jobs.items()
            if job.ended is not None and not before._has_ended(number)
        )

    def _has_ended(self, number: int) -> bool:
        job = self._jobs.get(number)
        return job is not None and job.ended is not None


def _newest(executions: dict[str, SqlStarted]) -> dict[str, SqlStarted]:
    while len(executions) > EXECUTIONS_KEPT:
        del executions[next(iter(executions))]
    return executions


def _correct(stages: dict[int, tuple[StageProgress, ...]], said: Iterable[StageProgress]) -> set[int]:
    """Take the store's counts; returns which stages changed."""
    changed = set()
    for stage in said:
        before = stages.get(stage.id, ())
        after = corrected(before, stage)
        if after != before:
            stages[stage.id] = after
            changed.add(stage.id)
    return changed


def _at_work(job: KnownJob, stages: Mapping[int, tuple[StageProgress, ...]]) -> bool:
    """Whether a stage of it runs, by the listener."""
    newest = (stages[plan.id][-1] for plan in job.started.stages if stages.get(plan.id))
    return any(stage.state == "ACTIVE" for stage in newest)


def _ended_with(jobs: Mapping[int, KnownJob], changed: set[int]) -> list[KnownJob]:
    return [
        job
        for job in jobs.values()
        if job.ended is not None and changed and any(plan.id in changed for plan in job.started.stages)
    ]


def _forget(
    jobs: dict[int, KnownJob], stages: dict[int, tuple[StageProgress, ...]], finished: dict[int, JobProgress]
) -> int:
    """Let the oldest ended jobs go, and stages that no kept job has.

    Returns the newest that went and is no streaming query's; -1 if none did.
    """
    by_query: dict[str, list[int]] = {}
    for number, job in jobs.items():
        if job.ended is not None:
            by_query.setdefault(job.started.query, []).append(number)
    own = by_query.pop("", [])
    surplus = max(0, sum(not job.started.query for job in jobs.values()) - JOBS_KEPT)
    gone = own[:surplus]
    for numbers in by_query.values():
        gone += numbers[: max(0, len(numbers) - STREAM_JOBS_KEPT)]
    if not gone:
        return -1
    for number in gone:
        del jobs[number]
        finished.pop(number, None)
    needed = {plan.id for job in jobs.values() for plan in job.started.stages}
    for number in [number for number in stages if number not in needed]:
        del stages[number]
    return max(own[:surplus], default=-1)
