"""The code for the browser: plain modules, one string each, no network."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import sparkk8s_nb.views
from sparkk8s_nb.views.widget import module, style

STATIC = Path(sparkk8s_nb.views.__file__).with_name("static")
SCRIPTS = sorted(STATIC.glob("*.js"))

CHECK = """
const { default: view } = await import(process.argv[1]);
if (typeof view.render !== "function" || typeof view.initialize !== "function") process.exit(1);
const sent = [];
view.initialize({ model: { send: (message) => sent.push(message) } });
if (JSON.stringify(sent) !== '[{"ask":"keyframe"}]') process.exit(2);
"""


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
def test_the_module_loads_and_asks_for_a_keyframe_first(name: str, tmp_path: Path) -> None:
    """The kernel learns so that somebody can draw it."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed: the modules' syntax cannot be checked")
    path = tmp_path / f"{name}.mjs"
    path.write_text(module(name))
    done = subprocess.run(
        [node, "--input-type=module", "-e", CHECK, str(path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


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
