"""A Kubernetes API in memory."""
# ruff: noqa: ARG002 (a fake takes what the real one takes)

from __future__ import annotations

import copy
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sparkk8s_nb.errors import ConflictError, InvalidError, NotFoundError
from sparkk8s_nb.model.executors import PodEvent
from sparkk8s_nb.model.spec import ClusterAccess, ClusterTarget, TargetKind
from sparkk8s_nb.ports import Manifest
from sparkk8s_nb.testing.objects import ObjectStore


@dataclass(slots=True)
class _Failure:
    verb: str
    kind: str
    error: Exception
    times: int | None


@dataclass(frozen=True, slots=True)
class Call:
    """One request that a fake got: ``create``, ``Pod``, its name or selector."""

    verb: str
    kind: str
    name: str = ""


class FakeCluster:
    """A cluster in memory (the :class:`~sparkk8s_nb.ports.Cluster` protocol). Thread-safe.

    A deleted object takes what it owns with it at once; an object made with an owner that does not exist is
    gone at once, as the collector of a real cluster would have it.

    Parameters
    ----------
    namespace : str
    objects : iterable of Manifest
        What is there to begin with.
    kind : TargetKind
        Which kind of cluster it passes for.

    Examples
    --------
    >>> cluster = FakeCluster()
    >>> cluster.fail("create", "Pod", InvalidError("No image.", fix="Name one."))
    >>> cluster.create({"kind": "Pod", "metadata": {"name": "p"}})
    Traceback (most recent call last):
        ...
    sparkk8s_nb.errors.InvalidError: No image.
    Name one.
    """

    def __init__(
        self,
        namespace: str = "default",
        objects: Iterable[Manifest] = (),
        *,
        kind: TargetKind = TargetKind.EMBEDDED,
    ) -> None:
        self._target = ClusterTarget(kind=kind, namespace=namespace)
        self._access = ClusterAccess(server="https://127.0.0.1:6443", token_file=Path("/nonexistent/token"))
        self._lock = threading.RLock()
        self._objects = ObjectStore()
        self._failures: list[_Failure] = []
        self._denied: set[tuple[str, str]] = set()
        self.logs: dict[str, str] = {}
        self.events: dict[str, Sequence[PodEvent]] = {}
        self.calls: list[Call] = []
        for manifest in ({"kind": "Namespace", "metadata": {"name": namespace}}, *objects):
            self._objects.put(copy.deepcopy(manifest), namespace)

    def fail(self, verb: str, kind: str, error: Exception, *, times: int | None = None) -> None:
        """Have requests fail from now on.

        Parameters
        ----------
        verb : str
            ``create``, ``get``, ``list``, ``patch``, ``delete``, ``deletecollection``, ``log``,
            ``version``; ``*`` is any.
        kind : str
            ``Pod``; ``*`` is any.
        error : Exception
        times : int or None
            How often; None is until :meth:`heal`.
        """
        with self._lock:
            self._failures.append(_Failure(verb, kind, error, times))

    def heal(self) -> None:
        """No request fails any more."""
        with self._lock:
            self._failures.clear()

    def deny(self, verb: str, resource: str) -> None:
        """Have :meth:`can` say no: ``deny("create", "pods")``. Requests are not refused by it."""
        self._denied.add((verb, resource))

    def put(self, manifest: Manifest) -> Manifest:
        """Make or replace an object as the cluster itself does: a pod's new status, another's Lease."""
        with self._lock:
            return copy.deepcopy(self._objects.put(copy.deepcopy(manifest), self._target.namespace))

    @property
    def target(self) -> ClusterTarget:
        """Which cluster and namespace."""
        return self._target

    @property
    def access(self) -> ClusterAccess:
        """How others would reach it."""
        return self._access

    def in_namespace(self, namespace: str) -> FakeCluster:
        """The same cluster, with the same objects, failures and calls, in another namespace."""
        view = copy.copy(self)
        view._target = replace(self._target, namespace=namespace)
        return view

    def version(self) -> str:
        """A version."""
        self._note("version", "")
        return "v1.34.0"

    def create(self, manifest: Manifest, *, dry_run: bool = False) -> Manifest:
        """Create an object; ConflictError if there is one of that name."""
        kind = manifest["kind"]
        with self._lock:
            new = copy.deepcopy(manifest)
            metadata = new.setdefault("metadata", {})
            if "generateName" in metadata and "name" not in metadata:
                metadata["name"] = f"{metadata['generateName']}{self._objects.number():05d}"
            name, namespace = metadata.get("name", ""), metadata.get("namespace") or self._target.namespace
            self._note("create", kind, name)
            if kind.startswith("SelfSubject"):
                return {**new, "status": {"allowed": True, "resourceRules": [], "incomplete": True}}
            if not name:
                raise InvalidError("metadata.name: Required value.", fix="Name the object.")
            if self._objects.find(kind, name, namespace) is not None:
                raise ConflictError(f"create {kind} {name}: it already exists.", fix="Run the command again.")
            if dry_run:
                return self._objects.stamped(new, namespace)
            stored = copy.deepcopy(self._objects.put(new, namespace))
            self._objects.collect()
            return stored

    def read(self, kind: str, name: str) -> Manifest | None:
        """An object, or None."""
        with self._lock:
            self._note("get", kind, name)
            return copy.deepcopy(self._objects.find(kind, name, self._target.namespace))

    def list(self, kind: str, *, selector: str = "", all_namespaces: bool = False) -> Sequence[Manifest]:
        """The objects that a label selector chooses, ordered by name."""
        with self._lock:
            self._note("list", kind, selector)
            namespace = None if all_namespaces else self._target.namespace
            return copy.deepcopy(self._objects.chosen(kind, selector, namespace))

    def merge(self, kind: str, name: str, patch: Mapping[str, Any]) -> Manifest:
        """A JSON merge patch; another object's uid is invalid in its metadata, another resourceVersion a conflict."""
        with self._lock:
            self._note("patch", kind, name)
            found = self._existing("patch", kind, name)
            asked = patch.get("metadata") or {}
            if "uid" in asked and asked["uid"] != found["metadata"]["uid"]:
                raise InvalidError(
                    f"patch {kind} {name}: metadata.uid: Invalid value: {asked['uid']!r}: field is immutable.",
                    fix="Run the command again.",
                )
            if (
                "resourceVersion" in asked
                and asked["resourceVersion"] != found["metadata"]["resourceVersion"]
            ):
                raise ConflictError(
                    f"patch {kind} {name}: resourceVersion is another.", fix="Run the command again."
                )
            return copy.deepcopy(self._objects.change(_merged(found, patch)))

    def delete(self, kind: str, name: str, *, uid: str = "", grace: int | None = None) -> bool:
        """Delete an object and what it owns; False if it was gone, or is another than ``uid``."""
        with self._lock:
            self._note("delete", kind, name)
            found = self._objects.find(kind, name, self._target.namespace)
            if found is None or (uid and found["metadata"]["uid"] != uid):
                return False
            self._objects.remove(found)
            self._objects.collect()
            return True

    def delete_all(self, kind: str, selector: str, *, grace: int | None = None) -> None:
        """Delete what a label selector chooses."""
        with self._lock:
            self._note("deletecollection", kind, selector)
            for found in self._objects.chosen(kind, selector, self._target.namespace):
                self._objects.remove(found)
            self._objects.collect()

    def pod_log(self, name: str, *, tail: int = 200) -> str:
        """The last lines of what was put into :attr:`logs`."""
        self._note("log", "Pod", name)
        return "".join(self.logs.get(name, "").splitlines(keepends=True)[-tail:])

    def pod_events(self, name: str) -> Sequence[PodEvent]:
        """What was put into :attr:`events` under the pod's name."""
        self._note("list", "Event", name)
        return tuple(self.events.get(name, ()))

    def can(self, verb: str, resource: str, *, group: str = "", subresource: str = "") -> bool:
        """Yes, unless :meth:`deny` said otherwise."""
        self._note("create", "SelfSubjectAccessReview")
        return (verb, f"{resource}/{subresource}" if subresource else resource) not in self._denied

    def _note(self, verb: str, kind: str, name: str = "") -> None:
        """Record the request, and let it fail where a failure was asked for."""
        with self._lock:
            self.calls.append(Call(verb, kind, name))
            for failure in self._failures:
                if failure.verb in (verb, "*") and failure.kind in (kind, "*") and failure.times != 0:
                    if failure.times is not None:
                        failure.times -= 1
                    raise failure.error

    def _existing(self, verb: str, kind: str, name: str) -> Manifest:
        found = self._objects.find(kind, name, self._target.namespace)
        if found is None:
            raise NotFoundError(f"{verb} {kind} {name}: not found.", fix="Check the name.")
        return found


def _merged(target: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """RFC 7386: null removes, objects merge, all else replaces."""
    result = dict(target)
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, Mapping):
            base = result.get(key)
            result[key] = _merged(base if isinstance(base, Mapping) else {}, value)
        else:
            result[key] = copy.deepcopy(value)
    return result
