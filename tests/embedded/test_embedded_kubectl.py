"""The real kubectl against the real daemon."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import uuid
from collections.abc import Callable, Iterator

import pytest

from sparkk8s_nb.embedded.lifecycle import EmbeddedCluster

pytestmark = pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")

POD = """
apiVersion: v1
kind: Pod
metadata: {{name: {name}, labels: {{app: {name}}}}}
spec:
  restartPolicy: Never
  terminationGracePeriodSeconds: 1
  containers:
  - name: main
    image: example/image:1
    command: [sh, -c, "echo hello; sleep 600"]
"""

Kubectl = Callable[..., str]


@pytest.fixture
def kubectl(embedded_cluster: EmbeddedCluster) -> Iterator[Kubectl]:
    """Run kubectl in a namespace of the test's own; gives what it prints."""
    namespace = f"test-{uuid.uuid4().hex[:8]}"
    environ = {**os.environ, "KUBECONFIG": str(embedded_cluster.kubeconfig)}

    def run(*arguments: str, text: str | None = None, check: bool = True) -> str:
        done = subprocess.run(
            ["kubectl", "--namespace", namespace, *arguments],
            input=text,
            env=environ,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0 or not check, done.stderr
        return done.stdout if check else done.stdout + done.stderr

    run("create", "namespace", namespace)
    yield run
    run("delete", "namespace", namespace, "--wait=true")


def test_version_and_resources(kubectl: Kubectl) -> None:
    """Discovery."""
    assert json.loads(kubectl("version", "-o", "json"))["serverVersion"]["major"] == "1"
    listed = kubectl("api-resources", "--no-headers")
    assert {"pods", "leases", "endpointslices"} <= {line.split()[0] for line in listed.splitlines()}


def test_create_get_and_delete(kubectl: Kubectl) -> None:
    """Tables as kubectl shows them."""
    assert kubectl("create", "-f", "-", text=POD.format(name="a")) == "pod/a created\n"
    kubectl("wait", "--for=condition=Ready", "pod/a", "--timeout=30s")
    header, row = kubectl("get", "pods").splitlines()
    assert header.split() == ["NAME", "READY", "STATUS", "RESTARTS", "AGE"]
    assert row.split()[:4] == ["a", "1/1", "Running", "0"]
    wide = kubectl("get", "pods", "-o", "wide").splitlines()
    assert wide[0].split()[5:7] == ["IP", "NODE"]
    assert wide[1].split()[5].startswith("127.")
    assert kubectl("get", "pods", "-l", "app=b", "--no-headers", check=False).startswith("No resources found")
    assert kubectl("get", "pod/a", "-o", "jsonpath={.status.phase}") == "Running"
    assert kubectl("delete", "pod", "a").startswith('pod "a" deleted')
    assert 'pods "a" not found' in kubectl("get", "pod", "a", check=False)


def test_apply_twice_and_change(kubectl: Kubectl) -> None:
    """created, unchanged, configured."""
    config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c}}\ndata: {{k: '{0}'}}\n"
    assert kubectl("apply", "-f", "-", text=config.format(1)) == "configmap/c created\n"
    assert kubectl("apply", "-f", "-", text=config.format(1)) == "configmap/c unchanged\n"
    assert kubectl("apply", "-f", "-", text=config.format(2)) == "configmap/c configured\n"
    assert kubectl("get", "cm", "c", "-o", "jsonpath={.data.k}") == "2"
    assert "server dry run" in kubectl("apply", "--dry-run=server", "-f", "-", text=config.format(3))


def test_label_describe_logs_and_events(kubectl: Kubectl) -> None:
    """What one does with a pod that one wonders about."""
    kubectl("create", "-f", "-", text=POD.format(name="a"))
    kubectl("wait", "--for=condition=Ready", "pod/a", "--timeout=30s")
    assert kubectl("label", "pod", "a", "extra=yes") == "pod/a labeled\n"
    assert kubectl("get", "pods", "-l", "extra=yes", "-o", "name") == "pod/a\n"
    described = kubectl("describe", "pod", "a")
    assert "Successfully assigned" in described
    assert "extra=yes" in described
    assert kubectl("logs", "a") == "hello\n"
    assert kubectl("logs", "a", "--timestamps", "--tail=1").endswith("Z hello\n")
    assert "Started container main" in kubectl("get", "events")
    assert "Allocatable" in kubectl("describe", "nodes")


def test_watch_shows_rows_as_they_change(kubectl: Kubectl) -> None:
    """get -w, with a time limit of its own."""
    kubectl("create", "-f", "-", text=POD.format(name="a"))
    shown = kubectl("get", "pods", "-w", "--request-timeout=2s", check=False)
    assert "Running" in shown


def test_wait_for_deletion(kubectl: Kubectl) -> None:
    """wait --for=delete."""
    kubectl("create", "-f", "-", text=POD.format(name="a"))
    kubectl("wait", "--for=condition=Ready", "pod/a", "--timeout=30s")
    kubectl("delete", "pod", "a", "--wait=false")
    kubectl("wait", "--for=delete", "pod/a", "--timeout=30s")


def test_a_pod_that_cannot_be_is_told_by_its_field(kubectl: Kubectl) -> None:
    """The message of the API server reaches the terminal."""
    wrong = POD.format(name="a").replace("image: example/image:1", "image: ''")
    assert "spec.containers[0].image: Required value" in kubectl("create", "-f", "-", text=wrong, check=False)


def test_auth_can_i(kubectl: Kubectl) -> None:
    """yes."""
    assert kubectl("auth", "can-i", "create", "pods") == "yes\n"
    assert kubectl("auth", "can-i", "--list").startswith("Resources")


def test_many_kinds_are_made_and_listed(kubectl: Kubectl) -> None:
    """Generators of kubectl, and get of several kinds."""
    kubectl("create", "configmap", "c", "--from-literal=a=b")
    kubectl("create", "secret", "generic", "s", "--from-literal=a=b")
    kubectl("create", "service", "clusterip", "v", "--tcp=80")
    kubectl("create", "quota", "q", "--hard=pods=3")
    shown = kubectl("get", "cm,secret,svc,quota,leases,endpointslices,netpol,sa", "-o", "name").split()
    assert {"configmap/c", "secret/s", "service/v", "resourcequota/q"} <= set(shown)
    assert "pods: 0/3" in kubectl("get", "quota")
