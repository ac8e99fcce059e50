"""Every request that Spark makes, against a real API server and the embedded one: they answer alike."""

from __future__ import annotations

import json

import pytest
import websocket

from tests.cluster.plain_client import MERGE, STRATEGIC, Place, named, pod

BACKGROUND = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background"}
EXECUTORS = "spark-app-selector=app-1,spark-role=executor,spark-exec-inactive!=true"


def executor(number: int, **labels: str) -> dict:
    given = {"spark-app-selector": "app-1", "spark-role": "executor", "spark-exec-id": str(number)}
    return pod(f"exec-{number}", given | labels)


def event(connection: websocket.WebSocket) -> tuple[int, str, str]:
    """The next event but for bookmarks, which may come at any time."""
    while True:
        opcode, data = connection.recv_data()
        body = json.loads(data)
        if body["type"] != "BOOKMARK":
            break
    return opcode, body["type"], body["object"]["metadata"]["name"]


def test_a_config_map_that_is_immutable_stays_as_it_is(place: Place) -> None:
    """The executors' ``spark.properties``."""
    made = place.make("configmaps", named("conf", data={"spark.properties": "a=b\n"}, immutable=True))
    assert (made["kind"], made["apiVersion"], made["immutable"]) == ("ConfigMap", "v1", True)
    refused = place.server("PATCH", place.path("configmaps", "conf"), {"data": {"x": "y"}}, media=MERGE)
    code, reason, details = refused.refusal
    assert (code, reason, details["name"], details["kind"]) == (422, "Invalid", "conf", "ConfigMap")
    assert [(cause["field"], cause["reason"]) for cause in details["causes"]] == [
        ("data", "FieldValueForbidden")
    ]


def test_executors_are_watched_over_a_websocket(place: Place) -> None:
    """No resource version: what is there comes first; one that is marked as inactive leaves the watch."""
    place.make("pods", executor(1))
    place.make("pods", executor(2, **{"spark-exec-inactive": "true"}))
    query = {"allowWatchBookmarks": "true", "labelSelector": EXECUTORS}
    with place.server.socket(place.path("pods"), **query) as connection:
        assert event(connection) == (websocket.ABNF.OPCODE_TEXT, "ADDED", "exec-1")
        place.make("pods", executor(3))
        assert event(connection)[1:] == ("ADDED", "exec-3")
        patch = {"metadata": {"labels": {"spark-exec-inactive": "true"}}}
        place.server("PATCH", place.path("pods", "exec-1"), patch, media=STRATEGIC)
        assert event(connection)[1:] == ("DELETED", "exec-1")
        place.server("DELETE", place.path("pods", "exec-3"), BACKGROUND)
        while (seen := event(connection)[1:]) == ("MODIFIED", "exec-3"):
            pass  # the real server first marks it
        assert seen == ("DELETED", "exec-3")


def test_a_pod_gets_its_defaults(place: Place) -> None:
    """Those that Spark or we read."""
    resources = {"requests": {"cpu": "1", "memory": "1408Mi"}, "limits": {"memory": "1408Mi"}}
    body = executor(1)
    body["spec"]["containers"][0] |= {
        "resources": resources,
        "ports": [{"containerPort": 7079, "name": "blockmanager"}],
    }
    made = place.make("pods", body)
    spec = made["spec"]
    assert (made["status"]["phase"], made["status"]["qosClass"]) == ("Pending", "Burstable")
    assert (spec["terminationGracePeriodSeconds"], spec["dnsPolicy"], spec["serviceAccountName"]) == (
        30,
        "ClusterFirst",
        "default",
    )
    (container,) = spec["containers"]
    assert container["resources"] == resources
    assert container["ports"] == [{"containerPort": 7079, "name": "blockmanager", "protocol": "TCP"}]
    assert (container["imagePullPolicy"], container["terminationMessagePolicy"]) == ("IfNotPresent", "File")


@pytest.mark.parametrize(
    ("selector", "names"),
    [
        (EXECUTORS, ["exec-1"]),
        ("spark-exec-id in (1, 2)", ["exec-1", "exec-2"]),
        ("spark-exec-id notin (1,2)", ["other"]),
        ("spark-role==executor", ["exec-1", "exec-2"]),
        ("spark-exec-id>1", ["exec-2"]),
        ("!spark-role", ["other"]),
        ("spark-role", ["exec-1", "exec-2"]),
        ("spark-role in ()", []),
        ("spark-role=", []),
        ("", ["exec-1", "exec-2", "other"]),
    ],
)
def test_a_label_selector_chooses(place: Place, selector: str, names: list[str]) -> None:
    """In lists, as the snapshots that Spark takes every 30 s."""
    place.make("pods", executor(1))
    place.make("pods", executor(2, **{"spark-exec-inactive": "true"}))
    place.make("pods", pod("other"))
    assert place.server("GET", place.path("pods"), labelSelector=selector).names == names


@pytest.mark.parametrize(
    "selector", ["a b", "a=b,", ",", "=x", "a=b c", "a in (b", "a/b/c=d", "_a=b", "a=-b", "a in b"]
)
def test_text_that_is_no_label_selector_is_refused(place: Place, selector: str) -> None:
    """400, in lists, watches and deletions of collections."""
    path = place.path("pods")
    for method, query in (("GET", {}), ("GET", {"watch": "true"}), ("DELETE", {})):
        refused = place.server(method, path, labelSelector=selector, **query)
        assert refused.refusal == (400, "BadRequest", {})


@pytest.mark.parametrize(
    ("selector", "names"),
    [
        ("status.phase=Running", []),
        ("status.phase=Pending", ["exec-1", "exec-2"]),
        ("status.phase!=Running,metadata.name=exec-2", ["exec-2"]),
        ("spec.nodeName=", ["exec-1", "exec-2"]),
        ("spec.restartPolicy=Never", ["exec-1", "exec-2"]),
        ("spec.hostNetwork=false", ["exec-1", "exec-2"]),
    ],
)
def test_a_field_selector_chooses(place: Place, selector: str, names: list[str]) -> None:
    """Together with labels, as Spark asks for running executors when it scales down."""
    place.make("pods", executor(1))
    place.make("pods", executor(2))
    path = place.path("pods")
    both = {"fieldSelector": selector, "labelSelector": "spark-exec-id in (1,2)"}
    assert place.server("GET", path, **both).names == names


@pytest.mark.parametrize(
    ("plural", "selector", "message"),
    [
        ("pods", "spec.foo=x", "field label not supported: spec.foo"),
        ("events", "count=1", "field label not supported: count"),
        (
            "configmaps",
            "data=x",
            '"data" is not a known field selector: only "metadata.name", "metadata.namespace"',
        ),
        ("pods", "nonsense", "invalid selector: 'nonsense'; can't understand 'nonsense'"),
    ],
)
def test_a_field_that_is_no_selector_s_is_named(
    place: Place, plural: str, selector: str, message: str
) -> None:
    """400, in the same words."""
    refused = place.server("GET", place.path(plural), fieldSelector=selector)
    assert refused.refusal == (400, "BadRequest", {})
    assert refused.body["message"] == message


def test_an_executor_that_ended_is_read_and_deleted(place: Place) -> None:
    """A pod without a node goes at once; the answer is the pod, and then it is not found."""
    made = place.make("pods", executor(1))
    path = place.path("pods", "exec-1")
    assert place.server("GET", path).body["metadata"]["uid"] == made["metadata"]["uid"]
    deleted = place.server("DELETE", path, BACKGROUND)
    assert (deleted.code, deleted.body["kind"], deleted.body["metadata"]["name"]) == (200, "Pod", "exec-1")
    for method in ("GET", "DELETE"):
        gone = place.server(method, path)
        assert gone.refusal == (404, "NotFound", {"name": "exec-1", "kind": "pods"})
        assert gone.body["message"] == 'pods "exec-1" not found'


def test_an_executor_is_marked_by_a_strategic_merge(place: Place) -> None:
    """Its other labels stay, as do its containers, which merge by name."""
    place.make("pods", executor(1))
    path = place.path("pods", "exec-1")
    marked = place.server(
        "PATCH", path, {"metadata": {"labels": {"spark-exec-inactive": "true"}}}, media=STRATEGIC
    )
    labels = marked.body["metadata"]["labels"]
    assert (labels["spark-exec-inactive"], labels["spark-exec-id"]) == ("true", "1")
    container = {"name": "spark-kubernetes-executor", "image": "example/other:2"}
    changed = place.server("PATCH", path, {"spec": {"containers": [container]}}, media=STRATEGIC)
    (merged,) = changed.body["spec"]["containers"]
    assert (merged["image"], merged["args"]) == ("example/other:2", ["executor"])


@pytest.mark.parametrize("plural", ["services", "persistentvolumeclaims", "pods", "configmaps"])
def test_stop_deletes_collections_by_label(place: Place, plural: str) -> None:
    """What it deleted is told as a list of the kind; the rest stays."""
    spec = {
        "services": {"clusterIP": "None", "ports": [{"port": 7078}]},
        "persistentvolumeclaims": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Gi"}},
        },
    }.get(plural)
    for name in ("ours", "theirs"):
        body = pod(name, {"spark-app-selector": name}) if plural == "pods" else None
        body = body or named(name, {"spark-app-selector": name}, **({"spec": spec} if spec else {}))
        place.make(plural, body)
    path = place.path(plural)
    answer = place.server("DELETE", path, BACKGROUND, labelSelector="spark-app-selector=ours")
    assert (answer.code, answer.names) == (200, ["ours"])
    assert answer.body["kind"].endswith("List")
    nothing = place.server("DELETE", path, BACKGROUND, labelSelector="spark-app-selector=nobody")
    assert (nothing.code, nothing.names) == (200, [])
    left = place.server("GET", path, labelSelector="test=one").body["items"]
    assert [each["metadata"]["name"] for each in left if not each["metadata"].get("deletionTimestamp")] == [
        "theirs"
    ]
