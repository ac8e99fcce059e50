"""NetworkPolicy for executors: only their drivers and one another reach them.

The notebooks' pods get none of ours: a policy that selects a pod cuts it off from everybody whom it does not name,
Jupyter's own proxy among them. What executors need there is a rule for a policy that is there already.
"""

from __future__ import annotations

from collections.abc import Mapping

from sparkk8s_nb.model.labels import MANAGED_BY, PREFIX
from sparkk8s_nb.model.portrange import FIRST_PORT, LAST_PORT
from sparkk8s_nb.recipes.rendering import Json, as_yaml, metadata

API = "networking.k8s.io/v1"
NAMESPACE_NAME = "kubernetes.io/metadata.name"
EXECUTORS = {MANAGED_BY: PREFIX, "app.kubernetes.io/component": "executor"}

HEAD = f"""\
Executors take connections of {{notebooks}} and of one another, and of nobody else.
Where they connect to is free. It takes a network plugin that enforces NetworkPolicy.

Executors dial the notebook's pod on ports {FIRST_PORT} to {LAST_PORT}. Only where a NetworkPolicy selects that pod
already (JupyterHub's chart has one), add this to its spec.ingress; never apply it alone, for it would cut
the notebook off from Jupyter itself:
"""


def network(
    namespace: str,
    notebook_namespace: str = "",
    *,
    notebook_labels: Mapping[str, str] | None = None,
    drivers: str = "",
) -> list[Json]:
    """The manifests for one namespace of executors.

    Parameters
    ----------
    namespace : str
    notebook_namespace : str
        Where notebooks run, if elsewhere.
    notebook_labels : Mapping of str to str, optional
        Labels that notebooks' pods have and others have not; without, every pod there counts as one.
    drivers : str
        Network of notebooks outside of the cluster: ``192.0.2.0/24``; empty without.

    Examples
    --------
    >>> network("team")[0]["spec"]["policyTypes"]
    ['Ingress']
    """
    labels = notebook_labels or {}
    sources: list[Json] = [{"podSelector": {"matchLabels": dict(EXECUTORS)}}]
    if notebook_namespace:
        sources.append(_pods_of(notebook_namespace, labels))
    else:
        sources.append({"podSelector": {"matchLabels": dict(labels)} if labels else {}})
    if drivers:
        sources.append({"ipBlock": {"cidr": drivers}})
    return [
        {
            "apiVersion": API,
            "kind": "NetworkPolicy",
            "metadata": metadata("sparkk8s-nb-executors", namespace),
            "spec": {
                "podSelector": {"matchLabels": dict(EXECUTORS)},
                "policyTypes": ["Ingress"],
                "ingress": [{"from": sources}],
            },
        }
    ]


def driver_rule(namespace: str) -> Json:
    """The rule that lets executors reach the notebooks' pods, for a policy that selects those already.

    >>> driver_rule("team")["ports"]
    [{'protocol': 'TCP', 'port': 22000, 'endPort': 22399}]
    """
    return {
        "from": [_pods_of(namespace, EXECUTORS)],
        "ports": [{"protocol": "TCP", "port": FIRST_PORT, "endPort": LAST_PORT}],
    }


def head(
    namespace: str, notebook_namespace: str = "", *, notebook_labels: Mapping[str, str] | None = None
) -> str:
    """The opening comment: who is let in, and the rule for the notebooks. Parameters as for :func:`network`."""
    labelled = ",".join(f"{key}={value}" for key, value in (notebook_labels or {}).items())
    pods = f"pods with {labelled}" if labelled else "every pod"
    said = HEAD.format(notebooks=f"{pods} in namespace {notebook_namespace or namespace}")
    rule = as_yaml([{"ingress": [driver_rule(namespace)]}]).removeprefix("---\n")
    return said + "\n".join(f"  {line}" for line in rule.splitlines())


def _pods_of(namespace: str, labels: Mapping[str, str]) -> Json:
    place: Json = {"namespaceSelector": {"matchLabels": {NAMESPACE_NAME: namespace}}}
    return place | ({"podSelector": {"matchLabels": dict(labels)}} if labels else {})
