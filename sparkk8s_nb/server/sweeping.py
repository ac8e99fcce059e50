"""Sessions whose kernel is dead and whose keeper is gone too: removed by the server that started the kernel.

The keeper does this normally. It cannot where the whole process group, the container or the machine's user slice
was killed at once. The work is done by ``sparkk8s-nb gc --yes`` in a process of its own, and not here: what a
sweep may remove (this user's, proven dead, never on an old Lease's word) is decided in one place.

A server asks the cluster only where there is a reason: directories that dead sessions left on this machine, or,
in a pod, once at its start: a restarted container has forgotten its directories, and its Leases are still there.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from sparkk8s_nb.errors import SparkK8sError
from sparkk8s_nb.server.own_command import Ended, run_command
from sparkk8s_nb.server.records import has_abandoned
from sparkk8s_nb.service_account import SERVICE_ACCOUNT, in_cluster

LOOK_SECONDS = 60.0
LONGEST_SECONDS = 3600.0
SWEEP_SECONDS = 180.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """What came of a sweep: whether it could be made, and a line for the server's log."""

    done: bool
    said: str


async def run_gc(seconds: float = SWEEP_SECONDS) -> Swept:
    """Remove what this user's proven-dead sessions left, by ``sparkk8s-nb gc --yes``.

    Parameters
    ----------
    seconds : float
        How long it may take; it is ended then.
    """
    try:
        ended = await run_command("gc", "--yes", seconds=seconds)
    except TimeoutError:
        return Swept(done=False, said=f"it was not done after {seconds:.0f} s")
    return what_came(ended)


def what_came(ended: Ended) -> Swept:
    """What a sweep said, in a line.

    >>> what_came(Ended(code=0, out=b'{"dead": [{"name": "spark-a-1"}], "failures": []}'))
    Swept(done=True, said='removed what dead sessions had left: spark-a-1')
    """
    try:
        plain = json.loads(ended.out)
        names, failures = [row["name"] for row in plain["dead"]], list(plain["failures"])
    except (ValueError, KeyError, TypeError):
        return Swept(done=False, said=" ".join(ended.last_words).strip() or f"it ended with {ended.code}")
    if failures:
        return Swept(done=False, said=f"not removed: {'; '.join(map(str, failures))}")
    return Swept(done=True, said=f"removed what dead sessions had left: {', '.join(names)}" if names else "")


class Sweeper:
    """Looks from time to time whether there is something to sweep, and has it swept.

    Parameters
    ----------
    runtime : Path
        The runtime directory.
    environ : Mapping
        The server's environment: whether it runs in a pod.
    log : Logger
    sweep : callable
    abandoned : callable
        Whether dead sessions have left directories.
    service_account : Path
        Where a pod has the token for its cluster.
    """

    def __init__(
        self,
        runtime: Path,
        environ: Mapping[str, str],
        log: logging.Logger,
        *,
        sweep: Callable[[], Awaitable[Swept]] = run_gc,
        abandoned: Callable[[Path], bool] = has_abandoned,
        service_account: Path = SERVICE_ACCOUNT,
    ) -> None:
        self._runtime = runtime
        self._log = log
        self._sweep = sweep
        self._abandoned = abandoned
        self._seen = False
        self._first = True
        self._owed = in_cluster(environ, service_account=service_account)

    async def look(self, pause: float = LOOK_SECONDS) -> float:
        """Look once; returns after how many seconds to look again.

        What was left while a server runs is swept at the second look: a keeper may be at it. What is there
        at a server's start, at the first.

        Parameters
        ----------
        pause : float
            What the last look said.
        """
        first, self._first = self._first, False
        left = await asyncio.to_thread(self._has_abandoned)
        due = (left and (self._seen or first)) or self._owed
        self._seen = left
        if not due:
            return LOOK_SECONDS
        swept = await self._sweep()
        if swept.done:
            self._owed = False
            if swept.said:
                self._log.info("sparkk8s_nb: %s", swept.said)
            return LOOK_SECONDS
        self._log.warning("sparkk8s_nb: dead sessions were not swept: %s", swept.said)
        return min(2 * pause, LONGEST_SECONDS)

    def _has_abandoned(self) -> bool:
        try:
            return self._abandoned(self._runtime)
        except SparkK8sError as error:
            self._log.warning("sparkk8s_nb: %s %s", error.problem, error.fix)
            return False
