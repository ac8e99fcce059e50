"""Executors' images that lack something: each ends with words, soon, whatever Spark would say of it."""

from __future__ import annotations

import secrets
import sys
import tarfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from tests.cluster.node_tier import NodeTier
from tests.cluster.notebook_pods import NotebookPod, PodKernel
from tests.cluster.provision.images import SITE, python_image
from tests.cluster.provision.oci import add_file, cached_layer
from tests.cluster.registry import NAME, forget, registry

pytestmark = [pytest.mark.node_tier, pytest.mark.timeout(600)]

OTHER = f"{sys.version_info.major}.{sys.version_info.minor + 1}"
GONE = ""
"""What an image below has, and this one has not."""

IMAGES: Mapping[str, tuple[Mapping[str, str], str]] = {
    "Java": ({"usr/lib/jvm": GONE, "usr/bin/java": GONE}, "no Java in this image. Use an image with Java 17"),
    "pyspark": (
        {f"{SITE}/pyspark": GONE},
        "no Spark in this image. Use an image with pyspark, the same version",
    ),
    "Python": ({"usr/bin/python3": GONE, "usr/bin/python3.11": GONE}, "no Python (python3) in this image."),
    "this Python": (
        {"usr/bin/python3": f"#!/bin/sh\necho {OTHER}\n", "usr/bin/python3.11": GONE},
        f"this image has Python {OTHER}. Use an image with Python 3.11, as the notebook has it (--image)",
    ),
    "this pyspark": (
        {f"{SITE}/pyspark/jars": GONE, "opt/spark/jars/spark-core_2.13-3.5.0.jar": "of another Spark"},
        "this image has spark-core_2.13-3.5.0.jar, the notebook spark-core_",
    ),
}


@pytest.fixture
def lacking(our_node_tier: NodeTier, tmp_path: Path) -> Iterator[Callable[[Mapping[str, str]], str]]:
    """Puts an image with other files into a registry; returns its name."""
    made = python_image()
    name = f"{NAME}/team/lacking:{secrets.token_hex(4)}"
    with ExitStack() as stack:

        def make(files: Mapping[str, str]) -> str:
            layer = cached_layer(tmp_path / "layer", lambda tar: write(tar, tmp_path / "file", files))
            image = replace(made, name=name, layers=(*made.layers, layer))
            stack.callback(forget, our_node_tier.containers, image)
            stack.enter_context(registry(our_node_tier.namespaces, image))
            return name

        yield make


def write(tar: Path, scratch: Path, files: Mapping[str, str]) -> None:
    """A layer with these files; what is gone has an empty file that says so, after the image specification."""
    with tarfile.open(tar, "w") as layer:
        for name, content in files.items():
            path = Path(name)
            scratch.write_text(content)
            scratch.chmod(0o755)
            add_file(layer, scratch, name if content else str(path.with_name(f".wh.{path.name}")))


@pytest.mark.parametrize("what", IMAGES)
def test_an_image_without_it_ends_the_start_with_what_lacks(
    notebook: NotebookPod, kernel: PodKernel, lacking: Callable[[Mapping[str, str]], str], what: str
) -> None:
    """In two lines, and what to use instead."""
    files, said = IMAGES[what]
    cell = kernel.run(f"%sparkk8s start -n 1 --image {lacking(files)}", fails=True)
    assert said in cell.error, cell.said
    assert "--image" in cell.error.splitlines()[-1]
    assert notebook.left() == []
