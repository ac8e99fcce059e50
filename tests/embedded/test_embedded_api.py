"""The API of the real daemon, over the wire: the token, watches, conflicts, pages, encodings."""

from __future__ import annotations

import base64
import json
import ssl
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import websocket

from sparkk8s_nb.embedded.lifecycle import EmbeddedCluster

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"


class Api:
    """The plainest possible client."""

    def __init__(self, cluster: EmbeddedCluster) -> None:
        self.server = cluster.server
        self.token = cluster.token_file.read_text()
        self.context = ssl.create_default_context(cafile=str(cluster.ca_file))

    def open(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        given = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        given |= {key.replace("_", "-"): value for key, value in headers.items()}
        request = urllib.request.Request(self.server + path, data=data, method=method, headers=given)
        return urllib.request.urlopen(request, context=self.context, timeout=30)

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        try:
            with self.open(method, path, body, **headers) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read())

    def socket(self, path: str, **options: Any) -> websocket.WebSocket:
        options.setdefault("header", {"Authorization": f"Bearer {self.token}"})
        return websocket.create_connection(
            self.server.replace("https", "wss") + path,
            timeout=30,
            sslopt={"context": self.context},
            suppress_origin=True,
            **options,
        )


@pytest.fixture(scope="module")
def api(embedded_cluster: EmbeddedCluster) -> Api:
    """The client."""
    return Api(embedded_cluster)


@pytest.fixture
def maps(api: Api) -> Iterator[str]:
    """The path of the ConfigMaps of a namespace of the test's own."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    api("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    yield f"/api/v1/namespaces/{name}/configmaps"
    api("DELETE", f"/api/v1/namespaces/{name}")


def named(name: str, **more: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, **more.pop("metadata", {})}, **more}


def lines(stream: Any, count: int) -> list[dict[str, Any]]:
    return [json.loads(stream.readline()) for _ in range(count)]


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer wrong", "Basic abc"])
def test_without_the_token_nothing_is_told(api: Api, header: str) -> None:
    """401 with a Status, for every path."""
    for path in ("/version", "/api/v1/namespaces/default/pods", "/nothing"):
        code, body = api("GET", path, Authorization=header)
        assert (code, body["kind"], body["reason"]) == (401, "Status", "Unauthorized")


def test_a_websocket_without_the_token_is_refused(api: Api) -> None:
    """Before the upgrade."""
    with pytest.raises(websocket.WebSocketBadStatusException) as caught:
        api.socket("/api/v1/namespaces/default/pods?watch=true", header={})
    assert caught.value.status_code == 401


def test_the_server_speaks_tls_only(api: Api) -> None:
    """There is no way to send the token in the clear."""
    with pytest.raises((urllib.error.URLError, ConnectionError)):
        urllib.request.urlopen(api.server.replace("https", "http") + "/version", timeout=5)


def test_what_is_not_there_is_a_404(api: Api, maps: str) -> None:
    """With a Status that says what."""
    assert api("GET", f"{maps}/absent")[1]["message"] == 'configmaps "absent" not found'
    code, body = api("GET", "/apis/apps/v1/namespaces/default/deployments")
    assert (code, body["message"]) == (404, "the server could not find the requested resource")


def test_an_update_of_an_old_version_conflicts(api: Api, maps: str) -> None:
    """409, and the first update stays."""
    _, made = api("POST", maps, named("a", data={"k": "0"}))
    assert api("PUT", f"{maps}/a", {**made, "data": {"k": "1"}})[0] == 200
    code, body = api("PUT", f"{maps}/a", {**made, "data": {"k": "2"}})
    assert (code, body["reason"]) == (409, "Conflict")
    assert api("GET", f"{maps}/a")[1]["data"] == {"k": "1"}


def test_a_refusal_names_the_field(api: Api, maps: str) -> None:
    """422 with causes."""
    code, body = api("POST", maps, named("Not-Valid"))
    assert (code, body["reason"], body["details"]["causes"][0]["field"]) == (422, "Invalid", "metadata.name")


@pytest.mark.parametrize(
    ("body", "headers", "code"),
    [
        (b"{not json", {}, 400),
        (b"[]", {}, 400),
        (b"k8s\x00\x0a\x05\x12\x03Pod", {"Content_Type": "application/vnd.kubernetes.protobuf"}, 415),
        (b"junk", {"Content_Type": "application/vnd.kubernetes.protobuf"}, 400),
        (b"x" * (9 * 1024 * 1024), {}, 400),
    ],
)
def test_a_body_that_cannot_be_read_is_refused(
    api: Api, maps: str, body: bytes, headers: dict[str, str], code: int
) -> None:
    """Never a 500; one that is far too large may also just be cut off."""
    try:
        assert api("POST", maps, body, **headers)[0] == code
    except (urllib.error.URLError, ConnectionError, ValueError):
        assert len(body) > 8 * 1024 * 1024


def test_yaml_is_read_too(api: Api, maps: str) -> None:
    """As a real API server does."""
    code, made = api("POST", maps, b"metadata: {name: a}\ndata: {k: v}\n", Content_Type="application/yaml")
    assert (code, made["data"]) == (201, {"k": "v"})


def test_patches_of_all_kinds_are_applied(api: Api, maps: str) -> None:
    """Merge, JSON; a server-side apply is refused with what is possible."""
    api("POST", maps, named("a", data={"k": "0", "l": "0"}))
    code, body = api("PATCH", f"{maps}/a", {"data": {"k": None}}, Content_Type=MERGE_PATCH)
    assert (code, body["data"]) == (200, {"l": "0"})
    operations = [
        {"op": "test", "path": "/data/l", "value": "0"},
        {"op": "add", "path": "/data/m", "value": "1"},
    ]
    assert api("PATCH", f"{maps}/a", operations, Content_Type=JSON_PATCH)[1]["data"] == {"l": "0", "m": "1"}
    code, body = api("PATCH", f"{maps}/a", {}, Content_Type="application/apply-patch+yaml")
    assert code == 415
    assert MERGE_PATCH in body["message"]


def test_a_dry_run_changes_nothing(api: Api, maps: str) -> None:
    """For create, update, patch and delete."""
    assert api("POST", f"{maps}?dryRun=All", named("a"))[0] == 201
    assert api("GET", f"{maps}/a")[0] == 404
    _, made = api("POST", maps, named("a", data={"k": "0"}))
    api("PUT", f"{maps}/a?dryRun=All", {**made, "data": {"k": "1"}})
    api("PATCH", f"{maps}/a?dryRun=All", {"data": {"k": "2"}}, Content_Type=MERGE_PATCH)
    api("DELETE", f"{maps}/a?dryRun=All")
    assert api("GET", f"{maps}/a")[1] == made
    assert api("POST", f"{maps}?dryRun=Some", named("b"))[0] == 422


def test_a_list_comes_in_pages_of_one_moment(api: Api, maps: str) -> None:
    """What changes between the pages does not show."""
    for name in "abcde":
        api("POST", maps, named(name))
    _, first = api("GET", f"{maps}?limit=2")
    assert first["metadata"]["remainingItemCount"] == 3
    api("DELETE", f"{maps}/d")
    api("POST", maps, named("f"))
    _, second = api("GET", f"{maps}?limit=9&continue={first['metadata']['continue']}")
    assert [each["metadata"]["name"] for each in (*first["items"], *second["items"])] == list("abcde")
    assert "continue" not in second["metadata"]
    assert api("GET", f"{maps}?continue=nonsense")[0] == 400


def test_a_collection_is_deleted_by_its_labels(api: Api, maps: str) -> None:
    """As Spark does when it stops."""
    for name in "ab":
        api("POST", maps, named(name, metadata={"labels": {"spark-app-selector": name}}))
    code, body = api(
        "DELETE", f"{maps}?labelSelector=spark-app-selector=a", {"propagationPolicy": "Background"}
    )
    assert (code, [each["metadata"]["name"] for each in body["items"]]) == (200, ["a"])
    assert [each["metadata"]["name"] for each in api("GET", maps)[1]["items"]] == ["b"]


def test_a_watch_from_nowhere_begins_with_what_is_there(api: Api, maps: str) -> None:
    """ADDED for each object, then what happens; it ends after timeoutSeconds."""
    api("POST", maps, named("a"))
    with api.open("GET", f"{maps}?watch=true&timeoutSeconds=2") as stream:
        assert [(e["type"], e["object"]["metadata"]["name"]) for e in lines(stream, 1)] == [("ADDED", "a")]
        api("POST", maps, named("b"))
        api("DELETE", f"{maps}/a")
        assert [(e["type"], e["object"]["metadata"]["name"]) for e in lines(stream, 2)] == [
            ("ADDED", "b"),
            ("DELETED", "a"),
        ]
        assert stream.read() == b""


def test_a_watch_from_a_list_misses_nothing(api: Api, maps: str) -> None:
    """What happened between list and watch comes first."""
    version = api("GET", maps)[1]["metadata"]["resourceVersion"]
    api("POST", maps, named("a"))
    with api.open("GET", f"{maps}?watch=1&resourceVersion={version}") as stream:
        assert lines(stream, 1)[0]["object"]["metadata"]["name"] == "a"


def test_a_watch_from_too_long_ago_is_expired(api: Api, maps: str) -> None:
    """410, so that the client lists again."""
    code, body = api("GET", f"{maps}?watch=true&resourceVersion=1")
    assert (code, body["reason"]) == (410, "Expired")
    assert api("GET", f"{maps}?watch=true&resourceVersion=soon")[0] == 400


def test_an_object_that_begins_or_ceases_to_fit_is_added_or_deleted(api: Api, maps: str) -> None:
    """A dead executor leaves Spark's watch by a label."""
    path = f"{maps}?watch=true&labelSelector=role%3Dexecutor,inactive!%3Dtrue"
    with api.open("GET", path) as stream:
        api("POST", maps, named("other"))
        api("POST", maps, named("a", metadata={"labels": {"role": "executor"}}))
        patch = {"metadata": {"labels": {"inactive": "true"}}}
        api("PATCH", f"{maps}/a", patch, Content_Type="application/strategic-merge-patch+json")
        api("PATCH", f"{maps}/a", {"metadata": {"labels": {"inactive": None}}}, Content_Type=MERGE_PATCH)
        seen = [(event["type"], event["object"]["metadata"]["name"]) for event in lines(stream, 3)]
    assert seen == [("ADDED", "a"), ("DELETED", "a"), ("ADDED", "a")]


def test_bookmarks_say_how_far_a_watch_has_come(api: Api, maps: str) -> None:
    """At the end of the present objects, and at the end of the watch."""
    api("POST", maps, named("a"))
    query = "watch=true&allowWatchBookmarks=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan"
    with api.open("GET", f"{maps}?{query}&timeoutSeconds=1") as stream:
        events = [json.loads(line) for line in stream]
    assert [event["type"] for event in events] == ["ADDED", "BOOKMARK", "BOOKMARK"]
    assert events[1]["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
    assert events[1]["object"]["kind"] == "ConfigMap"


def test_a_websocket_watch_gives_one_event_a_message(api: Api, maps: str) -> None:
    """As fabric8, Spark's client, asks for it."""
    api("POST", maps, named("a"))
    connection = api.socket(f"{maps}?allowWatchBookmarks=true&watch=true")
    try:
        assert json.loads(connection.recv())["object"]["metadata"]["name"] == "a"
        api("POST", maps, named("b"))
        opcode, data = connection.recv_data()
        assert (opcode, json.loads(data)["type"]) == (websocket.ABNF.OPCODE_TEXT, "ADDED")
    finally:
        connection.close()


def test_a_browser_may_send_the_token_as_a_subprotocol(api: Api, maps: str) -> None:
    """And gets the other subprotocol that it asked for."""
    token = base64.urlsafe_b64encode(api.token.encode()).decode().rstrip("=")
    offered = [f"base64url.bearer.authorization.k8s.io.{token}", "v4.channel.k8s.io"]
    connection = api.socket(f"{maps}?watch=true", header={}, subprotocols=offered)
    assert connection.getsubprotocol() == "v4.channel.k8s.io"
    connection.close()


def test_many_watchers_see_the_same(api: Api, maps: str) -> None:
    """Each its own stream."""
    streams = [api.open("GET", f"{maps}?watch=true") for _ in range(20)]
    seen: list[str] = []

    def read(stream: Any) -> None:
        seen.append(lines(stream, 1)[0]["object"]["metadata"]["name"])

    readers = [threading.Thread(target=read, args=(stream,)) for stream in streams]
    for reader in readers:
        reader.start()
    time.sleep(0.1)
    api("POST", maps, named("a"))
    for reader in readers:
        reader.join(30)
    for stream in streams:
        stream.close()
    assert seen == ["a"] * 20


def test_events_have_two_faces(api: Api, maps: str) -> None:
    """core/v1 and events.k8s.io/v1 show the same object."""
    namespace = maps.split("/")[4]
    about = {"kind": "Pod", "name": "p", "namespace": namespace, "uid": "u"}
    event = {
        "metadata": {"name": "e"},
        "regarding": about,
        "note": "hello",
        "reason": "Test",
        "type": "Normal",
    }
    code, made = api("POST", f"/apis/events.k8s.io/v1/namespaces/{namespace}/events", event)
    assert (code, made["note"]) == (201, "hello")
    query = "?fieldSelector=involvedObject.name%3Dp"
    _, old = api("GET", f"/api/v1/namespaces/{namespace}/events{query}")
    assert [each["message"] for each in old["items"]] == ["hello"]


def test_everything_is_allowed_and_the_reviews_say_so(api: Api) -> None:
    """Whoever has the token is the cluster's one user."""
    path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    review = {"spec": {"resourceAttributes": {"verb": "create", "resource": "pods", "namespace": "default"}}}
    code, body = api("POST", path, review)
    assert (code, body["status"]["allowed"]) == (201, True)


def test_a_pod_can_be_bound_by_another_scheduler(api: Api, maps: str) -> None:
    """POST binding."""
    pods = maps.replace("configmaps", "pods")
    container = {"name": "c", "image": "i", "command": ["true"]}
    api(
        "POST",
        pods,
        named("p", spec={"schedulerName": "mine", "restartPolicy": "Never", "containers": [container]}),
    )
    node = api("GET", "/api/v1/nodes")[1]["items"][0]["metadata"]["name"]
    assert api("POST", f"{pods}/p/binding", {"target": {"name": node}})[0] == 201
    assert api("POST", f"{pods}/p/binding", {"target": {"name": node}})[0] == 409
