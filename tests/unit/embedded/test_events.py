"""Recording events."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sparkk8s_nb.embedded import events, resources
from sparkk8s_nb.embedded.events import Recorder
from sparkk8s_nb.embedded.store import Store

from .conftest import NOW

POD = {"metadata": {"name": "p", "namespace": "n", "uid": "u"}}


def test_the_same_event_again_only_counts() -> None:
    """One object, count 2, a later lastTimestamp."""
    moments = iter([NOW, NOW, NOW, NOW + timedelta(seconds=5), NOW + timedelta(seconds=6)])
    store = Store(clock=lambda: NOW)
    recorder = Recorder(store, "kubelet", lambda: next(moments))
    for reason in ("BackOff", "BackOff", "Killing"):
        recorder.record(resources.PODS, POD, reason, "m", warning=True)
    found = {each["reason"]: each for each in store.all(resources.EVENTS)}
    assert (found["BackOff"]["count"], found["Killing"]["count"]) == (2, 1)
    assert found["BackOff"]["type"] == "Warning"


def test_old_events_are_forgotten() -> None:
    """After an hour, as on a real API server."""
    store = Store(clock=lambda: NOW)
    Recorder(store, "kubelet", lambda: NOW).record(resources.PODS, POD, "Started", "m")
    assert events.prune(store, NOW + timedelta(minutes=59)) == 0
    assert events.prune(store, NOW + timedelta(minutes=61)) == 1
    assert store.count(resources.EVENTS) == 0


def test_an_event_with_a_broken_time_stays() -> None:
    """It is somebody else's."""
    store = Store(clock=lambda: NOW)
    store.create(resources.EVENTS, {"metadata": {"name": "e", "namespace": "n"}, "lastTimestamp": "soon"})
    assert events.prune(store, datetime(2040, 1, 1, tzinfo=UTC)) == 0
