"""Create, update, patch and delete as the API server does them: defaults, validation, admission, store.

Everything here is synchronous and happens in one thread, so between the read and the write of an update
nothing else can happen; a conflict (409) is only ever one that the client named.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from sparkk8s_nb.embedded import defaults, resources, status
from sparkk8s_nb.embedded.objects import Object, copy, dig, finalizers_of, is_deleting, name_of
from sparkk8s_nb.embedded.problems import Problems
from sparkk8s_nb.embedded.resources import Resource
from sparkk8s_nb.embedded.store import Store
from sparkk8s_nb.embedded.validation import validate

_SUFFIX = "bcdfghjklmnpqrstvwxz2456789"
_SERVER_OWNED = ("uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink")
_TERMINAL = ("Succeeded", "Failed")

Admission = Callable[[Resource, Object], None]


class Registry:
    """The write side of the cluster.

    Parameters
    ----------
    store : Store
        What is written.
    clock : callable
        Gives the present moment.
    admission : tuple of callable
        Each gets kind and object before it is stored, may fill in the object, and raises
        :class:`StatusError` to refuse it.
    """

    def __init__(
        self, store: Store, *, clock: Callable[[], datetime], admission: tuple[Admission, ...] = ()
    ) -> None:
        self.store = store
        self.clock = clock
        self._admission = admission
        self._addresses = 1

    def create(self, resource: Resource, namespace: str, body: Any, *, dry_run: bool = False) -> Object:
        """Make an object.

        Raises
        ------
        StatusError
            400, 403, 404 (namespace), 409 or 422.
        """
        with _readable(resource):
            obj = _decoded(resource, namespace, body)
            metadata = obj["metadata"]
            if metadata.get("resourceVersion"):
                raise status.bad_request("resourceVersion should not be set on objects to be created")
            for key in (*_SERVER_OWNED, "resourceVersion", "managedFields"):
                metadata.pop(key, None)
            if not metadata.get("name") and metadata.get("generateName"):
                metadata["name"] = self._generated(resource, namespace, str(metadata["generateName"]))
            self._check_namespace(resource, namespace, str(metadata.get("name", "")))
            defaults.apply(resource, obj)
            self._first_status(resource, obj)
            causes = validate(resource, obj)
            if causes:
                raise status.invalid(resource, str(metadata.get("name") or ""), causes)
            if self.store.find(resource, namespace, name_of(obj)) is not None:
                raise status.already_exists(resource, name_of(obj))
            for admit in self._admission:
                admit(resource, obj)
        if dry_run:
            return Store(clock=self.clock).create(resource, obj)
        return self.store.create(resource, obj)

    def update(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        body: Any,
        *,
        subresource: str = "",
        dry_run: bool = False,
    ) -> Object:
        """Replace an object (or its status).

        Raises
        ------
        StatusError
            400, 404, 409 or 422.
        """
        old = self.store.get(resource, namespace, name)
        with _readable(resource):
            new = _decoded(resource, namespace, body)
            _check_name(new, name)
            new["metadata"]["name"] = name
            uid = old["metadata"]["uid"]
            if (given := new["metadata"].get("uid")) not in (None, "", uid):
                # A precondition of an update; a patch that names another is one of a field that may not change.
                why = f"Precondition failed: UID in precondition: {given}, UID in object meta: {uid}"
                raise status.conflict(resource, name, why)
            return self._replace(resource, old, new, subresource=subresource, dry_run=dry_run)

    def patch(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        change: Callable[[Object], Any],
        *,
        subresource: str = "",
        dry_run: bool = False,
    ) -> Object:
        """Change an object by a patch function, which gets the stored object and returns a new one.

        Raises
        ------
        StatusError
            400, 404, 409 or 422.
        """
        old = self.store.get(resource, namespace, name)
        with _readable(resource):
            new = change(old)
            if not isinstance(new, dict) or not isinstance(new.get("metadata"), dict):
                raise status.bad_request("the patch does not leave an object")
            _check_name(new, name)
            if new["metadata"].get("uid") not in (None, "", old["metadata"]["uid"]):
                problems = Problems()
                problems.invalid("metadata.uid", new["metadata"]["uid"], "field is immutable")
                raise status.invalid(resource, name, problems.causes)
            return self._replace(resource, old, copy(new), subresource=subresource, dry_run=dry_run)

    def _replace(
        self, resource: Resource, old: Object, new: Object, *, subresource: str, dry_run: bool
    ) -> Object:
        uid = new["metadata"].get("uid") or old["metadata"]["uid"]
        for key in _SERVER_OWNED:
            new["metadata"].pop(key, None)
            if key in old["metadata"]:
                new["metadata"][key] = old["metadata"][key]
        new["metadata"]["uid"] = uid
        if not isinstance(new.get("status", {}), dict):
            raise TypeError("status is not an object")
        if subresource == "status":
            new = {
                **old,
                "status": new.get("status", {}),
                "metadata": {
                    **old["metadata"],
                    "uid": uid,
                    "resourceVersion": new["metadata"].get("resourceVersion"),
                },
            }
        else:
            if "status" in resource.subresources:
                new.pop("status", None)
                if "status" in old:
                    new["status"] = old["status"]
            self._keep_assigned(resource, old, new)
            defaults.apply(resource, new)
            if resource is resources.NAMESPACES:
                new["status"] = old["status"]
        causes = validate(resource, new, old)
        if causes:
            raise status.invalid(resource, name_of(old), causes)
        if dry_run:
            return {
                **new,
                "metadata": {**new["metadata"], "resourceVersion": old["metadata"]["resourceVersion"]},
            }
        return self.settle(resource, self.store.replace(resource, new))

    def settle(self, resource: Resource, obj: Object) -> Object:
        """Take an object out whose deletion waits for nothing any more; returns the object."""
        if not is_deleting(obj) or finalizers_of(obj) or resource is resources.NAMESPACES:
            return obj
        if resource is resources.PODS and runs_somewhere(obj):
            return obj
        return self.store.remove(resource, obj["metadata"].get("namespace", ""), name_of(obj))

    @staticmethod
    def _keep_assigned(resource: Resource, old: Object, new: Object) -> None:
        """Fields that the server has filled in and that an update may leave out."""
        if resource is resources.SERVICES:
            spec = new.setdefault("spec", {})
            for key in ("clusterIP", "clusterIPs"):
                if not spec.get(key) and dig(old, "spec", key):
                    spec[key] = old["spec"][key]
        if resource is resources.PODS and not dig(new, "spec", "nodeName") and dig(old, "spec", "nodeName"):
            new.setdefault("spec", {})["nodeName"] = old["spec"]["nodeName"]

    def _generated(self, resource: Resource, namespace: str, base: str) -> str:
        for _ in range(8):
            name = base[:58] + "".join(secrets.choice(_SUFFIX) for _ in range(5))
            if self.store.find(resource, namespace, name) is None:
                return name
        raise status.already_exists(resource, base)

    def _check_namespace(self, resource: Resource, namespace: str, name: str) -> None:
        if not resource.namespaced:
            return
        found = self.store.find(resources.NAMESPACES, "", namespace)
        if found is None:
            raise status.not_found(resources.NAMESPACES, namespace)
        if is_deleting(found):
            why = f"unable to create new content in namespace {namespace} because it is being terminated"
            error = status.forbidden(resource, name, why)
            error.details = dict(error.details or {})
            error.details["causes"] = [
                {
                    "reason": "NamespaceTerminating",
                    "message": f"namespace {namespace} is being terminated",
                    "field": "metadata.namespace",
                }
            ]
            raise error

    def _first_status(self, resource: Resource, obj: Object) -> None:
        if resource is resources.PODS:
            obj["status"] = {"phase": "Pending", "qosClass": quality(obj)}
        elif resource is resources.SERVICES:
            spec = obj["spec"]
            if not spec.get("clusterIP") and spec["type"] != "ExternalName":
                spec["clusterIP"] = self._service_address()
                spec["clusterIPs"] = [spec["clusterIP"]]
        elif resource is resources.QUOTAS:
            obj["status"] = {}

    def _service_address(self) -> str:
        self._addresses += 1
        high, low = divmod(self._addresses, 250)
        return f"10.96.{high % 250}.{low + 1}"


def runs_somewhere(pod: Object) -> bool:
    """Whether a kubelet still has to say that this pod's processes are gone."""
    return bool(dig(pod, "spec", "nodeName")) and dig(pod, "status", "phase") not in _TERMINAL


def quality(pod: Object) -> str:
    """A pod's quality of service class.

    >>> quality({"spec": {"containers": [{"resources": {}}]}})
    'BestEffort'
    """
    containers = pod["spec"].get("containers") or []
    wanted = [each.get("resources") or {} for each in containers]
    if all(not each.get("limits") and not each.get("requests") for each in wanted):
        return "BestEffort"
    guaranteed = all(
        {"cpu", "memory"} <= (each.get("limits") or {}).keys()
        and all((each.get("requests") or each["limits"]).get(k, v) == v for k, v in each["limits"].items())
        for each in wanted
    )
    return "Guaranteed" if guaranteed else "Burstable"


def _check_name(obj: Object, name: str) -> None:
    given = obj["metadata"].get("name")
    if given not in (None, "", name):
        raise status.bad_request(
            f"the name of the object ({given}) does not match the name on the URL ({name})"
        )


def _decoded(resource: Resource, namespace: str, body: Any) -> Object:
    """A private copy of a request's body with kind, version and namespace checked."""
    if not isinstance(body, dict):
        raise status.bad_request(f"couldn't get version/kind; the body is not a {resource.kind}")
    version, kind = body.get("apiVersion", resource.api_version), body.get("kind", resource.kind)
    if (version, kind) != (resource.api_version, resource.kind):
        raise status.bad_request(
            f"{version}, Kind={kind} in the body does not match the expected {resource.api_version}, "
            f"Kind={resource.kind}"
        )
    obj: Object = copy(body)
    obj["apiVersion"], obj["kind"] = resource.api_version, resource.kind
    if not isinstance(obj.setdefault("metadata", {}), dict):
        raise status.bad_request(f"metadata of the {resource.kind} is not an object")
    metadata = obj["metadata"]
    if resource.namespaced:
        if metadata.get("namespace") not in (None, "", namespace):
            raise status.bad_request(
                "the namespace of the provided object does not match the namespace sent on the request"
            )
        metadata["namespace"] = namespace
    else:
        metadata.pop("namespace", None)
    return obj


@contextlib.contextmanager
def _readable(resource: Resource) -> Iterator[None]:
    """Turn a body whose parts have impossible types (a list where an object belongs) into a 400."""
    try:
        yield
    except (AttributeError, TypeError, KeyError) as error:
        message = (
            f'{resource.kind} in version "{resource.version}" cannot be handled as a {resource.kind}: {error}'
        )
        raise status.bad_request(message) from error
