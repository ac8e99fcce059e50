"""A real Kubernetes with one node for a benchmark, a pod in it to work from, and the requests that it sees."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.cluster import node_tier
from tests.cluster.cleanup import new_run
from tests.cluster.credentials import CONTEXT
from tests.cluster.notebook_pods import NotebookPod, start_notebook_pod
from tests.cluster.real_cluster import Namespace, RealCluster, session_rules
from tests.cluster.volumes import shared_claim

ACCOUNT = "notebook"
CACHE = "cache"
OVER: Mapping[str, Any] = {
    "spec": {
        "containers": [
            {
                "name": "notebook",
                "resources": {"limits": {"memory": "16Gi"}},
                "volumeMounts": [{"name": CACHE, "mountPath": f"/{CACHE}"}],
            }
        ],
        "volumes": [{"name": CACHE, "persistentVolumeClaim": {"claimName": CACHE}}],
    }
}
"""Room for many drivers in one pod, and a volume that executors can mount as well."""

NOWHERE = {"kind": "Pod", "spec": {"nodeSelector": {"disk": "diamond"}}}
"""A pod template that no node fits: pods are asked for, and none costs anything."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request that the API server got.

    Parameters
    ----------
    at : float
        Seconds since the epoch.
    verb : str
        As RBAC calls it: ``get``, ``list``, ``watch``, ``create``, ``patch``, ...
    resource : str
    agent : str
        What sent it: ``sparkk8s-nb`` is ours, ``fabric8`` is Spark's own client.
    """

    at: float
    verb: str
    resource: str
    agent: str

    @property
    def writes(self) -> bool:
        """Whether it changes something."""
        return self.verb not in ("get", "list", "watch")


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a benchmark measures."""

    tier: node_tier.NodeTier
    namespace: Namespace
    pod: NotebookPod

    def put(self, file: str, text: str) -> None:
        """Write a file in the pod."""
        self.pod.hand.run(f"pathlib.Path({file!r}).write_text({text!r})")

    def python(self, *arguments: str, timeout: float = 600.0) -> Any:
        """Run a script in a process of its own in the pod; the last line that it prints is JSON."""
        command = f"[sys.executable, *{list(arguments)!r}]"
        run = f"subprocess.run({command}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)"
        self.pod.hand.run(f"done = {run}", timeout=timeout)
        code, said, errors = self.pod.hand.value("[done.returncode, done.stdout, done.stderr[-5000:]]")
        if code:
            raise RuntimeError(f"{arguments} ended with {code}:\n{errors}")
        return json.loads(said.splitlines()[-1])

    def requests(self) -> list[Request]:
        """All requests of the pod's account until now."""
        user = f"system:serviceaccount:{self.namespace.name}:{ACCOUNT}"
        lines = self.tier.api.audit.read_text().splitlines()
        return [_request(event) for event in map(json.loads, lines) if event["user"]["username"] == user]


@contextmanager
def place() -> Iterator[Place]:
    """Bring the cluster up, and a notebook pod in it; all goes at the end. Exits with a word where it cannot."""
    if reason := node_tier.why_not():
        sys.exit(f"Not measured here: {reason}.")
    with ExitStack() as stack:
        run = stack.enter_context(new_run())
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-cluster-")))
        tier = node_tier.start_node_tier(run, stack)
        cluster = RealCluster(kubeconfig=tier.api.admin, context=CONTEXT, image=tier.containers.notebook)
        namespace = stack.enter_context(cluster.namespace(directory))
        namespace.user(ACCOUNT, session_rules())
        stack.enter_context(shared_claim(namespace, CACHE, directory / CACHE))
        pod = start_notebook_pod(namespace, ACCOUNT, over=OVER)
        stack.callback(pod.close)
        pod.hand.run("import psutil")
        yield Place(tier=tier, namespace=namespace, pod=pod)


def between(requests: Sequence[Request], begin: float, end: float) -> list[Request]:
    """The requests of a time."""
    return [request for request in requests if begin <= request.at < end]


def _request(event: Mapping[str, Any]) -> Request:
    reference = event.get("objectRef") or {}
    return Request(
        at=datetime.fromisoformat(event["requestReceivedTimestamp"]).timestamp(),
        verb=event["verb"],
        resource=reference.get("resource", ""),
        agent=event.get("userAgent", "").partition("/")[0],
    )
