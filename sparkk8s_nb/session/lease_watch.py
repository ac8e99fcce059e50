"""Sessions held outside of the cluster: dead if nobody renews their Lease for the quarter of an hour that we watch."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from sparkk8s_nb.errors import ClusterError
from sparkk8s_nb.model.labels import sessions_selector
from sparkk8s_nb.model.renewals import Renewals
from sparkk8s_nb.ports import Cluster
from sparkk8s_nb.session.orphans import FoundSession

logger = logging.getLogger(__name__)

WATCH_SECONDS = 900.0
"""A keeper renews its Lease every 30 s, and tries for ever where the API server does not answer."""

LOOK_EVERY = 30.0
MOST = 2.0
"""Where the API server is away meanwhile, all begins anew; at most that many times as long."""


def unrenewed(
    cluster: Cluster,
    sessions: Sequence[FoundSession],
    *,
    all_namespaces: bool = False,
    seconds: float = WATCH_SECONDS,
    every: float = LOOK_EVERY,
    tell: Callable[[int, float], object] | None = None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], object] = time.sleep,
) -> list[FoundSession]:
    """Watch the Leases of sessions that are held outside; return those that nobody renews, as dead.

    It ends as soon as each of them has been renewed, has gone, or is proven dead. A KeyboardInterrupt ends it too.

    Parameters
    ----------
    cluster : Cluster
    sessions : sequence of FoundSession
        Those that are not held outside are passed over.
    all_namespaces : bool
        Where the sessions are.
    seconds, every : float
        How long to watch, and how often to look.
    tell : callable, optional
        Told before each wait of how many Leases are in question, and the seconds that are still to be watched.
    clock, sleep : callable
        Seconds of a clock that is never set, and how to wait.
    """
    asked = {session.uid: session for session in sessions if session.outside}
    if not asked:
        return []
    watch = Renewals(seconds=seconds, gap=3 * every)
    watch = watch.look({uid: session.version for uid, session in asked.items()}, clock())
    end = clock() + MOST * seconds
    while watch.undecided and clock() < end:
        if tell is not None:
            tell(watch.waiting, watch.left)
        sleep(every)
        try:
            leases = cluster.list("Lease", selector=sessions_selector(), all_namespaces=all_namespaces)
        except ClusterError:
            # Who cannot see the Leases does not watch them: the gap tells.
            logger.debug("the Leases were not seen", exc_info=True)
            continue
        found = {lease["metadata"]["uid"]: lease["metadata"].get("resourceVersion", "") for lease in leases}
        watch = watch.look(found, clock())
    return [replace(asked[uid], dead=True) for uid in asked if uid in watch.silent]
