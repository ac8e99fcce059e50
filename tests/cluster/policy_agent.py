"""What enforces NetworkPolicy on the node: kube-router with its firewall alone, for as long as a test needs it.

The bridge that connects the pods knows nothing of policies. The agent reads them from the API, as everywhere, and
writes rules and sets of addresses into the node's own network namespace, where the kernel shows bridged packets to
them. All of that ends with the namespace; here it is taken out before, so that other tests' pods have none of it.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from sparkk8s_nb.apiserver import ApiServer
from tests.cluster.apiserver import admin_access
from tests.cluster.daemons import BrokenClusterError, Daemon, wait_until
from tests.cluster.kubelet import NODE
from tests.cluster.namespaces import NodeNamespaces
from tests.cluster.node_tier import NodeTier
from tests.cluster.provision.places import binary, missing_binaries

NAME = "kube-router"
TOOLS = ("iptables", "iptables-save", "iptables-restore", "ipset")
BRIDGED = "/proc/sys/net/bridge/bridge-nf-call-iptables"
LAST_CHAIN = "KUBE-NWPLCY-DEFAULT"
"""It makes this one when it has read everything."""

READY_SECONDS = 60.0
READS = {
    "": ["endpoints", "namespaces", "nodes", "pods", "services"],
    "discovery.k8s.io": ["endpointslices"],
    "networking.k8s.io": ["networkpolicies"],
}
RBAC = "rbac.authorization.k8s.io"
NO_RULES = "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n"


def why_not(namespaces: NodeNamespaces) -> str:
    """Why policies cannot be enforced here; empty if they can."""
    if missing := [tool for tool in TOOLS if shutil.which(tool) is None]:
        return f"not installed: {', '.join(missing)} (.ci/run installs them on Debian)"
    if missing := missing_binaries((NAME,)):
        return f"not built here: {', '.join(missing)} (make test-cluster builds them)"
    try:
        namespaces.run("test", "-e", BRIDGED)
    except BrokenClusterError:
        return "this kernel does not show bridged packets to its firewall (modprobe br_netfilter)"
    return ""


@contextmanager
def enforced(tier: NodeTier) -> Iterator[Daemon]:
    """While it is open, NetworkPolicies are enforced on the node."""
    api, namespaces = tier.api, tier.namespaces
    transport = ApiServer(admin_access(api))
    kubeconfig = api.authority.kubeconfig(NAME, api.place.server, NAME)
    command = [
        str(binary(NAME)),
        "--run-firewall=true",
        "--run-router=false",
        "--run-service-proxy=false",
        f"--kubeconfig={kubeconfig}",
        f"--hostname-override={NODE}",
        f"--service-cluster-ip-range={api.place.services}",
        "--health-port=0",
    ]
    before = namespaces.run("cat", BRIDGED).strip()
    try:
        _let_it_read(transport)
        namespaces.run("sh", "-ec", f"echo 1 > {BRIDGED}")
        agent = Daemon(tier.run, NAME, command, inside=namespaces.inside)
        try:
            wait_until(lambda: LAST_CHAIN in rules(namespaces), READY_SECONDS, f"{NAME}'s rules", [agent])
            yield agent
            agent.check()
        finally:
            agent.stop()
            namespaces.run("sh", "-ec", f"printf %s '{NO_RULES}' | iptables-restore && ipset destroy")
            namespaces.run("sh", "-ec", f"echo {before} > {BRIDGED}")
    finally:
        for kind in ("clusterrolebindings", "clusterroles"):
            transport.request("DELETE", f"/apis/{RBAC}/v1/{kind}/{NAME}")
        transport.close()


def rules(namespaces: NodeNamespaces) -> str:
    """Every rule of the node's firewall, and the names of its sets of addresses."""
    return namespaces.run("sh", "-ec", "iptables-save; ipset list -name")


def _let_it_read(transport: ApiServer) -> None:
    """What it asks for, and nothing else."""
    allowed = [
        {"apiGroups": [group], "resources": resources, "verbs": ["get", "list", "watch"]}
        for group, resources in READS.items()
    ]
    meta = {"name": NAME}
    role = {"metadata": meta, "rules": allowed}
    binding = {
        "metadata": meta,
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": NAME},
        "subjects": [{"apiGroup": RBAC, "kind": "User", "name": NAME}],
    }
    for kind, body in (("clusterroles", role), ("clusterrolebindings", binding)):
        answer = transport.request("POST", f"/apis/{RBAC}/v1/{kind}", body=body)
        if not answer.ok:
            raise BrokenClusterError(f"{NAME} cannot be given its rights: {answer.body!r}")
