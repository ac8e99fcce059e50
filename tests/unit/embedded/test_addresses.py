"""Paths of requests, discovery, pod addresses, events' two faces."""

from __future__ import annotations

import pytest

from sparkk8s_nb.embedded import addresses, discovery, events, resources
from sparkk8s_nb.embedded.nodeaddresses import Addresses


@pytest.mark.parametrize(
    ("path", "resource", "namespace", "name", "sub"),
    [
        ("/api/v1/pods", resources.PODS, None, "", ""),
        ("/api/v1/namespaces/n/pods", resources.PODS, "n", "", ""),
        ("/api/v1/namespaces/n/pods/p", resources.PODS, "n", "p", ""),
        ("/api/v1/namespaces/n/pods/p/log", resources.PODS, "n", "p", "log"),
        ("/api/v1/namespaces", resources.NAMESPACES, None, "", ""),
        ("/api/v1/namespaces/n", resources.NAMESPACES, None, "n", ""),
        ("/api/v1/namespaces/n/status", resources.NAMESPACES, None, "n", "status"),
        ("/api/v1/nodes/n/status", resources.NODES, None, "n", "status"),
        ("/apis/coordination.k8s.io/v1/namespaces/n/leases/l", resources.LEASES, "n", "l", ""),
        ("/apis/events.k8s.io/v1/events", resources.NEW_EVENTS, None, "", ""),
    ],
)
def test_a_path_names_its_target(
    path: str, resource: resources.Resource, namespace: str | None, name: str, sub: str
) -> None:
    """Collections, objects, subresources; in one namespace or all."""
    found = addresses.target(path)
    assert found is not None
    assert (found.resource, found.namespace, found.name, found.subresource) == (
        resource,
        namespace,
        name,
        sub,
    )


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/api",
        "/api/v2/pods",
        "/api/v1/pods/p",
        "/api/v1/namespaces/n/pods/p/exec",
        "/api/v1/namespaces/n/pods/p/log/x",
        "/api/v1/namespaces/n/nodes",
        "/apis/apps/v1/deployments",
        "/apis/coordination.k8s.io/v1beta1/leases",
        "/api/v1/watch/pods",
        "//",
    ],
)
def test_other_paths_name_nothing(path: str) -> None:
    """404."""
    assert addresses.target(path) is None


def test_discovery_lists_what_is_served() -> None:
    """Each group with its resources and their verbs."""
    groups = discovery.document("/apis")
    assert groups is not None
    for name in ["", *(each["name"] for each in groups["groups"])]:
        document = discovery.document(f"/apis/{name}/v1" if name else "/api/v1")
        assert document is not None
        listed = {each["name"] for each in document["resources"]}
        assert {each.plural for each in resources.SERVED if each.group == name} <= listed


def test_field_validation_is_announced_for_everything_that_can_be_patched() -> None:
    """Else kubectl wants whole schemas."""
    document = discovery.document("/openapi/v3/api/v1")
    assert document is not None
    assert "/api/v1/namespaces/{namespace}/pods/{name}" in document["paths"]


def test_each_running_pod_has_its_own_address() -> None:
    """Which may be given again after it has ended; never 127.0.x.y."""
    pool = Addresses(shared=False, start=10**9)
    taken = [pool.take() for _ in range(1000)]
    assert len(set(taken)) == 1000
    assert all(16 <= int(each.split(".")[1]) <= 215 for each in taken)
    assert Addresses(shared=True, start=5).take() == "127.0.0.1"


def test_an_event_survives_the_way_there_and_back() -> None:
    """Between its two faces."""
    event = {"apiVersion": "v1", "message": "m", "involvedObject": {"name": "p"}, "count": 2, "reason": "r"}
    assert events.from_new(events.to_new(event)) == event
