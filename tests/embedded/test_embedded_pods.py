"""Pods on the real daemon, seen through the kubernetes client."""

from __future__ import annotations

import contextlib
import os
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from kubernetes import client, config, watch
from kubernetes.client.exceptions import ApiException

from sparkk8s_nb.embedded.lifecycle import EmbeddedCluster
from tests.eventually import until


@pytest.fixture(scope="module")
def core(embedded_cluster: EmbeddedCluster) -> Iterator[client.CoreV1Api]:
    """The client, through the kubeconfig, as everybody uses it."""
    api = config.new_client_from_config(str(embedded_cluster.kubeconfig))
    with api:
        yield client.CoreV1Api(api)


@pytest.fixture
def namespace(core: client.CoreV1Api) -> Iterator[str]:
    """A namespace of the test's own, gone afterwards with all that is in it."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    core.create_namespace({"metadata": {"name": name}})
    yield name
    core.delete_namespace(name)
    until(
        lambda: name not in {each.metadata.name for each in core.list_namespace().items}, "the namespace goes"
    )


def body(name: str, script: str, **spec: Any) -> dict[str, Any]:
    container: dict[str, Any] = {"name": "main", "image": "any/image:1", "command": ["sh", "-c", script]}
    for key in ("env", "envFrom", "volumeMounts", "resources", "workingDir", "command", "args"):
        if key in spec:
            container[key] = spec.pop(key)
    return {
        "metadata": {"name": name},
        "spec": {
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 5,
            "containers": [container],
            **spec,
        },
    }


@pytest.fixture
def run(core: client.CoreV1Api, namespace: str) -> Callable[..., Any]:
    """Run a pod to its end; gives the pod and its log."""

    def start(script: str, name: str = "p", **spec: Any) -> tuple[Any, str]:
        core.create_namespaced_pod(namespace, body(name, script, **spec))
        pod = ended(core, namespace, name)
        return pod, core.read_namespaced_pod_log(name, namespace)

    return start


def ended(core: client.CoreV1Api, namespace: str, name: str = "p") -> Any:
    def look() -> Any:
        pod = core.read_namespaced_pod(name, namespace)
        return pod if pod.status.phase in ("Succeeded", "Failed") else None

    return until(look, f"{name} ends")


def running(core: client.CoreV1Api, namespace: str, name: str = "p") -> Any:
    def look() -> Any:
        pod = core.read_namespaced_pod(name, namespace)
        assert pod.status.phase in ("Pending", "Running"), pod.status
        return pod if pod.status.phase == "Running" else None

    return until(look, f"{name} runs")


def finished(pod: Any) -> Any:
    return pod.status.container_statuses[0].state.terminated


def test_a_pod_runs_its_command_and_says_how_it_ended(run: Callable[..., Any]) -> None:
    """Output, exit code, reason, phase, address."""
    pod, log = run("echo out; echo err >&2; exit 3")
    assert sorted(log.split()) == ["err", "out"]
    assert (pod.status.phase, finished(pod).exit_code, finished(pod).reason) == ("Failed", 3, "Error")
    assert pod.status.pod_ip.startswith("127.")
    assert finished(pod).started_at <= finished(pod).finished_at
    good, _ = run("true", name="good")
    assert (good.status.phase, finished(good).reason) == ("Succeeded", "Completed")


@pytest.mark.skipif(sys.platform != "linux", reason="one address for all pods there")
def test_each_pod_has_an_address_of_its_own_that_it_can_listen_on(run: Callable[..., Any]) -> None:
    """Two pods may use the same port."""
    script = "import os,socket; s=socket.create_server((os.environ['IP'], 47011)); print(s.getsockname()[0])"
    env = [{"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}]
    first, said = run("", command=[sys.executable, "-c", script], env=env)
    second, _ = run("", name="q", command=[sys.executable, "-c", script], env=env)
    assert said.strip() == first.status.pod_ip != second.status.pod_ip


def test_a_container_gets_its_own_environment_and_nothing_of_ours(
    core: client.CoreV1Api, namespace: str, run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Values, references and expansion; the daemon's environment stays with the daemon."""
    core.create_namespaced_config_map(namespace, {"metadata": {"name": "cm"}, "data": {"k": "from-cm"}})
    core.create_namespaced_secret(namespace, {"metadata": {"name": "s"}, "stringData": {"k": "from-secret"}})
    env = [
        {"name": "A", "value": "1"},
        {"name": "B", "value": "$(A)2"},
        {"name": "NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        {"name": "CM", "valueFrom": {"configMapKeyRef": {"name": "cm", "key": "k"}}},
        {"name": "S", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
    ]
    _, log = run("env", env=env)
    found = dict(line.split("=", 1) for line in log.splitlines())
    assert (found["A"], found["B"], found["NAME"], found["CM"], found["S"], found["HOSTNAME"]) == (
        "1", "12", "p", "from-cm", "from-secret", "p",
    )  # fmt: skip
    assert not {key for key in found if key.startswith(("SPARKK8S", "PYTEST", "PYTHONPATH", "KUBE"))}


def test_volumes_are_where_their_mount_paths_say(
    core: client.CoreV1Api, namespace: str, run: Callable[..., Any]
) -> None:
    """ConfigMap with items and mode, Secret, emptyDir, downward API; named in env, args and text."""
    core.create_namespaced_config_map(
        namespace, {"metadata": {"name": "cm"}, "data": {"start.sh": "echo started $1", "other": "x"}}
    )
    core.create_namespaced_secret(namespace, {"metadata": {"name": "s"}, "stringData": {"rpc": "hush"}})
    volumes = [
        {"name": "cm", "configMap": {"name": "cm", "items": [{"key": "start.sh", "path": "bin/start.sh"}]}},
        {"name": "s", "secret": {"secretName": "s", "defaultMode": 0o440}},
        {"name": "work", "emptyDir": {}},
        {
            "name": "info",
            "downwardAPI": {"items": [{"path": "name", "fieldRef": {"fieldPath": "metadata.name"}}]},
        },
    ]
    mounts = [
        {"name": "cm", "mountPath": "/opt/made-up"},
        {"name": "s", "mountPath": "/run/made-up/secrets"},
        {"name": "work", "mountPath": "/made-up"},
        {"name": "work", "mountPath": "/made-up-sub", "subPath": "inner"},
        {"name": "info", "mountPath": "/info"},
    ]
    script = (
        "sh /opt/made-up/bin/start.sh now; cat ${OPTION#*=}; echo; echo hi > f; cat /made-up/f;"
        " stat -c %a /run/made-up/secrets/rpc; cat /info/name; echo; ls /opt/made-up;"
        " echo x > /made-up-sub/g; cat inner/g"
    )
    env = [{"name": "OPTION", "value": "-Dfile=/run/made-up/secrets/rpc"}]
    _, log = run(script, volumes=volumes, volumeMounts=mounts, env=env, workingDir="/made-up")
    assert log.splitlines() == ["started now", "hush", "hi", "440", "p", "bin", "x"]
    assert not Path("/made-up").exists()


def test_a_missing_config_map_keeps_the_pod_waiting_until_it_comes(
    core: client.CoreV1Api, namespace: str
) -> None:
    """CreateContainerConfigError, then it runs."""
    env = [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "late", "key": "k"}}}]
    core.create_namespaced_pod(namespace, body("p", "echo $A", env=env))

    def reason() -> str | None:
        statuses = core.read_namespaced_pod("p", namespace).status.container_statuses
        return statuses[0].state.waiting.reason if statuses and statuses[0].state.waiting else None

    until(lambda: reason() == "CreateContainerConfigError", "the pod says what it waits for")
    core.create_namespaced_config_map(namespace, {"metadata": {"name": "late"}, "data": {"k": "here"}})
    assert ended(core, namespace).status.phase == "Succeeded"
    assert core.read_namespaced_pod_log("p", namespace) == "here\n"


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["no-such-program-anywhere"], "executable file not found in $PATH"),
        (["/no/such/program"], "no such file or directory"),
        (["/"], "permission denied"),
    ],
)
def test_a_command_that_does_not_exist_is_told(
    core: client.CoreV1Api, namespace: str, command: list[str], message: str
) -> None:
    """StartError with exit code 128, as containerd has it."""
    core.create_namespaced_pod(namespace, body("p", "", command=command))
    pod = ended(core, namespace)
    assert (finished(pod).reason, finished(pod).exit_code) == ("StartError", 128)
    assert message in finished(pod).message


def test_init_containers_come_first_and_must_succeed(core: client.CoreV1Api, namespace: str) -> None:
    """One after the other; a failing one ends the pod."""
    spec = body(
        "p",
        "cat /w/log",
        volumeMounts=[{"name": "w", "mountPath": "/w"}],
        volumes=[{"name": "w", "emptyDir": {}}],
    )
    mount = [{"name": "w", "mountPath": "/w"}]
    spec["spec"]["initContainers"] = [
        {"name": f"i{i}", "image": "x", "command": ["sh", "-c", f"echo {i} >> /w/log"], "volumeMounts": mount}
        for i in range(2)
    ]
    core.create_namespaced_pod(namespace, spec)
    assert ended(core, namespace).status.phase == "Succeeded"
    assert core.read_namespaced_pod_log("p", namespace) == "0\n1\n"
    failing = body("q", "echo never")
    failing["spec"]["initContainers"] = [{"name": "i", "image": "x", "command": ["false"]}]
    core.create_namespaced_pod(namespace, failing)
    assert ended(core, namespace, "q").status.phase == "Failed"


def test_a_deleted_pod_reaches_a_terminal_phase_before_it_goes(
    core: client.CoreV1Api, namespace: str
) -> None:
    """Spark keeps believing in a pod whose end it did not see. TERM first, so the trap runs."""
    core.create_namespaced_pod(
        namespace, body("p", "trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.1; done")
    )
    pod = running(core, namespace)
    until(lambda: "up" in core.read_namespaced_pod_log("p", namespace), "the trap is set")
    core.delete_namespaced_pod("p", namespace)
    seen = []
    stream = watch.Watch().stream(
        core.list_namespaced_pod,
        namespace,
        resource_version=pod.metadata.resource_version,
        timeout_seconds=30,
    )
    for event in stream:
        seen.append((event["type"], event["object"].status.phase))
        if event["type"] == "DELETED":
            break
    assert seen[-2:] == [("MODIFIED", "Succeeded"), ("DELETED", "Succeeded")]


def test_a_pod_that_ignores_term_is_killed_after_its_grace(core: client.CoreV1Api, namespace: str) -> None:
    """The grace of the deletion wins over the pod's."""
    core.create_namespaced_pod(
        namespace,
        body("p", "trap '' TERM; echo up; while :; do sleep 0.1; done", terminationGracePeriodSeconds=600),
    )
    running(core, namespace)
    until(lambda: "up" in core.read_namespaced_pod_log("p", namespace), "the trap is set")
    core.delete_namespaced_pod("p", namespace, grace_period_seconds=1)
    until(lambda: not core.list_namespaced_pod(namespace).items, "the pod is gone")


@pytest.mark.skipif(sys.platform != "linux", reason="needs subreapers")
def test_all_processes_go_with_the_main_one(core: client.CoreV1Api, namespace: str) -> None:
    """Also those that chose a session of their own, as Spark's Python workers may."""
    mark = f"sleep-{uuid.uuid4().hex}"
    script = f"setsid bash -c 'exec -a {mark} sleep 600' & exec sleep 1"
    core.create_namespaced_pod(namespace, body("p", "", command=["bash", "-c", script]))
    until(lambda: processes_named(mark), "the child runs")
    assert ended(core, namespace).status.phase == "Succeeded"
    assert not processes_named(mark)


def processes_named(mark: str) -> list[int]:
    found = []
    for process in psutil.process_iter(["cmdline"]):
        with contextlib.suppress(psutil.Error):
            if (process.info["cmdline"] or [""])[0] == mark and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
    return [pid for pid in found if pid != os.getpid()]


def test_a_pod_that_uses_too_much_memory_is_killed(core: client.CoreV1Api, namespace: str) -> None:
    """OOMKilled, 137; also where a child uses it."""
    script = "import time; x = bytearray(200 << 20); time.sleep(600)"
    limits = {"limits": {"memory": "64Mi"}}
    core.create_namespaced_pod(
        namespace, body("p", f"{sys.executable} -c '{script}'; echo after", resources=limits)
    )
    pod = ended(core, namespace)
    assert (finished(pod).reason, finished(pod).exit_code, pod.status.phase) == ("OOMKilled", 137, "Failed")


def test_a_pod_below_its_limit_lives(run: Callable[..., Any]) -> None:
    """Shared memory counts in parts, not once for each process."""
    script = (
        "import mmap, os, time\n"
        "shared = mmap.mmap(-1, 40 << 20); shared.write(b'x' * (40 << 20))\n"
        "pids = [os.fork() for _ in range(3)]\n"
        "len(shared[:]); time.sleep(2.5)\n"
    )
    pod, _ = run("", command=[sys.executable, "-c", script], resources={"limits": {"memory": "350Mi"}})
    assert pod.status.phase == "Succeeded"


def test_a_pod_that_does_not_fit_stays_pending_and_says_why(core: client.CoreV1Api, namespace: str) -> None:
    """Condition and event, and it runs once there is room."""
    big = {"requests": {"cpu": "7"}}
    core.create_namespaced_pod(namespace, body("first", "sleep 600", resources=big))
    running(core, namespace, "first")
    core.create_namespaced_pod(namespace, body("second", "true", resources=big))

    def told() -> Any:
        return [
            each.message
            for each in core.list_namespaced_event(
                namespace, field_selector="involvedObject.name=second"
            ).items
            if each.reason == "FailedScheduling"
        ]

    assert until(told, "an event says why")[0].startswith("0/1 nodes are available: 1 Insufficient cpu.")
    assert core.read_namespaced_pod("second", namespace).status.conditions[0].reason == "Unschedulable"
    core.delete_namespaced_pod("first", namespace, grace_period_seconds=0)
    ended(core, namespace, "second")


def test_a_quota_refuses_and_counts(core: client.CoreV1Api, namespace: str) -> None:
    """403 in the real words, status.used kept."""
    core.create_namespaced_resource_quota(
        namespace, {"metadata": {"name": "q"}, "spec": {"hard": {"pods": "1", "requests.cpu": "1"}}}
    )
    core.create_namespaced_pod(namespace, body("p", "sleep 600", resources={"requests": {"cpu": "500m"}}))
    with pytest.raises(ApiException) as caught:
        core.create_namespaced_pod(namespace, body("q", "true", resources={"requests": {"cpu": "600m"}}))
    assert caught.value.status == 403
    assert (
        "exceeded quota: q, requested: pods=1,requests.cpu=600m, used: pods=1,requests.cpu=500m"
        in caught.value.body
    )
    wanted = {"pods": "1", "requests.cpu": "500m"}
    until(
        lambda: core.read_namespaced_resource_quota("q", namespace).status.used == wanted, "the quota counts"
    )


def test_logs_are_cut_and_stamped_as_asked(
    core: client.CoreV1Api, namespace: str, run: Callable[..., Any]
) -> None:
    """tailLines, limitBytes, timestamps, sinceSeconds, previous."""
    run("for i in 1 2 3 4 5; do echo line $i; done")
    read = core.read_namespaced_pod_log
    assert read("p", namespace, tail_lines=2) == "line 4\nline 5\n"
    assert read("p", namespace, limit_bytes=6) == "line 1"
    assert read("p", namespace, tail_lines=0) == ""
    assert read("p", namespace, since_seconds=3600).count("\n") == 5
    stamped = read("p", namespace, timestamps=True, tail_lines=1)
    assert stamped.endswith("Z line 5\n")
    with pytest.raises(ApiException) as caught:
        read("p", namespace, previous=True)
    assert caught.value.status == 400


def test_a_log_can_be_followed_to_its_end(core: client.CoreV1Api, namespace: str) -> None:
    """Lines come while the container runs; the stream ends with it."""
    core.create_namespaced_pod(namespace, body("p", "for i in 1 2 3; do echo $i; sleep 0.3; done"))
    running(core, namespace)
    lines = watch.Watch().stream(core.read_namespaced_pod_log, "p", namespace)
    assert list(lines) == ["1", "2", "3"]


def test_a_restarting_pod_starts_again_and_keeps_the_last_log(core: client.CoreV1Api, namespace: str) -> None:
    """OnFailure: the second run succeeds."""
    script = "if [ -e /w/again ]; then echo second; else touch /w/again; echo first; exit 1; fi"
    core.create_namespaced_pod(
        namespace,
        body(
            "p",
            script,
            restartPolicy="OnFailure",
            volumes=[{"name": "w", "emptyDir": {}}],
            volumeMounts=[{"name": "w", "mountPath": "/w"}],
        ),
    )
    pod = ended(core, namespace)
    assert (pod.status.phase, pod.status.container_statuses[0].restart_count) == ("Succeeded", 1)
    assert core.read_namespaced_pod_log("p", namespace) == "second\n"
    assert core.read_namespaced_pod_log("p", namespace, previous=True) == "first\n"


def test_pods_go_with_their_lease(
    core: client.CoreV1Api, namespace: str, embedded_cluster: EmbeddedCluster
) -> None:
    """A session is one Lease: delete it, and running pods end."""
    coordination = client.CoordinationV1Api(core.api_client)
    lease = coordination.create_namespaced_lease(namespace, {"metadata": {"name": "session"}, "spec": {}})
    reference = {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "name": "session",
        "uid": lease.metadata.uid,
    }
    pod = body("p", "sleep 600")
    pod["metadata"]["ownerReferences"] = [reference]
    core.create_namespaced_pod(namespace, pod)
    running(core, namespace)
    coordination.delete_namespaced_lease("session", namespace)
    until(lambda: not core.list_namespaced_pod(namespace).items, "the pods are gone")
    assert embedded_cluster.pid


def test_a_pods_files_go_with_the_pod(
    core: client.CoreV1Api, namespace: str, embedded_cluster: EmbeddedCluster, run: Callable[..., Any]
) -> None:
    """They are private while they are there, and gone afterwards."""
    pod, _ = run("echo x > $HOME/f")
    directory = embedded_cluster.kubeconfig.parent / "pods" / pod.metadata.uid
    assert (directory / "home" / "f").exists()
    assert directory.stat().st_mode & 0o077 == 0
    core.delete_namespaced_pod("p", namespace)
    until(lambda: not directory.exists(), "the files are gone")


@pytest.mark.skipif(sys.platform != "linux", reason="needs PR_SET_PDEATHSIG and subreapers")
def test_a_shim_that_is_killed_takes_its_pod_along(core: client.CoreV1Api, namespace: str) -> None:
    """The pod fails, and none of its processes stays."""
    mark = f"sleep-{uuid.uuid4().hex}"
    script = f"setsid bash -c 'exec -a {mark} sleep 600' & wait"
    core.create_namespaced_pod(namespace, body("p", "", command=["bash", "-c", script]))
    pod = running(core, namespace)
    main = int(pod.status.container_statuses[0].container_id.removeprefix("process://"))
    until(lambda: processes_named(mark), "the child runs")
    shim = psutil.Process(main).parent()
    assert shim is not None
    shim.kill()
    assert ended(core, namespace).status.phase == "Failed"
    until(lambda: not psutil.pid_exists(main), "the main process is gone")
    until(lambda: not processes_named(mark), "its child is gone")
