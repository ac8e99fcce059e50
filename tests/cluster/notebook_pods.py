"""Notebook pods for tests: real kernels in a real pod, spoken to from here as Jupyter's server does."""

from __future__ import annotations

import json
import secrets
import socket
from dataclasses import dataclass, field
from typing import Any

from jupyter_client.blocking.client import BlockingKernelClient

from tests.cluster.real_cluster import Namespace
from tests.embedded.kernels import KINDS, Cells, eventually

FIRST_PORT = 9000
CHANNELS = ("shell", "iopub", "stdin", "control", "hb")
READY_SECONDS = 120.0
SETTINGS = """\
[start]
cores = 1
cpu = "500m"
memory = "1g"
"""
"""The administrator's, as a JupyterHub mounts them: a start needs no option, and two executors fit."""

START_KERNEL = """
import json, os, pathlib, subprocess, sys
def start_kernel(number, notebook, connection):
    path = pathlib.Path(f"/tmp/connection-{number}.json")
    path.write_text(json.dumps(connection))
    command = [sys.executable, "-m", "ipykernel_launcher", "-f", str(path)]
    environ = {**os.environ, "JPY_SESSION_NAME": notebook}
    kernels[number] = subprocess.Popen(command, env=environ, start_new_session=True)
    return kernels[number].pid
kernels = {}
"""

REMAINS = """
import getpass, pathlib, psutil
def remains():
    ours = {1, os.getpid(), *(kernel.pid for kernel in kernels.values() if kernel.poll() is None)}
    left = [
        f"{process.pid}: {' '.join(process.cmdline())[:200]}"
        for process in psutil.process_iter()
        if process.pid not in ours and process.status() != psutil.STATUS_ZOMBIE
    ]
    runtime = pathlib.Path(f"/tmp/sparkk8s-{os.getuid()}")
    return left + [str(path) for path in runtime.glob("sessions/*")]
"""


@dataclass(frozen=True, kw_only=True)
class NotebookPod:
    """A pod with a kernel of its own that starts others, and looks around.

    Parameters
    ----------
    namespace : Namespace
    name : str
    address : str
        Its IP.
    hand : Cells
        The kernel that came with the pod.
    """

    namespace: Namespace
    name: str
    address: str
    key: str
    hand: Cells
    clients: list[BlockingKernelClient] = field(default_factory=list)

    def kernel(self, notebook: str) -> PodKernel:
        """A new kernel in the pod, with our extension loaded."""
        number = len(self.clients) + 1
        connection = _connection(number, self.key)
        pid = self.hand.value(f"start_kernel({number}, {notebook!r}, {connection!r})")
        client = _client(self.address, connection)
        self.clients.append(client)
        kernel = PodKernel(client, self, number, pid)
        kernel.run("%load_ext sparkk8s_nb")
        return kernel

    def left(self) -> list[str]:
        """What is left of any session: objects in the namespace, processes and files in the pod."""
        return objects_left(self.namespace) + list(self.hand.value("remains()"))

    def close(self) -> None:
        """Delete the pod."""
        for client in (*self.clients, self.hand.client):
            client.stop_channels()
        self.namespace.administrator.delete("Pod", self.name)


class PodKernel(Cells):
    """A kernel of a notebook in a pod."""

    def __init__(self, client: BlockingKernelClient, pod: NotebookPod, number: int, pid: int) -> None:
        super().__init__(client)
        self.pod = pod
        self.number = number
        self.pid = pid

    def kill(self) -> None:
        """kill -9 of the kernel alone."""
        self.pod.hand.run(f"kernels[{self.number}].kill(); kernels[{self.number}].wait()")


def objects_left(namespace: Namespace) -> list[str]:
    """Objects of any session in the namespace."""
    return [
        f"{kind} {item['metadata']['name']}"
        for kind in KINDS
        for item in namespace.administrator.list(kind, selector="app.kubernetes.io/managed-by=sparkk8s-nb")
    ]


def start_notebook_pod(namespace: Namespace, account: str, name: str = "notebook") -> NotebookPod:
    """Start a pod whose service account is ``account``, and wait for its kernel."""
    cluster = namespace.administrator
    key = secrets.token_hex(16)
    connection = _connection(0, key)
    files = {"connection.json": json.dumps(connection), "config.toml": SETTINGS}
    cluster.create({"kind": "Secret", "metadata": {"name": name}, "stringData": files})
    cluster.create(_manifest(namespace, account, name))

    def running() -> bool:
        return (cluster.read("Pod", name) or {}).get("status", {}).get("phase") == "Running"

    assert eventually(running, READY_SECONDS), cluster.read("Pod", name)
    address = (cluster.read("Pod", name) or {})["status"]["podIP"]
    try:
        hand = Cells(_client(address, connection))
    except (AssertionError, RuntimeError) as error:
        error.add_note(cluster.pod_log(name))
        raise
    hand.run(START_KERNEL + REMAINS)
    return NotebookPod(namespace=namespace, name=name, address=address, key=key, hand=hand)


def _manifest(namespace: Namespace, account: str, name: str) -> dict[str, Any]:
    """A notebook pod as JupyterHub makes them, for Pod Security's strictest level."""
    kernel = "python3 -m ipykernel_launcher -f /tmp/connection.json"
    container = {
        "name": "notebook",
        "image": namespace.cluster.image,
        # Not the shell itself becomes the kernel: the first process of a pod has orphans to bury.
        "command": ["/bin/sh", "-c", f"cp /etc/sparkk8s/connection.json /tmp/ && {kernel} & wait"],
        # The image has no compiled modules: the first kernel's serve the others.
        "env": [{"name": "PYTHONPYCACHEPREFIX", "value": "/tmp/compiled"}],
        "resources": {"requests": {"memory": "1Gi", "cpu": "300m"}, "limits": {"memory": "6Gi"}},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        "volumeMounts": [{"name": "given", "mountPath": "/etc/sparkk8s", "readOnly": True}],
    }
    spec = {
        "serviceAccountName": account,
        "containers": [container],
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": 1,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 185,
            "runAsGroup": 185,
            "fsGroup": 185,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "tolerations": [{"key": "notebooks", "operator": "Exists"}],
        "imagePullSecrets": [{"name": "registry"}],
        "volumes": [{"name": "given", "secret": {"secretName": name, "defaultMode": 0o440}}],
    }
    return {"kind": "Pod", "metadata": {"name": name, "labels": {"app": "notebook"}}, "spec": spec}


def _connection(number: int, key: str) -> dict[str, Any]:
    first = FIRST_PORT + number * len(CHANNELS)
    ports = {f"{channel}_port": first + index for index, channel in enumerate(CHANNELS)}
    # The kernel listens on all of the pod's addresses.
    return {**ports, "ip": "0.0.0.0", "transport": "tcp", "key": key, "signature_scheme": "hmac-sha256"}


def _client(address: str, connection: dict[str, Any]) -> BlockingKernelClient:
    # A client takes a kernel that does not listen yet for a dead one.
    assert eventually(lambda: _listens(address, connection["hb_port"]), READY_SECONDS), connection["hb_port"]
    client = BlockingKernelClient()
    client.load_connection_info({**connection, "ip": address})
    client.start_channels()
    try:
        client.wait_for_ready(timeout=READY_SECONDS)
    except RuntimeError:
        client.stop_channels()
        raise
    return client


def _listens(address: str, port: int) -> bool:
    try:
        socket.create_connection((address, port), timeout=1).close()
    except OSError:
        return False
    return True
