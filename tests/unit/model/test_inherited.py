"""Executors are like the notebook's pod, unless a template says otherwise."""

from __future__ import annotations

from sparkk8s_nb.model import manifests
from sparkk8s_nb.model.inherited import inherited_template, not_inherited
from sparkk8s_nb.model.ownpod import OwnPod
from sparkk8s_nb.model.spec import ClusterTarget, SessionSpec, TargetKind

TARGET = ClusterTarget(kind=TargetKind.IN_CLUSTER, namespace="hub")
SPEC = SessionSpec(name="s", owner="o", notebook="n", target=TARGET, image="i")
OWN = OwnPod(
    name="nb", uid="u", namespace="hub", container="nb", image="i", pull_secrets=("pull",), fs_group=300,
    service_account="ada", node_selector={"pool": "notebooks", "zone": "a"},
    tolerations=(
        {"key": "user", "operator": "Exists"},
        {"key": "node.kubernetes.io/not-ready", "effect": "NoExecute", "tolerationSeconds": 300},
    ),
)  # fmt: skip
OWNER = {"kind": "Lease", "name": "s", "uid": "u-1"}


def pod(*templates):
    layers = [inherited_template(OWN, "hub"), *templates]
    return manifests.pod_template(SPEC, OWNER, uid=1000, gid=100, hints={}, templates=layers)["spec"]


def test_executors_take_over_what_decides_where_and_how_they_run():
    """Ids are the kernel's, the volumes' group is the pod's; no API token comes with the service account."""
    spec = pod()
    assert spec["imagePullSecrets"] == [{"name": "pull"}]
    assert spec["nodeSelector"] == {"pool": "notebooks", "zone": "a"}
    assert spec["tolerations"] == [{"key": "user", "operator": "Exists"}]
    context = spec["securityContext"]
    assert (context["runAsUser"], context["runAsGroup"], context["fsGroup"]) == (1000, 100, 300)
    assert (spec["serviceAccountName"], spec["automountServiceAccountToken"]) == ("ada", False)


def test_a_template_wins_over_what_is_taken_over():
    """Key by key, as in every merge."""
    spec = pod({"spec": {"nodeSelector": {"pool": "big"}, "tolerations": [], "serviceAccountName": "spark"}})
    assert spec["nodeSelector"] == {"pool": "big", "zone": "a"}
    assert (spec["tolerations"], spec["serviceAccountName"]) == ([], "spark")


def test_another_namespace_has_neither_the_secrets_nor_the_account():
    """And is told so where it matters."""
    spec = inherited_template(OWN, "executors")["spec"]
    assert not {"imagePullSecrets", "serviceAccountName"} & spec.keys()
    assert spec["nodeSelector"]
    assert "pull secret" in not_inherited(OWN, "executors")
    assert not_inherited(OWN, "hub") == ""
