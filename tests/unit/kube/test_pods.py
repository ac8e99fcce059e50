"""What a pod's object says, in a few fields."""

from __future__ import annotations

import pytest

from sparkk8s_nb.kube.pods import KubePodSource, pod_view
from sparkk8s_nb.model.fleet import Listed, PodGone, PodSeen

MAIN = "spark-kubernetes-executor"


def pod(status=None, *, containers=None, **metadata):
    default = [{"name": MAIN, "resources": {"requests": {"cpu": "1500m"}, "limits": {"memory": "8Gi"}}}]
    return {
        "metadata": {"name": "p", "uid": "u", "labels": {"spark-exec-id": "3"}, **metadata},
        "spec": {"nodeName": "n", "containers": containers or default},
        "status": status or {},
    }


def main_status(**state):
    return {"containerStatuses": [{"name": MAIN, "state": state}]}


def test_identity_size_and_place_are_read():
    """All that does not depend on its state."""
    view = pod_view(pod({"phase": "Running", "podIP": "10.0.0.7"}, creationTimestamp="2026-01-01T00:00:00Z"))
    assert (view.name, view.uid, view.executor, view.node, view.ip) == ("p", "u", "3", "n", "10.0.0.7")
    assert (view.cpu_millis, view.memory) == (1500, 8 * 1024**3)
    assert view.created == 1767225600.0
    assert (view.phase, view.reason, view.exit_code, view.deleting) == ("Running", "", None, False)


def test_a_sidecar_is_not_taken_for_the_executor():
    """Webhooks put theirs first."""
    sidecar = {"name": "proxy", "resources": {"limits": {"memory": "64Mi", "cpu": "10m"}}}
    main = {"name": MAIN, "resources": {"limits": {"memory": "1Gi", "cpu": "2"}}}
    status = {
        "containerStatuses": [
            {"name": "proxy", "state": {"terminated": {"exitCode": 9, "reason": "Error"}}},
            {"name": MAIN, "state": {"running": {}}},
        ]
    }
    view = pod_view(pod(status, containers=[sidecar, main]))
    assert (view.cpu_millis, view.memory, view.exit_code, view.reason) == (2000, 1024**3, None, "")


@pytest.mark.parametrize(
    ("status", "reason", "message", "code"),
    [
        (
            {
                "conditions": [
                    {"type": "Ready", "status": "False"},
                    {
                        "type": "PodScheduled",
                        "status": "False",
                        "reason": "Unschedulable",
                        "message": "0/3 nodes are available: 3 Insufficient memory.",
                    },
                ]
            },
            "Unschedulable",
            "0/3 nodes are available: 3 Insufficient memory.",
            None,
        ),
        (
            main_status(waiting={"reason": "ErrImagePull", "message": "no such image"}),
            "ErrImagePull",
            "no such image",
            None,
        ),
        (main_status(terminated={"exitCode": 137, "reason": "OOMKilled"}), "OOMKilled", "", 137),
        (main_status(terminated={"exitCode": 1, "reason": "Error", "message": "x\n"}), "Error", "x", 1),
        (main_status(terminated={"exitCode": 0, "reason": "Completed"}), "Completed", "", 0),
        (
            {"reason": "Evicted", "message": "low on disk"}
            | main_status(terminated={"exitCode": 137, "reason": "Error"}),
            "Evicted",
            "low on disk",
            137,
        ),
        (
            main_status(waiting={"reason": "PodInitializing"})
            | {
                "initContainerStatuses": [
                    {"name": "setup", "state": {"waiting": {"reason": "ImagePullBackOff", "message": "b"}}}
                ]
            },
            "ImagePullBackOff",
            "init container setup: b",
            None,
        ),
        (
            {
                "initContainerStatuses": [
                    {"name": "setup", "state": {"terminated": {"exitCode": 2, "reason": "Error"}}}
                ]
            },
            "Error",
            "init container setup: exit code 2",
            None,
        ),
        (
            main_status(waiting={"reason": "PodInitializing"})
            | {"initContainerStatuses": [{"name": "setup", "state": {"running": {}}}]},
            "PodInitializing",
            "",
            None,
        ),
    ],
)
def test_why_it_waits_or_ended(status, reason, message, code):
    """Each in the API's own words."""
    view = pod_view(pod(status))
    assert (view.reason, view.message, view.exit_code) == (reason, message, code)


def test_a_bare_object_is_a_pending_pod():
    """Nothing of it is required."""
    view = pod_view({"metadata": {"name": "p", "uid": "u", "deletionTimestamp": "2026-01-01T00:00:00Z"}})
    assert (view.phase, view.deleting, view.memory) == ("Pending", True, 0)


def test_pods_become_fleet_events(cluster, transport, stream, clock):
    """A list, changes, an end; each with the time it came."""
    item = pod({"phase": "Running"}, resourceVersion="2")
    transport.answer({"items": [item], "metadata": {"resourceVersion": "1"}})
    changes = [{"type": kind, "object": item} for kind in ("ADDED", "MODIFIED", "DELETED")]
    transport.streams.append(stream(*changes))
    events = KubePodSource(cluster, now=clock).events("a=b", clock)
    found = [next(events) for _ in range(4)]
    events.close()
    assert [type(event) for event in found] == [Listed, PodSeen, PodSeen, PodGone]
    assert found[0].pods[0].executor == "3"
    assert {event.at for event in found} == {100.0}


def test_a_pod_whose_end_spark_has_seen_is_marked():
    """Spark labels it, where it does not delete it."""
    assert not pod_view(pod()).marked
    assert pod_view(pod(labels={"spark-exec-id": "3", "spark-exec-inactive": "true"})).marked
