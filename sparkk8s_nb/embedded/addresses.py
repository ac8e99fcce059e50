"""What a request's path and method ask for. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote

from sparkk8s_nb.embedded import resources
from sparkk8s_nb.embedded.resources import Resource


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One collection (``name`` empty) or one object; ``namespace`` None means all of them."""

    resource: Resource
    namespace: str | None
    name: str = ""
    subresource: str = ""


def target(path: str) -> Target | None:
    """The target of a request path, or None where it names none.

    Examples
    --------
    >>> found = target("/api/v1/namespaces/default/pods/a/log")
    >>> found.resource.plural, found.namespace, found.name, found.subresource
    ('pods', 'default', 'a', 'log')
    >>> target("/apis/coordination.k8s.io/v1/leases").namespace is None
    True
    >>> target("/api/v1/namespaces/a").resource.plural, target("/apis/apps/v1/deployments")
    ('namespaces', None)
    """
    parts = [unquote(part) for part in path.strip("/").split("/")]
    match parts:
        case ["api", version, *rest] if rest:
            group = ""
        case ["apis", group, version, *rest] if rest:
            pass
        case _:
            return None
    namespace: str | None
    match rest:
        case ["watch", *_]:
            return None
        case ["namespaces", namespace, plural, *more] if plural not in resources.NAMESPACES.subresources:
            resource = resources.by_path(group, version, plural)
            if resource is None or not resource.namespaced:
                return None
        case [plural, *more]:
            resource, namespace = resources.by_path(group, version, plural), None
            if resource is None or (resource.namespaced and more):
                return None
        case _:
            return None
    name, subresource = (*more, "", "")[:2]
    if len(more) > 2 or (subresource and subresource not in resource.subresources):
        return None
    return Target(resource=resource, namespace=namespace, name=name, subresource=subresource)
