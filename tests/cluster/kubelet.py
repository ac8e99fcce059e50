"""The node itself: the kubelet, and how pods get their network."""

from __future__ import annotations

import json
from contextlib import ExitStack

from sparkk8s_nb.apiserver import ApiServer
from tests.cluster.apiserver import Api, admin_access
from tests.cluster.cleanup import Run
from tests.cluster.containers import SOCKET, Containers
from tests.cluster.daemons import Daemon, wait_until
from tests.cluster.namespaces import BRIDGE
from tests.cluster.provision.places import binary

NODE = "node-1"
READY_SECONDS = 120.0


def start_kubelet(run: Run, stack: ExitStack, api: Api, containers: Containers) -> Daemon:
    """Start the kubelet and wait until its node is ready."""
    network = containers.namespaces.network
    _write_network(run, network.pods)
    crt, key = api.authority.certify("kubelet-server", NODE, addresses=(network.node, NODE))
    client = api.authority.kubeconfig("kubelet", api.place.server, f"system:node:{NODE}", ("system:nodes",))
    config = run.directory / "kubelet.yaml"
    config.write_text(json.dumps(_config(run, api, network.node, str(crt), str(key))))  # JSON is YAML
    command = [
        str(binary("kubelet")),
        f"--config={config}",
        f"--kubeconfig={client}",
        f"--hostname-override={NODE}",
        f"--node-ip={network.node}",
    ]
    daemon = Daemon(run, "kubelet", command, inside=api.place.inside)
    stack.callback(daemon.stop)
    transport = ApiServer(admin_access(api))
    stack.callback(transport.close)

    def ready() -> bool:
        answer = transport.request("GET", f"/api/v1/nodes/{NODE}")
        conditions = answer.json()["status"].get("conditions", []) if answer.ok else []
        return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)

    wait_until(ready, READY_SECONDS, "the node to be ready", [*api.daemons, containers.daemon, daemon])
    return daemon


def _write_network(run: Run, pods: str) -> None:
    """Pods hang on the bridge, and know no way out of it."""
    directory = run.directory / "cni"
    directory.mkdir(exist_ok=True)  # containerd looks for it first
    base = pods.rpartition(".")[0].rpartition(".")[0]
    ipam = {
        "type": "host-local",
        "dataDir": f"{run.directory}/addresses",
        "ranges": [[{"subnet": pods, "rangeStart": f"{base}.1.1", "gateway": f"{base}.0.2"}]],
        "routes": [{"dst": "0.0.0.0/0"}],
    }
    bridge = {"type": "bridge", "bridge": BRIDGE, "isGateway": False, "ipMasq": False, "ipam": ipam}
    network = {"cniVersion": "0.4.0", "name": "pods", "plugins": [bridge]}
    (directory / "10-pods.conflist").write_text(json.dumps(network))


def _config(run: Run, api: Api, address: str, crt: str, key: str) -> dict[str, object]:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": address,
        "healthzBindAddress": "127.0.0.1",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(api.authority.certificate)},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": crt,
        "tlsPrivateKeyFile": key,
        "containerRuntimeEndpoint": f"unix://{SOCKET}",
        "cgroupRoot": f"/{run.make_cgroup()}",
        "cgroupDriver": "cgroupfs",
        "failCgroupV1": False,
        "oomScoreAdj": 0,
        "enforceNodeAllocatable": ["pods"],
        "makeIPTablesUtilChains": False,
        "clusterDNS": [address],
        "clusterDomain": "cluster.local",
        "resolvConf": "",
        "failSwapOn": False,
        # The machine is shared with whatever else runs on it: its pressure is not the pods' fault.
        "evictionHard": {
            "memory.available": "100Mi",
            "nodefs.available": "1%",
            "imagefs.available": "1%",
            "nodefs.inodesFree": "1%",
        },
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        "serializeImagePulls": False,
        "kubeAPIQPS": 100,
        "kubeAPIBurst": 200,
        "eventRecordQPS": 100,
        "eventBurst": 200,
        "syncFrequency": "2s",
        "nodeStatusUpdateFrequency": "1s",
        "shutdownGracePeriod": "0s",
    }
