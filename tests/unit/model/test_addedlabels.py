"""Labels that a settings file adds."""

from __future__ import annotations

import pytest

from sparkk8s_nb.errors import UsageError
from sparkk8s_nb.model.addedlabels import read_label
from sparkk8s_nb.model.draft import Draft
from sparkk8s_nb.model.layers import FILE
from sparkk8s_nb.model.options import BY_KEY


def taken(value):
    draft = Draft(FILE)
    draft.take(BY_KEY["labels"], value, "labels =")
    return draft.values()["labels"]


def test_a_table_of_a_file_and_a_list_say_the_same():
    """Numbers are texts."""
    assert taken({"team": "data", "cost-centre": 4711}) == ("team=data", "cost-centre=4711")
    assert taken(["team=data", "cost-centre=4711"]) == ("team=data", "cost-centre=4711")


@pytest.mark.parametrize("text", ["team=", "a=" + "x" * 63, "a" * 63 + "=b", "example.com/Team_1.x=A_b.c"])
def test_what_kubernetes_takes_is_taken(text):
    """An empty value too."""
    assert read_label(text, "labels =") == (text,)


@pytest.mark.parametrize(
    "text",
    ["team", "=x", "a b=c", "a=b c", "-a=b", "a=b-", "a=" + "x" * 64, "a" * 64 + "=b", "A.com/x=y", "/a=b", "a=b=c",
     "a=b\n"],
)  # fmt: skip
def test_what_kubernetes_refuses_is_refused_here(text):
    """In two lines, before anything is made."""
    with pytest.raises(UsageError, match="not a label that Kubernetes accepts"):
        read_label(text, "labels =")


@pytest.mark.parametrize(
    "key",
    ["sparkk8s-nb/owner", "app.kubernetes.io/name", "kubernetes.io/x", "batch.k8s.io/x", "spark-role",
     "spark-app-selector"],
)  # fmt: skip
def test_keys_of_others_are_not_free(key):
    """Selectors of ours, Spark's and Kubernetes' rest on them."""
    with pytest.raises(UsageError, match="is not free"):
        read_label(f"{key}=x", "labels =")


def test_a_table_in_a_table_is_no_label():
    """An unquoted dot in a key makes one."""
    with pytest.raises(UsageError, match="not a value that labels can have"):
        taken({"team": {"x": "y"}})
    with pytest.raises(UsageError, match="not a value that py_files can have"):
        Draft(FILE).take(BY_KEY["py_files"], {"a": "b"}, "py_files =")
