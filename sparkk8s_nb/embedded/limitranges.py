"""LimitRange: defaults for containers that state no resources, and bounds for those that do."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sparkk8s_nb.embedded import quantities, resources, status
from sparkk8s_nb.embedded.objects import Object, dig, name_of, namespace_of
from sparkk8s_nb.embedded.resources import Resource
from sparkk8s_nb.embedded.scheduler import requests_of
from sparkk8s_nb.embedded.store import Store


class LimitRanges:
    """Admission of pods by the LimitRanges of their namespace.

    Parameters
    ----------
    store : Store
        Where LimitRanges are.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def admit(self, resource: Resource, obj: Object) -> None:
        """Fill in a pod's defaults; refuse one outside the bounds.

        Raises
        ------
        StatusError
            403, worded as a real API server does.
        """
        if resource is not resources.PODS:
            return
        ranges = self._store.all(resources.LIMIT_RANGES, namespace_of(obj))
        limits = [limit for each in ranges for limit in dig(each, "spec", "limits") or []]
        for limit in limits:
            if limit.get("type") == "Container":
                for container in (*obj["spec"]["containers"], *(obj["spec"].get("initContainers") or [])):
                    fill(container, limit)
        problems = [problem for limit in limits for problem in violations(obj, limit)]
        if problems:
            told = problems[0] if len(problems) == 1 else f"[{', '.join(problems)}]"
            raise status.forbidden(resource, name_of(obj), told)


def fill(container: Object, limit: Object) -> None:
    """Give a container the defaults of a LimitRange item.

    >>> container = {}; fill(container, {"default": {"memory": "1Gi"}}); container["resources"]["requests"]
    {'memory': '1Gi'}
    """
    wanted = container.setdefault("resources", {})
    for name, value in (limit.get("default") or {}).items():
        wanted.setdefault("limits", {}).setdefault(name, value)
    fallback: dict[str, Any] = {**(limit.get("default") or {}), **(limit.get("defaultRequest") or {})}
    for name, value in fallback.items():
        wanted.setdefault("requests", {}).setdefault(name, value)


def violations(pod: Object, limit: Object) -> list[str]:
    """How a pod is outside one item of a LimitRange."""
    if limit.get("type") == "Pod":
        total = requests_of(pod)
        return _outside("Pod", limit, requests=total, limits=_limits_of(pod))
    if limit.get("type") != "Container":
        return []
    found: list[str] = []
    for container in pod["spec"]["containers"]:
        found += _outside(
            "Container", limit, requests=_amounts(container, "requests"), limits=_amounts(container, "limits")
        )
    return found


def _amounts(container: Object, part: str) -> dict[str, Decimal]:
    return {
        name: quantities.parse(value) for name, value in (dig(container, "resources", part) or {}).items()
    }


def _limits_of(pod: Object) -> dict[str, Decimal]:
    total: dict[str, Decimal] = {}
    for container in pod["spec"]["containers"]:
        for name, amount in _amounts(container, "limits").items():
            total[name] = total.get(name, Decimal(0)) + amount
    return total


def _outside(
    kind: str, limit: Object, *, requests: dict[str, Decimal], limits: dict[str, Decimal]
) -> list[str]:
    found: list[str] = []
    for name, most in (limit.get("max") or {}).items():
        bound = quantities.canonical(most)
        if name not in limits:
            found.append(f"maximum {name} usage per {kind} is {bound}.  No limit is specified")
        elif limits[name] > quantities.parse(most):
            given = quantities.write(limits[name], binary=bound.endswith("i"))
            found.append(f"maximum {name} usage per {kind} is {bound}, but limit is {given}")
    for name, least in (limit.get("min") or {}).items():
        bound = quantities.canonical(least)
        if name not in requests:
            found.append(f"minimum {name} usage per {kind} is {bound}.  No request is specified")
        elif requests[name] < quantities.parse(least):
            given = quantities.write(requests[name], binary=bound.endswith("i"))
            found.append(f"minimum {name} usage per {kind} is {bound}, but request is {given}")
    return found
