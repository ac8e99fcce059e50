"""Cancelling the jobs of a cell, those too that are on their way."""

from __future__ import annotations

import time
from collections.abc import Sequence

from sparkk8s_nb.errors import UsageError
from sparkk8s_nb.model.cells import Cells
from sparkk8s_nb.ports import Driver

CANCEL_TRIES = 5
CANCEL_PAUSE = 0.1


def tags_of(cells: Cells, cell: int) -> Sequence[str]:
    """The tags of the cells with that execution count.

    Raises
    ------
    UsageError
        If no such cell ran.
    """
    tags = cells.tags_of(cell)
    if not tags:
        raise UsageError(
            f"No cell [{cell}] ran in this session.", fix="Give the number in the cell's brackets."
        )
    return tags


def cancel_tags(driver: Driver, tags: Sequence[str]) -> int:
    """Cancel the jobs that carry one of the tags; returns how many."""
    for _ in range(CANCEL_TRIES):
        if cancelled := sum(driver.cancel(tag) for tag in tags):
            return cancelled
        time.sleep(CANCEL_PAUSE)  # its job may be on the way
    return 0
