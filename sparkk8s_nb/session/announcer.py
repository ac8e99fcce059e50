"""A session's start, failures and end as Events on its Lease, where the cluster lets us write them."""

from __future__ import annotations

import logging
from collections.abc import Callable

from sparkk8s_nb.errors import ClusterError, RefusedError
from sparkk8s_nb.model.executors import ExecutorView, Phase
from sparkk8s_nb.model.labels import session_labels
from sparkk8s_nb.model.lease_events import EXECUTOR_FAILED, lease_event
from sparkk8s_nb.model.spec import SessionSpec
from sparkk8s_nb.ports import Cluster

logger = logging.getLogger(__name__)

AGAIN_AFTER = 60.0
"""The same thing is not said again before that many seconds: a crash loop is one Event a minute."""


class Announcer:
    """Writes Events; whoever may not is not told, and not asked again.

    Parameters
    ----------
    cluster : Cluster
    spec : SessionSpec
    lease_uid : callable
        Uid of the session's Lease; empty before there is one.
    now : callable
        Seconds since the epoch.
    later : callable
        Does a request in the background.
    """

    def __init__(
        self,
        cluster: Cluster,
        spec: SessionSpec,
        lease_uid: Callable[[], str],
        *,
        now: Callable[[], float],
        later: Callable[[Callable[[], object]], None],
    ) -> None:
        self._cluster = cluster
        self._spec = spec
        self._lease_uid = lease_uid
        self._now = now
        self._later = later
        self._refused = False
        self._said: dict[str, float] = {}

    def say(self, reason: str, message: str) -> None:
        """Have an Event written in the background, unless its like was lately."""
        now = self._now()
        if self._refused or now - self._said.get(reason, -AGAIN_AFTER) < AGAIN_AFTER:
            return
        self._said[reason] = now
        self._later(lambda: self.write(reason, message))

    def failed(self, executor: str, view: ExecutorView | None) -> None:
        """Say that an executor whose pod has failed did so, and why; one given back ended as it should."""
        if view is not None and view.phase is Phase.DONE:
            return
        why = view.reason if view is not None and view.reason else "failed"
        self.say(EXECUTOR_FAILED, f"Executor {executor}: {why}.")

    def write(self, reason: str, message: str) -> None:
        """Write an Event now; an Event that the server does not take is no failure of the session's.

        Raises
        ------
        ConnectError
            If the API server does not answer.
        """
        uid = self._lease_uid()
        if self._refused or not uid:
            return
        spec = self._spec
        event = lease_event(
            spec.name,
            spec.target.namespace,
            uid,
            reason,
            message,
            labels=session_labels(spec),
            now=self._now(),
        )
        try:
            self._cluster.create(event)
        except RefusedError:
            logger.debug("Events are not ours to write", exc_info=True)
            self._refused = True

    def write_last(self, reason: str, message: str) -> None:
        """As :meth:`write`, at the end of a session: one that is lost is only noted."""
        try:
            self.write(reason, message)
        except ClusterError:
            logger.debug("the Event %s was not written", reason, exc_info=True)
