"""All that Spark does, folded from the listener's readings: jobs, their stages, the executors' time.

Bounded: the newest jobs are kept one by one, with their stages; what they were for is in their cell's sums
(:mod:`sparkk8s_nb.model.cells`) when they go.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from sparkk8s_nb.model.drained import Drained, JobEnded, JobStarted
from sparkk8s_nb.model.progress import JobProgress, JobState, StageProgress

JOBS_KEPT = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """Jobs and stages as of now.

    Parameters
    ----------
    as_of : float
        By the driver's clock, seconds since the epoch.
    dropped, lost : int
        Events that are missing: numbers of running stages may be short, and views say so.

    Examples
    --------
    >>> reading = Drained(at=2.0, started=(JobStarted(id=0, at=1.0, tags=("c",)),))
    >>> Activity().apply(reading).jobs()[0].state
    <JobState.RUNNING: 'RUNNING'>
    """

    as_of: float = 0.0
    dropped: int = 0
    lost: int = 0
    _jobs: Mapping[int, _Job] = field(default_factory=dict, repr=False)
    _stages: Mapping[int, tuple[StageProgress, ...]] = field(default_factory=dict, repr=False)
    _finished: Mapping[int, JobProgress] = field(default_factory=dict, repr=False)

    def apply(self, reading: Drained) -> Activity:
        """The activity after a reading."""
        jobs, stages, finished = dict(self._jobs), dict(self._stages), dict(self._finished)
        for started in reading.started:
            jobs[started.id] = _Job(started=started)
        for seen in reading.stages:
            stages[seen.id] = _with_attempt(stages.get(seen.id, ()), seen)
        for ended in reading.ended:
            if ended.id in jobs:
                jobs[ended.id] = replace(jobs[ended.id], ended=ended)
                finished[ended.id] = _progress(jobs[ended.id], stages)
        # A killed task's end may come after its job's: the last numbers are the right ones.
        for job in _ended_with(jobs, {seen.id for seen in reading.stages}):
            finished[job.started.id] = _progress(job, stages)
        _forget(jobs, stages, finished)
        return Activity(
            as_of=reading.at,
            dropped=reading.dropped,
            lost=reading.lost,
            _jobs=jobs,
            _stages=stages,
            _finished=finished,
        )

    def jobs(self, tag: str | None = None) -> tuple[JobProgress, ...]:
        """Jobs by id, all or those with a tag.

        A streaming query inherits the tag of the cell that started it; its jobs are not that cell's.
        """
        mine = (job for job in self._jobs.values() if tag is None or job.belongs_to(tag))
        return tuple(self._finished.get(job.started.id) or _progress(job, self._stages) for job in mine)

    def job(self, number: int) -> JobProgress | None:
        """One job by its id; None if it is forgotten."""
        job = self._jobs.get(number)
        return None if job is None else self._finished.get(number) or _progress(job, self._stages)

    def streaming(self) -> Mapping[str, tuple[JobProgress, ...]]:
        """Jobs of streaming queries, by query id."""
        found: dict[str, tuple[JobProgress, ...]] = {}
        for job in self._jobs.values():
            if query := job.started.query:
                progress = self._finished.get(job.started.id) or _progress(job, self._stages)
                found[query] = (*found.get(query, ()), progress)
        return found

    @property
    def running(self) -> int:
        """How many jobs run, of whichever cell."""
        return sum(job.ended is None for job in self._jobs.values())

    def corrected(self, stages: Iterable[StageProgress]) -> Activity:
        """With counts of running stages from the status store, for when Spark's bus dropped events."""
        known = dict(self._stages)
        for true in stages:
            attempts = known.get(true.id, ())
            for index, seen in enumerate(attempts):
                if seen.attempt == true.attempt and true.done >= seen.done:
                    mended = replace(
                        seen, running=true.running, done=true.done, failed=true.failed, killed=true.killed
                    )
                    known[true.id] = (*attempts[:index], mended, *attempts[index + 1 :])
        return replace(self, _stages=known)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    started: JobStarted
    ended: JobEnded | None = None

    def belongs_to(self, tag: str) -> bool:
        return tag in self.started.tags and not self.started.query


def _with_attempt(attempts: tuple[StageProgress, ...], seen: StageProgress) -> tuple[StageProgress, ...]:
    """Replace or add one attempt; the listener says a name only once."""
    rest = [stage for stage in attempts if stage.attempt != seen.attempt]
    before = next((stage for stage in attempts if stage.attempt == seen.attempt), None)
    if before is not None and not seen.name:
        seen = replace(seen, name=before.name)
    return tuple(sorted((*rest, seen), key=lambda stage: stage.attempt))


def _progress(job: _Job, stages: Mapping[int, tuple[StageProgress, ...]]) -> JobProgress:
    started, ended = job.started, job.ended
    shown = [
        _stage(plan.id, plan.tasks, plan.name, stages.get(plan.id, ()), ended=ended)
        for plan in started.stages
    ]
    ran = [stage for stage in shown if not stage.skipped]
    state = JobState.RUNNING
    if ended is not None:
        state = JobState.SUCCEEDED if ended.succeeded else JobState.FAILED
    return JobProgress(
        id=started.id,
        description=started.description or (started.stages[-1].name if started.stages else ""),
        state=state,
        tags=started.tags,
        stages=tuple(shown),
        tasks=sum(stage.tasks for stage in shown),
        running=sum(stage.running for stage in ran) if ended is None else 0,
        done=sum(stage.done for stage in ran),
        failed=sum(stage.failed for stage in ran),
        skipped=sum(stage.tasks for stage in shown if stage.skipped),
        submitted=started.at,
        ended=ended.at if ended else 0.0,
        failure=ended.reason if ended else "",
        sql=started.sql,
    )


def _stage(
    number: int, tasks: int, name: str, attempts: tuple[StageProgress, ...], *, ended: JobEnded | None
) -> StageProgress:
    """One stage of a job, its attempts summed up: a retry repeats only what was lost."""
    if not attempts:
        skipped = ended is not None and ended.succeeded
        state = "SKIPPED" if skipped else "PENDING"
        return StageProgress(id=number, attempt=0, name=name, state=state, tasks=tasks, skipped=skipped)
    newest = attempts[-1]
    if len(attempts) == 1:
        return newest
    metrics = attempts[0].metrics
    for attempt in attempts[1:]:
        metrics += attempt.metrics
    return replace(
        newest,
        tasks=tasks,
        done=min(tasks, sum(attempt.done for attempt in attempts)),
        failed=sum(attempt.failed for attempt in attempts),
        killed=sum(attempt.killed for attempt in attempts),
        submitted=attempts[0].submitted,
        metrics=metrics,
    )


def _ended_with(jobs: Mapping[int, _Job], changed: set[int]) -> list[_Job]:
    return [
        job
        for job in jobs.values()
        if job.ended is not None and changed and any(plan.id in changed for plan in job.started.stages)
    ]


def _forget(
    jobs: dict[int, _Job], stages: dict[int, tuple[StageProgress, ...]], finished: dict[int, JobProgress]
) -> None:
    """Let the oldest ended jobs go, and stages that no kept job has."""
    surplus = len(jobs) - JOBS_KEPT
    if surplus <= 0:
        return
    for number in [number for number, job in jobs.items() if job.ended is not None][:surplus]:
        del jobs[number]
        finished.pop(number, None)
    needed = {plan.id for job in jobs.values() for plan in job.started.stages}
    for number in [number for number in stages if number not in needed]:
        del stages[number]
