"""Kubernetes Events on a session's Lease: what ``kubectl describe lease`` and an administrator's tools show of it."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

from sparkk8s_nb.model.labels import PREFIX

STARTED = "SessionStarted"
START_FAILED = "SessionStartFailed"
STOPPED = "SessionStopped"
LOST = "SessionLost"
EXECUTOR_FAILED = "ExecutorFailed"
GIVEN_UP = "ExecutorsGivenUp"
DRIVER_FAILED = "DriverFailed"
KERNEL_GONE = "KernelGone"

TROUBLE = frozenset({START_FAILED, LOST, EXECUTOR_FAILED, GIVEN_UP, DRIVER_FAILED, KERNEL_GONE})
"""Reasons that are warnings."""

MESSAGE = 1000
"""The API server takes 1024 bytes of a message."""


def lease_event(
    lease: str, namespace: str, uid: str, reason: str, message: str, *, labels: Mapping[str, str], now: float
) -> dict[str, Any]:
    """An Event (core/v1, which ``kubectl describe`` finds by its object).

    Parameters
    ----------
    lease, namespace, uid : str
        The Lease that it is about.
    reason : str
        One of this module's.
    message : str
        For people; it is cut to what the API server takes.
    labels : Mapping
    now : float
        Seconds since the epoch.

    Examples
    --------
    >>> event = lease_event("s", "team", "u", STARTED, "2 executors", labels={}, now=60.5)
    >>> event["type"], event["lastTimestamp"], event["metadata"]["name"]
    ('Normal', '1970-01-01T00:01:00Z', 's.sessionstarted.39b2820')
    """
    moment = datetime.datetime.fromtimestamp(now, tz=datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    words = " ".join(message.split()).encode()
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {
            "name": f"{lease}.{reason.lower()}.{int(now * 1e6):x}",
            "namespace": namespace,
            "labels": dict(labels),
        },
        "involvedObject": {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "name": lease,
            "namespace": namespace,
            "uid": uid,
        },
        "reason": reason,
        "message": words[:MESSAGE].decode(errors="ignore"),
        "type": "Warning" if reason in TROUBLE else "Normal",
        "source": {"component": PREFIX},
        "firstTimestamp": moment,
        "lastTimestamp": moment,
        "count": 1,
    }
