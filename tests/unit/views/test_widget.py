"""The code for the browser: plain modules, one string each, no network."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import sparkk8s_nb.views
from sparkk8s_nb.views.widget import module, style

STATIC = Path(sparkk8s_nb.views.__file__).with_name("static")
SCRIPTS = sorted(STATIC.glob("*.js"))

DOM = Path(__file__).with_name("fake_dom.mjs")
GOLDEN = Path(__file__).parents[2] / "wire"


def draw(name: str, folder: Path, *frames: Path) -> dict[str, Any]:
    """Draw frames with a view's module, in node and on a small document of our own."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed: the views' modules cannot be run")
    path = folder / f"{name}.mjs"
    path.write_text(module(name))
    done = subprocess.run(
        [node, str(DOM), str(path), *map(str, frames)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    drawn: dict[str, Any] = json.loads(done.stdout)
    return drawn


@pytest.mark.parametrize("name", ["fleet", "progress"])
def test_a_widgets_module_is_one_string_with_the_shared_part_in_it(name: str) -> None:
    """A browser loads it from memory: an import could not be found."""
    code = module(name)
    assert "./shared.js" not in code
    assert "function follow" in code
    assert re.findall(r"^export .*", code, re.MULTILINE) == ["export default {"]
    assert len(code) + len(style()) < 24 * 1024


@pytest.mark.parametrize("path", [*SCRIPTS, STATIC / "style.css"], ids=lambda path: path.name)
def test_nothing_is_fetched_from_elsewhere_and_no_html_is_made_of_text(path: Path) -> None:
    """No CDN, no injection."""
    code = path.read_text()
    assert not re.search(r"https?:|//cdn|innerHTML|insertAdjacentHTML|eval\(|console\.", code)


@pytest.mark.parametrize("name", ["fleet", "progress"])
def test_a_view_asks_for_a_keyframe_when_it_is_loaded_and_when_it_is_drawn(name: str, tmp_path: Path) -> None:
    """The kernel learns so that somebody can draw it; a closed view listens no more."""
    assert draw(name, tmp_path) == {"sent": [{"ask": "keyframe"}] * 2, "shown": [], "left": 0}


def test_the_fleet_draws_the_golden_frames(tmp_path: Path) -> None:
    """Rows in the fleet's order, sign and word for the phase, and nothing of the frame before."""
    shown = draw("fleet", tmp_path, GOLDEN / "fleet.json", GOLDEN / "empty.json")["shown"]
    frame = json.loads((GOLDEN / "fleet.json").read_text())["fleet"]
    for part in (frame["summary"], frame["verdict"], "● running", "✕ failed", "2 tasks running", "2 GiB"):
        assert part in shown[0]["text"]
    rows = re.findall(r"\|(\d+)\|. ([a-z]+)\|", shown[0]["text"])
    assert rows == [(row["id"], row["phase"]) for row in frame["executors"]]
    assert "no executors" in shown[1]["text"]
    assert shown[1]["nodes"] < shown[0]["nodes"]


def test_progress_draws_the_golden_frame(tmp_path: Path) -> None:
    """Counts without the skipped tasks, jobs with their descriptions as text."""
    (shown,) = draw("progress", tmp_path, GOLDEN / "progress.json")["shown"]
    for part in ("132/212 · 4 running · 1 failed tasks", "2 jobs", "▶ job 2: 120/200", "count at <cell>"):
        assert part in shown["text"]


@pytest.mark.parametrize(
    ("message", "words"),
    [('{"schema": 2, "kind": "keyframe"}', "newer version"), ("[1]", "could not be read")],
)
def test_a_message_that_cannot_be_read_is_said_and_the_last_state_stays(
    message: str, words: str, tmp_path: Path
) -> None:
    """One line, and the table as it was."""
    strange = tmp_path / "strange.json"
    strange.write_text(message)
    shown = draw("fleet", tmp_path, GOLDEN / "fleet.json", strange, GOLDEN / "fleet.json")["shown"]
    assert words in shown[1]["text"]
    assert "● running" in shown[1]["text"]
    assert words not in shown[2]["text"]


def test_redrawing_a_frame_adds_nothing_to_the_page(tmp_path: Path) -> None:
    """Rows are kept by their executor's id."""
    frames = [GOLDEN / "fleet.json"] * 20
    assert len({one["nodes"] for one in draw("fleet", tmp_path, *frames)["shown"]}) == 1


def test_a_terminal_never_loads_the_widgets() -> None:
    """Showing as text must not cost the import of ipywidgets."""
    code = (
        "import sys; from sparkk8s_nb.views import show; from sparkk8s_nb.telemetry.feed import Feed;"
        "from sparkk8s_nb.model.fleet import Fleet; view = show.show_fleet(Feed(Fleet(wanted=1)), {});"
        "view.finish('over'); assert not {'ipywidgets', 'anywidget', 'IPython'} & set(sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.endswith("over\n")
