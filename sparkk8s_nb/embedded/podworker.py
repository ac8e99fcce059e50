"""One pod's life on the node: volumes, init containers, containers, end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
import signal
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from sparkk8s_nb.embedded import podstatus, resources
from sparkk8s_nb.embedded.containers import ConfigError, Lookup, PodFacts, command_line, environment
from sparkk8s_nb.embedded.deletion import finish_pod
from sparkk8s_nb.embedded.events import Recorder
from sparkk8s_nb.embedded.launcher import Launcher, ShimGoneError, ShimLink
from sparkk8s_nb.embedded.objects import Object, is_deleting, name_of, namespace_of, uid_of
from sparkk8s_nb.embedded.podstatus import ContainerRun
from sparkk8s_nb.embedded.quantities import whole_bytes
from sparkk8s_nb.embedded.registry import Registry
from sparkk8s_nb.embedded.volumes import materialize, path_map

log = logging.getLogger(__name__)

RETRY_SECONDS = 1.0
BACKOFF_FIRST = 10.0
BACKOFF_MOST = 300.0
_GONE_MESSAGE = "The container could not be located when the pod was deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Isolation:
    """What exists in the namespace of an isolated pod besides the system's directories."""

    readable: tuple[str, ...]


class Limits(Protocol):
    """Who watches the memory of containers."""

    def watch(self, key: str, *, root: int, whole: bool, limit: int, exceeded: Callable[[], None]) -> None:
        """Call ``exceeded`` once the processes at and below ``root`` use more than ``limit`` bytes."""

    def forget(self, key: str) -> None:
        """Watch no longer."""


@dataclass(slots=True, kw_only=True, eq=False)
class NodeContext:
    """What every pod on the node needs."""

    registry: Registry
    recorder: Recorder
    launcher: Launcher
    limits: Limits
    lookup: Callable[[str], Lookup]
    clock: Callable[[], datetime]
    node: str
    host_ip: str
    allocatable: dict[str, str]
    path: str
    isolation: Isolation | None = None


class PodWorker:
    """Runs one pod.

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
        self.pod = pod
        self.ip = ip
        self.directory = directory
        self.policy = str(pod["spec"].get("restartPolicy") or "Always")
        self.containers = [
            ContainerRun(name=each["name"], image=each["image"]) for each in pod["spec"]["containers"]
        ]
        self.inits = [
            ContainerRun(name=each["name"], image=each["image"])
            for each in pod["spec"].get("initContainers") or []
        ]
        if self.inits:
            for each in self.containers:
                each.state = podstatus.waiting("PodInitializing")
        self._link: ShimLink | None = None
        self._volumes: dict[str, Path] = {}
        self._stopping = asyncio.Event()
        self._killer: asyncio.TimerHandle | None = None
        self._oom: set[str] = set()
        self._outcome = ("", "", "")
        self._timers: set[asyncio.Task[None]] = set()
        self._starting: dict[str, asyncio.Future[str]] = {}

    @property
    def shim_pid(self) -> int | None:
        """The shim's process id while there is one."""
        return self._link.pid if self._link else None

    def log_path(self, container: str, *, previous: bool = False) -> Path:
        """Where a container's output is."""
        run = self._run_of(container)
        number = run.restarts - 1 if previous else run.restarts
        return self.directory / "logs" / f"{container}.{number}.log"

    def _run_of(self, name: str) -> ContainerRun:
        return next(each for each in (*self.containers, *self.inits) if each.name == name)

    def is_running(self, container: str) -> bool:
        """Whether a container runs, or may again."""
        run = self._run_of(container)
        return run.exit_code is None

    async def live(self) -> None:
        """The whole life; returns when the pod's processes are gone and its status is terminal."""
        deadline = self.pod["spec"].get("activeDeadlineSeconds")
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
            self._lost()
        except OSError as error:
            log.exception("pod %s cannot run", name_of(self.pod))
            self._outcome = ("Failed", "RunError", f"the embedded cluster cannot run this pod: {error}")
        finally:
            if timer is not None:
                timer.cancel()
            self._end()

    def stop(self, grace: float) -> None:
        """Begin to end: TERM now, KILL after ``grace`` seconds (0: at once). A shorter grace wins."""
        if not self._stopping.is_set():
            for run in self.containers:
                if run.is_running:
                    self._event("Killing", f"Stopping container {run.name}")
        self._stopping.set()
        if self._link is None:
            return
        if grace <= 0:
            self._link.order(op="kill", name="")
            return
        self._link.order(op="signal", name="", signal=int(signal.SIGTERM))
        loop = asyncio.get_running_loop()
        if self._killer is None or loop.time() + grace < self._killer.when():
            if self._killer is not None:
                self._killer.cancel()
            link = self._link
            self._killer = loop.call_later(grace, lambda: link.order(op="kill", name=""))

    def _too_late(self) -> None:
        self._outcome = (
            "Failed",
            "DeadlineExceeded",
            "Pod was active on the node longer than the specified deadline",
        )
        self.stop(float(self.pod["spec"].get("terminationGracePeriodSeconds", 30)))

    async def _prepare(self) -> None:
        """Directory, volumes, shim."""
        for part in ("volumes", "logs", "home", "root"):
            (self.directory / part).mkdir(mode=0o700, parents=True, exist_ok=True)
        while True:
            try:
                self._volumes = materialize(self._facts(), self._lookup(), self.directory / "volumes")
                break
            except ConfigError as problem:
                self._event("FailedMount", f"MountVolume.SetUp failed : {problem}", warning=True)
                self._publish()
                await self._pause(RETRY_SECONDS)
        self._link = await self._context.launcher.shim()
        self._link.order(op="pod", directory=str(self.directory))
        if self._context.isolation is not None:
            self._link.order(
                op="isolate",
                root=str(self.directory / "root"),
                readable=list(self._context.isolation.readable),
                writable=[str(self.directory)],
            )
            event = await self._link.event()
            if event["event"] == "failed":
                raise OSError(0, event["message"])

    async def _initialize(self) -> None:
        """Init containers, one after the other; each has to succeed."""
        for run in self.inits:
            while run.exit_code != 0:
                await self._start(run)
                await self._follow([run])
                if run.exit_code != 0 and self.policy == "Never":
                    raise _EndedError
                if run.exit_code != 0:
                    await self._back_off(run)

    async def _main(self) -> None:
        for run in self.containers:
            run.state = podstatus.waiting("ContainerCreating")
        for run in self.containers:
            await self._start(run)
        while True:
            await self._follow(self.containers)
            if self._stopping.is_set() or not any(self._restarts(run) for run in self.containers):
                return
            for run in self.containers:
                if self._restarts(run):
                    await self._back_off(run)
                    await self._start(run)

    def _restarts(self, run: ContainerRun) -> bool:
        if run.exit_code is None or self.policy == "Never":
            return False
        return self.policy == "Always" or run.exit_code != 0

    async def _back_off(self, run: ContainerRun) -> None:
        """Wait before a container runs again: 10 s, 20 s, ... 300 s."""
        run.last_state = run.state
        run.restarts += 1
        pause = min(BACKOFF_MOST, BACKOFF_FIRST * 2 ** (run.restarts - 1)) if run.restarts > 1 else 0.0
        if pause:
            message = f"back-off {int(pause)}s restarting failed container={run.name} pod={name_of(self.pod)}"
            run.state = podstatus.waiting("CrashLoopBackOff", message)
            self._event("BackOff", f"Back-off restarting failed container {run.name}", warning=True)
            self._publish()
            await self._pause(pause)
        run.state = podstatus.waiting("ContainerCreating")

    async def _start(self, run: ContainerRun) -> None:
        """Start one container; returns when it runs or has failed to."""
        if self._stopping.is_set():
            raise _EndedError
        container = next(
            each
            for field in ("containers", "initContainers")
            for each in self.pod["spec"].get(field) or []
            if each["name"] == run.name
        )
        while True:
            try:
                order = self._order(container)
                break
            except ConfigError as problem:
                if not container.get("command"):
                    self._failed_to_start(run, str(problem))
                    return
                run.state = podstatus.waiting("CreateContainerConfigError", str(problem))
                self._event("Failed", f"Error: {problem}", warning=True)
                self._publish()
                await self._pause(RETRY_SECONDS)
        link = self._require_link()
        link.order(op="run", name=run.name, log=str(self.log_path(run.name)), **order)
        await self._take(await link.event())

    def _order(self, container: Object) -> dict[str, Any]:
        home = str(self.directory / "home")
        base = {"PATH": self._context.path, "HOME": home, "HOSTNAME": name_of(self.pod)}
        env = environment(container, self._facts(), self._lookup(), base=base)
        paths = path_map(container, self._volumes)
        argv = command_line(container, env, paths)
        env = {name: paths.apply(value) for name, value in env.items()}
        return {"argv": argv, "env": env, "cwd": self._working_directory(container, paths.apply, home)}

    def _working_directory(self, container: Object, mapped: Callable[[str], str], home: str) -> str:
        """The real working directory; one that this machine lacks is made inside the pod's directory."""
        wanted = container.get("workingDir")
        if not wanted:
            return home
        path = Path(mapped(str(wanted)))
        if not path.is_dir():
            if not path.is_relative_to(self.directory):
                path = self.directory / "work" / str(wanted).strip("/")
            path.mkdir(parents=True, exist_ok=True)
        return str(path)

    async def _follow(self, runs: list[ContainerRun]) -> None:
        """Take the shim's reports until all of these containers have ended."""
        while any(run.is_running for run in runs):
            await self._take(await self._require_link().event())

    async def _take(self, event: dict[str, Any]) -> None:
        run = self._run_of(event["name"])
        now = self._context.clock()
        match event["event"]:
            case "started":
                run.container_id = f"process://{event['pid']}"
                run.state = podstatus.running(now)
                self._event("Started", f"Started container {run.name}")
                self._limit(run, int(event["pid"]))
                if self._stopping.is_set():
                    self.stop(float(self.pod["spec"].get("terminationGracePeriodSeconds", 30)))
            case "failed":
                self._failed_to_start(
                    run,
                    f"failed to create containerd task: unable to start container process: {event['message']}",
                )
                return
            case "exited":
                self._context.limits.forget(self._key(run))
                oom = run.name in self._oom
                self._oom.discard(run.name)
                code = 137 if oom else int(event["code"])
                reason = "OOMKilled" if oom else ("Completed" if code == 0 else "Error")
                started = run.state.get("running", {}).get("startedAt")
                run.state = podstatus.terminated(
                    code, reason, started=started, finished=now, container_id=run.container_id
                )
                if self._is_last_word(run):
                    return
        self._publish()

    def _is_last_word(self, run: ContainerRun) -> bool:
        """Whether this end is the pod's end, which :meth:`_end` publishes once for all."""
        if run in self.inits:
            return False
        if any(each.exit_code is None for each in self.containers):
            return False
        return self._stopping.is_set() or not any(self._restarts(each) for each in self.containers)

    def _failed_to_start(self, run: ContainerRun, message: str) -> None:
        run.state = podstatus.terminated(
            128, "StartError", started="1970-01-01T00:00:00Z", finished=self._context.clock(), message=message
        )
        self._event("Failed", f"Error: {message}", warning=True)

    def _limit(self, run: ContainerRun, pid: int) -> None:
        container = next((each for each in self.pod["spec"]["containers"] if each["name"] == run.name), None)
        amount = ((container or {}).get("resources") or {}).get("limits", {}).get("memory")
        if amount is None or self._link is None:
            return
        alone = len(self.containers) == 1
        self._context.limits.watch(
            self._key(run),
            root=self._link.pid if alone else pid,
            whole=not alone,
            limit=whole_bytes(amount),
            exceeded=lambda: self._exceeded(run),
        )

    def _exceeded(self, run: ContainerRun) -> None:
        if run.is_running and self._link is not None:
            self._oom.add(run.name)
            self._link.order(op="kill", name=run.name)

    def _key(self, run: ContainerRun) -> str:
        return f"{uid_of(self.pod)}/{run.name}"

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

    def _lost(self) -> None:
        """The shim was killed from outside; the fork server ends what it held."""
        for run in self.containers:
            if run.exit_code is None:
                started = run.state.get("running", {}).get("startedAt")
                run.state = podstatus.terminated(
                    137,
                    "Error",
                    started=started,
                    finished=self._context.clock(),
                    message="the process that held this pod was killed",
                )

    def _end(self) -> None:
        """Last status, last word to shim and registry."""
        if self._killer is not None:
            self._killer.cancel()
        for run in (*self.inits, *self.containers):
            self._context.limits.forget(self._key(run))
        if self._link is not None:
            self._link.close()
            self._link = None
        stopped = self._stopping.is_set()
        codes = [run.exit_code for run in self.containers]
        forced = self._outcome[0]
        if stopped and not forced:
            forced = "Succeeded" if codes and all(code == 0 for code in codes) else "Failed"
        if stopped or forced:
            for run in self.containers:
                if run.exit_code is None:
                    run.state = podstatus.terminated(
                        137,
                        "ContainerStatusUnknown",
                        started=None,
                        finished=self._context.clock(),
                        message=_GONE_MESSAGE,
                    )
        self._publish(forced=forced)
        current = self._current()
        if current is not None and is_deleting(current):
            finish_pod(self._context.registry, current)

    def _current(self) -> Object | None:
        current = self._context.registry.store.find(resources.PODS, namespace_of(self.pod), name_of(self.pod))
        return current if current is not None and uid_of(current) == uid_of(self.pod) else None

    def _publish(self, *, forced: str = "") -> None:
        """Write the status as it is now."""
        current = self._current()
        if current is None:
            return
        new = podstatus.build(
            current.get("status") or {},
            containers=self.containers,
            inits=self.inits,
            policy=self.policy,
            ip=self.ip,
            host_ip=self._context.host_ip,
            now=self._context.clock(),
            forced_phase=forced,
            reason=self._outcome[1],
            message=self._outcome[2],
        )
        self._context.registry.store.replace(resources.PODS, {**current, "status": new})

    def _event(self, reason: str, message: str, *, warning: bool = False) -> None:
        self._context.recorder.record(resources.PODS, self.pod, reason, message, warning=warning)

    def _facts(self) -> PodFacts:
        return PodFacts(
            pod=self._current() or self.pod,
            ip=self.ip,
            node=self._context.node,
            host_ip=self._context.host_ip,
            allocatable=self._context.allocatable,
        )

    def _lookup(self) -> Lookup:
        return self._context.lookup(namespace_of(self.pod))

    def remove_files(self) -> None:
        """Remove the pod's directory."""
        shutil.rmtree(self.directory, ignore_errors=True)


class _EndedError(Exception):
    """The pod is to end before all of its containers have run."""
