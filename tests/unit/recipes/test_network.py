"""Who reaches executors."""

from __future__ import annotations

from typing import Any

import yaml

from sparkk8s_nb.model.manifests import pod_template
from sparkk8s_nb.model.portrange import FIRST_PORT, LAST_PORT
from sparkk8s_nb.recipes.network import EXECUTORS, driver_rule, head, network
from tests.unit.model.test_manifests import OWNER, SPEC


def test_it_selects_what_we_make_and_no_notebook() -> None:
    """A policy that selects a notebook's pod would cut it off from Jupyter."""
    labels = pod_template(SPEC, OWNER, uid=1, gid=1, hints={})["metadata"]["labels"]
    assert EXECUTORS.items() <= labels.items()
    (policy,) = network("team", "hub")
    assert policy["spec"]["podSelector"] == {"matchLabels": EXECUTORS}


def test_executors_are_reached_by_one_another_and_by_notebooks() -> None:
    """In their namespace, in another, outside of the cluster."""

    def sources(*where: str, **more: Any) -> list[object]:
        (policy,) = network("team", *where, **more)
        (rule,) = policy["spec"]["ingress"]
        return list(rule["from"])

    each_other = {"podSelector": {"matchLabels": EXECUTORS}}
    hub = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "hub"}}}
    assert sources() == [each_other, {"podSelector": {}}]
    assert sources("hub") == [each_other, hub]
    labels = {"component": "singleuser-server"}
    assert sources(notebook_labels=labels) == [each_other, {"podSelector": {"matchLabels": labels}}]
    assert sources("hub", notebook_labels=labels)[1] == hub | {"podSelector": {"matchLabels": labels}}
    assert sources("hub", drivers="192.0.2.0/24")[-1] == {"ipBlock": {"cidr": "192.0.2.0/24"}}


def test_the_comment_says_who_is_let_in() -> None:
    """Without labels of notebooks that is every pod of their namespace."""
    assert "take connections of every pod in namespace team and of one another" in head("team")
    assert "of every pod in namespace hub and" in head("team", "hub")
    text = head("team", "hub", notebook_labels={"a": "b", "c": "d"})
    assert "of pods with a=b,c=d in namespace hub and" in text


def test_the_notebooks_rule_is_a_comment_that_reads_back() -> None:
    """Nobody applies it by mistake."""
    text = head("team")
    rule = text[text.index("  ingress:") :]
    assert yaml.safe_load(rule) == {"ingress": [driver_rule("team")]}
    assert driver_rule("team")["ports"] == [{"protocol": "TCP", "port": FIRST_PORT, "endPort": LAST_PORT}]
