"""A registry of images on the node: ``python -m tests.cluster.registry PORT``, with what it has on its input.

Nothing answers at a registry's address here otherwise, and that may pass; "not found" and "unauthorized" are certain.
The large layers of the images that it has are containerd's already, and are never asked for.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.cluster.containers import Containers
from tests.cluster.namespaces import NodeNamespaces
from tests.cluster.provision.oci import CONFIG, LAYER, MANIFEST, Image, description, digest_of

PORT = 5000
NAME = f"localhost:{PORT}"
"""What the node calls it; containerd speaks to this one without TLS."""

SMALL = 1 << 20
"""Bytes: larger layers are not served."""

ROOT = Path(__file__).parents[2]
UNKNOWN = json.dumps({"errors": [{"code": "MANIFEST_UNKNOWN", "message": "manifest unknown"}]}).encode()
WHO = json.dumps({"errors": [{"code": "UNAUTHORIZED", "message": "authentication required"}]}).encode()


@contextmanager
def registry(namespaces: NodeNamespaces, *images: Image, login: str = "") -> Iterator[str]:
    """While it is open the node has a registry with these images; only for ``login`` (``user:password``) if given."""
    has: dict[str, dict[str, str]] = {}
    for image in images:
        repository, _, tag = image.name.removeprefix(f"{NAME}/").rpartition(":")
        config, manifest = description(image)
        for reference in (tag, digest_of(manifest)):
            has[f"/v2/{repository}/manifests/{reference}"] = _content(MANIFEST, manifest)
        has[f"/v2/{repository}/blobs/{digest_of(config)}"] = _content(CONFIG, config)
        for layer in image.layers:
            if layer.size < SMALL:
                has[f"/v2/{repository}/blobs/{layer.digest}"] = _content(LAYER, layer.tar.read_bytes())
    enter = ("nsenter", f"--target={namespaces.first.process.pid}", "--net", "--")
    with subprocess.Popen(
        [*enter, sys.executable, "-m", "tests.cluster.registry", str(PORT)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as serving:
        try:
            assert serving.stdin is not None
            assert serving.stdout is not None
            serving.stdin.write(json.dumps({"has": has, "login": login}).encode())
            serving.stdin.close()
            assert serving.stdout.readline() == b"ready\n"
            yield NAME
        finally:
            serving.terminate()


def forget(containers: Containers, image: Image) -> None:
    """Take an image that was pulled off the node: containerd's directory is kept for the next run."""
    repository = image.name.rpartition(":")[0]
    for name in containers.ctr("images", "ls", "-q").split():
        if name.startswith((f"{repository}:", f"{repository}@")):
            containers.ctr("images", "rm", name)


def _content(kind: str, body: bytes) -> dict[str, str]:
    return {"type": kind, "body": base64.b64encode(body).decode()}


def handler(has: dict[str, dict[str, str]], login: str) -> type[BaseHTTPRequestHandler]:
    """What answers: with what it has by path, to those who know the login."""
    wanted = f"Basic {base64.b64encode(login.encode()).decode()}" if login else ""

    class Registry(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """A manifest or a configuration, or what a client asks first."""
            if wanted and self.headers.get("Authorization") != wanted:
                self._answer(401, WHO, **{"WWW-Authenticate": 'Basic realm="registry"'})
            elif self.path == "/v2/":
                self._answer(200, b"{}")
            elif found := has.get(self.path):
                body = base64.b64decode(found["body"])
                more: dict[str, Any] = {
                    "Docker-Content-Digest": digest_of(body),
                    "Content-Type": found["type"],
                }
                self._answer(200, body, **more)
            else:
                self._answer(404, UNKNOWN)

        def do_HEAD(self) -> None:
            """The same without a body."""
            self.do_GET()

        def _answer(self, code: int, body: bytes, **headers: str) -> None:
            self.send_response(code)
            for name, value in ({"Content-Type": "application/json"} | headers).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        def log_message(self, *words: object) -> None:
            """Nobody reads it."""

    return Registry


def main(port: str) -> None:
    """Serve until it is ended."""
    told = json.load(sys.stdin)
    with ThreadingHTTPServer(("127.0.0.1", int(port)), handler(told["has"], told["login"])) as server:
        print("ready", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main(sys.argv[1])
