"""``python -m sparkk8s_nb.embedded``: the daemon. People use ``sparkk8s-nb cluster up``."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import fcntl
import json
import logging
import os
import resource
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from sparkk8s_nb import localfiles
from sparkk8s_nb.embedded.daemon import Daemon
from sparkk8s_nb.embedded.lifecycle import NodeSettings
from sparkk8s_nb.errors import SparkK8sError

log = logging.getLogger(__name__)


def _lock(directory: Path) -> int | None:
    """The daemon's lock, held until the process ends; None if another daemon holds it."""
    path = directory / "daemon.lock"
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if path.stat().st_ino == os.fstat(handle).st_ino:
            return handle
    except (BlockingIOError, FileNotFoundError):
        pass
    os.close(handle)
    return None


def _detach() -> None:
    """Become nobody's child: whoever started us need not wait for us, and keeps no zombie when we end."""
    if os.fork():
        os._exit(0)
    os.setsid()


def _tell(ready: int | None, text: str) -> None:
    if ready is not None:
        with contextlib.suppress(OSError):
            os.write(ready, f"{text}\n".encode())


async def _live(daemon: Daemon, ready: int | None) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, daemon.stopping.set)
    await daemon.run(ready)


def main(arguments: Sequence[str]) -> int:
    """Run the daemon; returns the process's exit code.

    With ``--ready-fd`` it detaches, and the pipe hears ``pid N``, then ``ready`` or ``error PROBLEM<TAB>FIX``.
    """
    parser = argparse.ArgumentParser(prog="python -m sparkk8s_nb.embedded")
    parser.add_argument("--directory", type=Path, required=True)
    parser.add_argument("--pods", type=Path, required=True)
    parser.add_argument("--ready-fd", type=int)
    parser.add_argument("--settings", type=json.loads, default={})
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    if options.ready_fd is not None:
        os.set_inheritable(options.ready_fd, False)
        _detach()
        _tell(options.ready_fd, f"pid {os.getpid()}")
    directory = localfiles.private_dir(options.directory)
    lock = _lock(directory)
    if lock is None:
        _tell(options.ready_fd, "error another daemon runs already\tStop it with `sparkk8s-nb cluster down`.")
        return 3
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    daemon = Daemon(directory, options.pods, NodeSettings(**options.settings))
    try:
        asyncio.run(_live(daemon, options.ready_fd))
    except SparkK8sError as error:
        log.exception("the cluster cannot run")
        _tell(options.ready_fd, f"error {error.problem}\t{error.fix}")
        daemon.failed = True
    except BaseException:
        daemon.failed = True
        raise
    finally:
        daemon.remove_files()
    return 2 if daemon.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
