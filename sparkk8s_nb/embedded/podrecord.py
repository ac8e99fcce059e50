"""What is known about one pod on the node, and how the API hears of it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from sparkk8s_nb.embedded import podstatus, resources
from sparkk8s_nb.embedded.containers import Lookup, PodFacts
from sparkk8s_nb.embedded.deletion import finish_pod
from sparkk8s_nb.embedded.objects import Object, is_deleting, name_of, namespace_of, uid_of
from sparkk8s_nb.embedded.podcontext import NodeContext
from sparkk8s_nb.embedded.podstatus import ContainerRun

_UNKNOWN = "The container could not be located when the pod was deleted"


class PodRecord:
    """One pod's containers and what has become of them.

    Parameters
    ----------
    context : NodeContext
        The node.
    pod : dict
        The pod as it was given to the node.
    ip : str
        Its address.
    directory : Path
        Where its files are.
    """

    def __init__(self, context: NodeContext, pod: Object, ip: str, directory: Path) -> None:
        self._context = context
        self.pod = pod
        self.ip = ip
        self.directory = directory
        self.name = name_of(pod)
        self.policy = str(pod["spec"].get("restartPolicy") or "Always")
        self.containers = [_run(each) for each in pod["spec"]["containers"]]
        self.inits = [_run(each) for each in pod["spec"].get("initContainers") or []]
        if self.inits:
            for each in self.containers:
                each.state = podstatus.waiting("PodInitializing")
        #: phase, reason and message that overrule what the containers say
        self.outcome = ("", "", "")
        self._oom: set[str] = set()

    def run_of(self, name: str) -> ContainerRun:
        """What is known about a container."""
        return next(each for each in (*self.containers, *self.inits) if each.name == name)

    def spec_of(self, name: str) -> Object:
        """A container's spec."""
        spec = self.pod["spec"]
        every: list[Object] = [*spec["containers"], *(spec.get("initContainers") or [])]
        return next(each for each in every if each["name"] == name)

    def log_path(self, container: str, *, previous: bool = False) -> Path:
        """Where a container's output is."""
        restarts = self.run_of(container).restarts
        return self.directory / "logs" / f"{container}.{restarts - 1 if previous else restarts}.log"

    def grace(self) -> float:
        """The seconds that the pod's processes get to end by themselves."""
        return float(self.pod["spec"].get("terminationGracePeriodSeconds", 30))

    def facts(self) -> PodFacts:
        """What the pod may ask about itself."""
        return PodFacts(
            pod=self.current() or self.pod,
            ip=self.ip,
            node=self._context.node,
            host_ip=self._context.host_ip,
            allocatable=self._context.allocatable,
        )

    def lookup(self) -> Lookup:
        """How its ConfigMaps and Secrets are found."""
        return self._context.lookup(namespace_of(self.pod))

    def event(self, reason: str, message: str, *, warning: bool = False) -> None:
        """Record an event about the pod."""
        self._context.recorder.record(resources.PODS, self.pod, reason, message, warning=warning)

    def started(self, run: ContainerRun, pid: int) -> None:
        """A container's main process runs."""
        run.container_id = f"process://{pid}"
        run.state = podstatus.running(self._now())
        self.event("Started", f"Started container {run.name}")

    def failed_to_start(self, run: ContainerRun, message: str) -> None:
        """A container's command cannot be executed."""
        run.state = podstatus.terminated(
            128, "StartError", started="1970-01-01T00:00:00Z", finished=self._now(), message=message
        )
        self.event("Failed", f"Error: {message}", warning=True)

    def over_memory(self, run: ContainerRun) -> None:
        """A container is about to be killed for its memory."""
        self._oom.add(run.name)

    def exited(self, run: ContainerRun, code: int) -> None:
        """A container's main process, and all that it left, has ended."""
        killed = run.name in self._oom
        self._oom.discard(run.name)
        reason = "OOMKilled" if killed else ("Completed" if code == 0 else "Error")
        run.state = podstatus.terminated(
            137 if killed else code,
            reason,
            started=_since(run),
            finished=self._now(),
            container_id=run.container_id,
        )

    def restarts(self, run: ContainerRun) -> bool:
        """Whether a container that has ended is to run again."""
        if run.exit_code is None or self.policy == "Never":
            return False
        return self.policy == "Always" or run.exit_code != 0

    def lost(self) -> None:
        """The process that held the pod was killed from outside, and the pod's processes with it."""
        for run in (*self.inits, *self.containers):
            if run.is_running:
                message = "the process that held this pod was killed"
                run.state = podstatus.terminated(
                    137, "Error", started=_since(run), finished=self._now(), message=message
                )
        self.outcome = self.outcome if self.outcome[0] else ("Failed", "", "")

    def publish(self, *, forced: str = "") -> None:
        """Write the status as it is now."""
        current = self.current()
        if current is None:
            return
        new = podstatus.build(
            current.get("status") or {},
            containers=self.containers,
            inits=self.inits,
            policy=self.policy,
            ip=self.ip,
            host_ip=self._context.host_ip,
            now=self._now(),
            forced_phase=forced,
            reason=self.outcome[1],
            message=self.outcome[2],
        )
        self._context.registry.store.replace(resources.PODS, {**current, "status": new})

    def close(self, *, stopped: bool) -> None:
        """Write the last status; a pod that is being deleted goes now."""
        forced = self.outcome[0]
        codes = [run.exit_code for run in self.containers]
        if stopped and not forced:
            forced = "Succeeded" if all(code == 0 for code in codes) else "Failed"
        if forced:
            for run in self.containers:
                if run.exit_code is None:
                    run.state = podstatus.terminated(
                        137, "ContainerStatusUnknown", started=None, finished=self._now(), message=_UNKNOWN
                    )
        self.publish(forced=forced)
        current = self.current()
        if current is not None and is_deleting(current):
            finish_pod(self._context.registry, current)

    def current(self) -> Object | None:
        """The pod as it is stored; None once it is gone (or another has its name)."""
        store = self._context.registry.store
        found = store.find(resources.PODS, namespace_of(self.pod), self.name)
        return found if found is not None and uid_of(found) == uid_of(self.pod) else None

    def _now(self) -> datetime:
        return self._context.clock()


def _run(container: Object) -> ContainerRun:
    return ContainerRun(name=container["name"], image=container["image"])


def _since(run: ContainerRun) -> str | None:
    started = run.state.get("running", {}).get("startedAt")
    return None if started is None else str(started)
