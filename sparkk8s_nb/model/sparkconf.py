"""The Spark configuration of a session: every conf the toolkit sets, and why.

Nothing of it travels on a command line: pyspark turns builder confs into ``--conf k=v``, which every user
of the machine can read. The driver's JVM gets only what it must know at launch; the rest is set through
py4j before the context is made.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sparkk8s_nb.errors import ConnectError
from sparkk8s_nb.model.memory import OVERHEAD_FACTOR, executor_split
from sparkk8s_nb.model.quantities import format_duration
from sparkk8s_nb.model.spec import MIB, ClusterAccess, SessionSpec

SECRET_FILE = "/opt/sparkk8s/secret/rpc"  # noqa: S105 - where it is mounted, not what it is
DECOMMISSION_SCRIPT = "/opt/sparkk8s/tools/decommission.sh"
"""What Kubernetes runs before it ends an executor's pod; mounted from the session's ConfigMap."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverNetwork:
    """Where executors find the driver.

    Parameters
    ----------
    address : str
        The IP that the driver binds to and that executors dial.
    name : str
        The Service's DNS name, if executors are to dial that instead.
    driver_port, block_manager_port, ui_port : int
    """

    address: str
    driver_port: int
    block_manager_port: int
    ui_port: int
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionFiles:
    """Files of a session on the driver's machine that Spark reads or writes.

    Parameters
    ----------
    pod_template : Path
    rpc_secret : Path
    repl_classes : Path
        Directory of classes compiled in Scala cells.
    event_logs : Path or None
    scratch : Path
        The driver's temporary directory. It is no conf: ``spark.local.dir`` would name the executors' as well.
    """

    pod_template: Path
    rpc_secret: Path
    repl_classes: Path
    scratch: Path
    event_logs: Path | None = None


def check_access(access: ClusterAccess) -> None:
    """Refuse an API server that we reach and Spark's client (fabric8 7) would not.

    Raises
    ------
    ConnectError
        For a certificate that is for another name than the server's address, or a key of a kind that Java
        reads and that client does not.
    """
    if access.key_algorithm not in ("", "RSA", "EC"):
        raise ConnectError(
            "The kubeconfig's client key is neither RSA nor elliptic, and Spark's own client knows no others.",
            fix="Get a kubeconfig with a token, or with such a key.",
        )
    if access.verify and access.tls_server_name:
        raise ConnectError(
            "The kubeconfig's context has a tls-server-name, which Spark's own client cannot be told.",
            fix="Use a server address that is in the cluster's certificate, or start from a notebook in the cluster.",
        )


def ends_early(access: ClusterAccess, now: float) -> tuple[str, ...]:
    """A warning where the credentials end and nobody can renew them for Spark.

    >>> ends_early(ClusterAccess(server="https://k", certificate_until=7200.0), 3600.0)
    ("The kubeconfig's plugin gave a client certificate for 1 h: the session cannot outlive it.",)
    """
    if not access.certificate_until:
        return ()
    left = format_duration(max(0.0, access.certificate_until - now))
    return (f"The kubeconfig's plugin gave a client certificate for {left}: the session cannot outlive it.",)


def spark_conf(
    spec: SessionSpec, access: ClusterAccess, network: DriverNetwork, files: SessionFiles, *, ui_key: str
) -> dict[str, str]:
    """Every conf of a session, the user's own included.

    Parameters
    ----------
    spec : SessionSpec
    access : ClusterAccess
        How Spark's own Kubernetes client reaches the API server.
    network : DriverNetwork
    files : SessionFiles
    ui_key : str
        The Spark UI's signing key, base64url of 32 bytes.

    Returns
    -------
    dict of str to str
        Strings as Spark wants them. The toolkit's own confs win over the user's: what identity and
        security rest on was refused earlier, with the option to use instead.
    """
    conf = {**_defaults(spec), **spec.conf}
    conf |= _cluster(spec, access)
    conf |= _executors(spec)
    conf |= _network(network)
    conf |= _security(files, ui_key)
    conf |= _robustness(files)
    if files.event_logs is not None:
        conf |= _event_log(files.event_logs)
    return conf


def _defaults(spec: SessionSpec) -> dict[str, str]:
    """What a user may override."""
    return {
        "spark.app.name": spec.name,
        "spark.ui.showConsoleProgress": "false",  # it would write into the driver's log
        "spark.sql.execution.arrow.pyspark.enabled": "true",
        "spark.decommission.enabled": "true",
        "spark.storage.decommission.enabled": "true",
        "spark.storage.decommission.shuffleBlocks.enabled": "true",
        "spark.storage.decommission.rddBlocks.enabled": "true",
        # Spark's own default, /opt/decom.sh, is in its own images alone.
        "spark.kubernetes.decommission.script": DECOMMISSION_SCRIPT,
        "spark.kubernetes.allocation.batch.delay": "101ms",  # must be more than 100ms
        "spark.kubernetes.allocation.batch.size": "20",
        "spark.kubernetes.executor.eventProcessingInterval": "500ms",
    }


def _cluster(spec: SessionSpec, access: ClusterAccess) -> dict[str, str]:
    conf = {
        "spark.master": f"k8s://{access.server}",
        "spark.submit.deployMode": "client",
        "spark.kubernetes.namespace": spec.target.namespace,
        "spark.kubernetes.container.image": spec.image,
        "spark.kubernetes.executor.podNamePrefix": spec.name,
    }
    paths = {
        "spark.kubernetes.authenticate.caCertFile": access.ca_file,
        "spark.kubernetes.authenticate.clientCertFile": access.client_cert_file,
        "spark.kubernetes.authenticate.clientKeyFile": access.client_key_file,
        "spark.kubernetes.authenticate.oauthTokenFile": access.first_token_file or access.token_file,
    }
    conf |= {key: str(path) for key, path in paths.items() if path is not None}
    if not access.verify:
        conf["spark.kubernetes.trust.certificates"] = "true"
    return conf


def _executors(spec: SessionSpec) -> dict[str, str]:
    split = executor_split(spec.executor)
    limit = spec.executor.cpu_limit_millis
    return {
        **({} if limit is None else {"spark.kubernetes.executor.limit.cores": f"{limit}m"}),
        "spark.executor.instances": str(spec.executors),
        "spark.executor.cores": str(spec.executor.cores),
        "spark.executor.memory": f"{split.heap // MIB}m",
        "spark.executor.memoryOverhead": f"{split.overhead // MIB}m",
        "spark.kubernetes.executor.request.cores": f"{spec.executor.cpu_millis}m",
        "spark.kubernetes.memoryOverheadFactor": str(OVERHEAD_FACTOR),
        "spark.kubernetes.allocation.pods.allocator": "direct",
    }


def _network(network: DriverNetwork) -> dict[str, str]:
    return {
        "spark.driver.host": network.name or network.address,
        "spark.driver.bindAddress": network.address,
        # Spark 4.3's default true means: executors dial the bind address, spark.driver.host is ignored.
        "spark.kubernetes.executor.useDriverPodIP": "false" if network.name else "true",
        "spark.driver.port": str(network.driver_port),
        "spark.driver.blockManager.port": str(network.block_manager_port),
        "spark.ui.port": str(network.ui_port),
        # Spark would move on silently and meet another kernel's range.
        "spark.port.maxRetries": "0",
    }


def _security(files: SessionFiles, ui_key: str) -> dict[str, str]:
    ui_filter = "org.apache.spark.ui.JWSFilter"
    return {
        # The secret itself, as spark.authenticate.secret, would stand in the pod spec in clear text.
        "spark.authenticate": "true",
        # The general file is the executors': before they know the driver's confs they read only this one.
        "spark.authenticate.secret.file": SECRET_FILE,
        "spark.authenticate.secret.driver.file": str(files.rpc_secret),
        "spark.authenticate.secret.executor.file": SECRET_FILE,
        "spark.network.crypto.enabled": "true",
        "spark.network.crypto.cipher": "AES/GCM/NoPadding",  # the default is still AES/CTR
        "spark.network.crypto.authEngineVersion": "2",
        "spark.network.crypto.saslFallback": "false",
        "spark.ui.filters": ui_filter,
        f"spark.{ui_filter}.param.secretKey": ui_key,
    }


def _robustness(files: SessionFiles) -> dict[str, str]:
    return {
        "spark.kubernetes.executor.podTemplateFile": str(files.pod_template),
        # The context is there before the executors; the view shows them come.
        "spark.scheduler.minRegisteredResourcesRatio": "0",
        # Spark's own limit would end the JVM inside the kernel; the breaker stops a crash loop instead.
        "spark.executor.maxNumFailures": str(2**31 - 1),
        # Its ConfigMap would have no owner without driver.pod.name; ours is owned by the Lease.
        "spark.kubernetes.executor.disableConfigMap": "true",
        # Reason and log are read first; the dead pod is deleted afterwards.
        "spark.kubernetes.executor.deleteOnTermination": "false",
        # Scala cells need it set before the context.
        "spark.repl.class.outputDir": str(files.repl_classes),
    }


def _event_log(directory: Path) -> dict[str, str]:
    return {
        "spark.eventLog.enabled": "true",
        "spark.eventLog.dir": directory.as_uri(),
        "spark.eventLog.rolling.enabled": "true",
        "spark.eventLog.rolling.maxFileSize": "32m",
        "spark.eventLog.compress": "true",
    }
