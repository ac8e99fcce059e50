"""What is refused, and that the field is named."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sparkk8s_nb.embedded import resources
from sparkk8s_nb.embedded.registry import Registry
from sparkk8s_nb.embedded.resources import Resource
from sparkk8s_nb.embedded.status import StatusError

Body = Callable[..., dict[str, Any]]


def refusal(registry: Registry, resource: Resource, body: Any) -> StatusError:
    with pytest.raises(StatusError) as caught:
        registry.create(resource, "default" if resource.namespaced else "", body)
    return caught.value


def fields(error: StatusError) -> list[str]:
    return [cause["field"] for cause in error.details.get("causes", [])]


def container(**values: Any) -> dict[str, Any]:
    return {"name": "c", "image": "i", **values}


@pytest.mark.parametrize(
    ("spec", "field", "message"),
    [
        ({"containers": []}, "spec.containers", "Required value"),
        ({"containers": [{"name": "c"}]}, "spec.containers[0].image", "Required value"),
        ({"containers": [{"image": "i"}]}, "spec.containers[0].name", "Required value"),
        ({"containers": [container(name="A_b")]}, "spec.containers[0].name", 'Invalid value: "A_b": a lowercase'),
        ({"containers": [container(), container()]}, "spec.containers[1].name", 'Duplicate value: "c"'),
        (
            {"containers": [container(image=" i")]},
            "spec.containers[0].image",
            "must not have leading or trailing whitespace",
        ),
        (
            {"containers": [container(resources={"requests": {"cpu": "two"}})]},
            "spec.containers[0].resources.requests[cpu]",
            "quantities must match",
        ),
        (
            {"containers": [container(resources={"requests": {"cpu": "2"}, "limits": {"cpu": "1"}})]},
            "spec.containers[0].resources.requests",
            "must be less than or equal to cpu limit of 1",
        ),
        (
            {"containers": [container(resources={"limits": {"memory": "-1"}})]},
            "spec.containers[0].resources.limits[memory]",
            "must be greater than or equal to 0",
        ),
        (
            {"containers": [container(volumeMounts=[{"name": "v", "mountPath": "/v"}])]},
            "spec.containers[0].volumeMounts[0].name",
            'Not found: "v"',
        ),
        ({"containers": [container()], "restartPolicy": "Sometimes"}, "spec.restartPolicy", "Unsupported value"),
        (
            {"containers": [container()], "volumes": [{"name": "v", "emptyDir": {}}, {"name": "v", "emptyDir": {}}]},
            "spec.volumes[1].name",
            "Duplicate value",
        ),
        (
            {
                "containers": [container()],
                "volumes": [{"name": "v", "configMap": {"name": "c", "items": [{"key": "k", "path": "../x"}]}}],
            },
            "spec.volumes[0].configMap.items[0].path",
            "must not contain '..'",
        ),
        ({"containers": [container(env=[{"value": "x"}])]}, "spec.containers[0].env[0].name", "Required value"),
        (
            {"containers": [container()], "terminationGracePeriodSeconds": -1},
            "spec.terminationGracePeriodSeconds",
            "must be greater than or equal to 0",
        ),
        (
            {"containers": [container(ports=[{"containerPort": 70000}])]},
            "spec.containers[0].ports[0].containerPort",
            "between 1 and 65535",
        ),
    ],
)  # fmt: skip
def test_a_pod_that_cannot_be_is_refused_by_its_field(
    registry: Registry, spec: dict[str, Any], field: str, message: str
) -> None:
    """422 with the path and the reason in details.causes and in the message."""
    error = refusal(registry, resources.PODS, {"metadata": {"name": "p"}, "spec": spec})
    assert (error.code, error.reason) == (422, "Invalid")
    assert field in fields(error)
    assert message in error.message


def test_several_faults_are_told_at_once(registry: Registry) -> None:
    """As a list, so that nobody has to try five times."""
    error = refusal(registry, resources.PODS, {"metadata": {"name": "P"}, "spec": {"containers": [{}]}})
    assert fields(error) == ["metadata.name", "spec.containers[0].name", "spec.containers[0].image"]
    assert error.message.startswith('Pod "P" is invalid: [metadata.name: Invalid value')


@pytest.mark.parametrize(
    ("metadata", "field"),
    [
        ({}, "metadata.name"),
        ({"name": "Capital"}, "metadata.name"),
        ({"name": "a" * 254}, "metadata.name"),
        ({"name": "a", "labels": {"k": "-x"}}, "metadata.labels"),
        ({"name": "a", "labels": {"k": "x" * 64}}, "metadata.labels"),
        ({"name": "a", "labels": {"bad key": "x"}}, "metadata.labels"),
        ({"name": "a", "annotations": {"k": "x" * 300_000}}, "metadata.annotations"),
        (
            {"name": "a", "ownerReferences": [{"kind": "Lease", "name": "l"}]},
            "metadata.ownerReferences.uid",
        ),
        (
            {
                "name": "a",
                "ownerReferences": [
                    {"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "u", "controller": True},
                    {"apiVersion": "v1", "kind": "Pod", "name": "q", "uid": "v", "controller": True},
                ],
            },
            "metadata.ownerReferences",
        ),
    ],
)
def test_metadata_that_cannot_be_is_refused(registry: Registry, metadata: dict[str, Any], field: str) -> None:
    """Names, labels, annotations and owners, of every kind."""
    error = refusal(registry, resources.CONFIG_MAPS, {"metadata": metadata})
    assert error.code == 422
    assert field in fields(error)


@pytest.mark.parametrize("moment", ["2030-01-01T00:00:00Z", "soon", "2030-01-01T00:00:00.000Z"])
def test_a_lease_s_time_without_microseconds_cannot_be_read(registry: Registry, moment: str) -> None:
    """400, as a real API server does."""
    error = refusal(registry, resources.LEASES, {"metadata": {"name": "l"}, "spec": {"renewTime": moment}})
    assert error.code == 400
    assert moment in error.message


@pytest.mark.parametrize(
    ("resource", "body", "field"),
    [
        (resources.SERVICES, {"spec": {}}, "spec.ports"),
        (resources.SERVICES, {"spec": {"clusterIP": "None", "ports": [{"port": 0}]}}, "spec.ports[0].port"),
        (resources.SERVICES, {"spec": {"ports": [{"port": 1}, {"port": 2}]}}, "spec.ports[0].name"),
        (resources.SERVICES, {"spec": {"type": "Magic", "ports": [{"port": 1}]}}, "spec.type"),
        (resources.ENDPOINT_SLICES, {"endpoints": []}, "addressType"),
        (
            resources.ENDPOINT_SLICES,
            {"addressType": "IPv4", "endpoints": [{"addresses": ["127.0.0.1"]}]},
            "endpoints[0].addresses[0]",
        ),
        (
            resources.ENDPOINT_SLICES,
            {"addressType": "IPv4", "endpoints": [{"addresses": []}]},
            "endpoints[0].addresses",
        ),
        (resources.LEASES, {"spec": {"leaseDurationSeconds": 0}}, "spec.leaseDurationSeconds"),
        (resources.CONFIG_MAPS, {"data": {"a/b": "x"}}, "data[a/b]"),
        (resources.CONFIG_MAPS, {"data": {"k": "x" * 1_100_000}}, "data"),
        (resources.SECRETS, {"data": {"k": "not base64!"}}, "data[k]"),
        (resources.QUOTAS, {"spec": {"hard": {"pods": "many"}}}, "spec.hard[pods]"),
        (resources.CLAIMS, {"spec": {}}, "spec.accessModes"),
    ],
)
def test_other_kinds_are_checked_too(
    registry: Registry, resource: Resource, body: dict[str, Any], field: str
) -> None:
    """Services, slices, leases, data, quotas, claims."""
    error = refusal(registry, resource, {"metadata": {"name": "a"}, **body})
    assert error.code == 422
    assert field in fields(error)


def test_a_secrets_value_is_never_repeated_in_a_refusal(registry: Registry) -> None:
    """Messages land in logs and notebooks."""
    error = refusal(registry, resources.SECRETS, {"metadata": {"name": "a"}, "data": {"k": "hunter2!"}})
    assert "hunter2" not in error.message


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        "text",
        {"metadata": []},
        {"metadata": {"name": "p"}, "spec": []},
        {"metadata": {"name": "p"}, "spec": {"containers": {"name": "c"}}},
        {"metadata": {"name": "p"}, "spec": {"containers": ["c"]}},
        {"metadata": {"name": "p", "labels": ["x"]}, "spec": {"containers": [container()]}},
        {"metadata": {"name": "p", "labels": {"x": 1}}, "spec": {"containers": [container()]}},
        {"metadata": {"name": "p"}, "spec": {"containers": [container(env=[{"name": "x", "value": 1}])]}},
        {"metadata": {"name": "p"}, "spec": {"containers": [container(args=[1])]}},
        {"metadata": {"name": "p"}, "spec": {"containers": [container(resources=[])]}},
        {"kind": "Service", "apiVersion": "v1", "metadata": {"name": "p"}},
        {"metadata": {"name": "p", "namespace": "elsewhere"}},
        {"metadata": {"name": "p", "resourceVersion": "7"}, "spec": {"containers": [container()]}},
    ],
)
def test_a_body_of_the_wrong_shape_is_a_bad_request(registry: Registry, body: Any) -> None:
    """400, never a 500 and nothing half-made."""
    assert refusal(registry, resources.PODS, body).code == 400
    assert registry.store.count(resources.PODS) == 0


def test_a_pods_spec_cannot_be_changed(registry: Registry, pod_body: Body) -> None:
    """But for images and the few other fields that may."""
    made = registry.create(resources.PODS, "default", pod_body())
    image = {
        **made,
        "spec": {**made["spec"], "containers": [{**made["spec"]["containers"][0], "image": "new"}]},
    }
    assert registry.update(resources.PODS, "default", "p", image)["spec"]["containers"][0]["image"] == "new"
    other = {**made, "metadata": {"name": "p"}, "spec": {**made["spec"], "restartPolicy": "Never"}}
    with pytest.raises(StatusError, match="pod updates may not change fields other than") as caught:
        registry.update(resources.PODS, "default", "p", other)
    assert caught.value.code == 422


def test_an_immutable_config_map_stays(registry: Registry) -> None:
    """Neither data nor the mark can be changed."""
    body = {"metadata": {"name": "a"}, "data": {"k": "1"}, "immutable": True}
    registry.create(resources.CONFIG_MAPS, "default", body)
    with pytest.raises(StatusError, match="field is immutable when `immutable` is set"):
        registry.update(resources.CONFIG_MAPS, "default", "a", {**body, "data": {"k": "2"}})
    with pytest.raises(StatusError, match="field is immutable when `immutable` is set"):
        registry.update(resources.CONFIG_MAPS, "default", "a", {**body, "immutable": False})
