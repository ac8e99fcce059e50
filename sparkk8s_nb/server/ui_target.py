"""Which Spark UI: the one of the session's own record, on 127.0.0.1, and nothing else."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from sparkk8s_nb.errors import NoSessionError, SessionError, SparkK8sError
from sparkk8s_nb.localfiles import read_private
from sparkk8s_nb.model.record import SessionRecord, parse_record
from sparkk8s_nb.server.jws import decode_key


@dataclass(frozen=True, slots=True, kw_only=True)
class UiTarget:
    """A Spark UI and what signs requests to it; its repr does not say the key.

    Parameters
    ----------
    port : int
        On 127.0.0.1.
    key : bytes
    """

    port: int
    key: bytes = field(repr=False)


def read_record(path: Path) -> SessionRecord:
    """The session's record.

    Raises
    ------
    NoSessionError
        If it is gone: the session has stopped.
    SparkK8sError
        If it is no record.
    """
    try:
        return parse_record(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NoSessionError("The session has stopped.", fix="Start one with %sparkk8s start.") from error


def target_of(record: SessionRecord) -> UiTarget:
    """Where a record says the UI is.

    Raises
    ------
    SessionError
        If the session has no UI (yet), or the record names anything but a port of 127.0.0.1.
    """
    if record.starting and not record.ui_url:
        raise SessionError("The session is still starting.", fix="Its Spark UI is there once it runs.")
    if not record.ui_url:
        raise SessionError("The session has no Spark UI.", fix="Restart it without spark.ui.enabled=false.")
    port = _port_on_this_machine(record.ui_url)
    if not port:
        raise SessionError(
            "The session's record names a Spark UI that is not on 127.0.0.1.",
            fix="Restart the session: %sparkk8s start --restart.",
        )
    try:
        text = read_private(Path(record.ui_key_file)).decode("ascii")
    except (OSError, ValueError, SparkK8sError) as error:
        raise SessionError(
            "The key of this session's Spark UI cannot be read.",
            fix="Restart the session: %sparkk8s start --restart.",
        ) from error
    return UiTarget(port=port, key=decode_key(text))


def note_use(record: Path) -> None:
    """Note on a record that somebody looks at its UI: the history server ends when nobody does."""
    with contextlib.suppress(FileNotFoundError):
        os.utime(record)


def _port_on_this_machine(url: str) -> int:
    """The port of ``http://127.0.0.1:PORT``; 0 for every other address.

    >>> _port_on_this_machine("http://127.0.0.1:4040"), _port_on_this_machine("http://127.0.0.1@evil.example:1")
    (4040, 0)
    """
    try:
        parts = urlsplit(url)
        port = parts.port or 0
    except ValueError:
        return 0
    plain = parts.netloc == f"127.0.0.1:{port}" and not (parts.query or parts.fragment)
    return port if parts.scheme == "http" and plain and parts.path in ("", "/") else 0
