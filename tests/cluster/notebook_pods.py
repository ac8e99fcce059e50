"""Notebook pods for tests: real kernels in a real pod, spoken to from here as Jupyter's server does."""

from __future__ import annotations

import json
import secrets
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from jupyter_client.blocking.client import BlockingKernelClient

from sparkk8s_nb.model.podmerge import merge_pods
from tests.cluster.real_cluster import Namespace
from tests.embedded.kernels import KINDS, Cells, attach
from tests.eventually import eventually

FIRST_PORT = 9000
CHANNELS = ("shell", "iopub", "stdin", "control", "hb")
READY_SECONDS = 120.0
SETTINGS = """\
[start]
cores = 1
cpu = "200m"
memory = "1g"
"""
"""The administrator's, as a JupyterHub mounts them: a start needs no option, and two executors fit."""

START_KERNEL = """
import json, os, pathlib, subprocess, sys
def start_kernel(number, notebook, connection, user):
    path = pathlib.Path(f"/tmp/connection-{number}.json")
    path.write_text(json.dumps(connection))
    command = [sys.executable, "-m", "ipykernel_launcher", "-f", str(path)]
    environ = {**os.environ, "JPY_SESSION_NAME": notebook, **({"JUPYTERHUB_USER": user} if user else {})}
    kernels[number] = subprocess.Popen(command, env=environ, start_new_session=True)
    return kernels[number].pid
kernels = {}
"""

REMAINS = """
import getpass, pathlib, psutil
def remains():
    ours = {1, os.getpid(), *(kernel.pid for kernel in kernels.values() if kernel.poll() is None)}
    left = [
        f"{process.pid}: {' '.join(process.info['cmdline'] or [])[:200]}"
        for process in psutil.process_iter(["cmdline", "status"])
        if process.pid not in ours and process.info["status"] != psutil.STATUS_ZOMBIE
    ]
    runtime = pathlib.Path(f"/tmp/sparkk8s-{os.getuid()}")
    return left + [str(path) for path in runtime.glob("sessions/*")]
"""


@dataclass(kw_only=True)
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

    def kernel(self, notebook: str, *, user: str = "", extension: bool = True) -> PodKernel:
        """A new kernel in the pod, by default with our extension loaded; of a user of JupyterHub, if one is named."""
        number = len(self.clients) + 1
        connection = _connection(number, self.key)
        pid = self.hand.value(f"start_kernel({number}, {notebook!r}, {connection!r}, {user!r})")
        client = _client(self.address, connection)
        self.clients.append(client)
        kernel = PodKernel(client, self, number, pid)
        if extension:
            kernel.run("%load_ext sparkk8s_nb")
        return kernel

    def left(self) -> list[str]:
        """What is left of any session: objects in the namespace, processes and files in the pod."""
        return objects_left(self.namespace) + list(self.hand.value("remains()"))

    def arguments(self) -> str:
        """The command lines of all its processes, as everybody in the pod can read them; a zombie has none."""
        lines = "[' '.join(each.info['cmdline'] or []) for each in psutil.process_iter(['cmdline'])]"
        return "\n".join(self.hand.value(lines))

    def restart_container(self) -> None:
        """End the container from within; the kubelet starts it again in the same pod, without its processes."""
        before = self._restarts()
        self.hand.client.execute("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
        assert eventually(lambda: self._restarts() > before, READY_SECONDS), self._status()
        self._hang_up()
        self.clients.clear()
        self.hand = _hand(self.address, self.key)

    def close(self) -> None:
        """Delete the pod."""
        self._hang_up()
        self.namespace.administrator.delete("Pod", self.name)

    def _hang_up(self) -> None:
        for client in (*self.clients, self.hand.client):
            client.stop_channels()

    def _restarts(self) -> int:
        """How often the container was restarted, counted when it runs."""
        status = self._status()
        return int(status["restartCount"]) if "running" in status["state"] else -1

    def _status(self) -> dict[str, Any]:
        pod = self.namespace.administrator.read("Pod", self.name) or {}
        status: dict[str, Any] = pod["status"]["containerStatuses"][0]
        return status


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

    def kill_group(self) -> None:
        """kill -9 of the kernel's process group."""
        self.pod.hand.run(f"os.killpg({self.pid}, 9); kernels[{self.number}].wait()")

    def send(self, number: signal.Signals) -> None:
        """Send the kernel a signal."""
        self.pod.hand.run(f"kernels[{self.number}].send_signal({int(number)})")

    def why(self) -> str:
        """The session's diagnosis; empty when all is well."""
        return str(self.value("(lambda verdict: str(verdict or ''))(sparkk8s_nb.current().why())"))

    def executor(self, phase: str = "running") -> tuple[str, str]:
        """Id and pod of the first executor in that phase."""
        rows: Sequence[Sequence[str]] = self.fleet()["executors"]
        found = next(row for row in rows if row[1] == phase)
        return found[0], found[3]

    def wait_ended(self, executor: str) -> tuple[str, str]:
        """Wait until an executor has ended; its phase and reason."""
        over = f"lambda fleet: fleet.find({executor!r}).phase in ('failed', 'done')"
        fleet = f"sparkk8s_nb.current().fleet_feed.wait_for({over}, 120)"
        row = self.value(f"(lambda view: [str(view.phase), view.reason])({fleet}.find({executor!r}))")
        return row[0], row[1]


def objects_left(namespace: Namespace) -> list[str]:
    """Objects of any session in the namespace."""
    return [
        f"{kind} {item['metadata']['name']}"
        for kind in KINDS
        for item in namespace.administrator.list(kind, selector="app.kubernetes.io/managed-by=sparkk8s-nb")
    ]


def start_notebook_pod(
    namespace: Namespace, account: str, name: str = "notebook", over: Mapping[str, Any] | None = None
) -> NotebookPod:
    """Start a pod whose service account is ``account``, and wait for its kernel; ``over`` is merged over it."""
    cluster = namespace.administrator
    key = secrets.token_hex(16)
    connection = _connection(0, key)
    files = {"connection.json": json.dumps(connection), "config.toml": SETTINGS}
    cluster.create({"kind": "Secret", "metadata": {"name": name}, "stringData": files})
    cluster.create(merge_pods(_manifest(namespace, account, name), over or {}))

    def running() -> bool:
        return (cluster.read("Pod", name) or {}).get("status", {}).get("phase") == "Running"

    assert eventually(running, READY_SECONDS), cluster.read("Pod", name)
    address = (cluster.read("Pod", name) or {})["status"]["podIP"]
    try:
        hand = _hand(address, key)
    except (AssertionError, RuntimeError) as error:
        error.add_note(cluster.pod_log(name))
        raise
    return NotebookPod(namespace=namespace, name=name, address=address, key=key, hand=hand)


def _hand(address: str, key: str) -> Cells:
    hand = Cells(_client(address, _connection(0, key)))
    hand.run(START_KERNEL + REMAINS)
    return hand


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
    client = BlockingKernelClient()
    client.load_connection_info({**connection, "ip": address})
    attach(client, READY_SECONDS)
    return client
