"""What kubectl get prints."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sparkk8s_nb.embedded import resources, table
from sparkk8s_nb.embedded.podtable import pod_status
from sparkk8s_nb.embedded.resources import STORED
from sparkk8s_nb.embedded.status import StatusError

NOW = datetime(2030, 1, 10, tzinfo=UTC)
FAILED = {"state": {"terminated": {"reason": "Error", "exitCode": 1}}}
ACCEPT = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"


def pod(
    phase: str = "Running", *, deleting: bool = False, state: dict[str, Any] | None = None, **status: Any
) -> Any:
    metadata: dict[str, Any] = {"name": "p", "creationTimestamp": "2030-01-09T23:59:00Z"}
    if deleting:
        metadata["deletionTimestamp"] = "2030-01-10T00:00:00Z"
    if state is not None:
        status["containerStatuses"] = [{"name": "c", "ready": "running" in state, "state": state}]
    return {
        "metadata": metadata,
        "spec": {"containers": [{"name": "c"}]},
        "status": {"phase": phase, **status},
    }


@pytest.mark.parametrize(
    ("given", "word"),
    [
        (pod("Pending"), "Pending"),
        (pod(state={"running": {}}), "Running"),
        (pod("Pending", state={"waiting": {"reason": "ContainerCreating"}}), "ContainerCreating"),
        (pod("Failed", state={"terminated": {"reason": "OOMKilled", "exitCode": 137}}), "OOMKilled"),
        (pod("Failed", state={"terminated": {"exitCode": 3}}), "ExitCode:3"),
        (pod("Succeeded", state={"terminated": {"reason": "Completed", "exitCode": 0}}), "Completed"),
        (pod("Failed", reason="DeadlineExceeded"), "DeadlineExceeded"),
        (pod(deleting=True, state={"running": {}}), "Terminating"),
        (pod("Pending", initContainerStatuses=[{"state": {"running": {}}}]), "Init:0/1"),
        (pod("Failed", initContainerStatuses=[FAILED]), "Init:Error"),
    ],
)  # fmt: skip
def test_a_pod_has_the_word_that_kubectl_has_for_it(given: dict[str, Any], word: str) -> None:
    """By the rules of the real printer."""
    assert pod_status(given) == word


@pytest.mark.parametrize(
    ("ago", "shown"),
    [
        (timedelta(seconds=119), "119s"),
        (timedelta(minutes=2), "2m"),
        (timedelta(minutes=5, seconds=30), "5m30s"),
        (timedelta(minutes=59), "59m"),
        (timedelta(hours=4, minutes=5), "4h5m"),
        (timedelta(hours=30), "30h"),
        (timedelta(days=3, hours=2), "3d2h"),
        (timedelta(days=100), "100d"),
    ],
)
def test_ages_are_shortened(ago: timedelta, shown: str) -> None:
    """As kubectl does it."""
    assert table.age((NOW - ago).isoformat(), NOW) == shown


def test_a_table_has_wide_columns_at_a_lower_priority() -> None:
    """kubectl shows them with -o wide."""
    made = table.of(resources.PODS, [pod(state={"running": {}})], ACCEPT, {}, NOW)
    assert made is not None
    columns = {each["name"]: each["priority"] for each in made["columnDefinitions"]}
    assert (columns["Status"], columns["Node"]) == (0, 1)
    assert made["rows"][0]["cells"][:5] == ["p", "1/1", "Running", "0", "60s"]
    assert made["rows"][0]["object"]["kind"] == "PartialObjectMetadata"


def test_the_whole_object_is_included_on_request() -> None:
    """For -l columns and the like."""
    made = table.of(resources.PODS, [pod()], ACCEPT, {"includeObject": "Object"}, NOW)
    assert made is not None
    assert made["rows"][0]["object"]["spec"]


def test_no_object_is_included_on_request_and_nothing_else_is_taken() -> None:
    """Metadata, Object, None; 400 for any other word."""
    made = table.of(resources.PODS, [pod()], ACCEPT, {"includeObject": "None"}, NOW)
    assert made is not None
    assert made["rows"][0]["object"] is None
    with pytest.raises(StatusError, match="includeObject") as refused:
        table.of(resources.PODS, [pod()], ACCEPT, {"includeObject": "All"}, NOW)
    assert refused.value.code == 400


def test_no_table_unless_it_is_asked_for_first() -> None:
    """Other clients get objects."""
    assert table.of(resources.PODS, [], "application/json", {}, NOW) is None


@pytest.mark.parametrize("resource", STORED, ids=lambda each: each.plural)
def test_every_kind_can_be_printed_even_when_it_says_nothing(resource: Any) -> None:
    """An object with a name only."""
    made = table.of(resource, [{"metadata": {"name": "a"}, "spec": {}}], ACCEPT, {}, NOW)
    assert made is not None
    assert len(made["rows"][0]["cells"]) == len(made["columnDefinitions"])
