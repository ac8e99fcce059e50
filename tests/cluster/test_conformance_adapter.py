"""Every request that our adapter and the keeper make, against a real API server and the embedded one."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cluster.plain_client import JSON, MERGE, Place, named, pod

LEASES = "coordination.k8s.io"
UNKNOWN = "00000000-0000-0000-0000-000000000000"


def lease(name: str, **spec: Any) -> dict[str, Any]:
    given = {"holderIdentity": "h", "leaseDurationSeconds": 60, "renewTime": "2030-01-01T00:00:00.000000Z"}
    return named(name, spec=given | spec)


def owner(**more: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "name": "a", "uid": UNKNOWN, **more}


def causes(details: dict[str, Any]) -> set[tuple[str, str]]:
    """Fields and reasons; patches tell each twice on a real server."""
    return {(cause["field"], cause["reason"]) for cause in details["causes"]}


def test_what_is_created_is_answered_as_it_was_stored(place: Place) -> None:
    """With what only the server can give."""
    made = place.make("leases", lease("session"), LEASES)
    assert {"uid", "resourceVersion", "creationTimestamp"} < made["metadata"].keys()
    stored = place.server("GET", place.path("leases", "session", LEASES))
    assert stored.body == made


def test_a_name_is_generated(place: Place) -> None:
    """Five characters; a name that is given wins."""
    made = place.make("configmaps", {"metadata": {"generateName": "gen-"}})
    assert made["metadata"]["generateName"] == "gen-"
    assert len(made["metadata"]["name"]) == len("gen-") + 5
    other = place.make("configmaps", {"metadata": {"generateName": "gen-", "name": "x"}})
    assert other["metadata"]["name"] == "x"


def test_a_name_that_is_taken_conflicts(place: Place) -> None:
    """409 with the kind's plural and group."""
    place.make("leases", lease("l"), LEASES)
    refused = place.server("POST", place.path("leases", group=LEASES), lease("l"))
    assert refused.refusal == (409, "AlreadyExists", {"name": "l", "group": LEASES, "kind": "leases"})
    assert refused.body["message"] == 'leases.coordination.k8s.io "l" already exists'


def test_an_update_of_an_old_version_conflicts(place: Place) -> None:
    """409, and the first update stays; without a version the last one wins."""
    made = place.make("configmaps", named("a", data={"k": "0"}))
    path = place.path("configmaps", "a")
    assert place.server("PUT", path, {**made, "data": {"k": "1"}}).code == 200
    refused = place.server("PUT", path, {**made, "data": {"k": "2"}})
    assert refused.refusal == (409, "Conflict", {"name": "a", "kind": "configmaps"})
    assert refused.body["message"] == (
        'Operation cannot be fulfilled on configmaps "a": the object has been modified; '
        "please apply your changes to the latest version and try again"
    )
    patched = place.server("PATCH", path, {"metadata": {"resourceVersion": "1"}, "data": {}}, media=MERGE)
    assert patched.refusal[:2] == (409, "Conflict")
    assert place.server("PUT", path, named("a", data={"k": "3"})).body["data"] == {"k": "3"}


def test_an_update_without_a_change_keeps_the_version(place: Place) -> None:
    """Watches are not told."""
    made = place.make("configmaps", named("a", data={"k": "0"}))
    same = place.server("PATCH", place.path("configmaps", "a"), {"data": {"k": "0"}}, media=MERGE)
    assert same.body["metadata"]["resourceVersion"] == made["metadata"]["resourceVersion"]


def test_a_lease_is_renewed_only_by_its_uid(place: Place) -> None:
    """A merge patch that names another uid is refused as invalid, an update as a conflict."""
    made = place.make("leases", lease("session"), LEASES)
    path = place.path("leases", "session", LEASES)
    renewed = {"renewTime": "2030-01-01T00:01:00.000000Z"}
    uid = made["metadata"]["uid"]
    answer = place.server("PATCH", path, {"metadata": {"uid": uid}, "spec": renewed}, media=MERGE)
    assert answer.body["spec"] == made["spec"] | renewed
    other = place.server("PATCH", path, {"metadata": {"uid": UNKNOWN}, "spec": renewed}, media=MERGE)
    code, reason, details = other.refusal
    assert (code, reason, causes(details)) == (422, "Invalid", {("metadata.uid", "FieldValueInvalid")})
    assert other.body["message"].endswith(f'metadata.uid: Invalid value: "{UNKNOWN}": field is immutable')
    put = place.server("PUT", path, {**lease("session"), "metadata": {"name": "session", "uid": UNKNOWN}})
    assert put.refusal == (409, "Conflict", {"name": "session", "group": LEASES, "kind": "leases"})


@pytest.mark.parametrize("moment", ["2030-01-01T00:00:00Z", "soon"])
def test_a_lease_s_time_has_microseconds(place: Place, moment: str) -> None:
    """400 for any other form."""
    refused = place.server("POST", place.path("leases", group=LEASES), lease("l", renewTime=moment))
    assert refused.refusal == (400, "BadRequest", {})
    assert refused.body["message"].startswith('Lease in version "v1" cannot be handled as a Lease: parsing')


def test_a_lease_without_duration_is_invalid(place: Place) -> None:
    """422 names the field."""
    refused = place.server("POST", place.path("leases", group=LEASES), lease("l", leaseDurationSeconds=0))
    code, reason, details = refused.refusal
    assert (code, reason, details["group"], details["kind"]) == (422, "Invalid", LEASES, "Lease")
    assert causes(details) == {("spec.leaseDurationSeconds", "FieldValueInvalid")}


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        (named("Not_Valid"), {("metadata.name", "FieldValueInvalid")}),
        ({"metadata": {}}, {("metadata.name", "FieldValueRequired")}),
        (named("a", {"a b": "c"}), {("metadata.labels", "FieldValueInvalid")}),
        (named("a", {"a": "b c"}), {("metadata.labels", "FieldValueInvalid")}),
        (
            {"metadata": {"name": "a", "ownerReferences": [owner(uid="")]}},
            {("metadata.ownerReferences.uid", "FieldValueInvalid")},
        ),
        (
            {"metadata": {"name": "a", "ownerReferences": [owner(apiVersion="")]}},
            {("metadata.ownerReferences.apiVersion", "FieldValueInvalid")},
        ),
        (
            {"metadata": {"name": "a", "ownerReferences": [owner(kind="")]}},
            {("metadata.ownerReferences.kind", "FieldValueInvalid")},
        ),
        (
            {
                "metadata": {
                    "name": "a",
                    "ownerReferences": [owner(controller=True), owner(name="b", controller=True)],
                }
            },
            {("metadata.ownerReferences", "FieldValueInvalid")},
        ),
    ],
)
def test_metadata_that_cannot_be_is_named(place: Place, body: Any, wrong: set[tuple[str, str]]) -> None:
    """422 with field and reason."""
    code, reason, details = place.server("POST", place.path("configmaps"), body).refusal
    assert (code, reason, details["kind"], causes(details)) == (422, "Invalid", "ConfigMap", wrong)


def test_a_pod_that_cannot_be_is_told_by_its_fields(place: Place) -> None:
    """All of them at once, in the same words."""
    container = {"name": "C_", "image": "", "resources": {"requests": {"cpu": "2"}, "limits": {"cpu": "1"}}}
    refused = place.server("POST", place.path("pods"), pod("p", containers=[container], restartPolicy="No"))
    code, reason, details = refused.refusal
    assert (code, reason) == (422, "Invalid")
    assert causes(details) == {
        ("spec.containers[0].name", "FieldValueInvalid"),
        ("spec.containers[0].image", "FieldValueRequired"),
        ("spec.containers[0].resources.requests", "FieldValueInvalid"),
        ("spec.restartPolicy", "FieldValueNotSupported"),
    }
    words = 'spec.restartPolicy: Unsupported value: "No": supported values: "Always", "OnFailure", "Never"'
    assert words in refused.body["message"]


def test_owner_references_are_kept(place: Place) -> None:
    """As they were given: who owns it, not in a way that blocks the owner's deletion."""
    owned = place.make("leases", lease("session"), LEASES)
    reference = {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "name": "session",
        "uid": owned["metadata"]["uid"],
    }
    body = {"metadata": {"name": "rpc", "ownerReferences": [reference]}, "stringData": {"a": "b"}}
    made = place.make("secrets", body)
    assert made["metadata"]["ownerReferences"] == [reference]
    assert (made["type"], made["data"]) == ("Opaque", {"a": "Yg=="})
    assert "stringData" not in made


def test_a_headless_service_and_its_slice(place: Place) -> None:
    """The driver's name; a loopback address is refused."""
    spec = {"clusterIP": "None", "ports": [{"name": "driver", "port": 7078}]}
    service = place.make("services", named("driver", spec=spec))["spec"]
    assert (service["type"], service["clusterIPs"]) == ("ClusterIP", ["None"])
    assert service["ports"] == [{"name": "driver", "port": 7078, "protocol": "TCP", "targetPort": 7078}]
    made = named(
        "driver",
        {"kubernetes.io/service-name": "driver"},
        addressType="IPv4",
        endpoints=[{"addresses": ["10.1.2.3"], "conditions": {"ready": True}}],
        ports=[{"name": "driver", "port": 7078}],
    )
    slices = "discovery.k8s.io"
    assert place.make("endpointslices", made, slices)["ports"][0]["protocol"] == "TCP"
    loopback = made | {"metadata": {"name": "other"}, "endpoints": [{"addresses": ["127.0.0.1"]}]}
    code, _, details = place.server("POST", place.path("endpointslices", group=slices), loopback).refusal
    assert (code, causes(details)) == (422, {("endpoints[0].addresses[0]", "FieldValueInvalid")})


def test_a_dry_run_checks_and_stores_nothing(place: Place) -> None:
    """For every verb; any other value of it is refused."""
    path = place.path("configmaps")
    assert place.server("POST", path, named("dry"), dryRun="All").code == 201
    assert place.server("GET", f"{path}/dry").code == 404
    made = place.make("configmaps", named("a", data={"k": "0"}))
    bodies = {"PUT": {**made, "data": {"k": "1"}}, "PATCH": {"data": {"k": "2"}}, "DELETE": None}
    for method, body in bodies.items():
        media = MERGE if method == "PATCH" else JSON
        assert place.server(method, f"{path}/a", body, media=media, dryRun="All").code == 200
    assert place.server("DELETE", f"{path}/a", {"dryRun": ["All"]}).code == 200
    assert place.server("DELETE", path, labelSelector="test=one", dryRun="All").names == ["a"]
    assert place.server("GET", f"{path}/a").body == made
    for method, body in {"POST": named("b"), **bodies}.items():
        media = MERGE if method == "PATCH" else JSON
        target = path if method == "POST" else f"{path}/a"
        code, reason, details = place.server(method, target, body, media=media, dryRun="Some").refusal
        assert (code, reason, details["group"]) == (422, "Invalid", "meta.k8s.io")
        assert causes(details) == {("dryRun", "FieldValueNotSupported")}


@pytest.mark.parametrize(
    ("options", "code", "field"),
    [
        ({"propagationPolicy": "Sometimes"}, 422, "propagationPolicy"),
        ({"propagationPolicy": "Orphan", "orphanDependents": True}, 422, "propagationPolicy"),
        ({"dryRun": ["Some"]}, 422, "dryRun"),
        ({"gracePeriodSeconds": "x"}, 400, ""),
        (b"{nope", 400, ""),
    ],
)
def test_delete_options_that_cannot_be_are_refused(place: Place, options: Any, code: int, field: str) -> None:
    """And nothing is deleted."""
    place.make("configmaps", named("a"))
    refused = place.server("DELETE", place.path("configmaps", "a"), options)
    found, _, details = refused.refusal
    assert (found, details.get("kind", "")) == (code, "DeleteOptions" if field else "")
    assert {cause["field"] for cause in details.get("causes", ())} == ({field} if field else set())
    assert place.server("GET", place.path("configmaps", "a")).code == 200


def test_preconditions_of_a_deletion_must_hold(place: Place) -> None:
    """409, worded after the kind."""
    made = place.make("configmaps", named("a"))["metadata"]
    path = place.path("configmaps", "a")
    for key, label, value in (("uid", "UID", UNKNOWN), ("resourceVersion", "ResourceVersion", "1")):
        refused = place.server("DELETE", path, {"preconditions": {key: value}})
        assert refused.refusal == (409, "Conflict", {"name": "a", "kind": "ConfigMap"})
        words = f"the {label} in the precondition ({value}) does not match the {label} in record"
        assert f'Operation cannot be fulfilled on ConfigMap "a": {words}' in refused.body["message"]
    gone = place.server("DELETE", path, {"preconditions": {"uid": made["uid"]}})
    assert gone.body["status"] == "Success"
    assert gone.body["details"] == {"name": "a", "kind": "configmaps", "uid": made["uid"]}


@pytest.mark.parametrize(
    ("propagation", "finalizer"), [("Foreground", "foregroundDeletion"), ("Orphan", "orphan")]
)
def test_a_deletion_that_waits_is_answered_with_the_object(
    place: Place, propagation: str, finalizer: str
) -> None:
    """It carries the finalizer that it waits for."""
    place.make("configmaps", named("a"))
    answer = place.server("DELETE", place.path("configmaps", "a"), {"propagationPolicy": propagation})
    metadata = answer.body["metadata"]
    assert (answer.code, metadata["finalizers"], metadata["deletionGracePeriodSeconds"]) == (
        200,
        [finalizer],
        0,
    )


def test_finalizers_keep_an_object_until_they_are_gone(place: Place) -> None:
    """None may be added any more."""
    place.make("configmaps", {"metadata": {"name": "a", "finalizers": ["example.com/one"]}})
    path = place.path("configmaps", "a")
    assert "deletionTimestamp" in place.server("DELETE", path).body["metadata"]
    more = {"metadata": {"finalizers": ["example.com/one", "example.com/two"]}}
    code, _, details = place.server("PATCH", path, more, media=MERGE).refusal
    assert (code, causes(details)) == (422, {("metadata.finalizers", "FieldValueForbidden")})
    assert place.server("PATCH", path, {"metadata": {"finalizers": None}}, media=MERGE).code == 200
    assert place.server("GET", path).code == 404


def test_a_pod_on_a_node_ends_with_grace(place: Place) -> None:
    """Its kubelet has the last word."""
    place.make("pods", pod("p", nodeName="nowhere"))
    answer = place.server("DELETE", place.path("pods", "p"), {"gracePeriodSeconds": 5})
    assert answer.body["metadata"]["deletionGracePeriodSeconds"] == 5
    assert place.server("GET", place.path("pods", "p")).code == 200


def test_a_list_comes_in_pages_of_one_moment(place: Place) -> None:
    """What changes between the pages does not show; how many are left is told only without selectors."""
    for name in "abcde":
        place.make("leases", lease(name), LEASES)
    path = place.path("leases", group=LEASES)
    first = place.server("GET", path, limit="2")
    assert (first.names, first.body["metadata"]["remainingItemCount"]) == (["a", "b"], 3)
    assert place.server("DELETE", f"{path}/d").code == 200
    place.make("leases", lease("f"), LEASES)
    more = {"continue": first.body["metadata"]["continue"]}
    second = place.server("GET", path, limit="2", **more)
    assert second.names == ["c", "d"]
    assert second.body["metadata"]["resourceVersion"] == first.body["metadata"]["resourceVersion"]
    last = place.server("GET", path, limit="9", **{"continue": second.body["metadata"]["continue"]})
    assert (last.names, "continue" in last.body["metadata"]) == (["e"], False)
    chosen = place.server("GET", path, limit="2", labelSelector="test=one")
    assert chosen.body["metadata"].keys() == {"continue", "resourceVersion"}
    for query in ({"continue": "nonsense"}, {**more, "resourceVersion": "5"}, {"limit": "x"}):
        assert place.server("GET", path, **query).refusal == (400, "BadRequest", {})


def test_a_watch_from_a_list_misses_nothing(place: Place) -> None:
    """Everything after the list's version, in order; and again from any event's version."""
    path = place.path("configmaps")
    place.make("configmaps", named("a"))
    version = place.server("GET", path).body["metadata"]["resourceVersion"]
    place.make("configmaps", named("b", {"role": "x"}))
    place.server("PATCH", f"{path}/b", {"metadata": {"labels": {"role": "y"}}}, media=MERGE)
    place.server("PATCH", f"{path}/b", {"data": {"k": "v"}}, media=MERGE)
    place.server("DELETE", f"{path}/b")
    query = {"resourceVersion": version, "timeoutSeconds": "1", "fieldSelector": "metadata.name=b"}
    with place.server.watch(path, **query) as events:
        seen = list(events)
    assert [event.type for event in seen] == ["ADDED", "MODIFIED", "MODIFIED", "DELETED"]
    versions = [int(event.object["metadata"]["resourceVersion"]) for event in seen]
    assert versions == sorted(set(versions))
    assert {event.object["kind"] for event in seen} == {"ConfigMap"}
    with place.server.watch(path, **query | {"resourceVersion": str(versions[1])}) as events:
        assert [event.type for event in events] == ["MODIFIED", "DELETED"]
    with place.server.watch(path, **query | {"labelSelector": "role=y"}) as events:
        assert [event.type for event in events] == ["ADDED", "MODIFIED", "DELETED"]
    with place.server.watch(path, **query | {"labelSelector": "role=x"}) as events:
        assert [event.type for event in events] == ["ADDED", "DELETED"]


def test_a_watch_that_asks_for_the_present_objects_is_told_their_end(place: Place) -> None:
    """By a bookmark, whose object is its kind and version alone; without bookmarks asked for, a refusal."""
    place.make("configmaps", named("a"))
    query = {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan", "labelSelector": "test=one"}
    with place.server.watch(place.path("configmaps"), allowWatchBookmarks="true", **query) as events:
        assert next(events).seen == ("ADDED", "a")
        mark = next(events)
    assert (mark.type, mark.object["kind"]) == ("BOOKMARK", "ConfigMap")
    assert mark.object["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
    assert int(mark.object["metadata"]["resourceVersion"]) > 0


def test_a_missing_namespace_is_named(place: Place) -> None:
    """404 for what would be made there; what is read there is just empty."""
    refused = place.server("POST", "/api/v1/namespaces/nowhere/configmaps", named("a"))
    assert refused.refusal == (404, "NotFound", {"name": "nowhere", "kind": "namespaces"})
    assert place.server("GET", "/api/v1/namespaces/nowhere/configmaps").names == []


def test_a_quota_refuses(place: Place) -> None:
    """403: what is asked for, used and limited; and what a pod must say."""
    hard = {"pods": "0", "requests.cpu": "1"}
    quota = place.make("resourcequotas", named("q", spec={"hard": hard}))
    counted = quota | {"status": {"hard": hard, "used": {"pods": "0", "requests.cpu": "0"}}}
    if not place.server.embedded:  # where no controller counts
        place.server("PUT", place.path("resourcequotas", "q") + "/status", counted)
    plain = pod("p")
    refused = place.server("POST", place.path("pods"), plain)
    assert refused.refusal == (403, "Forbidden", {"name": "p", "kind": "pods"})
    assert refused.body["message"] == (
        'pods "p" is forbidden: failed quota: q: must specify requests.cpu for: spark-kubernetes-executor'
    )
    plain["spec"]["containers"][0]["resources"] = {"requests": {"cpu": "2"}}
    refused = place.server("POST", place.path("pods"), plain)
    assert refused.refusal == (403, "Forbidden", {"name": "p", "kind": "pods"})
    assert refused.body["message"] == (
        'pods "p" is forbidden: exceeded quota: q, requested: pods=1,requests.cpu=2, '
        "used: pods=0,requests.cpu=0, limited: pods=0,requests.cpu=1"
    )


def test_an_access_review_says_what_the_administrator_may(place: Place) -> None:
    """201 with the answer in its status; the reviews of rules likewise."""
    reviews = "/apis/authorization.k8s.io/v1/selfsubject"
    attributes = {"namespace": place.name, "verb": "deletecollection", "resource": "pods"}
    for spec in (
        {"resourceAttributes": attributes},
        {"nonResourceAttributes": {"path": "/version", "verb": "get"}},
    ):
        answer = place.server("POST", f"{reviews}accessreviews", {"spec": spec})
        assert (answer.code, answer.body["status"]["allowed"], answer.body["spec"]) == (201, True, spec)
    rules = place.server("POST", f"{reviews}rulesreviews", {"spec": {"namespace": place.name}}).body["status"]
    assert {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]} in rules["resourceRules"]
    assert rules["incomplete"] is False
    code, reason, details = place.server("POST", f"{reviews}accessreviews", {"spec": {}}).refusal
    assert (code, reason) == (422, "Invalid")
    assert causes(details) == {("spec.resourceAttributes", "FieldValueInvalid")}


def test_events_are_selected_by_what_they_are_about(place: Place) -> None:
    """As the diagnosis asks for a pod's; both faces of events show the same."""
    about = {"kind": "Pod", "name": "p", "namespace": place.name}
    for number in (1, 2):
        event = named(
            f"e{number}",
            involvedObject=about | {"name": f"p{number}"},
            reason="R",
            message="m",
            type="Normal",
        )
        place.make("events", event)
    query = {"fieldSelector": "involvedObject.kind=Pod,involvedObject.name=p1"}
    assert place.server("GET", place.path("events"), **query).names == ["e1"]
    new = place.server("GET", place.path("events", "e2", "events.k8s.io")).body
    assert (new["note"], new["regarding"]["name"]) == ("m", "p2")


def test_a_log_that_is_not_there(place: Place) -> None:
    """Of a pod that does not exist: 404, as for the pod."""
    refused = place.server("GET", place.path("pods", "x") + "/log", tailLines="200")
    assert refused.refusal == (404, "NotFound", {"name": "x", "kind": "pods"})
