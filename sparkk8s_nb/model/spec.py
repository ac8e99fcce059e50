"""What a session is to be: decided before anything is made, unchanged afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from sparkk8s_nb.model.needs import SecretUse, VolumeUse

GIB = 1024**3
MIB = 1024**2


class TargetKind(StrEnum):
    """Which cluster: the one of this machine, a kubeconfig's context, or the one this pod runs in."""

    EMBEDDED = "embedded"
    CONTEXT = "context"
    IN_CLUSTER = "in-cluster"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterTarget:
    """Where executors go.

    Parameters
    ----------
    kind : TargetKind
    namespace : str
        The executors' namespace.
    context : str
        Name of the kubeconfig's context; empty in a cluster.
    kubeconfig : Path or None
        The file, where one is used.
    """

    kind: TargetKind
    namespace: str
    context: str = ""
    kubeconfig: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterAccess:
    """How a process without the kubernetes client reaches the API server: the keeper and Spark's client.

    Credentials are files where they can be, so that rotation is seen; ``token`` is only for a kubeconfig
    that holds one in clear text. The value's repr shows neither it nor the proxy, whose URL may hold a password.

    Parameters
    ----------
    server : str
        ``https://host:port``.
    ca_file, client_cert_file, client_key_file, token_file : Path or None
    key_algorithm : str
        Of the client's key, ``RSA`` or ``EC``: Spark's client has to be told. Empty where there is no key.
    token : str
    verify : bool
        Whether the server's certificate is checked.
    tls_server_name : str
        The name to expect in that certificate, where it is not the server's host.
    proxy : str
        URL of a proxy; empty means what the environment says.
    token_changes : bool
        Whether the token's file is rewritten: by the kubelet, a plugin, or whoever the kubeconfig leaves it to.
    first_token_file : Path or None
        A copy of the token as it was at first, for Spark's client: that takes no file that ends in a newline.
    certificate_until : float
        When a client certificate ends that nobody renews, seconds since the epoch; 0.0 where that is not known.
    """

    server: str
    ca_file: Path | None = None
    client_cert_file: Path | None = None
    client_key_file: Path | None = None
    token_file: Path | None = None
    token: str = field(default="", repr=False)
    verify: bool = True
    tls_server_name: str = ""
    proxy: str = field(default="", repr=False)
    token_changes: bool = False
    key_algorithm: str = ""
    first_token_file: Path | None = None
    certificate_until: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutorSpec:
    """One executor.

    Parameters
    ----------
    cores : int
        Tasks it runs at once (``spark.executor.cores``).
    cpu_millis : int
        CPU that its pod requests, in thousandths of a core; on the embedded cluster less than
        ``cores`` where the machine is small.
    memory : int
        The whole pod, in bytes: heap, Python and overhead together, request and limit.
    disk : int or None
        Size limit of its scratch volume in bytes.
    overhead : int or None
        Bytes of ``memory`` that are not heap, where that was said; else a share of it.
    beside : int
        Bytes of ``memory`` that Spark adds to heap and overhead by itself (off-heap memory).
    cpu_limit_millis : int or None
        CPU limit of its pod, in thousandths of a core.
    """

    cores: int = 2
    cpu_millis: int = 2000
    memory: int = 8 * GIB
    disk: int | None = None
    overhead: int | None = None
    beside: int = 0
    cpu_limit_millis: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedPaths:
    """Local paths that executors share with the driver; of those that contain a path the innermost decides.

    Parameters
    ----------
    shared : tuple of str
        With all that is below them.
    apart : tuple of str
        Within them: a volume that only one side mounts there.
    """

    shared: tuple[str, ...] = ()
    apart: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSpec:
    """Everything a start needs to know, after defaults, files, profile and line were merged.

    Parameters
    ----------
    name : str
        The session's name in the cluster: its Lease, its label value, the prefix of its pods.
    owner, notebook : str
        Valid label values that stand for the user and the notebook.
    target : ClusterTarget
    executors : int
        How many, at least 1.
    executor : ExecutorSpec
    driver_memory : int
        Heap of the driver JVM in bytes.
    image : str
        The executors' image.
    conf : Mapping[str, str]
        Spark confs of the user's own, already checked against those the toolkit owns.
    packages : tuple of str
        Maven coordinates.
    py_files : tuple of str
        Files for the executors' Python path.
    pod_templates : tuple of Path
        Administrator's first, then the user's.
    env : tuple of str
        Names of variables that executors get from the session's own Secret; their values are not here.
    secrets : tuple of SecretUse
    volumes : tuple of VolumeUse
    labels : Mapping[str, str]
        What settings add to the labels of everything that the session makes.
    shared_paths : SharedPaths or None
        The only local paths that Spark may write to; None for all.
    wait : int
        How many executors ``start`` waits for; 0 returns with the driver.
    timeout : float
        Seconds that ``start`` waits for them.
    event_log : bool
    progress : bool
        Whether progress is shown under cells.
    driver_address : str
        ``ip`` or ``dns``.
    """

    name: str
    owner: str
    notebook: str
    target: ClusterTarget
    executors: int = 2
    executor: ExecutorSpec = field(default_factory=ExecutorSpec)
    driver_memory: int = 2 * GIB
    image: str = ""
    conf: Mapping[str, str] = field(default_factory=dict)
    packages: tuple[str, ...] = ()
    py_files: tuple[str, ...] = ()
    pod_templates: tuple[Path, ...] = ()
    env: tuple[str, ...] = ()
    secrets: tuple[SecretUse, ...] = ()
    volumes: tuple[VolumeUse, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    shared_paths: SharedPaths | None = None
    wait: int = 1
    timeout: float = 300.0
    event_log: bool = True
    progress: bool = True
    driver_address: str = "ip"
