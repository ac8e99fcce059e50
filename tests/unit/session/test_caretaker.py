"""Dead pods are buried when Spark has seen them, lost Leases are noticed, refusals are found out."""

from __future__ import annotations

import contextlib
import threading
import time
from itertools import pairwise

import pytest

from sparkk8s_nb.errors import ConnectError, NotFoundError, RefusedError
from sparkk8s_nb.model.fleet import DEAD_KEPT, PodEvent, PodSeen, PodView, WantedChanged
from sparkk8s_nb.session import caretaker as module
from sparkk8s_nb.session.caretaker import (
    ASK_AT_MOST_EVERY,
    EVENTS_EVERY,
    EVENTS_OF,
    LEASE_EVERY,
    LOOK_EVERY,
    MARK_WITHIN,
    Caretaker,
    Chore,
)
from sparkk8s_nb.session.fleet_state import FleetState
from sparkk8s_nb.testing import Call, FakeClock, FakeCluster

WAIT = 20.0
AWAY = ConnectError("The API server is away.", fix="Wait.")


class Objects:
    """The session's objects, as far as the caretaker looks at them."""

    def __init__(self):
        self.ours = True
        self.refusal = None
        self.probes = 0

    def lease_is_ours(self):
        return self.ours

    def probe(self):
        self.probes += 1
        if self.refusal is not None:
            raise self.refusal


class Care:
    def __init__(self, wanted=2):
        self.cluster = FakeCluster()
        self.clock = FakeClock(1000.0)
        self.objects = Objects()
        self.trips = []
        self.lost = 0
        self.failed = []
        self.fleet = FleetState(wanted, on_trip=self.trips.append)
        self.caretaker = Caretaker(
            self.cluster,
            self.objects,
            self.fleet,
            now=self.clock,
            on_lost=self._on_lost,
            on_failed=self.failed.append,
        )

    def _on_lost(self):
        self.lost += 1

    def put(self, pod):
        self.cluster.put(
            {"kind": "Pod", "metadata": {"name": pod.name, "uid": pod.uid, "namespace": "default"}}
        )
        return pod

    @property
    def pods(self):
        return [pod["metadata"]["name"] for pod in self.cluster.list("Pod")]


@pytest.fixture
def care():
    return Care()


def dead(number, phase="Failed", *, marked=True):
    return PodView(name=f"p-{number}", uid=f"u-{number}", executor=str(number), phase=phase, marked=marked)


def test_a_dead_pod_that_spark_has_marked_is_buried_with_its_log_kept(care):
    """Its last lines can be read afterwards."""
    care.cluster.logs["p-1"] = "OutOfMemoryError\n"
    care.caretaker.do(care.put(dead(1)))
    assert care.pods == []
    assert care.caretaker.log_of("1") == "OutOfMemoryError\n"
    assert care.caretaker.last_log == "OutOfMemoryError\n"


def test_a_pod_that_spark_has_not_marked_waits_ten_seconds(care):
    """Deleted before, it would upset Spark's bookkeeping."""
    care.caretaker.do(care.put(dead(1, marked=False)))
    care.caretaker.do(None)
    care.clock.sleep(MARK_WITHIN)
    care.caretaker.do(None)
    assert care.pods == ["p-1"]
    care.clock.sleep(0.1)
    care.caretaker.do(None)
    assert care.pods == []


def test_a_mark_that_comes_late_is_enough(care):
    """The pod is seen again, marked, and goes at once."""
    care.caretaker.do(care.put(dead(1, marked=False)))
    care.caretaker.do(dead(1, marked=True))
    assert care.pods == []


def test_a_failure_is_told_once_also_where_logs_are_not_ours_to_read(care):
    """A namespace that several users share has no right to logs."""
    care.cluster.fail("log", "Pod", RefusedError("no", fix="ask"))
    care.caretaker.do(care.put(dead(1, marked=False)))
    care.caretaker.do(dead(1))
    care.caretaker.do(care.put(dead(2, phase="Succeeded")))
    assert care.failed == ["1"]


def test_a_pod_of_the_same_name_with_another_uid_is_not_touched(care):
    """It is the next one."""
    care.put(PodView(name="p-1", uid="newer", executor="1"))
    care.caretaker.do(dead(1))
    assert care.pods == ["p-1"]


def test_logs_of_ended_executors_are_kept_and_are_few(care):
    """The newest ten; the last failed one's is what a diagnosis shows."""
    for number in range(DEAD_KEPT + 5):
        care.cluster.logs[f"p-{number}"] = f"log {number}"
        care.caretaker.do(care.put(dead(number)))
    care.cluster.logs["p-99"] = "bye"
    care.caretaker.do(care.put(dead(99, "Succeeded")))
    kept = [number for number in range(100) if care.caretaker.log_of(str(number))]
    assert kept == [*range(6, 15), 99]
    assert care.caretaker.last_log == "log 14"


@pytest.mark.parametrize("error", [RefusedError("no", fix="ask"), NotFoundError("gone", fix="look")])
def test_a_log_that_cannot_be_had_keeps_no_pod(care, error):
    """Where logs are not ours to read dead pods must go all the same."""
    care.cluster.fail("log", "Pod", error)
    care.caretaker.do(care.put(dead(1)))
    assert care.pods == []


def test_a_lease_that_is_gone_is_told_once(care):
    """Until there is one again."""
    care.objects.ours = False
    care.caretaker.do(Chore.LEASE)
    care.caretaker.do(Chore.LEASE)
    assert care.lost == 1
    care.caretaker.found_again()
    care.caretaker.do(Chore.LEASE)
    assert care.lost == 2


def test_the_lease_is_looked_at_now_and_then_without_a_reason(care):
    """Now and then, without a pod that went."""
    care.caretaker.do(None)
    care.objects.ours = False
    care.caretaker.do(None)
    assert care.lost == 0
    care.clock.sleep(1.25 * LEASE_EVERY)
    care.caretaker.do(None)
    assert care.lost == 1


@pytest.mark.parametrize("why", [AWAY, RefusedError("no right", fix="Ask.")])
def test_a_look_at_the_lease_that_fails_is_not_made_up_for(care, why):
    """All sessions of an API server that was away would look at once; without a right each would ask for ever."""
    looks = []

    def fails():
        looks.append(care.clock())
        raise why

    care.objects.lease_is_ours = fails
    care.fleet.apply(WantedChanged(wanted=0, at=1000.0))
    for _ in range(4 * int(LEASE_EVERY / LOOK_EVERY)):
        care.clock.sleep(LOOK_EVERY)
        with contextlib.suppress(type(why)):
            care.caretaker.do(None)
    assert len(looks) == 3
    assert all(
        LEASE_EVERY <= later - sooner <= 1.25 * LEASE_EVERY + LOOK_EVERY for sooner, later in pairwise(looks)
    )


def test_executors_that_do_not_come_are_asked_for(care):
    """By a dry run, from the second look on; a refusal becomes the fleet's, three trip the breaker."""
    care.objects.refusal = RefusedError("exceeded quota: team", fix="Ask for less.")
    care.caretaker.do(None)
    assert care.objects.probes == 0
    for _ in range(6):
        care.caretaker.do(None)
        care.clock.sleep(LOOK_EVERY)
    assert care.fleet.feed.value.refused == "exceeded quota: team"
    assert len(care.trips) == 1
    care.clock.sleep(ASK_AT_MOST_EVERY)
    care.caretaker.do(None)
    assert care.objects.probes == 3


def test_executors_that_come_are_not_asked_for(care):
    """While Spark makes them, somebody else's dry run would only hold it up."""
    care.fleet.apply(WantedChanged(wanted=9, at=1000.0))
    for number in range(1, 9):
        care.caretaker.do(None)
        care.fleet.apply(PodSeen(pod=pending(number), at=1001.0))
        care.clock.sleep(LOOK_EVERY)
    assert care.objects.probes == 0
    care.caretaker.do(None)
    care.clock.sleep(LOOK_EVERY)
    care.caretaker.do(None)
    assert care.objects.probes == 1


def test_what_stays_as_it_is_for_an_hour_costs_few_requests(care):
    """A session that waits for a node, and for executors that nobody refuses, is idle as well."""
    care.fleet.apply(PodSeen(pod=pending(1), at=1000.0))
    for _ in range(int(3600 / LOOK_EVERY)):
        care.caretaker.do(None)
        care.clock.sleep(LOOK_EVERY)
    events = [call.kind for call in care.cluster.calls].count("Event")
    assert 60 < care.objects.probes < 75
    assert 60 < events < 75
    care.fleet.apply(PodSeen(pod=pending(2), at=4600.0))
    for _ in range(3):
        care.caretaker.do(None)
        care.clock.sleep(EVENTS_EVERY)
    assert [call.kind for call in care.cluster.calls].count("Event") == events + 2 * 2


def test_whoever_asks_for_more_executors_hears_soon_why_they_do_not_come(care):
    """After an hour of waiting for others it is asked about as often as at first."""
    for _ in range(int(3600 / LOOK_EVERY)):
        care.caretaker.do(None)
        care.clock.sleep(LOOK_EVERY)
    before = care.objects.probes
    care.fleet.apply(WantedChanged(wanted=9, at=4600.0))
    for _ in range(2):
        care.caretaker.do(None)
        care.clock.sleep(LOOK_EVERY)
    assert care.objects.probes > before


def test_a_fleet_that_is_complete_is_not_asked_about(care):
    """No request without a reason."""
    care.fleet.apply(WantedChanged(wanted=1, at=1000.0))
    care.caretaker.do(None)
    care.fleet.apply(PodSeen(pod=PodView(name="p", uid="u", executor="1", phase="Pending"), at=1001.0))
    care.caretaker.do(None)
    assert care.objects.probes == 0


def test_a_lost_session_asks_nothing(care):
    """Its pods would be collected."""
    care.objects.ours = False
    for _ in range(4):
        care.clock.sleep(LEASE_EVERY + 1)
        care.caretaker.do(None)
    assert care.objects.probes == 0


def test_a_server_that_is_away_says_nothing_about_pods(care):
    """It is no refusal, and the chore is done later."""
    care.objects.refusal = AWAY
    care.caretaker.do(None)
    with pytest.raises(ConnectError):
        care.caretaker.do(None)
    assert care.fleet.feed.value.refused == ""


def test_a_chore_that_met_a_dead_server_is_done_when_it_is_back(care, monkeypatch):
    """Nothing is forgotten."""
    monkeypatch.setattr(module, "LOOK_EVERY", 0.01)
    care.cluster.fail("delete", "Pod", AWAY, times=2)
    care.caretaker.start()
    try:
        care.caretaker.bury(care.put(dead(1)))
        deadline = time.monotonic() + WAIT
        while care.pods and time.monotonic() < deadline:
            threading.Event().wait(0.01)
    finally:
        care.caretaker.stop()
    assert care.pods == []
    assert care.cluster.calls.count(Call("delete", "Pod", "p-1")) == 3


def test_it_stops_at_once_with_chores_left(care):
    """A stop does not wait for the API server's pleasure."""
    care.caretaker.start()
    care.caretaker.stop()
    assert not [thread for thread in threading.enumerate() if thread.name == "sparkk8s-caretaker"]


def test_chores_are_bounded(care):
    """A flood of dead pods is no flood of memory."""
    for number in range(module.CHORES + 100):
        care.caretaker.bury(dead(number))
    assert care.caretaker._chores.qsize() == module.CHORES


def test_its_death_is_seen(care):
    """As the fleet's verdict."""
    care.objects.lease_is_ours = lambda: 1 / 0
    care.caretaker.look_at_lease()
    care.caretaker.start()
    fleet = care.fleet.feed.wait_for(lambda fleet: bool(fleet.verdict), timeout=WAIT)
    care.caretaker.stop()
    assert "caretaker died" in fleet.verdict


def pending(number, **changes):
    return PodView(
        **{"name": f"p-{number}", "uid": f"u-{number}", "executor": str(number), "node": "n", **changes}
    )


PULLS = PodEvent(reason="Pulling", message='Pulling image "spark:4.3"', at=1.0)


def test_what_pending_executors_wait_for_is_asked_of_the_first_few(care):
    """A thousand pods of one image wait for the same."""
    for number in range(1, 8):
        care.fleet.apply(PodSeen(pod=pending(number), at=1.0))
        care.cluster.events[f"p-{number}"] = [PULLS]
    care.caretaker.do(None)
    asked = [call.name for call in care.cluster.calls if call.kind == "Event"]
    assert asked == ["p-1", "p-2", "p-3"]
    reasons = [view.reason for view in care.fleet.feed.value.executors]
    assert reasons.count("its image is being pulled") == EVENTS_OF


def test_events_are_asked_for_now_and_then_and_only_while_somebody_waits(care):
    """Each look costs the API server a scan."""
    care.caretaker.do(None)
    care.fleet.apply(PodSeen(pod=pending(1), at=1.0))
    for _ in range(3):
        care.caretaker.do(None)
    assert [call.kind for call in care.cluster.calls].count("Event") == 1
    care.clock.sleep(EVENTS_EVERY)
    care.caretaker.do(None)
    assert [call.kind for call in care.cluster.calls].count("Event") == 2
    care.fleet.apply(PodSeen(pod=pending(1, phase="Running"), at=2.0))
    care.clock.sleep(EVENTS_EVERY)
    care.caretaker.do(None)
    assert [call.kind for call in care.cluster.calls].count("Event") == 2


def test_who_may_not_read_events_is_refused_once(care):
    """The pod's own status has to do."""
    care.fleet.apply(PodSeen(pod=pending(1), at=1.0))
    care.cluster.fail("list", "Event", RefusedError("No.", fix="Ask."))
    for _ in range(2):
        care.caretaker.do(None)
        care.clock.sleep(EVENTS_EVERY)
    assert [call.kind for call in care.cluster.calls].count("Event") == 1
