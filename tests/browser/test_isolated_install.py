"""The wheel on a machine without Node: both extensions are there, enabled and well."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

from tests.jupyter_server import ROOT

MEGABYTE = 10**6


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from this tree."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    [wheel] = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Python of a new environment with the wheel in it; what the wheel depends on is taken from this one."""
    place = tmp_path_factory.mktemp("isolated") / "venv"
    venv.create(place, with_pip=True)
    python = place / "bin" / "python"
    [site] = place.glob("lib/*/site-packages")
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    install = [
        python,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
        "--ignore-installed",
        wheel,
    ]
    subprocess.run(install, check=True, capture_output=True)
    return python


def listed(python: Path, module: str) -> str:
    """What a list command of Jupyter says in that environment, with nothing else on the path."""
    home = python.parents[2]
    places = {
        name: str(home / name.lower())
        for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR")
    }
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER", "PYTHON"))}
    environment = {**kept, **places, "PATH": str(python.parent), "HOME": str(home)}
    done = subprocess.run(
        [python, "-m", module, "list"], cwd=home, env=environment, check=True, capture_output=True, text=True
    )
    return done.stdout + done.stderr


def line_about(name: str, said: str) -> str:
    """The line of a list that is about one extension."""
    return " ".join(line for line in said.splitlines() if name in line)


def test_the_wheel_is_small_and_has_no_source_maps(wheel: Path) -> None:
    """Nobody downloads what nobody uses."""
    assert wheel.stat().st_size <= MEGABYTE
    names = zipfile.ZipFile(wheel).namelist()
    assert not [name for name in names if name.endswith((".map", ".ts")) or "node_modules" in name]


def test_the_front_end_is_installed_enabled_and_ok(python: Path) -> None:
    """``jupyter labextension list``."""
    said = listed(python, "jupyterlab.labextensions")
    line = line_about("sparkk8s-nb", said)
    assert "enabled" in line, said
    assert "OK" in line, said


def test_the_server_extension_is_installed_enabled_and_ok(python: Path) -> None:
    """``jupyter server extension list``."""
    said = listed(python, "jupyter_server.extension.serverextension")
    assert "enabled" in line_about("sparkk8s_nb", said), said
    assert "OK" in line_about("sparkk8s_nb", said), said


def test_it_imports_from_its_own_place(python: Path) -> None:
    """Not from this tree, which the tests above would prove nothing about."""
    command = [python, "-c", "import sparkk8s_nb; print(sparkk8s_nb.__file__)"]
    where = subprocess.run(command, cwd=python.parent, check=True, capture_output=True, text=True, env={})
    assert Path(where.stdout.strip()).is_relative_to(python.parents[1])
