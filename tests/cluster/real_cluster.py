"""A real cluster for tests, ours or the user's, and namespaces in it with users of their own rights."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from sparkk8s_nb.apiserver import ApiServer
from sparkk8s_nb.kube.connect import connect
from sparkk8s_nb.kube.gateway import KubeCluster
from sparkk8s_nb.localfiles import private_dir
from sparkk8s_nb.model.rights import RIGHTS
from sparkk8s_nb.model.spec import ClusterTarget, TargetKind
from tests.cluster.credentials import write_kubeconfig

DELETED_SECONDS = 120.0
TOKEN_SECONDS = 3600
RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}
numbers = itertools.count(1)

PLURALS = {
    "ServiceAccount": "serviceaccounts",
    "Role": "roles",
    "RoleBinding": "rolebindings",
    "CronJob": "cronjobs",
    "Job": "jobs",
    "NetworkPolicy": "networkpolicies",
    "ValidatingAdmissionPolicy": "validatingadmissionpolicies",
    "ValidatingAdmissionPolicyBinding": "validatingadmissionpolicybindings",
}

Rules = Sequence[dict[str, list[str]]]


@dataclass(frozen=True, kw_only=True)
class RealCluster:
    """A cluster that tests run on.

    Parameters
    ----------
    kubeconfig : Path
        Of an administrator.
    context : str
        In it; empty for its current one.
    controllers : bool
        Whether its controllers run: they make service accounts, and finish the deletion of namespaces.
    image : str
        An image with Python, pyspark and Java for executors; empty where there are no nodes.
    """

    kubeconfig: Path
    context: str = ""
    controllers: bool = True
    image: str = ""

    def connect(self, namespace: str, scratch: Path) -> KubeCluster:
        """Our adapter, as the administrator; the caller closes it."""
        return connect(_target(self.kubeconfig, self.context, namespace), scratch=scratch)

    @contextmanager
    def namespace(self, directory: Path, labels: dict[str, str] | None = None) -> Iterator[Namespace]:
        """A new namespace; deleted at the end with all that is in it."""
        name = f"sparkk8s-test-{os.getpid()}-{next(numbers)}"
        cluster = self.connect(name, private_dir(directory / "administrator"))
        api = ApiServer(cluster.access)
        namespace = Namespace(cluster=self, name=name, directory=directory, administrator=cluster, api=api)
        try:
            manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
            namespace.post("/api/v1/namespaces", manifest)
            namespace.await_service_account()
            yield namespace
        finally:
            cluster.delete("Namespace", name)
            if self.controllers:
                _wait_until(lambda: cluster.read("Namespace", name) is None, f"the end of namespace {name}")
            namespace.close()


@dataclass(frozen=True, kw_only=True)
class Namespace:
    """One namespace, with the administrator's hand in it."""

    cluster: RealCluster
    name: str
    directory: Path
    administrator: KubeCluster
    api: ApiServer
    users: list[KubeCluster] = field(default_factory=list)

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Create something whose kind our adapter does not know."""
        answer = self.api.request("POST", path, body=body)
        assert answer.ok, answer.body
        made: dict[str, Any] = answer.json()
        return made

    def put(self, path: str, body: dict[str, Any]) -> None:
        """Replace something."""
        answer = self.api.request("PUT", path, body=body)
        assert answer.ok, answer.body

    def await_service_account(self) -> None:
        """Wait for the namespace's default service account, or make it where no controller does."""
        if self.cluster.controllers:
            found = self.administrator
            _wait_until(lambda: found.read("ServiceAccount", "default") is not None, "the service account")
        else:
            self.administrator.create({"kind": "ServiceAccount", "metadata": {"name": "default"}})

    def delete_applied(self, manifest: dict[str, Any]) -> None:
        """Delete what :meth:`apply` made; what is in the namespace goes with it anyway."""
        if manifest["metadata"].get("namespace"):
            return
        path = f"/apis/{manifest['apiVersion']}/{PLURALS[manifest['kind']]}/{manifest['metadata']['name']}"
        answer = self.api.request("DELETE", path)
        assert answer.ok, answer.body

    def apply(self, text: str, *, dry_run: bool = False) -> list[dict[str, Any]]:
        """Create what a YAML stream says, as kubectl would; returns it as the server has it."""
        return [self._apply(manifest, dry_run=dry_run) for manifest in yaml.safe_load_all(text)]

    def _apply(self, manifest: dict[str, Any], *, dry_run: bool) -> dict[str, Any]:
        version, kind = manifest["apiVersion"], manifest["kind"]
        root = f"/apis/{version}" if "/" in version else f"/api/{version}"
        namespace = manifest["metadata"].get("namespace")
        place = f"/namespaces/{namespace}" if namespace else ""
        # Unknown fields are errors here: the server would only drop them.
        query = {"fieldValidation": "Strict"} | ({"dryRun": "All"} if dry_run else {})
        path = f"{root}{place}/{PLURALS[kind]}"
        answer = self.api.request("POST", path, query=query, body=manifest)
        assert answer.ok, answer.body
        made: dict[str, Any] = answer.json()
        return made

    def user(self, name: str, rules: Rules) -> Path:
        """A service account that may do only that here; returns its kubeconfig with a token."""
        self.administrator.create({"kind": "ServiceAccount", "metadata": {"name": name}})
        self.grant(name, rules, home=self.name)
        return self.kubeconfig(name)

    def kubeconfig(self, account: str) -> Path:
        """A kubeconfig with a token of a service account that is there."""
        path = f"/api/v1/namespaces/{self.name}/serviceaccounts/{account}/token"
        answer = self.post(path, {"spec": {"expirationSeconds": TOKEN_SECONDS}})
        access = self.administrator.access
        assert access.ca_file is not None
        return write_kubeconfig(
            private_dir(self.directory / "users") / account,
            access.server,
            access.ca_file,
            {"token": answer["status"]["token"]},
            namespace=self.name,
        )

    def grant(self, account: str, rules: Rules, *, home: str) -> None:
        """Let the service account of the namespace ``home`` do that here."""
        roles = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{self.name}"
        self.post(f"{roles}/roles", {"metadata": {"name": account}, "rules": list(rules)})
        binding = {
            "metadata": {"name": account},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": account},
            "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": home}],
        }
        self.post(f"{roles}/rolebindings", binding)

    def connect(self, kubeconfig: Path) -> KubeCluster:
        """Our adapter, as one of the users; closed with the namespace."""
        scratch = private_dir(self.directory / f"scratch-{kubeconfig.name}")
        self.users.append(connect(_target(kubeconfig, "", self.name), scratch=scratch))
        return self.users[-1]

    def close(self) -> None:
        """Close all connections."""
        for user in self.users:
            user.close()
        self.administrator.close()
        self.api.close()


def session_rules(without: Sequence[tuple[str, str]] = ()) -> list[dict[str, list[str]]]:
    """The rights that a session asks for, but for some ``(resource, verb)``."""
    return [
        {"apiGroups": [right.group], "resources": [right.resource], "verbs": verbs}
        for right in RIGHTS
        if (verbs := [verb for verb in right.verbs if (right.resource, verb) not in without])
    ]


def _target(kubeconfig: Path, context: str, namespace: str) -> ClusterTarget:
    return ClusterTarget(kind=TargetKind.CONTEXT, namespace=namespace, context=context, kubeconfig=kubeconfig)


def _wait_until(done: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + DELETED_SECONDS
    while not done():
        assert time.monotonic() < deadline, f"waited {DELETED_SECONDS:.0f} s in vain for {what}"
        time.sleep(0.1)
