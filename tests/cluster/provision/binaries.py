"""Builds what a cluster runs with Go: ``python -m tests.cluster.provision.binaries [NAME...]``.

That is etcd, Kubernetes, kube-router, which enforces network policies, and pods' pause.

Kubernetes' own module replaces its staging modules by directories, so ``go install`` refuses it. A module of
ours requires it and replaces each of them by its published version instead: v1.35.4 has v0.35.4.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.cluster.provision.places import (
    BINARIES,
    ETCD,
    KUBE_ROUTER,
    KUBERNETES,
    PAUSE_SOURCE,
    binary,
    missing_binaries,
)
from tests.cluster.provision.toolchain import find_go

STAGING = re.compile(r"^\s*(?:replace\s+)?(\S+) => \./staging/", re.MULTILINE)


def go_mod(module: str, version: str, requires_go: str, replaced: dict[str, str]) -> str:
    """The text of a module that needs only ``module``."""
    lines = [f"module build\n\ngo {requires_go}\n\nrequire {module} {version}\n"]
    lines += [f"replace {name} => {name} {at}" for name, at in sorted(replaced.items())]
    return "\n".join(lines) + "\n"


def staging_modules(text: str) -> list[str]:
    """The modules that a ``go.mod`` of Kubernetes replaces by its own directories.

    >>> staging_modules("replace (\\n\\tk8s.io/api => ./staging/src/k8s.io/api\\n)")
    ['k8s.io/api']
    """
    return STAGING.findall(text)


def build(name: str, go: str) -> Path:
    """Build one binary with that Go and return its path."""
    target = binary(name)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{name}-", dir=target.parent) as directory:
        work = Path(directory)
        flags = "-s -w"
        match name:
            case "etcd":
                package = "go.etcd.io/etcd/server/v3"
                _module(go, work, package, ETCD, replaced=False)
            case "kube-router":
                module = "github.com/cloudnativelabs/kube-router/v2"
                _module(go, work, module, KUBE_ROUTER, replaced=False)
                package = f"{module}/cmd/kube-router"
            case "pause":
                (work / "go.mod").write_text("module build\n")
                package = str(shutil.copy(PAUSE_SOURCE, work))
            case _:
                package = f"k8s.io/kubernetes/cmd/{name}"
                _module(go, work, "k8s.io/kubernetes", KUBERNETES, replaced=True)
                flags += f" {_version_flags()}"
        _go(
            go,
            work,
            "build",
            "-mod=mod",
            "-trimpath",
            "-buildvcs=false",
            "-ldflags",
            flags,
            "-o",
            name,
            package,
        )
        (work / name).replace(target)  # never a half-written binary under its name
    return target


def _module(go: str, work: Path, module: str, version: str, *, replaced: bool) -> None:
    """Write ``go.mod`` into ``work``, from what the module itself asks for."""
    (work / "go.mod").write_text("module build\n")
    told = json.loads(_go(go, work, "mod", "download", "-json", f"{module}@{version}", capture=True))
    text = Path(told["GoMod"]).read_text()
    requires_go = re.search(r"^go (\S+)$", text, re.MULTILINE)
    assert requires_go is not None
    at = f"v0.{version.partition('.')[2]}"
    replacements = dict.fromkeys(staging_modules(text), at) if replaced else {}
    (work / "go.mod").write_text(go_mod(module, version, requires_go[1], replacements))


def _version_flags() -> str:
    major, minor, _ = KUBERNETES.removeprefix("v").split(".")
    values = {"gitVersion": KUBERNETES, "gitMajor": major, "gitMinor": minor, "gitTreeState": "clean"}
    return " ".join(f"-X k8s.io/component-base/version.{key}={value}" for key, value in values.items())


def _go(go: str, work: Path, *arguments: str, capture: bool = False) -> str:
    environ = {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "", "GOWORK": "off", "GOTOOLCHAIN": "local"}
    done = subprocess.run(
        [go, *arguments],
        cwd=work,
        env=environ,
        check=True,
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE if capture else None,
    )
    return done.stdout or ""


def main(names: list[str]) -> None:
    """Build what is missing of ``names``, by default everything."""
    wanted = tuple(names) or BINARIES
    unknown = set(wanted) - set(BINARIES)
    if unknown:
        sys.exit(
            f"Not a binary of the cluster: {', '.join(sorted(unknown))}. There are: {', '.join(BINARIES)}."
        )
    missing = missing_binaries(wanted)
    go = find_go() if missing else ""
    for name in missing:
        begun = time.monotonic()
        print(f"Building {name} ...", flush=True)
        print(f"{build(name, go)} ({time.monotonic() - begun:.0f} s)", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
