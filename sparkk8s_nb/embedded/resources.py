"""The table of kinds that this cluster knows."""

from __future__ import annotations

from dataclasses import dataclass, field

READ = ("get", "list", "watch")
WRITE = ("create", "delete", "deletecollection", "patch", "update")
ALL_VERBS = tuple(sorted((*READ, *WRITE)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One kind of object and how its addresses look.

    >>> PODS.api_version, PODS.qualified, LEASES.api_version, LEASES.qualified
    ('v1', 'pods', 'coordination.k8s.io/v1', 'leases.coordination.k8s.io')
    """

    plural: str
    kind: str
    group: str = ""
    version: str = "v1"
    namespaced: bool = True
    short: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ALL_VERBS
    subresources: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    #: a deletion answers with the object instead of a Status
    returns_deleted: bool = False
    #: field selectors beyond metadata.name and metadata.namespace
    fields: tuple[str, ...] = ()
    qualified: str = field(init=False, default="")

    def __post_init__(self) -> None:
        object.__setattr__(self, "qualified", f"{self.plural}.{self.group}" if self.group else self.plural)

    @property
    def api_version(self) -> str:
        """``apiVersion`` of its objects."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def singular(self) -> str:
        """The name that kubectl also accepts."""
        return self.kind.lower()


_INVOLVED = tuple(
    f"involvedObject.{name}"
    for name in ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")
)

PODS = Resource(
    plural="pods",
    kind="Pod",
    short=("po",),
    categories=("all",),
    subresources=("status", "log", "binding", "eviction"),
    returns_deleted=True,
    fields=(
        "spec.hostNetwork",
        "spec.nodeName",
        "spec.restartPolicy",
        "spec.schedulerName",
        "spec.serviceAccountName",
        "status.phase",
        "status.podIP",
        "status.nominatedNodeName",
    ),
)
CONFIG_MAPS = Resource(plural="configmaps", kind="ConfigMap", short=("cm",))
SECRETS = Resource(plural="secrets", kind="Secret", fields=("type",))
SERVICES = Resource(
    plural="services",
    kind="Service",
    short=("svc",),
    categories=("all",),
    subresources=("status",),
    returns_deleted=True,
    fields=("spec.clusterIP", "spec.type"),
)
ENDPOINTS = Resource(plural="endpoints", kind="Endpoints", short=("ep",))
EVENTS = Resource(
    plural="events",
    kind="Event",
    short=("ev",),
    fields=(*_INVOLVED, "reason", "reportingComponent", "source", "type"),
)
NAMESPACES = Resource(
    plural="namespaces",
    kind="Namespace",
    namespaced=False,
    short=("ns",),
    verbs=tuple(verb for verb in ALL_VERBS if verb != "deletecollection"),
    subresources=("status", "finalize"),
    fields=("status.phase",),
)
NODES = Resource(
    plural="nodes",
    kind="Node",
    namespaced=False,
    short=("no",),
    verbs=("get", "list", "patch", "update", "watch"),
    subresources=("status",),
    fields=("spec.unschedulable",),
)
CLAIMS = Resource(
    plural="persistentvolumeclaims",
    kind="PersistentVolumeClaim",
    short=("pvc",),
    subresources=("status",),
    returns_deleted=True,
)
SERVICE_ACCOUNTS = Resource(
    plural="serviceaccounts", kind="ServiceAccount", short=("sa",), returns_deleted=True
)
QUOTAS = Resource(
    plural="resourcequotas",
    kind="ResourceQuota",
    short=("quota",),
    subresources=("status",),
    returns_deleted=True,
)
LIMIT_RANGES = Resource(plural="limitranges", kind="LimitRange", short=("limits",))
LEASES = Resource(plural="leases", kind="Lease", group="coordination.k8s.io")
ENDPOINT_SLICES = Resource(plural="endpointslices", kind="EndpointSlice", group="discovery.k8s.io")
NETWORK_POLICIES = Resource(
    plural="networkpolicies", kind="NetworkPolicy", group="networking.k8s.io", short=("netpol",)
)
#: the newer face of events; stored as core/v1 events
NEW_EVENTS = Resource(
    plural="events",
    kind="Event",
    group="events.k8s.io",
    short=("ev",),
    fields=("reason", "type", "regarding.kind", "regarding.namespace", "regarding.name", "regarding.uid"),
)
ACCESS_REVIEWS = Resource(
    plural="selfsubjectaccessreviews",
    kind="SelfSubjectAccessReview",
    group="authorization.k8s.io",
    namespaced=False,
    verbs=("create",),
)
RULES_REVIEWS = Resource(
    plural="selfsubjectrulesreviews",
    kind="SelfSubjectRulesReview",
    group="authorization.k8s.io",
    namespaced=False,
    verbs=("create",),
)

#: what the store holds
STORED: tuple[Resource, ...] = (
    PODS,
    CONFIG_MAPS,
    SECRETS,
    SERVICES,
    ENDPOINTS,
    EVENTS,
    NAMESPACES,
    NODES,
    CLAIMS,
    SERVICE_ACCOUNTS,
    QUOTAS,
    LIMIT_RANGES,
    LEASES,
    ENDPOINT_SLICES,
    NETWORK_POLICIES,
)
#: what is served
SERVED: tuple[Resource, ...] = (*STORED, NEW_EVENTS, ACCESS_REVIEWS, RULES_REVIEWS)

_BY_PATH = {(each.group, each.version, each.plural): each for each in SERVED}
_BY_KIND = {(each.api_version, each.kind): each for each in STORED}


def by_path(group: str, version: str, plural: str) -> Resource | None:
    """The resource at ``/apis/GROUP/VERSION/PLURAL`` (the core group is ``""``).

    >>> by_path("", "v1", "pods").kind, by_path("apps", "v1", "deployments")
    ('Pod', None)
    """
    return _BY_PATH.get((group, version, plural))


def by_kind(api_version: str, kind: str) -> Resource | None:
    """The stored resource whose objects say this ``apiVersion`` and ``kind`` (as owner references do).

    >>> by_kind("coordination.k8s.io/v1", "Lease").plural
    'leases'
    """
    return _BY_KIND.get((api_version, kind))
