"""A real kernel for tests: started as Jupyter does, spoken to as a notebook does, and ended in every way.

Beside it, what is there and what is left of a session: processes by identity, objects by label, files.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import re
import signal
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

from sparkk8s_nb.embedded.lifecycle import EmbeddedCluster
from sparkk8s_nb.kube.connect import connect
from sparkk8s_nb.kube.gateway import KubeCluster
from sparkk8s_nb.model.spec import ClusterTarget, TargetKind
from sparkk8s_nb.processes import ProcessId, identify, is_alive
from tests.eventually import eventually

CELL_SECONDS = 240.0
"""How long any cell may take here: the machine may be slow. No promise is checked with it."""

GONE_SECONDS = 60.0
"""The promise: nothing is left so long after a kernel died."""

KINDS = ("Pod", "Service", "EndpointSlice", "Secret", "ConfigMap", "Lease")
OUTPUTS = ("stream", "display_data", "execute_result", "error")
"""What a notebook keeps of a cell."""

TERMINAL_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


@dataclass
class Cell:
    """What came of one execution."""

    source: str
    status: str = ""
    stdout: str = ""
    stderr: str = ""
    displays: dict[str, str] = field(default_factory=dict)
    error: str = ""
    message: str = ""
    outputs: list[dict[str, Any]] = field(default_factory=list)

    @property
    def said(self) -> str:
        """Everything that a user could read, for messages of asserts."""
        return "\n".join([self.source, self.stdout, self.stderr, *self.displays.values(), self.error])

    def take(self, message: Mapping[str, Any]) -> None:
        """Take one output."""
        content = message["content"]
        if message["msg_type"] in OUTPUTS:
            self.outputs.append({"output_type": message["msg_type"], **content})
        match message["msg_type"]:
            case "stream":
                name = content["name"]
                setattr(self, name, getattr(self, name) + content["text"])
            case "display_data" | "update_display_data" | "execute_result":
                display = (content.get("transient") or {}).get("display_id") or f"#{len(self.displays)}"
                self.displays[display] = content["data"].get("text/plain", "")
            case "error":
                self.error = TERMINAL_COLOURS.sub("", "\n".join(content["traceback"]))


@dataclass(frozen=True)
class SessionFacts:
    """One session, as its kernel tells it."""

    name: str
    app_id: str
    jvm: ProcessId
    keeper: ProcessId
    root: Path
    scratch: Path
    executors: tuple[ProcessId, ...]
    """Shims, start scripts, JVMs and Python workers: every process whose environment names the application."""


FLEET = """
import json
_s = sparkk8s_nb.current()
_f = _s.fleet
print(json.dumps({
    "state": str(_s.state), "wanted": _f.wanted, "ready": _f.ready, "verdict": _f.verdict,
    "executors": [[v.id, str(v.phase), v.reason, v.pod] for v in _f.executors],
}))
"""

FACTS = """
import json, sparkk8s_nb
_s = sparkk8s_nb.current()
print(json.dumps({
    "name": _s.spec.name, "app_id": _s.record().app_id, "jvm": _s._driver.process.as_dict(),
    "keeper": _s._keeper.process.as_dict(), "root": str(_s.place.root), "scratch": str(_s.place.scratch),
}))
"""


class Cells:
    """Cells that run in a kernel, wherever that is.

    Parameters
    ----------
    client : BlockingKernelClient
        Its channels run.
    """

    def __init__(self, client: BlockingKernelClient) -> None:
        self.client = client
        self.sessions: list[SessionFacts] = []

    def run(self, source: str, *, fails: bool = False, timeout: float = CELL_SECONDS) -> Cell:
        """Run a cell to its end; it has to succeed, or to fail."""
        cell = Cell(source)
        reply = self.client.execute_interactive(source, output_hook=cell.take, timeout=timeout)
        cell.status = reply["content"]["status"]
        assert (cell.status == "error") is fails, cell.said
        return cell

    def begin(self, source: str, *, says: str = "") -> Cell:
        """Begin a cell, and go on to :meth:`end` it later: other kernels run theirs meanwhile.

        With ``says`` wait until it has put out that text, however many pieces it comes in: each message that a
        kernel has handled, on whatever thread, flushes what any cell has written so far, half a line too.
        """
        cell = Cell(source, message=self.client.execute(source))
        deadline = time.monotonic() + CELL_SECONDS
        while says not in cell.stdout:
            message = self.client.get_iopub_msg(timeout=max(0.0, deadline - time.monotonic()))
            if message["parent_header"].get("msg_id") == cell.message:
                cell.take(message)
                assert message["content"].get("execution_state") != "idle", cell.said
        return cell

    def end(self, cell: Cell, *, fails: bool = False, timeout: float = CELL_SECONDS) -> Cell:
        """Wait for the end of a cell that was begun; it has to succeed, or to fail."""
        deadline = time.monotonic() + timeout
        busy = True
        while busy:
            message = self.client.get_iopub_msg(timeout=max(0.0, deadline - time.monotonic()))
            if message["parent_header"].get("msg_id") == cell.message:
                cell.take(message)
                busy = message["content"].get("execution_state") != "idle"
        reply = self.client.get_shell_msg(timeout=max(0.0, deadline - time.monotonic()))
        while reply["parent_header"].get("msg_id") != cell.message:
            reply = self.client.get_shell_msg(timeout=max(0.0, deadline - time.monotonic()))
        cell.status = reply["content"]["status"]
        assert (cell.status == "error") is fails, cell.said
        return cell

    def value(self, expression: str) -> Any:
        """A value of the kernel that JSON can carry."""
        return json.loads(self.run(f"import json; print(json.dumps({expression}))").stdout)

    def start(self, options: str = "-n 2 --cores 1 --memory 1g", *, executors: int = 2) -> SessionFacts:
        """Start a session, run a Python job on it and take its facts."""
        self.run(f"%sparkk8s start {options}")
        self.wait_ready(executors)
        self.job()
        return self.facts()

    def wait_ready(self, executors: int) -> None:
        """Wait until so many executors have registered."""
        ready = (
            f"sparkk8s_nb.current().fleet_feed.wait_for(lambda fleet: fleet.ready >= {executors}, 180).ready"
        )
        self.run("import sparkk8s_nb")
        assert self.value(ready) >= executors, self.fleet()

    def job(self) -> None:
        """A job with Python workers, whose answer is checked."""
        cell = self.run("print(sc.parallelize(range(100), 4).map(lambda n: n * n).sum())")
        assert cell.stdout.strip() == "328350", cell.said

    def fleet(self) -> dict[str, Any]:
        """The fleet and the session's state, as the kernel sees them."""
        found: dict[str, Any] = json.loads(self.run(FLEET).stdout)
        return found

    def wait_state(self, state: str, seconds: float) -> None:
        """Wait until the session is in that state."""
        assert eventually(lambda: self.fleet()["state"] == state, seconds), self.fleet()

    def facts(self) -> SessionFacts:
        """The session that runs."""
        plain = json.loads(self.run(FACTS).stdout)
        facts = SessionFacts(
            name=plain["name"],
            app_id=plain["app_id"],
            jvm=ProcessId(**plain["jvm"]),
            keeper=ProcessId(**plain["keeper"]),
            root=Path(plain["root"]),
            scratch=Path(plain["scratch"]),
            executors=tuple(processes_of(plain["app_id"])),
        )
        self.sessions.append(facts)
        return facts


def attach(client: BlockingKernelClient, seconds: float) -> None:
    """Start the channels to a kernel that another process started, and wait until it answers on all of them.

    Not by the client's own wait: that takes a kernel for dead whose heart was late by a second once, and on a
    busy machine a kernel that starts is.

    Raises
    ------
    AssertionError
        If it does not answer in time; the channels are stopped then.
    """
    client.start_channels(hb=False)
    if not eventually(lambda: _answers(client), seconds):
        client.stop_channels()
        raise AssertionError(f"the kernel has not answered within {seconds:.0f} s")
    with contextlib.suppress(queue.Empty):
        while True:
            client.get_iopub_msg(timeout=0.2)


def _answers(client: BlockingKernelClient) -> bool:
    """Whether a question gets its answer, and what is said about it is heard."""
    client.kernel_info()
    try:
        client.get_shell_msg(timeout=1)
        client.get_iopub_msg(timeout=1)
    except queue.Empty:
        return False
    return True


class Kernel(Cells):
    """A kernel of a notebook. Made by the ``new_kernel`` fixture, which ends what is left of it.

    Parameters
    ----------
    directory : Path
        Its working directory; ``tmp`` in it is its directory for temporary files.
    notebook : str
        Path of the notebook, as Jupyter tells it to the kernel.
    environment : Mapping of str to str
        On top of this process's own.
    extension : bool
        Whether to load ours.
    """

    def __init__(
        self,
        directory: Path,
        notebook: str,
        environment: Mapping[str, str] | None = None,
        *,
        extension: bool = True,
    ) -> None:
        self.temporary = directory / "tmp"
        self.temporary.mkdir(parents=True)
        self.directory = directory
        self._environment = {
            **os.environ,
            "JPY_SESSION_NAME": notebook,
            "TMPDIR": str(self.temporary),
            "IPYTHONDIR": str(directory / "ipython"),
            **(environment or {}),
        }
        self.manager = KernelManager(kernel_name="python3")
        self.manager.start_kernel(cwd=str(directory), env=self._environment)
        super().__init__(self._connect())
        self.process = identify(self.pid)
        if extension:
            self.run("%load_ext sparkk8s_nb")

    @property
    def pid(self) -> int:
        """The kernel's process id."""
        provisioner = self.manager.provisioner
        assert provisioner is not None
        pid = provisioner.pid
        assert pid is not None
        return int(pid)

    def _connect(self) -> BlockingKernelClient:
        client: BlockingKernelClient = self.manager.blocking_client()
        client.start_channels()
        client.wait_for_ready(timeout=60)
        return client

    def kill(self) -> None:
        """kill -9 of the kernel alone."""
        os.kill(self.pid, signal.SIGKILL)
        self._reap()

    def kill_group(self) -> None:
        """kill -9 of the kernel's process group, as Jupyter does it in the end."""
        os.killpg(os.getpgid(self.pid), signal.SIGKILL)
        self._reap()

    def restart(self) -> None:
        """What the restart button does."""
        self.client.stop_channels()
        self.manager.restart_kernel(now=False)
        self.client = self._connect()
        self.process = identify(self.pid)
        self.run("%load_ext sparkk8s_nb")

    def shut_down(self) -> None:
        """What Jupyter does when a notebook is closed for good."""
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=False)

    def close(self) -> None:
        """End it and everything of its sessions, in whatever state it is."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.process.pid, signal.SIGCONT)
        self.client.stop_channels()
        if self.manager.has_kernel:
            self.manager.shutdown_kernel(now=not is_alive(self.process))
        self.manager.cleanup_resources()
        for facts in self.sessions:
            eventually(lambda facts=facts: not is_alive(facts.keeper))  # type: ignore[misc]
            for process in (facts.keeper, facts.jvm, *facts.executors):
                if is_alive(process):
                    psutil.Process(process.pid).kill()

    def _reap(self) -> None:
        """A killed child is a zombie until somebody waits for it."""
        assert eventually(lambda: not self.manager.is_alive())


def processes_of(app_id: str) -> list[ProcessId]:
    """Every process of this machine whose environment names the Spark application: its executors'."""
    marked = f"SPARK_APPLICATION_ID={app_id}".encode()
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(OSError, ProcessLookupError, psutil.Error):
            if marked in Path(f"/proc/{process.pid}/environ").read_bytes().split(b"\0"):
                found.append(identify(process.pid))
    return [process for process in found if is_alive(process)]


class Remains:
    """What is left of sessions, in words, so that an assert shows it.

    Parameters
    ----------
    cluster : KubeCluster
    runtime : Path
        The runtime directory.
    """

    def __init__(self, cluster: KubeCluster, runtime: Path) -> None:
        self.cluster = cluster
        self.runtime = runtime

    def objects(self, name: str) -> list[str]:
        """Objects of a session in the cluster."""
        selector = f"sparkk8s-nb/session={name}"
        return [
            f"{kind} {item['metadata']['name']}"
            for kind in KINDS
            for item in self.cluster.list(kind, selector=selector)
        ]

    def processes(self, facts: SessionFacts) -> list[str]:
        """Processes of a session that live."""
        named = [("the keeper", facts.keeper), ("the JVM", facts.jvm)]
        named += [("an executor's process", process) for process in facts.executors]
        named += [("a later executor's process", process) for process in processes_of(facts.app_id)]
        return [f"{what} {_command(process)}" for what, process in named if is_alive(process)]

    def files(self, facts: SessionFacts, kernel: Kernel) -> list[str]:
        """Files of a session: its directory, and the kernel's temporary files."""
        there = [path for path in (facts.root, facts.scratch) if path.exists()]
        return [str(path) for path in (*there, *temporary_files(kernel))]

    def all(self, facts: SessionFacts, kernel: Kernel) -> list[str]:
        """Everything that is left."""
        return self.processes(facts) + self.objects(facts.name) + self.files(facts, kernel)

    def any_objects(self, namespace_kinds: Iterable[str] = KINDS) -> list[str]:
        """Objects of any session at all."""
        return [
            f"{kind} {item['metadata']['name']}"
            for kind in namespace_kinds
            for item in self.cluster.list(kind, selector="app.kubernetes.io/managed-by=sparkk8s-nb")
        ]

    def session_directories(self) -> list[str]:
        """Sessions that have files in the runtime directory."""
        sessions = self.runtime / "sessions"
        return sorted(path.name for path in sessions.iterdir()) if sessions.is_dir() else []


def temporary_files(kernel: Kernel) -> list[Path]:
    """What lies in the kernel's directory for temporary files, but for what Java shares among JVMs."""
    return [path for path in kernel.temporary.iterdir() if not path.name.startswith("hsperfdata_")]


def _command(process: ProcessId) -> str:
    with contextlib.suppress(psutil.Error):
        return f"{process.pid}: {' '.join(psutil.Process(process.pid).cmdline())[:200]}"
    return str(process.pid)


def adapter(embedded: EmbeddedCluster, scratch: Path, namespace: str = "default") -> KubeCluster:
    """Our adapter on the embedded cluster; the caller closes it."""
    target = ClusterTarget(kind=TargetKind.EMBEDDED, namespace=namespace, kubeconfig=embedded.kubeconfig)
    return connect(target, scratch=scratch)
