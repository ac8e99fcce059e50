"""Where Spark says that something was called, in the notebook's own words."""

from __future__ import annotations

import re

_IN_A_CELL = re.compile(r" at (?:/.*/ipykernel_\d+/\d+\.py|<ipython-input-[^>]*>):(\d+)$")
"""The files that ipykernel and IPython in a terminal invent for cells: their names tell a reader nothing."""


def callsite(text: str) -> str:
    """A call site as Spark names it, with the cell's line in place of its invented file.

    Parameters
    ----------
    text : str
        Spark's short form, ``METHOD at FILE:LINE``.

    Examples
    --------
    >>> callsite("count at /tmp/ipykernel_7/331.py:6")
    'count at line 6 of its cell'
    >>> callsite("collect at /home/ada/job.py:12")
    'collect at /home/ada/job.py:12'
    """
    return _IN_A_CELL.sub(r" at line \1 of its cell", text)
