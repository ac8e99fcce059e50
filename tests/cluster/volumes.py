"""A volume for tests: a directory of this machine as a claim that several pods mount."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.cluster.real_cluster import Namespace
from tests.eventually import eventually

SIZE = "1Gi"


@contextmanager
def shared_claim(namespace: Namespace, name: str, directory: Path) -> Iterator[str]:
    """A PersistentVolumeClaim bound to a directory that anybody may write to; both go at the end."""
    directory.mkdir()
    directory.chmod(0o777)  # pods have users of their own
    volume = f"{namespace.name}-{name}"
    source = {"hostPath": {"path": str(directory)}, "storageClassName": ""}
    common = {"accessModes": ["ReadWriteMany"], "storageClassName": ""}
    namespace.post(
        "/api/v1/persistentvolumes",
        {"metadata": {"name": volume}, "spec": {**common, **source, "capacity": {"storage": SIZE}}},
    )
    try:
        namespace.post(
            f"/api/v1/namespaces/{namespace.name}/persistentvolumeclaims",
            {
                "metadata": {"name": name},
                "spec": {**common, "volumeName": volume, "resources": {"requests": {"storage": SIZE}}},
            },
        )

        def bound() -> bool:
            claim = namespace.administrator.read("PersistentVolumeClaim", name) or {}
            return bool((claim.get("status") or {}).get("phase") == "Bound")

        assert eventually(bound), namespace.administrator.read("PersistentVolumeClaim", name)
        yield name
    finally:
        namespace.administrator.delete("PersistentVolumeClaim", name)
        namespace.api.request("DELETE", f"/api/v1/persistentvolumes/{volume}")
