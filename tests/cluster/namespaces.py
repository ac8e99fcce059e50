"""The node's own namespaces: processes, mounts and network of the cluster, apart from the machine's.

Everything of the node runs in them, so all that it mounts, every link, address and rule, and every process
ends with their first process; and that one ends with ours, whatever happens. What the kubelet would change
of the machine itself (the kernel's settings, below /var and /run) it finds replaced in here.
"""

from __future__ import annotations

import ipaddress
import json
import subprocess
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.cleanup import Run
from tests.cluster.daemons import BrokenClusterError, Daemon
from tests.cluster.provision.places import binary

BRIDGE = "pods"
BRIDGE_ADDRESS = "02:00:00:00:00:01"
UPLINK = "uplink"

SETTINGS = (
    "vm/overcommit_memory",
    "vm/panic_on_oom",
    "kernel/panic",
    "kernel/panic_on_oops",
    "kernel/keys/root_maxkeys",
    "kernel/keys/root_maxbytes",
)
"""What a kubelet sets for the whole machine (setupKernelTunables in its container manager)."""

STANDARD_PLACES = ("/var/lib/kubelet", "/var/lib/cni", "/var/log")
"""Where the kubelet, containerd and the network plugins write, whatever they are told."""


@dataclass(frozen=True, kw_only=True)
class PodNetwork:
    """Addresses that nobody else uses here.

    Parameters
    ----------
    pods, services : str
        The networks.
    host, node, api : str
        This machine's address among the pods, the node's, and the API server's among the services.
    """

    pods: str
    services: str
    host: str
    node: str
    api: str


@dataclass(frozen=True, kw_only=True)
class NodeNamespaces:
    """The namespaces, once they are there."""

    first: Daemon
    network: PodNetwork

    @property
    def inside(self) -> tuple[str, ...]:
        """The command that runs another one in them."""
        return _enter(self.first.process.pid)

    def run(self, *command: str) -> str:
        """Run a command in them to its end; returns what it printed."""
        return run_command(*self.inside, *command)


def make_namespaces(run: Run, stack: ExitStack) -> NodeNamespaces:
    """Make the namespaces, with the machine's own link into the pods' network."""
    apart = ["unshare", "--mount", "--propagation", "private", "--net", "--pid", "--mount-proc"]
    first = Daemon(run, "node", [str(binary("pause"))], inside=[*apart, "--fork", "--kill-child"])
    stack.callback(first.stop)
    _replace_places(run, first.process.pid)
    network = choose_network()
    _connect(first.process.pid, network, run.remember_link(f"sparkk8s{first.process.pid}"))
    return NodeNamespaces(first=first, network=network)


def choose_network() -> PodNetwork:
    """Networks of private addresses that no route of this machine leads to."""
    shown = json.loads(run_command("ip", "-json", "route", "show", "table", "all"))
    texts = [route["dst"] for route in shown if route["dst"] != "default" and ":" not in route["dst"]]
    taken = [ipaddress.ip_network(text, strict=False) for text in texts]
    for number in range(213, 254):
        whole = ipaddress.ip_network(f"10.{number}.0.0/16")
        if not any(whole.overlaps(other) for other in taken):
            prefix = f"10.{number}"
            return PodNetwork(
                pods=f"{prefix}.0.0/17",
                services=f"{prefix}.128.0/24",
                host=f"{prefix}.0.1",
                node=f"{prefix}.0.2",
                api=f"{prefix}.128.1",
            )
    raise BrokenClusterError("Every network from 10.213.0.0/16 to 10.253.0.0/16 is in use here.")


def run_command(*command: str) -> str:
    """Run a command to its end; an error shows what it said."""
    done = subprocess.run(command, check=False, text=True, capture_output=True, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise BrokenClusterError(f"{' '.join(command)} failed with {done.returncode}: {done.stderr}")
    return done.stdout


def _enter(pid: int) -> tuple[str, ...]:
    return ("nsenter", f"--target={pid}", "--mount", "--net", "--pid", "--")


def _replace_places(run: Run, pid: int) -> None:
    """Lay directories of the run over the standard places, and files over the kernel's settings."""
    commands = ["mount --make-rshared /", "mount -t tmpfs -o mode=755 tmpfs /run"]
    for place in STANDARD_PLACES:
        ours = run.directory / f"in{place.replace('/', '-')}"
        ours.mkdir()
        run.make_mount_point(Path(place))
        commands.append(f"mount --bind {ours} {place}")
    for setting in SETTINGS:
        real = Path("/proc/sys") / setting
        ours = run.directory / f"setting-{real.name}"
        ours.write_text(real.read_text())
        commands.append(f"mount --bind {ours} {real}")
    run_command(*_enter(pid), "sh", "-ec", "\n".join(commands))


def _connect(pid: int, network: PodNetwork, link: str) -> None:
    """A bridge for the pods, and a cable from it to this machine; both go with the namespace."""
    length = network.pods.partition("/")[2]
    run_command("ip", "link", "add", link, "type", "veth", "peer", "name", UPLINK, "netns", str(pid))
    inside = [
        "ip link set lo up",
        # Without an address of its own it takes the lowest of its ports', another with every pod that comes or goes:
        # the other pods' frames for it, the API server's among them, are then lost until they ask anew.
        f"ip link add {BRIDGE} address {BRIDGE_ADDRESS} type bridge",
        f"ip link set {UPLINK} master {BRIDGE} up",
        f"ip addr add {network.node}/{length} dev {BRIDGE}",
        # Nothing translates services' addresses here: the API's own lies on the bridge.
        f"ip addr add {network.api}/32 dev {BRIDGE}",
        f"ip link set {BRIDGE} up",
    ]
    run_command(*_enter(pid), "sh", "-ec", "\n".join(inside))
    run_command("ip", "addr", "add", f"{network.host}/{length}", "dev", link)
    run_command("ip", "link", "set", link, "up")
    run_command("ip", "route", "add", network.services, "via", network.node, "dev", link)
