"""The node tier: everything of a cluster with one node, put together in order."""

from __future__ import annotations

import os
import shutil
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

from tests.cluster.apiserver import Api, Place, start_api
from tests.cluster.cleanup import Run
from tests.cluster.containers import Containers, start_containers
from tests.cluster.control_plane import start_control_plane
from tests.cluster.dns import start_dns
from tests.cluster.kubelet import start_kubelet
from tests.cluster.namespaces import NodeNamespaces, make_namespaces
from tests.cluster.provision import images
from tests.cluster.provision.places import NODE_BINARIES, missing_binaries

TOOLS = ("setpriv", "unshare", "nsenter", "ip", "containerd", "ctr", "runc", "dnsmasq")
NETWORK_PLUGINS = ("bridge", "host-local")
NO_PROXY = ("NO_PROXY", "no_proxy")
HOW = "make test-cluster makes them"


@dataclass(frozen=True, kw_only=True)
class NodeTier:
    """A running cluster with one node."""

    run: Run
    namespaces: NodeNamespaces
    api: Api
    containers: Containers


def why_not() -> str:
    """Why this machine cannot run the node tier; empty if it can."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "it needs Linux and its root"
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    missing += [name for name in NETWORK_PLUGINS if not Path("/usr/lib/cni", name).exists()]
    if missing:
        return f"not installed: {', '.join(missing)} (.ci/run installs them on Debian)"
    if missing := missing_binaries(NODE_BINARIES):
        return f"not built here: {', '.join(missing)} ({HOW})"
    if reason := images.why_not():
        return reason
    return "" if images.are_made() else f"its images are not made here ({HOW})"


def start_node_tier(run: Run, stack: ExitStack) -> NodeTier:
    """Bring everything up, in this order; the stack takes it down in the other."""
    namespaces = make_namespaces(run, stack)
    network = namespaces.network
    # A proxy of this machine's does not know the way.
    direct = {name: ",".join(filter(None, [os.environ.get(name), network.api])) for name in NO_PROXY}
    stack.enter_context(patch.dict(os.environ, direct))
    place = Place(
        address=network.api,
        port=443,
        services=network.services,
        advertised=network.node,
        names=(network.node,),
        inside=namespaces.inside,
    )
    api = start_api(run, stack, place)
    start_control_plane(run, stack, api)
    start_dns(run, stack, api, network.node)
    containers = start_containers(run, stack, namespaces)
    start_kubelet(run, stack, api, containers)
    return NodeTier(run=run, namespaces=namespaces, api=api, containers=containers)
