"""What a real API server says to bad input, and what a user reads of it: two lines, and never a hang."""

from __future__ import annotations

import base64
import json
import ssl
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from sparkk8s_nb.errors import ClusterError, ConnectError, RefusedError, StartError
from sparkk8s_nb.kube.gateway import KubeCluster
from sparkk8s_nb.kube.preflight import check_rights
from sparkk8s_nb.localfiles import private_dir
from tests.cluster.api_sessions import session_of
from tests.cluster.apiserver import ISSUER, Api
from tests.cluster.credentials import Authority, write_kubeconfig
from tests.cluster.real_cluster import Namespace, session_rules
from tests.eventually import eventually
from tests.unit.session.conftest import World

HOOKS = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"


@pytest.fixture
def user(namespace: Namespace) -> KubeCluster:
    """With the rights of a session."""
    return namespace.connect(namespace.user("analyst", session_rules()))


def start(world: World, namespace: Namespace, user: KubeCluster, **spec: Any) -> StartError:
    """A start that fails; its error, after which nothing is left."""
    session = session_of(world, namespace, user, **spec)
    with pytest.raises(StartError) as failed:
        session.open()
    for kind in ("Lease", "Secret", "ConfigMap"):
        assert not namespace.administrator.list(kind, selector=f"sparkk8s-nb/session={world.name}")
    assert "\n" not in failed.value.problem
    return failed.value


def test_a_token_that_is_no_longer_good_asks_for_a_new_login(namespace: Namespace) -> None:
    """Of an account that has been deleted, as after its time: the server knows it no more."""
    kubeconfig = namespace.user("analyst", session_rules())
    cluster = namespace.connect(kubeconfig)
    cluster.list("Pod")
    namespace.administrator.delete("ServiceAccount", "analyst")

    def refused() -> bool:
        try:
            cluster.list("Pod")
        except RefusedError as error:
            return "does not accept our credentials" in error.problem and "Log in" in error.fix
        return False

    assert eventually(refused, 60)  # the server remembers a token that was good for ten seconds


def test_a_token_whose_time_is_over_asks_for_a_new_login(
    our_api_tier: Api, namespace: Namespace, tmp_path: Path
) -> None:
    """Signed by the cluster, of an account that is there: only its time is over."""
    uid = (namespace.administrator.read("ServiceAccount", "default") or {})["metadata"]["uid"]
    access = namespace.administrator.access
    assert access.ca_file is not None

    def cluster(ends: float) -> KubeCluster:
        token = signed_token(our_api_tier.service_accounts[0], namespace.name, uid, ends=ends)
        user = {"token": token}
        path = tmp_path / f"until-{ends:.0f}"
        return namespace.connect(write_kubeconfig(path, access.server, access.ca_file, user))

    with pytest.raises(RefusedError, match="We may not list pods"):
        cluster(time.time() + 600).list("Pod")
    with pytest.raises(RefusedError, match="does not accept our credentials") as refused:
        cluster(time.time() - 600).list("Pod")
    assert "Log in" in refused.value.fix


def signed_token(key: Path, namespace: str, uid: str, *, ends: float) -> str:
    """A token of the default service account, as the cluster signs them."""

    def text(value: dict[str, Any] | bytes) -> str:
        plain = value if isinstance(value, bytes) else json.dumps(value).encode()
        return base64.urlsafe_b64encode(plain).decode().rstrip("=")

    private = serialization.load_pem_private_key(key.read_bytes(), password=None)
    assert isinstance(private, rsa.RSAPrivateKey)
    account = {"namespace": namespace, "serviceaccount": {"name": "default", "uid": uid}}
    claims = {
        "iss": ISSUER,
        "aud": [ISSUER],
        "sub": f"system:serviceaccount:{namespace}:default",
        "iat": int(ends - 3600),
        "nbf": int(ends - 3600),
        "exp": int(ends),
        "kubernetes.io": account,
    }
    head = f"{text({'alg': 'RS256', 'typ': 'JWT'})}.{text(claims)}"
    return f"{head}.{text(private.sign(head.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def test_a_namespace_that_does_not_exist_is_named_before_anything_is_made(
    namespace: Namespace, user: KubeCluster
) -> None:
    """To one who may look for it, and to one who may do nothing outside of their own."""
    for cluster in (namespace.administrator, user):
        with pytest.raises(ClusterError) as refused:
            check_rights(cluster.in_namespace("nowhere"))
        assert "nowhere" in refused.value.problem
        assert "--namespace" in refused.value.fix


def test_another_cluster_s_authority_is_not_trusted(namespace: Namespace, tmp_path: Path) -> None:
    """A kubeconfig that was copied together."""
    access = namespace.administrator.access
    other = Authority(private_dir(tmp_path / "other"))
    kubeconfig = write_kubeconfig(tmp_path / "kc", access.server, other.certificate, {"token": "x"})
    with pytest.raises(ConnectError) as refused:
        namespace.connect(kubeconfig)
    assert "does not trust the certificate" in refused.value.problem
    assert "certificate-authority" in refused.value.fix


def test_a_limit_range_that_an_executor_does_not_fit_ends_the_start(
    namespace: Namespace,
    user: KubeCluster,
    world: World,
) -> None:
    """Before Spark asks for any, with what to choose."""
    limits = [{"type": "Container", "max": {"memory": "1Gi"}}]
    namespace.administrator.create(
        {"kind": "LimitRange", "metadata": {"name": "l"}, "spec": {"limits": limits}}
    )
    error = start(world, namespace, user)
    assert "The namespace's LimitRange does not allow it: " in error.problem
    assert "maximum memory usage per Container is 1Gi" in error.problem
    assert "--memory" in error.fix


def test_a_quota_that_an_executor_does_not_fit_ends_the_start(
    namespace: Namespace,
    user: KubeCluster,
    world: World,
) -> None:
    """In the quota's own words."""
    hard = {"limits.memory": "1Gi"}
    quota = {"kind": "ResourceQuota", "metadata": {"name": "small"}, "spec": {"hard": hard}}
    made = dict(namespace.administrator.create(quota))
    if not namespace.cluster.controllers:
        path = f"/api/v1/namespaces/{namespace.name}/resourcequotas/small/status"
        namespace.put(path, made | {"status": {"hard": hard, "used": {"limits.memory": "0"}}})
    error = start(world, namespace, user)
    assert "exceeded quota: small, requested: limits.memory=" in error.problem
    assert "raise the quota" in error.fix


def test_a_service_account_that_does_not_exist_ends_the_start(
    namespace: Namespace,
    user: KubeCluster,
    world: World,
) -> None:
    """One that a pod template names."""
    template = {"kind": "Pod", "spec": {"serviceAccountName": "nobody"}}
    session = session_of(world, namespace, user)
    object.__setattr__(session._parts, "templates", [template])
    with pytest.raises(StartError) as failed:
        session.open()
    assert "service account does not exist" in failed.value.problem
    assert "nobody" in failed.value.problem
    assert "serviceAccountName" in failed.value.fix


class Reviewer(BaseHTTPRequestHandler):
    """A webhook that refuses everything."""

    def do_POST(self) -> None:  # (http.server's name)
        """Answer one review."""
        review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        status = {"code": 403, "message": "executors on Fridays need a ticket"}
        answer = {"uid": review["request"]["uid"], "allowed": False, "status": status}
        body = json.dumps(
            {"apiVersion": review["apiVersion"], "kind": "AdmissionReview", "response": answer}
        ).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing: the test says what went wrong."""


@pytest.fixture
def webhook(namespace: Namespace, tmp_path: Path) -> Iterator[ThreadingHTTPServer]:
    """A webhook for pods of the namespace, in force."""
    authority = Authority(private_dir(tmp_path / "webhook"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.certify("webhook", "webhook", addresses=("127.0.0.1",)))
    with ThreadingHTTPServer(("127.0.0.1", 0), Reviewer) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        configuration = {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingWebhookConfiguration",
            "metadata": {"name": namespace.name},
            "webhooks": [
                {
                    "name": "fridays.example.org",
                    "admissionReviewVersions": ["v1"],
                    "sideEffects": "None",
                    "timeoutSeconds": 5,
                    "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace.name}},
                    "rules": [
                        {
                            "apiGroups": [""],
                            "apiVersions": ["v1"],
                            "operations": ["CREATE"],
                            "resources": ["pods"],
                        }
                    ],
                    "clientConfig": {
                        "url": f"https://127.0.0.1:{server.server_address[1]}/",
                        "caBundle": base64.b64encode(authority.certificate.read_bytes()).decode(),
                    },
                }
            ],
        }
        namespace.post(HOOKS, configuration)
        try:
            yield server
        finally:
            namespace.api.request("DELETE", f"{HOOKS}/{namespace.name}")
            server.shutdown()
            thread.join(10)


def said_of_a_pod(cluster: KubeCluster) -> ClusterError | None:
    """What is said to a pod; None if it is taken."""
    container = {"name": "c", "image": "none"}
    pod = {"kind": "Pod", "metadata": {"name": "one"}, "spec": {"containers": [container]}}
    try:
        cluster.create(pod, dry_run=True)
    except ClusterError as error:
        return error
    return None


@pytest.mark.usefixtures("webhook")
def test_a_webhook_that_refuses_ends_the_start_in_its_words(
    namespace: Namespace,
    user: KubeCluster,
    world: World,
) -> None:
    """Only its owner can say more."""
    assert eventually(lambda: said_of_a_pod(user) is not None, 60)
    error = start(world, namespace, user)
    assert "A policy of the cluster denies it: " in error.problem
    assert "executors on Fridays need a ticket" in error.problem
    assert "administrator" in error.fix


def test_a_webhook_that_is_gone_is_named(
    namespace: Namespace,
    user: KubeCluster,
    world: World,
    webhook: ThreadingHTTPServer,
) -> None:
    """The API server takes nothing without it, and is not to blame."""
    assert eventually(lambda: said_of_a_pod(user) is not None, 60)
    webhook.shutdown()
    webhook.socket.close()
    error = start(world, namespace, user)
    assert "A webhook of the cluster does not answer" in error.problem
    assert "fridays.example.org" in error.problem
    assert "administrator" in error.fix


def test_a_policy_that_refuses_ends_the_start_in_its_words(
    namespace: Namespace,
    user: KubeCluster,
    world: World,
) -> None:
    """Policies say 422 where they give no reason."""
    name = namespace.name
    policy = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": name},
        "spec": {
            "matchConstraints": {
                "resourceRules": [
                    {
                        "apiGroups": [""],
                        "apiVersions": ["v1"],
                        "operations": ["CREATE"],
                        "resources": ["pods"],
                    }
                ]
            },
            "validations": [{"expression": "false", "message": "executors on Fridays need a ticket"}],
        },
    }
    binding = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": name},
        "spec": {
            "policyName": name,
            "validationActions": ["Deny"],
            "matchResources": {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}}},
        },
    }
    made = namespace.apply("---\n".join(json.dumps(each) + "\n" for each in (policy, binding)))
    try:
        assert eventually(lambda: said_of_a_pod(user) is not None, 60)
        error = start(world, namespace, user)
    finally:
        for manifest in made:
            namespace.delete_applied(manifest)
    assert "executors on Fridays need a ticket" in error.problem
    assert "what the policy names" in error.fix
