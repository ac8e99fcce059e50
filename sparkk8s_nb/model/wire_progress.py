"""The part of a frame that tells of a cell: its jobs and stages, and the executors' time.

In jobs and stages a number that is 0 and a text that is empty are left out. ``queries`` has the statements of the
jobs that are shown, by their ``sql``; a stage's ``straggling`` the tasks that run and have for far longer than the
median: partition, when it began, executor, the oldest first. Readers count their seconds on their own.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sparkk8s_nb.model.progress import CellRef, JobProgress, JobState, Progress, StageProgress, Totals
from sparkk8s_nb.model.quantities import four_digits, rough
from sparkk8s_nb.model.timeline import Timeline

JOBS_SHOWN = 50
STAGES_SHOWN = 100
"""Over all jobs of a keyframe."""

FEW_JOBS = 10
LASTING = 1.0
"""In a cell of more jobs than these few, the stages of jobs of less than so many seconds are only counted:
hundreds of them would be most of the bytes, and gone before anybody has read them."""

SLOWEST_SHOWN = 3
SLOW_SECONDS = 1.0
"""A task that took less is none of the slowest that anybody looks for."""

CAUSES_SHOWN = 5
FAILURES_SHOWN = 200
"""Bins of the timeline in which tasks failed."""

_TEXT = 200
_STATEMENT = 1000


def progress_frame(progress: Progress, before: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return what a view shows of a cell, ready for JSON.

    Parameters
    ----------
    progress : Progress
    before : mapping, optional
        The one before: what is past in its timeline is not worked out again.
    """
    jobs: list[dict[str, Any]] = []
    room = STAGES_SHOWN
    few = len(progress.jobs) <= FEW_JOBS
    for job in _newest(progress.jobs):
        told = few or _matters(job, progress.as_of)
        jobs.append(_job(job, min(room, len(job.stages)) if told else 0, progress.as_of))
        room -= len(jobs[-1]["stages"])
    cell, eta, running = progress.cell, progress.eta, progress.state is JobState.RUNNING
    old = before["timeline"] if before else None
    # By id, so that a new job is a new last row and no order has to be sent.
    jobs.sort(key=lambda row: row["id"])
    return {
        "cell": _cell(cell) if cell is not None else None,
        "state": str(progress.state),
        "fraction": round(progress.fraction, 3),
        "started": round(progress.started, 3),
        "ended": round(progress.ended, 3),
        "rate": rough(progress.rate),
        "eta": None if eta is None else round(eta),
        "summary": "" if running else progress.summary(),
        "missing": progress.missing,
        "totals": _totals(progress.totals),
        "jobs": jobs,
        "hidden_jobs": len(progress.jobs) - len(jobs),
        "queries": _queries(progress.jobs, {row.get("sql") for row in jobs}),
        "timeline": _timeline(progress.timeline, progress.as_of if running else None, old),
    }


def _queries(jobs: Sequence[JobProgress], shown: Container[str | None]) -> list[dict[str, str]]:
    """The statements that the shown jobs belong to, each once; their ``sql`` is the statement's ``id``."""
    found = {job.sql: job.statement for job in jobs if job.statement and job.sql in shown}
    return [{"id": number, "text": text[:_STATEMENT]} for number, text in found.items()]


def _cell(cell: CellRef) -> dict[str, Any]:
    return {"tag": cell.tag, "execution_count": cell.count, "id": cell.cell_id}


def _totals(totals: Totals) -> dict[str, Any]:
    metrics = totals.metrics
    return {
        "jobs": totals.jobs,
        "jobs_running": totals.jobs_running,
        "jobs_failed": totals.jobs_failed,
        "stages": totals.stages,
        "stages_done": totals.stages_done,
        "stages_skipped": totals.stages_skipped,
        "tasks": totals.tasks,
        "running": totals.running,
        "done": totals.done,
        "failed": totals.failed,
        "skipped": totals.skipped,
        "shuffled": four_digits(metrics.shuffle_written),
        "spilled": four_digits(metrics.disk_spilled),
    }


def _newest(jobs: Sequence[JobProgress]) -> list[JobProgress]:
    """Running jobs first, then the newest."""
    order = sorted(jobs, key=lambda job: (job.state is not JobState.RUNNING, -job.id))
    return order[:JOBS_SHOWN]


def _matters(job: JobProgress, now: float) -> bool:
    """Whether somebody may want to see a job's stages though there are many jobs."""
    return job.failed > 0 or job.state is JobState.FAILED or (job.ended or now) - job.submitted >= LASTING


def _busiest(stages: Sequence[StageProgress], room: int) -> list[StageProgress]:
    """As many stages as there is room for, those that run first; in the order of their ids."""
    order = sorted(stages, key=lambda stage: (stage.running == 0, stage.skipped, -stage.id))
    return sorted(order[:room], key=lambda stage: (stage.id, stage.attempt))


class _Same:
    """A job as a key: itself, not one that is equal, which would cost more to find out than to do again."""

    __slots__ = ("job",)

    def __init__(self, job: JobProgress) -> None:
        self.job = job

    def __hash__(self) -> int:
        return id(self.job)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.job is self.job


@lru_cache(maxsize=2 * JOBS_SHOWN)
def _ended_job(same: _Same, room: int) -> dict[str, Any]:
    return _job_row(same.job, room, same.job.ended)


def _job(job: JobProgress, room: int, now: float) -> dict[str, Any]:
    """A job's row. One that has ended stays as it is: most of a long cell's rows, four times a second."""
    return _job_row(job, room, now) if job.state is JobState.RUNNING else _ended_job(_Same(job), room)


def _job_row(job: JobProgress, room: int, now: float) -> dict[str, Any]:
    stages = _busiest(job.stages, room)
    row = {
        "running": job.running,
        "done": job.done,
        "failed": job.failed,
        "skipped": job.skipped,
        "submitted": round(job.submitted, 3),
        "ended": round(job.ended, 3),
        "failure": job.failure[:_TEXT],
        "sql": job.sql,
        "hidden_stages": len(job.stages) - len(stages),
    }
    return {
        "id": job.id,
        "description": job.description[:_TEXT],
        "state": str(job.state),
        "tasks": job.tasks,
        **_filled(row),
        "stages": [_stage(stage, now) for stage in stages],
    }


def _stage(stage: StageProgress, now: float) -> dict[str, Any]:
    metrics = stage.metrics
    row = {
        "operators": stage.operators[:_TEXT],
        "running": stage.running,
        "done": stage.done,
        "failed": stage.failed,
        "killed": stage.killed,
        "speculative": stage.speculative,
        "skipped": stage.skipped,
        "submitted": round(stage.submitted, 3),
        "completed": round(stage.completed, 3),
        "failure": stage.failure[:_TEXT],
        "read": four_digits(metrics.bytes_read),
        "written": four_digits(metrics.bytes_written),
        "shuffle_read": four_digits(metrics.shuffle_read),
        "shuffle_written": four_digits(metrics.shuffle_written),
        "spilled": four_digits(metrics.disk_spilled),
        "gc": round(metrics.gc_share * 100),
        "median": rough(stage.median),
        "longest": rough(stage.longest),
        "skew": stage.skew_words,
        "slowest": [
            [task.partition, rough(task.seconds), task.executor]
            for task in stage.slowest[:SLOWEST_SHOWN]
            if task.seconds >= SLOW_SECONDS
        ],
        "straggling": [
            [task.partition, round(task.began, 3), task.executor] for task in stage.straggling(now)
        ],
        "causes": [[cause.reason[:_TEXT], cause.count] for cause in stage.causes[:CAUSES_SHOWN]],
    }
    return {
        "id": stage.id,
        "attempt": stage.attempt,
        "name": stage.name[:_TEXT],
        "state": stage.state,
        "tasks": stage.tasks,
        **_filled(row),
    }


def _filled(row: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if value}


def _timeline(timeline: Timeline, until: float | None, old: dict[str, Any] | None) -> dict[str, Any] | None:
    """The executors' time, column by column: what is past is sent once.

    A column holds, in the executors' order, how busy each was in that bin, in percent (200: two tasks all
    the time); zeros at its end are left out, so that an executor that joins later changes no earlier column.
    ``failures`` are the bins in which tasks failed: column, row, how many; the newest of them. ``slots`` is
    how many tasks each executor can run at once, 0 where unknown; left out where none is known.

    Parameters
    ----------
    timeline : Timeline
    until : float or None
        Now: the bin that is not over yet is left out. None takes all.
    old : dict or None
        The one before, which is still right until the next bin is over.
    """
    if not timeline.rows:
        return None
    length = max(len(bins) for bins in timeline.rows.values())
    if until is not None:
        length = min(length, max(0, int((until - timeline.start) / timeline.width)))
        seen = (round(timeline.start, 3), timeline.width, len(timeline.rows), length)
        if old is not None and seen == (
            old["start"], old["width"], len(old["executors"]), len(old["columns"])
        ):  # fmt: skip
            return old
    percent = 100 / timeline.width
    columns: list[list[int]] = [[] for _ in range(length)]
    failures: list[list[int]] = []
    for index, bins in enumerate(timeline.rows.values()):
        for number, (column, one) in enumerate(zip(columns, bins, strict=False)):
            if one.busy:
                column.extend([0] * (index - len(column)))
                column.append(round(one.busy * percent))
            if one.failed:
                failures.append([number, index, one.failed])
    shown = {
        "start": round(timeline.start, 3),
        "width": timeline.width,
        "executors": list(timeline.rows),
        "columns": columns,
        "failures": sorted(failures)[-FAILURES_SHOWN:],
    }
    if timeline.slots:
        shown["slots"] = [timeline.slots.get(name, 0) for name in timeline.rows]
    return shown
