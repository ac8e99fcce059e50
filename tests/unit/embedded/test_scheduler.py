"""The scheduler: what fits, what does not, and the words for it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from sparkk8s_nb.embedded import resources
from sparkk8s_nb.embedded.events import Recorder
from sparkk8s_nb.embedded.node import Capacity, node_object
from sparkk8s_nb.embedded.registry import Registry
from sparkk8s_nb.embedded.scheduler import Scheduler

from .conftest import NOW

Body = Callable[..., dict[str, Any]]


@pytest.fixture
def scheduler(registry: Registry, clock: Callable[[], datetime]) -> Scheduler:
    """One node with 4 cores and 8 GiB."""
    capacity = Capacity(cpus=4, memory=8 * 1024**3)
    registry.store.create(resources.NODES, node_object("n", capacity, capacity, version="v1", now=NOW))
    recorder = Recorder(registry.store, "default-scheduler", clock)
    return Scheduler(store=registry.store, recorder=recorder, clock=clock, node="n")


def pod(registry: Registry, name: str) -> dict[str, Any]:
    return registry.store.get(resources.PODS, "default", name)


def scheduled(registry: Registry, name: str) -> bool:
    return pod(registry, name)["spec"].get("nodeName") == "n"


def events(registry: Registry) -> list[tuple[str, str]]:
    return [(each["reason"], each["message"]) for each in registry.store.all(resources.EVENTS)]


def test_a_pod_that_fits_gets_the_node(registry: Registry, scheduler: Scheduler, pod_body: Body) -> None:
    """With condition and event."""
    registry.create(resources.PODS, "default", pod_body(requests={"cpu": "2"}))
    scheduler.schedule()
    assert scheduled(registry, "p")
    assert pod(registry, "p")["status"]["conditions"][0]["status"] == "True"
    assert events(registry) == [("Scheduled", "Successfully assigned default/p to n")]


def test_a_pod_that_does_not_fit_stays_pending_and_says_why(
    registry: Registry, scheduler: Scheduler, pod_body: Body
) -> None:
    """In the words of the real scheduler, once."""
    registry.create(resources.PODS, "default", pod_body(requests={"cpu": "5", "memory": "9Gi"}))
    scheduler.schedule()
    scheduler.schedule()
    condition = pod(registry, "p")["status"]["conditions"][0]
    message = (
        "0/1 nodes are available: 1 Insufficient cpu, 1 Insufficient memory. preemption: 0/1 nodes are available: "
        "1 No preemption victims found for incoming pod."
    )
    assert (condition["type"], condition["status"], condition["reason"], condition["message"]) == (
        "PodScheduled",
        "False",
        "Unschedulable",
        message,
    )
    assert events(registry) == [("FailedScheduling", message)]


def test_a_pod_gets_its_turn_when_another_has_ended(
    registry: Registry, scheduler: Scheduler, pod_body: Body
) -> None:
    """What is freed is given on."""
    for name in "ab":
        registry.create(resources.PODS, "default", pod_body(name, requests={"cpu": "3"}))
    scheduler.schedule()
    assert (scheduled(registry, "a"), scheduled(registry, "b")) == (True, False)
    registry.store.replace(resources.PODS, {**pod(registry, "a"), "status": {"phase": "Failed"}})
    scheduler.schedule()
    assert scheduled(registry, "b")


def test_a_small_pod_passes_a_large_one_that_waits(
    registry: Registry, scheduler: Scheduler, pod_body: Body
) -> None:
    """As on a real cluster."""
    registry.create(resources.PODS, "default", pod_body("large", requests={"cpu": "40"}))
    registry.create(resources.PODS, "default", pod_body("small", requests={"cpu": "1"}))
    scheduler.schedule()
    assert (scheduled(registry, "large"), scheduled(registry, "small")) == (False, True)


def test_a_pod_goes_only_where_its_selector_points(
    registry: Registry, scheduler: Scheduler, pod_body: Body
) -> None:
    """nodeSelector and required node affinity."""
    registry.create(resources.PODS, "default", pod_body("a", nodeSelector={"disk": "ssd"}))
    term = {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": ["n"]}]}
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}
    registry.create(resources.PODS, "default", pod_body("b", affinity={"nodeAffinity": required}))
    scheduler.schedule()
    assert (scheduled(registry, "a"), scheduled(registry, "b")) == (False, True)
    message = pod(registry, "a")["status"]["conditions"][0]["message"]
    assert "1 node(s) didn't match Pod's node affinity/selector" in message


def test_a_cordoned_node_takes_no_pods(registry: Registry, scheduler: Scheduler, pod_body: Body) -> None:
    """And takes them again afterwards."""
    node = registry.store.get(resources.NODES, "", "n")
    registry.store.replace(resources.NODES, {**node, "spec": {"unschedulable": True}})
    registry.create(resources.PODS, "default", pod_body())
    scheduler.schedule()
    assert "1 node(s) were unschedulable" in pod(registry, "p")["status"]["conditions"][0]["message"]
    node = registry.store.get(resources.NODES, "", "n")
    registry.store.replace(resources.NODES, {**node, "spec": {}})
    scheduler.schedule()
    assert scheduled(registry, "p")


def test_a_pod_with_a_claim_says_that_it_waits_for_it(
    registry: Registry, scheduler: Scheduler, pod_body: Body
) -> None:
    """No volume is ever provided here."""
    volume = {"name": "v", "persistentVolumeClaim": {"claimName": "c"}}
    registry.create(resources.PODS, "default", pod_body(volumes=[volume]))
    scheduler.schedule()
    assert 'persistentvolumeclaim "c" not found' in pod(registry, "p")["status"]["conditions"][0]["message"]


def test_another_schedulers_pods_are_left_alone(
    registry: Registry, scheduler: Scheduler, pod_body: Body
) -> None:
    """schedulerName."""
    registry.create(resources.PODS, "default", pod_body(schedulerName="volcano"))
    scheduler.schedule()
    assert not scheduled(registry, "p")
    assert events(registry) == []
