"""How many executors there are: asking Spark for more, giving back those that are too many, waiting for them."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence

from sparkk8s_nb.errors import DriverError, StartError
from sparkk8s_nb.model.diagnosis import Verdict
from sparkk8s_nb.model.executors import ExecutorView, Phase
from sparkk8s_nb.model.fleet import Fleet
from sparkk8s_nb.model.patience import Patience, waited_for
from sparkk8s_nb.model.quantities import format_duration
from sparkk8s_nb.model.spec import SessionSpec
from sparkk8s_nb.ports import Cluster, Driver
from sparkk8s_nb.session.cluster_objects import ClusterObjects
from sparkk8s_nb.session.fleet_state import FleetState

logger = logging.getLogger(__name__)

WAITING = "Waiting for executors"

_ORDER = {Phase.PENDING: 0, Phase.STARTING: 1, Phase.RUNNING: 2}


def ask_for(driver: Driver, cluster: Cluster, fleet: Fleet, wanted: int) -> None:
    """Have Spark keep that many executors, and give back the others.

    Those that wait go first, then idle ones; busy ones are decommissioned after their tasks.

    Raises
    ------
    DriverError, ClusterError
    """
    driver.request_executors(wanted)
    surplus = too_many(fleet, wanted)
    for view in surplus:
        if view.phase in {Phase.PENDING, Phase.STARTING}:
            cluster.delete("Pod", view.pod)
    idle = [view.id for view in surplus if view.phase is Phase.RUNNING and not view.tasks.running]
    busy = [view.id for view in surplus if view.phase is Phase.RUNNING and view.tasks.running]
    if idle:
        driver.retire_executors(idle, busy=False)
    if busy:
        driver.retire_executors(busy, busy=True)


class Asking:
    """Has Spark stop asking for executors, from any thread and at any time.

    Spark begins to ask seconds before its context can be spoken to: executors that crash at once made a
    hundred pods meanwhile. Until then the pod template is taken away, without which Spark makes no pod (it
    reads the file for each).

    Parameters
    ----------
    objects : ClusterObjects
        Keeps the template.
    """

    def __init__(self, objects: ClusterObjects) -> None:
        self._objects = objects
        self._lock = threading.Lock()
        self._driver: Driver | None = None
        self._withheld = False

    def stop(self) -> None:
        """Have no more pods made; a driver that is gone makes none anyway."""
        with self._lock:
            if self._driver is None:
                self._objects.withhold_template()
                self._withheld = True
            else:
                _ask_for_none(self._driver)

    def reach(self, driver: Driver) -> None:
        """The context can be spoken to from now on."""
        with self._lock:
            self._driver = driver
            if self._withheld:
                _ask_for_none(driver)
                self._objects.write_template()


def _ask_for_none(driver: Driver) -> None:
    try:
        driver.request_executors(0)
    except DriverError:
        logger.debug("the driver was gone before it could be told to stop asking", exc_info=True)


def too_many(fleet: Fleet, wanted: int) -> list[ExecutorView]:
    """Which executors to give back: those that wait, then idle ones, then busy ones; the newest first."""
    living = [view for view in fleet.executors if view.phase in _ORDER]
    living.sort(key=lambda v: (_ORDER[v.phase], v.tasks.running > 0, -int(v.id) if v.id.isdecimal() else 0))
    return living[: max(0, len(living) - wanted)]


def wait_for_executors(
    spec: SessionSpec,
    state: FleetState,
    *,
    ended: Callable[[], bool],
    why: Callable[[], Verdict | None],
    say: Callable[[str], None],
    clock: Callable[[], float] = time.monotonic,
) -> Sequence[str]:
    """Wait for as many executors as ``spec.wait`` names, ``spec.timeout`` seconds or, while an image is pulled
    or a node comes, longer, and where it is certain that none can start, only until that is sure
    (:class:`~sparkk8s_nb.model.patience.Patience`).

    Parameters
    ----------
    spec : SessionSpec
    state : FleetState
    ended : callable
        Whether waiting has become useless; asked at every change of the fleet.
    why : callable
        The cause that keeps executors away.
    say : callable
        Told what is waited for, when that changes.
    clock : callable
        Seconds of a clock that is never set.

    Returns
    -------
    sequence of str
        Warnings: a session with one executor stays, however many it was to wait for.

    Raises
    ------
    StartError
        If none came; with the cause and its fix.
    """
    wait = min(spec.wait, spec.executors)
    if wait <= 0:
        return []
    patience = Patience(timeout=spec.timeout)
    begun = clock()
    said = ""

    def over(fleet: Fleet) -> bool:
        nonlocal patience, said
        patience = patience.look(fleet, clock() - begun)
        coming = waited_for(fleet)
        if coming != said:
            said = coming
            say(f"{WAITING}: {coming}" if coming else WAITING)
        return fleet.ready >= wait or bool(state.tripped) or ended()

    version, fleet = state.feed.wait_newer(-1, 0.0)
    while not over(fleet) and not state.feed.closed and (left := begun + patience.end - clock()) > 0:
        version, fleet = state.feed.wait_newer(version, left)
    if fleet.ready >= wait:
        return []
    verdict = why()
    if fleet.ready >= 1 and not ended():
        late = f"{fleet.ready} of {spec.executors} executors are there"
        return [f"{late}: {verdict.problem if verdict else fleet.summary()}"]
    early = bool(state.tripped) or ended() or patience.sure(clock() - begun)
    what = "No executor came" if early else f"No executor came within {format_duration(patience.until)}"
    if verdict is None:
        raise StartError(f"{what}.", fix="Start with a longer --timeout.")
    log = f"\n{verdict.log}" if verdict.log else ""
    raise StartError(f"{what}: {verdict.problem}", fix=f"{verdict.fix}{log}")
