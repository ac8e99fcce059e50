"""Sessions whose objects are on a real API server; only Spark itself and the processes are fakes."""

from __future__ import annotations

from functools import partial
from typing import Any

from sparkk8s_nb.kube.gateway import KubeCluster
from sparkk8s_nb.kube.lease import lease_manifest
from sparkk8s_nb.kube.preflight import check_rights
from sparkk8s_nb.model.sparkconf import DriverNetwork
from sparkk8s_nb.model.spec import ClusterTarget, TargetKind
from sparkk8s_nb.session.parts import HeldNetwork
from sparkk8s_nb.session.session import Session
from tests.cluster.real_cluster import Namespace
from tests.unit.session.conftest import World

DRIVER = DriverNetwork(address="192.0.2.7", driver_port=22000, block_manager_port=22001, ui_port=22002)


def session_of(world: World, namespace: Namespace, user: KubeCluster, **spec: Any) -> Session:
    """A session whose objects are real; only Spark itself and the processes are not."""
    name = spec.get("name", world.name)

    def lease(labels: dict[str, str], annotations: dict[str, str]) -> dict[str, Any]:
        return lease_manifest(
            name,
            namespace.name,
            labels=labels,
            annotations=annotations,
            holder=name,
            duration_seconds=60,
            now=1,
        )

    parts = {
        "cluster": user,
        "lease": lease,
        "preflight": partial(check_rights, user),
        "take_ports": lambda: HeldNetwork(network=DRIVER, release=lambda: None),
        "executor_env": {"TOKEN": "secret"},
    }
    target = ClusterTarget(kind=TargetKind.CONTEXT, namespace=namespace.name, context="real")
    given = {"target": target, "env": ("TOKEN",), "labels": {"team": "data"}} | spec
    session: Session = world.session(parts=parts, **given)
    return session
