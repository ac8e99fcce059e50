"""The part of a frame that tells of a fleet: rows of the executors that matter most, and all of them as a grid.

In a row what tasks cost is left out where it is 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sparkk8s_nb.model.fleet import ExecutorView, Fleet, Phase
from sparkk8s_nb.model.quantities import four_digits

EXECUTORS_SHOWN = 200

GRID_ROW = 50
"""So many executors are one row of the grid, which is sent anew when one of them changes."""

NOBODY = "."
"""In the grid: no executor of that number is kept."""

LETTERS = {
    Phase.PENDING: "p",
    Phase.STARTING: "s",
    Phase.RUNNING: "r",
    Phase.STOPPING: "t",
    Phase.DONE: "d",
    Phase.FAILED: "f",
}
BUSY = "R"
"""Running, with a task at work."""

_CALM = frozenset({Phase.RUNNING})


def fleet_frame(fleet: Fleet) -> dict[str, Any]:
    """Return what a view shows of a fleet, ready for JSON.

    Examples
    --------
    >>> fleet_frame(Fleet(wanted=2))["summary"]
    '0 of 2 executors running, 2 asked for'
    """
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
        "grid": grid(views) if hidden else [],
    }


def grid(views: Sequence[ExecutorView]) -> list[dict[str, Any]]:
    """Return all executors, a letter each at the place of its number, in rows of ``GRID_ROW``.

    Rows without any executor are left out: a session that has replaced ten thousand is no longer for that.

    Examples
    --------
    >>> views = [ExecutorView(id="1", pod="p", phase=Phase.RUNNING),
    ...          ExecutorView(id="3", pod="q", phase=Phase.PENDING)]
    >>> [(row["id"], row["cells"][:5]) for row in grid(views)]
    [(0, '.r.p.')]
    """
    rows: dict[int, list[str]] = {}
    for view in views:
        if view.id.isdecimal():
            number, place = divmod(int(view.id), GRID_ROW)
            rows.setdefault(number, [NOBODY] * GRID_ROW)[place] = _letter(view)
    return [{"id": number * GRID_ROW, "cells": "".join(rows[number])} for number in sorted(rows)]


def _letter(view: ExecutorView) -> str:
    if view.phase is Phase.RUNNING and view.tasks.running:
        return BUSY
    return LETTERS.get(view.phase, NOBODY)


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
    load = view.load
    row: dict[str, Any] = {
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
    if view.exit_code is not None:
        row["exit"] = view.exit_code
    if load.peak_memory:
        row["peak"] = four_digits(load.peak_memory)
    if share := round(load.gc_share * 100):
        row["gc"] = share
    if load.spilled:
        row["spilled"] = four_digits(load.spilled)
    return row
