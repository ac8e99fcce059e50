"""Every request that kubectl makes beyond ours and Spark's, and kubectl itself, against both API servers."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import Any

import pytest
import urllib3
import websocket

from tests.cluster.plain_client import JSON, JSON_PATCH, MERGE, SECONDS, STRATEGIC, Answer, Place, named, pod

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
GROUPS = {
    "coordination.k8s.io": ["leases"],
    "discovery.k8s.io": ["endpointslices"],
    "events.k8s.io": ["events"],
    "authorization.k8s.io": ["selfsubjectaccessreviews", "selfsubjectrulesreviews"],
}
CORE = ["configmaps", "endpoints", "events", "limitranges", "namespaces", "persistentvolumeclaims", "pods"]
CORE += [
    "pods/eviction",
    "pods/log",
    "pods/status",
    "resourcequotas",
    "secrets",
    "serviceaccounts",
    "services",
]


@pytest.mark.parametrize(
    ("plural", "group", "columns"),
    [
        ("pods", "", "Name Ready Status Restarts Age IP* Node* Nominated_Node* Readiness_Gates*"),
        ("configmaps", "", "Name Data Age"),
        ("secrets", "", "Name Type Data Age"),
        ("services", "", "Name Type Cluster-IP External-IP Port(s) Age Selector*"),
        ("serviceaccounts", "", "Name Age"),
        ("limitranges", "", "Name Created_At"),
        ("resourcequotas", "", "Name Request Limit Age"),
        ("endpoints", "", "Name Endpoints Age"),
        (
            "persistentvolumeclaims",
            "",
            "Name Status Volume Capacity Access_Modes StorageClass VolumeAttributesClass Age VolumeMode*",
        ),
        (
            "events",
            "",
            "Last_Seen Type Reason Object Subobject* Source* Message First_Seen* Count* Name*",
        ),
        ("leases", "coordination.k8s.io", "Name Holder Age"),
        ("endpointslices", "discovery.k8s.io", "Name AddressType Ports Endpoints Age"),
        ("networkpolicies", "networking.k8s.io", "Name Pod-Selector Age"),
    ],
)
def test_a_table_has_the_columns(place: Place, plural: str, group: str, columns: str) -> None:
    """With their types; the starred ones are for ``-o wide``."""
    table = place.server("GET", place.path(plural, group=group), accept=TABLE).body
    assert (table["kind"], table["apiVersion"]) == ("Table", "meta.k8s.io/v1")
    found = [
        each["name"].replace(" ", "_") + ("*" if each["priority"] else "")
        for each in table["columnDefinitions"]
    ]
    assert found == columns.split()
    for each in table["columnDefinitions"]:
        assert each["format"] == ("name" if each["name"] == "Name" else "")
        assert each["type"] == ("date" if each["name"] == "Created At" else "string")


def test_rows_of_tables(place: Place) -> None:
    """Cells, and as much of the object as is asked for; errors are a Status all the same."""
    place.make("pods", pod("p"))
    path = place.path("pods")
    (row,) = place.server("GET", path, accept=TABLE).body["rows"]
    assert row["cells"][:4] == ["p", "0/1", "Pending", "0"]
    assert row["cells"][5:] == ["<none>"] * 4
    assert row["object"].keys() == {"kind", "apiVersion", "metadata"}
    assert row["object"]["kind"] == "PartialObjectMetadata"
    one = place.server("GET", f"{path}/p", accept=TABLE, includeObject="Object").body
    assert one["rows"][0]["object"]["spec"]["schedulerName"] == "nobody"
    (none,) = place.server("GET", path, accept=TABLE, includeObject="None").body["rows"]
    assert none["object"] is None
    assert place.server("GET", path, accept=TABLE, includeObject="All").refusal == (400, "BadRequest", {})
    assert place.server("GET", f"{path}/x", accept=TABLE).refusal[:2] == (404, "NotFound")


def test_a_watch_of_tables(place: Place) -> None:
    """One row an event; only the first names the columns."""
    place.make("configmaps", named("a"))
    with place.server.watch(place.path("configmaps"), accept=TABLE, labelSelector="test=one") as events:
        first = next(events)
        place.server("DELETE", place.path("configmaps", "a"))
        second = next(events)
    assert [(each.type, each.object["kind"]) for each in (first, second)] == [
        ("ADDED", "Table"),
        ("DELETED", "Table"),
    ]
    assert [len(each.object["rows"]) for each in (first, second)] == [1, 1]
    assert len(first.object["columnDefinitions"]) == 3


def test_the_versions_and_groups_are_told(place: Place) -> None:
    """What kubectl asks first."""
    version = place.server("GET", "/version").body
    assert version["major"] == "1"
    assert version["gitVersion"].startswith(f"v1.{version['minor']}.")
    api = place.server("GET", "/api").body
    assert (api["kind"], api["versions"]) == ("APIVersions", ["v1"])
    groups = place.server("GET", "/apis").body
    assert (groups["kind"], groups["apiVersion"]) == ("APIGroupList", "v1")
    v1 = {name: {"groupVersion": f"{name}/v1", "version": "v1"} for name in GROUPS}
    for group in groups["groups"]:
        if group["name"] in GROUPS:
            assert group["preferredVersion"] == v1[group["name"]]
            assert v1[group["name"]] in group["versions"]
    assert {group["name"] for group in groups["groups"]} > GROUPS.keys()
    alone = place.server("GET", "/apis/coordination.k8s.io").body
    assert (alone["kind"], alone["name"]) == ("APIGroup", "coordination.k8s.io")


@pytest.mark.parametrize(("group", "names"), [("", CORE), *GROUPS.items()])
def test_resources_are_described(place: Place, group: str, names: list[str]) -> None:
    """Kind, scope, verbs, short names: alike for every resource that we use."""
    answer = place.server("GET", f"/apis/{group}/v1" if group else "/api/v1").body
    assert (answer["kind"], answer["groupVersion"]) == ("APIResourceList", f"{group}/v1" if group else "v1")
    found = {each["name"]: each for each in answer["resources"]}
    for name in names:
        entry = found[name]
        plain, _, sub = name.partition("/")
        assert entry["namespaced"] == (plain != "namespaces" and not plain.startswith("selfsubject"))
        assert entry["singularName"] == ("" if sub else found[plain]["singularName"])
        wanted = {"log": "get", "eviction": "create", "status": "get patch update"}.get(sub)
        if plain.startswith("selfsubject"):
            wanted = "create"
        assert wanted is None or entry["verbs"] == wanted.split()
        if wanted is None:
            rest = set() if plain == "namespaces" else {"deletecollection"}
            assert (
                set(entry["verbs"]) == {"create", "delete", "get", "list", "patch", "update", "watch"} | rest
            )
    short = {name: found[name].get("shortNames") for name in names if "/" not in name}
    expected = {"pods": ["po"], "configmaps": ["cm"], "services": ["svc"], "namespaces": ["ns"]}
    assert all(short[name] == expected[name] for name in expected if name in short)


def test_openapi_is_there_for_server_side_validation(place: Place) -> None:
    """kubectl looks for the parameter fieldValidation of a kind's patch."""
    paths = place.server("GET", "/openapi/v3").body["paths"]
    document = place.server("GET", "/openapi/v3/apis/coordination.k8s.io/v1").body
    assert paths["apis/coordination.k8s.io/v1"]["serverRelativeURL"].startswith("/openapi/v3/apis/coord")
    path = "/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/{name}"
    patch = document["paths"][path]["patch"]
    assert "fieldValidation" in [each["name"] for each in patch["parameters"]]
    assert patch["x-kubernetes-group-version-kind"]["kind"] == "Lease"


@pytest.mark.parametrize("path", ["/healthz", "/livez", "/readyz"])
def test_health_is_told_in_two_letters(place: Place, path: str) -> None:
    """As plain text."""
    assert place.server("GET", path) == Answer(code=200, body="ok", media="text/plain")


def unauthorized(place: Place, headers: dict[str, str]) -> Answer:
    """The answer to a request without credentials but these."""
    pool = urllib3.PoolManager(ca_certs=str(place.server.access.ca_file))
    url = place.server.access.server.rstrip("/") + place.path("pods")
    response = pool.request("GET", url, headers=headers, timeout=SECONDS, retries=False)
    pool.clear()
    return Answer(code=response.status, body=response.json())


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic YTpi"}])
def test_who_is_not_known_is_told_nothing(place: Place, headers: dict[str, str]) -> None:
    """401 with a Status without details."""
    refused = unauthorized(place, headers)
    assert refused.refusal == (401, "Unauthorized", {})
    assert refused.body["message"] == "Unauthorized"


def test_a_websocket_that_cannot_be_is_refused_before_the_upgrade(place: Place) -> None:
    """With the HTTP status of the refusal."""
    with (
        pytest.raises(websocket.WebSocketBadStatusException) as caught,
        place.server.socket(place.path("configmaps"), labelSelector="a b"),
    ):
        pass
    assert caught.value.status_code == 400


@pytest.mark.parametrize(
    ("method", "media", "body"),
    [
        ("POST", "text/plain", b"x"),
        ("PUT", "text/plain", b"x"),
        ("PATCH", "text/plain", b"{}"),
        ("PATCH", JSON, b"{}"),
    ],
)
def test_a_body_of_an_unknown_kind_is_refused(place: Place, method: str, media: str, body: bytes) -> None:
    """415."""
    place.make("configmaps", named("a"))
    path = place.path("configmaps") if method == "POST" else place.path("configmaps", "a")
    refused = place.server(method, path, body, media=media)
    assert refused.refusal == (415, "UnsupportedMediaType", {})


def test_an_answer_of_an_unknown_kind_is_refused(place: Place) -> None:
    """406."""
    refused = place.server("GET", place.path("configmaps"), accept="text/html")
    assert refused.refusal == (406, "NotAcceptable", {})


@pytest.mark.parametrize(
    "body",
    [
        b"{nope",
        b"[]",
        b"",
        {"metadata": {"name": "a"}, "data": ["x"]},
        {"metadata": {"name": "a"}, "data": {"a": 1}},
        {"metadata": {"name": "a"}, "kind": "Secret", "apiVersion": "v1"},
        {"metadata": {"name": "a", "namespace": "other"}},
    ],
)
def test_a_body_that_cannot_be_read_is_refused(place: Place, body: Any) -> None:
    """400, and nothing is made."""
    refused = place.server("POST", place.path("configmaps"), body)
    assert refused.refusal == (400, "BadRequest", {})
    assert place.server("GET", place.path("configmaps", "a")).code == 404


def test_a_method_that_is_not_there_is_refused(place: Place) -> None:
    """405, with details that say nothing."""
    tries = (
        ("POST", place.path("configmaps", "a"), named("a")),
        ("PUT", place.path("configmaps"), named("a")),
        ("DELETE", "/api/v1/namespaces", None),
        ("GET", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", None),
    )
    for method, path, body in tries:
        assert place.server(method, path, body).refusal == (405, "MethodNotAllowed", {})


def test_a_resource_that_is_not_there(place: Place) -> None:
    """404 with a Status, in a group that is there."""
    refused = place.server("GET", "/api/v1/things")
    assert refused.refusal == (404, "NotFound", {})
    assert refused.body["message"] == "the server could not find the requested resource"
    assert place.server("GET", "/apis/nothing.example/v1/things").code == 404


def test_a_watch_of_one_object_by_its_address_is_a_read(place: Place) -> None:
    """Watches of one object select its name."""
    place.make("configmaps", named("a"))
    answer = place.server("GET", place.path("configmaps", "a"), watch="true")
    assert (answer.body["kind"], answer.body["metadata"]["name"]) == ("ConfigMap", "a")


def test_a_json_patch(place: Place) -> None:
    """A test that fails is a 422, as is an unknown operation, or the removal of nothing."""
    place.make("configmaps", named("a", data={"k": "0", "l": "0"}))
    path = place.path("configmaps", "a")

    def patch(*operations: dict[str, str]) -> Answer:
        return place.server("PATCH", path, list(operations), media=JSON_PATCH)

    changed = patch(
        {"op": "test", "path": "/data/l", "value": "0"},
        {"op": "add", "path": "/data/m", "value": "1"},
        {"op": "replace", "path": "/data/l", "value": "2"},
        {"op": "remove", "path": "/data/k"},
    )
    assert changed.body["data"] == {"l": "2", "m": "1"}
    assert patch({"op": "replace", "path": "/data/new", "value": "1"}).body["data"]["new"] == "1"
    assert patch({"op": "test", "path": "/data/l", "value": "9"}).refusal == (422, "Invalid", {})
    for wrong in ("frob", "remove"):
        assert patch({"op": wrong, "path": "/data/nothing"}).refusal == (422, "Invalid", {})
    assert place.server("PATCH", path, {"op": "add"}, media=JSON_PATCH).refusal == (400, "BadRequest", {})


def test_merge_patches(place: Place) -> None:
    """Null removes; what is no object is refused, as is another name."""
    place.make("configmaps", named("a", data={"k": "0", "l": "0"}))
    path = place.path("configmaps", "a")
    for media in (MERGE, STRATEGIC):
        changed = place.server("PATCH", path, {"data": {"k": None, "m": "1"}}, media=media)
        assert changed.body["data"] == {"l": "0", "m": "1"}
    for body in ([1], b"{nope", {"metadata": {"name": "b"}}):
        assert place.server("PATCH", path, body, media=MERGE).refusal == (400, "BadRequest", {})


def test_a_pod_s_status_is_changed_at_its_own_address(place: Place) -> None:
    """And nowhere else."""
    place.make("pods", pod("p"))
    path = place.path("pods", "p")
    ignored = place.server("PATCH", path, {"status": {"phase": "Failed"}}, media=MERGE)
    assert ignored.body["status"]["phase"] == "Pending"
    changed = place.server("PATCH", f"{path}/status", {"status": {"phase": "Failed"}}, media=MERGE)
    assert changed.body["status"]["phase"] == "Failed"
    for spec in ({"restartPolicy": "Always"}, {"terminationGracePeriodSeconds": 5}):
        code, _, details = place.server("PATCH", path, {"spec": spec}, media=STRATEGIC).refusal
        assert (code, {cause["field"] for cause in details["causes"]}) == (422, {"spec"})


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")
def test_kubectl_works(place: Place) -> None:
    """The same commands, the same words."""
    environ = {**os.environ, "KUBECONFIG": str(place.server.kubeconfig), "NO_PROXY": "*"}

    def kubectl(*arguments: str, code: int = 0) -> str:
        command = ["kubectl", "--namespace", place.name, *arguments]
        done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == code, done.stderr
        return done.stderr if code else done.stdout

    place.make("pods", pod("p"))
    header, row = kubectl("get", "pods").splitlines()
    assert header.split() == ["NAME", "READY", "STATUS", "RESTARTS", "AGE"]
    assert row.split()[:4] == ["p", "0/1", "Pending", "0"]
    assert kubectl("label", "pod", "p", "a=b") == "pod/p labeled\n"
    assert kubectl("get", "pods", "--selector", "a=b", "--output", "name") == "pod/p\n"
    assert kubectl("create", "configmap", "c", "--from-literal=k=v") == "configmap/c created\n"
    assert 'configmaps "c" already exists' in kubectl("create", "configmap", "c", code=1)
    assert kubectl("patch", "cm", "c", "--patch", '{"data": {"k": "w"}}') == "configmap/c patched\n"
    assert kubectl("get", "cm", "c", "--output", "jsonpath={.data.k}") == "w"
    assert kubectl("auth", "can-i", "delete", "pods") == "yes\n"
    assert kubectl("delete", "pod", "p") == 'pod "p" deleted\n'
    assert kubectl("get", "pod", "p", code=1) == 'Error from server (NotFound): pods "p" not found\n'
