"""How long until Spark works: ours against stock pyspark on the same embedded cluster.

All start two executors of one core on the same API and run a first JVM task, a first Python task and a
first SQL query, each in a fresh process, in turns: stock pyspark, ours as on a machine's first start, and ours
as on every later one, with the archives of Spark's classes that the first start makes. Stock pyspark has its
default confs but for what it needs to reach the cluster at all. Prints a table and a JSON line.

    python benchmarks/start.py [--rounds 7]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROUNDS = 7
KINDS = ("stock", "first", "ours")
MARKS = ("session", "first JVM task", "first Python task", "first SQL")


def marks_of(spark: object, begin: float) -> dict[str, float]:
    """Seconds since ``begin`` of the first task of each kind."""
    context = spark.sparkContext  # type: ignore[attr-defined]
    marks = {"session": time.monotonic() - begin}
    spark._jsparkSession.sparkContext().range(0, 2, 1, 2).count()  # type: ignore[attr-defined]
    marks["first JVM task"] = time.monotonic() - begin
    context.parallelize([1, 2], 2).map(lambda x: x + 1).collect()
    marks["first Python task"] = time.monotonic() - begin
    spark.range(1000).selectExpr("sum(id)").collect()  # type: ignore[attr-defined]
    marks["first SQL"] = time.monotonic() - begin
    return marks


def ours() -> None:
    """One start of ours, from the call to the first SQL; its phases as well."""
    begin = time.monotonic()
    import sparkk8s_nb

    session = sparkk8s_nb.start(
        executors=2, cores=1, memory="2g", driver_memory="1g", context="embedded", class_archives=False
    )
    marks = marks_of(session.spark, begin)
    ends = [moment for _, moment in session.phases[1:]]
    phases = {name: end - at for (name, at), end in zip(session.phases, ends, strict=False) if name}
    session.stop()
    print(json.dumps({"marks": marks, "phases": phases}))


def stock(scratch: Path) -> None:
    """One start of stock pyspark."""
    begin = time.monotonic()
    cluster = json.loads((scratch / "cluster.json").read_text())
    os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.master(f"k8s://{cluster['server']}").appName("stock")
    conf = {
        "spark.kubernetes.authenticate.caCertFile": cluster["ca_file"],
        "spark.kubernetes.authenticate.oauthTokenFile": cluster["token_file"],
        "spark.kubernetes.namespace": "default",
        "spark.kubernetes.container.image": "stock",
        "spark.kubernetes.executor.podTemplateFile": str(scratch / "template.json"),
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.memory": "1g",
        "spark.executor.instances": "2",
        "spark.executor.memory": "1g",
        "spark.kubernetes.executor.request.cores": "0.5",
    }
    for key, value in conf.items():
        builder = builder.config(key, value)
    spark = builder.getOrCreate()
    marks = marks_of(spark, begin)
    spark.stop()
    print(json.dumps({"marks": marks, "phases": {}}))


def prepare(scratch: Path) -> None:
    """Bring the cluster up and write what stock pyspark needs: the start script, the pod template."""
    from importlib import resources

    import sparkk8s_nb.embedded.lifecycle as embedded
    from sparkk8s_nb.kube.connect import connect
    from sparkk8s_nb.session.preparing import prepare as made_ready
    from sparkk8s_nb.session.targets import embedded_target
    from sparkk8s_nb.spark.java import find_java
    from sparkk8s_nb.spark.places import executor_hints

    cluster = embedded.up()
    made_ready(lambda doing: print(doing, file=sys.stderr))
    script = resources.files("sparkk8s_nb.spark").joinpath("executor.sh").read_text()
    api = connect(embedded_target(), scratch=scratch)
    api.create(
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "stock-tools"},
            "data": {"executor.sh": script},
        }
    )
    hints = executor_hints(find_java(os.environ), sys.executable)
    container = {
        "name": "spark",
        "command": ["/bin/sh", "/opt/tools/executor.sh"],
        "env": [{"name": name, "value": value} for name, value in hints.items()],
        "volumeMounts": [{"name": "tools", "mountPath": "/opt/tools"}],
    }
    volume = {"name": "tools", "configMap": {"name": "stock-tools"}}
    template = {
        "apiVersion": "v1",
        "kind": "Pod",
        "spec": {"containers": [container], "volumes": [volume]},
    }
    (scratch / "template.json").write_text(json.dumps(template))
    facts = {key: str(getattr(cluster, key)) for key in ("server", "ca_file", "token_file")}
    (scratch / "cluster.json").write_text(json.dumps(facts))


def one(kind: str, scratch: Path, log: Path) -> dict[str, dict[str, float]]:
    """One start in a fresh process."""
    with log.open("ab") as errors:
        result = subprocess.run(
            [sys.executable, __file__, "--child", kind, "--scratch", str(scratch)],
            stdout=subprocess.PIPE,
            stderr=errors,
            env={**os.environ, **({"SPARKK8S_CACHE_DIR": str(scratch / "none")} if kind == "first" else {})},
            timeout=300,
            check=True,
        )
    return json.loads(result.stdout.splitlines()[-1])


def main() -> None:
    """Run the rounds in turns and print what came out."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--child", choices=KINDS)
    parser.add_argument("--scratch", type=Path)
    options = parser.parse_args()
    if options.child == "stock":
        return stock(options.scratch)
    if options.child:
        return ours()
    with tempfile.TemporaryDirectory(prefix="bench-start-") as directory:
        scratch = Path(directory)
        os.environ["SPARKK8S_RUNTIME_DIR"] = str(scratch / "run")
        os.environ["SPARKK8S_STATE_DIR"] = str(scratch / "state")
        import sparkk8s_nb.embedded.lifecycle as embedded

        try:
            prepare(scratch)
            report(measure(scratch, options.rounds))
        finally:
            embedded.down()
    return None


def measure(scratch: Path, rounds: int) -> dict[str, list[dict[str, dict[str, float]]]]:
    """All rounds, after one of each that only warms the disk's cache."""
    results: dict[str, list[dict[str, dict[str, float]]]] = {kind: [] for kind in KINDS}
    for number in range(rounds + 1):
        for kind in (*KINDS[number % 3 :], *KINDS[: number % 3]):
            result = one(kind, scratch, scratch / f"{kind}.log")
            if number:
                results[kind].append(result)
            print(f"round {number} {kind}: {result['marks']['first SQL']:.1f} s", file=sys.stderr)
    return results


def report(results: dict[str, list[dict[str, dict[str, float]]]]) -> None:
    """The table and the JSON line."""
    medians = {
        kind: {mark: statistics.median(r["marks"][mark] for r in rounds) for mark in MARKS}
        for kind, rounds in results.items()
    }
    spread = {
        kind: {mark: [min(v), max(v)] for mark in MARKS for v in [[r["marks"][mark] for r in rounds]]}
        for kind, rounds in results.items()
    }
    print(
        f"{'seconds until':18s} {'stock':>7s} {'first':>7s} {'ratio':>6s} {'ours':>7s} {'ratio':>6s}   spread of ours"
    )
    ratios: dict[str, dict[str, float]] = {"first": {}, "ours": {}}
    for mark in MARKS:
        for kind, found in ratios.items():
            pairs = zip(results[kind], results["stock"], strict=True)
            found[mark] = statistics.median(o["marks"][mark] / s["marks"][mark] for o, s in pairs)
        stock_s, first_s, ours_s = (medians[kind][mark] for kind in KINDS)
        low, high = spread["ours"][mark]
        print(
            f"{mark:18s} {stock_s:7.2f} {first_s:7.2f} {ratios['first'][mark]:6.2f} "
            f"{ours_s:7.2f} {ratios['ours'][mark]:6.2f}   {low:.2f} to {high:.2f}"
        )
    print("\nphases of ours, median seconds")
    phases = {}
    for name in results["ours"][0]["phases"]:
        phases[name] = statistics.median(r["phases"].get(name, 0.0) for r in results["ours"])
        print(f"  {name:28s} {phases[name]:6.2f}")
    load = os.getloadavg()
    print(f"\n{len(results['ours'])} rounds, load {load[0]:.1f}, {os.cpu_count()} processors")
    facts = {"benchmark": "start", "medians": medians, "spread": spread, "ratios": ratios, "phases": phases}
    print(json.dumps(facts | {"load": load, "rounds": len(results["ours"])}))


if __name__ == "__main__":
    main()
