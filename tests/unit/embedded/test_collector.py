"""Garbage collection: what loses its owners goes."""

from __future__ import annotations

from typing import Any

import pytest

from sparkk8s_nb.embedded import resources
from sparkk8s_nb.embedded.collector import Collector
from sparkk8s_nb.embedded.deletion import DeleteOptions, delete
from sparkk8s_nb.embedded.registry import Registry
from sparkk8s_nb.embedded.resources import Resource


@pytest.fixture
def collector(registry: Registry) -> Collector:
    """A collector that has subscribed; call ``collect`` to have it work."""
    made = Collector(registry=registry)
    made.listen()
    return made


def lease(registry: Registry, name: str = "session", namespace: str = "default") -> dict[str, Any]:
    return registry.create(resources.LEASES, namespace, {"metadata": {"name": name}, "spec": {}})


def owned(
    registry: Registry,
    *owners: dict[str, Any],
    resource: Resource = resources.CONFIG_MAPS,
    name: str = "child",
    namespace: str = "default",
    block: bool = False,
) -> dict[str, Any]:
    references = [
        {
            "apiVersion": each["apiVersion"],
            "kind": each["kind"],
            "name": each["metadata"]["name"],
            "uid": each["metadata"]["uid"],
            "blockOwnerDeletion": block,
        }
        for each in owners
    ]
    body: dict[str, Any] = {"metadata": {"name": name, "ownerReferences": references}}
    if resource is resources.PODS:
        body["spec"] = {"containers": [{"name": "c", "image": "i"}]}
    return registry.create(resource, namespace, body)


def gone(registry: Registry, resource: Resource, name: str = "child", namespace: str = "default") -> bool:
    return registry.store.find(resource, namespace, name) is None


def remove_lease(registry: Registry, propagation: str = "Background") -> None:
    delete(registry, resources.LEASES, "default", "session", DeleteOptions(propagation=propagation))


def test_dependents_of_all_kinds_go_with_their_lease(registry: Registry, collector: Collector) -> None:
    """Delete the Lease and the rest follows."""
    owner = lease(registry)
    owned(registry, owner)
    owned(registry, owner, resource=resources.SECRETS)
    owned(registry, owner, resource=resources.PODS)
    collector.collect()
    assert not gone(registry, resources.PODS)
    remove_lease(registry)
    collector.collect()
    assert all(gone(registry, each) for each in (resources.CONFIG_MAPS, resources.SECRETS, resources.PODS))


def test_a_dependent_whose_owner_never_was_goes(registry: Registry, collector: Collector) -> None:
    """A pod made with the uid of a Lease that is gone."""
    owner = lease(registry)
    remove_lease(registry)
    owned(registry, owner, resource=resources.PODS)
    collector.collect()
    assert gone(registry, resources.PODS)


def test_an_owner_made_anew_under_the_old_name_does_not_count(
    registry: Registry, collector: Collector
) -> None:
    """The uid is who it is."""
    old = lease(registry)
    remove_lease(registry)
    lease(registry)
    owned(registry, old)
    collector.collect()
    assert gone(registry, resources.CONFIG_MAPS)


def test_an_owner_in_another_namespace_counts_as_absent(registry: Registry, collector: Collector) -> None:
    """As on a real cluster, at once."""
    owned(registry, lease(registry), namespace="other")
    collector.collect()
    assert gone(registry, resources.CONFIG_MAPS, namespace="other")


def test_one_living_owner_is_enough(registry: Registry, collector: Collector) -> None:
    """The reference to the dead one is dropped."""
    second = lease(registry, "second")
    owned(registry, lease(registry), second)
    remove_lease(registry)
    collector.collect()
    child = registry.store.get(resources.CONFIG_MAPS, "default", "child")
    assert [each["uid"] for each in child["metadata"]["ownerReferences"]] == [second["metadata"]["uid"]]


def test_owners_of_kinds_that_are_not_known_are_left_alone(registry: Registry, collector: Collector) -> None:
    """Nobody can say that they are gone."""
    stranger = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d", "uid": "u"}}
    owned(registry, stranger)
    collector.collect()
    assert not gone(registry, resources.CONFIG_MAPS)


def test_collection_goes_down_the_generations(registry: Registry, collector: Collector) -> None:
    """A child's children too."""
    child = owned(registry, lease(registry))
    owned(registry, child, resource=resources.SECRETS, name="grandchild")
    remove_lease(registry)
    collector.collect()
    assert gone(registry, resources.SECRETS, "grandchild")


def test_orphans_are_released(registry: Registry, collector: Collector) -> None:
    """propagationPolicy=Orphan."""
    owned(registry, lease(registry))
    remove_lease(registry, "Orphan")
    collector.collect()
    assert gone(registry, resources.LEASES, "session")
    assert registry.store.get(resources.CONFIG_MAPS, "default", "child")["metadata"]["ownerReferences"] == []


def test_a_foreground_deletion_waits_for_dependents_that_block(
    registry: Registry, collector: Collector
) -> None:
    """The owner goes last."""
    child = owned(registry, lease(registry), block=True)
    held = {**child, "metadata": {**child["metadata"], "finalizers": ["example.com/hold"]}}
    registry.store.replace(resources.CONFIG_MAPS, held)
    remove_lease(registry, "Foreground")
    collector.collect()
    assert not gone(registry, resources.LEASES, "session")
    current = registry.store.get(resources.CONFIG_MAPS, "default", "child")
    free = {**current, "metadata": {**current["metadata"], "finalizers": []}}
    registry.settle(resources.CONFIG_MAPS, registry.store.replace(resources.CONFIG_MAPS, free))
    collector.collect()
    assert gone(registry, resources.LEASES, "session")


def test_a_foreground_deletion_without_dependents_ends(registry: Registry, collector: Collector) -> None:
    """Nothing to wait for."""
    lease(registry)
    remove_lease(registry, "Foreground")
    collector.collect()
    assert gone(registry, resources.LEASES, "session")


def test_a_namespace_goes_with_all_that_it_holds(registry: Registry, collector: Collector) -> None:
    """And only then itself."""
    owned(registry, name="a", namespace="other")
    lease(registry, namespace="other")
    delete(registry, resources.NAMESPACES, "", "other", DeleteOptions())
    collector.collect()
    assert gone(registry, resources.NAMESPACES, "other", namespace="")
    assert registry.store.all(resources.LEASES, "other") == []
