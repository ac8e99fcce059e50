"""The steps of a start, each with its undo."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from sparkk8s_nb.errors import (
    ClusterError,
    ConnectError,
    DriverError,
    PortTakenError,
    SparkK8sError,
    StartError,
)
from sparkk8s_nb.model.record import SessionRecord
from sparkk8s_nb.model.sparkconf import spark_conf
from sparkk8s_nb.model.spec import SessionSpec
from sparkk8s_nb.ports import Driver, Keeper, LaunchingDriver
from sparkk8s_nb.session.cluster_objects import ClusterObjects
from sparkk8s_nb.session.parts import Parts
from sparkk8s_nb.session.undo import Undo

PORT_TRIES = 5
PODS_GONE_TIMEOUT = 15.0

LEASE_STEP = "delete the Lease"
OBJECTS_STEP = "delete the session's objects"
PODS_STEP = "delete the executors"


class Opening:
    """One start. Every step pushes how to undo it before the next begins.

    Parameters
    ----------
    spec : SessionSpec
    parts : Parts
    undo : Undo
    objects : ClusterObjects
    say : callable
        Told what is going on now, in a few words.
    """

    def __init__(
        self, spec: SessionSpec, parts: Parts, undo: Undo, objects: ClusterObjects, say: Callable[[str], None]
    ) -> None:
        self._spec = spec
        self._parts = parts
        self._undo = undo
        self._objects = objects
        self._say = say
        self._keeper: Keeper | None = None

    def processes(self) -> tuple[Keeper, LaunchingDriver]:
        """Start the keeper, and the driver JVM, which comes up while the rest is made.

        The keeper first: a kernel that is killed while they start leaves neither JVM nor files either.
        """
        self._say("Starting the driver")
        self._undo.push("close the connections to the API server", self._parts.close)
        self._undo.push("remove the session's files", self._remove_files)
        keeper = self._parts.launch_keeper()
        self._keeper = keeper
        self._undo.push("release the keeper", lambda: self._let_go(keeper))
        keeper.cleanup(self._parts.place.scratch)
        launching = self._parts.launch_driver()
        self._undo.push("end the driver JVM", lambda: launching.end(grace=1))
        keeper.driver(launching.process)
        self._parts.place.note_driver(launching.process)
        keeper.ready()
        return keeper, launching

    def checked(self) -> Sequence[str]:
        """Ask before the leap: rights, and orphans of this same notebook; returns warnings."""
        self._say("Checking the cluster")
        warnings = list(self._parts.preflight())
        removed = self._parts.orphans()
        if removed:
            warnings.append(f"Removed what an earlier kernel of this notebook left: {', '.join(removed)}.")
        return warnings

    def lease(self, record: SessionRecord, keeper: Keeper, *, tell_end: Callable[[], None]) -> None:
        """Make the Lease and what it owns, and let the API server look at an executor pod.

        Parameters
        ----------
        record : SessionRecord
        keeper : Keeper
        tell_end : callable
            Called before the Lease is deleted.
        """
        self._say("Making the session's objects")
        uid = self._objects.make_lease(record)
        self._undo.push(LEASE_STEP, self._objects.remove_lease)
        self._undo.push("tell of the end", tell_end)
        keeper.lease(self._spec.name, uid)
        self._undo.push(OBJECTS_STEP, self._objects.remove_owned)
        self._objects.make_owned()
        self._objects.write_template()
        self._probe()
        self._undo.push(PODS_STEP, self._remove_pods)

    def driver(self, launching: LaunchingDriver) -> Driver:
        """Make the SparkContext; on a port that was taken meanwhile, again with the next slot."""
        self._say("Connecting Spark")
        for _ in range(PORT_TRIES):
            held = self._parts.take_ports()
            try:
                self._objects.make_service(held.network)
                conf = spark_conf(
                    self._spec,
                    self._parts.cluster.access,
                    held.network,
                    self._parts.place.spark_files,
                    ui_key=self._parts.keys.ui,
                )
                driver = launching.start(conf, self._spec.py_files)
            except PortTakenError:
                held.release()
                self._objects.remove_service()
                continue
            except BaseException:
                held.release()
                raise
            self._undo.push("give the ports back", held.release)
            return driver
        raise DriverError(
            f"{PORT_TRIES} port slots in a row were taken while Spark started.", fix="Start again."
        )

    @property
    def _something_left(self) -> bool:
        return self._undo.failed(LEASE_STEP, OBJECTS_STEP, PODS_STEP)

    def _let_go(self, keeper: Keeper) -> None:
        """Release the keeper, unless something is left in the cluster: then it goes on where we failed."""
        if self._something_left:
            keeper.finish()
        else:
            keeper.release(timeout=5)

    def _remove_files(self) -> None:
        """The keeper needs the credentials among them as long as it goes on; it removes them at its end."""
        if self._keeper is None or not self._something_left:
            self._parts.place.remove()
        self._parts.place.lock.release()

    def _probe(self) -> None:
        try:
            self._objects.probe()
        except ConnectError:
            raise
        except ClusterError as error:
            raise StartError(
                f"The cluster would refuse the executors: {error.problem}", fix=error.fix
            ) from error

    def _remove_pods(self) -> None:
        """Delete the pods and wait until they are gone: nothing may be left when stop returns."""
        self._objects.remove_pods()
        deadline = time.monotonic() + PODS_GONE_TIMEOUT
        while left := self._objects.left():
            if time.monotonic() > deadline:
                pods = "1 executor pod is" if len(left) == 1 else f"{len(left)} executor pods are"
                raise SparkK8sError(f"{pods} still ending", fix="The cluster removes them in a moment.")
            time.sleep(0.05)
