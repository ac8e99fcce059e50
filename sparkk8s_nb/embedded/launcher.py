"""The daemon's side of fork server and shims."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_LINE_LIMIT = 8 * 1024 * 1024


class ShimGoneError(Exception):
    """A shim ended without saying so: it was killed from outside."""


@dataclass(slots=True, kw_only=True, eq=False)
class ShimLink:
    """One pod's shim."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    pid: int = 0
    _closed: bool = field(default=False)

    async def event(self) -> dict[str, Any]:
        """The shim's next report.

        Raises
        ------
        ShimGoneError
            If there will be none.
        """
        try:
            line = await self.reader.readline()
        except ConnectionError:
            line = b""
        if not line:
            raise ShimGoneError
        event: dict[str, Any] = json.loads(line)
        return event

    def order(self, **order: Any) -> None:
        """Tell the shim something; a shim that is gone is noticed by :meth:`event`."""
        if not self._closed:
            self.writer.write(json.dumps(order).encode() + b"\n")

    def close(self) -> None:
        """Let the shim end; the pod's files stay."""
        if not self._closed:
            self.order(op="bye")
            self._closed = True
            self.writer.close()


class Launcher:
    """Starts shims through a fork server, which is started when first needed, and again if it died."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._orders: socket.socket | None = None

    @property
    def pid(self) -> int | None:
        """The fork server's process id."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start the fork server."""
        ours, theirs = socket.socketpair()
        boot = str(Path(__file__).with_name("boot.py"))
        command = [sys.executable, "-I", "-S", boot, str(theirs.fileno())]
        with theirs:
            self._process = subprocess.Popen(
                command, pass_fds=(theirs.fileno(),), stdin=subprocess.DEVNULL, cwd="/", close_fds=True
            )
        self._orders = ours

    async def shim(self) -> ShimLink:
        """Fork a shim.

        Raises
        ------
        ShimGoneError
            If that fails twice.
        """
        for _ in range(2):
            ours, theirs = socket.socketpair()
            with theirs:
                if not self._send(theirs):
                    ours.close()
                    continue
            reader, writer = await asyncio.open_connection(sock=ours, limit=_LINE_LIMIT)
            link = ShimLink(reader=reader, writer=writer)
            try:
                link.pid = int((await link.event())["pid"])
            except ShimGoneError:
                writer.close()
                continue
            return link
        raise ShimGoneError

    def _send(self, theirs: socket.socket) -> bool:
        if self._orders is None or self._process is None or self._process.poll() is not None:
            self.start()
        if self._orders is None:
            return False
        try:
            socket.send_fds(self._orders, [b"s"], [theirs.fileno()])
        except OSError:
            self._orders.close()
            self._orders = None
            return False
        return True

    def stop(self) -> None:
        """End the fork server; shims that still run end themselves when their sockets close."""
        if self._orders is not None:
            self._orders.close()
            self._orders = None
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=5)
            if self._process.poll() is None:
                self._process.kill()
                self._process.wait()
            self._process = None
