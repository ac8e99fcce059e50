"""The printed NetworkPolicies, enforced: sessions work under them, and nobody else gets to executors or drivers."""

from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import yaml

from sparkk8s_nb.recipes.network import head, network
from sparkk8s_nb.recipes.rendering import as_yaml
from tests.cluster.node_tier import NodeTier
from tests.cluster.notebook_pods import (
    FIRST_PORT,
    NotebookPod,
    PodKernel,
    objects_left,
    start_notebook_pod,
)
from tests.cluster.policy_agent import enforced, rules, why_not
from tests.cluster.provision.places import binary
from tests.cluster.real_cluster import RESTRICTED, Namespace, RealCluster, session_rules
from tests.cluster.test_node_parts import phase, pod
from tests.embedded.kernels import GONE_SECONDS
from tests.eventually import eventually

pytestmark = [pytest.mark.node_tier, pytest.mark.timeout(600)]

NOTEBOOKS = {"app": "notebook"}
DRIVER_PORTS = ("spark.driver.port", "spark.driver.blockManager.port")

KNOCK = """
import json, socket, sys
def opens(port):
    try:
        socket.create_connection((sys.argv[1], port), timeout=3).close()
    except OSError:
        return False
    return True
print(json.dumps([port for port in map(int, sys.argv[2:]) if opens(port)]))
"""
LISTENING = """
import json, pathlib
lines = [line.split() for kind in ("tcp", "tcp6") for line in pathlib.Path(f"/proc/net/{kind}").open()][1:]
ports = {int(each[1].rpartition(":")[2], 16) for each in lines if each[3] == "0A"}
print(json.dumps(sorted(ports)))
"""
RESOLVE = """
import json, socket, sys
print(json.dumps([socket.gethostbyname(name) for name in sys.argv[1:]]))
"""
SHUFFLE = """
import time
from socket import gethostname
def mapped(number):
    time.sleep(0.05)
    return number, gethostname()
def fetched(pair):
    time.sleep(0.05)
    return pair[1], gethostname()
shuffled = sc.parallelize(range(64), 8).map(mapped).partitionBy(4)
pairs = shuffled.map(fetched).distinct().collect()
"""
"""Where each part was made, and where it was fetched to. Each of the 4 parts has something of each of the 8: Spark
would run one that has all of its own from one executor just there."""


@dataclass(frozen=True, kw_only=True)
class Policed:
    """A notebook under policies, with two pods that have no business with it."""

    tier: NodeTier
    team: Namespace
    elsewhere: Namespace
    notebook: NotebookPod

    def knock(self, namespace: Namespace, name: str, address: str, ports: list[int]) -> list[int]:
        """Which of the ports another pod can connect to."""
        opened: list[int] = python(namespace, name, KNOCK, address, *map(str, ports))
        return opened

    def let_in(self, address: str, ports: list[int]) -> list[str]:
        """Who of those that have no business there can connect to any of the ports."""
        opened = {
            "a pod of another": self.knock(self.elsewhere, "stranger", address, ports),
            "a pod of the namespace": self.knock(self.team, "stranger", address, ports),
            "this machine": [port for port in ports if connects(address, port)],
        }
        return [who for who, opens in opened.items() if opens]

    def apply(self, *, executors: Namespace | None = None, drivers: str = "", let_in: str = "") -> None:
        """Have the policies for executors in that namespace and for the notebook; ``let_in`` names another for it."""
        there = executors or self.team
        where = self.team.name if there is not self.team else ""
        printed = network(there.name, where, notebook_labels=NOTEBOOKS, drivers=drivers)
        there.apply(as_yaml(printed, head=head(there.name, where, notebook_labels=NOTEBOOKS)))
        host = self.tier.namespaces.network.host
        self.team.apply(as_yaml([jupyters_policy(self.team, host, let_in or there.name)]))

    def lift(self) -> None:
        """Delete all policies."""
        for namespace in (self.team, self.elsewhere):
            path = f"/apis/networking.k8s.io/v1/namespaces/{namespace.name}/networkpolicies"
            assert namespace.api.request("DELETE", path).ok


def python(namespace: Namespace, name: str, *arguments: str) -> Any:
    """What a script prints in a pod."""
    command = [
        str(binary("kubectl")),
        f"--kubeconfig={namespace.cluster.kubeconfig}",
        f"--namespace={namespace.name}",
    ]
    command += ["exec", name, "--", "python3", "-c", *arguments]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def connects(address: str, port: int) -> bool:
    """Whether this machine can connect."""
    try:
        socket.create_connection((address, port), timeout=3).close()
    except OSError:
        return False
    return True


def jupyters_policy(team: Namespace, jupyter: str, executors: str) -> dict[str, Any]:
    """As JupyterHub's chart has one for notebooks, with our rule where an administrator puts it."""
    text = head(executors)
    ours = yaml.safe_load(text[text.index("  ingress:") :])["ingress"]
    theirs = {
        "from": [{"ipBlock": {"cidr": f"{jupyter}/32"}}],
        "ports": [{"port": FIRST_PORT, "endPort": FIRST_PORT + 99}],
    }
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "notebooks", "namespace": team.name},
        "spec": {
            "podSelector": {"matchLabels": NOTEBOOKS},
            "policyTypes": ["Ingress"],
            "ingress": [theirs, *ours],
        },
    }


@pytest.fixture(scope="module")
def policed(
    our_node_tier: NodeTier, node_tier: RealCluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Policed]:
    """A notebook and executors in one namespace, under policies that are enforced; at the end no rule is left."""
    namespaces = our_node_tier.namespaces
    if reason := why_not(namespaces):
        pytest.skip(f"no NetworkPolicy can be enforced here: {reason}")
    before = rules(namespaces)
    with (
        enforced(our_node_tier),
        node_tier.namespace(tmp_path_factory.mktemp("team"), labels=RESTRICTED) as team,
        node_tier.namespace(tmp_path_factory.mktemp("elsewhere"), labels=RESTRICTED) as elsewhere,
    ):
        team.user("notebook", session_rules())
        for namespace in (team, elsewhere):
            namespace.administrator.create(pod(namespace, "stranger", ["sleep", "3600"]))
        notebook = start_notebook_pod(team, "notebook")
        assert eventually(lambda: phase(team, "stranger") == phase(elsewhere, "stranger") == "Running")
        policed = Policed(tier=our_node_tier, team=team, elsewhere=elsewhere, notebook=notebook)
        policed.apply()
        yield policed
        notebook.close()
        assert eventually(lambda: not objects_left(team), GONE_SECONDS), objects_left(team)
    assert lines(rules(namespaces)) == lines(before)


@pytest.fixture(scope="module")
def kernel(policed: Policed) -> Iterator[PodKernel]:
    """A kernel with a session of two executors."""
    kernel = policed.notebook.kernel("work/policed.ipynb")
    kernel.start("")
    yield kernel
    kernel.kill()


def executors(namespace: Namespace) -> list[tuple[str, str, list[int]]]:
    """Name, address and listening ports of each executor."""
    found = namespace.administrator.list("Pod", selector="spark-role=executor")
    names = [(each["metadata"]["name"], each["status"]["podIP"]) for each in found]
    return [(name, address, python(namespace, name, LISTENING)) for name, address in names]


def driver_ports(kernel: PodKernel) -> list[int]:
    """Where executors connect to."""
    return [int(port) for port in kernel.value(f"[sc.getConf().get(key) for key in {DRIVER_PORTS}]")]


def lines(text: str) -> list[str]:
    """A firewall's rules and sets, without the tables' own words."""
    return [line for line in text.splitlines() if not line.startswith(("#", ":", "*", "COMMIT"))]


def test_executors_register_and_fetch_from_one_another(kernel: PodKernel) -> None:
    """Both policies hold already: connections to the driver, and between executors in both directions."""
    kernel.run(SHUFFLE)
    pairs = {tuple(pair) for pair in kernel.value("pairs")}
    assert len({maker for maker, _ in pairs}) == 2
    assert len({pair for pair in pairs if pair[0] != pair[1]}) == 2


def test_nobody_else_connects_to_an_executor(policed: Policed, kernel: PodKernel) -> None:
    """The notebook does, at the same ports."""
    assert len(executors(policed.team)) == 2
    for _, address, ports in executors(policed.team):
        opened = policed.knock(policed.team, policed.notebook.name, address, ports)
        assert opened, ports
        assert eventually(lambda at=address, ports=ports: policed.let_in(at, ports) == [])


def test_nobody_else_connects_to_the_driver(policed: Policed, kernel: PodKernel) -> None:
    """An executor does, at the same ports."""
    name, _, _ = executors(policed.team)[0]
    ports = driver_ports(kernel)
    assert policed.knock(policed.team, name, policed.notebook.address, ports) == ports
    assert policed.let_in(policed.notebook.address, ports) == []


def test_executors_connect_to_whom_they_like(policed: Policed, kernel: PodKernel) -> None:
    """DNS, the API server, a pod that no policy selects: where data lies is not ours to know."""
    name, _, _ = executors(policed.team)[0]
    driver = f"{kernel.facts().name}.{policed.team.name}.svc"
    network = policed.tier.namespaces.network
    assert python(policed.team, name, RESOLVE, driver, "kubernetes.default.svc") == [
        policed.notebook.address,
        network.api,
    ]
    assert policed.knock(policed.team, name, network.api, [443]) == [443]


def test_it_is_the_policies_that_keep_others_out(policed: Policed, kernel: PodKernel) -> None:
    """Without them everybody connects, at the very same ports; with them again nobody, and the session goes on."""
    _, address, ports = executors(policed.team)[0]
    policed.lift()
    everybody = ["a pod of another", "a pod of the namespace", "this machine"]
    assert eventually(lambda: policed.let_in(address, ports) == everybody)
    assert eventually(lambda: policed.let_in(policed.notebook.address, driver_ports(kernel)) == everybody)
    policed.apply()
    assert eventually(lambda: policed.let_in(address, ports) == [])
    assert eventually(lambda: policed.let_in(policed.notebook.address, driver_ports(kernel)) == [])
    kernel.job()


def test_the_rules_are_the_node_s_alone_and_go_with_the_pods(policed: Policed, kernel: PodKernel) -> None:
    """Stop leaves nothing, and this machine has never had any of them."""
    ours = subprocess.run(
        ["sh", "-ec", "iptables-save; ipset list -name"], check=True, capture_output=True, text=True
    )
    assert "KUBE-" not in ours.stdout
    names = [name for name, _, _ in executors(policed.team)]
    assert all(name in rules(policed.tier.namespaces) for name in names)
    assert "Nothing left." in kernel.run("%sparkk8s stop").said
    assert policed.notebook.left() == []
    assert eventually(lambda: not any(name in rules(policed.tier.namespaces) for name in names))


def test_executors_elsewhere_take_connections_of_notebooks_and_of_drivers_outside(policed: Policed) -> None:
    """Their own namespace, under policies for a notebook in another and for drivers on this machine."""
    kernel = policed.notebook.kernel("work/elsewhere.ipynb")
    policed.elsewhere.grant("notebook", session_rules(), home=policed.team.name)
    host = policed.tier.namespaces.network.host
    policed.lift()
    policed.apply(executors=policed.elsewhere, drivers=f"{host}/32")
    try:
        kernel.start(f"-n 1 --namespace {policed.elsewhere.name}", executors=1)
        for _, address, ports in executors(policed.elsewhere):
            assert eventually(lambda at=address, ports=ports: policed.let_in(at, ports) == ["this machine"])
        assert policed.let_in(policed.notebook.address, driver_ports(kernel)) == []
        assert "Nothing left." in kernel.run("%sparkk8s stop").said
        assert objects_left(policed.elsewhere) == []
    finally:
        kernel.kill()
        policed.lift()
        policed.apply()


def test_a_start_whose_executors_are_not_let_in_names_the_policy(policed: Policed) -> None:
    """As JupyterHub's chart is without our rule: two lines, who can mend it, and how."""
    kernel = policed.notebook.kernel("work/alone.ipynb")
    policed.lift()
    policed.apply(let_in="nobody")
    try:
        cell = kernel.run("%sparkk8s start -n 1", fails=True)
        assert "no connection to the driver" in cell.error, cell.said
        assert "sparkk8s-nb manifests network" in cell.error
        assert len(cell.error.strip().splitlines()) == 2, cell.error
        assert policed.notebook.left() == []
    finally:
        kernel.kill()
        policed.lift()
        policed.apply()
