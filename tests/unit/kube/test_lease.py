"""The Lease's mechanics."""

from __future__ import annotations

import pytest

from sparkk8s_nb.errors import InvalidError
from sparkk8s_nb.kube.lease import Renewal, lease_manifest, owner_reference, renew
from sparkk8s_nb.testing import FakeCluster


def make(cluster, name="s"):
    return cluster.create(
        lease_manifest(
            name,
            "default",
            labels={"a": "b"},
            annotations={"record": "{}"},
            holder="kernel",
            duration_seconds=120,
            now=60.0,
        )
    )


def test_a_lease_says_who_holds_it_and_how_long():
    """acquireTime and renewTime are MicroTime."""
    spec = make(FakeCluster())["spec"]
    assert spec == {
        "holderIdentity": "kernel",
        "leaseDurationSeconds": 120,
        "acquireTime": "1970-01-01T00:01:00.000000Z",
        "renewTime": "1970-01-01T00:01:00.000000Z",
    }


def test_what_a_lease_owns_goes_with_it():
    """The reference names its uid and never blocks its deletion."""
    cluster = FakeCluster()
    reference = owner_reference(make(cluster))
    assert "blockOwnerDeletion" not in reference
    cluster.create({"kind": "Pod", "metadata": {"name": "p", "ownerReferences": [reference]}})
    cluster.delete("Lease", "s")
    assert cluster.read("Pod", "p") is None


def test_a_lease_can_have_the_notebook_s_pod_as_its_owner():
    """Only the caller knows whether that pod is in the same namespace."""
    manifest = lease_manifest(
        "s", "n", labels={}, annotations={}, holder="h", duration_seconds=1, now=0, owner={"uid": "u"}
    )
    assert manifest["metadata"]["ownerReferences"] == [{"uid": "u"}]


def test_a_renewal_moves_renew_time_only():
    """And says that it did."""
    cluster = FakeCluster()
    uid = make(cluster)["metadata"]["uid"]
    assert renew(cluster, "s", uid=uid, now=120.5) is Renewal.RENEWED
    spec = cluster.read("Lease", "s")["spec"]
    assert spec["renewTime"] == "1970-01-01T00:02:00.500000Z"
    assert spec["acquireTime"] == "1970-01-01T00:01:00.000000Z"


def test_a_lease_that_is_gone_or_another_s_is_lost():
    """404, and a uid that differs."""
    cluster = FakeCluster()
    uid = make(cluster)["metadata"]["uid"]
    cluster.delete("Lease", "s")
    assert renew(cluster, "s", uid=uid, now=0) is Renewal.LOST
    make(cluster)
    assert renew(cluster, "s", uid=uid, now=0) is Renewal.LOST


class Refusing(FakeCluster):
    """A server that finds a field of every patch invalid."""

    def __init__(self, field):
        super().__init__()
        self.field = field

    def merge(self, kind, name, patch):
        raise InvalidError(f"patch leases s: {self.field}: field is immutable.", fix="Change it.")


def test_a_uid_that_may_not_change_is_another_s():
    """What real API servers say of it; anything else that is invalid says nothing about the Lease."""
    assert renew(Refusing("metadata.uid"), "s", uid="u", now=0) is Renewal.LOST
    with pytest.raises(InvalidError):
        renew(Refusing("spec.renewTime"), "s", uid="u", now=0)
