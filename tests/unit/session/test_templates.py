"""A pod template is read before anything is made; what is wrong with it is said with its place."""

from __future__ import annotations

import pytest

from sparkk8s_nb.errors import UsageError
from sparkk8s_nb.session.templates import load_template


def write(tmp_path, text):
    path = tmp_path / "pod.yaml"
    path.write_text(text)
    return path


def test_the_first_container_is_the_executors(tmp_path):
    """As Spark has it; one of the right name is taken wherever it stands."""
    pod = load_template(write(tmp_path, "spec: {containers: [{name: a}, {name: b}]}"))
    assert [item["name"] for item in pod["spec"]["containers"]] == ["spark-kubernetes-executor", "b"]
    text = "spec: {containers: [{name: a}, {name: spark-kubernetes-executor}]}"
    assert load_template(write(tmp_path, text))["spec"]["containers"][0]["name"] == "a"
    assert load_template(write(tmp_path, "spec: {containers: [{env: []}]}"))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "it is not of kind: Pod"),
        ("- a", "it is not of kind: Pod"),
        ("kind: Deployment", "it is not of kind: Pod"),
        ("spec: 3", "its spec is not a table"),
        ("metadata: []", None),
        ("metadata: text", "its metadata is not a table"),
        ("spec: {containers: {name: a}}", "spec.containers is not a list of tables"),
        ("spec: {containers: [a]}", "spec.containers is not a list of tables"),
        ("spec: {containers: [{name: a}, {image: b}]}", "an item of spec.containers has no name"),
        ("spec: {volumes: [{emptyDir: {}}]}", "an item of spec.volumes has no name"),
        ("spec: {containers: [{name: a, env: [{value: x}]}]}", "spec.containers[0].env has no name"),
        ("spec: {containers: [{volumeMounts: [{name: x}]}]}", "volumeMounts has no mountPath"),
    ],
)
def test_what_is_no_pod_is_refused_with_the_place(tmp_path, text, says):
    """Before Kubernetes would, in its own words, a minute later."""
    path = write(tmp_path, text)
    if says is None:
        assert load_template(path)
        return
    with pytest.raises(UsageError) as caught:
        load_template(path)
    assert str(path) in caught.value.problem
    assert says in caught.value.problem
    assert "\n" not in caught.value.problem


def test_files_that_cannot_be_read_are_told_apart(tmp_path):
    """Missing, a directory, no text, malformed."""
    with pytest.raises(UsageError, match="There is no pod template"):
        load_template(tmp_path / "none.yaml")
    with pytest.raises(UsageError, match="Is a directory"):
        load_template(tmp_path)
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="it is no text"):
        load_template(tmp_path / "binary")
    with pytest.raises(UsageError, match=r"malformed, line 3: "):
        load_template(write(tmp_path, "spec:\n  a: [1\n"))
