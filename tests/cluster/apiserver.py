"""etcd and the API server: the API tier, and the base of the node tier."""

from __future__ import annotations

import json
import signal
import socket
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from urllib3 import exceptions as net

from sparkk8s_nb.apiserver import ApiServer, Timeouts
from sparkk8s_nb.localfiles import private_dir
from sparkk8s_nb.model.spec import ClusterAccess
from tests.cluster.cleanup import Run
from tests.cluster.credentials import Authority, service_account_keys
from tests.cluster.daemons import Daemon, wait_until
from tests.cluster.provision.places import binary

UP_SECONDS = 120.0
ISSUER = "https://kubernetes.default.svc.cluster.local"
ADMINISTRATORS = "system:masters"
COMPONENTS = ("system:apiserver", "system:kube-controller-manager", "system:kube-scheduler")
AUDIT_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["ResponseStarted", "ResponseComplete", "Panic"],
    "rules": [
        {"level": "None", "users": list(COMPONENTS)},
        {"level": "None", "userGroups": ["system:nodes", "system:serviceaccounts:kube-system"]},
        {"level": "Metadata"},
    ],
}
"""Each request of everybody but the cluster's own components is a line, when it comes."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where the API server listens, and what it calls the services' network.

    Parameters
    ----------
    address, port
        Where it listens.
    advertised : str
        The address that pods' Service ``kubernetes`` leads to; empty where there are no pods.
    services : str
        The services' network; its first address is the API's own.
    names : tuple of str
        More addresses and names for the server's certificate.
    inside : tuple of str
        The command that enters the node's namespaces.
    """

    address: str
    port: int
    services: str
    advertised: str = ""
    names: tuple[str, ...] = ()
    inside: tuple[str, ...] = ()

    @property
    def server(self) -> str:
        """The API server's address as a kubeconfig says it."""
        return f"https://{self.address}:{self.port}"


@dataclass(frozen=True, kw_only=True)
class Api:
    """A running API server with its etcd."""

    place: Place
    authority: Authority
    daemons: tuple[Daemon, Daemon]
    admin: Path
    service_accounts: tuple[Path, Path]
    audit: Path

    @contextmanager
    def away(self) -> Iterator[None]:
        """While it is open the API server is gone, and etcd keeps what it had; then it is back and ready."""
        _, server = self.daemons
        server.stop(signal.SIGKILL)
        try:
            yield
        finally:
            server.start()
            _wait_ready(self)


def free_port() -> int:
    """A port of loopback that nobody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def start_api_tier(run: Run, stack: ExitStack) -> Api:
    """The API tier: on loopback, without nodes."""
    return start_api(run, stack, Place(address="127.0.0.1", port=free_port(), services="10.96.0.0/24"))


def start_api(run: Run, stack: ExitStack, place: Place) -> Api:
    """Start etcd and the API server and wait until it is ready; the stack ends them."""
    authority = Authority(private_dir(run.directory / "pki"))
    keys = service_account_keys(authority.directory)
    etcd = start_etcd(run, stack, place.inside)
    policy = run.directory / "audit-policy.json"
    policy.write_text(json.dumps(AUDIT_POLICY))
    audit = run.directory / "audit.log"
    command = _api_command(run, place, authority, keys)
    command += [f"--audit-policy-file={policy}", f"--audit-log-path={audit}"]
    server = Daemon(run, "kube-apiserver", command, inside=place.inside)
    stack.callback(server.stop, signal.SIGKILL)  # its data goes with it: nothing to finish
    admin = authority.kubeconfig("admin", place.server, "admin", (ADMINISTRATORS,))
    api = Api(
        place=place,
        authority=authority,
        daemons=(etcd, server),
        admin=admin,
        service_accounts=keys,
        audit=audit,
    )
    _wait_ready(api)
    return api


def start_etcd(run: Run, stack: ExitStack, inside: Sequence[str]) -> Daemon:
    """Start etcd on sockets in the run's directory: nobody else can reach it."""
    client, peer = (f"unix://{run.directory}/{name}.sock" for name in ("etcd", "etcd-peer"))
    nobody = "http://localhost:1"  # what it would tell other members, which wants to look like an address
    command = [
        str(binary("etcd")),
        "--name=test",
        f"--data-dir={run.directory}/etcd",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={nobody}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={nobody}",
        f"--initial-cluster=test={nobody}",
        "--unsafe-no-fsync",
        "--logger=zap",
        "--log-level=warn",
    ]
    daemon = Daemon(run, "etcd", command, inside=inside)
    stack.callback(daemon.stop, signal.SIGKILL)
    return daemon


def _api_command(run: Run, place: Place, authority: Authority, keys: tuple[Path, Path]) -> list[str]:
    names = ("kubernetes", "kubernetes.default", "kubernetes.default.svc", "localhost")
    crt, key = authority.certify(
        "apiserver", "kube-apiserver", addresses=(place.address, *place.names, *names)
    )
    kubelet_crt, kubelet_key = authority.certify(
        "apiserver-kubelet-client", "kube-apiserver-kubelet-client", groups=(ADMINISTRATORS,)
    )
    private, public = keys
    advertise = (
        [f"--advertise-address={place.advertised}"]
        if place.advertised
        else ["--endpoint-reconciler-type=none"]
    )
    return [
        str(binary("kube-apiserver")),
        f"--etcd-servers=unix://{run.directory}/etcd.sock",
        f"--bind-address={place.address}",
        f"--secure-port={place.port}",
        *advertise,
        f"--cert-dir={run.directory}/apiserver",
        f"--client-ca-file={authority.certificate}",
        f"--tls-cert-file={crt}",
        f"--tls-private-key-file={key}",
        f"--kubelet-client-certificate={kubelet_crt}",
        f"--kubelet-client-key={kubelet_key}",
        f"--kubelet-certificate-authority={authority.certificate}",
        "--kubelet-preferred-address-types=InternalIP",
        f"--service-account-key-file={public}",
        f"--service-account-signing-key-file={private}",
        f"--service-account-issuer={ISSUER}",
        f"--service-cluster-ip-range={place.services}",
        "--authorization-mode=Node,RBAC",
        "--anonymous-auth=false",
        "--enable-admission-plugins=NodeRestriction,PodSecurity",
        "--profiling=false",
    ]


def admin_access(api: Api) -> ClusterAccess:
    """How the administrator reaches the server."""
    pki = api.authority.directory
    return ClusterAccess(
        server=api.place.server,
        ca_file=api.authority.certificate,
        client_cert_file=pki / "admin.crt",
        client_key_file=pki / "admin.key",
    )


def _wait_ready(api: Api) -> None:
    transport = ApiServer(admin_access(api))

    def ready() -> bool:
        try:
            return transport.request("GET", "/readyz", timeouts=Timeouts(connect=1, read=5)).ok
        except (net.HTTPError, OSError):
            return False  # it does not listen yet

    try:
        wait_until(ready, UP_SECONDS, "the API server to be ready", api.daemons)
    finally:
        transport.close()
