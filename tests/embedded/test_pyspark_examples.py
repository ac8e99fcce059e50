"""PySpark's own examples, as its wheel brings them, each in a fresh kernel with a session that runs.

They call ``SparkSession.builder.getOrCreate()`` and end with ``spark.stop()``: Spark's own API has to work,
and its stop has to be ours.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import start_new_kernel

from sparkk8s_nb.embedded import lifecycle
from sparkk8s_nb.embedded.lifecycle import EmbeddedCluster

PYSPARK = Path(str(find_spec("pyspark").origin)).parent  # type: ignore[union-attr]
EXAMPLES = PYSPARK / "examples" / "src" / "main" / "python"
CELL_TIMEOUT = 180

# The examples open these by a path relative to Spark's source tree; the wheel has only some of them.
PEOPLE = ("Michael", None), ("Andy", 30), ("Justin", 19)
WORDS = "to be or not to be\nthat is the question\n"
NUMBERS = [17, -4, 23, 8, 1024, 0, 8]
POINTS = 200


@pytest.fixture
def spark_tree(tmp_path: Path) -> Path:
    """A directory that looks to the examples like Spark's source tree."""
    (tmp_path / "data").symlink_to(PYSPARK / "data")
    resources = tmp_path / "examples" / "src" / "main" / "resources"
    resources.mkdir(parents=True)
    rows = [f'{{"name":"{name}"' + (f', "age":{age}}}' if age else "}") for name, age in PEOPLE]
    (resources / "people.json").write_text("\n".join(rows) + "\n")
    (resources / "people.txt").write_text("\n".join(f"{name}, {age or 29}" for name, age in PEOPLE) + "\n")
    (tmp_path / "words.txt").write_text(WORDS)
    (tmp_path / "numbers.txt").write_text(" ".join(map(str, NUMBERS)) + "\n")
    # Two clouds of points: a label of 1 or -1 and ten coordinates around it, which is easy to learn.
    random = np.random.default_rng(7)
    labels = np.where(random.random(POINTS) < 0.5, 1.0, -1.0)
    points = labels[:, None] * 0.7 + random.normal(size=(POINTS, 10))
    np.savetxt(tmp_path / "points.txt", np.column_stack([labels, points]), fmt="%.4f")
    return tmp_path


@dataclass
class Notebook:
    """A kernel, spoken to as a notebook would."""

    client: BlockingKernelClient
    errors: list[str] = field(default_factory=list)

    def run(self, cell: str) -> str:
        """Run a cell and return what it printed; an exception in it fails the test with its traceback."""
        printed: list[str] = []

        def collect(message: dict[str, Any]) -> None:
            content = message["content"]
            if message["msg_type"] == "stream" and content["name"] == "stdout":
                printed.append(content["text"])
            elif message["msg_type"] == "error":
                self.errors.append("\n".join(content["traceback"]))

        reply = self.client.execute_interactive(cell, output_hook=collect, timeout=CELL_TIMEOUT)
        assert reply["content"]["status"] == "ok", "\n".join(self.errors)
        return "".join(printed)


@pytest.fixture
def notebook(
    embedded_cluster: EmbeddedCluster, spark_tree: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Notebook]:
    """A fresh kernel in the tree with a session of one executor."""
    monkeypatch.setenv("IPYTHONDIR", str(spark_tree / ".ipython"))
    manager, client = start_new_kernel(kernel_name="python3", cwd=str(spark_tree), startup_timeout=60)
    try:
        notebook = Notebook(client)
        notebook.run("%load_ext sparkk8s_nb")
        notebook.run("%sparkk8s start -n 1 --cores 2")
        yield notebook
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=False)


def rows(output: str) -> list[list[str]]:
    """The cells of every row of the tables that ``DataFrame.show`` printed."""
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in re.findall(r"^\|.*\|$", output, re.MULTILINE)
    ]


def about_pi(output: str) -> None:
    (value,) = re.findall(r"^Pi is roughly (\S+)$", output, re.MULTILINE)
    assert float(value) == pytest.approx(np.pi, abs=0.05)


def the_words_counted(output: str) -> None:
    counts = {word: int(count) for word, count in re.findall(r"^(\S+): (\d+)$", output, re.MULTILINE)}
    assert counts == {"to": 2, "be": 2, "or": 1, "not": 1, "that": 1, "is": 1, "the": 1, "question": 1}


def the_numbers_sorted(output: str) -> None:
    assert [int(line) for line in output.split()] == sorted(NUMBERS)


def errors_that_shrink(output: str) -> None:
    errors = [float(value) for value in re.findall(r"^RMSE: (\S+)$", output, re.MULTILINE)]
    assert len(errors) == 3
    assert errors[-1] < errors[0] < 1


def weights_that_separate(output: str) -> None:
    (found,) = re.findall(r"Final w: \[([^\]]*)\]", output)
    weights = [float(value) for value in found.split()]
    assert len(weights) == 10
    assert sum(weights) > 0


def the_people(output: str) -> None:
    table = rows(output)
    assert ["NULL", "Michael"] in table
    assert ["Andy", "31"] in table
    assert ["19", "1"] in table
    assert "Name: Justin" in output
    assert table[-3:] == [["Michael"], ["Andy"], ["Justin"]]


def a_perfect_classifier(output: str) -> None:
    (area,) = re.findall(r"^areaUnderROC: (\S+)$", output, re.MULTILINE)
    assert float(area) == pytest.approx(1.0)
    history = [float(line) for line in re.findall(r"^0\.\d+$", output, re.MULTILINE)]
    assert history == sorted(history, reverse=True)


@pytest.mark.timeout(400)
@pytest.mark.parametrize(
    ("example", "printed"),
    [
        ("pi.py 4", about_pi),
        ("wordcount.py words.txt", the_words_counted),
        ("sort.py numbers.txt", the_numbers_sorted),
        ("als.py 30 50 5 3 2", errors_that_shrink),
        ("logistic_regression.py points.txt 5", weights_that_separate),
        ("sql/basic.py", the_people),
        ("ml/logistic_regression_summary_example.py", a_perfect_classifier),
    ],
)
def test_an_example_of_pyspark_runs_unchanged(
    notebook: Notebook, example: str, printed: Callable[[str], None]
) -> None:
    """It takes the session that runs, computes what it should, and its ``spark.stop()`` stops the session."""
    application = notebook.run("print(spark.sparkContext.applicationId)").strip()
    output = notebook.run(f"%run {EXAMPLES}/{example}")
    printed(output)
    left = notebook.run(
        "import sparkk8s_nb\n"
        "from pyspark import SparkContext\n"
        "print(sparkk8s_nb.current(), SparkContext._active_spark_context)"
    )
    assert left.strip() == "None None"
    assert application
    status = lifecycle.status()
    assert status is not None
    assert (status.sessions, status.pods) == (0, 0)
