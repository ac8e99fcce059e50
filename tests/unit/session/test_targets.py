"""Which cluster a start goes to: never a production cluster by surprise."""

from __future__ import annotations

import pytest

from sparkk8s_nb.errors import ConnectError, UsageError
from sparkk8s_nb.model.spec import TargetKind
from sparkk8s_nb.session import targets
from sparkk8s_nb.session.targets import choose_target

KUBECONFIG = """\
current-context: production
contexts:
- {name: production, context: {cluster: c, user: u, namespace: team}}
- {name: bare, context: {cluster: c, user: u}}
clusters: [{name: c, cluster: {server: "https://127.0.0.1:6443"}}]
users: [{name: u, user: {token: t}}]
"""


@pytest.fixture
def environ(tmp_path):
    """With a kubeconfig whose current context is a production cluster."""
    file = tmp_path / "config"
    file.write_text(KUBECONFIG)
    return {"KUBECONFIG": str(file), "HOME": str(tmp_path)}


def test_a_current_context_is_never_taken_unasked(environ):
    """The embedded cluster is."""
    assert choose_target("", "", environ).kind is TargetKind.EMBEDDED
    assert choose_target("embedded", "", environ).namespace == "default"


def test_a_context_that_is_named_is_taken(environ):
    """With its namespace, or the one that was said."""
    assert choose_target("production", "", environ).namespace == "team"
    assert choose_target("production", "mine", environ).namespace == "mine"


def test_a_context_without_a_namespace_needs_one(environ):
    """``default`` is no place for a team's executors."""
    with pytest.raises(UsageError, match="has no namespace") as caught:
        choose_target("bare", "", environ)
    assert caught.value.fix == "Say which: --context bare --namespace NAME."
    assert choose_target("bare", "mine", environ).namespace == "mine"


def test_an_unknown_context_is_an_error_that_guesses(environ):
    """Or lists where to look."""
    with pytest.raises(UsageError) as caught:
        choose_target("prodution", "", environ)
    assert caught.value.fix == "Did you mean production?"
    with pytest.raises(UsageError) as caught:
        choose_target("zzz", "", environ)
    assert "contexts" in caught.value.fix


def test_a_kubeconfig_that_is_not_there_is_named(environ, tmp_path):
    """Not: there is no such context."""
    environ["KUBECONFIG"] = str(tmp_path / "missing")
    with pytest.raises(ConnectError, match=r"There is no kubeconfig at .*missing"):
        choose_target("production", "", environ)


def test_in_a_pod_it_is_the_pods_own_cluster(environ, monkeypatch):
    """In the pod's namespace, unless a context is named."""
    monkeypatch.setattr(targets, "in_cluster", lambda environ: True)
    monkeypatch.setattr(targets, "own_namespace", lambda: "notebooks")
    found = choose_target("", "", environ)
    assert (found.kind, found.namespace) == (TargetKind.IN_CLUSTER, "notebooks")
    assert choose_target("", "mine", environ).namespace == "mine"
    assert choose_target("embedded", "", environ).kind is TargetKind.EMBEDDED
