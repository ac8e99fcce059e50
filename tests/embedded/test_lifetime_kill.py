"""Three notebooks at once, and three ways in which a kernel is killed: within 60 s nothing is left of its session."""

from __future__ import annotations

import os
from collections.abc import Callable

import psutil
import pytest

from sparkk8s_nb.embedded.lifecycle import EmbeddedCluster
from sparkk8s_nb.processes import identify, is_alive
from tests.embedded.kernels import GONE_SECONDS, Kernel, Remains, SessionFacts, temporary_files
from tests.eventually import eventually
from tests.living import identities, names

pytestmark = pytest.mark.timeout(900)

ONE = "-n 1 --cores 1 --memory 1g"
PORTS = (
    "[sc.getConf().get(key) for key in "
    "('spark.driver.port', 'spark.driver.blockManager.port', 'spark.ui.port')]"
)
ALL_SLOTS_TAKEN = """
import fcntl, os, pathlib
_ports = pathlib.Path(os.environ["SPARKK8S_RUNTIME_DIR"]) / "ports"
_held = []
for _n in range(100):
    _fd = os.open(_ports / f"slot-{_n:02d}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(_fd)
    else:
        _held.append(_fd)
"""


@pytest.fixture(scope="module")
def running(new_kernel) -> list[tuple[Kernel, SessionFacts]]:
    """Three kernels of three notebooks, each with a session of one executor."""
    kernels = [new_kernel(f"work/{name}.ipynb") for name in ("alone", "group", "forked")]
    return [(kernel, kernel.start(ONE, executors=1)) for kernel in kernels]


def assert_nothing_is_left_in_time(remains: Remains, kernel: Kernel, facts: SessionFacts) -> None:
    """Everything of the session is gone within the promised time; the others' is not touched."""
    in_time = eventually(lambda: not remains.all(facts, kernel), GONE_SECONDS)
    assert in_time, remains.all(facts, kernel)


def test_notebooks_of_one_machine_have_ports_of_their_own_and_all_work(
    running: list[tuple[Kernel, SessionFacts]],
) -> None:
    """Each start takes a slot that no other kernel holds."""
    ports = [port for kernel, _ in running for port in kernel.value(PORTS)]
    assert len(set(ports)) == 9, ports
    for kernel, _ in running:
        kernel.job()


def test_without_a_free_port_slot_a_start_is_refused_in_two_lines(
    running: list[tuple[Kernel, SessionFacts]], new_kernel, remains: Remains
) -> None:
    """And nothing is left of it."""
    kernel = new_kernel("work/crowded.ipynb")
    before = remains.any_objects()
    kernel.run(ALL_SLOTS_TAKEN)
    cell = kernel.run(f"%sparkk8s start {ONE}", fails=True)
    assert len(cell.error.splitlines()) == 2, cell.said
    assert "All port slots for Spark drivers are taken" in cell.error
    assert remains.any_objects() == before
    assert len(remains.session_directories()) == len(running)
    assert [child.name() for child in psutil.Process(kernel.pid).children(recursive=True)] == []
    kernel.shut_down()


def test_a_killed_kernel_leaves_nothing(running, remains: Remains) -> None:
    """kill -9 of the kernel alone."""
    kernel, facts = running[0]
    assert is_alive(facts.jvm)
    assert len(facts.executors) >= 2
    kernel.kill()
    assert_nothing_is_left_in_time(remains, kernel, facts)


def test_a_killed_process_group_leaves_nothing(running, remains: Remains) -> None:
    """As Jupyter does it in the end: keeper and JVM are not in the kernel's group."""
    kernel, facts = running[1]
    kernel.kill_group()
    assert_nothing_is_left_in_time(remains, kernel, facts)


def test_a_killed_kernel_with_a_living_child_leaves_nothing(running, remains: Remains) -> None:
    """The child holds every pipe and socket of the kernel open; only the kernel's own end counts."""
    kernel, facts = running[2]
    kernel.run(
        "import multiprocessing, time\n"
        "child = multiprocessing.get_context('fork').Process(target=time.sleep, args=(300,))\n"
        "child.start()"
    )
    child = identify(kernel.value("child.pid"))
    try:
        kernel.kill()
        assert_nothing_is_left_in_time(remains, kernel, facts)
        assert is_alive(child)
    finally:
        os.kill(child.pid, 9)


def jvm_is_there(kernel: Kernel, remains: Remains) -> bool:
    """The first moment of a start at which something would be left."""
    return "java" in names(children(kernel))


def lease_is_there(kernel: Kernel, remains: Remains) -> bool:
    """The first moment at which something is in the cluster."""
    return bool(remains.any_objects(["Lease"]))


def pod_is_there(kernel: Kernel, remains: Remains) -> bool:
    """Spark asks for executors."""
    return bool(remains.any_objects(["Pod"]))


def children(kernel: Kernel) -> list[psutil.Process]:
    """The kernel's child processes that run."""
    return psutil.Process(kernel.pid).children(recursive=True)


@pytest.mark.parametrize("moment", [jvm_is_there, lease_is_there, pod_is_there])
def test_a_kernel_that_is_killed_while_it_starts_leaves_nothing(
    moment: Callable[[Kernel, Remains], bool], new_kernel, remains: Remains
) -> None:
    """The keeper is there before there is anything to leave."""
    kernel = new_kernel(f"work/{moment.__name__}.ipynb")
    kernel.client.execute(f"%sparkk8s start {ONE}")
    try:
        assert eventually(lambda: moment(kernel, remains)), "the moment did not come"
        family = identities(children(kernel))
        assert family
    finally:
        kernel.kill()
    in_time = eventually(
        lambda: (
            not any(map(is_alive, family))
            and remains.any_objects() + remains.session_directories() + temporary_files(kernel) == []
        )
    )
    assert in_time, (list(map(is_alive, family)), remains.any_objects(), temporary_files(kernel))


def test_the_cluster_outlives_all_of_its_sessions(
    running, remains: Remains, embedded_cluster: EmbeddedCluster
) -> None:
    """The daemon lives, and holds nothing any more."""
    assert is_alive(identify(embedded_cluster.pid))
    assert remains.any_objects() == []
    assert remains.session_directories() == []
