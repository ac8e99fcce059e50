"""Container images in plain Python: layers that are tar files, and the OCI layout that containerd imports.

The form is the image specification's: https://github.com/opencontainers/image-spec (layout, manifest, config).
"""

from __future__ import annotations

import hashlib
import io
import json
import platform
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclass(frozen=True, kw_only=True)
class Layer:
    """An uncompressed tar in the cache."""

    tar: Path
    digest: str

    @property
    def size(self) -> int:
        """Bytes."""
        return self.tar.stat().st_size


@dataclass(frozen=True, kw_only=True)
class Image:
    """An image by name: its layers from below, and what a container of it starts with."""

    name: str
    layers: tuple[Layer, ...]
    config: dict[str, Any]


def cached_layer(directory: Path, write: Callable[[Path], None]) -> Layer:
    """The layer that is kept in ``directory``; ``write`` makes its tar if it is not there yet."""
    tar, digest = directory / "layer.tar", directory / "digest"
    if not directory.exists():
        directory.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=directory.parent, prefix=".layer-") as unfinished:
            made = Path(unfinished) / "made"
            made.mkdir()
            write(made / "layer.tar")
            (made / "digest").write_text(_digest_of_file(made / "layer.tar"))
            made.replace(directory)
    return Layer(tar=tar, digest=digest.read_text())


def write_layout(image: Image, file: IO[bytes], layers: Sequence[Layer]) -> None:
    """Write the image as an OCI layout in a tar stream, with the blobs of those ``layers`` only.

    The others' blobs have to be there where it is imported.
    """
    config, manifest = description(image)
    entry = {
        "mediaType": MANIFEST,
        "digest": digest_of(manifest),
        "size": len(manifest),
        "annotations": {"io.containerd.image.name": image.name},
    }
    with tarfile.open(fileobj=file, mode="w|", format=tarfile.PAX_FORMAT) as layout:
        _add(layout, "oci-layout", b'{"imageLayoutVersion": "1.0.0"}')
        _add(layout, "index.json", json.dumps({"schemaVersion": 2, "manifests": [entry]}).encode())
        for blob in (config, manifest):
            _add(layout, _blob(digest_of(blob)), blob)
        for layer in layers:
            info = tarfile.TarInfo(_blob(layer.digest))
            info.size = layer.size
            with layer.tar.open("rb") as content:
                layout.addfile(info, content)


def image_by_digest(image: Image) -> str:
    """The image's name as a node has it that pulled it: ``REPOSITORY@sha256:...``."""
    _, manifest = description(image)
    return f"{image.name.rpartition(':')[0]}@{digest_of(manifest)}"


def description(image: Image) -> tuple[bytes, bytes]:
    """The image's configuration and manifest."""
    config = json.dumps(
        {
            "architecture": ARCHITECTURES[platform.machine()],
            "os": "linux",
            "config": image.config,
            "rootfs": {"type": "layers", "diff_ids": [layer.digest for layer in image.layers]},
        }
    ).encode()
    manifest = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": {"mediaType": CONFIG, "digest": digest_of(config), "size": len(config)},
            "layers": [
                {"mediaType": LAYER, "digest": layer.digest, "size": layer.size} for layer in image.layers
            ],
        }
    ).encode()
    return config, manifest


def add_file(tar: tarfile.TarFile, path: Path, name: str) -> None:
    """Add a file to a layer under another name, as root's, readable by all, without its times."""
    info = tarfile.TarInfo(name)
    info.size = path.stat().st_size
    info.mode = 0o755 if path.stat().st_mode & 0o100 else 0o644
    with path.open("rb") as content:
        tar.addfile(info, content)


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    tar.addfile(info, io.BytesIO(content))


def _blob(digest: str) -> str:
    return f"blobs/{digest.replace(':', '/')}"


def digest_of(content: bytes) -> str:
    """The name of a blob."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _digest_of_file(path: Path) -> str:
    with path.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


def remove_stale(directory: Path, kept: Path) -> None:
    """Remove the other layers of the same kind: each has some hundred megabytes."""
    for other in directory.glob(f"{kept.name.partition('-')[0]}-*"):
        if other != kept:
            shutil.rmtree(other)
