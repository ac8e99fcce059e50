"""One pod's life on the node: volumes, init containers, containers, end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
import signal
from pathlib import Path
from typing import Any

from sparkk8s_nb.embedded import podstatus
from sparkk8s_nb.embedded.containers import ConfigError, command_line, environment
from sparkk8s_nb.embedded.launcher import ShimGoneError, ShimLink
from sparkk8s_nb.embedded.objects import Object, uid_of
from sparkk8s_nb.embedded.podcontext import NodeContext
from sparkk8s_nb.embedded.podrecord import PodRecord
from sparkk8s_nb.embedded.podstatus import ContainerRun
from sparkk8s_nb.embedded.quantities import whole_bytes
from sparkk8s_nb.embedded.volumes import materialize, path_map

log = logging.getLogger(__name__)

#: between attempts to find a ConfigMap or Secret that is not there yet
RETRY_SECONDS = 1.0
BACKOFF_FIRST = 10.0
BACKOFF_MOST = 300.0


class _EndedError(Exception):
    """The pod is to end before all of its containers have run."""


class PodWorker:
    """Runs one pod.

    Several containers of a pod that is to be restarted are restarted together, once all have ended.

    Parameters
    ----------
    context : NodeContext
        The node.
    pod : dict
        The pod as it was given to this node.
    ip : str
        Its address.
    directory : Path
        Its directory (0700), to be made.
    """

    def __init__(self, context: NodeContext, pod: Object, ip: str, directory: Path) -> None:
        self._context = context
        self.record = PodRecord(context, pod, ip, directory)
        self.ip = ip
        self._directory = directory
        self._link: ShimLink | None = None
        self._volumes: dict[str, Path] = {}
        self._stopping = asyncio.Event()
        self._killer: asyncio.TimerHandle | None = None

    async def live(self) -> None:
        """The whole life; returns when the pod's processes are gone and its status is terminal."""
        deadline = self.record.pod["spec"].get("activeDeadlineSeconds")
        timer = None
        if deadline is not None:
            timer = asyncio.get_running_loop().call_later(float(deadline), self._too_late)
        try:
            await self._prepare()
            await self._initialize()
            await self._main()
        except _EndedError:
            pass
        except ShimGoneError:
            self.record.lost()
        except Exception as error:  # one pod's trouble must neither be lost nor become that of the others
            log.exception("pod %s cannot run", self.record.name)
            message = f"the embedded cluster cannot run this pod: {error}"
            self.record.outcome = ("Failed", "RunError", message)
        finally:
            if timer is not None:
                timer.cancel()
            self._end()

    def stop(self, grace: float) -> None:
        """Begin to end: TERM now, KILL after ``grace`` seconds (0: at once). A shorter grace wins."""
        if not self._stopping.is_set():
            for run in self.record.containers:
                if run.is_running:
                    self.record.event("Killing", f"Stopping container {run.name}")
        self._stopping.set()
        link = self._link
        if link is None:
            return
        if grace <= 0:
            link.order(op="kill", name="")
            return
        link.order(op="signal", name="", signal=int(signal.SIGTERM))
        loop = asyncio.get_running_loop()
        if self._killer is None or loop.time() + grace < self._killer.when():
            if self._killer is not None:
                self._killer.cancel()
            self._killer = loop.call_later(grace, lambda: link.order(op="kill", name=""))

    def remove_files(self) -> None:
        """Remove the pod's directory."""
        shutil.rmtree(self._directory, ignore_errors=True)

    def _too_late(self) -> None:
        message = "Pod was active on the node longer than the specified deadline"
        self.record.outcome = ("Failed", "DeadlineExceeded", message)
        self.stop(self.record.grace())

    async def _prepare(self) -> None:
        """Directory, volumes, shim."""
        self._directory.mkdir(mode=0o700)
        for part in ("volumes", "logs", "home", "root", "tmp"):
            (self._directory / part).mkdir(mode=0o700)
        while True:
            try:
                self._volumes = materialize(
                    self.record.facts(), self.record.lookup(), self._directory / "volumes"
                )
                break
            except ConfigError as error:
                self.record.event("FailedMount", str(error), warning=True)
                self.record.publish()
                await self._pause(RETRY_SECONDS)
        self._link = await self._context.launcher.shim()
        self._link.order(op="pod", directory=str(self._directory))
        if self._context.isolation is not None:
            await self._isolate(self._link, self._context.isolation.readable)

    async def _isolate(self, link: ShimLink, readable: tuple[str, ...]) -> None:
        link.order(
            op="isolate",
            root=str(self._directory / "root"),
            scratch=str(self._directory / "tmp"),
            readable=list(readable),
            writable=[str(self._directory)],
        )
        event = await link.event()
        if event["event"] != "isolated":
            raise OSError(0, event["message"])

    async def _initialize(self) -> None:
        """Init containers, one after the other; each has to succeed."""
        for run in self.record.inits:
            while run.exit_code != 0:
                await self._start(run)
                await self._follow([run])
                if run.exit_code != 0 and self.record.policy == "Never":
                    raise _EndedError
                if run.exit_code != 0:
                    await self._back_off(run)

    async def _main(self) -> None:
        for run in self.record.containers:
            run.state = podstatus.waiting("ContainerCreating")
        for run in self.record.containers:
            await self._start(run)
        while True:
            await self._follow(self.record.containers)
            again = [run for run in self.record.containers if self.record.restarts(run)]
            if self._stopping.is_set() or not again:
                return
            for run in again:
                await self._back_off(run)
                await self._start(run)

    async def _back_off(self, run: ContainerRun) -> None:
        """Wait before a container runs again: not at all the first time, then 10 s, 20 s, ... 300 s."""
        run.last_state = run.state
        run.restarts += 1
        if run.restarts > 1:
            pause = min(BACKOFF_MOST, BACKOFF_FIRST * 2 ** (run.restarts - 2))
            message = f"back-off {int(pause)}s restarting failed container={run.name} pod={self.record.name}"
            run.state = podstatus.waiting("CrashLoopBackOff", message)
            self.record.event("BackOff", f"Back-off restarting failed container {run.name}", warning=True)
            self.record.publish()
            await self._pause(pause)
        run.state = podstatus.waiting("ContainerCreating")

    async def _start(self, run: ContainerRun) -> None:
        """Start one container; returns when it runs or has failed to."""
        container = self.record.spec_of(run.name)
        while True:
            if self._stopping.is_set():
                raise _EndedError
            try:
                order = self._order(container)
                break
            except ConfigError as error:
                if not container.get("command"):
                    self.record.failed_to_start(run, str(error))
                    return
                run.state = podstatus.waiting("CreateContainerConfigError", str(error))
                self.record.event("Failed", f"Error: {error}", warning=True)
                self.record.publish()
                await self._pause(RETRY_SECONDS)
        link = self._require_link()
        link.order(op="run", name=run.name, log=str(self.record.log_path(run.name)), **order)
        await self._take(await link.event())

    def _order(self, container: Object) -> dict[str, Any]:
        """What the shim needs to start a container.

        Raises
        ------
        ConfigError
            Where something that the container refers to is missing.
        """
        home = str(self._directory / "home")
        base = {"PATH": self._context.path, "HOME": home, "HOSTNAME": self.record.name}
        env = environment(container, self.record.facts(), self.record.lookup(), base=base)
        paths = path_map(container, self._volumes)
        argv = command_line(container, env, paths)
        env = {name: paths.apply(value) for name, value in env.items()}
        wanted = container.get("workingDir")
        return {
            "argv": argv,
            "env": env,
            "cwd": self._working_directory(paths.apply(str(wanted))) if wanted else home,
        }

    def _working_directory(self, wanted: str) -> str:
        """The working directory; one that this machine lacks is made inside the pod's directory."""
        path = Path(wanted)
        if not path.is_dir():
            if not path.is_relative_to(self._directory):
                path = self._directory / "work" / wanted.strip("/")
            path.mkdir(parents=True, exist_ok=True)
        return str(path)

    async def _follow(self, runs: list[ContainerRun]) -> None:
        """Take the shim's reports until all of these containers have ended."""
        while any(run.is_running for run in runs):
            await self._take(await self._require_link().event())

    async def _take(self, event: dict[str, Any]) -> None:
        run = self.record.run_of(event["name"])
        if event["event"] == "failed":
            message = (
                f"failed to create containerd task: unable to start container process: {event['message']}"
            )
            self.record.failed_to_start(run, message)
        elif event["event"] == "started":
            self.record.started(run, int(event["pid"]))
            self._limit(run, int(event["pid"]))
            self.record.publish()
            if self._stopping.is_set():
                self.stop(self.record.grace())
        else:
            self._context.limits.forget(self._key(run))
            self.record.exited(run, int(event["code"]))
            if not self._is_last_word(run):
                self.record.publish()

    def _is_last_word(self, run: ContainerRun) -> bool:
        """Whether this end is the pod's end, whose status is written once for all by :meth:`_end`."""
        runs = self.record.containers
        if run not in runs or any(each.exit_code is None for each in runs):
            return False
        return self._stopping.is_set() or not any(self.record.restarts(each) for each in runs)

    def _limit(self, run: ContainerRun, pid: int) -> None:
        amount = (self.record.spec_of(run.name).get("resources") or {}).get("limits", {}).get("memory")
        if amount is None or self._link is None:
            return
        alone = len(self.record.containers) == 1
        self._context.limits.watch(
            self._key(run),
            root=self._link.pid if alone else pid,
            whole=not alone,
            limit=whole_bytes(amount),
            exceeded=lambda: self._exceeded(run),
        )

    def _exceeded(self, run: ContainerRun) -> None:
        if run.is_running and self._link is not None:
            self.record.over_memory(run)
            self._link.order(op="kill", name=run.name)

    def _key(self, run: ContainerRun) -> str:
        return f"{uid_of(self.record.pod)}/{run.name}"

    def _require_link(self) -> ShimLink:
        if self._link is None:
            raise ShimGoneError
        return self._link

    async def _pause(self, seconds: float) -> None:
        """Wait, unless the pod is to end.

        Raises
        ------
        _EndedError
            If it is.
        """
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)
        if self._stopping.is_set():
            raise _EndedError

    def _end(self) -> None:
        """Let go of the shim, say the last word."""
        if self._killer is not None:
            self._killer.cancel()
        for run in (*self.record.inits, *self.record.containers):
            self._context.limits.forget(self._key(run))
        if self._link is not None:
            self._link.close()
            self._link = None
        self.record.close(stopped=self._stopping.is_set())
