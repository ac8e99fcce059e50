"""Processes that end while a test looks at them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable

import psutil

from sparkk8s_nb.processes import ProcessId, identify


def identities(processes: Iterable[psutil.Process]) -> list[ProcessId]:
    """Those of them that have not ended meanwhile."""
    found = []
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            found.append(identify(process.pid))
    return found


def names(processes: Iterable[psutil.Process]) -> list[str]:
    """What those of them are called that have not ended meanwhile."""
    found = []
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            found.append(process.name())
    return found
