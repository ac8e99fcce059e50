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
