"""From a kubeconfig or a pod to a cluster that answered; each way it can go wrong in two lines."""

from __future__ import annotations

import base64
import http.server
import json
import os
import socket
import ssl
import stat
import threading
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from sparkk8s_nb.errors import ConnectError, RefusedError
from sparkk8s_nb.kube.connect import _key_algorithm, connect, contexts
from sparkk8s_nb.model.spec import ClusterTarget, TargetKind


class Api(http.server.BaseHTTPRequestHandler):
    """Answers /version, to the right token only."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.server.headers_seen.append(dict(self.headers))
        good = self.headers.get("Authorization") == "Bearer secret"
        content = {"gitVersion": "v1.34.2"} if good else {"kind": "Status", "message": "Unauthorized"}
        body = json.dumps(content).encode()
        self.send_response(200 if good else 401)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def api():
    """A small API server over plain HTTP."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Api)
    server.headers_seen = []
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def kubeconfig(path: Path, server: str = "https://127.0.0.1:1", *, user=None, cluster=None) -> Path:
    """A kubeconfig with one context, ``lab``."""
    document = {
        "current-context": "lab",
        "contexts": [{"name": "lab", "context": {"cluster": "c", "user": "u", "namespace": "team"}}],
        "clusters": [{"name": "c", "cluster": {"server": server, **(cluster or {})}}],
        "users": [{"name": "u", "user": user or {}}],
    }
    path.write_text(yaml.safe_dump(document))
    return path


def target(file: Path | None, context: str = "lab") -> ClusterTarget:
    return ClusterTarget(kind=TargetKind.CONTEXT, namespace="team", context=context, kubeconfig=file)


def refused(file: Path | None, scratch: Path, context: str = "lab", **options) -> ConnectError:
    """The error of a connect that cannot work: two lines."""
    with pytest.raises(ConnectError) as caught:
        connect(target(file, context), scratch=scratch, timeout=2, **options)
    assert len(str(caught.value).splitlines()) == 2
    return caught.value


def url(server) -> str:
    return f"http://127.0.0.1:{server.server_port}"


def test_a_token_in_the_kubeconfig_becomes_a_private_file(tmp_path, api):
    """For Spark's client and the keeper; the value's repr never shows it."""
    file = kubeconfig(tmp_path / "config", url(api), user={"token": "secret"})
    cluster = connect(target(file), scratch=tmp_path / "run")
    assert cluster.version() == "v1.34.2"
    access = cluster.access
    assert access.token_file.read_text() == "secret"
    assert stat.S_IMODE(access.token_file.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "run").stat().st_mode) == 0o700
    assert "secret" not in repr(access)
    assert "hidden" not in repr(replace(access, proxy="http://ada:hidden@proxy"))
    cluster.close()


def test_a_token_file_is_read_for_every_request(tmp_path, api):
    """Tokens rotate; tokenFile goes before token, as in kubectl."""
    (tmp_path / "token").write_text("secret\n")
    file = kubeconfig(tmp_path / "config", url(api), user={"tokenFile": "token", "token": "old"})
    cluster = connect(target(file), scratch=tmp_path / "run")
    assert cluster.access.token_file == tmp_path / "token"
    (tmp_path / "token").write_text("rotated")
    with pytest.raises(RefusedError, match="Unauthorized"):
        cluster.version()
    assert api.headers_seen[-1]["Authorization"] == "Bearer rotated"
    cluster.close()


def test_certificates_in_the_kubeconfig_become_private_files(tmp_path):
    """Decoded, 0600, and named by the access before anything is sent."""
    data = base64.b64encode(b"no PEM").decode()
    file = kubeconfig(
        tmp_path / "config",
        user={"client-certificate-data": data, "client-key-data": data},
        cluster={"certificate-authority-data": data},
    )
    error = refused(file, tmp_path / "run")
    assert "certificates of the kubeconfig cannot be used" in error.problem
    for name in ("api-ca.crt", "api-client.crt", "api-client.key"):
        written = tmp_path / "run" / name
        assert written.read_bytes() == b"no PEM"
        assert stat.S_IMODE(written.stat().st_mode) == 0o600


def test_a_wrong_token_is_refused(tmp_path, api):
    """401 is not a matter of rights."""
    file = kubeconfig(tmp_path / "config", url(api), user={"token": "wrong"})
    with pytest.raises(RefusedError) as caught:
        connect(target(file), scratch=tmp_path / "run")
    assert "Log in" in caught.value.fix


def test_a_missing_kubeconfig_says_where_it_looked(tmp_path):
    """Named or kubectl's own."""
    assert str(tmp_path / "none") in refused(tmp_path / "none", tmp_path / "run").problem
    assert ".kube/config" in refused(None, tmp_path / "run", environ={"HOME": str(tmp_path)}).problem


@pytest.mark.skipif(os.getuid() == 0, reason="root may read every file")
def test_an_unreadable_kubeconfig_says_so(tmp_path):
    """Permissions are the user's to change."""
    file = kubeconfig(tmp_path / "config")
    file.chmod(0)
    assert "cannot be read: Permission denied" in refused(file, tmp_path / "run").problem


def test_a_directory_is_no_kubeconfig(tmp_path):
    """Cannot be read, whoever one is."""
    assert "cannot be read" in refused(tmp_path, tmp_path / "run").problem


def test_a_malformed_kubeconfig_names_the_line(tmp_path):
    """YAML's own position."""
    file = tmp_path / "config"
    file.write_text("a: 1\nb: [2\nc: }\n")
    assert "malformed, line 3" in refused(file, tmp_path / "run").problem


@pytest.mark.parametrize(
    "text",
    ["", "just text", "[1, 2]", "contexts: [x]", "contexts: [{name: a, context: 7}]", "users: [{user: {}}]"],
)
def test_something_else_is_no_kubeconfig(tmp_path, text):
    """YAML, but not this."""
    file = tmp_path / "config"
    file.write_text(text)
    assert "not a kubeconfig" in refused(file, tmp_path / "run").problem


def test_an_unknown_context_suggests_the_nearest(tmp_path):
    """And lists all there are."""
    error = refused(kubeconfig(tmp_path / "config"), tmp_path / "run", context="lba")
    assert "no context lba" in error.problem
    assert error.fix == "Did you mean lab? There are: lab."


def test_a_context_without_its_cluster_says_so(tmp_path):
    """A file that was merged by hand."""
    file = tmp_path / "config"
    file.write_text("contexts: [{name: lab, context: {cluster: gone}}]")
    assert "no cluster with a server" in refused(file, tmp_path / "run").problem


def test_a_context_without_its_user_says_so(tmp_path):
    """Names it."""
    file = kubeconfig(tmp_path / "config")
    file.write_text(file.read_text().replace("user: u\n", "user: gone\n"))
    assert "user that is not there: gone" in refused(file, tmp_path / "run").problem


def test_a_server_that_is_no_address_says_so(tmp_path):
    """A host without a scheme."""
    file = kubeconfig(tmp_path / "config", "127.0.0.1:6443")
    assert "is not an address" in refused(file, tmp_path / "run").problem


def test_data_that_is_not_base64_names_its_key(tmp_path):
    """A broken copy and paste."""
    file = kubeconfig(tmp_path / "config", cluster={"certificate-authority-data": "***"})
    assert "certificate-authority-data" in refused(file, tmp_path / "run").problem


def test_a_certificate_file_that_is_not_there_is_named(tmp_path):
    """Relative to the kubeconfig."""
    file = kubeconfig(tmp_path / "config", cluster={"certificate-authority": "pki/ca.crt"})
    assert f"is not there: {tmp_path}/pki/ca.crt" in refused(file, tmp_path / "run").problem


def test_a_port_where_nothing_listens_says_so(tmp_path):
    """Refused at once."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    file = kubeconfig(tmp_path / "config", f"https://127.0.0.1:{port}", user={"token": "t"})
    assert "Nothing listens" in refused(file, tmp_path / "run").problem


def test_a_server_that_says_nothing_is_given_up(tmp_path):
    """It accepts and is silent: the bound is the caller's."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        file = kubeconfig(tmp_path / "config", f"http://127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(ConnectError, match="does not answer in time"):
            connect(target(file), scratch=tmp_path / "run", timeout=0.2)


def test_tls_to_a_plain_port_says_so(tmp_path, api):
    """https in the kubeconfig, http at the port."""
    file = kubeconfig(tmp_path / "config", url(api).replace("http:", "https:"))
    assert "does not speak TLS" in refused(file, tmp_path / "run").problem


def test_contexts_are_listed_from_all_files(tmp_path):
    """The first file that says something wins; missing ones are passed over."""
    first = kubeconfig(tmp_path / "a", "https://one:6443")
    second = kubeconfig(tmp_path / "b", "https://two:6443")
    second.write_text(
        second.read_text().replace("name: lab", "name: prod").replace("context: lab", "context: prod")
    )
    found = contexts([tmp_path / "none", first, second])
    assert [(info.name, info.server, info.current) for info in found] == [
        ("lab", "https://one:6443", True),
        ("prod", "https://one:6443", False),
    ]
    assert found[0].namespace == "team"
    assert found[0].kubeconfig == first


def service_account(directory: Path) -> Path:
    directory.mkdir()
    (directory / "token").write_text("secret")
    (directory / "namespace").write_text("team\n")
    return directory


def test_a_pod_without_its_ca_says_so(tmp_path):
    """In a pod the files are the cluster's business."""
    environ = {"KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "443"}
    with pytest.raises(ConnectError, match=r"ca\.crt"):
        connect(
            ClusterTarget(kind=TargetKind.IN_CLUSTER, namespace="team"),
            scratch=tmp_path / "run",
            environ=environ,
            service_account=service_account(tmp_path / "sa"),
        )


def test_outside_a_pod_in_cluster_is_refused(tmp_path):
    """With the choices there are."""
    with pytest.raises(ConnectError) as caught:
        connect(ClusterTarget(kind=TargetKind.IN_CLUSTER, namespace="n"), scratch=tmp_path, environ={})
    assert "--context" in caught.value.fix


def test_a_token_file_with_a_newline_gets_a_clean_copy_for_spark(tmp_path, api):
    """The keeper and we read the user's own, which is rotated; the copy is private."""
    (tmp_path / "token").write_text("secret\n")
    file = kubeconfig(tmp_path / "config", url(api), user={"tokenFile": "token"})
    access = connect(target(file), scratch=tmp_path / "s").access
    assert (access.token_file, access.token_changes) == (tmp_path / "token", True)
    assert access.first_token_file is not None
    assert access.first_token_file.read_text() == "secret"
    assert stat.S_IMODE(access.first_token_file.stat().st_mode) == 0o600
    (tmp_path / "token").write_text("secret")
    assert connect(target(file), scratch=tmp_path / "s").access.first_token_file is None


def test_only_a_token_that_somebody_renews_is_followed(tmp_path, api):
    """One that stands in the kubeconfig stays what it is."""
    file = kubeconfig(tmp_path / "config", url(api), user={"token": "secret"})
    assert not connect(target(file), scratch=tmp_path / "s").access.token_changes


@pytest.mark.parametrize(
    ("key", "name"),
    [
        (rsa.generate_private_key(65537, 2048), "RSA"),
        (ec.generate_private_key(ec.SECP256R1()), "EC"),
        (ed25519.Ed25519PrivateKey.generate(), "Ed25519PrivateKey"),
    ],
    ids=["RSA", "EC", "other"],
)
def test_the_kind_of_the_clients_key_is_known(key, name, tmp_path):
    """Spark's client takes any for RSA."""
    file = tmp_path / "key.pem"
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    assert _key_algorithm(file) == name
    file.write_text("no key")
    assert _key_algorithm(file) == ""
    assert _key_algorithm(None) == ""


def test_a_key_of_an_unknown_curve_is_left_to_the_tls_library(tmp_path):
    """It says so in its own words."""
    known, unknown = bytes.fromhex("06082a8648ce3d030107"), bytes.fromhex("06082a8648ce3d03017f")
    key = ec.generate_private_key(ec.SECP256R1())
    der = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    assert known in der
    pem = ssl.DER_cert_to_PEM_cert(der.replace(known, unknown)).replace("CERTIFICATE", "PRIVATE KEY")
    (tmp_path / "key.pem").write_text(pem)
    assert _key_algorithm(tmp_path / "key.pem") == ""
