"""The Lease that is a session: its manifest, its owner reference, its renewal."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from sparkk8s_nb.errors import ConflictError, InvalidError, NotFoundError
from sparkk8s_nb.kube.kinds import kind_of
from sparkk8s_nb.ports import Cluster, Manifest


class Renewal(StrEnum):
    """How a renewal went: done, or the Lease is gone or another's."""

    RENEWED = "renewed"
    LOST = "lost"


def micro_time(seconds: float) -> str:
    """A moment as Kubernetes' MicroTime.

    >>> micro_time(60.5)
    '1970-01-01T00:01:00.500000Z'
    """
    moment = datetime.datetime.fromtimestamp(seconds, tz=datetime.UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def lease_manifest(
    name: str,
    namespace: str,
    *,
    labels: Mapping[str, str],
    annotations: Mapping[str, str],
    holder: str,
    duration_seconds: int,
    now: float,
    owner: Mapping[str, Any] | None = None,
) -> Manifest:
    """The Lease of a new session.

    Parameters
    ----------
    name, namespace : str
    labels, annotations : Mapping
        The annotations carry the session's record.
    holder : str
        Who renews it.
    duration_seconds : int
        After that long without a renewal others may wonder; it proves nothing.
    now : float
        Seconds since the epoch.
    owner : Mapping, optional
        The ownerReference of the notebook's pod, only where that pod is in the same namespace.
    """
    metadata: Manifest = {
        "name": name,
        "namespace": namespace,
        "labels": dict(labels),
        "annotations": dict(annotations),
    }
    if owner is not None:
        metadata["ownerReferences"] = [dict(owner)]
    return {
        "apiVersion": kind_of("Lease").api_version,
        "kind": "Lease",
        "metadata": metadata,
        "spec": {
            "holderIdentity": holder,
            "leaseDurationSeconds": duration_seconds,
            "acquireTime": micro_time(now),
            "renewTime": micro_time(now),
        },
    }


def owner_reference(owner: Mapping[str, Any]) -> dict[str, Any]:
    """The ownerReference that ties an object's life to ``owner``, a Lease or a Pod as the server stored it.

    Never ``blockOwnerDeletion``: it needs a right that many users lack, and would hold up the owner.

    >>> owner_reference({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "nb", "uid": "u"}})
    {'apiVersion': 'v1', 'kind': 'Pod', 'name': 'nb', 'uid': 'u', 'controller': False}
    """
    metadata = owner["metadata"]
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": metadata["name"],
        "uid": metadata["uid"],
        "controller": False,
    }


def renew(cluster: Cluster, name: str, *, uid: str, now: float) -> Renewal:
    """Renew the Lease, if it is still the one with that uid.

    Raises
    ------
    ClusterError
        If the API server does not answer: that says nothing about the Lease.
    """
    # A uid in a patch's metadata is compared: the server answers 422 for another object, which may not change
    # it, and some servers 409.
    patch = {"metadata": {"uid": uid}, "spec": {"renewTime": micro_time(now)}}
    try:
        renewed = cluster.merge("Lease", name, patch)
    except (NotFoundError, ConflictError):
        return Renewal.LOST
    except InvalidError as error:
        if "metadata.uid" not in error.problem:
            raise
        return Renewal.LOST
    return Renewal.RENEWED if renewed["metadata"]["uid"] == uid else Renewal.LOST
