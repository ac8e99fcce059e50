"""``sparkk8s-nb cluster``: the embedded cluster of this machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import sparkk8s_nb.embedded.lifecycle as embedded
from sparkk8s_nb.cli.output import JSON_FLAG, Output
from sparkk8s_nb.embedded.lifecycle import EmbeddedStatus, NodeSettings
from sparkk8s_nb.errors import EmbeddedError, UsageError
from sparkk8s_nb.model.quantities import format_duration, format_memory
from sparkk8s_nb.model.suggest import did_you_mean

USAGE = "sparkk8s-nb cluster up [--isolate] | down | status | kubeconfig"
ACTIONS = ("up", "down", "status", "kubeconfig")


def cluster(words: Sequence[str], output: Output) -> int:
    """Start, stop or look at the embedded cluster."""
    plain = [word for word in words if word != JSON_FLAG]
    if not plain or plain[0] in {"-h", "--help"}:
        print(f"usage: {USAGE}")
        return 0
    action, flags = plain[0], set(plain[1:])
    if action not in ACTIONS:
        raise UsageError(
            f"cluster does not know {action}.", fix=did_you_mean(action, ACTIONS, otherwise=f"usage: {USAGE}")
        )
    allowed = {"--isolate"} if action == "up" else set()
    if unknown := sorted(flags - allowed):
        raise UsageError(f"cluster {action} does not take {unknown[0]}.", fix=f"usage: {USAGE}")
    return {"up": _up, "down": _down, "status": _status, "kubeconfig": _kubeconfig}[action](flags, output)


def _up(flags: set[str], output: Output) -> int:
    embedded.up(settings=NodeSettings(isolate=True) if "--isolate" in flags else None)
    return _status(flags, output)


def _down(_: set[str], output: Output) -> int:
    ran = embedded.down()
    output.show({"ran": ran}, "The cluster has ended. Nothing left." if ran else "No cluster ran.")
    return 0


def _status(_: set[str], output: Output) -> int:
    status = embedded.status()
    if status is None:
        output.show(
            {"running": False}, "No cluster runs. The first start brings it up, or: sparkk8s-nb cluster up"
        )
        return 1
    output.show({"running": True, **asdict(status)}, _describe(status))
    return 0


def _kubeconfig(_: set[str], output: Output) -> int:
    path = embedded.kubeconfig_path()
    if embedded.status() is None:
        raise EmbeddedError(
            "No cluster runs, so there is no kubeconfig.", fix="Start it: sparkk8s-nb cluster up"
        )
    output.show({"kubeconfig": str(path)}, str(path))
    return 0


def _describe(status: EmbeddedStatus) -> str:
    idle = ""
    if status.idle_for is not None:
        left = max(0.0, status.idle_seconds - status.idle_for)
        idle = f"\nidle, ends in {format_duration(left)}"
    sessions = "1 session" if status.sessions == 1 else f"{status.sessions} sessions"
    isolated = ", pods isolated from this machine's disk" if status.isolate else ""
    return (
        f"running as process {status.pid} at {status.server}{isolated}\n"
        f"{status.allocatable_cpus:g} cores and {format_memory(status.allocatable_memory)} for pods, "
        f"{status.running_pods} of {status.pods} pods running, {sessions}{idle}"
    )
