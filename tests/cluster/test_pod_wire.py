"""What others on the pods' network see and can do: nothing in plain text, and no entry without the session's secret."""

from __future__ import annotations

import re
import socket
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.node_tier import NodeTier
from tests.cluster.notebook_pods import NotebookPod, PodKernel
from tests.cluster.real_cluster import Namespace
from tests.cluster.wire_capture import captured, streams
from tests.embedded.kernels import GONE_SECONDS
from tests.eventually import eventually

pytestmark = [pytest.mark.node_tier, pytest.mark.timeout(600)]

HIDDEN = "said-by-an-executor-through-spark"
PLAIN = "said-by-an-executor-in-the-clear"
LISTENER = 9900
RESULTS = 2000

LISTEN = f"""
import socket, threading
listener = socket.create_server(("0.0.0.0", {LISTENER}))
heard = []
def hear():
    connection, _ = listener.accept()
    with connection:
        heard.append(connection.recv(1000).decode())
threading.Thread(target=hear, daemon=True).start()
"""
TELL = f"""
def tell(address):
    import socket
    with socket.create_connection((address, {LISTENER}), timeout=10) as connection:
        connection.sendall(b"-".join([b"said", b"by", b"an", b"executor", b"in", b"the", b"clear"]))
    return 1
def say(number):
    return "-".join(["said", "by", "an", "executor", "through", "spark"]) + str(number)
"""
"""Neither text stands in the cells themselves, which go over the network in plain text on their way to the kernel."""

RPC_REQUEST, RPC_RESPONSE, RPC_FAILURE = 3, 4, 5
ANSWER_SECONDS = 20.0
WRONG_SECRET = "/tmp/wrong-secret"
FOREIGN = """
import pathlib, subprocess, sparkk8s_nb.spark
pathlib.Path({wrong!r}).write_text("of-somebody-else")
script = pathlib.Path(sparkk8s_nb.spark.__path__[0], "executor.sh")
done = subprocess.run(
    ["sh", str(script), "executor"], env={env!r}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    timeout=180,
)
"""


@pytest.fixture(scope="module")
def kernel(notebook: NotebookPod) -> Iterator[PodKernel]:
    """A kernel with a session of one executor."""
    kernel = notebook.kernel("work/wire.ipynb")
    kernel.start("-n 1", executors=1)
    yield kernel
    kernel.kill()
    assert eventually(lambda: not notebook.left(), GONE_SECONDS), notebook.left()


def executor(hub: Namespace) -> dict[str, Any]:
    """The executor's pod."""
    (pod,) = hub.administrator.list("Pod", selector="spark-role=executor")
    return pod


def test_nothing_that_executors_and_driver_say_is_in_plain_text(
    our_node_tier: NodeTier, hub: Namespace, notebook: NotebookPod, kernel: PodKernel, tmp_path: Path
) -> None:
    """The same executor says something in the clear meanwhile: that is seen, so the other would have been."""
    notebook.hand.run(LISTEN)
    kernel.run(TELL)
    with captured(our_node_tier.namespaces, tmp_path / "frames"):
        told = kernel.value(f"len(set(sc.parallelize(range({RESULTS}), 2).map(say).collect()))")
        assert told == RESULTS
        assert kernel.value(f"sc.parallelize([{notebook.address!r}], 1).map(tell).collect()") == [1]
        assert eventually(lambda: notebook.hand.value("heard") == [PLAIN])
    address = executor(hub)["status"]["podIP"]
    seen = {
        flow: said for flow, said in streams(tmp_path / "frames").items() if address in (flow[0], flow[2])
    }
    clear = {flow for flow, said in seen.items() if PLAIN.encode() in said}
    assert {flow[3] for flow in clear} == {LISTENER}
    spark = {flow: said for flow, said in seen.items() if LISTENER not in (flow[1], flow[3])}
    assert sum(map(len, spark.values())) > RESULTS * len(HIDDEN), "less was seen than the results' own size"
    assert [flow for flow, said in spark.items() if HIDDEN.encode() in said] == []
    for word in (b"java.lang", b"org.apache.spark", b"CoarseGrained", b"pyspark", b"executor"):
        assert [flow for flow, said in spark.items() if word in said] == [], word


def test_a_client_without_authentication_gets_no_answer(notebook: NotebookPod, kernel: PodKernel) -> None:
    """Neither at the driver's port nor at its block manager's: a failure, and the connection is closed."""
    for name in ("spark.driver.port", "spark.driver.blockManager.port"):
        port = int(kernel.value(f"sc.getConf().get({name!r})"))
        kinds = ask(notebook.address, port)
        assert set(kinds) <= {RPC_FAILURE}, (name, kinds)
    kernel.job()


def test_an_executor_with_another_secret_is_refused(
    hub: Namespace, notebook: NotebookPod, kernel: PodKernel
) -> None:
    """Everything else of it is right: it ends with the reason, and the session has the executors it had."""
    (container,) = executor(hub)["spec"]["containers"]
    env = {each["name"]: each["value"] for each in container["env"] if "value" in each}
    env = {name: re.sub(r"/opt/sparkk8s/secret/\w+", WRONG_SECRET, value) for name, value in env.items()}
    assert any(WRONG_SECRET in value for value in env.values())
    env |= {
        "SPARK_EXECUTOR_ID": "99",
        "SPARK_EXECUTOR_POD_IP": notebook.address,
        "SPARK_EXECUTOR_POD_NAME": notebook.name,
        "HOME": "/tmp",
        "TMPDIR": "/tmp",
        "PATH": "/usr/bin:/bin",
    }
    notebook.hand.run(FOREIGN.format(wrong=WRONG_SECRET, env=env))
    code, said = notebook.hand.value("[done.returncode, done.stdout[-20000:]]")
    assert code != 0, said
    assert re.search(r"(?i)authenticat|AEADBadTag|SecurityException", said), said
    fleet = kernel.fleet()
    assert (fleet["ready"], [row[0] for row in fleet["executors"]]) == (1, ["1"])
    kernel.job()


def ask(address: str, port: int) -> list[int]:
    """Send a call of Spark's protocol without authenticating; the kinds of messages that come until the end."""
    body = b"\x00" * 16
    message = struct.pack("!BqI", RPC_REQUEST, 1, len(body)) + body
    with socket.create_connection((address, port), timeout=ANSWER_SECONDS) as connection:
        connection.sendall(struct.pack("!q", 8 + len(message)) + message)
        answered = b""
        while data := connection.recv(65536):  # a TimeoutError if it is left open
            answered += data
    kinds = []
    while answered:
        (length,) = struct.unpack_from("!q", answered)
        kinds.append(answered[8])
        answered = answered[length:]
    return kinds
