"""Selectors: what they choose, and which texts are none."""

from __future__ import annotations

import pytest

from sparkk8s_nb.embedded import selectors
from sparkk8s_nb.embedded.resources import CONFIG_MAPS, EVENTS, PODS
from sparkk8s_nb.embedded.status import StatusError

POD = {
    "metadata": {"name": "p", "namespace": "n", "labels": {"spark-role": "executor", "spark-exec-id": "3"}},
    "spec": {"nodeName": "node"},
    "status": {"phase": "Running"},
}


@pytest.mark.parametrize(
    ("text", "chosen"),
    [
        ("spark-role=executor", True),
        ("spark-role==executor,spark-exec-id!=4", True),
        ("spark-app-selector=x,spark-role=executor", False),
        ("spark-role=executor,spark-exec-inactive!=true", True),
        ("spark-exec-id in (1, 3)", True),
        ("spark-exec-id in (1,2),spark-role=executor", False),
        ("spark-exec-id notin (1,2)", True),
        ("absent notin (1)", True),
        ("spark-role", True),
        ("!spark-role", False),
        ("!absent", True),
        ("spark-exec-id>2", True),
        ("spark-exec-id<2", False),
        ("spark-role>2", False),
        ("absent=", False),
        ("", True),
    ],
)
def test_label_selectors_choose(text: str, *, chosen: bool) -> None:
    """Equality, sets, existence and comparison, all of them together."""
    assert selectors.labels(text)(POD) is chosen


@pytest.mark.parametrize(
    "text", ["a in 1", "a=b=c", "=b", "a in (1", "a b", "a=!", "a=b,", ",", "a/b/c=d", "a=-b"]
)
def test_text_that_is_no_label_selector_is_refused(text: str) -> None:
    """400, naming the part."""
    with pytest.raises(StatusError, match="unable to parse requirement") as caught:
        selectors.labels(text)
    assert caught.value.code == 400


@pytest.mark.parametrize(
    ("text", "chosen"),
    [
        ("status.phase=Running", True),
        ("status.phase!=Running", False),
        ("metadata.name=p,metadata.namespace=n", True),
        ("spec.nodeName=other", False),
        ("status.nominatedNodeName=", True),
        ("spec.hostNetwork=false", True),
    ],
)
def test_field_selectors_choose(text: str, *, chosen: bool) -> None:
    """Equality on the fields that the kind supports."""
    assert selectors.fields(text, PODS)(POD) is chosen


def test_events_are_chosen_by_what_they_are_about() -> None:
    """As kubectl describe does."""
    event = {"metadata": {}, "involvedObject": {"name": "p", "uid": "u"}, "source": {"component": "kubelet"}}
    assert selectors.fields("involvedObject.name=p,involvedObject.uid=u,source=kubelet", EVENTS)(event)


def test_a_field_that_cannot_be_selected_by_is_refused() -> None:
    """400, naming the field."""
    with pytest.raises(StatusError, match=r"field label not supported: status\.mood"):
        selectors.fields("status.mood=good", PODS)
    with pytest.raises(
        StatusError, match=r'"status\.phase" is not a known field selector: only "metadata\.name"'
    ):
        selectors.fields("status.phase=Running", CONFIG_MAPS)


def test_label_selector_objects_match() -> None:
    """matchLabels and matchExpressions, as network policies have them."""
    selector = {
        "matchLabels": {"a": "1"},
        "matchExpressions": [
            {"key": "b", "operator": "In", "values": ["2"]},
            {"key": "c", "operator": "DoesNotExist"},
        ],
    }
    assert selectors.matches(selector, {"a": "1", "b": "2"})
    assert not selectors.matches(selector, {"a": "1", "b": "3"})
    assert selectors.matches({}, {})
