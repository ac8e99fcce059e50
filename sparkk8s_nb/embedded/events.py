"""Events: recording our own, and the two faces that the API shows of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sparkk8s_nb.embedded import resources
from sparkk8s_nb.embedded.objects import (
    Object,
    micro_timestamp,
    name_of,
    namespace_of,
    parse_time,
    timestamp,
    uid_of,
)
from sparkk8s_nb.embedded.resources import Resource
from sparkk8s_nb.embedded.status import StatusError
from sparkk8s_nb.embedded.store import Store

#: events live this long, as on a real API server
LIFETIME_SECONDS = 3600


class Recorder:
    """Writes events; the same event again only raises the count of the first.

    Parameters
    ----------
    store : Store
        Where events go.
    component : str
        Who reports, such as ``kubelet``.
    clock : callable
        Gives the present moment.
    """

    def __init__(self, store: Store, component: str, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._component = component
        self._clock = clock
        self._known: dict[tuple[str, str, str], tuple[str, str]] = {}
        self._serial = 0

    def record(
        self, resource: Resource, about: Object, reason: str, message: str, *, warning: bool = False
    ) -> None:
        """Note that something happened to an object."""
        now = self._clock()
        namespace = namespace_of(about) or "default"
        key = (uid_of(about), reason, message)
        known = self._known.get(key)
        old = self._store.find(resources.EVENTS, *known) if known else None
        if old is not None:
            count = int(old.get("count", 1)) + 1
            self._store.replace(resources.EVENTS, {**old, "count": count, "lastTimestamp": timestamp(now)})
            return
        self._serial += 1
        name = f"{name_of(about)[:200]}.{int(now.timestamp() * 1e6):x}{self._serial:x}"
        if len(self._known) > 5000:
            self._known.clear()
        self._known[key] = (namespace, name)
        source: dict[str, str] = {"component": self._component}
        self._store.create(
            resources.EVENTS,
            {
                "metadata": {"name": name, "namespace": namespace},
                "involvedObject": {
                    "kind": resource.kind,
                    "namespace": namespace_of(about),
                    "name": name_of(about),
                    "uid": uid_of(about),
                    "apiVersion": resource.api_version,
                    "resourceVersion": about["metadata"].get("resourceVersion", ""),
                },
                "reason": reason,
                "message": message,
                "source": source,
                "firstTimestamp": timestamp(now),
                "lastTimestamp": timestamp(now),
                "count": 1,
                "type": "Warning" if warning else "Normal",
                "eventTime": None,
                "reportingComponent": self._component,
                "reportingInstance": "",
            },
        )


def prune(store: Store, now: datetime) -> int:
    """Remove events that are older than an hour; returns how many."""
    old = [
        each
        for each in store.all(resources.EVENTS)
        if (now - _last(each, now)).total_seconds() > LIFETIME_SECONDS
    ]
    for each in old:
        store.remove(resources.EVENTS, namespace_of(each), name_of(each))
    return len(old)


def _last(event: Object, now: datetime) -> datetime:
    text = event.get("lastTimestamp") or event.get("eventTime") or event["metadata"]["creationTimestamp"]
    try:
        return parse_time(str(text))
    except ValueError:
        return now


_RENAMED = {"message": "note", "involvedObject": "regarding", "source": "deprecatedSource"} | {
    "firstTimestamp": "deprecatedFirstTimestamp",
    "lastTimestamp": "deprecatedLastTimestamp",
    "count": "deprecatedCount",
    "reportingComponent": "reportingController",
}


def to_new(event: Object) -> Object:
    """A stored (core/v1) event as ``events.k8s.io/v1`` shows it.

    >>> to_new({"message": "m", "reason": "r"})["note"]
    'm'
    """
    shown = {_RENAMED.get(key, key): value for key, value in event.items()}
    return {**shown, "apiVersion": resources.NEW_EVENTS.api_version}


def from_new(event: Any) -> Any:
    """An ``events.k8s.io/v1`` body as it is stored.

    >>> from_new({"note": "m"})["message"]
    'm'
    """
    if not isinstance(event, dict):
        return event
    back = {new: old for old, new in _RENAMED.items()}
    stored = {back.get(key, key): value for key, value in event.items()}
    stored["apiVersion"] = resources.EVENTS.api_version
    return stored


def check(event: Object, clock: Callable[[], datetime]) -> None:
    """Refuse an event about nothing, and give one its times.

    Raises
    ------
    StatusError
        422 where namespaces differ.
    """
    involved = event.get("involvedObject") or {}
    wanted = involved.get("namespace") or "default"
    if wanted != event["metadata"].get("namespace"):
        name = event["metadata"].get("name")
        why = "involvedObject.namespace: does not match event.namespace"
        raise StatusError(422, "Invalid", f'Event "{name}" is invalid: {why}')
    if not event.get("eventTime") and not event.get("firstTimestamp"):
        event["eventTime"] = micro_timestamp(clock())
