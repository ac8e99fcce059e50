"""Whatever is wrong: two lines, what it is and what to do; the cell or command fails; nothing is half-made.

Real shell, real command line, real daemon. Nearly every mistake is found before a JVM is started.
"""

from __future__ import annotations

import contextlib
import http.server
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml
from IPython.core.interactiveshell import InteractiveShell

import sparkk8s_nb
from sparkk8s_nb.cli.main import main
from sparkk8s_nb.embedded.lifecycle import EmbeddedCluster
from sparkk8s_nb.errors import (
    ConnectError,
    DriverError,
    JavaError,
    NotFoundError,
    RefusedError,
    SessionError,
    SettingsError,
    SparkK8sError,
    StartError,
    UsageError,
)
from sparkk8s_nb.processes import ProcessId, identify, is_alive
from sparkk8s_nb.session import driver_network, port_slots
from sparkk8s_nb.spark import java
from tests.embedded.kernels import Remains
from tests.eventually import eventually

pytestmark = pytest.mark.timeout(300)


Attributes = Mapping[str, str]
"""Of an access that a review asks about: its verb, resource, namespace."""


@dataclass
class Place:
    """A user's home, directory and cluster, where he makes a mistake."""

    home: Path
    cluster: EmbeddedCluster
    patch: pytest.MonkeyPatch
    undo: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def write(self, name: str, text: str) -> Path:
        path = self.home / name
        path.write_text(text)
        return path

    def kubeconfig(self, **cluster: Any) -> None:
        """A kubeconfig with the context ``lab``; without arguments that of the embedded cluster."""
        token = cluster.pop("token", Path(self.cluster.token_file).read_text().strip())
        found = {"server": self.cluster.server, "certificate-authority": str(self.cluster.ca_file)} | cluster
        content = {
            "contexts": [
                {"name": "lab", "context": {"cluster": "c", "user": "u", "namespace": "default"}},
                {"name": "bare", "context": {"cluster": "c", "user": "u"}},
            ],
            "clusters": [{"name": "c", "cluster": {k: v for k, v in found.items() if v is not None}}],
            "users": [{"name": "u", "user": {"token": token}}],
        }
        self.patch.setenv("KUBECONFIG", str(self.write("kubeconfig", yaml.safe_dump(content))))

    def api(self, answer: Callable[[str], int], refused: Callable[[Attributes], bool] | None = None) -> None:
        """A server of one's own that answers with a status by path, and says which accesses it would refuse."""
        server = self.undo.enter_context(refusing_server(answer, refused or (lambda access: True)))
        self.kubeconfig(server=server, **{"certificate-authority": None})


@contextlib.contextmanager
def refusing_server(answer: Callable[[str], int], refused: Callable[[Attributes], bool]) -> Iterator[str]:
    """An API server that only has statuses and access reviews."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            asked = json.loads(self.rfile.read(length) or b"{}").get("spec") or {}
            code = answer(self.path)
            body: dict[str, Any] = {"kind": "Status", "status": "Failure", "code": code, "message": "no"}
            if code == 200:
                allowed = not refused(asked.get("resourceAttributes") or {})
                body = {"gitVersion": "v1.34.0", "status": {"allowed": allowed}}
            data = json.dumps(body).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_POST = do_DELETE = do_PATCH = do_GET  # noqa: N815 - names of http.server

        def log_message(self, *_: Any) -> None:
            """Silence."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, name="refusing", daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join(20)


@pytest.fixture
def place(
    embedded_cluster: EmbeddedCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Place]:
    """An empty home that is the working directory, too."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setenv("SPARKK8S_VIEWS", "none")
    monkeypatch.chdir(tmp_path)
    found = Place(home=tmp_path, cluster=embedded_cluster, patch=monkeypatch)
    found.write("script.py", "raise SystemExit('the script ran')")
    with found.undo:
        yield found


@pytest.fixture
def shell() -> Iterator[InteractiveShell]:
    """A real IPython with the extension."""
    InteractiveShell.clear_instance()
    found = InteractiveShell.instance()
    found.history_manager.enabled = False
    found.run_line_magic("load_ext", "sparkk8s_nb")
    yield found
    sparkk8s_nb.unload_ipython_extension(found)
    found.history_manager.end_session()
    InteractiveShell.clear_instance()


def session_processes(cluster: EmbeddedCluster) -> set[ProcessId]:
    """Everything that was started with our runtime directory, but this process and the daemon's."""
    daemon = psutil.Process(cluster.pid)
    known = {os.getpid(), daemon.pid, *(child.pid for child in daemon.children(recursive=True))}
    found = set()
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, ProcessLookupError):
            ours = process.environ().get("SPARKK8S_RUNTIME_DIR") == os.environ["SPARKK8S_RUNTIME_DIR"]
            if ours and process.pid not in known:
                found.add(identify(process.pid))
    return found


@pytest.fixture(autouse=True)
def _nothing_half_made(place: Place, remains: Remains) -> Iterator[None]:
    """No object in the cluster, no file, no process, whatever went wrong."""
    runtime = Path(os.environ["SPARKK8S_RUNTIME_DIR"])
    logs = Path(os.environ["SPARKK8S_STATE_DIR"]) / "logs"
    before = session_processes(place.cluster)
    known = set(logs.glob("*"))
    yield
    sessions = runtime / "sessions"
    assert list(sessions.iterdir() if sessions.is_dir() else []) == []
    assert list((place.home / "tmp").iterdir()) == []
    assert all(any(path.iterdir()) for path in logs.glob("*") if path not in known), (
        "a log directory without a log"
    )
    assert eventually(lambda: not {p for p in session_processes(place.cluster) - before if is_alive(p)})
    for kind in ("Lease", "Pod", "Service", "Secret", "ConfigMap"):
        assert remains.cluster.list(kind, selector="app.kubernetes.io/managed-by=sparkk8s-nb") == [], kind
    assert not [t.name for t in threading.enumerate() if t.name.startswith("sparkk8s-")]
    assert sparkk8s_nb.current() is None


@dataclass(frozen=True)
class Mistake:
    """One wrong start: what it says, and what the second line advises."""

    words: str
    kind: type[SparkK8sError]
    problem: str
    fix: str
    prepare: Callable[[Place], object] = lambda place: None


def old_java(place: Place) -> None:
    (place.home / "jdk" / "bin").mkdir(parents=True)
    place.write("jdk/bin/java", "#!/bin/sh\n")
    place.write("jdk/release", 'JAVA_VERSION="11.0.2"\n')
    place.patch.setenv("JAVA_HOME", str(place.home / "jdk"))


def no_java(place: Place) -> None:
    place.patch.delenv("JAVA_HOME", raising=False)
    place.patch.setenv("PATH", str(place.home))
    place.patch.setattr(java, "USUAL_PLACES", ())


def other_ca(place: Place) -> None:
    place.kubeconfig(**{"certificate-authority": None})  # the machine's own authorities then


def unreadable(place: Place) -> None:
    (place.home / "kubeconfig").mkdir()
    place.patch.setenv("KUBECONFIG", str(place.home / "kubeconfig"))


def kubeconfig_at(place: Place, path: str) -> None:
    place.patch.setenv("KUBECONFIG", path)


def no_right(place: Place) -> None:
    place.api(lambda path: 403)


def reviews_alone(path: str) -> int:
    return 200 if path == "/version" or "subject" in path else 403


def wrong_settings(place: Place) -> None:
    place.write("sparkk8s.toml", '[start]\nexecutors = 2\nmemroy = "2g"\n')


LAB = "--context lab"
MISTAKES = {
    "unknown option": Mistake(
        "--memroy 2g", UsageError, "start has no option --memroy", "Did you mean --memory?"
    ),
    "stray word": Mistake("4", UsageError, "4", "-n 4"),
    "option without a value": Mistake("--memory", UsageError, "--memory has no value", "--memory 8g"),
    "malformed quantity": Mistake(
        "--memory 2x", UsageError, "--memory 2x is not an amount of memory", "--memory 8g"
    ),
    "forgotten unit": Mistake("--memory 2", UsageError, "too small", "--memory 8g"),
    "N of 0": Mistake("-n 0", UsageError, "-n 0", "-n 4"),
    "negative N": Mistake("-n -3", UsageError, "-n -3", "-n 4"),
    "N that is no number": Mistake("-n two", UsageError, "-n two is not a whole number", "-n 4"),
    "an image that Kubernetes refuses": Mistake("--image Team/Spark:4", UsageError, "image", "team/spark:4"),
    "a namespace that Kubernetes refuses": Mistake(
        "--namespace My_Team", UsageError, "My_Team", "--namespace"
    ),
    "a conf that the toolkit owns": Mistake(
        "--conf spark.kubernetes.namespace=x", UsageError, "set by the toolkit", "--namespace"
    ),
    "a conf that would show the secret": Mistake(
        "--conf spark.authenticate.secret=x", UsageError, "set by the toolkit", "Leave it away"
    ),
    "not available yet": Mistake("--min 1", UsageError, "not available yet", "-n N"),
    "an option twice": Mistake("-n 2 --executors 3", UsageError, "2 and 3", "Keep one of them"),
    "two sizes of one pod": Mistake(
        "--memory 4g --executor-memory 2g", UsageError, "only one can be given", "Keep --memory"
    ),
    "more memory than there is": Mistake(
        "-n 4 --memory 900g", UsageError, "4 executors of 900 GiB are more than this machine's", "--memory"
    ),
    "more cores than there are": Mistake("--cores 5000", UsageError, "this machine's 8 cores", "--cores 4"),
    "a driver larger than the machine": Mistake(
        "--driver-memory 9000g", UsageError, "--driver-memory", "Leave it"
    ),
    "off-heap memory larger than the pod": Mistake(
        "--memory 2g --conf spark.memory.offHeap.enabled=true --conf spark.memory.offHeap.size=4g",
        UsageError,
        "--memory 2048m is too little",
        "at least --memory",
    ),
    "more to wait for than asked for": Mistake("-n 2 --wait 3", UsageError, "only 2 executors", "--wait all"),
    "no pod template": Mistake(
        "--pod-template none.yaml", UsageError, "There is no pod template", "kind: Pod"
    ),
    "a malformed pod template": Mistake(
        "--pod-template t.yaml",
        UsageError,
        "malformed, line 2",
        "kind: Pod",
        lambda p: p.write("t.yaml", "a: [\nb"),
    ),
    "a template of something else": Mistake(
        "--pod-template t.yaml",
        UsageError,
        "is not a Pod",
        "kind: Pod",
        lambda p: p.write("t.yaml", "kind: Deployment"),
    ),
    "Python files that are not there": Mistake(
        "--py-files none.zip", UsageError, "none.zip is not there", ".zip"
    ),
    "packages that are none": Mistake("--packages avro", UsageError, "avro", "GROUP:ARTIFACT:VERSION"),
    "a profile that is not there": Mistake(
        "--profile big", UsageError, "There is no profile big", "[profiles.NAME]"
    ),
    "a wrong key in a settings file": Mistake(
        "", SettingsError, "sparkk8s.toml:3", "Did you mean memory?", wrong_settings
    ),
    "no Java": Mistake("", JavaError, "There is no Java on this machine", "Install Java 17", no_java),
    "Java that is too old": Mistake("", JavaError, "is Java 11", "JAVA_HOME", old_java),
    "a JAVA_HOME that is not there": Mistake(
        "", JavaError, "JAVA_HOME=/none", "JAVA_HOME", lambda p: p.patch.setenv("JAVA_HOME", "/none")
    ),
    "a SPARK_HOME that is not there": Mistake(
        "", DriverError, "no Spark at /none", "SPARK_HOME", lambda p: p.patch.setenv("SPARK_HOME", "/none")
    ),
    "no kubeconfig": Mistake(
        LAB,
        ConnectError,
        "There is no kubeconfig at /none",
        "embedded",
        lambda p: kubeconfig_at(p, "/none"),
    ),
    "a kubeconfig that cannot be read": Mistake(LAB, ConnectError, "cannot be read", "readable", unreadable),
    "a malformed kubeconfig": Mistake(
        LAB,
        ConnectError,
        "is malformed, line 2",
        "Repair",
        lambda p: p.patch.setenv("KUBECONFIG", str(p.write("k", "a: [\nb"))),
    ),
    "what is no kubeconfig": Mistake(
        LAB,
        ConnectError,
        "is not a kubeconfig",
        "kubeconfig",
        lambda p: p.patch.setenv("KUBECONFIG", str(p.write("k", "hello"))),
    ),
    "an unknown context": Mistake(
        "--context lba",
        UsageError,
        "There is no context 'lba'",
        "Did you mean lab?",
        lambda p: p.kubeconfig(),
    ),
    "a context without a namespace": Mistake(
        "--context bare", UsageError, "has no namespace", "--namespace NAME", lambda p: p.kubeconfig()
    ),
    "a cluster without an image": Mistake(
        LAB, UsageError, "need an image", "--image", lambda p: p.kubeconfig()
    ),
    "a kubeconfig that points nowhere": Mistake(
        LAB,
        ConnectError,
        "Nothing listens at",
        "cluster runs",
        lambda p: p.kubeconfig(server="https://127.0.0.1:9"),
    ),
    "a certificate that is not trusted": Mistake(
        LAB, ConnectError, "does not trust the certificate", "kubeconfig anew", other_ca
    ),
    "a token that is not accepted": Mistake(
        LAB, RefusedError, "does not accept our credentials", "Log in", lambda p: p.kubeconfig(token="wrong")
    ),
    "a cluster that is ill": Mistake(
        LAB, SparkK8sError, "no", "try again", lambda p: p.api(lambda path: 500)
    ),
}
"""Mistakes that are found before anything is started."""

LATE = {
    "a namespace that is not there": Mistake(
        "--namespace nowhere", NotFoundError, "There is no namespace nowhere", "--namespace"
    ),
    "a cluster that refuses everything": Mistake(
        f"{LAB} --image team/spark:4",
        RefusedError,
        "We may not",
        "Ask the administrator",
        no_right,
    ),
    "no right at all": Mistake(
        f"{LAB} --image team/spark:4",
        RefusedError,
        "We may do nothing in namespace default",
        "sparkk8s-nb manifests rbac --namespace default",
        lambda p: p.api(reviews_alone),
    ),
    "no right to make pods": Mistake(
        f"{LAB} --image team/spark:4",
        RefusedError,
        "We may not create pods in namespace default",
        'the rule apiGroups: [""], resources: ["pods"], verbs: ["create"]',
        lambda p: p.api(
            reviews_alone, lambda access: (access.get("verb"), access.get("resource")) == ("create", "pods")
        ),
    ),
}
"""Mistakes that only the cluster can find, while the JVM comes up already."""

EVERY = MISTAKES | LATE


@pytest.mark.parametrize("mistake", EVERY)
def test_a_cell_shows_two_lines_and_fails(
    place: Place, shell: InteractiveShell, capsys: pytest.CaptureFixture[str], mistake: str
) -> None:
    """Run All stops there; nothing of Java's or py4j's is shown."""
    wrong = EVERY[mistake]
    wrong.prepare(place)
    result = shell.run_cell(f"%sparkk8s start {wrong.words}")
    assert isinstance(result.error_in_exec, wrong.kind), result.error_in_exec
    out = capsys.readouterr().out
    lines = out.strip().splitlines()
    assert len(lines) == 2, out
    assert wrong.problem in lines[0]
    assert wrong.fix in lines[1]
    assert not {"py4j", "Traceback", "Exception"} & set(out.split())
    assert "spark" not in shell.user_ns


@pytest.mark.parametrize("mistake", EVERY)
def test_the_command_line_says_the_same_and_exits_with_it(
    place: Place, capsys: pytest.CaptureFixture[str], mistake: str
) -> None:
    """2 for wrong usage, 1 for the rest; the script does not run."""
    wrong = EVERY[mistake]
    wrong.prepare(place)
    if mistake in {"stray word", "option without a value"}:
        pytest.skip("on a command line a word may be the script")
    code = main(["run", *wrong.words.split(), "script.py"])
    out, err = capsys.readouterr()
    assert out == ""
    lines = err.strip().splitlines()
    assert len(lines) == 2, err
    assert wrong.problem in lines[0]
    assert wrong.fix in lines[1]
    assert code == (2 if wrong.kind is UsageError else 1)


@pytest.mark.parametrize(
    ("line", "problem", "fix"),
    [
        ("statr", "statr is not a command.", "Did you mean start?"),
        ("xyzzy", "xyzzy is not a command.", "%sparkk8s help lists the commands."),
        ("scale 0", "scale 0: the number of executors must be at least 1.", "Write scale 4"),
        ("scale", "", "scale 4"),
        ("logs --tial 5", "--tial", "--tail"),
        ("cancel soon", "soon is not a cell's number.", "cancel 5"),
        ("conf spark.master=local", "The conf spark.master is set by the toolkit.", "--context"),
        ("status now", "now", ""),
        ("scale 3", "No Spark session runs in this kernel.", "%sparkk8s start"),
        ("logs", "No Spark session runs in this kernel.", "%sparkk8s start"),
    ],
)
def test_a_wrong_command_is_two_lines(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str], line: str, problem: str, fix: str
) -> None:
    """What was meant, where it can be guessed."""
    result = shell.run_cell(f"%sparkk8s {line}")
    assert isinstance(result.error_in_exec, SparkK8sError)
    lines = capsys.readouterr().out.strip().splitlines()
    assert len(lines) == 2
    assert problem in lines[0]
    assert fix in lines[1]


def test_the_cell_form_names_the_line(shell: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    """One option a line, and the wrong one is found again."""
    result = shell.run_cell("%%sparkk8s start\nexecutors = 2\nmemory = 2x\n")
    assert isinstance(result.error_in_exec, UsageError)
    lines = capsys.readouterr().out.strip().splitlines()
    assert len(lines) == 2
    assert "2x" in lines[0]


@pytest.mark.parametrize(
    ("words", "code", "problem"),
    [
        (["rnu"], 2, "There is no command rnu."),
        (["run", "none.py"], 2, "There is no file none.py."),
        (["run", "none.ipynb"], 2, "There is no file none.ipynb."),
        (["run", "broken.ipynb"], 2, "broken.ipynb is not a notebook."),
        (["run", "-n", "0", "script.py"], 2, "-n 0: the number of executors must be at least 1."),
        (["shell", "--memory", "2x"], 2, "--memory 2x is not an amount of memory."),
        (["ps", "--al"], 2, "ps does not take --al."),
    ],
)
def test_the_installed_program_says_it_too(place: Place, words: list[str], code: int, problem: str) -> None:
    """In a process of its own, as users run it."""
    place.write("broken.ipynb", "{")
    done = subprocess.run(
        [sys.executable, "-m", "sparkk8s_nb.cli", *words],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 2, done.stderr
    assert lines[0] == problem


def test_all_port_slots_taken(
    place: Place, shell: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    """The range is named, and who can make room."""
    place.patch.setattr(driver_network, "SLOTS", 1)
    place.patch.setattr(port_slots, "FIRST_PORT", 26000)
    slot = port_slots.acquire_slot(Path(os.environ["SPARKK8S_RUNTIME_DIR"]) / "ports", "127.0.0.1", slots=[0])
    try:
        result = shell.run_cell("%sparkk8s start -n 1")
    finally:
        slot.release()
    assert type(result.error_in_exec) is SessionError
    lines = capsys.readouterr().out.strip().splitlines()
    assert len(lines) == 2
    assert "All port slots for Spark drivers are taken" in lines[0]


def test_a_start_that_times_out_says_why(
    place: Place, shell: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    """Executors that fit no node: the scheduler's reason, not a hang, and nothing is left of Spark either."""
    place.write("pod.yaml", "spec: {nodeSelector: {disk: none-has-it}}\n")
    result = shell.run_cell("%sparkk8s start -n 1 --pod-template pod.yaml --timeout 4")
    assert type(result.error_in_exec) is StartError
    lines = capsys.readouterr().out.strip().splitlines()
    assert len(lines) == 2, lines
    assert "No executor came within 4 s" in lines[0]
    assert "node" in lines[0]


def test_a_conf_that_spark_refuses_is_no_java_trace(
    place: Place, shell: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    """Spark's own sentence."""
    result = shell.run_cell("%sparkk8s start -n 1 --conf spark.task.cpus=many")
    assert isinstance(result.error_in_exec, SparkK8sError)
    out = capsys.readouterr().out
    lines = out.strip().splitlines()
    assert len(lines) == 2, out
    assert "spark.task.cpus" in lines[0]
    assert "py4j" not in out
