"""Cancelling the jobs of a cell, those too that are on their way."""

from __future__ import annotations

import time

from sparkk8s_nb.errors import UsageError
from sparkk8s_nb.model.cells import Cells
from sparkk8s_nb.ports import Driver

CANCEL_TRIES = 5
CANCEL_PAUSE = 0.1


def cancel_cell(driver: Driver, cells: Cells, cell: int) -> int:
    """Cancel the jobs of the cell with that execution count; returns how many.

    Raises
    ------
    UsageError
        If no such cell ran.
    """
    tag = cells.tag_of(cell)
    if tag is None:
        raise UsageError(
            f"No cell [{cell}] ran in this session.", fix="Give the number in the cell's brackets."
        )
    for _ in range(CANCEL_TRIES):
        if cancelled := driver.cancel(tag):
            return cancelled
        time.sleep(CANCEL_PAUSE)  # its job may be on the way
    return 0
