"""What a front end gets: one JSON object that says everything a view shows, of bounded size.

``schema`` is 1. A reader that meets a newer one shows its last good state and says so. Times are seconds
since the epoch by the kernel's clock; ``at`` is now by that clock, so that a reader can tell ages although
its own clock differs. The golden files in ``tests/wire`` are read by pytest and by the front end's tests.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sparkk8s_nb.model.fleet import ExecutorView, Fleet, Phase
from sparkk8s_nb.model.progress import JobProgress, JobState, Progress, StageProgress

SCHEMA = 1

EXECUTORS_SHOWN = 200
JOBS_SHOWN = 50
STAGES_SHOWN = 100
"""Over all jobs of a keyframe."""

_TEXT = 200
_CALM = frozenset({Phase.RUNNING})


def keyframe(
    session_info: Mapping[str, Any],
    fleet: Fleet | None,
    progress: Progress | None,
    seq: int,
    *,
    at: float = 0.0,
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
        "progress": _progress(progress) if progress is not None else None,
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
        "as_of": fleet.as_of,
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


def _progress(progress: Progress) -> dict[str, Any]:
    totals = progress.totals
    jobs: list[dict[str, Any]] = []
    room = STAGES_SHOWN
    for job in _newest(progress.jobs):
        stages = _busiest(job.stages, room)
        room -= len(stages)
        jobs.append(_job(job, stages))
    cell = progress.cell
    return {
        "cell": {"tag": cell.tag, "count": cell.count, "id": cell.cell_id} if cell is not None else None,
        "state": str(progress.state),
        "fraction": round(progress.fraction, 4),
        "seconds": round(progress.seconds, 3),
        "summary": progress.summary(),
        "as_of": progress.as_of,
        "totals": {name: getattr(totals, name) for name in totals.__dataclass_fields__},
        "jobs": jobs,
        "hidden_jobs": len(progress.jobs) - len(jobs),
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
    return {
        "id": job.id,
        "description": job.description[:_TEXT],
        "state": str(job.state),
        "tasks": job.tasks,
        "running": job.running,
        "done": job.done,
        "failed": job.failed,
        "skipped": job.skipped,
        "submitted": job.submitted,
        "ended": job.ended,
        "stages": [_stage(stage) for stage in stages],
        "hidden_stages": len(job.stages) - len(stages),
    }


def _stage(stage: StageProgress) -> dict[str, Any]:
    return {
        "id": stage.id,
        "attempt": stage.attempt,
        "name": stage.name[:_TEXT],
        "state": stage.state,
        "tasks": stage.tasks,
        "running": stage.running,
        "done": stage.done,
        "failed": stage.failed,
        "killed": stage.killed,
        "skipped": stage.skipped,
    }
