"""What a session does in the cluster: the one table behind the preflight, the Role and docs/permissions.md."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Right:
    """Verbs on one resource, and what they are for.

    Parameters
    ----------
    resource : str
        ``pods``, ``pods/log``.
    verbs : tuple of str
    group : str
        API group; empty for the core group.
    feature : str
        What a session does with it.
    without : str
        What is missing without it; empty means that a start cannot work.
    quiet : bool
        Whether nobody is told who does not have it: it is not the user who misses anything.

    Examples
    --------
    >>> Right(resource="pods/log", verbs=("get",), feature="logs").rule
    'apiGroups: [""], resources: ["pods/log"], verbs: ["get"]'
    """

    resource: str
    verbs: tuple[str, ...]
    group: str = ""
    feature: str
    without: str = ""
    quiet: bool = False

    @property
    def required(self) -> bool:
        """Whether a start cannot work without it."""
        return not self.without

    @property
    def rule(self) -> str:
        """As a Role says it."""
        return role_rule(self.resource, self.verbs, self.group)

    def lacking(self, namespace: str) -> str:
        """The sentence that a user reads who does not have it."""
        deed = f"We may not {', '.join(self.verbs)} {self.resource}"
        return f"{deed}: {self.without}." if self.without else f"{deed} in namespace {namespace}."

    def remedy(self, namespace: str) -> str:
        """What that user is told to do."""
        return f"Ask the administrator for a Role in namespace {namespace} with the rule {self.rule}."


_LEASES = "coordination.k8s.io"
_SLICES = "discovery.k8s.io"
_NAME = "the driver has no Service: executors dial its IP"
_LEFT = "what a session has made of them goes only when the cluster's collector comes"
_STOP = "stop leaves nothing, at once"
_SPARK_STOP = "Spark's own stop"
_ROOM = "a CPU limit that the namespace demands is not set by itself"

RIGHTS = (
    Right(resource="pods", verbs=("create",), feature="Spark asks for executors"),
    Right(
        resource="pods", verbs=("get",), feature="a notebook in a pod finds its own image; gc proves death"
    ),
    Right(resource="pods", verbs=("list", "watch"), feature="Spark and the views follow the executors"),
    Right(resource="pods", verbs=("delete",), feature="executors that have died or are too many are removed"),
    # Without it Spark's stop logs an error, returns normally, and leaves the pods.
    Right(resource="pods", verbs=("deletecollection",), feature="stop, and the keeper after a dead kernel"),
    Right(resource="pods", verbs=("patch",), feature="Spark marks executors that it has done with"),
    Right(resource="leases", group=_LEASES, verbs=("create",), feature="the session itself"),
    Right(resource="leases", group=_LEASES, verbs=("get",), feature="whether the session is still there"),
    Right(resource="leases", group=_LEASES, verbs=("list",), feature="ps, gc, and what a dead kernel left"),
    Right(resource="leases", group=_LEASES, verbs=("patch",), feature="the keeper renews the session"),
    Right(resource="leases", group=_LEASES, verbs=("delete",), feature="stop"),
    Right(resource="secrets", verbs=("create",), feature="the key of Spark's traffic; the values of --env"),
    Right(resource="configmaps", verbs=("create",), feature="the executors' start script"),
    Right(
        resource="pods/log",
        verbs=("get",),
        feature="logs of executors",
        without="logs of executors cannot be shown",
    ),
    Right(
        resource="events",
        verbs=("list",),
        feature="why an executor is pending; waiting longer while an image is pulled",
        without="what a pending executor waits for is not known in full",
    ),
    Right(
        resource="events",
        verbs=("create",),
        feature="Events on the session's Lease: start, failures, stop",
        without="the session's Lease gets no Events",
        quiet=True,
    ),
    Right(resource="services", verbs=("create",), feature="a name for the driver", without=_NAME),
    Right(
        resource="endpointslices",
        group=_SLICES,
        verbs=("create",),
        feature="a name for the driver",
        without=_NAME,
    ),
    Right(resource="resourcequotas", verbs=("list",), feature="CPU limits where a quota asks", without=_ROOM),
    Right(
        resource="limitranges", verbs=("list",), feature="CPU limits where a LimitRange asks", without=_ROOM
    ),
    Right(
        resource="persistentvolumeclaims",
        verbs=("get",),
        feature="--volume: whether the claim is there",
        without="a claim of --volume that is not there shows only in executors that stay pending",
    ),
    Right(resource="secrets", verbs=("delete",), feature=_STOP, without=_LEFT),
    Right(resource="configmaps", verbs=("delete",), feature=_STOP, without=_LEFT),
    Right(resource="services", verbs=("delete",), feature=_STOP, without=_LEFT),
    Right(resource="endpointslices", group=_SLICES, verbs=("delete",), feature=_STOP, without=_LEFT),
    Right(resource="configmaps", verbs=("deletecollection",), feature=_SPARK_STOP, without=_LEFT),
    Right(resource="services", verbs=("deletecollection",), feature=_SPARK_STOP, without=_LEFT),
    Right(resource="persistentvolumeclaims", verbs=("deletecollection",), feature=_SPARK_STOP, without=_LEFT),
)
"""What a session does, from Spark's own requests and ours."""


def role_rule(resource: str, verbs: Iterable[str], group: str = "") -> str:
    """A rule as a Role says it, on a line, to be copied.

    >>> role_rule("pods", ["get", "list"])
    'apiGroups: [""], resources: ["pods"], verbs: ["get", "list"]'
    """
    quoted = ", ".join(f'"{verb}"' for verb in verbs)
    return f'apiGroups: ["{group}"], resources: ["{resource}"], verbs: [{quoted}]'


def rules(rights: Iterable[Right]) -> list[Right]:
    """The rights with one entry a resource, as a Role has them.

    >>> [right.rule for right in rules(RIGHTS) if right.resource == "secrets"]
    ['apiGroups: [""], resources: ["secrets"], verbs: ["create", "delete"]']
    """
    return _merged(rights, lambda right: (right.group, right.resource))


def findings(rights: Iterable[Right]) -> list[Right]:
    """The rights with one entry a resource and consequence, as they are spoken of."""
    return _merged(rights, lambda right: (right.group, right.resource, right.without))


def singly(rights: Iterable[Right] = RIGHTS) -> list[Right]:
    """The rights with one entry a verb."""
    return [replace(right, verbs=(verb,)) for right in rights for verb in right.verbs]


def _merged(rights: Iterable[Right], key: Callable[[Right], Hashable]) -> list[Right]:
    found: dict[Hashable, Right] = {}
    for right in rights:
        first = found.get(key(right))
        found[key(right)] = replace(first, verbs=first.verbs + right.verbs) if first else right
    return list(found.values())
