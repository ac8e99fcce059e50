"""The node tier is a cluster: what sessions rest on works in it as on any other."""

from __future__ import annotations

import json
import textwrap
from typing import Any

import pytest

from sparkk8s_nb.kube.lease import owner_reference
from tests.cluster.real_cluster import Namespace
from tests.eventually import eventually

pytestmark = [pytest.mark.node_tier, pytest.mark.timeout(300)]

LOOK_AROUND = textwrap.dedent("""
    import json, os, pathlib, socket, ssl, time, urllib.error, urllib.request
    account = pathlib.Path("/var/run/secrets/kubernetes.io/serviceaccount")
    context = ssl.create_default_context(cafile=account / "ca.crt")
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    def status(path):
        url = f"https://{os.environ['KUBERNETES_SERVICE_HOST']}:{os.environ['KUBERNETES_SERVICE_PORT']}{path}"
        request = urllib.request.Request(url, headers={"Authorization": f"Bearer {(account / 'token').read_text()}"})
        try:
            return urllib.request.urlopen(request, context=context, timeout=10).status
        except urllib.error.HTTPError as error:
            return error.code
    def addresses(name):
        for _ in range(100):
            try:
                return sorted({found[4][0] for found in socket.getaddrinfo(name, 80, socket.AF_INET)})
            except socket.gaierror:
                time.sleep(0.1)
    print(json.dumps({
        "version": status("/version"), "pods": status("/api/v1/pods"),
        "service": addresses("self"), "api": addresses("kubernetes.default.svc"),
        "own": os.environ["POD_IP"], "uid": os.getuid(),
    }), flush=True)
    time.sleep(600)
""")


def pod(namespace: Namespace, name: str, command: list[str], **more: Any) -> dict[str, Any]:
    """A pod that the strictest Pod Security level takes."""
    container = {
        "name": "main",
        "image": namespace.cluster.image,
        "command": command,
        "env": [{"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}],
        "resources": {"limits": {"memory": "64Mi", "cpu": "200m"}},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    return {
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": name}, **more},
        "spec": {
            "containers": [container],
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 1,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 185,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
        },
    }


def phase(namespace: Namespace, name: str) -> str:
    """A pod's phase; empty when there is none."""
    found = namespace.administrator.read("Pod", name)
    return str(found["status"]["phase"]) if found else ""


def test_a_pod_reaches_the_api_with_its_account_s_rights_and_services_by_name(
    pod_namespace: Namespace,
) -> None:
    """RBAC refuses it other pods; a headless Service leads to its pod."""
    ports = [{"port": 80}]
    service = {
        "clusterIP": "None",
        "publishNotReadyAddresses": True,
        "selector": {"app": "self"},
        "ports": ports,
    }
    cluster = pod_namespace.administrator
    cluster.create({"kind": "Service", "metadata": {"name": "self"}, "spec": service})
    cluster.create(pod(pod_namespace, "self", ["python3", "-c", LOOK_AROUND]))
    assert eventually(lambda: cluster.pod_log("self").endswith("\n")), cluster.read("Pod", "self")
    told = json.loads(cluster.pod_log("self"))
    assert (told["version"], told["pods"], told["uid"]) == (200, 403, 185)
    assert told["service"] == [told["own"]]
    assert len(told["api"]) == 1


def test_a_pod_beyond_its_memory_is_killed_and_the_kubelet_says_so(pod_namespace: Namespace) -> None:
    """OOMKilled, from the kernel's control groups."""
    cluster = pod_namespace.administrator
    hungry = "held = [bytearray(1 << 20) for _ in range(256)]"
    cluster.create(pod(pod_namespace, "hungry", ["python3", "-c", hungry]))
    assert eventually(lambda: phase(pod_namespace, "hungry") == "Failed"), cluster.read("Pod", "hungry")
    (status,) = cluster.read("Pod", "hungry")["status"]["containerStatuses"]  # type: ignore[index]
    assert status["state"]["terminated"]["reason"] == "OOMKilled"


def test_an_image_that_cannot_be_pulled_is_named(pod_namespace: Namespace) -> None:
    """There is no registry here: the kubelet says which image it waits for."""
    cluster = pod_namespace.administrator
    wanted = pod(pod_namespace, "lost", ["true"])
    wanted["spec"]["containers"][0]["image"] = "localhost/no-such-image:1"
    cluster.create(wanted)

    def waiting() -> str:
        found = cluster.read("Pod", "lost") or {}
        statuses = found.get("status", {}).get("containerStatuses") or [{}]
        return str(statuses[0].get("state", {}).get("waiting", {}).get("reason"))

    assert eventually(lambda: waiting() in ("ErrImagePull", "ImagePullBackOff")), waiting()


def test_the_collector_removes_a_pod_whose_owner_is_gone(pod_namespace: Namespace) -> None:
    """As it removes a session's pods when its Lease is deleted."""
    cluster = pod_namespace.administrator
    lease = cluster.create({"kind": "Lease", "metadata": {"name": "session"}, "spec": {}})
    owner = [owner_reference(lease)]
    cluster.create(pod(pod_namespace, "owned", ["sleep", "600"], ownerReferences=owner))
    assert eventually(lambda: phase(pod_namespace, "owned") == "Running"), cluster.read("Pod", "owned")
    cluster.delete("Lease", "session")
    assert eventually(lambda: phase(pod_namespace, "owned") == ""), cluster.read("Pod", "owned")
