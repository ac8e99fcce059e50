"""Garbage collection: what has lost all its owners goes, whoever waits for dependents is released.

An owner counts only by its uid and in the dependent's own namespace (or as a kind of the whole cluster);
one in another namespace counts as absent, as on a real cluster. Owners of kinds that this cluster does
not know are left alone.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from sparkk8s_nb.embedded import resources
from sparkk8s_nb.embedded.deletion import FOREGROUND, ORPHAN, DeleteOptions, delete
from sparkk8s_nb.embedded.objects import (
    Object,
    finalizers_of,
    is_deleting,
    name_of,
    namespace_of,
    owners_of,
    uid_of,
)
from sparkk8s_nb.embedded.registry import Registry
from sparkk8s_nb.embedded.resources import STORED, Resource
from sparkk8s_nb.embedded.status import StatusError
from sparkk8s_nb.embedded.store import Change

log = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True, eq=False)
class Collector:
    """Follows the changes of the store and deletes what has to go."""

    registry: Registry
    _queue: deque[Change] = field(default_factory=deque)
    _wake: asyncio.Event = field(default_factory=asyncio.Event)

    def _changed(self, change: Change) -> None:
        obj = change.obj
        if change.type == "DELETED" or owners_of(obj) or is_deleting(obj):
            self._queue.append(change)
            self._wake.set()

    def listen(self) -> Callable[[], None]:
        """Begin to note changes; returns what ends that."""
        return self.registry.store.subscribe(self._changed)

    async def run(self) -> None:
        """Collect until cancelled."""
        unsubscribe = self.listen()
        try:
            while True:
                self._wake.clear()
                self.collect()
                await self._wake.wait()
        finally:
            unsubscribe()

    def collect(self) -> None:
        """Work through what has changed since the last call."""
        while self._queue:
            change = self._queue.popleft()
            if change.type == "DELETED":
                self._owner_gone(change.obj)
                self._namespace_content_gone(change.obj)
                continue
            found = self.registry.store.by_uid(uid_of(change.obj))
            if found is None:
                continue
            if is_deleting(found[1]):
                self._release(*found)
            else:
                self._check_owners(*found)

    def _owner_gone(self, owner: Object) -> None:
        for resource, dependent in self.registry.store.dependents(uid_of(owner)):
            self._check_owners(resource, dependent)
        for reference in owners_of(owner):
            waiting = self.registry.store.by_uid(str(reference.get("uid")))
            if waiting is not None and is_deleting(waiting[1]):
                self._release(*waiting)

    def _check_owners(self, resource: Resource, obj: Object) -> None:
        """Delete an object without a living owner; drop references to dead ones of several."""
        references = owners_of(obj)
        alive = [each for each in references if self._is_alive(each, obj)]
        if not references or len(alive) == len(references) or is_deleting(obj):
            return
        if alive:
            self.registry.store.replace(
                resource, {**obj, "metadata": {**obj["metadata"], "ownerReferences": alive}}
            )
            return
        log.info("collecting %s %s/%s", resource.plural, namespace_of(obj), name_of(obj))
        self._delete(resource, obj, "Background")

    def _is_alive(self, reference: Object, dependent: Object) -> bool:
        known = resources.by_kind(str(reference.get("apiVersion")), str(reference.get("kind")))
        if known is None:
            return True
        found = self.registry.store.by_uid(str(reference.get("uid")))
        if found is None or found[0] is not known or name_of(found[1]) != reference.get("name"):
            return False
        return not known.namespaced or namespace_of(found[1]) == namespace_of(dependent)

    def _delete(self, resource: Resource, obj: Object, propagation: str) -> None:
        options = DeleteOptions(uid=uid_of(obj), propagation=propagation)
        try:
            delete(self.registry, resource, namespace_of(obj), name_of(obj), options)
        except StatusError as error:
            log.info("%s %s was not collected: %s", resource.plural, name_of(obj), error)

    def _release(self, resource: Resource, obj: Object) -> None:
        """Do what the finalizers of a deletion ask for, and take them off."""
        if resource is resources.NAMESPACES:
            self._empty(obj)
            return
        finalizers = finalizers_of(obj)
        dependents = list(self.registry.store.dependents(uid_of(obj)))
        if ORPHAN in finalizers:
            for kind, dependent in dependents:
                kept = [each for each in owners_of(dependent) if each.get("uid") != uid_of(obj)]
                self.registry.store.replace(
                    kind, {**dependent, "metadata": {**dependent["metadata"], "ownerReferences": kept}}
                )
            self._take_off(resource, obj, ORPHAN)
        elif FOREGROUND in finalizers:
            for kind, dependent in dependents:
                if not is_deleting(dependent):
                    self._delete(kind, dependent, "Background")
            left = self.registry.store.dependents(uid_of(obj))
            if not any(_blocks(dependent, obj) for _, dependent in left):
                self._take_off(resource, obj, FOREGROUND)

    def _take_off(self, resource: Resource, obj: Object, finalizer: str) -> None:
        current = self.registry.store.find(resource, namespace_of(obj), name_of(obj))
        if current is None or uid_of(current) != uid_of(obj):
            return
        kept = [each for each in finalizers_of(current) if each != finalizer]
        metadata = {**current["metadata"], "finalizers": kept}
        self.registry.settle(
            resource, self.registry.store.replace(resource, {**current, "metadata": metadata})
        )

    def _empty(self, namespace: Object) -> None:
        """Delete all that a namespace holds, then the namespace."""
        left = 0
        for resource in STORED:
            if resource.namespaced:
                for each in self.registry.store.all(resource, name_of(namespace)):
                    if not is_deleting(each):
                        self._delete(resource, each, "Background")
                left += len(self.registry.store.all(resource, name_of(namespace)))
        if left == 0 and self.registry.store.find(resources.NAMESPACES, "", name_of(namespace)) is not None:
            self.registry.store.remove(resources.NAMESPACES, "", name_of(namespace))

    def _namespace_content_gone(self, obj: Object) -> None:
        if not namespace_of(obj):
            return
        namespace = self.registry.store.find(resources.NAMESPACES, "", namespace_of(obj))
        if namespace is not None and is_deleting(namespace):
            self._empty(namespace)


def _blocks(dependent: Object, owner: Object) -> bool:
    return any(
        each.get("uid") == uid_of(owner) and each.get("blockOwnerDeletion") for each in owners_of(dependent)
    )
