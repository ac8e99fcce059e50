"""One ranked cause, one fix, and who; and when to stop asking."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sparkk8s_nb.model.diagnosis import ADMINISTRATOR, YOU, Breaker, diagnose
from sparkk8s_nb.model.fleet import (
    CreationRefused,
    ExecutorsSeen,
    ExecutorStatus,
    Fleet,
    FleetEvent,
    PodSeen,
    PodView,
    WantedChanged,
    WatchLost,
)


def seen(number: int, phase: str = "Pending", at: float = 1.0, **changes: object) -> PodSeen:
    pod = PodView(name=f"p-{number}", uid=f"u-{number}", executor=str(number), phase=phase, created=1.0)
    return PodSeen(pod=replace(pod, **changes), at=at)  # type: ignore[arg-type]


def registered(*numbers: int) -> ExecutorsSeen:
    return ExecutorsSeen(executors=tuple(ExecutorStatus(id=str(n)) for n in numbers), at=2.0)


def crash(number: int, code: int = 1) -> list[FleetEvent]:
    return [seen(number, "Running"), seen(number, "Failed", at=2.0, reason="Error", exit_code=code)]


def fold(wanted: int, *events: FleetEvent) -> Fleet:
    fleet = Fleet(wanted=wanted)
    for event in events:
        fleet = fleet.apply(event)
    return fleet


@pytest.mark.parametrize(
    ("said", "is_the_driver"),
    [
        ("Caused by: java.io.IOException: Failed to connect to /10.1.2.3:22000", True),
        ("java.io.IOException: Failed to connect to spark.hub.svc/10.1.2.3:22010", True),
        ("java.io.IOException: Connecting to /10.1.2.3:22000 timed out (120000 ms)", True),
        ("java.io.IOException: Failed to connect to /10.1.2.4:38965", False),
        ("java.lang.IllegalStateException", False),
    ],
)
def test_executors_that_get_no_connection_to_the_driver_name_the_policy(
    said: str, is_the_driver: bool
) -> None:
    """A network that refuses ends them at once; one to another executor is another matter."""
    verdict = diagnose(fold(1, *crash(1)), log=f"Exception in thread main\n{said}\n" + "\tat io.netty\n" * 20)
    assert verdict is not None
    if not is_the_driver:
        assert verdict.fix == "Read its log: %sparkk8s logs 1"
        return
    assert verdict.problem == "An executor failed: no connection to the driver."
    assert "NetworkPolicy; the rule for it: sparkk8s-nb manifests network" in verdict.fix
    assert (verdict.who, verdict.log) == (ADMINISTRATOR, "")


def test_a_complete_fleet_needs_no_diagnosis() -> None:
    """All is well, or nothing was asked."""
    assert diagnose(fold(1, seen(1, "Running"), registered(1))) is None
    assert diagnose(Fleet()) is None


def test_no_room_names_what_lacks_and_the_options_that_ask_for_less() -> None:
    """CPU is --cores, memory is --memory."""
    message = "0/1 nodes are available: 1 Insufficient cpu, 1 Insufficient memory."
    fleet = fold(3, *(seen(n, reason="Unschedulable", message=message) for n in (1, 2)))
    verdict = diagnose(fleet)
    assert verdict is not None
    assert verdict.problem == (
        "2 executors of 3 waiting for room: 0/1 nodes are available: 1 Insufficient cpu, 1 Insufficient memory."
    )
    assert verdict.fix == (
        "Ask for fewer executors (-n) or smaller ones (--cores, --memory), or wait for room."
    )
    assert verdict.who == YOU


def test_no_room_for_the_rest_names_the_number_that_fits() -> None:
    """One runs, one does not fit."""
    fleet = fold(
        2,
        seen(1, "Running"),
        registered(1),
        seen(2, reason="Unschedulable", message="1 Insufficient cpu"),
    )
    assert "fewer executors (-n 1)" in diagnose(fleet).fix  # type: ignore[union-attr]


def test_a_missing_device_is_the_administrators() -> None:
    """Nobody can ask for less than one GPU."""
    fleet = fold(1, seen(1, reason="Unschedulable", message="1 Insufficient nvidia.com/gpu."))
    verdict = diagnose(fleet)
    assert verdict is not None
    assert (verdict.who, verdict.fix) == (
        ADMINISTRATOR,
        "Ask the administrator for nodes with nvidia.com/gpu.",
    )


def test_a_taint_points_at_the_pod_template() -> None:
    """Smaller executors would not help."""
    fleet = fold(1, seen(1, reason="Unschedulable", message="1 node(s) had untolerated taint {x: y}"))
    assert "--pod-template" in diagnose(fleet).fix  # type: ignore[union-attr]


def test_an_image_that_cannot_be_pulled_names_the_image_option() -> None:
    """And the registry's words."""
    verdict = diagnose(fold(1, seen(1, reason="ImagePullBackOff", message="nope:1 not found")))
    assert verdict is not None
    assert "nope:1 not found" in verdict.problem
    assert "--image" in verdict.fix


def test_a_crash_loop_shows_exit_code_and_the_last_lines_of_the_log() -> None:
    """What a colleague would ask for first."""
    log = "\n".join(f"line {n}" for n in range(30))
    verdict = diagnose(fold(1, *crash(1, 3), *crash(2, 3)), log=log)
    assert verdict is not None
    assert verdict.problem == "2 executors failed, one after the other: ended with exit code 3."
    assert verdict.fix == "Read its log: %sparkk8s logs 2"
    assert verdict.log.splitlines() == [f"line {n}" for n in range(22, 30)]
    assert str(verdict).endswith("line 29")


@pytest.mark.parametrize(("reason", "code"), [("OOMKilled", 137), ("Error", 52)])
def test_too_little_memory_names_the_memory_option(reason: str, code: int) -> None:
    """The container's limit or the heap."""
    failed = seen(1, "Failed", reason=reason, exit_code=code)
    assert "--memory" in diagnose(fold(1, seen(1, "Running"), failed)).fix  # type: ignore[union-attr]


def test_a_refusal_is_told_in_the_servers_words() -> None:
    """Quota is the user's or the administrator's; rights are the administrator's."""
    quota = diagnose(fold(1, CreationRefused(message="exceeded quota: team", at=1.0)))
    assert quota is not None
    assert (quota.who, "exceeded quota: team" in quota.problem) == (YOU, True)
    rights = diagnose(fold(1, CreationRefused(message="pods is forbidden: cannot create pods", at=1.0)))
    assert rights is not None
    assert (rights.who, "grant the right" in rights.fix) == (ADMINISTRATOR, True)


def test_a_silent_api_server_comes_before_everything_else() -> None:
    """What is shown may be old."""
    verdict = diagnose(fold(1, *crash(1), WatchLost(problem="connection refused", at=3.0)))
    assert verdict is not None
    assert verdict.problem == "The Kubernetes API does not answer: connection refused"
    assert diagnose(fold(1), api="timed out") is not None


def test_executors_that_run_and_do_not_register_point_at_the_network() -> None:
    """After a minute; before that it is only a matter of waiting."""
    fleet = fold(1, seen(1, "Running"))
    assert "NetworkPolicy" in diagnose(fleet, now=100.0).fix  # type: ignore[union-attr]
    assert "Wait" in diagnose(fleet, now=10.0).fix  # type: ignore[union-attr]


def test_no_pod_at_all_points_at_the_drivers_log() -> None:
    """Spark was asked and made none."""
    verdict = diagnose(fold(2))
    assert verdict is not None
    assert (verdict.problem, verdict.fix) == (
        "2 executors asked for, and no pod was made.",
        "Read what Spark says: %sparkk8s logs driver",
    )


def trip(breaker: Breaker, *events: FleetEvent) -> Breaker:
    for event in events:
        breaker = breaker.apply(event)
    return breaker


@pytest.mark.parametrize(("wanted", "failures"), [(1, 3), (2, 4), (4, 8)])
def test_the_breaker_trips_after_twice_the_fleet_but_at_least_three(wanted: int, failures: int) -> None:
    """Not one failure earlier."""
    breaker = Breaker(wanted)
    for number in range(1, failures):
        breaker = trip(breaker, *crash(number))
    assert breaker.tripped == ""
    breaker = trip(breaker, *crash(failures))
    assert breaker.tripped == (
        f"{failures} executors failed in a row and none registered: ended with exit code 1"
    )


def test_a_registration_resets_the_breaker() -> None:
    """The fleet can work: what fails is the job's affair."""
    breaker = trip(Breaker(1), *crash(1), *crash(2), seen(3, "Running"), registered(3), *crash(3), *crash(4))
    assert breaker.tripped == ""


def test_three_refused_creations_trip_the_breaker() -> None:
    """Asking again and again does not change a quota."""
    refusals = [CreationRefused(message="exceeded quota", at=float(n)) for n in range(3)]
    assert trip(Breaker(1), *refusals[:2]).tripped == ""
    assert trip(Breaker(1), *refusals[:2], seen(1, "Running"), registered(1), refusals[2]).tripped == ""
    assert "exceeded quota" in trip(Breaker(1), *refusals).tripped


def test_a_tripped_breaker_stays_until_executors_are_wanted_anew() -> None:
    """Asking for none is what tripping does; it is not a new wish."""
    events = [event for number in range(1, 4) for event in crash(number)]
    breaker = trip(Breaker(1), *events, WantedChanged(wanted=0, at=5.0))
    assert breaker.tripped
    breaker = trip(breaker, WantedChanged(wanted=1, at=6.0))
    assert breaker.tripped == ""
    assert trip(breaker, *crash(7)).tripped == ""


def test_executors_given_back_never_trip_the_breaker() -> None:
    """A stop is not a failure."""
    breaker = trip(Breaker(4), *(seen(n, "Running") for n in range(1, 5)), WantedChanged(wanted=0, at=2.0))
    breaker = trip(breaker, *(seen(n, "Failed", at=3.0, exit_code=143) for n in range(1, 5)))
    assert breaker.tripped == ""
    assert breaker.fleet.done_total == 4


def test_an_image_that_does_not_fit_says_what_it_lacks() -> None:
    """The start script's own words, from the pod's status; without them, the log."""
    lacks = "no Java in this image. Use an image with Java 17 or newer (--image)."
    failed = seen(1, "Failed", reason="Error", exit_code=78, message=lacks)
    verdict = diagnose(fold(1, seen(1, "Running"), failed))
    assert verdict is not None
    assert verdict.problem.startswith("An executor failed: its image does not fit: no Java in this image.")
    assert "--image" in verdict.fix
    silent = diagnose(fold(1, seen(1, "Running"), seen(1, "Failed", reason="Error", exit_code=78)), log="x")
    assert silent is not None
    assert silent.log == "x"


@pytest.mark.parametrize(
    ("refusal", "fix"),
    [
        ("The namespace's LimitRange does not allow it: maximum cpu usage per Container is 1", "--cores"),
        ("The pod's service account does not exist: spark", "serviceAccountName"),
        ("A policy of the cluster denies it: no", "policy"),
    ],
)
def test_each_refusal_has_its_own_fix(refusal: str, fix: str) -> None:
    """Who can do something about it."""
    verdict = diagnose(fold(1, CreationRefused(message=refusal, at=1.0)))
    assert verdict is not None
    assert fix in verdict.fix
