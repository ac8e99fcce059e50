"""What the real cluster is made from: pure parts, tested without one."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from functools import partial
from pathlib import Path

import pytest

from tests.cluster.dns import host_lines
from tests.cluster.provision.binaries import go_mod, staging_modules
from tests.cluster.provision.oci import Image, add_file, cached_layer, remove_stale, write_layout
from tests.cluster.provision.places import binary, cache_dir, missing_binaries
from tests.cluster.provision.toolchain import release

KUBERNETES_GO_MOD = """
module k8s.io/kubernetes
require k8s.io/api v0.0.0
replace (
	k8s.io/api => ./staging/src/k8s.io/api
	k8s.io/kubelet => ./staging/src/k8s.io/kubelet
	example.org/other => example.org/fork v1.0.0
)
"""


def test_the_cache_is_where_the_user_has_caches() -> None:
    """And what is in it has its version in its path."""
    home = {"HOME": "/home/a"}
    assert cache_dir(home) == Path("/home/a/.cache/sparkk8s-nb")
    assert cache_dir(home | {"XDG_CACHE_HOME": "/big"}) == Path("/big/sparkk8s-nb")
    assert binary("kubelet", home).parent.name.startswith("v1.")
    assert missing_binaries(("kubelet",), {"XDG_CACHE_HOME": "/nowhere"}) == ["kubelet"]


def test_staging_modules_are_replaced_by_their_published_versions() -> None:
    """Kubernetes' own list of them counts; other replacements do not."""
    modules = staging_modules(KUBERNETES_GO_MOD)
    assert modules == ["k8s.io/api", "k8s.io/kubelet"]
    text = go_mod("k8s.io/kubernetes", "v1.35.4", "1.25.0", dict.fromkeys(modules, "v0.35.4"))
    assert "require k8s.io/kubernetes v1.35.4\n" in text
    assert "replace k8s.io/kubelet => k8s.io/kubelet v0.35.4\n" in text


@pytest.mark.parametrize(
    ("text", "expected"),
    [("go version go1.19.8 linux/amd64", (1, 19)), ("go version go1.27rc1 darwin/arm64", (1, 27))],
)
def test_go_s_release_is_read(text: str, expected: tuple[int, int]) -> None:
    """Of old ones, and of candidates."""
    assert release(text) == expected


def test_a_layout_names_every_blob_by_its_digest(tmp_path: Path) -> None:
    """And leaves out the layers that the importer has."""
    (tmp_path / "program").write_text("#!/bin/sh\n")
    (tmp_path / "program").chmod(0o700)

    def write(tar: Path, name: str) -> None:
        with tarfile.open(tar, "w") as layer:
            add_file(layer, tmp_path / "program", name)

    names = ("lower-1", "upper-1")
    layers = tuple(cached_layer(tmp_path / name, partial(write, name=name)) for name in names)
    image = Image(name="localhost/test:1", layers=layers, config={"User": "185"})
    file = io.BytesIO()
    write_layout(image, file, layers[1:])
    file.seek(0)
    with tarfile.open(fileobj=file) as layout:
        contents = {member.name: layout.extractfile(member).read() for member in layout}  # type: ignore[union-attr]
    blobs = {name.rpartition("/")[2]: data for name, data in contents.items() if name.startswith("blobs/")}
    assert all(hashlib.sha256(data).hexdigest() == name for name, data in blobs.items())
    (entry,) = json.loads(contents["index.json"])["manifests"]
    assert entry["annotations"] == {"io.containerd.image.name": "localhost/test:1"}
    manifest = json.loads(blobs[entry["digest"].partition(":")[2]])
    config = json.loads(blobs[manifest["config"]["digest"].partition(":")[2]])
    assert [layer["digest"] for layer in manifest["layers"]] == config["rootfs"]["diff_ids"]
    assert [layer["digest"].partition(":")[2] in blobs for layer in manifest["layers"]] == [False, True]
    with tarfile.open(layers[0].tar) as tar:
        assert [(each.mode, each.uid) for each in tar] == [(0o755, 0)]


def test_a_layer_is_made_once_and_the_last_one_of_its_kind_goes(tmp_path: Path) -> None:
    """A half-made one is never found."""

    def broken(tar: Path) -> None:
        tar.write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cached_layer(tmp_path / "own-1", broken)
    assert list(tmp_path.iterdir()) == []
    made = cached_layer(tmp_path / "own-1", lambda tar: tar.write_text("a") and None)
    assert cached_layer(tmp_path / "own-1", broken) == made
    for name in ("own-2", "other-1"):
        cached_layer(tmp_path / name, lambda tar: tar.write_text("b") and None)
    remove_stale(tmp_path, tmp_path / "own-2")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other-1", "own-2"]


def test_dns_knows_endpoints_that_are_ready_by_service_and_hostname() -> None:
    """The API's own Service has its name elsewhere; a slice without a service has none."""

    def endpoints(namespace: str, labels: dict[str, str] | None, *each: dict) -> dict:
        return {"metadata": {"namespace": namespace, "labels": labels}, "endpoints": list(each)}

    driver = {"kubernetes.io/service-name": "driver"}
    here = {"addresses": ["10.0.0.7"], "conditions": {"ready": True}, "hostname": "one"}
    gone = {"addresses": ["10.0.0.8"], "conditions": {"ready": False}}
    api = endpoints("default", {"kubernetes.io/service-name": "kubernetes"}, here)
    assert host_lines([endpoints("a", driver, here, gone), endpoints("b", None, here), api]) == [
        "10.0.0.7 driver.a.svc.cluster.local",
        "10.0.0.7 one.driver.a.svc.cluster.local",
    ]
