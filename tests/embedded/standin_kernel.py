"""A stand-in for a notebook kernel: it makes a session's objects, has a keeper, and waits for its end.

``python standin_kernel.py KUBECONFIG DIRECTORY NAME [fork]``; prints one line of JSON when all is there.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from sparkk8s_nb.keeper.launch import launch
from sparkk8s_nb.keeper.plan import KeeperPlan
from sparkk8s_nb.kube.connect import connect
from sparkk8s_nb.kube.lease import lease_manifest, owner_reference
from sparkk8s_nb.model.spec import ClusterTarget, TargetKind
from sparkk8s_nb.processes import identify


def main() -> None:
    """Make a session and wait."""
    kubeconfig, directory, name = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    directory.mkdir(parents=True)
    labels = {"sparkk8s-nb/session": name}
    cluster = connect(
        ClusterTarget(kind=TargetKind.EMBEDDED, namespace="default", kubeconfig=kubeconfig),
        scratch=directory / "api",
    )
    keeper = launch(
        KeeperPlan(
            kernel=identify(),
            access=cluster.access,
            namespace="default",
            lease=name,
            selector=f"sparkk8s-nb/session={name}",
            runtime_dir=directory,
            log_file=directory.parent / f"{name}.log",
            renew_seconds=0.5,
        )
    )
    jvm = subprocess.Popen(["/bin/sleep", "600"], start_new_session=True, stdin=subprocess.DEVNULL)
    keeper.driver(identify(jvm.pid))
    lease = cluster.create(
        lease_manifest(
            name,
            "default",
            labels=labels,
            annotations={},
            holder="stand-in",
            duration_seconds=120,
            now=time.time(),
        )
    )
    keeper.lease(name, lease["metadata"]["uid"])
    metadata = {"name": name, "labels": labels, "ownerReferences": [owner_reference(lease)]}
    cluster.create({"kind": "Secret", "metadata": metadata, "stringData": {"a": "b"}})
    cluster.create({"kind": "ConfigMap", "metadata": metadata, "data": {"a": "b"}})
    cluster.create(
        {"kind": "Service", "metadata": metadata, "spec": {"clusterIP": "None", "ports": [{"port": 7078}]}}
    )
    for number in (1, 2):
        container = {"name": "c", "image": "none", "command": ["/bin/sleep", "600"]}
        cluster.create(
            {
                "kind": "Pod",
                "metadata": {**metadata, "name": f"{name}-{number}"},
                "spec": {"containers": [container], "restartPolicy": "Never"},
            }
        )
    child = os.fork() if "fork" in sys.argv[4:] else None
    if child == 0:
        time.sleep(600)
        os._exit(0)
    told = {"pid": os.getpid(), "jvm": jvm.pid, "keeper": keeper.process.pid, "child": child}
    print(json.dumps(told), flush=True)
    sys.stdin.read()
    keeper.finish()


main()
