"""The reaper that we print, on a real API server: taken as it is, and its Role lets it remove the dead alone."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from sparkk8s_nb.cli.main import main
from sparkk8s_nb.kube.lease import micro_time
from sparkk8s_nb.recipes.reaper import NAME
from sparkk8s_nb.session.lease_watch import unrenewed
from sparkk8s_nb.session.orphans import find_sessions, remove_all
from tests.cluster.left_sessions import NOTEBOOK, make_session
from tests.cluster.real_cluster import RESTRICTED, Namespace, RealCluster


def printed(capsys: pytest.CaptureFixture[str], namespace: str, *options: str) -> str:
    """What the command prints."""
    assert main(["manifests", "reaper", "--namespace", namespace, "--image", "notebook:1", *options]) == 0
    return capsys.readouterr().out


def names(namespace: Namespace, kind: str) -> list[str]:
    """What is there of a kind."""
    return [item["metadata"]["name"] for item in namespace.administrator.list(kind)]


def test_a_namespace_with_the_strictest_pod_security_takes_the_reaper_and_its_pod(
    api_tier: RealCluster, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A CronJob is taken in any case there: its pod is what must fit."""
    with api_tier.namespace(tmp_path, labels=RESTRICTED) as namespace:
        text = printed(capsys, namespace.name)
        assert [made["kind"] for made in namespace.apply(text, dry_run=True)][-1] == "CronJob"
        assert names(namespace, "ServiceAccount") == ["default"]
        job = namespace.apply(text)[-1]
        template = job["spec"]["jobTemplate"]["spec"]["template"]
        pod = {"kind": "Pod", "metadata": {"name": "reaper"}, "spec": template["spec"]}
        namespace.administrator.create(pod, dry_run=True)


def test_it_removes_the_session_whose_notebook_is_gone_and_no_other(
    namespace: Namespace, capsys: pytest.CaptureFixture[str]
) -> None:
    """With its own Role: it may not even list Secrets."""
    alive = namespace.administrator.create(NOTEBOOK)
    gone = alive | {"metadata": {**alive["metadata"], "uid": "of-a-pod-of-the-same-name-before"}}
    make_session(namespace, "alive", dict(alive))
    make_session(namespace, "dead", gone)
    namespace.apply(printed(capsys, namespace.name))
    cluster = namespace.connect(namespace.kubeconfig(NAME))
    assert not cluster.can("list", "secrets")
    found = find_sessions(cluster)
    assert {session.name: session.dead for session in found} == {"alive": False, "dead": True}
    assert remove_all(cluster, [session for session in found if session.dead]) == []
    assert names(namespace, "Lease") == ["alive"]
    assert sorted(names(namespace, "Pod")) == ["alive-exec-1", "notebook"]


def test_it_removes_the_session_held_outside_that_nobody_renews(
    namespace: Namespace, capsys: pytest.CaptureFixture[str]
) -> None:
    """The other one's keeper lives on another machine."""
    for name in ("silent", "renewed"):
        make_session(namespace, name, {"metadata": {"name": "", "uid": "", "namespace": ""}})
    namespace.apply(printed(capsys, namespace.name))
    cluster = namespace.connect(namespace.kubeconfig(NAME))

    def keeper_s_pause(seconds: float) -> None:
        namespace.administrator.merge("Lease", "renewed", {"spec": {"renewTime": micro_time(time.time())}})
        time.sleep(seconds)

    found = find_sessions(cluster)
    assert [session.dead for session in found] == [False, False]
    silent = unrenewed(cluster, found, seconds=1.0, every=0.2, sleep=keeper_s_pause)
    assert [session.name for session in silent] == ["silent"]
    assert remove_all(cluster, silent) == []
    assert names(namespace, "Lease") == ["renewed"]


def test_notebooks_of_another_namespace_are_judged_only_with_the_right_to_look(
    api_tier: RealCluster, namespace: Namespace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without it nothing is proven, and every session stays."""
    with api_tier.namespace(tmp_path / "hub") as hub:
        make_session(namespace, "dead", {"metadata": {"name": "n", "uid": "u", "namespace": hub.name}})
        namespace.apply(printed(capsys, namespace.name))
        cluster = namespace.connect(namespace.kubeconfig(NAME))
        assert [session.dead for session in find_sessions(cluster)] == [False]
        text = printed(capsys, namespace.name, "--notebook-namespace", hub.name)
        there = [part for part in text.split("---\n") if f"namespace: {hub.name}\n" in part]
        hub.apply("---\n".join(part for part in there))
        assert [session.dead for session in find_sessions(cluster)] == [True]
