"""The part of a frame that tells of streaming queries; a number that is 0 and an empty text are left out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sparkk8s_nb.model.quantities import rough
from sparkk8s_nb.model.streams import Stream, Streams

STREAMS_SHOWN = 10

_TEXT = 200


def streams_frame(streams: Streams) -> dict[str, Any]:
    """Return what a view shows of streaming queries, ready for JSON: running ones first, then the newest.

    Examples
    --------
    >>> streams_frame(Streams().seen([Stream(id="q", run="r", name="clicks", batches=3)]))["rows"]
    [{'id': 'q', 'name': 'clicks', 'state': 'running', 'batches': 3}]
    """
    ended = [one for one in reversed(streams) if not one.running]
    shown = [*streams.running, *ended][:STREAMS_SHOWN]
    ids = {one.id for one in shown}
    return {
        # In the order in which they began, so that a new one is a new last row.
        "rows": [_row(one) for one in streams if one.id in ids],
        "hidden": len(streams) - len(shown),
    }


def _row(one: Stream) -> dict[str, Any]:
    totals = one.totals
    filled: Mapping[str, Any] = {
        "started": round(one.started, 3),
        "ended": round(one.ended, 3),
        "error": one.error[:_TEXT],
        "batches": one.batches,
        "rows": one.rows,
        "last_rows": one.last_rows,
        "arriving": rough(one.arriving),
        "processing": rough(one.processing),
        "tasks": max(totals.tasks, totals.done),
        "done": totals.done,
        "running": totals.running,
        "failed": totals.failed,
    }
    return {
        "id": one.id,
        "name": one.label,
        "state": str(one.state),
        **{key: value for key, value in filled.items() if value},
    }
