"""A kernel that Jupyter restarts or shuts down: nothing is left of its session, and the next start works at once."""

from __future__ import annotations

import pytest

from sparkk8s_nb.processes import is_alive
from tests.embedded.kernels import Kernel, Remains
from tests.eventually import eventually

pytestmark = pytest.mark.timeout(900)

ONE = "-n 1 --cores 1 --memory 1g"


@pytest.fixture(scope="module")
def kernel(new_kernel) -> Kernel:
    """A kernel with nothing in it yet."""
    return new_kernel("work/restarted.ipynb")


def test_after_a_restart_the_same_notebook_starts_at_once(kernel: Kernel, remains: Remains) -> None:
    """The new kernel waits for nobody, and of the first session nothing is left."""
    first = kernel.start(ONE, executors=1)
    kernel.restart()
    second = kernel.start(ONE, executors=1)
    assert second.name != first.name
    assert eventually(lambda: not remains.processes(first) + remains.objects(first.name)), remains.all(
        first, kernel
    )
    assert not first.root.exists()
    assert not first.scratch.exists()
    kernel.job()


def test_a_kernel_that_is_shut_down_leaves_nothing(kernel: Kernel, remains: Remains) -> None:
    """As Jupyter does it when a notebook is closed: a request, 2.5 s, then its signals."""
    facts = kernel.sessions[-1]
    assert is_alive(facts.jvm)
    kernel.shut_down()
    assert eventually(lambda: not remains.all(facts, kernel)), remains.all(facts, kernel)
    assert remains.session_directories() == []
