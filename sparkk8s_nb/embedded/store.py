"""The state of the cluster, in memory: objects, resource versions, and what happened recently.

Pure: no I/O, no threads, no clock of its own. Objects that are in the store are never changed in place;
whoever wants a change hands in a new object. So an object may be given to a hundred watchers without a
copy, and a change can be told from its predecessor.

Every change has a number, the resource version, which only grows. The last ``history`` changes are kept:
a watch is a cursor (a number) into them, and one that has fallen behind the oldest is *expired* (410),
as on a real API server after etcd has compacted.
"""

from __future__ import annotations

import json
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Literal

from sparkk8s_nb.embedded import status
from sparkk8s_nb.embedded.objects import (
    Object,
    copy,
    name_of,
    namespace_of,
    owners_of,
    timestamp,
    uid_of,
)
from sparkk8s_nb.embedded.resources import Resource

ChangeType = Literal["ADDED", "MODIFIED", "DELETED"]


@dataclass(slots=True, kw_only=True, eq=False)
class Change:
    """One thing that happened. ``previous`` is the object before (None for ADDED)."""

    version: int
    type: ChangeType
    resource: Resource
    obj: Object
    previous: Object | None
    _encoded: bytes | None = field(default=None, repr=False)

    def encoded(self) -> bytes:
        """The object as JSON, encoded once for all watchers."""
        if self._encoded is None:
            self._encoded = json.dumps(self.obj, separators=(",", ":")).encode()
        return self._encoded


Key = tuple[str, str]


class Store:
    """Objects of all kinds.

    Parameters
    ----------
    clock : callable
        Gives the present moment (for ``creationTimestamp``).
    first_version : int
        Where resource versions start. A daemon starts above every version that an earlier daemon gave,
        so that a client's old cursor is expired rather than wrongly valid.
    history : int
        Number of changes to keep for watches.

    Examples
    --------
    >>> from datetime import UTC
    >>> from sparkk8s_nb.embedded.resources import CONFIG_MAPS
    >>> store = Store(clock=lambda: datetime(2030, 1, 1, tzinfo=UTC))
    >>> made = store.create(CONFIG_MAPS, {"metadata": {"name": "a", "namespace": "default"}})
    >>> made["metadata"]["resourceVersion"], len(store.all(CONFIG_MAPS))
    ('2', 1)
    """

    def __init__(self, *, clock: Callable[[], datetime], first_version: int = 1, history: int = 4000) -> None:
        self._clock = clock
        self._version = first_version
        self._expired_below = first_version
        self._history: deque[Change] = deque(maxlen=history)
        self._objects: dict[str, dict[Key, Object]] = {}
        self._by_uid: dict[str, tuple[Resource, Key]] = {}
        self._dependents: dict[str, dict[str, tuple[Resource, Key]]] = {}
        self._listeners: list[Callable[[Change], None]] = []

    @property
    def version(self) -> int:
        """The number of the latest change."""
        return self._version

    def subscribe(self, listener: Callable[[Change], None]) -> Callable[[], None]:
        """Call ``listener`` after every change; returns what ends that. Listeners must not raise."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def find(self, resource: Resource, namespace: str, name: str) -> Object | None:
        """The object, or None. Do not change it."""
        return self._objects.get(resource.qualified, {}).get((namespace, name))

    def get(self, resource: Resource, namespace: str, name: str) -> Object:
        """The object. Do not change it.

        Raises
        ------
        StatusError
            404 if there is none.
        """
        found = self.find(resource, namespace, name)
        if found is None:
            raise status.not_found(resource, name)
        return found

    def all(self, resource: Resource, namespace: str | None = None) -> list[Object]:
        """All objects of a kind (of one namespace), ordered by namespace and name."""
        objects = self._objects.get(resource.qualified, {})
        keys = sorted(key for key in objects if namespace is None or key[0] == namespace)
        return [objects[key] for key in keys]

    def list_at(self, resource: Resource, namespace: str | None, version: int) -> list[Object]:
        """What :meth:`all` gave when ``version`` was the latest change (for paged lists).

        Raises
        ------
        StatusError
            410 if the store no longer knows.
        """
        changes = list(self.changes_after(version))
        objects = dict(self._objects.get(resource.qualified, {}))
        for change in reversed(changes):
            if change.resource is not resource:
                continue
            key = (namespace_of(change.obj), name_of(change.obj))
            if change.previous is None:
                objects.pop(key, None)
            else:
                objects[key] = change.previous
        keys = sorted(key for key in objects if namespace is None or key[0] == namespace)
        return [objects[key] for key in keys]

    def count(self, resource: Resource) -> int:
        """How many objects of a kind there are."""
        return len(self._objects.get(resource.qualified, {}))

    def by_uid(self, uid: str) -> tuple[Resource, Object] | None:
        """The object with that uid, of whatever kind."""
        found = self._by_uid.get(uid)
        return None if found is None else (found[0], self._objects[found[0].qualified][found[1]])

    def dependents(self, uid: str) -> Iterable[tuple[Resource, Object]]:
        """The objects whose ownerReferences name that uid."""
        return [
            (resource, self._objects[resource.qualified][key])
            for resource, key in self._dependents.get(uid, {}).values()
        ]

    def create(self, resource: Resource, obj: Object) -> Object:
        """Store a new object; uid, creation time and version are given here.

        Raises
        ------
        StatusError
            409 if the name is taken.
        """
        key = (namespace_of(obj), name_of(obj))
        if key in self._objects.get(resource.qualified, {}):
            raise status.already_exists(resource, name_of(obj))
        obj = {"apiVersion": resource.api_version, "kind": resource.kind, **obj}
        metadata = dict(obj["metadata"])
        metadata["uid"] = str(uuid.uuid4())
        metadata["creationTimestamp"] = timestamp(self._clock())
        obj["metadata"] = metadata
        return self._put("ADDED", resource, key, obj, previous=None)

    def replace(self, resource: Resource, obj: Object) -> Object:
        """Store a changed object; identity stays, equal content changes nothing (nor the version).

        Raises
        ------
        StatusError
            404 if there is none; 409 if ``metadata.resourceVersion`` (or uid) is given and not the
            stored one.
        """
        name = name_of(obj)
        key = (namespace_of(obj), name)
        previous = self.get(resource, *key)
        old, metadata = previous["metadata"], dict(obj["metadata"])
        if metadata.get("uid") not in (None, "", old["uid"]):
            why = f"Precondition failed: UID in precondition: {metadata['uid']}, UID in object meta: {old['uid']}"
            raise status.conflict(resource, name, why)
        if metadata.get("resourceVersion") not in (None, "", old["resourceVersion"]):
            raise status.conflict(resource, name)
        metadata["uid"] = old["uid"]
        metadata["creationTimestamp"] = old["creationTimestamp"]
        metadata["resourceVersion"] = old["resourceVersion"]
        obj = {
            "apiVersion": resource.api_version,
            "kind": resource.kind,
            **{k: v for k, v in obj.items() if k not in ("apiVersion", "kind")},
            "metadata": metadata,
        }
        if obj == previous:
            return previous
        return self._put("MODIFIED", resource, key, obj, previous=previous)

    def remove(self, resource: Resource, namespace: str, name: str) -> Object:
        """Take an object out; returns it with the version of its deletion.

        Raises
        ------
        StatusError
            404 if there is none.
        """
        previous = self.get(resource, namespace, name)
        del self._objects[resource.qualified][(namespace, name)]
        self._by_uid.pop(uid_of(previous), None)
        self._unlink(previous)
        return self._emit("DELETED", resource, copy(previous), previous)

    def changes_after(self, version: int) -> Iterator[Change]:
        """What happened after a version, oldest first.

        Raises
        ------
        StatusError
            410 if the store no longer knows.
        """
        if version < self._expired_below:
            raise status.expired(f"too old resource version: {version} ({self._expired_below})")
        if version >= self._version:
            return iter(())
        behind = min(self._version - version, len(self._history))
        return iter(list(islice(reversed(self._history), behind))[::-1])

    def _put(
        self, kind: ChangeType, resource: Resource, key: Key, obj: Object, *, previous: Object | None
    ) -> Object:
        self._objects.setdefault(resource.qualified, {})[key] = obj
        if previous is not None:
            self._unlink(previous)
        self._by_uid[uid_of(obj)] = (resource, key)
        for owner in owners_of(obj):
            self._dependents.setdefault(str(owner.get("uid")), {})[uid_of(obj)] = (resource, key)
        return self._emit(kind, resource, obj, previous)

    def _unlink(self, obj: Object) -> None:
        for owner in owners_of(obj):
            known = self._dependents.get(str(owner.get("uid")), {})
            known.pop(uid_of(obj), None)
            if not known:
                self._dependents.pop(str(owner.get("uid")), None)

    def _emit(self, kind: ChangeType, resource: Resource, obj: Object, previous: Object | None) -> Object:
        self._version += 1
        obj["metadata"]["resourceVersion"] = str(self._version)
        if len(self._history) == self._history.maxlen:
            self._expired_below = self._history[0].version
        change = Change(version=self._version, type=kind, resource=resource, obj=obj, previous=previous)
        self._history.append(change)
        for listener in list(self._listeners):
            listener(change)
        return obj
