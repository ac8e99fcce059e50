"""Enforcing memory limits by sampling: what a pod's processes really use, every second.

The resident sizes of a pod's processes count shared pages more than once, but they are cheap to read and
never too small. Only where their sum is above the limit are the proportional sizes (PSS) read, which cost
the kernel a walk through the process's page tables.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sparkk8s_nb.embedded.descendants import below, parents
from sparkk8s_nb.linux import IS_LINUX

log = logging.getLogger(__name__)

SECONDS = 1.0
#: how often a container is looked at that uses most of what it may
SECONDS_NEAR = 0.2
NEAR = 0.7


@dataclass(frozen=True, slots=True, kw_only=True)
class _Limit:
    root: int
    whole: bool
    limit: int
    exceeded: Callable[[], None]


class MemoryWatch:
    """Looks at the containers that have a memory limit."""

    def __init__(self) -> None:
        self._limits: dict[str, _Limit] = {}
        self._some = asyncio.Event()

    def watch(self, key: str, *, root: int, whole: bool, limit: int, exceeded: Callable[[], None]) -> None:
        """Call ``exceeded`` once the processes below ``root`` (and itself, if ``whole``) use too much."""
        self._limits[key] = _Limit(root=root, whole=whole, limit=limit, exceeded=exceeded)
        self._some.set()

    def forget(self, key: str) -> None:
        """Watch no longer."""
        self._limits.pop(key, None)

    async def run(self) -> None:
        """Sample until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            if not self._limits:
                self._some.clear()
                await self._some.wait()
            known = dict(self._limits)
            used = await loop.run_in_executor(None, _sample, known)
            near = False
            for key, amount in used.items():
                limit = self._limits.get(key)
                if limit is None:
                    continue
                near = near or amount > NEAR * limit.limit
                if amount > limit.limit:
                    log.info("%s uses %d bytes of %d: killed", key, amount, limit.limit)
                    self.forget(key)
                    limit.exceeded()
            await asyncio.sleep(SECONDS_NEAR if near else SECONDS)


def _sample(limits: dict[str, _Limit]) -> dict[str, int]:
    of = parents()
    return {key: _used(limit, of) for key, limit in limits.items()}


def _used(limit: _Limit, of: dict[int, int]) -> int:
    pids = below(limit.root, of)
    if limit.whole:
        pids.append(limit.root)
    resident = sum(resident_bytes(pid) for pid in pids)
    if resident <= limit.limit or not IS_LINUX:
        return resident
    return sum(proportional_bytes(pid) for pid in pids)


def resident_bytes(pid: int) -> int:
    """A process's resident size (0 if it is gone)."""
    if IS_LINUX:
        try:
            pages = Path(f"/proc/{pid}/statm").read_bytes().split()[1]
        except (OSError, IndexError):
            return 0
        return int(pages) * _PAGE
    import psutil

    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return 0


def proportional_bytes(pid: int) -> int:
    """A process's proportional size: shared pages count in parts (0 if it is gone)."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    for line in text.splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return resident_bytes(pid)


_PAGE = os.sysconf("SC_PAGE_SIZE")
