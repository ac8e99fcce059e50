"""One job as it is known: what was planned, what its stages did, how it ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sparkk8s_nb.model.drained import JobEnded, JobStarted
from sparkk8s_nb.model.job import JobProgress, JobState
from sparkk8s_nb.model.stage import StageProgress

Stages = Mapping[int, tuple[StageProgress, ...]]
"""The attempts of each stage, the oldest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownJob:
    """What is known of a job.

    Parameters
    ----------
    started : JobStarted
    ended : JobEnded or None
        None while it runs.
    stored : JobProgress or None
        What the status store says of a job whose beginning the listener has not heard of.
    """

    started: JobStarted
    ended: JobEnded | None = None
    stored: JobProgress | None = None

    def belongs_to(self, tag: str) -> bool:
        """Whether it is that cell's: a streaming query inherits the tag of the cell that started it."""
        return tag in self.started.tags and not self.started.query

    def told(self, job: JobProgress, at: float) -> KnownJob:
        """With what the status store says of it; UNKNOWN is a job that the store has forgotten."""
        if self.stored is not None and job.state is not JobState.UNKNOWN:
            return known_from(job, at)
        ended = end_of(job, at)
        return self if self.ended is not None or ended is None else replace(self, ended=ended)

    def progress(self, stages: Stages) -> JobProgress:
        """The job with its stages."""
        if self.stored is not None and self.ended is not None:
            return replace(self.stored, state=_state(self.ended), ended=self.ended.at)
        if self.stored is not None:
            return self.stored
        return _progress(self.started, self.ended, stages)


def known_from(job: JobProgress, at: float) -> KnownJob:
    """A job that only the status store has told of."""
    started = JobStarted(
        id=job.id,
        at=job.submitted,
        description=job.description,
        tags=job.tags,
        query=job.query,
        batch=job.batch,
    )
    return KnownJob(started=started, ended=end_of(job, at), stored=job)


def end_of(job: JobProgress, at: float) -> JobEnded | None:
    """The end of a job as the status store tells it, at the latest now; None while it runs."""
    if job.state is JobState.RUNNING:
        return None
    return JobEnded(
        id=job.id,
        at=job.ended or at,
        succeeded=job.state is JobState.SUCCEEDED,
        known=job.state is not JobState.UNKNOWN,
    )


def with_attempt(attempts: tuple[StageProgress, ...], seen: StageProgress) -> tuple[StageProgress, ...]:
    """Replace or add one attempt; the listener says a name only once."""
    rest = [stage for stage in attempts if stage.attempt != seen.attempt]
    before = next((stage for stage in attempts if stage.attempt == seen.attempt), None)
    if before is not None and not seen.name:
        seen = replace(seen, name=before.name, operators=seen.operators or before.operators)
    return tuple(sorted((*rest, seen), key=lambda stage: stage.attempt))


def corrected(attempts: tuple[StageProgress, ...], true: StageProgress) -> tuple[StageProgress, ...]:
    """With the status store's counts and sums of an attempt, where they are not behind the listener's."""
    if true.skipped or true.state == "PENDING":
        return attempts
    seen = next((stage for stage in attempts if stage.attempt == true.attempt), None)
    if seen is None:
        return with_attempt(attempts, true)
    if true.done + true.failed < seen.done + seen.failed:
        return attempts
    return with_attempt(
        attempts,
        replace(
            seen,
            state=true.state,
            running=true.running,
            done=true.done,
            failed=true.failed,
            killed=true.killed,
            submitted=seen.submitted or true.submitted,
            completed=seen.completed or true.completed,
            metrics=true.metrics,
        ),
    )


def _state(ended: JobEnded) -> JobState:
    if not ended.known:
        return JobState.UNKNOWN
    return JobState.SUCCEEDED if ended.succeeded else JobState.FAILED


def _progress(started: JobStarted, ended: JobEnded | None, stages: Stages) -> JobProgress:
    shown = [
        _stage(plan.id, plan.tasks, plan.name, stages.get(plan.id, ()), ended=ended)
        for plan in started.stages
    ]
    ran = [stage for stage in shown if not stage.skipped]
    return JobProgress(
        id=started.id,
        description=started.description or (started.stages[-1].name if started.stages else ""),
        state=_state(ended) if ended is not None else JobState.RUNNING,
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
        statement=started.statement,
        query=started.query,
        batch=started.batch,
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
