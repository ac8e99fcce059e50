"""Executors fit the machine, and what does not is refused with the numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparkk8s_nb.errors import UsageError
from sparkk8s_nb.model.sizing import (
    DEFAULT_MEMORY,
    FREE_MEMORY,
    Asked,
    Machine,
    check_driver_memory,
    cluster_executor,
    driver_memory,
    embedded_executor,
)
from sparkk8s_nb.model.spec import GIB, MIB

LAPTOP = Machine(cpu_millis=8000, memory=16 * GIB)


@given(
    executors=st.integers(1, 12),
    cpus=st.integers(1, 128),
    memory=st.integers(2, 1024),
    driver=st.integers(1, 4),
)
def test_a_fleet_that_was_not_sized_fits_or_is_refused(executors, cpus, memory, driver):
    """Never more than the machine; a core and 2 GiB stay free where the machine has that much."""
    machine = Machine(cpu_millis=cpus * 1000, memory=memory * GIB)
    try:
        size = embedded_executor(Asked(executors=executors), machine, driver * GIB)
    except UsageError:
        return
    assert size.memory * executors <= machine.memory
    assert size.cpu_millis * executors <= machine.cpu_millis
    assert size.cores >= 1
    if cpus > 2:
        assert size.cpu_millis * executors <= machine.cpu_millis - 1000
    if machine.memory >= FREE_MEMORY + driver * GIB + executors * GIB and executors >= 4:
        assert size.memory * executors <= machine.memory - FREE_MEMORY - driver * GIB


def test_there_is_room_to_scale():
    """Two executors on a laptop leave memory for two more."""
    assert embedded_executor(Asked(executors=2), LAPTOP, 4 * GIB).memory == 2560 * MIB


def test_what_was_asked_is_what_comes():
    """Cores, memory, disk, CPU."""
    asked = Asked(executors=2, cores=3, memory=3 * GIB, disk=GIB)
    size = embedded_executor(asked, LAPTOP, 4 * GIB)
    assert (size.cores, size.cpu_millis, size.memory, size.disk) == (3, 3000, 3 * GIB, GIB)
    size = embedded_executor(Asked(executors=2, cpu_millis=500), LAPTOP, 4 * GIB)
    assert (size.cores, size.cpu_millis) == (1, 500)
    assert cluster_executor(Asked(executors=9)).memory == DEFAULT_MEMORY
    size = cluster_executor(Asked(executors=9, cores=4))
    assert (size.cores, size.cpu_millis) == (4, 4000)


@pytest.mark.parametrize(
    ("asked", "problem", "fix"),
    [
        (
            Asked(executors=4, memory=8 * GIB),
            "4 executors of 8 GiB are more than this machine's 16 GiB.",
            "Ask for at most --memory 4096m, or for fewer executors (-n).",
        ),
        (
            Asked(executors=1, memory=32 * GIB),
            "1 executor of 32 GiB are more than this machine's 16 GiB.",
            "Ask for at most --memory 16384m.",
        ),
        (
            Asked(executors=100, memory=GIB, cpu_millis=10),
            "100 executors of 1 GiB are more than this machine's 16 GiB.",
            "Ask for at most -n 19 with --memory 834m.",
        ),
        (
            Asked(executors=2, cores=5),
            "2 executors of 5 cores are more than this machine's 8 cores.",
            "Ask for at most --cores 4, or ask for fewer executors (-n).",
        ),
        (
            Asked(executors=9, cores=1),
            "9 executors of 1 core are more than this machine's 8 cores.",
            "Leave --cores away to share the machine, or ask for fewer executors (-n).",
        ),
        (
            Asked(executors=200),
            "200 executors are more than this machine's 8 cores can share.",
            "Ask for at most -n 160.",
        ),
        (
            Asked(executors=2, cpu_millis=5000),
            "2 executors of 5 CPU are more than this machine's 8 cores.",
            "Ask for at most --cores 4, or ask for fewer executors (-n).",
        ),
    ],
)
def test_what_does_not_fit_is_refused_with_what_would(asked, problem, fix):
    """Both numbers, and the option to change."""
    with pytest.raises(UsageError) as caught:
        embedded_executor(asked, LAPTOP, 4 * GIB)
    assert (caught.value.problem, caught.value.fix) == (problem, fix)


def test_the_drivers_heap_leaves_room_for_the_kernel():
    """A quarter, 4 GiB at most, 1 GiB at least; or what was asked, if there is so much."""
    assert driver_memory(64 * GIB) == 4 * GIB
    assert driver_memory(8 * GIB) == 2 * GIB
    assert driver_memory(2 * GIB) == GIB
    assert driver_memory(8 * GIB, 6 * GIB) == 6 * GIB
    check_driver_memory(None, GIB)
    check_driver_memory(GIB - 1, GIB)
    with pytest.raises(UsageError, match="is more than the 8 GiB") as caught:
        check_driver_memory(9 * GIB, 8 * GIB)
    assert caught.value.fix == "Leave it away for 2048m, or ask for less."
