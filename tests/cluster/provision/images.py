"""The images of the node tier: ``python -m tests.cluster.provision.images`` makes their layers.

An executor's image is what users have: Debian with Java, its Python, and the project's locked packages (the
very files of the environment that runs the tests, so driver and executors match), under a numeric user.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement

from tests.cluster.provision.oci import Image, Layer, add_file, cached_layer, remove_stale
from tests.cluster.provision.places import binary, cache_dir

RELEASE = "bookworm"
RELEASE_PYTHON = (3, 11)
DEBIAN_PACKAGES = ("ca-certificates", "openjdk-17-jre-headless", "procps", "python3", "python3-venv")
USER = 185
SITE = "usr/local/lib/python3.11/dist-packages"
ROOT = Path(__file__).parents[3]
UNNEEDED = ("usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/info", "var/lib/apt/lists")


def pause_image() -> Image:
    """The image of pods' sandboxes."""
    path = binary("pause")

    def write(tar: Path) -> None:
        with tarfile.open(tar, "w") as layer:
            add_file(layer, path, "pause")

    layer = cached_layer(_layers() / f"pause-{path.parent.name}", write)
    return Image(name=f"localhost/pause:{_tag(layer)}", layers=(layer,), config={"Entrypoint": ["/pause"]})


def python_image() -> Image:
    """Debian, Java and the locked packages: changes only with the lock file."""
    layers = (_debian(), _packages())
    return Image(name=f"localhost/python:{_tag(*layers)}", layers=layers, config=_config())


def notebook_image() -> Image:
    """The same with this checkout's package on top: a small layer."""
    layers = (*python_image().layers, _own())
    return Image(name=f"localhost/notebook:{_tag(*layers)}", layers=layers, config=_config())


def why_not() -> str:
    """Why this machine cannot make the images; empty if it can."""
    if sys.version_info[:2] != RELEASE_PYTHON:
        wanted = ".".join(map(str, RELEASE_PYTHON))
        return f"the images have Python {wanted}, and driver and executors must be the same (PYTHON=python{wanted})"
    return ""


def are_made() -> bool:
    """Whether everything but this checkout's own small layer is in the cache."""
    return all((_layers() / name).exists() for name in (_debian_name(), _packages_name()))


def _config() -> dict[str, object]:
    return {
        "User": str(USER),
        "WorkingDir": "/tmp",
        "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8"],
        "Cmd": ["python3"],
    }


def _layers() -> Path:
    return cache_dir() / "layers"


def _debian_name() -> str:
    return f"debian-{_hash([RELEASE, *DEBIAN_PACKAGES, *UNNEEDED, str(USER)])}"


def _debian() -> Layer:
    directory = _layers() / _debian_name()

    def write(tar: Path) -> None:
        with tempfile.TemporaryDirectory(dir=tar.parent, prefix="root-") as name:
            root = Path(name)
            root.chmod(0o755)
            include = f"--include={','.join(DEBIAN_PACKAGES)}"
            _run("debootstrap", "--variant=minbase", include, RELEASE, str(root), _mirror())
            for path in UNNEEDED:
                shutil.rmtree(root / path, ignore_errors=True)
            for package in (root / "var/cache/apt/archives").glob("*.deb"):
                package.unlink()
            (root / "etc/apt/sources.list").unlink()
            with (root / "etc/passwd").open("a") as passwd:
                passwd.write(f"spark:x:{USER}:{USER}::/tmp:/bin/sh\n")
            _run("tar", "-C", str(root), "--numeric-owner", "--exclude=./dev/*", "-cf", str(tar), ".")

    layer = cached_layer(directory, write)
    remove_stale(_layers(), directory)
    return layer


def _needed() -> list[Distribution]:
    return sorted(_closure("sparkk8s-nb[demo]"), key=lambda dist: dist.name)


def _packages_name() -> str:
    return f"packages-{_hash([f'{dist.name}=={dist.version}' for dist in _needed()])}"


def _packages() -> Layer:
    directory = _layers() / _packages_name()

    def write(tar: Path) -> None:
        with tarfile.open(tar, "w") as layer:
            for dist in _needed():
                for file in dist.files or ():
                    path = Path(str(file.locate()))
                    # Scripts lie outside, and name this environment's Python.
                    if ".." not in file.parts and path.suffix != ".pyc" and path.is_file():
                        add_file(layer, path, f"{SITE}/{file}")

    layer = cached_layer(directory, write)
    remove_stale(_layers(), directory)
    return layer


def _own() -> Layer:
    sources = sorted(path for path in (ROOT / "sparkk8s_nb").rglob("*") if path.is_file())
    sources = [path for path in sources if "__pycache__" not in path.parts]
    own = distribution("sparkk8s-nb")
    about = [
        Path(str(file.locate())) for file in own.files or () if file.name in ("METADATA", "entry_points.txt")
    ]
    names = {path: f"{SITE}/{path.relative_to(ROOT)}" for path in sources}
    names |= {path: f"{SITE}/{path.parent.name}/{path.name}" for path in about}
    contents = [f"{name}={hashlib.sha256(path.read_bytes()).hexdigest()}" for path, name in names.items()]
    directory = _layers() / f"own-{_hash(contents)}"

    def write(tar: Path) -> None:
        with tarfile.open(tar, "w") as layer:
            for path, name in names.items():
                add_file(layer, path, name)

    layer = cached_layer(directory, write)
    remove_stale(_layers(), directory)
    return layer


def _closure(requirement: str) -> list[Distribution]:
    """Every distribution that ``requirement`` needs, without its own."""
    found: dict[str, Distribution] = {}
    seen: set[tuple[str, str]] = set()
    todo = [Requirement(requirement)]
    while todo:
        wanted = todo.pop()
        for extra in ("", *wanted.extras):
            if (wanted.name.lower(), extra) in seen:
                continue
            seen.add((wanted.name.lower(), extra))
            dist = found.setdefault(wanted.name.lower(), distribution(wanted.name))
            todo += list(_needs(dist, extra))
    del found[Requirement(requirement).name.lower()]
    return list(found.values())


def _needs(dist: Distribution, extra: str) -> Iterator[Requirement]:
    for text in dist.requires or ():
        needed = Requirement(text)
        if needed.marker is None:
            if not extra:
                yield needed
        elif needed.marker.evaluate({"extra": extra}):
            yield needed


def _mirror() -> str:
    """Where apt gets this release from: debootstrap asks the same place."""
    shown = subprocess.run(
        [
            "apt-get",
            "indextargets",
            "--format",
            "$(CODENAME) $(COMPONENT) $(REPO_URI)",
            "Created-By: Packages",
        ],
        check=True,
        text=True,
        stdout=subprocess.PIPE,
    )
    found = [line.split()[2] for line in shown.stdout.splitlines() if line.startswith(f"{RELEASE} main ")]
    if not found:
        sys.exit(f"apt has no Debian {RELEASE} main among its sources: the images are made from it.")
    return found[0]


def _run(*command: str) -> None:
    environ = {**os.environ, "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        command, check=False, env=environ, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed with {done.returncode}:\n{done.stdout[-3000:]}")


def _hash(parts: list[str]) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _tag(*layers: Layer) -> str:
    return _hash([layer.digest for layer in layers])


def main() -> None:
    """Make the layers of all images that are not in the cache."""
    if reason := why_not():
        sys.exit(f"The images cannot be made here: {reason}.")
    if not are_made() and shutil.which("debootstrap") is None:
        sys.exit(
            "The images cannot be made here: debootstrap is not installed (.ci/run installs it on Debian)."
        )
    for make in (pause_image, python_image, notebook_image):
        begun = time.monotonic()
        image = make()
        size = sum(layer.size for layer in image.layers) >> 20
        print(f"{image.name}: {size} MiB ({time.monotonic() - begun:.0f} s)", flush=True)


if __name__ == "__main__":
    main()
