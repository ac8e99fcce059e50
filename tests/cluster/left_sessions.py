"""Sessions as a dead kernel and keeper leave them: a Lease, what it owns, an executor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sparkk8s_nb.kube.lease import lease_manifest, owner_reference
from sparkk8s_nb.model.labels import MANAGED_BY, PREFIX, RECORD, SESSION
from sparkk8s_nb.model.record import Holder, SessionRecord
from tests.cluster.real_cluster import Namespace

NOTEBOOK: dict[str, Any] = {
    "kind": "Pod",
    "metadata": {"name": "notebook"},
    "spec": {
        "nodeSelector": {"no-such": "node"},
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 1000,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [
            {
                "name": "notebook",
                "image": "none",
                "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
            }
        ],
    },
}
"""A pod that fits Pod Security's strictest level and stays pending for ever."""


def make_session(namespace: Namespace, name: str, notebook: Mapping[str, Any]) -> None:
    """A session that a notebook's pod holds, or one of that name and uid once held."""
    meta = notebook["metadata"]
    holder = Holder(
        boot="another machine",
        pid=7,
        started=1.0,
        pod=meta["uid"],
        pod_name=meta["name"],
        pod_namespace=meta["namespace"],
        container="notebook",
    )
    record = SessionRecord(name=name, owner="o", notebook="n", namespace=namespace.name, holder=holder)
    labels = {MANAGED_BY: PREFIX, SESSION: name}
    lease = namespace.administrator.create(
        lease_manifest(
            name,
            namespace.name,
            labels=labels,
            annotations={RECORD: record.as_json()},
            holder="h",
            duration_seconds=60,
            now=1,
        )
    )
    owned = {"labels": labels, "ownerReferences": [owner_reference(lease)]}
    namespace.administrator.create({"kind": "Secret", "metadata": {"name": f"{name}-rpc", **owned}})
    namespace.administrator.create(NOTEBOOK | {"metadata": {"name": f"{name}-exec-1", **owned}})
