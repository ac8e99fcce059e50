"""The reaper that we print, as a pod of a real cluster."""

from __future__ import annotations

import json

import pytest

from sparkk8s_nb.cli.main import main
from tests.cluster.left_sessions import NOTEBOOK, make_session
from tests.cluster.real_cluster import Namespace
from tests.eventually import eventually

pytestmark = [pytest.mark.node_tier, pytest.mark.timeout(600)]


def names(namespace: Namespace, kind: str) -> set[str]:
    """What is there of a kind."""
    return {item["metadata"]["name"] for item in namespace.administrator.list(kind)}


def runs(namespace: Namespace) -> list[tuple[str, str]]:
    """Phase and log of the reaper's pods."""
    pods = namespace.administrator.list("Pod", selector="batch.kubernetes.io/job-name=reap-now")
    return [
        (pod["status"]["phase"], namespace.administrator.pod_log(pod["metadata"]["name"])) for pod in pods
    ]


def test_its_pod_removes_the_dead_session_and_leaves_the_other(
    pod_namespace: Namespace, capsys: pytest.CaptureFixture[str]
) -> None:
    """In the strictest Pod Security, read-only, with its own Role; the collector takes what the Lease owned."""
    alive = pod_namespace.administrator.create(NOTEBOOK)
    make_session(pod_namespace, "alive", alive)
    gone = alive | {"metadata": {**alive["metadata"], "uid": "of-a-pod-of-the-same-name-before"}}
    make_session(pod_namespace, "dead", gone)
    image = pod_namespace.cluster.image
    assert main(["manifests", "reaper", "--namespace", pod_namespace.name, "--image", image]) == 0
    cron = pod_namespace.apply(capsys.readouterr().out)[-1]
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "reap-now", "namespace": pod_namespace.name},
        "spec": cron["spec"]["jobTemplate"]["spec"],
    }
    pod_namespace.apply(json.dumps(job))
    assert eventually(lambda: [state for state, _ in runs(pod_namespace)] == ["Succeeded"]), runs(
        pod_namespace
    )
    assert "Removed. 1 other session is alive" in runs(pod_namespace)[0][1]
    assert names(pod_namespace, "Lease") == {"alive"}
    assert eventually(lambda: names(pod_namespace, "Secret") == {"alive-rpc"}), names(pod_namespace, "Secret")
    assert {"notebook", "alive-exec-1"} <= names(pod_namespace, "Pod")
    assert "dead-exec-1" not in names(pod_namespace, "Pod")
