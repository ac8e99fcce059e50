"""What goes over the node's network: ``python -m tests.cluster.wire_capture FILE`` writes every frame to a file.

It runs in the node's network namespace until its input ends; all interfaces there are listened to, so what pods
say to each other is seen where it leaves the one and where it reaches the other.
"""

from __future__ import annotations

import os
import select
import socket
import struct
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.cluster.namespaces import NodeNamespaces

ALL_PROTOCOLS = 3
LARGEST_FRAME = 1 << 18
IPV4 = 0x0800
TCP = 6
ROOT = Path(__file__).parents[2]

Flow = tuple[str, int, str, int]
"""Source address and port, destination address and port."""


@contextmanager
def captured(namespaces: NodeNamespaces, file: Path) -> Iterator[None]:
    """While it is open, every frame on the node's network is written to the file."""
    enter = ("nsenter", f"--target={namespaces.first.process.pid}", "--net", "--")
    command = [*enter, sys.executable, "-m", "tests.cluster.wire_capture", str(file)]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as capturing:
        assert capturing.stdin is not None
        assert capturing.stdout is not None
        assert capturing.stdout.readline() == b"ready\n"
        try:
            yield
        finally:
            capturing.stdin.close()
            capturing.wait(30)
    assert capturing.returncode == 0


def streams(file: Path) -> dict[Flow, bytes]:
    """What was said over TCP, by flow, in the order in which it was seen.

    A frame that two interfaces saw, or that was sent again, is in it once: by its sequence number.
    """
    pieces: dict[Flow, dict[int, bytes]] = defaultdict(dict)
    for frame in _frames(file):
        found = _segment(frame)
        if found is not None:
            flow, sequence, payload = found
            if len(payload) > len(pieces[flow].get(sequence, b"")):
                pieces[flow][sequence] = payload
    return {flow: b"".join(found.values()) for flow, found in pieces.items()}


def _frames(file: Path) -> Iterator[bytes]:
    data = file.read_bytes()
    at = 0
    while at < len(data):
        (length,) = struct.unpack_from("!I", data, at)
        yield data[at + 4 : at + 4 + length]
        at += 4 + length


def _segment(frame: bytes) -> tuple[Flow, int, bytes] | None:
    """A TCP segment's flow, sequence number and payload; None for any other frame."""
    if len(frame) < 54 or struct.unpack_from("!H", frame, 12)[0] != IPV4 or frame[23] != TCP:
        return None
    header = (frame[14] & 0x0F) * 4
    total = struct.unpack_from("!H", frame, 16)[0] or len(frame) - 14
    source, target = socket.inet_ntoa(frame[26:30]), socket.inet_ntoa(frame[30:34])
    tcp = 14 + header
    from_port, to_port, sequence = struct.unpack_from("!HHI", frame, tcp)
    offset = (frame[tcp + 12] >> 4) * 4
    return (source, from_port, target, to_port), sequence, frame[tcp + offset : 14 + total]


def main(file: str) -> None:
    """Write frames until the input ends."""
    listener = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ALL_PROTOCOLS))
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 << 20)
    with listener, Path(file).open("wb") as output:
        print("ready", flush=True)
        while True:
            readable, _, _ = select.select([listener, sys.stdin], [], [])
            if listener in readable:
                frame = listener.recv(LARGEST_FRAME)
                output.write(struct.pack("!I", len(frame)) + frame)
            elif sys.stdin in readable:
                return


if __name__ == "__main__":
    main(sys.argv[1])
