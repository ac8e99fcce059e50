"""Merging pods: pure, deep, by name."""

from __future__ import annotations

import copy

from hypothesis import given
from hypothesis import strategies as st

from sparkk8s_nb.model.podmerge import merge_pods

names = st.sampled_from(["a", "b", "c"])
values = st.one_of(st.integers(), st.text(max_size=3), st.booleans(), st.lists(st.integers(), max_size=2))
maps = st.dictionaries(names, values, max_size=3)
env = st.lists(
    st.builds(lambda n, v: {"name": n, "value": v}, names, st.text(max_size=3)),
    max_size=3,
    unique_by=lambda item: item["name"],
)
containers = st.lists(
    st.builds(lambda n, e, m: {"name": n, "env": e, "securityContext": m}, names, env, maps),
    max_size=3,
    unique_by=lambda item: item["name"],
)
pods = st.fixed_dictionaries(
    {},
    optional={
        "metadata": st.fixed_dictionaries({}, optional={"labels": maps, "annotations": maps}),
        "spec": st.fixed_dictionaries(
            {}, optional={"containers": containers, "nodeSelector": maps, "tolerations": st.lists(maps)}
        ),
        "extra": values,
    },
)


@given(pods)
def test_nothing_over_a_pod_is_the_pod(pod):
    """And a pod over nothing, and over itself."""
    assert merge_pods(pod, {}) == pod
    assert merge_pods({}, pod) == pod
    assert merge_pods(pod, pod) == pod


@given(pods, pods)
def test_merging_changes_neither(base, over):
    """Templates are used again for every session."""
    before = copy.deepcopy((base, over))
    merge_pods(base, over)
    assert (base, over) == before


@given(pods, pods, pods)
def test_the_order_of_merging_does_not_matter_only_that_of_the_pods(one, two, three):
    """(base < administrator) < user is base < (administrator < user)."""
    assert merge_pods(merge_pods(one, two), three) == merge_pods(one, merge_pods(two, three))


@given(pods, pods)
def test_what_is_said_last_holds(base, over):
    """Every label, every container's variables."""
    merged = merge_pods(base, over)
    assert merge_pods(merged, over) == merged
    labels = over.get("metadata", {}).get("labels", {})
    assert labels.items() <= merged.get("metadata", {}).get("labels", {}).items() if labels else True
    for container in over.get("spec", {}).get("containers", []):
        (found,) = [c for c in merged["spec"]["containers"] if c["name"] == container["name"]]
        assert all(item in found["env"] for item in container["env"])


@given(pods, pods)
def test_nobody_is_lost(base, over):
    """Every container of either is there, once."""
    merged = merge_pods(base, over)
    there = [c["name"] for c in merged.get("spec", {}).get("containers", [])]
    both = {c["name"] for pod in (base, over) for c in pod.get("spec", {}).get("containers", [])}
    assert set(there) == both
    assert len(there) == len(both)


def test_volumes_and_variables_are_replaced_whole():
    """A volume has one source, a variable one value."""
    base = {
        "volumes": [{"name": "v", "emptyDir": {}}],
        "env": [{"name": "A", "valueFrom": {"fieldRef": {}}}],
    }
    over = {"volumes": [{"name": "v", "hostPath": {"path": "/"}}], "env": [{"name": "A", "value": "1"}]}
    assert merge_pods(base, over) == over


def test_what_is_left_empty_says_nothing():
    """``spec:`` with nothing below it is how YAML is often left."""
    base = {"spec": {"containers": [{"name": "a"}], "nodeSelector": {"x": "1"}}}
    assert merge_pods(base, {"spec": None}) == base
    assert merge_pods(base, {"spec": {"containers": None, "nodeSelector": None}}) == base
