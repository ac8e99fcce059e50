"""Whether this process is in a pod that may speak to its cluster, and where."""

from __future__ import annotations

from sparkk8s_nb.service_account import in_cluster, own_namespace


def test_a_pod_knows_that_it_is_one(tmp_path):
    """The environment and the mounted token, both."""
    account = tmp_path / "sa"
    account.mkdir()
    (account / "token").write_text("secret")
    (account / "namespace").write_text("team\n")
    environ = {"KUBERNETES_SERVICE_HOST": "10.96.0.1", "KUBERNETES_SERVICE_PORT": "443"}
    assert in_cluster(environ, service_account=account)
    assert not in_cluster(environ, service_account=tmp_path)
    assert not in_cluster({}, service_account=account)
    assert own_namespace(service_account=account) == "team"
    assert own_namespace(service_account=tmp_path) == ""
