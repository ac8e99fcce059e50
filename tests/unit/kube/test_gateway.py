"""What the gateway sends, and what it makes of answers."""

from __future__ import annotations

import pytest
from urllib3.exceptions import NewConnectionError, ProtocolError

from sparkk8s_nb.errors import ClusterError, ConflictError, ConnectError, NotFoundError, RefusedError


def test_create_fills_in_api_version_and_namespace(cluster, transport):
    """A manifest says what it must; the rest follows from its kind and the target."""
    transport.answer({"kind": "Lease", "metadata": {"name": "s", "uid": "u"}})
    assert cluster.create({"kind": "Lease", "metadata": {"name": "s"}})["metadata"]["uid"] == "u"
    sent = transport.requests[0]
    assert sent.path == "/apis/coordination.k8s.io/v1/namespaces/team/leases"
    assert sent.body["apiVersion"] == "coordination.k8s.io/v1"
    assert sent.body["metadata"] == {"name": "s", "namespace": "team"}
    assert sent.query == {}


def test_a_dry_run_is_asked_for_in_the_query(cluster, transport):
    """The server checks and stores nothing."""
    transport.answer({})
    cluster.create({"kind": "Pod", "metadata": {"name": "p"}}, dry_run=True)
    assert transport.requests[0].query == {"dryRun": "All"}


def test_read_gives_none_for_what_is_not_there(cluster, transport):
    """404 is an answer, not an error."""
    transport.refuse(404, 'pods "p" not found')
    assert cluster.read("Pod", "p") is None


def test_list_follows_continue_to_the_last_page(cluster, transport):
    """Pages are joined; items get back the kind that the API leaves out."""
    transport.answer({"items": [{"metadata": {"name": "a"}}], "metadata": {"continue": "more"}})
    transport.answer({"items": [{"metadata": {"name": "b"}}], "metadata": {"resourceVersion": "7"}})
    found, version = cluster.snapshot("Pod", selector="a=b")
    assert [(item["metadata"]["name"], item["kind"], item["apiVersion"]) for item in found] == [
        ("a", "Pod", "v1"),
        ("b", "Pod", "v1"),
    ]
    assert version == "7"
    assert transport.requests[0].query == {"limit": "500", "labelSelector": "a=b"}
    assert transport.requests[1].query["continue"] == "more"


def test_list_of_all_namespaces_has_no_namespace_in_its_path(cluster, transport):
    """As an administrator's sweep needs it."""
    transport.answer({"items": None, "metadata": {}})
    assert list(cluster.list("Lease", all_namespaces=True)) == []
    assert transport.requests[0].path == "/apis/coordination.k8s.io/v1/leases"


def test_merge_sends_a_merge_patch(cluster, transport):
    """Content type and body."""
    transport.answer({})
    cluster.merge("Lease", "s", {"spec": {"renewTime": None}})
    assert transport.requests[0].content_type == "application/merge-patch+json"
    assert transport.requests[0].method == "PATCH"


def test_delete_takes_dependents_in_the_background_and_only_that_uid(cluster, transport):
    """The body says grace, propagation and precondition."""
    transport.answer({})
    assert cluster.delete("Pod", "p", uid="u", grace=0) is True
    assert transport.requests[0].body == {
        "kind": "DeleteOptions",
        "apiVersion": "v1",
        "propagationPolicy": "Background",
        "preconditions": {"uid": "u"},
        "gracePeriodSeconds": 0,
    }


@pytest.mark.parametrize("status", [404, 409])
def test_delete_of_what_is_gone_or_replaced_says_so(cluster, transport, status):
    """With a uid a conflict means that another object has the name now."""
    transport.refuse(status, "no")
    assert cluster.delete("Lease", "s", uid="u") is False


def test_delete_without_a_uid_lets_a_conflict_be_seen(cluster, transport):
    """Without a precondition it means something else."""
    transport.refuse(409, "being changed")
    with pytest.raises(ConflictError):
        cluster.delete("Lease", "s")


def test_delete_all_is_one_request(cluster, transport):
    """A collection by label."""
    transport.answer({})
    cluster.delete_all("Pod", "a=b", grace=3)
    sent = transport.requests[0]
    assert (sent.method, sent.path, sent.query) == (
        "DELETE",
        "/api/v1/namespaces/team/pods",
        {"labelSelector": "a=b"},
    )
    assert sent.body["gracePeriodSeconds"] == 3


def test_delete_all_goes_one_by_one_where_the_server_knows_no_collections(cluster, transport):
    """Services before Kubernetes 1.23 answer 405."""
    transport.refuse(405, "method not allowed")
    transport.answer({"items": [{"metadata": {"name": "a", "uid": "1"}}], "metadata": {}})
    transport.answer({})
    cluster.delete_all("Service", "a=b")
    assert [request.method for request in transport.requests] == ["DELETE", "GET", "DELETE"]


def test_delete_all_that_is_refused_names_the_verb(cluster, transport):
    """RBAC has a verb of its own for collections."""
    transport.refuse(403, 'pods is forbidden: User "ada" cannot deletecollection resource "pods"')
    with pytest.raises(RefusedError, match='verbs: \\["deletecollection"\\]'):
        cluster.delete_all("Pod", "a=b")


@pytest.mark.parametrize(
    ("status", "message"), [(400, 'container "c" in pod "p" is waiting to start'), (404, "gone")]
)
def test_a_log_that_is_not_there_is_empty(cluster, transport, status, message):
    """A container that has not begun has said nothing."""
    transport.refuse(status, message)
    assert cluster.pod_log("p") == ""


def test_a_pod_with_a_sidecar_gives_the_executor_s_log(cluster, transport):
    """The API wants a container's name as soon as there are two."""
    transport.refuse(400, "a container name must be specified for pod p, choose one of: [proxy x]")
    transport.answer(b"line \xff\n")
    assert cluster.pod_log("p", tail=5) == "line \ufffd\n"
    assert transport.requests[1].query["container"] == "spark-kubernetes-executor"
    assert transport.requests[0].query["tailLines"] == "5"


def test_can_asks_for_the_namespace(cluster, transport):
    """A review is created nowhere and answered at once."""
    transport.answer({"status": {"allowed": True}})
    assert cluster.can("get", "pods", subresource="log") is True
    sent = transport.requests[0]
    assert sent.path == "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    assert sent.body["spec"]["resourceAttributes"]["subresource"] == "log"
    assert sent.body["spec"]["resourceAttributes"]["namespace"] == "team"


def test_a_read_on_a_connection_that_was_closed_is_sent_again(cluster, transport):
    """The server may close a kept connection just when it is used."""
    transport.answers.append(ProtocolError("Connection aborted.", ConnectionResetError()))
    transport.answer({"gitVersion": "v1.34.2"})
    assert cluster.version() == "v1.34.2"


def test_a_create_is_never_sent_twice(cluster, transport):
    """It may have happened."""
    transport.answers.append(ProtocolError("Connection aborted.", ConnectionResetError("reset")))
    with pytest.raises(ConnectError):
        cluster.create({"kind": "Pod", "metadata": {"name": "p"}})
    assert len(transport.requests) == 1


def test_a_server_that_asks_for_patience_gets_a_little(cluster, transport, naps):
    """429 with Retry-After: two more tries, never longer than 2 s each."""
    transport.answer({}, 429, retry_after=30)
    transport.answer({}, 429, retry_after=0.5)
    transport.answer({"gitVersion": "v1"})
    assert cluster.version() == "v1"
    assert naps == [2.0, 0.5]


def test_a_hidden_version_is_still_an_answer(cluster, transport):
    """Hardened clusters refuse /version."""
    transport.refuse(403, "forbidden")
    assert cluster.version() == "unknown"


def test_a_login_page_is_no_kubernetes_api(cluster, transport):
    """A proxy that answers 200 with HTML."""
    transport.answer(b"<html>Please log in</html>")
    with pytest.raises(ClusterError, match="not as a Kubernetes API"):
        cluster.version()


def test_no_connection_is_a_connect_error(cluster, transport):
    """With the server's address and the cause chained."""
    refused = NewConnectionError(None, "x")
    refused.__cause__ = ConnectionRefusedError(111, "Connection refused")
    transport.answers.append(refused)
    with pytest.raises(ConnectError, match="Nothing listens at https://127") as caught:
        cluster.read("Pod", "p")
    assert caught.value.__cause__ is refused


def test_a_missing_namespace_is_not_found(cluster, transport):
    """A create in a namespace that is not there."""
    transport.refuse(404, 'namespaces "team" not found')
    with pytest.raises(NotFoundError) as caught:
        cluster.create({"kind": "Pod", "metadata": {"name": "p"}})
    assert "--namespace" in caught.value.fix


def test_another_namespace_is_reached_through_the_same_connections(cluster, transport):
    """The first one stays where it is."""
    transport.answer({"metadata": {"name": "p"}})
    transport.answer({"metadata": {"name": "p"}})
    cluster.in_namespace("hub").read("Pod", "p")
    cluster.read("Pod", "p")
    assert [request.path for request in transport.requests] == [
        "/api/v1/namespaces/hub/pods/p", "/api/v1/namespaces/team/pods/p",
    ]  # fmt: skip
