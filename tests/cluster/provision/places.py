"""Versions, and the cache outside the checkout."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

KUBERNETES = "v1.35.4"
ETCD = "v3.6.16"
KUBE_ROUTER = "v2.1.0"

KUBERNETES_BINARIES = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kubectl")
API_BINARIES = ("etcd", "kube-apiserver")
NODE_BINARIES = ("etcd", *KUBERNETES_BINARIES, "pause")
BINARIES = (*NODE_BINARIES, "kube-router")
PAUSE_SOURCE = Path(__file__).with_name("pause.go")


def cache_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """The project's cache: ``$XDG_CACHE_HOME/sparkk8s-nb``, else ``~/.cache/sparkk8s-nb``."""
    base = environ.get("XDG_CACHE_HOME") or Path(environ.get("HOME") or Path.home()) / ".cache"
    return Path(base) / "sparkk8s-nb"


def binary(name: str, environ: Mapping[str, str] = os.environ) -> Path:
    """Where a binary of the cluster's version is, or will be."""
    match name:
        case "etcd":
            place = f"etcd/{ETCD}"
        case "kube-router":
            place = f"kube-router/{KUBE_ROUTER}"
        case "pause":
            place = f"pause/{hashlib.sha256(PAUSE_SOURCE.read_bytes()).hexdigest()[:16]}"
        case _:
            place = f"kubernetes/{KUBERNETES}"
    return cache_dir(environ) / place / name


def missing_binaries(names: tuple[str, ...], environ: Mapping[str, str] = os.environ) -> list[str]:
    """Which of these have not been built yet."""
    return [name for name in names if not os.access(binary(name, environ), os.X_OK)]
