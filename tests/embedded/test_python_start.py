"""A session that Python code starts, without the extension: its cells are cells all the same."""

from __future__ import annotations

from collections.abc import Callable

from tests.embedded.kernels import Kernel
from tests.embedded.pressing import Pressing
from tests.eventually import eventually

START = """
import sparkk8s_nb as sk
session = sk.start(executors=1, cores=2, memory="1g")
spark, sc = session.spark, session.spark.sparkContext
print(spark.range(10).count(), sc.getLocalProperty("spark.job.tags"))
"""
LONG = "sc.parallelize(range(10**5), 4).map(slow).sum()"


def test_its_cells_have_their_jobs_and_their_stop_button(new_kernel: Callable[..., Kernel]) -> None:
    """From the cell that starts it on."""
    kernel = new_kernel("python-start.ipynb", extension=False)
    count, tags = kernel.run(START).stdout.split()
    assert (count, len(tags.split(","))) == ("10", 1)
    assert eventually(lambda: kernel.value("[cell.jobs > 0 for cell in session.cells]") == [True])
    pressing = Pressing(kernel)
    pressing.observe()
    stopped = pressing.stop(LONG, pressing.press_once)
    assert "KeyboardInterrupt" in stopped.cell.error, stopped.cell.said
    assert kernel.run("print(spark.range(5).count())").stdout == "5\n"
    assert kernel.run("%load_ext sparkk8s_nb").stderr == ""
    assert "executor" in kernel.run("%sparkk8s status").said


def test_the_cell_that_starts_it_can_be_stopped_too(new_kernel: Callable[..., Kernel]) -> None:
    """``with sk.start() as session:`` holds everything in one cell, and leaves nothing."""
    kernel = new_kernel("python-with.ipynb", extension=False)
    pressing = Pressing(kernel)
    source = (
        "import sparkk8s_nb as sk, time, pathlib\n"
        "def slow(number):\n"
        "    time.sleep(0.2)\n"
        "    return number\n"
        'with sk.start(executors=1, cores=2, memory="1g") as session:\n'
        "    sc = session.spark.sparkContext\n"
        '    pathlib.Path("started").touch()\n'
        "    sc.parallelize(range(10**5), 4).map(slow).sum()"
    )
    cell = pressing.stop_waiting(
        source, pressing.press_once, when=lambda: (kernel.directory / "started").exists()
    )
    assert "KeyboardInterrupt" in cell.error, cell.said
    assert "Py4J" not in cell.error, cell.said
    assert kernel.value("[sk.current() is None, session.closed]") == [True, True]
