"""What a front end gets and may ask for: one JSON object that says everything a view shows, of bounded size.

``schema`` is 1. A reader that meets a newer one shows its last good state and says so. Times are seconds
since the epoch by the kernel's clock; ``at`` is now by that clock, so that a reader can tell ages although
its own clock differs. The golden files in ``tests/wire`` are read by pytest and by the front end's tests.

From one frame to the next only the difference is sent (:mod:`sparkk8s_nb.model.wire_delta`), so nothing
here changes by itself: readers count seconds on their own. In jobs and stages a number that is 0 and a text
that is empty are left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sparkk8s_nb.model.fleet import Fleet
from sparkk8s_nb.model.progress import Progress
from sparkk8s_nb.model.streams import Streams
from sparkk8s_nb.model.wire_fleet import fleet_frame
from sparkk8s_nb.model.wire_progress import progress_frame
from sparkk8s_nb.model.wire_streams import streams_frame

SCHEMA = 1
"""Of frames, of the comm and of the server's answers alike."""

TARGET = "sparkk8s"
"""The comm target at which a kernel tells of its session and takes actions."""

ACTIONS = frozenset({"scale", "cancel", "cancel_all", "stop", "log"})
"""What a front end can have done: the ``do`` of an action."""

ID_LENGTH = 64
"""The ``id`` of an action has at most so many characters."""


def keyframe(
    session_info: Mapping[str, Any] | None,
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
    session_info : mapping or None
        What is known of the session; JSON values. None where there is no session.
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
        "session": dict(session_info) if session_info is not None else None,
        "fleet": fleet_frame(fleet) if fleet is not None else None,
        "progress": progress_frame(progress, (before or {}).get("progress"))
        if progress is not None
        else None,
        "streams": streams_frame(streams),
    }
