"""The objects of a cluster in memory: kept by name, chosen by labels, collected when what owns them is gone."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

from sparkk8s_nb.errors import ClusterError
from sparkk8s_nb.ports import Manifest

Key = tuple[str, str, str]

_API_VERSIONS = {"Lease": "coordination.k8s.io/v1", "EndpointSlice": "discovery.k8s.io/v1"}
_CLUSTER_WIDE = frozenset({"Namespace", "Node"})


class ObjectStore:
    """Objects by kind, namespace and name. What it gives are its own: whoever has it copies, and locks.

    Examples
    --------
    >>> store = ObjectStore()
    >>> store.put({"kind": "Pod", "metadata": {"name": "p", "labels": {"a": "1"}}}, "team")["metadata"]["uid"]
    'uid-1'
    >>> [pod["metadata"]["name"] for pod in store.chosen("Pod", "a=1", "team")]
    ['p']
    """

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._objects: dict[Key, Manifest] = {}

    def number(self) -> int:
        """A number that nothing else here has."""
        return next(self._numbers)

    def stamped(self, manifest: Manifest, namespace: str) -> Manifest:
        """The object with what a server fills in; ``namespace`` where it names none."""
        number = self.number()
        metadata = manifest["metadata"]
        manifest.setdefault("apiVersion", _API_VERSIONS.get(manifest["kind"], "v1"))
        if manifest["kind"] not in _CLUSTER_WIDE:
            metadata.setdefault("namespace", namespace)
        metadata.setdefault("uid", f"uid-{number}")
        metadata.setdefault("creationTimestamp", "2026-01-01T00:00:00Z")
        metadata["resourceVersion"] = str(number)
        return manifest

    def put(self, manifest: Manifest, namespace: str) -> Manifest:
        """Make an object, or replace the one of its name."""
        stored = self.stamped(manifest, namespace)
        self._objects[_key_of(stored)] = stored
        return stored

    def change(self, manifest: Manifest) -> Manifest:
        """Replace an object by its next version."""
        manifest["metadata"]["resourceVersion"] = str(self.number())
        self._objects[_key_of(manifest)] = manifest
        return manifest

    def find(self, kind: str, name: str, namespace: str) -> Manifest | None:
        """An object; None if there is none."""
        return self._objects.get(_key(kind, name, namespace))

    def remove(self, manifest: Manifest) -> None:
        """Delete an object; what it owns goes with the next :meth:`collect`."""
        del self._objects[_key_of(manifest)]

    def chosen(self, kind: str, selector: str, namespace: str | None) -> Sequence[Manifest]:
        """The objects that a label selector chooses, ordered by name; in all namespaces without one."""
        return [
            manifest
            for (found, place, _), manifest in sorted(self._objects.items())
            if found == kind
            and (namespace is None or place in {"", namespace})
            and chooses(selector, manifest["metadata"].get("labels") or {})
        ]

    def collect(self) -> None:
        """Remove what has owners none of which exists; again, until nothing more goes."""
        while True:
            living = {manifest["metadata"]["uid"] for manifest in self._objects.values()}
            orphans = [
                manifest
                for manifest in self._objects.values()
                if (owners := manifest["metadata"].get("ownerReferences"))
                and not any(owner["uid"] in living for owner in owners)
            ]
            if not orphans:
                return
            for orphan in orphans:
                self.remove(orphan)


def chooses(selector: str, labels: Mapping[str, str]) -> bool:
    """Whether a selector of ``k=v``, ``k!=v``, ``k`` and ``!k`` chooses these labels.

    >>> chooses("a=1,!b", {"a": "1"}), chooses("a!=1", {"a": "1"})
    (True, False)
    """
    for term in filter(None, (part.strip() for part in selector.split(","))):
        key, operator, value = term.partition("!=")
        if operator:
            good = labels.get(key) != value
        else:
            key, operator, value = term.partition("=")
            if operator:
                good = labels.get(key) == value.lstrip("=")
            else:
                good = (key.removeprefix("!") in labels) != key.startswith("!")
        if " in " in term or " notin " in term:
            raise ClusterError(f"The fake does not know the selector {term}.", fix="Use k=v.")
        if not good:
            return False
    return True


def _key(kind: str, name: str, namespace: str) -> Key:
    return kind, "" if kind in _CLUSTER_WIDE else namespace, name


def _key_of(manifest: Manifest) -> Key:
    metadata = manifest["metadata"]
    return _key(manifest["kind"], metadata["name"], metadata.get("namespace", ""))
