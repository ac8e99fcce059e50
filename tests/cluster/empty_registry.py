"""A registry of images that has none, on the node: ``python -m tests.cluster.empty_registry PORT``.

Nothing answers at a registry's address here otherwise, and that may pass; "not found" is certain.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.cluster.namespaces import NodeNamespaces

PORT = 5000
ROOT = Path(__file__).parents[2]
UNKNOWN = json.dumps({"errors": [{"code": "MANIFEST_UNKNOWN", "message": "manifest unknown"}]}).encode()


@contextmanager
def empty_registry(namespaces: NodeNamespaces) -> Iterator[str]:
    """While it is open the node has a registry at this name, to which containerd speaks without TLS."""
    enter = ("nsenter", f"--target={namespaces.first.process.pid}", "--net", "--")
    with subprocess.Popen(
        [*enter, sys.executable, "-m", "tests.cluster.empty_registry", str(PORT)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as serving:
        try:
            assert serving.stdout is not None
            assert serving.stdout.readline() == b"ready\n"
            yield f"localhost:{PORT}"
        finally:
            serving.terminate()


class Empty(BaseHTTPRequestHandler):
    """Knows the protocol's version, and nothing else."""

    def do_GET(self) -> None:
        """A manifest that is not there; or what a client asks first."""
        found = self.path == "/v2/"
        body = b"{}" if found else UNKNOWN
        self.send_response(200 if found else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def do_HEAD(self) -> None:
        """The same without a body."""
        self.do_GET()

    def log_message(self, *words: object) -> None:
        """Nobody reads it."""


def main(port: str) -> None:
    """Serve until it is ended."""
    with ThreadingHTTPServer(("127.0.0.1", int(port)), Empty) as server:
        print("ready", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main(sys.argv[1])
