"""A start makes everything, or leaves nothing."""

from __future__ import annotations

import base64
import json
import threading
from pathlib import Path

import pytest

from sparkk8s_nb.errors import (
    ClusterError,
    ConflictError,
    ConnectError,
    DriverError,
    InvalidError,
    PortTakenError,
    RefusedError,
    SessionError,
    SparkK8sError,
    StartError,
)
from sparkk8s_nb.model.fleet import PodSeen, PodView
from sparkk8s_nb.model.record import parse_record
from sparkk8s_nb.model.state import SessionState
from sparkk8s_nb.session import opening
from sparkk8s_nb.session.cluster_objects import record_of
from sparkk8s_nb.testing import Call, FakeClock, FakeLaunchingDriver

AWAY = ConnectError("The API server is away.", fix="Wait.")
NO = RefusedError("We may not.", fix="Ask.")


def test_a_session_that_is_open_runs(world):
    """Its objects are there, its record says who holds it, its keeper knows Lease and JVM."""
    session = world.opened()
    assert session.state is SessionState.RUNNING
    lease = world.cluster.read("Lease", world.name)
    record = parse_record(record_of(lease))
    assert (record.name, record.app_id, record.executors) == (world.name, "spark-fake", 2)
    assert ("lease", world.name, lease["metadata"]["uid"]) in world.keeper.told
    assert ("driver", world.driver.process) in world.keeper.told
    assert world.launching.conf["spark.executor.instances"] == "2"
    assert world.pods.selectors == [f"sparkk8s-nb/session={world.name},spark-role=executor"]
    assert [what for what, _ in session.phases][-1] == ""


def test_the_fleet_says_what_a_start_does_until_it_is_over(world):
    """The view shows nothing else meanwhile."""
    seen = []

    def look(answer):
        seen.append(session.fleet.start)
        return answer

    session = world.session(
        parts={
            "launch_keeper": lambda: look(world.keeper),
            "preflight": lambda: look([]),
            "take_ports": lambda: look(world.take_ports()),
        }
    )
    session.open()
    assert [start.what for start in seen] == [
        "Starting the driver",
        "Checking the cluster",
        "Connecting Spark",
    ]
    assert {start.since for start in seen} == {world.clock()}
    assert session.fleet.start is None
    assert session.start_seconds == session.phases[-1][1] - session.phases[0][1]


def test_a_start_has_a_record_on_this_machine_before_it_does_anything(world):
    """Jupyter's server shows it from then on; when it runs the record says so."""
    seen = []

    def look():
        seen.append(parse_record(world.place.record.read_text()))
        return world.keeper

    session = world.session(parts={"launch_keeper": look})
    session.introduce()
    session.open()
    (first,) = seen
    assert (first.name, first.starting, first.ui_url) == (world.name, True, "")
    assert not parse_record(world.place.record.read_text()).starting


@pytest.mark.parametrize("error", [RefusedError("We may not.", fix="Ask."), KeyboardInterrupt()])
def test_a_start_that_is_refused_or_interrupted_leaves_no_record(world, error):
    """The panel shows it no more."""

    def refuse():
        raise error

    session = world.session(parts={"preflight": refuse})
    session.introduce()
    with pytest.raises(type(error)):
        session.open()
    assert not world.place.record.exists()


def test_everything_a_session_makes_is_owned_by_its_lease(world):
    """Delete the Lease, and the cluster's collector removes the rest."""
    world.opened()
    uid = world.cluster.read("Lease", world.name)["metadata"]["uid"]
    for kind in ("Secret", "ConfigMap", "Service"):
        (item,) = world.cluster.list(kind)
        assert [owner["uid"] for owner in item["metadata"]["ownerReferences"]] == [uid]
    world.cluster.delete("Lease", world.name)
    assert [kind for kind in ("Secret", "ConfigMap", "Service") if world.cluster.list(kind)] == []


def test_the_files_of_a_session_are_its_users_alone(world):
    """0600 in directories of 0700, the record's file too."""
    world.opened()
    files = [path for path in world.place.root.rglob("*") if path.is_file()]
    assert {path.name for path in files} >= {"record.json", "ui.key", "rpc", "pod-template.json"}
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    assert world.place.root.stat().st_mode & 0o777 == 0o700


def test_nothing_secret_is_in_what_others_can_read(world):
    """Neither in the Lease, nor in the pod template, nor in the session's repr."""
    session = world.opened()
    parts = session._parts
    readable = json.dumps([world.cluster.list(kind) for kind in ("Lease", "ConfigMap", "Service")])
    readable += world.place.spark_files.pod_template.read_text() + repr(parts.keys) + repr(parts)
    for secret in (parts.keys.rpc.decode(), parts.keys.ui):
        assert secret not in readable
    assert str(world.place.root) not in json.dumps(world.cluster.list("Lease"))


class Launching(FakeLaunchingDriver):
    """A JVM in which something happens while Spark starts."""

    def __init__(self, meanwhile, **fields):
        super().__init__(**fields)
        self.meanwhile = meanwhile

    def start(self, conf, py_files):
        self.meanwhile()
        return super().start(conf, py_files)


class Cancelled(BaseException):
    """What an interrupt looks like to code that only knows errors."""


def fail_cluster(verb, kind, times=None):
    def arrange(world, error):
        world.cluster.fail(verb, kind, error, times=times)
        return {}

    return arrange


def fail_part(name):
    def arrange(world, error):
        def broken(*_, **__):
            raise error

        return {name: broken}

    return arrange


def fail_driver(world, error):
    world.launching.error = error
    return {}


def fail_keeper(method):
    def arrange(world, error):
        def broken(*_, **__):
            raise error

        keeper = type("BrokenKeeper", (type(world.keeper),), {method: broken})()
        world.keeper = keeper
        return {"launch_keeper": lambda: keeper}

    return arrange


STEPS = {
    "the driver's JVM": fail_part("launch_driver"),
    "the keeper": fail_part("launch_keeper"),
    "telling the keeper of the JVM": fail_keeper("driver"),
    "waiting for the keeper": fail_keeper("ready"),
    "preflight": fail_part("preflight"),
    "sweeping orphans": fail_part("orphans"),
    "the Lease": fail_cluster("create", "Lease"),
    "telling the keeper of the Lease": fail_keeper("lease"),
    "the Secret": fail_cluster("create", "Secret"),
    "the ConfigMap": fail_cluster("create", "ConfigMap"),
    "the dry run": fail_cluster("create", "Pod"),
    "the ports": fail_part("take_ports"),
    "Spark": fail_driver,
    "the record": fail_cluster("patch", "Lease"),
}


@pytest.mark.parametrize(
    "error", [AWAY, DriverError("It died.", fix="Again."), KeyboardInterrupt(), Cancelled()]
)
@pytest.mark.parametrize("step", STEPS)
def test_a_start_that_fails_leaves_nothing(world, step, error):
    """Whatever the step and whatever the reason: no object, file, port; JVM ended, keeper let go."""
    with pytest.raises(type(error)):
        world.opened(parts=STEPS[step](world, error))
    session = world.sessions[0]
    assert world.left == []
    assert session.closed
    assert session.state is SessionState.FAILED
    assert session.fleet.start is None
    assert world.closed
    assert world.launching.ended or step in {"the keeper", "the driver's JVM"}
    assert ("release",) in world.keeper.told or step == "the keeper"


def test_an_executor_that_never_comes_ends_the_start_with_its_cause(world):
    """The cluster's own words, and nothing is left."""
    world.driver.answer = world.registered()
    pod = PodView(
        name="p", uid="u", executor="1", phase="Pending", reason="ErrImagePull", message="no such image"
    )
    world.pods.push(PodSeen(pod=pod, at=1000.0))
    with pytest.raises(StartError) as caught:
        world.opened(timeout=0.3)
    assert caught.value.problem.startswith("No executor came within 0.3 s: ")
    assert "image" in caught.value.problem
    assert "--image" in caught.value.fix
    assert world.left == []


def test_a_session_with_one_executor_stays_and_warns(world):
    """However many it was to wait for."""
    world.driver.answer = world.registered("1")
    session = world.opened(wait=2, timeout=0.3)
    assert session.state is SessionState.RUNNING
    assert session.warnings[0].startswith("1 of 2 executors are there")


def test_who_waits_for_none_gets_the_driver_at_once(world):
    """``--wait none``."""
    world.driver.answer = world.registered()
    assert world.opened(wait=0).fleet.ready == 0


def test_a_driver_that_dies_while_executors_are_awaited_ends_the_start(world):
    """Long before the timeout, with the driver's own error."""
    world.driver.dead = True
    with pytest.raises(StartError, match="The driver is gone"):
        world.opened()
    assert world.left == []


def test_a_lease_that_goes_during_the_start_ends_it(world):
    """It would be a session whose executors are collected at once."""

    def lose():
        world.driver.answer = world.registered()
        world.sessions[0]._course.lost()

    launching = Launching(lose, driver=world.driver)
    with pytest.raises(StartError, match="Lease was deleted"):
        world.opened(parts={"launch_driver": lambda: launching})
    assert world.left == []


def test_a_refused_dry_run_says_what_the_cluster_says(world):
    """Before Spark asks for ever."""
    world.cluster.fail("create", "Pod", RefusedError("exceeded quota: team", fix="Ask for less."))
    with pytest.raises(StartError) as caught:
        world.opened()
    assert str(caught.value) == (
        "The cluster would refuse the executors: exceeded quota: team\nAsk for less."
    )
    assert not [call for call in world.cluster.calls if call == Call("create", "Service", world.name)]


def test_ports_that_were_taken_meanwhile_are_left_for_the_next_slot(world):
    """Three times, say; none is kept, the Service is made for the right ones."""

    def taken():
        if world.ports_taken <= 3:
            raise PortTakenError("taken", fix="again")

    launching = Launching(taken, driver=world.driver)
    world.opened(parts={"launch_driver": lambda: launching})
    assert world.ports_taken == 4
    assert world.ports_held == 1
    assert len(world.cluster.list("Service")) == 1


def test_five_slots_in_a_row_are_enough(world):
    """Then something else is wrong."""
    world.launching.error = PortTakenError("taken", fix="again")
    with pytest.raises(DriverError, match="5 port slots in a row"):
        world.opened()
    assert world.ports_taken == 5
    assert world.left == []


def test_a_service_that_we_may_not_make_is_done_without(world):
    """Executors dial the IP; the start says so."""
    world.cluster.fail("create", "Service", NO)
    world.cluster.fail("delete", "Service", NO)
    world.cluster.fail("delete", "EndpointSlice", NO)
    session = world.opened()
    assert session.warnings == [
        "Going on without a name for the driver (no right to make its Service and EndpointSlice)."
    ]
    assert "Nothing left" in session.stop()


def test_what_a_start_goes_on_without_is_said_once_however_many_ports_were_taken(world):
    """It is tried again with each."""
    world.cluster.fail("create", "Service", NO)

    def taken():
        if world.ports_taken <= 2:
            raise PortTakenError("taken", fix="again")

    launching = Launching(taken, driver=world.driver)
    session = world.opened(parts={"launch_driver": lambda: launching})
    assert session.warnings == [
        "Going on without a name for the driver (no right to make its Service and EndpointSlice)."
    ]


@pytest.mark.parametrize("error", [AWAY, KeyboardInterrupt()], ids=["lost", "interrupted"])
def test_a_lease_whose_creation_got_no_answer_is_not_left(world, error):
    """The request may have arrived, also where the user did not wait for its answer."""
    real = world.cluster.create

    def create(manifest, *, dry_run=False):
        made = real(manifest, dry_run=dry_run)
        if manifest["kind"] == "Lease":
            raise error
        return made

    world.cluster.create = create
    with pytest.raises(type(error)):
        world.opened()
    assert world.left == []


def test_a_lease_of_somebody_else_is_not_touched(world):
    """One of our name that was there before."""
    world.cluster.put({"kind": "Lease", "metadata": {"name": world.name, "namespace": "default"}})
    with pytest.raises(ConflictError):
        world.opened()
    assert world.cluster.read("Lease", world.name)


def test_what_a_failed_start_could_not_undo_is_told(world):
    """And left to the keeper, which goes on trying with the credentials that it needs."""
    world.cluster.fail("delete", "Lease", AWAY)
    world.launching.error = DriverError("Spark does not start.", fix="Look.")
    with pytest.raises(DriverError) as caught:
        world.opened()
    assert caught.value.__notes__ == ["Not undone: could not delete the Lease: The API server is away."]
    assert caught.value._render_traceback_()[-1].startswith("Not undone")
    assert ("finish",) in world.keeper.told
    assert ("release",) not in world.keeper.told
    assert world.place.root.exists()


def test_warnings_of_the_preflight_and_the_sweep_are_kept(world):
    """For the sentence that the start ends with."""
    session = world.opened(
        parts={"preflight": lambda: ["logs cannot be shown"], "orphans": lambda: ["spark-old"]}
    )
    assert session.warnings == [
        "logs cannot be shown",
        "Removed what an earlier kernel of this notebook left: spark-old.",
    ]


def test_what_the_driver_lacks_is_a_warning_of_the_session(world):
    """The session starts all the same."""
    world.launching.driver.warnings = ("Something is missing.",)
    assert world.opened().warnings == ["Something is missing."]


def test_pods_that_take_long_to_end_are_waited_for_and_then_told(world, monkeypatch):
    """15 s, then the cluster does it."""
    clock = FakeClock()
    clock.monotonic = clock  # type: ignore[attr-defined]
    monkeypatch.setattr(opening, "time", clock)
    session = world.opened()
    world.cluster.fail("deletecollection", "Pod", InvalidError("x", fix="y"), times=0)
    labels = {"sparkk8s-nb/session": world.name, "spark-role": "executor"}
    world.cluster.delete_all = lambda *_, **__: None  # type: ignore[method-assign]
    world.cluster.put({"kind": "Pod", "metadata": {"name": "p", "namespace": "default", "labels": labels}})
    summary = session.stop()
    assert "could not delete the executors: 1 executor pod is still ending" in summary
    assert sum(clock.slept) >= 15


def test_a_session_without_a_driver_says_so(world):
    """What needs Spark raises; the rest answers."""
    session = world.session()
    with pytest.raises(SessionError):
        _ = session.spark
    with pytest.raises(SessionError):
        _ = session.progress_feed
    assert session.progress.jobs == ()
    assert session.answers()
    assert session.place.root == Path(world.place.root)


def test_every_error_of_a_start_is_two_lines(world):
    """Problem and fix, whatever the cause said."""
    world.cluster.fail("create", "Secret", ClusterError("It\nis ill.", fix="Wait."))
    with pytest.raises(SparkK8sError) as caught:
        world.opened()
    assert caught.value.fix == "Wait."


def test_executors_that_crash_while_spark_still_starts_are_not_replaced_for_ever(world):
    """There is nobody to tell yet: the template, which Spark reads for every pod, is taken away meanwhile."""
    template = world.place.spark_files.pod_template
    withheld = threading.Event()

    def crash():
        objects = world.sessions[0]._objects
        real = objects.withhold_template
        objects.withhold_template = lambda: (real(), withheld.set())
        for number in range(1, 5):
            pod = PodView(
                name=f"p{number}", uid=f"u{number}", executor=str(number), phase="Failed", exit_code=1
            )
            world.pods.push(PodSeen(pod=pod, at=1000.0))
        assert withheld.wait(world.wait)
        assert not template.exists()

    world.driver.answer = world.registered()
    launching = Launching(crash, driver=world.driver)
    with pytest.raises(StartError, match="4 executors failed, one after the other"):
        world.opened(parts={"launch_driver": lambda: launching})
    assert ("request_executors", 0) in world.driver.calls
    assert world.left == []


def test_a_session_that_waits_for_nobody_can_be_scaled_after_such_a_crash(world):
    """The template is back as soon as Spark can be told to ask for none."""
    launching = Launching(lambda: world.sessions[0]._asking.stop(), driver=world.driver)
    session = world.opened(parts={"launch_driver": lambda: launching}, wait=0)
    assert world.place.spark_files.pod_template.exists()
    assert ("request_executors", 0) in world.driver.calls
    session.scale(1)
    assert ("request_executors", 1) in world.driver.calls


def test_variables_travel_in_a_secret_of_the_session_that_goes_with_it(world):
    """Neither the pod template nor a record nor a log line has a value."""
    session = world.opened(parts={"executor_env": {"TOKEN": "hunter2"}}, env=("TOKEN",))
    secret = world.cluster.read("Secret", f"{world.name}-env")
    assert base64.b64decode(secret["data"]["TOKEN"]) == b"hunter2"
    template = world.place.spark_files.pod_template.read_text()
    assert "hunter2" not in template
    assert f"{world.name}-env" in template
    assert "hunter2" not in world.cluster.read("Lease", world.name)["metadata"]["annotations"].popitem()[1]
    session.stop()
    assert world.left == []
