"""The keeper's loop: hear the kernel, renew the Lease, notice the kernel's end."""

from __future__ import annotations

import json
import logging
import os
import random
import select
import time
from collections.abc import Callable
from enum import Enum, auto
from pathlib import Path
from typing import Any

from sparkk8s_nb.keeper.client import Client, NotNowError, Renewed
from sparkk8s_nb.keeper.lifeline import Lifeline
from sparkk8s_nb.keeper.plan import KeeperPlan
from sparkk8s_nb.processes import ProcessId

logger = logging.getLogger("keeper")

POLL_SECONDS = 1.0
"""How often to ask for the kernel where no descriptor tells."""


class Outcome(Enum):
    """Why the loop ended."""

    RELEASED = auto()
    KERNEL_GONE = auto()
    FINISHED = auto()
    TERMINATED = auto()


class Inbox:
    """Lines from a descriptor, as far as they have come."""

    def __init__(self, fd: int) -> None:
        self.fd: int | None = fd
        self._rest = b""

    def read(self) -> list[dict[str, Any]]:
        """The messages that are there; call it when the descriptor is readable. Its end proves nothing."""
        if self.fd is None:
            return []
        data = os.read(self.fd, 65536)
        if not data:
            self.fd = None
        *lines, self._rest = (self._rest + data).split(b"\n")
        return [json.loads(line) for line in lines if line]


class Loop:
    """Keeps one session.

    Parameters
    ----------
    plan : KeeperPlan
    client : Client
    kernel : Lifeline
    inbox : Inbox
    wakeup : int or None
        A descriptor that becomes readable when a signal came.
    terminated : callable
        Whether that signal was TERM.
    clock, now : callable
        Seconds that are never set, seconds since the epoch.
    """

    def __init__(
        self,
        plan: KeeperPlan,
        client: Client,
        kernel: Lifeline,
        inbox: Inbox,
        *,
        wakeup: int | None = None,
        terminated: Callable[[], bool] = lambda: False,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._plan = plan
        self._client = client
        self._kernel = kernel
        self._inbox = inbox
        self._wakeup = wakeup
        self._terminated = terminated
        self._clock = clock
        self._now = now
        self._lease: tuple[str, str] | None = None
        self._annotations: dict[str, str] = {}
        self._written: dict[str, str] = {}
        self._due = 0.0
        self._trouble = ""
        self._retry = 1.0
        self.drivers: list[ProcessId] = []
        self.paths: list[Path] = []

    def run(self) -> Outcome:
        """Keep the session until it ends one way or the other."""
        while True:
            outcome = self.step()
            if outcome is not None:
                return outcome

    def step(self) -> Outcome | None:
        """Wait for the next thing to happen and do it."""
        waited_for = [fd for fd in (self._inbox.fd, self._kernel.fd, self._wakeup) if fd is not None]
        readable = select.select(waited_for, [], [], self._pause())[0]
        if self._wakeup in readable and self._wakeup is not None:
            os.read(self._wakeup, 64)
        if self._inbox.fd in readable:
            for message in self._inbox.read():
                outcome = self._hear(message)
                if outcome is not None:
                    return outcome
        if self._kernel.gone():
            return Outcome.KERNEL_GONE
        if self._terminated():
            return Outcome.TERMINATED
        if self._lease is not None and self._clock() >= self._due:
            self._renew(*self._lease)
        return None

    def _pause(self) -> float | None:
        """Seconds until something is due; None: only an event counts."""
        pauses = [] if self._kernel.fd is not None else [POLL_SECONDS]
        if self._lease is not None:
            pauses.append(max(0.0, self._due - self._clock()))
        return min(pauses) if pauses else None

    def _hear(self, message: dict[str, Any]) -> Outcome | None:
        match message:
            case {"do": "lease", "name": name, "uid": uid}:
                self._lease = (name, uid)
                self._written = {}
                self._schedule()
            case {"do": "annotate", "key": key, "value": value}:
                self._annotations[key] = value
            case {"do": "driver"}:
                self.drivers.append(ProcessId.from_dict(message))
            case {"do": "cleanup", "path": path}:
                self.paths.append(Path(path))
            case {"do": "release"}:
                return Outcome.RELEASED
            case {"do": "finish"}:
                return Outcome.FINISHED
            case _:
                logger.warning("an unknown message is passed over")
        return None

    def _renew(self, name: str, uid: str) -> None:
        """Renew once; what fails is tried again soon, for ever: the session may outlive any outage."""
        new = {key: value for key, value in self._annotations.items() if self._written.get(key) != value}
        try:
            renewed = self._client.renew(name, uid, self._now(), new)
        except NotNowError as error:
            self._note(str(error))
            self._retry = min(self._retry * 2, self._plan.renew_seconds)
            self._due = self._clock() + self._retry * random.uniform(0.5, 1.0)  # noqa: S311
            return
        if renewed is Renewed.LOST:
            # The kernel's own watcher sees it and makes a new Lease, of which we are told.
            logger.warning("the Lease %s is gone or another's", name)
            self._lease = None
        else:
            if renewed is Renewed.YES:
                self._written |= new
            self._note("" if renewed is Renewed.YES else "we may not renew the Lease")
            self._schedule()

    def _schedule(self) -> None:
        """The next renewal, up to a fifth later, so that many keepers do not come at once."""
        self._retry = 1.0
        spread = random.uniform(1.0, 1.2)  # noqa: S311 (spreads load, guards nothing)
        self._due = self._clock() + self._plan.renew_seconds * spread

    def _note(self, trouble: str) -> None:
        """Log a trouble when it begins, changes or ends: an outage of days is two lines."""
        if trouble != self._trouble:
            self._trouble = trouble
            logger.warning("%s", trouble or "the Lease is renewed again")
