"""Sessions that others left: found by their Leases, removed only when their process is proven dead.

Proven by this machine (that process is not there, on this boot), by the API (the pod that held the session is
gone, or its container has ended or been restarted) or, for those held outside of the cluster, by a watch over
their Leases (:mod:`~sparkk8s_nb.session.lease_watch`). An old renewTime proves nothing: a closed lid, a paused
machine or an API server that was away expires every Lease, and clocks differ.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sparkk8s_nb.errors import ClusterError, RefusedError, SparkK8sError
from sparkk8s_nb.model.labels import NOTEBOOK, OWNER, USAGE, session_selector, sessions_selector
from sparkk8s_nb.model.record import Holder, SessionRecord, container_ended, parse_record
from sparkk8s_nb.model.usage import Usage, parse_usage
from sparkk8s_nb.ports import Cluster
from sparkk8s_nb.processes import boot_id, proven_dead
from sparkk8s_nb.session.cluster_objects import record_of

OWNED_KINDS = ("Pod", "Service", "EndpointSlice", "Secret", "ConfigMap")


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundSession:
    """A session as its Lease tells it.

    Parameters
    ----------
    name, uid, owner, notebook, namespace : str
        From the Lease itself.
    record : SessionRecord or None
        None where the annotation is missing or unreadable.
    renewed : str
        The Lease's renewTime, as it stands there.
    dead : bool
        Whether its process is proven dead, by this machine or by the API.
    here : bool
        Whether its process is of this boot of this machine, so that it can be told.
    version : str
        Its Lease's resourceVersion.
    usage : Usage or None
        What its executors had used when its Lease was last renewed; None where that is not known.
    """

    name: str
    uid: str
    owner: str
    notebook: str
    namespace: str
    record: SessionRecord | None
    renewed: str
    dead: bool
    here: bool = False
    version: str = ""
    usage: Usage | None = None

    @property
    def outside(self) -> bool:
        """Whether nobody but its Lease's renewals can tell of it: its process is on another machine, in no pod."""
        record = self.record
        return record is not None and not (self.dead or self.here or record.readonly or record.holder.pod)


def find_sessions(
    cluster: Cluster, owner: str | None = None, *, all_namespaces: bool = False
) -> list[FoundSession]:
    """The sessions in the namespace, of one owner or of all."""
    leases = cluster.list("Lease", selector=sessions_selector(owner), all_namespaces=all_namespaces)
    pods = _HolderPods(cluster)
    return [_found(lease, pods) for lease in leases]


def remove_own(cluster: Cluster, owner: str, notebook: str) -> list[str]:
    """Remove this notebook's own sessions whose kernel is proven dead; returns their names."""
    removed = []
    for session in find_sessions(cluster, owner):
        if session.notebook == notebook and session.dead:
            remove(cluster, session)
            removed.append(session.name)
    return removed


def remove(cluster: Cluster, session: FoundSession) -> None:
    """Remove a session: its pods, what its Lease owns, and the Lease, if it is still the one we saw."""
    selector = session_selector(session.name)
    for kind in OWNED_KINDS:
        # What we may not delete by label goes with the Lease.
        with contextlib.suppress(RefusedError):
            for item in cluster.list(kind, selector=selector):
                cluster.delete(kind, item["metadata"]["name"], grace=0 if kind == "Pod" else None)
    cluster.delete("Lease", session.name, uid=session.uid)


def still_proven(
    cluster: Cluster, sessions: Sequence[FoundSession]
) -> tuple[list[FoundSession], list[FoundSession]]:
    """Look again at sessions that were proven dead: those that still are, and those that are not.

    A session that only its Lease's renewals can tell of is still dead if its Lease has not changed since.
    """
    now = {found.uid: found for found in find_sessions(cluster)}

    def proven(session: FoundSession) -> bool:
        found = now.get(session.uid)
        return found is not None and (found.dead or (found.outside and found.version == session.version))

    return [each for each in sessions if proven(each)], [each for each in sessions if not proven(each)]


def remove_all(cluster: Cluster, sessions: Sequence[FoundSession]) -> list[str]:
    """Remove several; returns what could not be removed, in words."""
    failures = []
    for session in sessions:
        try:
            remove(cluster, session)
        except ClusterError as error:
            failures.append(f"{session.name}: {error.problem}")
    return failures


class _HolderPods:
    """The pods that hold sessions, each looked up once."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._ended: dict[Holder, bool] = {}

    def ended(self, holder: Holder) -> bool:
        """Whether a session's container is proven to have ended; a pod that we may not read proves nothing."""
        if not holder.pod:
            return False
        if holder not in self._ended:
            there = self._cluster.in_namespace(holder.pod_namespace)
            try:
                self._ended[holder] = container_ended(holder, there.read("Pod", holder.pod_name))
            except RefusedError:
                self._ended[holder] = False
        return self._ended[holder]


def _found(lease: dict[str, Any], pods: _HolderPods) -> FoundSession:
    meta = lease["metadata"]
    labels = meta.get("labels") or {}
    try:
        record = parse_record(record_of(lease))
    except SparkK8sError:
        record = None
    return FoundSession(
        name=meta["name"],
        uid=meta["uid"],
        owner=labels.get(OWNER, ""),
        notebook=labels.get(NOTEBOOK, ""),
        namespace=meta["namespace"],
        record=record,
        renewed=lease.get("spec", {}).get("renewTime") or "",
        dead=record is not None
        and not record.readonly
        and (proven_dead(record) or pods.ended(record.holder)),
        here=record is not None and record.holder.boot == boot_id(),
        version=meta.get("resourceVersion", ""),
        usage=parse_usage((meta.get("annotations") or {}).get(USAGE, "")),
    )
