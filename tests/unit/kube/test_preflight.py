"""Asking before the leap."""

from __future__ import annotations

import pytest

from sparkk8s_nb.errors import NotFoundError, RefusedError
from sparkk8s_nb.kube.preflight import (
    check_claims,
    check_rights,
    cpu_limit_demanded,
    preflight,
    quota_room,
    scarce,
)
from sparkk8s_nb.model.report import Grade, QuotaRoom
from sparkk8s_nb.model.rights import singly
from sparkk8s_nb.testing import FakeCluster

FORBIDDEN = RefusedError("no", fix="ask")


class RulesCluster(FakeCluster):
    """A cluster that names our rules."""

    def __init__(self, *rules):
        super().__init__()
        self._rules = rules

    def create(self, manifest, *, dry_run=False):
        if manifest["kind"] == "SelfSubjectRulesReview":
            return {**manifest, "status": {"resourceRules": list(self._rules)}}
        return super().create(manifest, dry_run=dry_run)


def test_a_cluster_that_allows_all_has_nothing_to_say():
    """No warnings, no failures."""
    cluster = FakeCluster()
    assert preflight(cluster).verdict is Grade.OK
    assert check_rights(cluster) == ()


def test_rules_that_name_everything_need_no_further_question():
    """One request for all rights."""
    cluster = RulesCluster({"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]})
    assert check_rights(cluster) == ()
    assert not [call for call in cluster.calls if call.kind == "SelfSubjectAccessReview"]


def test_only_what_the_rules_do_not_name_is_asked_for_singly():
    """Rules may be incomplete; a rule for single names does not count."""
    cluster = RulesCluster(
        {"verbs": ["*"], "apiGroups": ["", "coordination.k8s.io", "discovery.k8s.io"], "resources": ["*"]},
    )
    cluster._rules[0]["resources"] = [
        "pods", "pods/log", "events", "leases", "configmaps", "services", "endpointslices", "persistentvolumeclaims",
            "resourcequotas", "limitranges",
    ]  # fmt: skip
    assert check_rights(cluster) == ()
    assert len([call for call in cluster.calls if call.kind == "SelfSubjectAccessReview"]) == 2


def test_what_only_administrators_miss_is_neither_asked_for_nor_told():
    """Events on the Lease."""
    cluster = FakeCluster()
    cluster.deny("create", "events")
    assert check_rights(cluster) == ()


def test_missing_rights_without_which_nothing_works_are_all_named():
    """One error, with each rule that the administrator has to add."""
    cluster = FakeCluster("team")
    cluster.deny("deletecollection", "pods")
    cluster.deny("watch", "pods")
    cluster.deny("create", "leases")
    with pytest.raises(RefusedError) as caught:
        check_rights(cluster)
    assert "We may not watch, deletecollection pods in namespace team." in caught.value.problem
    assert 'resources: ["pods"], verbs: ["watch", "deletecollection"]' in caught.value.fix
    assert 'apiGroups: ["coordination.k8s.io"], resources: ["leases"], verbs: ["create"]' in caught.value.fix


def test_who_may_do_nothing_may_have_mistaken_the_name():
    """Whether there is such a namespace is not for everybody to see: not a page of rules for one that is not there."""
    cluster = FakeCluster("taem")
    cluster.fail("get", "Namespace", FORBIDDEN)
    for right in singly():
        cluster.deny(right.verbs[0], right.resource)
    with pytest.raises(RefusedError) as caught:
        check_rights(cluster)
    assert caught.value.problem == "We may do nothing in namespace taem."
    assert "Check the name (--namespace)" in caught.value.fix
    assert caught.value.fix.endswith("sparkk8s-nb manifests rbac --namespace taem")


def test_rights_that_one_can_do_without_are_warnings():
    """A start goes on and says what will be missing."""
    cluster = FakeCluster()
    cluster.deny("create", "services")
    cluster.deny("get", "pods/log")
    assert check_rights(cluster) == (
        "We may not get pods/log: logs of executors cannot be shown.",
        "We may not create services: the driver has no Service: executors dial its IP.",
    )


def test_a_namespace_that_is_not_there_ends_the_questions():
    """The rest would only say the same."""
    cluster = FakeCluster()
    cluster.delete("Namespace", "default")
    with pytest.raises(NotFoundError, match="There is no namespace default"):
        check_rights(cluster)


def test_a_namespace_that_is_being_deleted_is_no_place():
    """Nothing can be made in it."""
    cluster = FakeCluster()
    cluster.put({"kind": "Namespace", "metadata": {"name": "default"}, "status": {"phase": "Terminating"}})
    with pytest.raises(NotFoundError, match="is being deleted"):
        check_rights(cluster)


def test_most_users_may_not_read_namespaces():
    """That says nothing."""
    cluster = FakeCluster()
    cluster.fail("get", "Namespace", FORBIDDEN)
    assert check_rights(cluster) == ()


def test_a_server_without_rules_reviews_is_asked_singly():
    """An old one, or a strict one."""
    cluster = FakeCluster()
    cluster.fail("create", "SelfSubjectRulesReview", FORBIDDEN)
    cluster.deny("create", "pods")
    with pytest.raises(RefusedError):
        check_rights(cluster)


def quota(name, hard, used=None, **spec):
    return {
        "kind": "ResourceQuota",
        "metadata": {"name": name},
        "spec": {"hard": hard, **spec},
        "status": {"hard": hard, "used": used or {}},
    }


def test_quotas_leave_the_least_of_what_each_leaves():
    """Requests and limits, of all quotas that apply."""
    cluster = FakeCluster(
        objects=[
            quota("a", {"requests.cpu": "8", "pods": "10"}, {"requests.cpu": "1500m", "pods": "3"}),
            quota("b", {"limits.cpu": "4", "requests.memory": "20Gi", "limits.memory": "16Gi"}),
            quota("spot", {"pods": "0"}, scopeSelector={"matchExpressions": []}),
            quota("jobs", {"pods": "0"}, scopes=["Terminating"]),
        ]
    )
    room = quota_room(cluster)
    assert room == QuotaRoom(cpu_millis=4000, memory=16 * 2**30, pods=7, quotas=("a", "b"))
    assert room.fits(cpu_millis=1000, memory=8 * 2**30) == 2


def test_no_quota_and_no_right_to_see_one_limit_nothing():
    """Unknown is not zero."""
    cluster = FakeCluster()
    assert quota_room(cluster).fits(cpu_millis=1, memory=1) is None
    cluster.fail("list", "ResourceQuota", FORBIDDEN)
    assert quota_room(cluster) == QuotaRoom()


def limit_range(**rules):
    limit = {"type": "Container", **rules}
    return {"kind": "LimitRange", "metadata": {"name": "r"}, "spec": {"limits": [limit]}}


@pytest.mark.parametrize(
    ("objects", "demanded"),
    [
        ([], False),
        ([quota("q", {"limits.cpu": "10"})], True),
        ([quota("q", {"limits.memory": "10Gi", "requests.cpu": "10"})], False),
        ([limit_range(default={"cpu": "1"})], True),
        ([limit_range(max={"cpu": "8"})], True),
        ([limit_range(maxLimitRequestRatio={"cpu": "2"})], True),
        ([limit_range(default={"memory": "1Gi"}, defaultRequest={"cpu": "1"})], False),
        ([limit_range(type="PersistentVolumeClaim", max={"storage": "1Gi"})], False),
    ],
)
def test_a_cpu_limit_is_demanded_by_quota_and_limit_range(objects, demanded):
    """A default smaller than the request would refuse the pod as surely as a quota."""
    assert cpu_limit_demanded(FakeCluster(objects=objects)) is demanded


def test_a_namespace_that_we_may_not_look_into_demands_nothing_that_we_know_of():
    """The API server's refusal will say it."""
    cluster = FakeCluster(objects=[quota("q", {"limits.cpu": "10"})])
    cluster.fail("list", "ResourceQuota", FORBIDDEN)
    assert not cpu_limit_demanded(cluster)


def test_a_claim_that_is_not_there_is_named():
    """Its pods would wait for ever; without the right to look nothing is said."""
    cluster = FakeCluster(objects=[{"kind": "PersistentVolumeClaim", "metadata": {"name": "data"}}])
    check_claims(cluster, ["data"])
    with pytest.raises(NotFoundError, match="no PersistentVolumeClaim dta in namespace default"):
        check_claims(cluster, ["data", "dta"])
    cluster.fail("get", "PersistentVolumeClaim", FORBIDDEN)
    check_claims(cluster, ["dta"])


def test_room_for_some_executors_is_told_before_they_are_asked_for():
    """For all or for none is no news: the latter is refused in the quota's own words."""
    cluster = FakeCluster(objects=[quota("team", {"requests.cpu": "4"}, {"requests.cpu": "1"})])
    said = scarce(cluster, 4, cpu_millis=1000, memory=1)
    assert said == ("The namespace's quota (team) has room for 3 of 4 executors.",)
    assert scarce(cluster, 3, cpu_millis=1000, memory=1) == ()
    assert scarce(cluster, 2, cpu_millis=4000, memory=1) == ()
    assert scarce(FakeCluster(), 9, cpu_millis=1000, memory=1) == ()


def test_a_quota_that_is_not_for_executors_demands_no_cpu_limit():
    """They would be throttled for nothing."""
    spot = quota("spot", {"limits.cpu": "4"}, scopes=["BestEffort"])
    assert not cpu_limit_demanded(FakeCluster(objects=[spot]))
    assert cpu_limit_demanded(FakeCluster(objects=[spot, quota("all", {"limits.cpu": "4"})]))
