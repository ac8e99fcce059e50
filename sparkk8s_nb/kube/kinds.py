"""The kinds of objects that we speak of, and where the API serves them."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind.

    Parameters
    ----------
    name : str
        ``Pod``.
    plural : str
        ``pods``: its name in paths and in RBAC rules.
    group : str
        API group; empty for the core group.
    version : str
    namespaced : bool
    """

    name: str
    plural: str
    group: str = ""
    version: str = "v1"
    namespaced: bool = True

    @property
    def api_version(self) -> str:
        """As a manifest says it: ``coordination.k8s.io/v1``."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str, name: str = "", *, all_namespaces: bool = False) -> str:
        """Where the API serves its objects.

        >>> kind_of("Pod").path("default", "p-1")
        '/api/v1/namespaces/default/pods/p-1'
        >>> kind_of("Lease").path("default", all_namespaces=True)
        '/apis/coordination.k8s.io/v1/leases'
        """
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        place = f"/namespaces/{quote(namespace)}" if self.namespaced and not all_namespaces else ""
        return f"{root}{place}/{self.plural}" + (f"/{quote(name)}" if name else "")


_KINDS = {
    kind.name: kind
    for kind in (
        Kind(name="Pod", plural="pods"),
        Kind(name="Service", plural="services"),
        Kind(name="Secret", plural="secrets"),
        Kind(name="ConfigMap", plural="configmaps"),
        Kind(name="Event", plural="events"),
        Kind(name="Namespace", plural="namespaces", namespaced=False),
        Kind(name="Node", plural="nodes", namespaced=False),
        Kind(name="ResourceQuota", plural="resourcequotas"),
        Kind(name="LimitRange", plural="limitranges"),
        Kind(name="PersistentVolumeClaim", plural="persistentvolumeclaims"),
        Kind(name="ServiceAccount", plural="serviceaccounts"),
        Kind(name="Lease", plural="leases", group="coordination.k8s.io"),
        Kind(name="EndpointSlice", plural="endpointslices", group="discovery.k8s.io"),
        Kind(name="NetworkPolicy", plural="networkpolicies", group="networking.k8s.io"),
        Kind(name="SelfSubjectAccessReview", plural="selfsubjectaccessreviews",
             group="authorization.k8s.io", namespaced=False),
        Kind(name="SelfSubjectRulesReview", plural="selfsubjectrulesreviews",
             group="authorization.k8s.io", namespaced=False),
    )
}  # fmt: skip


def kind_of(name: str) -> Kind:
    """The kind of that name; a KeyError is a mistake in our own code."""
    return _KINDS[name]
