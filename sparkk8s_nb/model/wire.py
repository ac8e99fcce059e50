"""What a front end gets: one JSON object that says everything a view shows, of bounded size.

``schema`` is 1. A reader that meets a newer one shows its last good state and says so. Times are seconds
since the epoch by the kernel's clock; ``at`` is now by that clock, so that a reader can tell ages although
its own clock differs. The golden files in ``tests/wire`` are read by pytest and by the front end's tests.

From one frame to the next only the difference is sent (:mod:`sparkk8s_nb.model.wire_delta`), so nothing
here changes by itself: readers count seconds on their own. In jobs and stages a number that is 0 and a text
that is empty are left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sparkk8s_nb.model.fleet import ExecutorView, Fleet, Phase
from sparkk8s_nb.model.progress import JobProgress, JobState, Progress, StageProgress, Totals
from sparkk8s_nb.model.timeline import Timeline

SCHEMA = 1

EXECUTORS_SHOWN = 200
JOBS_SHOWN = 50
STAGES_SHOWN = 100
"""Over all jobs of a keyframe."""

SLOWEST_SHOWN = 3
CAUSES_SHOWN = 5

_TEXT = 200
_CALM = frozenset({Phase.RUNNING})


def keyframe(
    session_info: Mapping[str, Any],
    fleet: Fleet | None,
    progress: Progress | None,
    seq: int,
    *,
    at: float = 0.0,
    before: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return everything that a view shows, ready for JSON.

    Parameters
    ----------
    session_info : mapping
        What is known of the session; JSON values.
    fleet : Fleet or None
        None for a view that shows no executors.
    progress : Progress or None
        None for a view that shows no jobs.
    seq : int
        Counts up by one with every frame of one view.
    at : float
        Now, seconds since the epoch; 0.0 takes the newest ``as_of``.
    before : mapping, optional
        The frame before: what is past in its timeline is not worked out again.

    Examples
    --------
    >>> frame = keyframe({}, Fleet(wanted=2), None, 1)
    >>> frame["schema"], frame["fleet"]["counts"]["asked"], frame["progress"]
    (1, 2, None)
    """
    newest = max(fleet.as_of if fleet else 0.0, progress.as_of if progress else 0.0)
    return {
        "schema": SCHEMA,
        "kind": "keyframe",
        "seq": seq,
        "at": at or newest,
        "session": dict(session_info),
        "fleet": _fleet(fleet) if fleet is not None else None,
        "progress": _progress(progress, before or {}) if progress is not None else None,
    }


def _fleet(fleet: Fleet) -> dict[str, Any]:
    views = fleet.executors
    shown = _shown(views)
    hidden: dict[str, int] = {}
    if len(shown) < len(views):
        ids = {view.id for view in shown}
        for view in views:
            if view.id not in ids:
                hidden[view.phase] = hidden.get(view.phase, 0) + 1
    return {
        "wanted": fleet.wanted,
        "summary": fleet.summary(),
        "verdict": fleet.verdict,
        "stale": fleet.stale,
        "counts": {str(phase): count for phase, count in fleet.counts.items()},
        "tasks": {
            "running": sum(view.tasks.running for view in views),
            "done": sum(view.tasks.done for view in views),
            "failed": sum(view.tasks.failed for view in views),
        },
        "executors": [_executor(view) for view in shown],
        "hidden": hidden,
    }


def _shown(views: Sequence[ExecutorView]) -> Sequence[ExecutorView]:
    """Those with news first (at most half of the rows), then running ones; in the fleet's order."""
    if len(views) <= EXECUTORS_SHOWN:
        return views
    news = [view for view in views if view.phase not in _CALM]
    calm = [view for view in views if view.phase in _CALM]
    take_calm = min(len(calm), max(EXECUTORS_SHOWN // 2, EXECUTORS_SHOWN - len(news)))
    # The ended ones stand at the end of the fleet: they are the news that must not be cut off.
    take_news = EXECUTORS_SHOWN - take_calm
    chosen = {view.id for view in calm[:take_calm]} | {view.id for view in news[len(news) - take_news :]}
    return [view for view in views if view.id in chosen]


def _executor(view: ExecutorView) -> dict[str, Any]:
    return {
        "id": view.id,
        "pod": view.pod,
        "phase": str(view.phase),
        "reason": view.reason,
        "node": view.node,
        "cores": view.cores,
        "memory": view.memory,
        "running": view.tasks.running,
        "done": view.tasks.done,
        "failed": view.tasks.failed,
        "since": view.since,
        "ended": view.ended,
    }


def _progress(progress: Progress, before: Mapping[str, Any]) -> dict[str, Any]:
    jobs: list[dict[str, Any]] = []
    room = STAGES_SHOWN
    shown = _newest(progress.jobs)
    for job in shown:
        stages = _busiest(job.stages, room)
        room -= len(stages)
        jobs.append(_job(job, stages))
    cell, eta, running = progress.cell, progress.eta, progress.state is JobState.RUNNING
    old = (before.get("progress") or {}).get("timeline")
    # By id, so that a new job is a new last row and no order has to be sent.
    jobs.sort(key=lambda row: row["id"])
    return {
        "cell": {"tag": cell.tag, "count": cell.count, "id": cell.cell_id} if cell is not None else None,
        "state": str(progress.state),
        "fraction": round(progress.fraction, 3),
        "started": progress.started,
        "ended": progress.ended,
        "rate": _rough(progress.rate),
        "eta": None if eta is None else round(eta),
        "summary": "" if running else progress.summary(),
        "missing": progress.missing,
        "totals": _totals(progress.totals),
        "jobs": jobs,
        "hidden_jobs": len(progress.jobs) - len(jobs),
        "timeline": _timeline(progress.timeline, progress.as_of if running else None, old),
    }


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
        "shuffled": _bytes(metrics.shuffle_written),
        "spilled": _bytes(metrics.disk_spilled),
    }


def _newest(jobs: Sequence[JobProgress]) -> list[JobProgress]:
    """Running jobs first, then the newest."""
    order = sorted(jobs, key=lambda job: (job.state is not JobState.RUNNING, -job.id))
    return order[:JOBS_SHOWN]


def _busiest(stages: Sequence[StageProgress], room: int) -> list[StageProgress]:
    """As many stages as there is room for, those that run first; in the order of their ids."""
    order = sorted(stages, key=lambda stage: (stage.running == 0, stage.skipped, -stage.id))
    return sorted(order[: max(0, room)], key=lambda stage: (stage.id, stage.attempt))


def _job(job: JobProgress, stages: Sequence[StageProgress]) -> dict[str, Any]:
    row = {
        "running": job.running,
        "done": job.done,
        "failed": job.failed,
        "skipped": job.skipped,
        "submitted": job.submitted,
        "ended": job.ended,
        "failure": job.failure[:_TEXT],
        "hidden_stages": len(job.stages) - len(stages),
    }
    return {
        "id": job.id,
        "description": job.description[:_TEXT],
        "state": str(job.state),
        "tasks": job.tasks,
        **_filled(row),
        "stages": [_stage(stage) for stage in stages],
    }


def _stage(stage: StageProgress) -> dict[str, Any]:
    metrics = stage.metrics
    row = {
        "running": stage.running,
        "done": stage.done,
        "failed": stage.failed,
        "killed": stage.killed,
        "speculative": stage.speculative,
        "skipped": stage.skipped,
        "submitted": stage.submitted,
        "completed": stage.completed,
        "failure": stage.failure[:_TEXT],
        "read": _bytes(metrics.bytes_read),
        "written": _bytes(metrics.bytes_written),
        "shuffle_read": _bytes(metrics.shuffle_read),
        "shuffle_written": _bytes(metrics.shuffle_written),
        "spilled": _bytes(metrics.disk_spilled),
        "gc": round(metrics.gc_share * 100),
        "median": _rough(stage.median),
        "longest": _rough(stage.longest),
        "skew": stage.skew_words,
        "slowest": [
            [task.partition, _rough(task.seconds), task.executor] for task in stage.slowest[:SLOWEST_SHOWN]
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


def _rough(number: float) -> float:
    """A number to three significant digits: fewer bytes, and no change where none can be seen."""
    rough = float(f"{number:.3g}")
    return int(rough) if rough.is_integer() else rough


def _bytes(size: int) -> int:
    """A size to four significant digits: with three, 1 GiB would be 1020 MiB."""
    return int(float(f"{size:.4g}")) if size else 0


def _timeline(timeline: Timeline, until: float | None, old: dict[str, Any] | None) -> dict[str, Any] | None:
    """The executors' time, column by column: what is past is sent once.

    A column holds, in the executors' order, how busy each was in that bin, in percent (200: two tasks all
    the time); zeros at its end are left out, so that an executor that joins later changes no earlier column.

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
    for index, bins in enumerate(timeline.rows.values()):
        for column, one in zip(columns, bins, strict=False):
            if one.busy:
                column.extend([0] * (index - len(column)))
                column.append(round(one.busy * percent))
    return {
        "start": round(timeline.start, 3),
        "width": timeline.width,
        "executors": list(timeline.rows),
        "columns": columns,
    }
