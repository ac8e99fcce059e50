"""Spark's own history server for one user, on loopback: the UI of sessions that have stopped.

``python -m sparkk8s_nb.spark.history_server`` takes ``{"directory": ..., "event_log": ...}`` from stdin, prints
a line once the server listens and goes on in a process of its own. A record in that directory leads to it, as a
session's leads to its UI; it asks for the same signature. It reads the event logs that ``logs/`` has links to.

It ends when nobody has looked for a quarter of an hour, when it is told to, or when its directory is gone; it
takes the JVM and the directory with it. Should it be killed, Linux ends the JVM, and whoever starts the next
one clears up.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

import psutil

from sparkk8s_nb.errors import DriverError, SparkK8sError
from sparkk8s_nb.linux import die_with_parent
from sparkk8s_nb.localfiles import private_dir, tail, write_private
from sparkk8s_nb.model.paths import PAST, PAST_LOGS, RECORD_FILE, UI_KEY_FILE
from sparkk8s_nb.model.record import Holder, SessionRecord
from sparkk8s_nb.processes import ProcessId, boot_id, end, identify, is_alive, say_and_detach
from sparkk8s_nb.spark.driver_logging import write_log4j2
from sparkk8s_nb.spark.java import Java, find_java
from sparkk8s_nb.spark.places import spark_home

JVM_FILE = "jvm.json"
LOG_FILE = "history-server.log"
OUTPUT_FILE = "history-server.out"

IDLE_SECONDS = 900.0
LOOK_SECONDS = 2.0
START_SECONDS = 60.0
END_SECONDS = 3.0
HEAP = "1g"
"""Bounds what a page of a large application may take; Spark itself bounds jobs, stages and tasks of it."""

_FILTER = "org.apache.spark.ui.JWSFilter"
_SERVER = "org.apache.spark.deploy.history.HistoryServer"

_OTHERS_OPTIONS = (
    "SPARK_DAEMON_CLASSPATH",
    "SPARK_DAEMON_JAVA_OPTS",
    "SPARK_HISTORY_OPTS",
    "SPARK_SUBMIT_OPTS",
    "JAVA_TOOL_OPTIONS",
    "JDK_JAVA_OPTIONS",
    "_JAVA_OPTIONS",
)


def server_conf(logs: Path, key: str) -> dict[str, str]:
    """The history server's configuration: a file of 0600, for it holds the key.

    Parameters
    ----------
    logs : Path
        Directory with links to event logs.
    key : str
        What signs requests, as in the key file.
    """
    return {
        "spark.history.fs.logDirectory": logs.as_uri(),
        "spark.history.fs.update.interval": "2s",
        "spark.history.fs.numReplayThreads": "1",
        # The logs are the user's: pruned when sessions start, never from here.
        "spark.history.fs.cleaner.enabled": "false",
        "spark.history.retainedApplications": "2",
        "spark.history.ui.port": "0",
        "spark.ui.filters": _FILTER,
        f"spark.{_FILTER}.param.secretKey": key,
    }


def server_environ(environ: Mapping[str, str], java: Java, home: Path, directory: Path) -> dict[str, str]:
    """The environment for Spark's ``spark-class``; of the user's own options for daemons it takes none."""
    options = [
        f'"-Dlog4j2.configurationFile={(directory / "log4j2.properties").as_uri()}"',
        f'"-Djava.io.tmpdir={directory}"',
        "-XX:+ExitOnOutOfMemoryError",
        "-XX:+UseSerialGC",
        "-XX:-UsePerfData",
    ]
    kept = {name: value for name, value in environ.items() if name not in _OTHERS_OPTIONS}
    return kept | {
        "JAVA_HOME": str(java.home),
        "SPARK_HOME": str(home),
        # It would listen on every interface.
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_DAEMON_MEMORY": HEAP,
        "SPARK_DAEMON_JAVA_OPTS": " ".join(options),
    }


@contextlib.contextmanager
def running_server(directory: Path, java: Java, home: Path) -> Iterator[tuple[ProcessId, int]]:
    """The history server's JVM, and the port on 127.0.0.1 where it listens.

    Raises
    ------
    DriverError
        If it does not come up, or listens where others could reach it.
    """
    key = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
    write_private(directory / UI_KEY_FILE, key)
    lines = (f"{name} {value}" for name, value in server_conf(directory / PAST_LOGS, key).items())
    conf = write_private(directory / "history.properties", "\n".join(lines) + "\n")
    write_log4j2(directory, directory / LOG_FILE)
    with (directory / OUTPUT_FILE).open("ab") as output:
        process = subprocess.Popen(
            [str(home / "bin" / "spark-class"), _SERVER, "--properties-file", str(conf)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd="/",
            env=server_environ(os.environ, java, home, directory),
            preexec_fn=partial(
                die_with_parent, signal.SIGKILL
            ),  # one thread, so nothing can be half done in the child
        )
    try:
        jvm = identify(process.pid)
        write_private(directory / JVM_FILE, json.dumps(jvm.as_dict()))
        yield jvm, _wait_for_port(process, directory)
    finally:
        process.terminate()
        try:
            process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(END_SECONDS)


def clear(directory: Path) -> None:
    """End what a killed process left in a directory, and remove it. Nobody may be using it."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        end(ProcessId.from_dict(json.loads((directory / JVM_FILE).read_text())), grace=END_SECONDS)
    shutil.rmtree(directory, ignore_errors=True)


def why_end(record: Path, jvm: ProcessId, *, now: float, told: bool) -> str:
    """Why the server has nothing to do any more; empty while it has.

    Parameters
    ----------
    record : Path
        Whoever shows the server touches it with every request.
    jvm : ProcessId
    now : float
        Seconds since the epoch.
    told : bool
        Whether somebody sent TERM.
    """
    if told:
        return "told to"
    if not is_alive(jvm):
        return "the history server has ended"
    try:
        unused = now - record.stat().st_mtime
    except FileNotFoundError:
        return "its directory is gone"
    return "nobody came for a while" if unused > IDLE_SECONDS else ""


def serve(directory: Path, event_log: Path) -> None:
    """Serve until there is a reason to end, and leave nothing.

    Parameters
    ----------
    directory : Path
        Made, and removed at the end.
    event_log : Path
        The first one to show; whoever wants another one shown adds a link.
    """
    told = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: told.set())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    clear(directory)
    try:
        private_dir(directory)
        (private_dir(directory / PAST_LOGS) / event_log.name).symlink_to(event_log)
        java, home = find_java(os.environ), spark_home()
        with running_server(directory, java, home) as (jvm, port):
            record = _write_record(directory, port)
            say_and_detach("ready", 0, 1, 2)  # errors after that have no reader
            while not why_end(record, jvm, now=time.time(), told=told.is_set()):
                told.wait(LOOK_SECONDS)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _write_record(directory: Path, port: int) -> Path:
    me = identify()
    record = SessionRecord(
        name=PAST,
        owner="",
        notebook="",
        namespace="",
        holder=Holder(boot=boot_id(), pid=me.pid, started=me.started),
        started=time.time(),
        ui_url=f"http://127.0.0.1:{port}",
        ui_key_file=str(directory / UI_KEY_FILE),
    )
    return write_private(directory / RECORD_FILE, record.as_json())


def _wait_for_port(process: subprocess.Popen[bytes], directory: Path) -> int:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise DriverError(
                f"Spark's history server ended: {_last_words(directory)}", fix="Reinstall pyspark."
            )
        with contextlib.suppress(psutil.Error):
            listening = [
                connection.laddr
                for connection in psutil.Process(process.pid).net_connections(kind="tcp")
                if connection.status == psutil.CONN_LISTEN
            ]
            if any(address.ip.removeprefix("::ffff:") != "127.0.0.1" for address in listening):
                raise DriverError(
                    "Spark's history server listens on more than this machine's own interface.",
                    fix="Take SPARK_LOCAL_IP out of spark-env.sh.",
                )
            if listening:
                return int(listening[0].port)
        time.sleep(0.1)
    raise DriverError(
        f"Spark's history server did not start within {START_SECONDS:.0f} s: {_last_words(directory)}",
        fix="Try again.",
    )


def _last_words(directory: Path) -> str:
    errors = [line for line in tail(directory / LOG_FILE, 50).splitlines() if " ERROR " in line]
    return (errors or tail(directory / OUTPUT_FILE, 1).splitlines() or ["it said nothing"])[-1]


def main() -> int:
    """Take the plan and serve it in a process that is nobody's child."""
    plan = json.loads(sys.stdin.readline())
    if os.fork():
        os._exit(0)
    try:
        serve(Path(plan["directory"]), Path(plan["event_log"]))
    except SparkK8sError as error:
        print(error.problem, error.fix, file=sys.stderr)  # noqa: T201 - its standard error is its log
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
