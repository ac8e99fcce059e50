"""The API's Events: what happened to a pod, in a few fields."""

from __future__ import annotations

from collections.abc import Iterable

from sparkk8s_nb.model.executors import PodEvent
from sparkk8s_nb.model.timestamps import epoch
from sparkk8s_nb.ports import Manifest


def pod_events(manifests: Iterable[Manifest]) -> tuple[PodEvent, ...]:
    """What Events say, the oldest first.

    One that happened again is the same object with a later time: which field holds it depends on who wrote it.

    Examples
    --------
    >>> old = {"reason": "Pulling", "message": "x", "lastTimestamp": "1970-01-01T00:01:00Z"}
    >>> new = {"reason": "Pulled", "eventTime": "1970-01-01T00:02:00.5Z", "metadata": {}}
    >>> [(event.reason, event.at) for event in pod_events([new, old])]
    [('Pulling', 60.0), ('Pulled', 120.5)]
    """
    return tuple(sorted(map(_pod_event, manifests), key=lambda event: (event.at, event.reason)))


def _pod_event(manifest: Manifest) -> PodEvent:
    times = (
        (manifest.get("series") or {}).get("lastObservedTime"),
        manifest.get("lastTimestamp"),
        manifest.get("eventTime"),
        manifest.get("firstTimestamp"),
        (manifest.get("metadata") or {}).get("creationTimestamp"),
    )
    return PodEvent(
        reason=str(manifest.get("reason") or ""),
        message=str(manifest.get("message") or ""),
        at=epoch(next(filter(None, times), None)),
    )
