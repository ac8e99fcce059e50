"""Create, update, patch and delete."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sparkk8s_nb.embedded import patches, resources
from sparkk8s_nb.embedded.deletion import DeleteOptions, delete, finish_pod
from sparkk8s_nb.embedded.registry import Registry
from sparkk8s_nb.embedded.status import StatusError

Body = Callable[..., dict[str, Any]]


def scheduled(registry: Registry, body: dict[str, Any], phase: str = "Running") -> dict[str, Any]:
    """A pod that a kubelet runs."""
    made = registry.create(resources.PODS, "default", body)
    return registry.store.replace(
        resources.PODS, {**made, "spec": {**made["spec"], "nodeName": "n"}, "status": {"phase": phase}}
    )


def remove(registry: Registry, name: str = "p", **options: Any) -> tuple[dict[str, Any], bool]:
    return delete(registry, resources.PODS, "default", name, DeleteOptions(**options))


def test_a_new_object_gets_identity_and_defaults(registry: Registry, pod_body: Body) -> None:
    """uid, time, version; what the client claimed of them is ignored."""
    body = pod_body()
    body["metadata"] |= {"uid": "mine", "creationTimestamp": "2000-01-01T00:00:00Z"}
    made = registry.create(resources.PODS, "default", body)
    assert made["metadata"]["uid"] != "mine"
    assert made["metadata"]["creationTimestamp"] == "2030-01-01T00:00:00Z"
    assert made["spec"]["terminationGracePeriodSeconds"] == 30
    assert made["status"] == {"phase": "Pending", "qosClass": "BestEffort"}


def test_the_body_of_a_request_is_not_changed(registry: Registry, pod_body: Body) -> None:
    """It may be used again."""
    body = pod_body()
    registry.create(resources.PODS, "default", body)
    assert body == pod_body()


def test_names_are_generated_from_a_prefix(registry: Registry) -> None:
    """Different ones each time."""
    body = {"metadata": {"generateName": "exec-"}}
    names = {registry.create(resources.CONFIG_MAPS, "default", body)["metadata"]["name"] for _ in range(20)}
    assert len(names) == 20
    assert all(name.startswith("exec-") and len(name) == 10 for name in names)


def test_a_dry_run_stores_nothing(registry: Registry, pod_body: Body) -> None:
    """But validates and answers as if it had."""
    before = registry.store.version
    assert registry.create(resources.PODS, "default", pod_body(), dry_run=True)["metadata"]["uid"]
    assert registry.store.version == before
    with pytest.raises(StatusError):
        registry.create(resources.PODS, "default", pod_body(name="No"), dry_run=True)


def test_limits_are_requests_where_none_are_given(registry: Registry, pod_body: Body) -> None:
    """And quantities come back in their canonical form."""
    body = pod_body()
    body["spec"]["containers"][0]["resources"] = {"limits": {"memory": "1024Mi"}}
    made = registry.create(resources.PODS, "default", body)
    assert made["spec"]["containers"][0]["resources"]["requests"] == {"memory": "1Gi"}


def test_a_namespace_must_be_there(registry: Registry) -> None:
    """404 that names the namespace."""
    with pytest.raises(StatusError, match='namespaces "absent" not found') as caught:
        registry.create(resources.CONFIG_MAPS, "absent", {"metadata": {"name": "a"}})
    assert caught.value.code == 404


def test_an_update_keeps_status_and_the_status_update_keeps_the_rest(
    registry: Registry, pod_body: Body
) -> None:
    """The two subresources do not write each other's part."""
    made = scheduled(registry, pod_body())
    update = {**made, "status": {"phase": "Failed"}, "metadata": {**made["metadata"], "labels": {"a": "b"}}}
    updated = registry.update(resources.PODS, "default", "p", update)
    assert (updated["status"], updated["metadata"]["labels"]) == ({"phase": "Running"}, {"a": "b"})
    change = {"metadata": {"name": "p", "labels": {}}, "spec": {}, "status": {"phase": "Succeeded"}}
    updated = registry.update(resources.PODS, "default", "p", change, subresource="status")
    assert (updated["status"]["phase"], updated["metadata"]["labels"]) == ("Succeeded", {"a": "b"})


def test_a_patch_with_an_old_version_is_a_conflict(registry: Registry) -> None:
    """As a renewal of a Lease that somebody else has renewed."""
    made = registry.create(resources.LEASES, "default", {"metadata": {"name": "l"}, "spec": {}})
    patch = {
        "metadata": {"resourceVersion": made["metadata"]["resourceVersion"]},
        "spec": {"holderIdentity": "me"},
    }
    registry.patch(resources.LEASES, "default", "l", lambda old: patches.merge(old, patch))
    with pytest.raises(StatusError) as caught:
        registry.patch(
            resources.LEASES,
            "default",
            "l",
            lambda old: patches.merge(old, {**patch, "spec": {"holderIdentity": "you"}}),
        )
    assert caught.value.code == 409


@pytest.mark.parametrize("subresource", ["", "status"])
def test_another_uid_is_a_precondition_of_an_update_and_invalid_in_a_patch(
    registry: Registry, subresource: str
) -> None:
    """A patch is laid on whatever has the name now, and no object's uid may change."""
    made = registry.create(resources.NAMESPACES, "", {"metadata": {"name": "a"}})
    foreign = {"metadata": {"uid": "another"}}
    with pytest.raises(StatusError) as refused:
        registry.patch(
            resources.NAMESPACES, "", "a", lambda old: patches.merge(old, foreign), subresource=subresource
        )
    assert (refused.value.code, refused.value.reason) == (422, "Invalid")
    assert refused.value.message == (
        'Namespace "a" is invalid: metadata.uid: Invalid value: "another": field is immutable'
    )
    with pytest.raises(StatusError, match="Precondition failed: UID") as conflict:
        registry.update(resources.NAMESPACES, "", "a", foreign, subresource=subresource)
    assert conflict.value.code == 409
    own = {"metadata": {"uid": made["metadata"]["uid"], "labels": {"x": "1"}}}
    registry.patch(resources.NAMESPACES, "", "a", lambda old: patches.merge(old, own))
    assert registry.store.get(resources.NAMESPACES, "", "a")["metadata"]["labels"]["x"] == "1"


def test_a_name_in_the_body_must_be_the_one_in_the_address(registry: Registry) -> None:
    """400."""
    registry.create(resources.CONFIG_MAPS, "default", {"metadata": {"name": "a"}})
    with pytest.raises(StatusError, match="does not match the name on the URL"):
        registry.update(resources.CONFIG_MAPS, "default", "a", {"metadata": {"name": "b"}})


def test_a_service_gets_an_address_and_keeps_it(registry: Registry) -> None:
    """But a headless one has none."""
    body = {"metadata": {"name": "s"}, "spec": {"ports": [{"port": 1}]}}
    made = registry.create(resources.SERVICES, "default", body)
    assert made["spec"]["clusterIP"].startswith("10.96.")
    assert (
        registry.update(resources.SERVICES, "default", "s", body)["spec"]["clusterIP"]
        == made["spec"]["clusterIP"]
    )
    headless = {"metadata": {"name": "h"}, "spec": {"clusterIP": "None"}}
    assert registry.create(resources.SERVICES, "default", headless)["spec"]["clusterIP"] == "None"


def test_a_running_pod_is_only_marked_until_the_kubelet_is_done(registry: Registry, pod_body: Body) -> None:
    """deletionTimestamp in the future, grace period, and gone after the last word."""
    scheduled(registry, pod_body())
    obj, gone = remove(registry)
    assert not gone
    assert obj["metadata"]["deletionTimestamp"] == "2030-01-01T00:00:30Z"
    assert obj["metadata"]["deletionGracePeriodSeconds"] == 30
    finish_pod(registry, obj)
    assert registry.store.count(resources.PODS) == 1
    registry.store.replace(resources.PODS, {**obj, "status": {"phase": "Failed"}})
    finish_pod(registry, obj)
    assert registry.store.count(resources.PODS) == 0


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
def test_a_pod_that_has_ended_goes_at_once(registry: Registry, pod_body: Body, phase: str) -> None:
    """There is nothing to wait for."""
    scheduled(registry, pod_body(), phase)
    assert remove(registry)[1]


def test_a_pod_that_was_never_scheduled_goes_at_once(registry: Registry, pod_body: Body) -> None:
    """No kubelet knows of it."""
    registry.create(resources.PODS, "default", pod_body())
    assert remove(registry)[1]


def test_a_second_deletion_can_only_shorten_the_grace(registry: Registry, pod_body: Body) -> None:
    """As kubectl delete --now after kubectl delete."""
    scheduled(registry, pod_body())
    remove(registry)
    assert remove(registry, grace=3)[0]["metadata"]["deletionGracePeriodSeconds"] == 3
    version = registry.store.version
    assert remove(registry, grace=60)[0]["metadata"]["deletionGracePeriodSeconds"] == 3
    assert registry.store.version == version


def test_preconditions_are_kept(registry: Registry, pod_body: Body) -> None:
    """Delete this pod, not one that has taken its name meanwhile."""
    made = registry.create(resources.PODS, "default", pod_body())
    with pytest.raises(StatusError, match=r"the UID in the precondition \(other\)") as caught:
        remove(registry, uid="other")
    assert caught.value.code == 409
    with pytest.raises(StatusError, match="the ResourceVersion in the precondition"):
        remove(registry, version="1")
    assert remove(registry, uid=made["metadata"]["uid"])[1]


def test_a_dry_deletion_deletes_nothing(registry: Registry, pod_body: Body) -> None:
    """dryRun=All."""
    registry.create(resources.PODS, "default", pod_body())
    remove(registry, dry_run=True)
    assert registry.store.count(resources.PODS) == 1


def test_a_finalizer_holds_an_object_until_it_is_taken_off(registry: Registry) -> None:
    """Whoever set it decides when."""
    body = {"metadata": {"name": "a", "finalizers": ["example.com/hold"]}}
    registry.create(resources.CONFIG_MAPS, "default", body)
    obj, gone = delete(registry, resources.CONFIG_MAPS, "default", "a", DeleteOptions())
    assert not gone
    assert obj["metadata"]["deletionTimestamp"] == "2030-01-01T00:00:00Z"
    registry.patch(
        resources.CONFIG_MAPS,
        "default",
        "a",
        lambda old: patches.merge(old, {"metadata": {"finalizers": None}}),
    )
    assert registry.store.count(resources.CONFIG_MAPS) == 0


def test_the_permanent_namespaces_stay(registry: Registry) -> None:
    """403 for default and kube-system."""
    with pytest.raises(StatusError, match="this namespace may not be deleted") as caught:
        delete(registry, resources.NAMESPACES, "", "default", DeleteOptions())
    assert caught.value.code == 403


def test_nothing_is_made_in_a_namespace_that_is_going(registry: Registry) -> None:
    """403 with the cause NamespaceTerminating."""
    delete(registry, resources.NAMESPACES, "", "other", DeleteOptions())
    with pytest.raises(StatusError, match="it is being terminated") as caught:
        registry.create(resources.CONFIG_MAPS, "other", {"metadata": {"name": "a"}})
    assert caught.value.details is not None
    assert caught.value.details["causes"][0]["reason"] == "NamespaceTerminating"


@pytest.mark.parametrize(
    ("body", "query", "expected"),
    [
        (None, {}, DeleteOptions()),
        ({"gracePeriodSeconds": 5}, {"gracePeriodSeconds": "1"}, DeleteOptions(grace=1)),
        ({"orphanDependents": True}, {}, DeleteOptions(propagation="Orphan")),
        ({"preconditions": {"uid": "u"}}, {"dryRun": "All"}, DeleteOptions(uid="u", dry_run=True)),
    ],
)
def test_delete_options_are_read_from_body_and_query(
    body: Any, query: dict[str, str], expected: DeleteOptions
) -> None:
    """The query wins."""
    assert DeleteOptions.read(body, query) == expected


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"propagationPolicy": "Sideways"}, 422),
        ({"propagationPolicy": "Orphan", "orphanDependents": True}, 422),
        ({"dryRun": ["Some"]}, 422),
        ({"gracePeriodSeconds": "soon"}, 400),
    ],
)
def test_delete_options_that_cannot_be_are_refused(body: Any, code: int) -> None:
    """422 for a value that is none of the possible ones, 400 for one of another type."""
    with pytest.raises(StatusError) as caught:
        DeleteOptions.read(body, {})
    assert caught.value.code == code


def test_a_patch_changes_neither_name_nor_uid(registry: Registry) -> None:
    """400 and 422, as a real API server does."""
    registry.create(resources.CONFIG_MAPS, "default", {"metadata": {"name": "a"}})
    for metadata, code in (({"name": "b"}, 400), ({"uid": "other"}, 422)):
        with pytest.raises(StatusError) as caught:
            registry.patch(
                resources.CONFIG_MAPS,
                "default",
                "a",
                lambda old, change=metadata: patches.merge(old, {"metadata": change}),
            )
        assert caught.value.code == code


def test_no_finalizer_is_added_to_what_is_being_deleted(registry: Registry) -> None:
    """Only taken away."""
    registry.create(resources.CONFIG_MAPS, "default", {"metadata": {"name": "a", "finalizers": ["a.b/c"]}})
    delete(registry, resources.CONFIG_MAPS, "default", "a", DeleteOptions())
    more = {"metadata": {"finalizers": ["a.b/c", "a.b/d"]}}
    with pytest.raises(StatusError, match="no new finalizers can be added"):
        registry.patch(resources.CONFIG_MAPS, "default", "a", lambda old: patches.merge(old, more))
