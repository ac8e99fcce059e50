"""What a pod is given to reach its own cluster: whether this process has it, and for which namespace."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


def in_cluster(environ: Mapping[str, str], *, service_account: Path = SERVICE_ACCOUNT) -> bool:
    """Whether this process runs in a pod with a mounted token.

    >>> in_cluster({})
    False
    """
    address = environ.get("KUBERNETES_SERVICE_HOST") and environ.get("KUBERNETES_SERVICE_PORT")
    return bool(address) and (service_account / "token").is_file()


def own_namespace(*, service_account: Path = SERVICE_ACCOUNT) -> str:
    """The namespace of the pod this process runs in; empty outside a cluster."""
    file = service_account / "namespace"
    return file.read_text(encoding="utf-8").strip() if file.is_file() else ""
