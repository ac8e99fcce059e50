"""The sessions of the namespace, other users' too, as ``sparkk8s-nb ps --all-users`` tells them.

They are asked for with the server's own credentials and only while somebody looks; one list at a time, which then
holds for half a minute however many pages ask.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sparkk8s_nb.errors import ClusterError
from sparkk8s_nb.server.own_command import Ended, run_command

KEPT_SECONDS = 30.0
ASK_SECONDS = 30.0
"""A cluster that does not answer is given up before; a credential plugin may take its time."""

OWN_SECONDS = KEPT_SECONDS + ASK_SECONDS
"""So long a list may still have a session that has been stopped."""

ROWS = 200
TEXT_LENGTH = 300

FIELDS = ("name", "owner", "executors", "cores", "memory", "age", "state")
"""What of a session is told: nothing of its notebook, which may be somebody else's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """The sessions of the namespace.

    Parameters
    ----------
    rows : sequence of Mapping
        As ``ps`` has them, by :data:`FIELDS`.
    trouble : ClusterError or None
        Why they could not be listed; the rows are those from before then.
    """

    rows: Sequence[Mapping[str, Any]] = ()
    trouble: ClusterError | None = None

    def without(self, names: frozenset[str]) -> tuple[list[Mapping[str, Any]], int]:
        """All but those of these names, at most :data:`ROWS`, and how many more there are."""
        rows = [row for row in self.rows if row["name"] not in names]
        return rows[:ROWS], max(0, len(rows) - ROWS)


async def ask_ps() -> Ended:
    """Have the sessions listed."""
    return await run_command("ps", "--all-users", seconds=ASK_SECONDS)


class NamespaceSessions:
    """Lists the sessions of the namespace, seldom enough.

    Parameters
    ----------
    ask : callable
        Runs ``ps``.
    now : callable
        Seconds on a clock that is never set.
    """

    def __init__(
        self, ask: Callable[[], Awaitable[Ended]] = ask_ps, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._ask = ask
        self._now = now
        self._known = Listed()
        self._until = -1.0
        self._asking: asyncio.Task[Listed] | None = None
        self._own: dict[str, float] = {}

    def note_own(self, names: Iterable[str]) -> frozenset[str]:
        """Take note of the sessions of this server; returns them, and those that were its own until just now.

        A list that is half a minute old has sessions that have been stopped since.
        """
        now = self._now()
        self._own = {name: seen for name, seen in self._own.items() if now - seen < OWN_SECONDS}
        self._own |= dict.fromkeys(names, now)
        return frozenset(self._own)

    async def listed(self) -> Listed:
        """The sessions, at most half a minute old; whoever asks meanwhile waits for the same list."""
        if self._asking is None and self._now() < self._until:
            return self._known
        if self._asking is None:
            self._asking = asyncio.create_task(self._list())
        return await asyncio.shield(self._asking)

    async def _list(self) -> Listed:
        try:
            self._known = what_ps_said(await self._ask(), before=self._known)
        except TimeoutError:
            self._known = self._failed(f"The cluster did not tell its sessions within {ASK_SECONDS:.0f} s.")
        except OSError as error:  # no memory or no more processes for us
            self._known = self._failed(f"The namespace's sessions could not be listed: {error}.")
        finally:
            self._until = self._now() + KEPT_SECONDS
            self._asking = None
        return self._known

    def _failed(self, problem: str) -> Listed:
        return Listed(rows=self._known.rows, trouble=_not_listed(problem))


def what_ps_said(ended: Ended, before: Listed) -> Listed:
    """Read what ``ps --json`` printed, or why it failed.

    >>> what_ps_said(Ended(code=0, out=b"[]"), Listed())
    Listed(rows=(), trouble=None)
    """
    if ended.code:
        return Listed(rows=before.rows, trouble=_not_listed(*ended.last_words))
    try:
        rows = tuple({field: row[field] for field in FIELDS} for row in json.loads(ended.out))
    except (ValueError, KeyError, TypeError):
        unread = _not_listed("The list of the namespace's sessions could not be read.")
        return Listed(rows=before.rows, trouble=unread)
    return Listed(rows=rows)


def _not_listed(problem: str, fix: str = "") -> ClusterError:
    return ClusterError(
        problem[:TEXT_LENGTH] or "The namespace's sessions could not be listed.",
        fix=fix[:TEXT_LENGTH] or "In a terminal of this server sparkk8s-nb ps --all-users says more.",
    )
