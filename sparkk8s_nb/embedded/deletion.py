"""Deleting: grace periods, finalizers, propagation, preconditions. Synchronous, like the registry."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NoReturn

from sparkk8s_nb.embedded import resources, status
from sparkk8s_nb.embedded.objects import (
    Object,
    copy,
    dig,
    finalizers_of,
    is_deleting,
    name_of,
    namespace_of,
    timestamp,
    uid_of,
)
from sparkk8s_nb.embedded.registry import Registry, runs_somewhere
from sparkk8s_nb.embedded.resources import Resource
from sparkk8s_nb.embedded.status import Cause

FOREGROUND = "foregroundDeletion"
ORPHAN = "orphan"
PERMANENT_NAMESPACES = ("default", "kube-system")


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteOptions:
    """``metav1.DeleteOptions``. ``grace`` is in seconds; None is the object's own.

    >>> DeleteOptions.read({"gracePeriodSeconds": 0}, {"propagationPolicy": "Orphan"})
    DeleteOptions(grace=0, propagation='Orphan', uid=None, version=None, dry_run=False)
    """

    grace: int | None = None
    propagation: str = "Background"
    uid: str | None = None
    version: str | None = None
    dry_run: bool = False

    @classmethod
    def read(cls, body: Any, query: dict[str, str]) -> DeleteOptions:
        """From a request's body and query; the query wins.

        Raises
        ------
        StatusError
            400 or 422 for options that cannot be.
        """
        given: dict[str, Any] = dict(body) if isinstance(body, dict) else {}
        for key in ("gracePeriodSeconds", "propagationPolicy", "orphanDependents"):
            if key in query:
                given[key] = query[key]
        grace = given.get("gracePeriodSeconds")
        if grace is not None and not str(grace).lstrip("-").isdigit():
            raise status.bad_request(f'invalid gracePeriodSeconds "{grace}"')
        preconditions = given.get("preconditions") or {}
        return cls(
            grace=None if grace is None else max(0, int(grace)),
            propagation=_propagation(given.get("propagationPolicy"), given.get("orphanDependents")),
            uid=preconditions.get("uid"),
            version=preconditions.get("resourceVersion"),
            dry_run=any(
                status.check_dry_run("DeleteOptions", str(wanted))
                for wanted in (*(given.get("dryRun") or ()), query.get("dryRun", ""))
            ),
        )


def _propagation(policy: Any, orphan: Any) -> str:
    if policy is not None and orphan is not None:
        both = "orphanDependents and deletionPropagation cannot be both set"
        _refuse("propagationPolicy", "FieldValueInvalid", f"Invalid value: {json.dumps(policy)}: {both}")
    if policy is None:
        return "Orphan" if orphan in (True, "true", "1") else "Background"
    if policy not in ("Background", "Foreground", "Orphan"):
        supported = '"Foreground", "Background", "Orphan", "nil"'
        message = f"Unsupported value: {json.dumps(policy)}: supported values: {supported}"
        _refuse("propagationPolicy", "FieldValueNotSupported", message)
    return str(policy)


def _refuse(field: str, reason: str, message: str) -> NoReturn:
    raise status.invalid_options("DeleteOptions", Cause(field=field, reason=reason, message=message))


def delete(
    registry: Registry, resource: Resource, namespace: str, name: str, options: DeleteOptions
) -> tuple[Object, bool]:
    """Begin (and, where nothing has to be waited for, complete) a deletion.

    Returns
    -------
    obj, gone
        The object as it is now, and whether it is out of the store.

    Raises
    ------
    StatusError
        404, 403 for a namespace that always exists, 409 where a precondition does not hold.
    """
    obj = registry.store.get(resource, namespace, name)
    _check_preconditions(resource, obj, options)
    if resource is resources.NAMESPACES and name in PERMANENT_NAMESPACES:
        raise status.forbidden(resource, name, "this namespace may not be deleted")
    if options.dry_run:
        return obj, True
    finalizers = _finalizers(obj, options.propagation)
    running = resource is resources.PODS and runs_somewhere(obj)
    grace = _grace(obj, options) if running else 0
    if not running and not finalizers and resource is not resources.NAMESPACES:
        return registry.store.remove(resource, namespace, name), True
    if is_deleting(obj) and finalizers == finalizers_of(obj) and not _shortens(obj, grace, running=running):
        return obj, False
    marked = copy(obj)
    metadata = marked["metadata"]
    metadata["deletionTimestamp"] = timestamp(registry.clock() + timedelta(seconds=grace))
    metadata["deletionGracePeriodSeconds"] = grace
    if finalizers:
        metadata["finalizers"] = finalizers
    if resource is resources.NAMESPACES:
        marked["status"] = {**marked.get("status", {}), "phase": "Terminating"}
    return registry.store.replace(resource, marked), False


def _check_preconditions(resource: Resource, obj: Object, options: DeleteOptions) -> None:
    for label, wanted, actual in (
        ("UID", options.uid, uid_of(obj)),
        ("ResourceVersion", options.version, str(obj["metadata"]["resourceVersion"])),
    ):
        if wanted not in (None, "", actual):
            raise status.broken_precondition(resource, name_of(obj), label, str(wanted), actual)


def _finalizers(obj: Object, propagation: str) -> list[str]:
    kept = [each for each in finalizers_of(obj) if each not in (FOREGROUND, ORPHAN)]
    if propagation == "Foreground":
        kept.append(FOREGROUND)
    elif propagation == "Orphan":
        kept.append(ORPHAN)
    return kept


def _grace(pod: Object, options: DeleteOptions) -> int:
    if options.grace is not None:
        return options.grace
    own = dig(pod, "spec", "terminationGracePeriodSeconds")
    return 30 if own is None else int(own)


def _shortens(obj: Object, grace: int, *, running: bool) -> bool:
    known = obj["metadata"].get("deletionGracePeriodSeconds")
    return running and known is not None and grace < known


def finish_pod(registry: Registry, pod: Object) -> None:
    """The kubelet's last word: the pod's processes are gone, so a deletion may complete."""
    current = registry.store.find(resources.PODS, namespace_of(pod), name_of(pod))
    if current is not None and uid_of(current) == uid_of(pod):
        registry.settle(resources.PODS, current)
