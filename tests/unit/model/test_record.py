"""A record tells others of a session, and nothing that is only for its own machine."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparkk8s_nb.errors import SparkK8sError
from sparkk8s_nb.model.record import Holder, SessionRecord, container_ended, is_orphan, parse_record

HOLDER = Holder(boot="b", pid=7, started=1.5, pod="p")


def record(**other):
    fields = {"name": "s", "owner": "ada", "notebook": "n", "namespace": "d", "holder": HOLDER}
    return SessionRecord(**fields | other)


def test_a_record_survives_its_json():
    """Every field, types too."""
    full = record(
        app_id="spark-1", executors=2, cores=1, memory=2**31, started=1.0, options=("executors", "memory"),
        ui_url="http://127.0.0.1:22002", ui_key_file="/run/ui.key", kernel="7c1f3e0a",
    )  # fmt: skip
    assert parse_record(full.as_json()) == full
    assert "\n" not in full.as_json()


def test_the_public_form_names_no_path_and_no_address():
    """It is in the Lease, which the namespace can read."""
    full = record(ui_url="http://127.0.0.1:22002", ui_key_file="/run/user/7/ui.key", kernel="7c1f3e0a")
    text = full.public().as_json()
    assert "/run" not in text
    assert "127.0.0.1" not in text
    assert "7c1f3e0a" not in text


def test_a_newer_record_is_shown_and_not_touched():
    """What this release does not know is left out."""
    data = json.loads(record().as_json()) | {"schema": 2, "colour": "red"}
    data["holder"]["shoe_size"] = 43
    newer = parse_record(json.dumps(data))
    assert newer.readonly
    assert newer.holder == HOLDER
    assert not is_orphan(newer, boot="b", alive=lambda pid, started: False)
    assert not record().readonly


def test_a_field_that_is_missing_has_its_default():
    """An older release wrote it."""
    data = json.loads(record().as_json())
    del data["options"], data["ui_url"], data["schema"]
    assert parse_record(json.dumps(data)) == record()


@pytest.mark.parametrize("text", ["", "{", "[]", "3", "null", "{}", '{"holder": 3}', '{"holder": {}}'])
def test_what_is_no_record_is_one_kind_of_error(text):
    """Somebody edited an annotation."""
    with pytest.raises(SparkK8sError, match="cannot be read"):
        parse_record(text)


@given(st.text(max_size=200))
def test_no_text_makes_it_crash(text):
    """Records come from the cluster."""
    with contextlib.suppress(SparkK8sError):
        parse_record(text)


@pytest.mark.parametrize(
    ("boot", "alive", "orphan"),
    [("b", False, True), ("b", True, False), ("other", False, False), ("", False, False)],
)
def test_an_orphan_is_proven_dead_here_or_none(boot, alive, orphan):
    """Another boot, another machine, no boot id: nothing is proven."""
    assert is_orphan(record(), boot=boot, alive=lambda pid, started: alive) is orphan
    assert not is_orphan(
        record(holder=Holder(boot="", pid=1, started=1.0)), boot="", alive=lambda pid, started: False
    )


IN_POD = Holder(
    boot="b", pid=7, started=1.5, pod="u", pod_name="nb", pod_namespace="hub", container="notebook",
    container_started="2026-01-01T00:00:00Z",
)  # fmt: skip


def holder_pod(state=None, *, uid="u", phase="Running"):
    statuses = [{"name": "proxy", "state": {"terminated": {}}}]
    statuses += [{"name": "notebook", "state": state}] if state else []
    return {"metadata": {"uid": uid}, "status": {"phase": phase, "containerStatuses": statuses}}


RUNS = {"running": {"startedAt": "2026-01-01T00:00:00Z"}}


@pytest.mark.parametrize(
    ("pod", "ended"),
    [
        (None, True),
        (holder_pod(RUNS, uid="another"), True),
        (holder_pod(RUNS, phase="Failed"), True),
        (holder_pod(RUNS, phase="Succeeded"), True),
        (holder_pod({"terminated": {"exitCode": 137}}), True),
        (holder_pod({"waiting": {"reason": "CrashLoopBackOff"}}), True),
        (holder_pod({"running": {"startedAt": "2026-01-01T00:07:00Z"}}), True),
        (holder_pod(RUNS), False),
        (holder_pod(), False),
        ({"metadata": {"uid": "u"}}, False),
    ],
)
def test_a_container_has_ended_when_the_api_proves_it(pod, ended):
    """Gone, finished, ended or restarted; a sidecar's end and a status that is missing prove nothing."""
    assert container_ended(IN_POD, pod) is ended


def test_a_holder_outside_a_pod_is_never_ended_by_the_api():
    """A laptop has no pod that could be gone."""
    assert not container_ended(Holder(boot="b", pid=7, started=1.5), None)
    unsure = Holder(boot="b", pid=7, started=1.5, pod="u", pod_name="nb", container="notebook")
    assert not container_ended(unsure, holder_pod(RUNS))
