"""Running the views' modules in node, on a small document of our own (fake_dom.mjs)."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from sparkk8s_nb.views.widget import module

DOM = Path(__file__).with_name("fake_dom.mjs")
GOLDEN = Path(__file__).parents[2] / "wire"


def node(*arguments: Path | str, environment: Mapping[str, str] | None = None) -> str:
    """Run a script in node and return what it prints."""
    program = shutil.which("node")
    if program is None:
        pytest.skip("node is not installed: the views' modules cannot be run")
    done = subprocess.run(
        [program, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **(environment or {})},
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def draw(
    name: str, folder: Path, *frames: Path | str, answers: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Draw frames with a view's module, and do what a user would; what was shown after each, and what was sent."""
    path = folder / f"{name}.mjs"
    path.write_text(module(name))
    drawn: dict[str, Any] = json.loads(
        node(DOM, path, *frames, environment={"ANSWERS": json.dumps(answers or {})})
    )
    return drawn


def written(folder: Path, name: str, frame: Mapping[str, Any]) -> Path:
    """A frame as a file, to be drawn."""
    path = folder / f"{name}.json"
    path.write_text(json.dumps(frame))
    return path
