"""KeyboardInterrupt as a user knows it: with the own line, not the hundred of pyspark and py4j below it."""

from __future__ import annotations

import linecache
import traceback
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from types import FrameType
from typing import TypeVar

JOBS_CANCELLED = "The cell's Spark jobs were cancelled."

Error = TypeVar("Error", bound=BaseException)


def shortened(error: Error) -> Error:
    """Have IPython show an error by the last line of the user's own code that led to it.

    Parameters
    ----------
    error : BaseException
        Of any type: its own stays, so that ``except KeyboardInterrupt`` and front ends know it.
    """
    error._render_traceback_ = lambda: _lines(error)  # type: ignore[attr-defined]
    return error


def without_us(error: Error) -> Error:
    """Have IPython show an error with its trace, but without the signal handler that raised it."""
    error._render_traceback_ = lambda: _trace(error)  # type: ignore[attr-defined]
    return error


def _trace(error: BaseException) -> list[str]:
    from IPython import get_ipython

    entry = error.__traceback__
    while entry is not None and entry.tb_next is not None:
        if entry.tb_next.tb_frame.f_code.co_filename.startswith(libraries()):
            entry.tb_next = None
        entry = entry.tb_next
    shown = get_ipython().InteractiveTB.structured_traceback(type(error), error, error.__traceback__)
    return list(shown)


def within_libraries(frame: FrameType | None) -> bool:
    """Whether some code was called by pyspark or py4j."""
    while frame is not None:
        if frame.f_code.co_filename.startswith(libraries()):
            return True
        frame = frame.f_back
    return False


def within_cell(frame: FrameType | None) -> bool:
    """Whether some code was called by a cell, or by what cells define; without IPython all is taken for that."""
    from IPython import get_ipython

    shell = get_ipython()
    while frame is not None and shell is not None:
        if frame.f_globals is shell.user_global_ns:
            return True
        frame = frame.f_back
    return shell is None


def _lines(error: BaseException) -> list[str]:
    name = type(error).__name__
    said = str(error) or JOBS_CANCELLED
    place = _users_line(error)
    return [f"{name}: {place}", said] if place else [f"{name}: {said}"]


def _users_line(error: BaseException) -> str:
    """The last line before the first that is pyspark's: ``line 3: df.count()``."""
    found = ""
    for frame, number in traceback.walk_tb(error.__traceback__):
        code = frame.f_code
        if code.co_filename.startswith(libraries()):
            return found
        source = linecache.getline(code.co_filename, number, frame.f_globals).strip()
        path = Path(code.co_filename)
        # What IPython compiles has a name but no file.
        place = f"{path.name}, line {number}" if path.is_file() else f"line {number}"
        found = f"{place}: {source}"
    return ""


@cache
def libraries() -> tuple[str, ...]:
    """How the paths begin of files that are no code of the user's."""
    packages = ("pyspark", "py4j", "sparkk8s_nb")
    specs = [find_spec(name) for name in packages]
    return tuple(f"{Path(spec.origin).parent}/" for spec in specs if spec is not None and spec.origin)
