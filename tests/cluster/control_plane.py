"""The controllers and the scheduler."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from tests.cluster.apiserver import Api
from tests.cluster.cleanup import Run
from tests.cluster.daemons import Daemon
from tests.cluster.provision.places import binary

FAST = ("--kube-api-qps=200", "--kube-api-burst=400")


def start_control_plane(run: Run, stack: ExitStack, api: Api) -> tuple[Daemon, Daemon]:
    """Start both, each with the rights that Kubernetes gives it and no more."""
    authority, place = api.authority, api.place
    private, _ = api.service_accounts
    controllers = [
        *_common("kube-controller-manager", _kubeconfig(api, "kube-controller-manager")),
        f"--cert-dir={run.directory}/controller-manager",
        f"--root-ca-file={authority.certificate}",
        f"--service-account-private-key-file={private}",
        "--use-service-account-credentials=true",
        f"--cluster-signing-cert-file={authority.certificate}",
        f"--cluster-signing-key-file={authority.key}",
        f"--service-cluster-ip-range={place.services}",
    ]
    scheduler = _common("kube-scheduler", _kubeconfig(api, "kube-scheduler"))
    scheduler.append(f"--cert-dir={run.directory}/scheduler")
    started = (
        Daemon(run, "kube-controller-manager", controllers, inside=place.inside),
        Daemon(run, "kube-scheduler", scheduler, inside=place.inside),
    )
    for daemon in started:
        stack.callback(daemon.stop)
    return started


def _kubeconfig(api: Api, name: str) -> Path:
    return api.authority.kubeconfig(name, api.place.server, f"system:{name}")


def _common(name: str, kubeconfig: Path) -> list[str]:
    return [
        str(binary(name)),
        f"--kubeconfig={kubeconfig}",
        f"--authentication-kubeconfig={kubeconfig}",
        f"--authorization-kubeconfig={kubeconfig}",
        "--bind-address=127.0.0.1",
        "--leader-elect=false",
        "--profiling=false",
        *FAST,
    ]
