"""Spark's own Kubernetes client: the real one, in a real JVM, against a server that looks at what it sends."""

from __future__ import annotations

import datetime
import http.server
import ipaddress
import json
import ssl
import threading
from pathlib import Path

import py4j.java_gateway
import py4j.protocol
import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from py4j.protocol import Py4JJavaError

from sparkk8s_nb.embedded.lifecycle import EmbeddedCluster
from sparkk8s_nb.localfiles import write_private
from sparkk8s_nb.spark import pyspark_state
from sparkk8s_nb.spark.gateway import launch_jvm
from sparkk8s_nb.spark.token_file import follow_token_file
from tests.embedded.kernels import Kernel
from tests.embedded.local_driver import launch_plan


class Api(http.server.BaseHTTPRequestHandler):
    """Answers every list with nothing, and remembers the credentials."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.server.sent.append((self.headers.get("Authorization"), self.path))
        body = json.dumps({"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": []}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture(scope="module")
def api():
    """A server on loopback."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Api)
    server.daemon_threads = True
    server.sent = []
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(autouse=True)
def plain_java_errors(monkeypatch):
    """A session made in this process has pyspark translate every Java error from then on, with its context's JVM.

    There is no context here.
    """
    monkeypatch.setattr(py4j.java_gateway, "get_return_value", py4j.protocol.get_return_value)


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    """A driver's JVM without a Spark in it; the user's kubeconfig has a current context of its own."""
    base = tmp_path_factory.mktemp("jvm")
    config = base / "config"
    config.write_text(
        "apiVersion: v1\nkind: Config\ncurrent-context: other\n"
        "contexts: [{name: other, context: {cluster: other, user: other, namespace: theirs}}]\n"
        "clusters: [{name: other, cluster: {server: 'https://127.0.0.1:1'}}]\n"
        "users: [{name: other, user: {token: not-for-this-server}}]\n"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KUBECONFIG", str(config))
        jvm = launch_jvm(launch_plan(base, memory="512m"))
    try:
        yield jvm.connect()
    finally:
        jvm.end(grace=3)
        pyspark_state.reset_class_state()


def client_of(gateway, server, scheme="http", **confs):
    """A client as Spark itself makes it from its confs."""
    jvm = gateway.jvm
    conf = jvm.org.apache.spark.SparkConf(False)
    for key, value in confs.items():
        conf.set(f"spark.kubernetes.authenticate.{key}", str(value))
    factory = jvm.java.lang.Class.forName("org.apache.spark.deploy.k8s.SparkKubernetesClientFactory$")
    module = factory.getField("MODULE$").get(None)
    kinds = jvm.java.lang.Class.forName(
        "org.apache.spark.deploy.k8s.SparkKubernetesClientFactory$ClientType$"
    )
    kind = kinds.getField("MODULE$").get(None).Driver()
    none = jvm.scala.Option.empty()
    url = f"{scheme}://127.0.0.1:{server.server_port}"
    return module.createKubernetesClient(
        url, jvm.scala.Option.apply("team"), "spark.kubernetes.authenticate", kind, conf, none
    )


def asked(client, server):
    """What the client sends with one request."""
    server.sent.clear()
    client.pods().inNamespace("team").list()
    ((header, path),) = server.sent
    assert path.startswith("/api/v1/namespaces/team/pods")
    return header


def test_sparks_client_sends_the_token_that_its_file_holds_now(gateway, api, tmp_path):
    """Spark alone would send the first for ever, which a server that renews tokens refuses one day."""
    file = write_private(tmp_path / "token", "one")
    client = client_of(gateway, api, oauthTokenFile=file)
    write_private(file, "two\n")
    assert asked(client, api) == "Bearer one"
    follow_token_file(gateway, client, file)
    assert asked(client, api) == "Bearer two"
    write_private(file, "three")
    assert asked(client, api) == "Bearer three"
    Path(file).unlink()
    assert asked(client, api) == "Bearer three"
    client.close()


def test_a_token_with_a_newline_behind_it_would_not_be_sent_at_all(gateway, api, tmp_path):
    """That is why Spark gets a copy without: vert.x refuses such a header, before and after a renewal."""
    file = write_private(tmp_path / "token", "one\n")
    client = client_of(gateway, api, oauthTokenFile=file)
    with pytest.raises(Py4JJavaError, match="header value must not end"):
        asked(client, api)
    follow_token_file(gateway, client, file)
    assert asked(client, api) == "Bearer one"
    client.close()


def test_sparks_client_takes_nothing_from_the_users_current_context(gateway, api):
    """It is another cluster's: its token has no business here."""
    client = client_of(gateway, api)
    assert asked(client, api) is None
    client.close()


KEYS = {
    "RSA": (lambda: rsa.generate_private_key(65537, 2048), PrivateFormat.TraditionalOpenSSL),
    "RSA PKCS8": (lambda: rsa.generate_private_key(65537, 2048), PrivateFormat.PKCS8),
    "EC": (lambda: ec.generate_private_key(ec.SECP256R1()), PrivateFormat.TraditionalOpenSSL),
    "EC PKCS8": (lambda: ec.generate_private_key(ec.SECP256R1()), PrivateFormat.PKCS8),
}


def certificate(name, key, issuer=None, issuer_key=None):
    """A certificate for a day, signed by itself where there is no issuer."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
    )
    return builder.sign(issuer_key or key, hashes.SHA256())


def pem(item, form=PrivateFormat.PKCS8):
    if isinstance(item, x509.Certificate):
        return item.public_bytes(Encoding.PEM)
    return item.private_bytes(Encoding.PEM, form, NoEncryption())


@pytest.fixture(scope="module")
def authority():
    """A certificate authority, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    return certificate("authority", key), key


@pytest.fixture
def strict_api(api, authority, tmp_path):
    """The server over TLS, for clients with a certificate of the authority only."""
    key = ec.generate_private_key(ec.SECP256R1())
    (tmp_path / "server.pem").write_bytes(pem(key) + pem(certificate("server", key, *authority)))
    (tmp_path / "ca.pem").write_bytes(pem(authority[0]))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.pem")
    context.load_verify_locations(tmp_path / "ca.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Api)
    server.daemon_threads = True
    server.sent = []
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("kind", KEYS)
def test_sparks_client_shows_the_client_certificate_whatever_its_key_is(
    kind, gateway, strict_api, authority, tmp_path
):
    """Clusters hand out RSA and elliptic keys, in the old form and in PKCS 8; the JVM is told which."""
    make, form = KEYS[kind]
    key = make()
    cert = write_private(tmp_path / "client.crt", pem(certificate("ada", key, *authority)))
    file = write_private(tmp_path / "client.key", pem(key, form))
    told = gateway.jvm.java.lang.System.setProperty("kubernetes.certs.client.key.algo", kind.split()[0])
    assert told in (None, "RSA", "EC")
    client = client_of(
        gateway,
        strict_api,
        scheme="https",
        caCertFile=tmp_path / "ca.pem",
        clientCertFile=cert,
        clientKeyFile=file,
    )
    assert asked(client, strict_api) is None
    client.close()


def test_a_session_on_a_context_with_a_rotating_token_file_gives_spark_what_it_holds(
    embedded_cluster: EmbeddedCluster, tmp_path: Path
) -> None:
    """From a kubeconfig of the user's: a real session, whose backend's own client asks the file."""
    document = yaml.safe_load(Path(embedded_cluster.kubeconfig).read_text())
    (user,) = document["users"]
    token = user["user"]["token"]
    write_private(tmp_path / "token", f"{token}\n")
    user["user"] = {"tokenFile": "token"}
    document["contexts"][0]["name"] = document["current-context"] = "lab"
    write_private(tmp_path / "config", yaml.safe_dump(document))
    ask = (
        "print(sc._jsc.sc().schedulerBackend().kubernetesClient().getConfiguration()"
        ".getOauthTokenProvider().getToken())"
    )
    kernel = Kernel(tmp_path / "kernel", "work/outside.ipynb", {"KUBECONFIG": str(tmp_path / "config")})
    try:
        facts = kernel.start(
            "-n 1 --cores 1 --memory 1g --context lab --namespace default --image any/image:1", executors=1
        )
        assert kernel.run(ask).stdout.strip() == token
        write_private(tmp_path / "token", "another\n")
        assert kernel.run(ask).stdout.strip() == "another"
        write_private(tmp_path / "token", f"{token}\n")
        kernel.run("%sparkk8s scale 2")
        kernel.wait_ready(2)
        outside = [path for path in kernel.directory.rglob("*") if path.is_file()]
        assert not [path for path in outside if token.encode() in path.read_bytes()]
        for process in (facts.jvm, facts.keeper):
            assert token.encode() not in Path(f"/proc/{process.pid}/cmdline").read_bytes()
        kernel.run("%sparkk8s stop")
    finally:
        kernel.close()
