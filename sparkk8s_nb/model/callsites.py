"""Where Spark says that something was called, in the notebook's own words."""

from __future__ import annotations

import re

_PY4J = " at NativeMethodAccessorImpl.java:0"
"""The place of everything that Python calls through py4j."""

_NOWHERE = re.compile(r"^\$anonfun\$.* at \w+\.java:\d+$")
"""What Spark calls jobs that it submits from threads of its own, when nobody told it who asked."""

_IN_A_CELL = re.compile(r" at (?:/.*/ipykernel_\d+/\d+\.py|<ipython-input-[^>]*>):(\d+)$")
"""The files that ipykernel and IPython in a terminal invent for cells: their names tell a reader nothing."""

_DIRECTORY = re.compile(r"^(\w+ at )/.*/")
"""Where a file of the user's own lies: it names the user, and what is shown may be saved with the notebook."""


def callsite(text: str) -> str:
    """A call site as Spark names it: of a cell with its line in place of an invented file, else without directories.

    Parameters
    ----------
    text : str
        Spark's short form, ``METHOD at FILE:LINE``.

    Examples
    --------
    >>> callsite("count at /tmp/ipykernel_7/331.py:6")
    'count at line 6 of its cell'
    >>> callsite("collect at /home/ada/job.py:12")
    'collect at job.py:12'
    >>> callsite("parquet at NativeMethodAccessorImpl.java:0")
    'parquet'
    >>> callsite("$anonfun$withThreadLocalCaptured$1 at CompletableFuture.java:1768")
    ''
    """
    if _NOWHERE.match(text):
        return ""
    text = text.removesuffix(_PY4J)
    return _DIRECTORY.sub(r"\1", _IN_A_CELL.sub(r" at line \1 of its cell", text))
