"""ResourceQuota and LimitRange."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from sparkk8s_nb.embedded import resources
from sparkk8s_nb.embedded.limitranges import LimitRanges
from sparkk8s_nb.embedded.quota import Quota
from sparkk8s_nb.embedded.registry import Registry
from sparkk8s_nb.embedded.status import StatusError
from sparkk8s_nb.embedded.store import Store

Body = Callable[..., dict[str, Any]]


@pytest.fixture
def quota(store: Store) -> Quota:
    """Admission over the test's store."""
    return Quota(store)


@pytest.fixture
def admitting(registry: Registry, store: Store, quota: Quota, clock: Callable[[], datetime]) -> Registry:
    """A registry that asks quotas and limit ranges (the namespaces are there already)."""
    assert registry.store is store
    return Registry(store, clock=clock, admission=(LimitRanges(store).admit, quota.admit))


def set_quota(registry: Registry, **hard: str) -> None:
    named = {key.replace("__", "/").replace("_", "."): value for key, value in hard.items()}
    registry.create(resources.QUOTAS, "default", {"metadata": {"name": "q"}, "spec": {"hard": named}})


def used(admitting: Registry, quota: Quota) -> dict[str, str]:
    quota.update()
    found: dict[str, str] = admitting.store.get(resources.QUOTAS, "default", "q")["status"]["used"]
    return found


def test_a_pod_beyond_the_quota_is_refused_in_the_real_words(admitting: Registry, pod_body: Body) -> None:
    """403: requested, used, limited."""
    set_quota(admitting, requests_cpu="4", pods="10")
    admitting.create(resources.PODS, "default", pod_body("a", requests={"cpu": "3"}))
    with pytest.raises(StatusError) as caught:
        admitting.create(resources.PODS, "default", pod_body("b", requests={"cpu": "2"}))
    assert (caught.value.code, caught.value.reason) == (403, "Forbidden")
    assert caught.value.message == (
        'pods "b" is forbidden: exceeded quota: q, requested: requests.cpu=2, used: requests.cpu=3, '
        "limited: requests.cpu=4"
    )


def test_what_was_refused_counts_for_nothing(admitting: Registry, quota: Quota, pod_body: Body) -> None:
    """Neither the object nor its sum."""
    set_quota(admitting, requests_memory="1Gi")
    with pytest.raises(StatusError):
        admitting.create(resources.PODS, "default", pod_body("a", requests={"memory": "2Gi"}))
    admitting.create(resources.PODS, "default", pod_body("b", requests={"memory": "512Mi"}))
    assert used(admitting, quota) == {"requests.memory": "512Mi"}


def test_pods_that_have_ended_free_what_they_had(admitting: Registry, quota: Quota, pod_body: Body) -> None:
    """Completed executors do not block new ones."""
    set_quota(admitting, pods="1", requests_cpu="1")
    made = admitting.create(resources.PODS, "default", pod_body("a", requests={"cpu": "1"}))
    admitting.store.replace(resources.PODS, {**made, "status": {"phase": "Succeeded"}})
    assert used(admitting, quota) == {"pods": "0", "requests.cpu": "0"}
    admitting.create(resources.PODS, "default", pod_body("b", requests={"cpu": "1"}))


def test_a_pod_must_state_what_the_quota_counts(admitting: Registry, pod_body: Body) -> None:
    """403 that names resource and container."""
    set_quota(admitting, limits_memory="1Gi")
    with pytest.raises(StatusError, match=r"failed quota: q: must specify limits.memory for: c"):
        admitting.create(resources.PODS, "default", pod_body())


def test_objects_are_counted(admitting: Registry) -> None:
    """``count/...`` and the short names."""
    set_quota(admitting, count__configmaps="1", services="0")
    admitting.create(resources.CONFIG_MAPS, "default", {"metadata": {"name": "a"}})
    with pytest.raises(StatusError, match="exceeded quota: q, requested: count/configmaps=1"):
        admitting.create(resources.CONFIG_MAPS, "default", {"metadata": {"name": "b"}})
    with pytest.raises(StatusError, match="services=1"):
        admitting.create(
            resources.SERVICES, "default", {"metadata": {"name": "s"}, "spec": {"ports": [{"port": 1}]}}
        )


def test_a_quota_holds_in_its_own_namespace_only(admitting: Registry, pod_body: Body) -> None:
    """Other namespaces are free."""
    set_quota(admitting, pods="0")
    admitting.create(resources.PODS, "other", pod_body())


def test_a_limit_range_fills_in_and_bounds(admitting: Registry, pod_body: Body) -> None:
    """Defaults for what is not stated, 403 for what is too much."""
    item = {
        "type": "Container",
        "default": {"memory": "1Gi"},
        "max": {"memory": "2Gi"},
        "min": {"memory": "1Mi"},
    }
    admitting.create(
        resources.LIMIT_RANGES, "default", {"metadata": {"name": "l"}, "spec": {"limits": [item]}}
    )
    made = admitting.create(resources.PODS, "default", pod_body())
    assert made["spec"]["containers"][0]["resources"]["requests"] == {"memory": "1Gi"}
    body = pod_body("big")
    body["spec"]["containers"][0]["resources"] = {"limits": {"memory": "4Gi"}}
    with pytest.raises(StatusError, match="maximum memory usage per Container is 2Gi, but limit is 4Gi"):
        admitting.create(resources.PODS, "default", body)
