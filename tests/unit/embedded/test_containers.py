"""Environment and command line of a container."""

from __future__ import annotations

from typing import Any

import pytest

from sparkk8s_nb.embedded.containers import (
    ConfigError,
    PodFacts,
    command_line,
    environment,
    expand,
)
from sparkk8s_nb.embedded.mounts import PathMap

POD = {
    "metadata": {
        "name": "p",
        "namespace": "n",
        "uid": "u",
        "labels": {"app": "x"},
        "annotations": {"note": "y"},
    },
    "spec": {
        "containers": [
            {"name": "c", "resources": {"limits": {"memory": "1Gi"}, "requests": {"cpu": "1500m"}}}
        ]
    },
}
FACTS = PodFacts(
    pod=POD, ip="127.16.0.1", node="node", host_ip="127.0.0.1", allocatable={"cpu": "4", "memory": "8Gi"}
)
SOURCES = {("configmap", "cm"): {"a": b"1", "b": b"2"}, ("secret", "s"): {"k": b"v"}}


def lookup(kind: str, name: str) -> dict[str, bytes] | None:
    return SOURCES.get((kind, name))


def env(*variables: dict[str, Any], **more: Any) -> dict[str, str]:
    container = {**POD["spec"]["containers"][0], "env": list(variables), **more}  # type: ignore[index]
    return environment(container, FACTS, lookup, base={"PATH": "/bin"})


def ref(kind: str, **values: Any) -> dict[str, Any]:
    return {"name": "X", "valueFrom": {kind: values}}


def test_nothing_of_the_daemons_environment_reaches_a_container(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what the pod says, and PATH."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    assert env() == {"PATH": "/bin"}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("metadata.name", "p"),
        ("metadata.namespace", "n"),
        ("metadata.uid", "u"),
        ("metadata.labels['app']", "x"),
        ("metadata.annotations['note']", "y"),
        ("metadata.labels['absent']", ""),
        ("status.podIP", "127.16.0.1"),
        ("status.hostIP", "127.0.0.1"),
        ("spec.nodeName", "node"),
        ("spec.serviceAccountName", "default"),
    ],
)
def test_a_container_may_ask_about_its_pod(path: str, value: str) -> None:
    """The downward API."""
    assert env(ref("fieldRef", fieldPath=path))["X"] == value


@pytest.mark.parametrize(
    ("resource", "divisor", "value"),
    [
        ("limits.memory", None, str(1024**3)),
        ("limits.memory", "1Mi", "1024"),
        ("requests.cpu", None, "2"),
        ("requests.cpu", "1m", "1500"),
        ("limits.cpu", None, "4"),
        ("requests.memory", None, "0"),
    ],
)
def test_a_container_may_ask_about_its_resources(resource: str, divisor: str | None, value: str) -> None:
    """Rounded up to its divisor; a limit that is not set is the node's."""
    reference = {"resource": resource} if divisor is None else {"resource": resource, "divisor": divisor}
    assert env(ref("resourceFieldRef", **reference))["X"] == value


def test_values_come_from_config_maps_and_secrets() -> None:
    """Single keys, and all keys with a prefix; the container's own values win."""
    assert env(ref("configMapKeyRef", name="cm", key="a"))["X"] == "1"
    assert env(ref("secretKeyRef", name="s", key="k"))["X"] == "v"
    found = env({"name": "P_a", "value": "own"}, envFrom=[{"prefix": "P_", "configMapRef": {"name": "cm"}}])
    assert (found["P_a"], found["P_b"]) == ("own", "2")


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        (ref("configMapKeyRef", name="absent", key="a"), 'configmap "absent" not found'),
        (ref("secretKeyRef", name="s", key="absent"), "couldn't find key absent in Secret n/s"),
        (ref("fieldRef", fieldPath="spec.nothing"), "unsupported fieldPath"),
    ],
)
def test_what_is_missing_is_named(reference: dict[str, Any], message: str) -> None:
    """As the kubelet words it."""
    with pytest.raises(ConfigError, match=message):
        env(reference)


def test_what_is_missing_and_optional_is_left_out() -> None:
    """No variable rather than an empty one."""
    assert "X" not in env(ref("configMapKeyRef", name="absent", key="a", optional=True))
    assert env(envFrom=[{"secretRef": {"name": "absent", "optional": True}}]) == {"PATH": "/bin"}


def test_values_may_use_what_came_before() -> None:
    """``$(NAME)`` of earlier variables; what is unknown stays; ``$$`` escapes."""
    found = env(
        {"name": "A", "value": "1"}, {"name": "B", "value": "$(A)$(C)$$(A)"}, {"name": "C", "value": "x"}
    )
    assert found["B"] == "1$(C)$(A)"


def test_expansion_leaves_shell_syntax_alone() -> None:
    """``${X}``, ``$X`` and ``$(cmd arg)`` are the shell's."""
    assert expand("${A} $A $(ls -l) $$", {"A": "1"}) == "${A} $A $(ls -l) $"


def test_command_and_arguments_are_expanded_and_mapped() -> None:
    """Spark's secret file inside a Java option, for instance."""
    container = {"command": ["sh", "/mnt/x/start"], "args": ["$(ROLE)", "-Df=/mnt/x/secret"]}
    argv = command_line(container, {"ROLE": "executor"}, PathMap({"/mnt/x": "/pod/v"}))
    assert argv == ["sh", "/pod/v/start", "executor", "-Df=/pod/v/secret"]


def test_a_container_without_a_command_is_told_why_it_cannot_run() -> None:
    """There is no image whose entrypoint could be run."""
    with pytest.raises(ConfigError, match="no command specified"):
        command_line({"image": "spark:4", "args": ["executor"]}, {}, PathMap({}))
