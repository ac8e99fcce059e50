"""The notebooks that we ship, cell by cell, with their kernel in a pod of a real cluster."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest

from tests.cluster.notebook_pods import NotebookPod, PodKernel
from tests.embedded.kernels import GONE_SECONDS, Cell
from tests.embedded.test_quickstart import (
    RESULTS,
    Run,
    tables,
    test_every_row_arrives,
    test_the_aggregation_is_right,
    test_the_join_of_three_tables_is_right,
    test_the_pandas_udf_is_right,
    test_the_plot_shows_the_right_numbers,
)
from tests.eventually import eventually

__all__ = [  # the quickstart's own promises, here of a run in a pod
    "tables",
    "test_every_row_arrives",
    "test_the_aggregation_is_right",
    "test_the_join_of_three_tables_is_right",
    "test_the_pandas_udf_is_right",
    "test_the_plot_shows_the_right_numbers",
]

pytestmark = [pytest.mark.node_tier, pytest.mark.timeout(900)]

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"


@dataclass(frozen=True, kw_only=True)
class Executed:
    """A notebook whose cells have all run; ``cells`` are its code cells by id."""

    notebook: nbformat.NotebookNode
    cells: dict[str, Cell]
    kernel: PodKernel

    @property
    def noisy(self) -> dict[str, str]:
        """What cells wrote to stderr."""
        return {name: cell.stderr for name, cell in self.cells.items() if cell.stderr}


def execute(kernel: PodKernel, file: str) -> Executed:
    """Run a notebook as it is, as Run All does."""
    notebook = nbformat.read(NOTEBOOKS / file, as_version=4)
    cells: dict[str, Cell] = {}
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cells[cell.id] = kernel.run(cell.source)
            cell.outputs = cells[cell.id].outputs
    return Executed(notebook=notebook, cells=cells, kernel=kernel)


def executed(notebook: NotebookPod, file: str) -> Iterator[Executed]:
    """A notebook run in a kernel of its own, which is killed afterwards; nothing is left then."""
    kernel = notebook.kernel(f"notebooks/{file}", extension=False)
    yield execute(kernel, file)
    kernel.kill()
    assert eventually(lambda: not notebook.left(), GONE_SECONDS), notebook.left()


@pytest.fixture(scope="module")
def quickstart(notebook: NotebookPod) -> Iterator[Executed]:
    """The quickstart, unchanged."""
    yield from executed(notebook, "01-quickstart.ipynb")


@pytest.fixture(scope="module")
def run(quickstart: Executed) -> Run:
    """Its results, as the tests of the quickstart want them."""
    quickstart.kernel.run("import json")
    results = json.loads(quickstart.kernel.run(f"print(json.dumps({RESULTS}))").stdout)
    stdout = "\n".join(cell.stdout for cell in quickstart.cells.values())
    return Run(results=results, notebook=quickstart.notebook, stdout=stdout, stderr="")


@pytest.fixture(scope="module")
def lesson(notebook: NotebookPod) -> Iterator[Executed]:
    """The notebook about Kubernetes."""
    yield from executed(notebook, "02-on-kubernetes.ipynb")


def test_the_quickstart_ends_with_nothing_left_and_no_noise(
    notebook: NotebookPod, quickstart: Executed
) -> None:
    """No warning, no log line of Spark's; and nothing of the cluster in what a notebook file keeps."""
    assert "Nothing left." in quickstart.cells["stop"].said
    assert quickstart.noisy == {}
    kept = "\n".join(cell.said for cell in quickstart.cells.values())
    assert notebook.namespace.name not in kept
    assert notebook.address not in kept
    assert notebook.left() == []


def test_the_lesson_shows_what_it_says(notebook: NotebookPod, lesson: Executed) -> None:
    """Variables, a refused write, a diagnosis, the account; nothing is left."""
    cells = lesson.cells
    assert cells["contexts"].outputs == []  # in the pager, which is not kept
    assert lesson.kernel.value("greetings") == ["hello from the notebook"]
    assert "hello from the notebook" not in cells["start"].said
    assert "2 executors" in cells["status"].said
    assert "is not shared with the executors" in cells["paths"].stdout
    assert lesson.kernel.value("total") == sum(range(10_000_000))
    assert "alive" in cells["accounting"].said
    assert "core-hours" in cells["stop"].said
    assert "Nothing left." in cells["stop"].said
    assert "is not an image's name" in cells["diagnosis"].stdout
    assert "An image's path is in lower case" in cells["diagnosis"].stdout
    assert "No sessions." in cells["nothing"].said
    assert lesson.noisy == {}
    assert notebook.left() == []
