"""Labels that tell a session's objects, and selectors that choose exactly them."""

from __future__ import annotations

import re
from dataclasses import replace

from sparkk8s_nb.model import labels
from sparkk8s_nb.model.names import label_value, session_name
from sparkk8s_nb.model.spec import ClusterTarget, SessionSpec, TargetKind

SPEC = SessionSpec(
    name=session_name("Été/Flüge 2013.ipynb", "a1b2"),
    owner=label_value("ada@example.com"),
    notebook=label_value("work/Flights 2013.ipynb"),
    target=ClusterTarget(kind=TargetKind.EMBEDDED, namespace="default"),
)


def chosen(selector, found):
    return all(found.get(key) == value for key, _, value in (t.partition("=") for t in selector.split(",")))


def test_every_label_is_one_that_kubernetes_takes():
    """Prefix/name of at most 63, values too."""
    value = re.compile(r"(?=.{0,63}$)([A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?)?")
    for key, text in labels.session_labels(SPEC).items():
        assert re.fullmatch(r"([a-z0-9.-]+/)?[A-Za-z0-9][A-Za-z0-9_.-]{0,62}", key)
        assert value.fullmatch(text)


def test_selectors_choose_their_own_and_no_other():
    """A session's, its executors', an owner's."""
    own = labels.session_labels(SPEC)
    assert chosen(labels.session_selector(SPEC.name), own)
    assert not chosen(labels.session_selector("other"), own)
    assert not chosen(labels.executor_selector(SPEC.name), own)
    assert chosen(labels.executor_selector(SPEC.name), own | {"spark-role": "executor"})
    assert chosen(labels.sessions_selector(), own)
    assert chosen(labels.sessions_selector(SPEC.owner), own)
    assert not chosen(labels.sessions_selector("bob"), own)


def test_added_labels_come_beside_ours_and_never_in_their_place():
    """The selectors that lifetime rests on still choose."""
    found = labels.session_labels(replace(SPEC, labels={"team": "data", labels.SESSION: "another"}))
    assert found == {**labels.session_labels(SPEC), "team": "data"}
