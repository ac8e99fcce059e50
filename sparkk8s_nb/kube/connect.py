"""From a kubeconfig's context, or from inside a pod, to a cluster that answered."""

from __future__ import annotations

import base64
import binascii
import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from sparkk8s_nb.apiserver import ApiServer, Timeouts, bearer_token
from sparkk8s_nb.errors import ConnectError
from sparkk8s_nb.kube.gateway import KubeCluster
from sparkk8s_nb.kube.kubeconfig import (
    Chosen,
    ContextInfo,
    Entry,
    choose,
    contexts,
    default_kubeconfigs,
    load,
)
from sparkk8s_nb.kube.plugins import RenewedToken, TokenRenewal, fetch_credential, needs_plugin
from sparkk8s_nb.localfiles import private_dir, write_private
from sparkk8s_nb.model.spec import ClusterAccess, ClusterTarget, TargetKind
from sparkk8s_nb.service_account import SERVICE_ACCOUNT, in_cluster

__all__ = ["ContextInfo", "connect", "contexts", "default_kubeconfigs"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Endpoint:
    """How to reach a server, and a token that we renew ourselves, if we do."""

    access: ClusterAccess
    token: RenewedToken | None = None


def connect(
    target: ClusterTarget,
    *,
    scratch: Path,
    timeout: float = 10.0,
    environ: Mapping[str, str] = os.environ,
    service_account: Path = SERVICE_ACCOUNT,
) -> KubeCluster:
    """Open a cluster and prove that it answers.

    Parameters
    ----------
    target : ClusterTarget
        Its ``kubeconfig`` and ``context``, or in-cluster; empty ones mean kubectl's defaults.
    scratch : Path
        A directory of the session, made 0700: credentials that stand in the kubeconfig itself are
        written there as 0600 files, for Spark's own client and the keeper.
    timeout : float
        Seconds until the server must have answered.
    environ, service_account
        Where to look; for tests.

    Raises
    ------
    ConnectError
        If the kubeconfig is missing, unreadable or malformed, has no such context, its certificates
        are no good, or the server does not answer.
    RefusedError
        If the server does not accept the credentials.

    Examples
    --------
    >>> target = ClusterTarget(kind=TargetKind.CONTEXT, namespace="team", context="lab")
    >>> connect(target, scratch=Path("/run/user/1000/sparkk8s/session")).version()    # doctest: +SKIP
    'v1.34.2'
    """
    if target.kind is TargetKind.IN_CLUSTER:
        endpoint = _from_pod(environ, service_account)
    else:
        endpoint = _from_context(_chosen(target, environ), private_dir(scratch))
    renewal = TokenRenewal(endpoint.token) if endpoint.token else None
    transport = _transport(endpoint)
    access = _with_first_token(endpoint.access, scratch)
    cluster = KubeCluster(target, access, transport, on_close=renewal.stop if renewal else None)
    try:
        cluster.version(timeouts=Timeouts(connect=timeout / 2, read=timeout / 2))
    except BaseException:
        cluster.close()
        raise
    if renewal is not None:
        renewal.start()
    return cluster


def _with_first_token(access: ClusterAccess, scratch: Path) -> ClusterAccess:
    """A file of the user's may end in a newline, which Spark's client would send with the token."""
    if access.token_file is None or (text := bearer_token(access)) == access.token_file.read_text("utf-8"):
        return access
    return replace(access, first_token_file=write_private(private_dir(scratch) / "api-first-token", text))


def _chosen(target: ClusterTarget, environ: Mapping[str, str]) -> Chosen:
    if target.kubeconfig is not None:
        return choose(load([target.kubeconfig]), target.context)
    defaults = default_kubeconfigs(environ, Path(environ.get("HOME") or Path.home()))
    return choose(load([path for path in defaults if path.exists()] or defaults[:1]), target.context)


def _from_pod(environ: Mapping[str, str], service_account: Path) -> _Endpoint:
    if not in_cluster(environ, service_account=service_account):
        raise ConnectError(
            "This process does not run in a pod with a service account's token.",
            fix="Name a context with --context, or use --context embedded.",
        )
    host, port = environ["KUBERNETES_SERVICE_HOST"], environ["KUBERNETES_SERVICE_PORT"]
    access = ClusterAccess(
        server=f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}",
        ca_file=service_account / "ca.crt",
        token_file=service_account / "token",
        token_changes=True,
    )
    return _Endpoint(access=access)


def _from_context(chosen: Chosen, scratch: Path) -> _Endpoint:
    cluster, user = chosen.cluster, chosen.user
    server = str(cluster.content["server"]).rstrip("/")
    if not server.startswith(("https://", "http://")):
        raise ConnectError(
            f"The server of context {chosen.name} is not an address: {server}.",
            fix="Repair the kubeconfig: server: https://host:port.",
        )
    certificate = _file(user, "client-certificate", scratch / "api-client.crt")
    key = _file(user, "client-key", scratch / "api-client.key")
    token, token_file = str(user.content.get("token") or ""), user.path("tokenFile")
    rotates = token_file is not None
    renewed: RenewedToken | None = None
    until = 0.0
    if needs_plugin(user.content) and not token and token_file is None:
        first = fetch_credential(chosen)
        if first.certificate:
            certificate = write_private(scratch / "api-client.crt", first.certificate)
            key = write_private(scratch / "api-client.key", first.key)
            until = first.expires or 0.0
        if first.token:
            token_file = scratch / "api-token"
            renewed = RenewedToken(lambda: fetch_credential(chosen), token_file, first)
            rotates = True
    elif token and token_file is None:
        token_file = write_private(scratch / "api-token", token)
    access = ClusterAccess(
        server=server,
        ca_file=_file(cluster, "certificate-authority", scratch / "api-ca.crt"),
        client_cert_file=certificate,
        client_key_file=key,
        token_file=token_file,
        token=token,
        verify=not cluster.content.get("insecure-skip-tls-verify"),
        tls_server_name=str(cluster.content.get("tls-server-name") or ""),
        proxy=str(cluster.content.get("proxy-url") or ""),
        token_changes=rotates,
        key_algorithm=_key_algorithm(key),
        certificate_until=until,
    )
    return _Endpoint(access=access, token=renewed)


def _file(entry: Entry, key: str, scratch: Path) -> Path | None:
    """The file behind ``key``, or one with the decoded ``key-data``, which goes first."""
    data = entry.content.get(f"{key}-data")
    if not data:
        return entry.path(key)
    try:
        return write_private(scratch, base64.b64decode(str(data), validate=True))
    except binascii.Error as error:
        raise ConnectError(
            f"{key}-data in {entry.file} is not base64.",
            fix="Repair the file, or get it anew from the cluster.",
        ) from error


def _key_algorithm(key: Path | None) -> str:
    """What kind of key it is; empty where it cannot be read: the TLS library says so in its own words."""
    if key is None or not os.access(key, os.R_OK):
        return ""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        found = load_pem_private_key(key.read_bytes(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return ""
    names = {rsa.RSAPrivateKey: "RSA", ec.EllipticCurvePrivateKey: "EC"}
    return next((name for kind, name in names.items() if isinstance(found, kind)), type(found).__name__)


def _transport(endpoint: _Endpoint) -> ApiServer:
    access = endpoint.access
    files = (access.ca_file, access.client_cert_file, access.client_key_file, access.token_file)
    for file in filter(None, files):
        if not os.access(file, os.R_OK):
            state = "cannot be read" if file.exists() else "is not there"
            raise ConnectError(
                f"The kubeconfig names a file that {state}: {file}.",
                fix="Get the cluster's kubeconfig anew, or make the file readable for you.",
            )
    try:
        renewed = endpoint.token
        return ApiServer(access, token=renewed, refused=renewed.refused if renewed is not None else None)
    except (ssl.SSLError, OSError) as error:
        reason = str(error).partition(" (_ssl.c")[0]
        raise ConnectError(
            f"The certificates of the kubeconfig cannot be used: {reason}.",
            fix="Get the cluster's kubeconfig anew.",
        ) from error
