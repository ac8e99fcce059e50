"""What the keeper does when the kernel is gone: the JVM, the pods, the Lease, the files; in that order.

The JVM goes first, so that it asks for no more pods. The files go last: they hold the credentials.
"""

from __future__ import annotations

import logging
import random
import shutil
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from sparkk8s_nb.keeper.client import Client, NotNowError
from sparkk8s_nb.keeper.plan import KeeperPlan
from sparkk8s_nb.processes import ProcessId, end

logger = logging.getLogger("keeper")

DRIVER_GRACE = 5.0
POD_GRACE = 3
GENTLE_SECONDS = 60.0
"""Pods that are still there after that are on a node that does not answer: deleted without grace."""

PODS_SECONDS = 120.0
"""After that the Lease goes all the same: the collector has all the time in the world."""


class Pause:
    """Growing pauses between 0.5 and 15 s, with jitter."""

    def __init__(self, sleep: Callable[[float], object]) -> None:
        self._sleep = sleep
        self._bound = 1.0

    def __call__(self) -> None:
        """Wait, and longer the next time."""
        self._sleep(self._bound * random.uniform(0.5, 1.0))  # noqa: S311 (spreads load, guards nothing)
        self._bound = min(15.0, self._bound * 2)


class Cleanup:
    """Cleans up after one session.

    Parameters
    ----------
    plan : KeeperPlan
    client : Client
    drivers : iterable of ProcessId
        The JVMs to end.
    paths : iterable of Path
        Files and directories to remove beside the session's own.
    clock, sleep, end_process
        Time and processes; tests bring their own.
    """

    def __init__(
        self,
        plan: KeeperPlan,
        client: Client,
        *,
        drivers: Iterable[ProcessId] = (),
        paths: Iterable[Path] = (),
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
        end_process: Callable[..., bool] = end,
    ) -> None:
        self._plan = plan
        self._client = client
        self._drivers = tuple(drivers)
        self._paths = tuple(paths)
        self._clock = clock
        self._sleep = sleep
        self._end_process = end_process

    def run(self) -> bool:
        """Do it all; returns whether the cluster took it. Never raises for what the cluster does."""
        for driver in self._drivers:
            killed = self._end_process(driver, grace=DRIVER_GRACE)
            logger.info("driver JVM %s ended%s", driver.pid, " (killed)" if killed else "")
        deadline = self._clock() + self._plan.patience
        steps = (
            self._remove_pods,
            self._client.delete_owned,
            lambda: self._client.delete_lease(self._plan.lease),
        )
        done = all(self._persist(step, deadline) for step in steps)
        self._remove_files(keep_log=not done)
        if done:
            logger.info("nothing left")
        else:
            logger.error("the API server did not answer: the Lease %s is left to expire", self._plan.lease)
        return done

    def _persist(self, step: Callable[[], None], deadline: float) -> bool:
        """Try a step until the API server has answered it, or the deadline."""
        pause = Pause(self._sleep)
        said = ""
        while True:
            try:
                step()
                return True
            except NotNowError as error:
                if str(error) != said:
                    said = str(error)
                    logger.warning("%s; trying again", said)
            if self._clock() >= deadline:
                return False
            pause()

    def _remove_pods(self) -> None:
        """Delete the pods and wait until they are gone; asks again for those that came meanwhile."""
        begun = self._clock()
        while (waited := self._clock() - begun) < PODS_SECONDS:
            self._client.delete_pods(POD_GRACE if waited < GENTLE_SECONDS else 0)
            if self._client.pods() == 0:
                return
            self._sleep(0.5 if waited < 10 else 2.0)
        logger.warning("pods are still there after %s s", PODS_SECONDS)

    def _remove_files(self, *, keep_log: bool) -> None:
        for path in (*self._paths, self._plan.runtime_dir):
            keep = self._plan.log_file if keep_log else None
            _remove(path, keep)


def _remove(path: Path, keep: Path | None) -> None:
    """Remove a file or directory, all but ``keep``; what cannot be removed is left and logged."""
    try:
        if not path.is_dir() or path.is_symlink():
            path.unlink(missing_ok=True)
        elif keep is not None and keep.is_relative_to(path):
            for inner in path.iterdir():
                if inner != keep:
                    _remove(inner, keep)
        else:
            shutil.rmtree(path)
    except OSError as error:
        logger.warning("%s is left: %s", path, error)
