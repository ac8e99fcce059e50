"""The process that holds one pod's processes. Standard library only: it is forked, never started.

It talks to the daemon over one socket, in lines of JSON:

========================================  ==========================================================
from the daemon                           meaning
========================================  ==========================================================
``{"op": "isolate", ...}``                enter a mount namespace of the pod's own
``{"op": "run", "name", "argv", ...}``    start a container's main process
``{"op": "signal", "name", "signal"}``    send a signal to a container's main process
``{"op": "kill", "name"}``                KILL a container's processes
``{"op": "bye"}``                         end; the pod's files stay
========================================  ==========================================================

and reports ``ready``, ``started``, ``failed`` and ``exited``. When the socket ends without ``bye`` the
daemon has died: every process below the shim is killed, whatever session it chose (the shim is a
subreaper), and the pod's directory is removed.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import select
import signal
import time
from typing import Any, NoReturn

from sparkk8s_nb import linux
from sparkk8s_nb.embedded.descendants import kill_children
from sparkk8s_nb.embedded.isolation import isolate

CHUNK = 64 * 1024
#: a log that grows beyond this begins anew; the older half stays as ``.1``
LOG_BYTES = 64 * 1024 * 1024


class Log:
    """A container's output on its way into a file, with an index that says when each piece came."""

    def __init__(self, path: str, source: int) -> None:
        self.path = path
        self.source = source
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        self._index = os.open(f"{path}.index", os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        self._size = 0

    def pump(self) -> bool:
        """Move one piece; False when there is none (now or for ever)."""
        try:
            data = os.read(self.source, CHUNK)
        except BlockingIOError:
            return False
        if not data:
            return False
        if self._size > LOG_BYTES:
            self._rotate()
        os.write(self._index, f"{self._size} {time.time_ns()}\n".encode())
        view = memoryview(data)
        while view:
            view = view[os.write(self._file, view) :]
        self._size += len(data)
        return True

    def _rotate(self) -> None:
        os.close(self._file)
        os.close(self._index)
        os.replace(self.path, f"{self.path}.1")  # noqa: PTH105 (shims do not load pathlib)
        self._file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        self._index = os.open(
            f"{self.path}.index", os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600
        )
        self._size = 0

    def close(self) -> None:
        """Take what is left and end."""
        while self.pump():
            pass
        for handle in (self.source, self._file, self._index):
            os.close(handle)


class Shim:
    """One pod's processes."""

    def __init__(self, control: int) -> None:
        self._control = control
        self._buffer = b""
        self._mains: dict[int, str] = {}
        self._logs: dict[str, Log] = {}
        self._directory = ""
        self._wake, wake_end = os.pipe()
        for handle in (self._wake, wake_end):
            os.set_blocking(handle, False)
        signal.set_wakeup_fd(wake_end, warn_on_full_buffer=False)

    def serve(self) -> None:
        """Work until the daemon says bye, or is gone."""
        self._report({"event": "ready", "pid": os.getpid()})
        while True:
            poll = select.poll()
            for handle in (self._control, self._wake, *(log.source for log in self._logs.values())):
                poll.register(handle, select.POLLIN)
            ready = {handle for handle, _ in poll.poll()}
            if self._wake in ready:
                with contextlib.suppress(BlockingIOError):
                    os.read(self._wake, CHUNK)
            for log in self._logs.values():
                if log.source in ready and not log.pump() and self._ended(log):
                    break
            self._reap()
            if self._control in ready and not self._listen():
                return

    def _ended(self, log: Log) -> bool:
        """Whether a log's writers have all closed it (its container may still run): stop polling it."""
        if self._has_writers(log.source):
            return False
        name = next(name for name, each in self._logs.items() if each is log)
        self._logs.pop(name).close()
        return True

    @staticmethod
    def _has_writers(handle: int) -> bool:
        poll = select.poll()
        poll.register(handle, select.POLLIN)
        return all(not event & (select.POLLHUP | select.POLLERR) for _, event in poll.poll(0))

    def _listen(self) -> bool:
        """Take orders; False when it is over."""
        try:
            data = os.read(self._control, CHUNK)
        except ConnectionError:
            data = b""
        if not data:
            self._abandon()
            return False
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        for line in lines:
            order = json.loads(line)
            if order["op"] == "bye":
                kill_children()
                return False
            self._obey(order)
        return True

    def _obey(self, order: dict[str, Any]) -> None:
        match order["op"]:
            case "pod":
                self._directory = order["directory"]
            case "isolate":
                try:
                    isolate(order["root"], order["scratch"], order["readable"], order["writable"])
                    self._report({"event": "isolated"})
                except OSError as error:
                    self._report({"event": "failed", "name": "", "message": str(error.strerror)})
            case "run":
                self._run(order)
            case "signal":
                for pid, name in self._mains.items():
                    if order["name"] in ("", name):
                        with contextlib.suppress(ProcessLookupError):
                            os.kill(pid, order["signal"])
            case "kill":
                if order["name"] == "" or len(self._mains) <= 1:
                    kill_children()
                for pid, name in list(self._mains.items()):
                    if name == order["name"]:
                        kill_children(session=pid)

    def _run(self, order: dict[str, Any]) -> None:
        output, output_end = os.pipe()
        trouble, trouble_end = os.pipe()
        pid = os.fork()
        if pid == 0:
            _become(order, output_end, trouble_end)
        os.close(output_end)
        os.close(trouble_end)
        message = b""
        while piece := os.read(trouble, CHUNK):
            message += piece
        os.close(trouble)
        if message:
            os.waitpid(pid, 0)
            os.close(output)
            self._report({"event": "failed", "name": order["name"], "message": message.decode()})
            return
        os.set_blocking(output, False)
        self._mains[pid] = order["name"]
        self._logs[order["name"]] = Log(order["log"], output)
        self._report({"event": "started", "name": order["name"], "pid": pid})

    def _reap(self) -> None:
        """Take the exit codes of what has ended; a container ends with its main process."""
        while True:
            try:
                pid, code = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            name = self._mains.pop(pid, None)
            if name is None:
                continue
            kill_children(session=pid if self._mains else None)
            if name in self._logs:
                self._logs.pop(name).close()
            exit_code = os.waitstatus_to_exitcode(code)
            self._report(
                {"event": "exited", "name": name, "code": exit_code if exit_code >= 0 else 128 - exit_code}
            )

    def _report(self, event: dict[str, Any]) -> None:
        data = json.dumps(event).encode() + b"\n"
        try:
            while data:
                data = data[os.write(self._control, data) :]
        except OSError:
            return  # the daemon is gone, as the next read will tell

    def _abandon(self) -> None:
        """The daemon is gone: so is the pod."""
        kill_children()
        if self._directory:
            import shutil  # only a shim that has lost its daemon needs it

            shutil.rmtree(self._directory, ignore_errors=True)


def _become(order: dict[str, Any], output: int, trouble: int) -> NoReturn:
    """In the forked child: turn into the container's main process, or say why not."""
    try:
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGPIPE):
            signal.signal(number, signal.SIG_DFL)
        os.setsid()
        linux.die_with_parent(signal.SIGKILL)
        null = os.open(os.devnull, os.O_RDONLY)
        for handle, target in ((null, 0), (output, 1), (output, 2)):
            os.dup2(handle, target)
        os.umask(0o022)
        try:
            os.chdir(order["cwd"])
        except OSError as error:
            os.write(
                trouble, f'chdir to cwd ("{order["cwd"]}"): {os.strerror(error.errno or 0).lower()}'.encode()
            )
            os._exit(128)
        argv = order["argv"]
        os.execvpe(argv[0], argv, order["env"])  # noqa: S606 (a program, never a shell)
    except OSError as error:
        os.write(trouble, _exec_problem(order["argv"][0], error).encode())
    except BaseException as error:  # noqa: BLE001 (a forked child must not return into its parent's code)
        os.write(trouble, f"{type(error).__name__}: {error}".encode())
    os._exit(128)


def _exec_problem(program: str, error: OSError) -> str:
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        if "/" in program:
            return f'exec: "{program}": stat {program}: no such file or directory'
        return f'exec: "{program}": executable file not found in $PATH'
    return f'exec: "{program}": {os.strerror(error.errno or 0).lower()}'


def warm_up() -> None:
    """Do once, before the forks, what each shim will do: what is then in memory is shared by all."""
    json.loads(json.dumps({"op": "run", "env": {"a": "b"}, "argv": ["a"]}))
    read, write = os.pipe()
    poll = select.poll()
    poll.register(read, select.POLLIN)
    poll.poll(0)
    os.set_blocking(read, False)
    with contextlib.suppress(BlockingIOError):
        os.read(read, 1)
    os.close(read)
    os.close(write)


def main(control: int) -> NoReturn:
    """Be a shim; never returns.

    SIGTERM and its like are ignored already, and SIGCHLD has a handler that does nothing here: the fork
    server has seen to both, because :func:`signal.signal` would cost each shim 100 KB.
    """
    try:
        linux.become_subreaper()
        Shim(control).serve()
    finally:
        os._exit(0)
