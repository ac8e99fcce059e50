"""A stop ends a watch that is blocked in a read, over TCP and over TLS."""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
import socket
import ssl
import threading
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from sparkk8s_nb.apiserver import ApiServer
from sparkk8s_nb.kube.gateway import KubeCluster
from sparkk8s_nb.kube.watch import Follower
from sparkk8s_nb.model.spec import ClusterAccess, ClusterTarget, TargetKind
from sparkk8s_nb.telemetry.worker import Worker

LIST = b'{"items": [], "metadata": {"resourceVersion": "1"}}'


class SilentServer:
    """Answers a list, and then holds a watch without a word. One thread per connection."""

    def __init__(self, context: ssl.SSLContext | None) -> None:
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.watched = threading.Event()
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._open.append(connection)
                thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _serve(self, plain: socket.socket) -> None:
        with contextlib.suppress(OSError):
            wrapped = self._context.wrap_socket(plain, server_side=True) if self._context else plain
            self._open.append(wrapped)
            head = b""
            while True:
                data = wrapped.recv(4096)
                if not data:
                    return
                head += data
                if b"\r\n\r\n" not in head:
                    continue
                if b"watch=true" in head:
                    wrapped.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                    self.watched.set()
                else:
                    wrapped.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(LIST), LIST))
                head = b""

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        for thread in self._threads:
            thread.join(5)


def self_signed(directory: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.datetime.now(datetime.UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(address, critical=False)
        .sign(key, hashes.SHA256())
    )
    cert_file, key_file = directory / "cert.pem", directory / "key.pem"
    cert_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return cert_file, key_file


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_stop_ends_a_watch_that_waits_for_the_server(tmp_path, scheme):
    """The thread is blocked in a read with 75 s to go; the stop ends it, and both threads with it."""
    context, ca_file = None, None
    if scheme == "https":
        ca_file, key_file = self_signed(tmp_path)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(ca_file, key_file)
    server = SilentServer(context)
    access = ClusterAccess(server=f"{scheme}://127.0.0.1:{server.port}", ca_file=ca_file)
    api = ApiServer(access)
    target = ClusterTarget(kind=TargetKind.CONTEXT, namespace="team")
    follower = Follower(KubeCluster(target, access, api), "Pod", "")
    died: list[BaseException] = []
    worker = Worker("pods", lambda stop: list(follower.events(stop)), on_death=died.append)
    before = set(threading.enumerate())
    try:
        worker.start()
        assert server.watched.wait(10)
        assert worker.stop(timeout=5), "the watch did not end"
        assert died == []
        ours = [t for t in set(threading.enumerate()) - before if t.name.startswith("sparkk8s")]
        for thread in ours:
            thread.join(5)
        assert not any(thread.is_alive() for thread in ours)
    finally:
        api.close()
        server.close()
