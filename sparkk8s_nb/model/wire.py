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
from sparkk8s_nb.model.progress import Progress
from sparkk8s_nb.model.streams import Streams
from sparkk8s_nb.model.wire_progress import progress_frame
from sparkk8s_nb.model.wire_streams import streams_frame

SCHEMA = 1

EXECUTORS_SHOWN = 200

_CALM = frozenset({Phase.RUNNING})


def keyframe(
    session_info: Mapping[str, Any],
    fleet: Fleet | None,
    progress: Progress | None,
    seq: int,
    *,
    streams: Streams | None = None,
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
    streams : Streams, optional
        The streaming queries; those of ``progress`` if not given.
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
    if streams is None:
        streams = progress.streams if progress is not None else Streams()
    newest = max(fleet.as_of if fleet else 0.0, progress.as_of if progress else 0.0)
    return {
        "schema": SCHEMA,
        "kind": "keyframe",
        "seq": seq,
        "at": at or newest,
        "session": dict(session_info),
        "fleet": _fleet(fleet) if fleet is not None else None,
        "progress": progress_frame(progress, (before or {}).get("progress"))
        if progress is not None
        else None,
        "streams": streams_frame(streams),
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
        "start": {"what": fleet.start.what, "since": fleet.start.since} if fleet.start else None,
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
