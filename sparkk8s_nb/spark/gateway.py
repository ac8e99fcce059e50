"""Launching the driver JVM and connecting to it.

The JVM is started through pyspark's own ``spark-submit`` (class path, module options and ``spark-env.sh``
are Spark's business), in a process session of its own: Jupyter interrupts and kills the kernel's whole
process group, and a JVM in it would die before it could clean up. The gateway's port and secret never enter
``os.environ``, where child processes would find them and attach to this JVM.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sparkk8s_nb.errors import DriverError
from sparkk8s_nb.localfiles import tail, write_private
from sparkk8s_nb.processes import ProcessId, end, identify
from sparkk8s_nb.spark.class_archives import archive_option
from sparkk8s_nb.spark.java import Java
from sparkk8s_nb.spark.places import spark_home
from sparkk8s_nb.spark.unnamed_user import java_options

CONNECT_TIMEOUT = 120.0
"""Seconds for the JVM to come up; ``--packages`` may have to download first."""

ENDING_SECONDS = 1.0

OWN_ACCESS = "-Dkubernetes.auth.tryKubeConfig=false -Dkubernetes.auth.tryServiceAccount=false"
"""Spark's client gets server and credentials from us. By itself it would take the *current* context of the
user's kubeconfig into them, run that one's plugin, and show its certificate to the chosen context's server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchPlan:
    """What the JVM must know at launch; everything else is set through py4j. Its repr shows no secret.

    Parameters
    ----------
    java : Java
    memory : str
        The heap, as ``2048m``.
    log4j2 : Path
        The log4j2 configuration file.
    scratch : Path
        The JVM's temporary directory: spilled blocks, broadcasts, jars.
    output : Path
        Where the process's own stdout and stderr go; 0600.
    packages : sequence of str
        Maven coordinates, resolved by spark-submit.
    class_path : str
        ``spark.driver.extraClassPath``, which a running JVM can no longer take.
    java_options : str
        The user's ``spark.driver.extraJavaOptions``.
    proxy : str
        URL of the proxy to the API server that the kubeconfig names.
    key_algorithm : str
        Of the client's key for the API server, ``RSA`` or ``EC``; fabric8 takes any for RSA if it is not told.
    class_archive : Path, optional
        The archive of a driver's classes, if it has been made.
    extra : Mapping
        Further confs that spark-submit itself reads (repositories, ivy settings).
    """

    java: Java
    memory: str
    log4j2: Path
    output: Path
    scratch: Path
    packages: Sequence[str] = ()
    class_path: str = ""
    java_options: str = field(default="", repr=False)
    proxy: str = field(default="", repr=False)
    key_algorithm: str = ""
    class_archive: Path | None = None
    extra: Mapping[str, str] = field(default_factory=dict, repr=False)


class LaunchedJvm:
    """A JVM that is coming up. :meth:`connect` waits for it, :meth:`end` ends it."""

    def __init__(self, process: subprocess.Popen[bytes], connection: Path, output: Path) -> None:
        self._process = process
        self._connection = connection
        self._output = output
        self._gateway: Any = None
        self._stopped = False
        self.process: ProcessId = identify(process.pid)

    def connect(self, timeout: float = CONNECT_TIMEOUT) -> Any:
        """Wait until the JVM listens and return a py4j gateway, as pyspark would make it.

        Raises
        ------
        DriverError
            If the JVM ended or did not listen in time; with the last lines of its output.
        """
        if self._gateway is None:
            port, secret = self._read_connection(timeout)
            self._gateway = _open_gateway(port, secret)
            self._speak_plainly(self._gateway._gateway_client)
        return self._gateway

    def _speak_plainly(self, client: Any) -> None:
        """Have every call into a JVM that is gone say so in two lines, instead of a trace of sockets."""
        from py4j.protocol import ERROR, Py4JError

        send = client.send_command

        def send_command(command: str, retry: bool = True, binary: bool = False) -> Any:
            try:
                answer = send(command, retry, binary)
            except (Py4JError, OSError) as error:
                if self._has_ended():
                    raise self._gone() from error
                raise
            if answer == ERROR and self._has_ended():
                raise self._gone()
            return answer

        client.send_command = send_command

    def _has_ended(self) -> bool:
        """Whether the JVM is gone; one that dies closes its sockets a moment before."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(ENDING_SECONDS)
        return self._process.poll() is not None

    def _gone(self) -> DriverError:
        if self._stopped:
            return DriverError(
                "This belongs to a Spark session that was stopped.",
                fix="Make it again after %sparkk8s start.",
            )
        return DriverError(
            "The driver JVM is gone: it ended or was killed (often for want of memory).",
            fix="Start anew with %sparkk8s start; %sparkk8s logs driver may say why.",
        )

    def _read_connection(self, timeout: float) -> tuple[int, str]:
        deadline = time.monotonic() + timeout
        while not self._connection.is_file():
            if self._process.poll() is not None:
                raise DriverError(
                    f"The driver JVM ended with code {self._process.returncode}: {self._last_words()}",
                    fix="Look at %sparkk8s logs driver; --driver-memory and --packages are the usual causes.",
                )
            if time.monotonic() > deadline:
                raise DriverError(
                    f"The driver JVM did not come up within {timeout:.0f} s: {self._last_words()}",
                    fix="Look at %sparkk8s logs driver.",
                )
            time.sleep(0.02)
        data = self._connection.read_bytes()
        port, length = struct.unpack("!ii", data[:8])
        shutil.rmtree(self._connection.parent, ignore_errors=True)
        return port, data[8 : 8 + length].decode()

    def _last_words(self) -> str:
        lines = [line.strip() for line in tail(self._output, 40).splitlines() if line.strip()]
        telling = [line for line in lines if "rror" in line or "xception" in line] or lines[-1:]
        return telling[0] if telling else "it said nothing"

    def end(self, grace: float) -> None:
        """End the JVM, whatever state it is in: close its stdin, TERM, KILL. Idempotent."""
        self._stopped = True
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
        try:
            self._process.wait(grace)
        except subprocess.TimeoutExpired:
            end(self.process, grace=2)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(5)
        if self._gateway is not None:
            # Not before the JVM has ended: on a thread without a connection py4j opens one first, and waits
            # for the answer of a JVM that may be stuck. What it raises while closing dead connections is
            # anything from OSError to its own errors.
            with contextlib.suppress(Exception):
                self._gateway.shutdown()
            self._gateway = None
        shutil.rmtree(self._connection.parent, ignore_errors=True)


def launch_jvm(plan: LaunchPlan) -> LaunchedJvm:
    """Start the driver JVM and return at once.

    Raises
    ------
    DriverError
        If it cannot be started at all.
    """
    home = str(spark_home())
    # In the directory that the keeper removes: it holds the gateway's secret until we have read it.
    connection = Path(tempfile.mkdtemp(prefix="gateway-", dir=plan.scratch)) / "connection"
    environment = dict(os.environ)
    for name in ("PYSPARK_GATEWAY_PORT", "PYSPARK_GATEWAY_SECRET", "PYSPARK_SUBMIT_ARGS", "SPARK_REMOTE"):
        environment.pop(name, None)
    environment |= {
        "JAVA_HOME": str(plan.java.home),
        # Spark plans some queries with a Python of its own, by the name that executors know: ours.
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), environment.get("PATH", os.defpath)]),
        "SPARK_HOME": home,
        "SPARK_CONNECT_MODE": "0",
        # The UI would listen on every interface; what serves it to the user is on this machine.
        "SPARK_LOCAL_IP": "127.0.0.1",
        "_PYSPARK_DRIVER_CONN_INFO_PATH": str(connection),
    }
    if plan.proxy:  # not an option: its URL may hold a password
        environment |= {"HTTPS_PROXY": plan.proxy, "HTTP_PROXY": plan.proxy}
    output = os.open(plan.output, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        process = subprocess.Popen(
            _command(plan, home),
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            env=environment,
            start_new_session=True,
        )
    except OSError as error:
        shutil.rmtree(connection.parent, ignore_errors=True)
        raise DriverError(
            f"The driver JVM cannot be started: {error.strerror}.",
            fix="Reinstall pyspark, or check SPARK_HOME.",
        ) from error
    finally:
        os.close(output)
    return LaunchedJvm(process, connection, plan.output)


def _command(plan: LaunchPlan, home: str) -> list[str]:
    options = [f"-Dlog4j2.configurationFile={plan.log4j2.as_uri()}", f"-Djava.io.tmpdir={plan.scratch}"]
    options += [OWN_ACCESS, *java_options(os.getuid(), os.environ)]
    if plan.key_algorithm:
        options.append(f"-Dkubernetes.certs.client.key.algo={plan.key_algorithm}")
    if plan.class_archive is not None:
        options.append(archive_option(plan.class_archive))
    command = [f"{home}/bin/spark-submit", "--driver-memory", plan.memory]
    command += ["--driver-java-options", " ".join([*options, plan.java_options]).strip()]
    if plan.packages:
        command += ["--packages", ",".join(plan.packages)]
    if plan.class_path:
        command += ["--driver-class-path", plan.class_path]
    if plan.extra:
        # A file, not arguments: a repository's address may hold a password, and arguments are for all to read.
        command += ["--properties-file", str(_write_properties(plan)), "--load-spark-defaults"]
    return [*command, "pyspark-shell"]


def _write_properties(plan: LaunchPlan) -> Path:
    """Write the confs that spark-submit itself reads, as Java properties; 0600."""
    lines = (f"{key} {value}".replace("\\", "\\\\").replace("\n", " ") for key, value in plan.extra.items())
    return write_private(plan.scratch / "launch.properties", "\n".join(lines) + "\n")


def _open_gateway(port: int, secret: str) -> Any:
    """Let pyspark connect, so that the gateway is exactly the one its version expects.

    pyspark takes an existing JVM only from the environment, and reads it at once: the two variables are
    there for this one call and never again.
    """
    import py4j.java_gateway
    from pyspark.java_gateway import launch_gateway

    # py4j reports a JVM's end through the root logger, which prints a trace into whatever cell runs. Its
    # own logger is the right one: it is silent unless somebody listens.
    py4j.java_gateway.logging = py4j.java_gateway.logger

    handover = {"PYSPARK_GATEWAY_PORT": str(port), "PYSPARK_GATEWAY_SECRET": secret}
    os.environ.update(handover)
    try:
        return launch_gateway()
    finally:
        for name in handover:
            os.environ.pop(name, None)
