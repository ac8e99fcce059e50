"""Patches: merge, strategic, JSON."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparkk8s_nb.embedded import patches
from sparkk8s_nb.embedded.objects import copy
from sparkk8s_nb.embedded.status import StatusError

plain = st.none() | st.booleans() | st.integers() | st.text(max_size=4)
values = st.recursive(
    plain, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
)


@given(values, values)
def test_a_merge_patch_never_changes_its_input(target: Any, patch: Any) -> None:
    """Objects in the store are shared."""
    before = copy(target)
    patches.merge(target, patch)
    assert target == before


@given(st.dictionaries(st.text(min_size=1, max_size=3), values, max_size=4))
def test_merging_an_object_twice_changes_nothing_more(patch: Any) -> None:
    """A merge patch says how things shall be."""
    once = patches.merge({}, patch)
    assert patches.merge(once, patch) == once


def test_merge_removes_with_null_and_replaces_lists() -> None:
    """RFC 7386."""
    assert patches.merge({"a": [1], "b": 1, "c": {"d": 1}}, {"a": [2], "b": None, "c": {"e": 2}}) == {
        "a": [2],
        "c": {"d": 1, "e": 2},
    }


def test_strategic_merges_containers_and_their_variables_by_name() -> None:
    """What kubectl apply sends."""
    target = {"spec": {"containers": [{"name": "a", "image": "1", "env": [{"name": "x", "value": "1"}]}]}}
    patch = {"spec": {"containers": [{"name": "a", "env": [{"name": "y", "value": "2"}]}, {"name": "b"}]}}
    merged = patches.strategic(target, patch)["spec"]["containers"]
    assert merged == [
        {"name": "a", "image": "1", "env": [{"name": "x", "value": "1"}, {"name": "y", "value": "2"}]},
        {"name": "b"},
    ]
    assert target["spec"]["containers"][0]["env"] == [{"name": "x", "value": "1"}]


def test_strategic_adds_a_label_as_spark_does() -> None:
    """The patch that marks a dead executor."""
    patch = {"metadata": {"labels": {"spark-exec-inactive": "true"}}}
    assert patches.strategic({"metadata": {"labels": {"a": "b"}}}, patch) == {
        "metadata": {"labels": {"a": "b", "spark-exec-inactive": "true"}}
    }


def test_strategic_obeys_its_directives() -> None:
    """delete, replace, deleteFromPrimitiveList, setElementOrder, retainKeys."""
    target = {
        "volumes": [{"name": "a"}, {"name": "b"}],
        "finalizers": ["x", "y"],
        "m": {"k": 1},
        "strategy": {"type": "Rolling", "rolling": {"n": 1}},
    }
    patch = {
        "volumes": [{"name": "a", "$patch": "delete"}, {"name": "c"}],
        "$setElementOrder/volumes": [{"name": "c"}, {"name": "b"}],
        "finalizers": ["z"],
        "$deleteFromPrimitiveList/finalizers": ["x"],
        "m": {"$patch": "replace", "n": 2},
        "strategy": {"$retainKeys": ["type"], "type": "Recreate"},
    }
    assert patches.strategic(target, patch) == {
        "volumes": [{"name": "c"}, {"name": "b"}],
        "finalizers": ["y", "z"],
        "m": {"n": 2},
        "strategy": {"type": "Recreate"},
    }


def test_strategic_replaces_lists_without_a_key() -> None:
    """Tolerations, arguments and the like are one value."""
    assert patches.strategic(
        {"tolerations": [1], "args": ["a"]}, {"tolerations": [2], "args": ["b", "c"]}
    ) == {
        "tolerations": [2],
        "args": ["b", "c"],
    }


def test_json_patch_does_its_six_operations() -> None:
    """RFC 6902, with escapes."""
    target = {"a/b": {"~": 1}, "list": [1, 2], "gone": 0}
    operations = [
        {"op": "test", "path": "/a~1b/~0", "value": 1},
        {"op": "replace", "path": "/a~1b/~0", "value": 2},
        {"op": "add", "path": "/list/0", "value": 0},
        {"op": "add", "path": "/list/-", "value": 3},
        {"op": "remove", "path": "/gone"},
        {"op": "copy", "from": "/list/0", "path": "/first"},
        {"op": "move", "from": "/list/1", "path": "/moved"},
    ]
    assert patches.json_patch(target, operations) == {
        "a/b": {"~": 2},
        "list": [0, 2, 3],
        "first": 0,
        "moved": 1,
    }
    assert target == {"a/b": {"~": 1}, "list": [1, 2], "gone": 0}


def test_a_json_patch_may_replace_a_field_that_is_not_there() -> None:
    """As a real API server lets it."""
    assert patches.json_patch({}, [{"op": "replace", "path": "/a", "value": 1}]) == {"a": 1}


@pytest.mark.parametrize(
    ("operations", "code"),
    [
        ({}, 400),
        (["x"], 400),
        ([{"op": "add", "path": "/a"}], 400),
        ([{"op": "shout", "path": "/a"}], 422),
        ([{"op": "remove", "path": "a"}], 400),
        ([{"op": "remove", "path": "/absent"}], 422),
        ([{"op": "replace", "path": "/list/0", "value": 1}], 422),
        ([{"op": "test", "path": "/a", "value": 2}], 422),
        ([{"op": "remove", "path": "/list/7"}], 422),
        ([{"op": "remove", "path": ""}], 422),
        ([{"op": "add", "path": "/a/b", "value": 1}], 422),
    ],
)
def test_a_json_patch_that_does_not_fit_is_refused(operations: Any, code: int) -> None:
    """Malformed is 400, not applicable is 422."""
    with pytest.raises(StatusError) as caught:
        patches.json_patch({"a": 1, "list": []}, operations)
    assert caught.value.code == code
