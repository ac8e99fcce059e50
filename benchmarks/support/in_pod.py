"""Runs in a notebook pod: sessions of ours and of stock pyspark, with the same image and the same sizes.

``python in_pod.py start|ask|hold|session ours|prepared|stock [NUMBER]``; what it found is the last line that it prints.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
TEMPLATE = Path("/tmp/stock-template.json")
NOWHERE = Path("/tmp/nowhere.json")
SCRIPT = "executor.sh"
TOOLS = "stock-tools"
SIZE = {"cores": 1, "executor_memory": "1g", "driver_memory": "1g"}
"""The CPU that a pod requests is in the settings file that a notebook pod of the tests has: 200m."""


ARCHIVES = "/cache"
"""A volume with the archives of Spark's classes, where an image that was prepared has them."""


def ours(executors: int, **more: Any) -> Any:
    """A session of ours; every executor is waited for only where that is said."""
    import sparkk8s_nb

    return sparkk8s_nb.start(executors=executors, **{**SIZE, **more})


def stock(executors: int, template: Path = TEMPLATE) -> Any:
    """A session of stock pyspark in client mode, with the confs that it needs to work at all."""
    os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
    from pyspark.sql import SparkSession

    server = f"https://{os.environ['KUBERNETES_SERVICE_HOST']}:{os.environ['KUBERNETES_SERVICE_PORT']}"
    conf = {
        "spark.kubernetes.authenticate.caCertFile": str(ACCOUNT / "ca.crt"),
        "spark.kubernetes.authenticate.oauthTokenFile": str(ACCOUNT / "token"),
        "spark.kubernetes.namespace": (ACCOUNT / "namespace").read_text(),
        "spark.kubernetes.container.image": os.environ["BENCH_IMAGE"],
        "spark.kubernetes.executor.podTemplateFile": str(template),
        "spark.driver.host": socket.gethostbyname(socket.gethostname()),
        "spark.driver.memory": "1g",
        "spark.executor.instances": str(executors),
        "spark.executor.cores": "1",
        "spark.executor.memory": "1g",
        "spark.kubernetes.executor.request.cores": "200m",
    }
    builder = SparkSession.builder.master(f"k8s://{server}").appName("stock")
    for key, value in conf.items():
        builder = builder.config(key, value)
    return builder.getOrCreate()


def write_templates(nowhere: Mapping[str, Any]) -> None:
    """What stock pyspark needs in an image without Spark's own entry point: our start script, by a ConfigMap."""
    container = {
        "name": "spark",
        "command": ["/bin/sh", f"/opt/tools/{SCRIPT}"],
        "env": [{"name": "PYSPARK_PYTHON", "value": sys.executable}],
        "volumeMounts": [{"name": "tools", "mountPath": "/opt/tools"}],
    }
    volume = {"name": "tools", "configMap": {"name": TOOLS}}
    template = {"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [container], "volumes": [volume]}}
    TEMPLATE.write_text(json.dumps(template))
    template["spec"] = {**template["spec"], **nowhere["spec"]}  # type: ignore[dict-item]
    NOWHERE.write_text(json.dumps(template))


def make_archives() -> None:
    """As ``sparkk8s-nb prepare`` does while an image is built."""
    from sparkk8s_nb.session.preparing import prepare

    os.environ["SPARKK8S_CACHE_DIR"] = ARCHIVES
    prepare(lambda doing: print(doing, file=sys.stderr))


def start(kind: str, begin: float) -> dict[str, Any]:
    """From nothing to the first task of each kind, in seconds."""
    from start import marks_of

    if kind == "stock":
        spark = stock(2)
        marks = marks_of(spark, begin)
        spark.stop()
        return {"marks": marks, "phases": {}}
    if kind == "prepared":
        os.environ["SPARKK8S_CACHE_DIR"] = ARCHIVES
    session = ours(2, **({"volume": f"cache:{ARCHIVES}:ro"} if kind == "prepared" else {}))
    marks = marks_of(session.spark, begin)
    ends = [moment for _, moment in session.phases[1:]]
    phases = {name: end - at for (name, at), end in zip(session.phases, ends, strict=False) if name}
    session.stop()
    return {"marks": marks, "phases": phases}


def ask(kind: str, number: int, seconds: float = 30.0) -> dict[str, Any]:
    """Ask for so many executors that no node takes, at the start and once more later; the API server's log has when.

    Returns when the second time was.
    """
    if kind == "stock":
        spark = stock(number, NOWHERE)
        time.sleep(seconds)
        again = time.time()
        of_profiles = spark.sparkContext._jvm.org.apache.spark.api.python.PythonUtils.toScalaMap({})
        spark.sparkContext._jsc.sc().requestTotalExecutors(2 * number, 0, of_profiles)
        time.sleep(seconds)
        spark.stop()
    else:
        nowhere = Path("/tmp/nowhere-ours.json")
        nowhere.write_text(json.dumps({"kind": "Pod", "spec": {"nodeSelector": {"disk": "diamond"}}}))
        if kind == "prepared":
            os.environ["SPARKK8S_CACHE_DIR"] = ARCHIVES
        session = ours(number, wait=0, pod_template=str(nowhere))
        time.sleep(seconds)
        again = time.time()
        session.scale(2 * number)
        time.sleep(seconds)
        session.stop()
    return {"again": again}


def hold(kind: str, seconds: float) -> dict[str, Any]:
    """A session with two executors that does nothing; the seconds during which it was idle."""
    session = ours(2, wait=2) if kind == "ours" else stock(2)
    spark = session.spark if kind == "ours" else session
    assert spark.range(1000).count() == 1000
    time.sleep(40)  # what a start does afterwards is none of it
    begin = time.time()
    time.sleep(seconds)
    end = time.time()
    session.stop()
    return {"begin": begin, "end": end}


def session(number: int) -> dict[str, Any]:
    """One of many sessions at once: what it computed, on whose executors, and what its end said."""
    begin = time.monotonic()
    small = {"driver_memory": "768m", "executor_memory": "512m"}
    cpu = {"spark.kubernetes.executor.request.cores": "50m"}  # all of them have to fit the node
    mine = ours(1, name=f"many-{number}", timeout=1500, conf=cpu, **small)
    started = time.monotonic() - begin
    total = mine.spark.sparkContext.parallelize(range(number + 100), 4).sum()
    hosts = mine.spark.sparkContext.parallelize([0], 1).map(lambda _: socket.gethostname()).collect()
    ports = [mine.spark.conf.get(f"spark.{name}.port") for name in ("driver", "driver.blockManager", "ui")]
    name = mine.spec.name
    said = mine.stop()
    return {
        "name": name,
        "right": total == sum(range(number + 100)),
        "hosts": hosts,
        "ports": ports,
        "said": said,
        "started": started,
        "whole": time.monotonic() - begin,
    }


def main(what: str, kind: str, number: float = 0) -> None:
    """Do one thing and print what came of it."""
    begin = time.monotonic()
    match what:
        case "prepare":
            write_templates(json.loads(kind))
            found: Any = resources.files("sparkk8s_nb.spark").joinpath(SCRIPT).read_text()
        case "archives":
            found = make_archives()
        case "start":
            found = start(kind, begin)
        case "ask":
            found = ask(kind, int(number))
        case "hold":
            found = hold(kind, number)
        case _:
            found = session(int(number))
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:3], *map(float, sys.argv[3:]))
