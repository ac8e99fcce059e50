"""The record of a session: what others may know of it, in the Lease's annotation and on this machine.

It carries ``schema``: a reader that meets a newer schema shows what it understands and changes nothing.
No value of a conf and no secret is ever in it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from sparkk8s_nb.errors import SparkK8sError

SCHEMA = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Which process on which machine holds a session.

    Parameters
    ----------
    boot : str
        The machine's boot id: process ids mean nothing beyond it.
    pid : int
    started : float
        When the process started, seconds since the epoch.
    pod : str
        Uid of the notebook's pod; empty where the session's cluster is not the notebook's own.
    pod_name, pod_namespace : str
        Where to look that pod up.
    container, container_started : str
        The kernel's container in it, and when it started (RFC 3339): a restarted one is another.
    """

    boot: str
    pid: int
    started: float
    pod: str = ""
    pod_name: str = ""
    pod_namespace: str = ""
    container: str = ""
    container_started: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRecord:
    """One session, as ``ps`` shows it.

    Parameters
    ----------
    name, owner, notebook, namespace : str
    holder : Holder
    app_id : str
        Spark's application id; empty until the driver is up.
    executors, cores : int
    memory : int
        Bytes of one executor pod.
    started : float
        Seconds since the epoch.
    options : tuple of str
        Names of the options that were given, never their values.
    ui_url : str
        The Spark UI's address on the driver's machine.
    ui_key_file : str
        Path of the key that signs requests to it; only in the record on the driver's machine.
    kernel : str
        What Jupyter calls the kernel; empty outside of it. Only in the record on the driver's machine.
    schema : int
    """

    name: str
    owner: str
    notebook: str
    namespace: str
    holder: Holder
    app_id: str = ""
    executors: int = 0
    cores: int = 0
    memory: int = 0
    started: float = 0.0
    options: tuple[str, ...] = ()
    ui_url: str = ""
    ui_key_file: str = ""
    kernel: str = ""
    schema: int = SCHEMA

    def as_json(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))

    def public(self) -> SessionRecord:
        """Without what only the driver's machine needs: the form for the Lease."""
        return replace(self, ui_url="", ui_key_file="", kernel="")

    @property
    def starting(self) -> bool:
        """Whether its driver is not up yet."""
        return not self.app_id

    @property
    def readonly(self) -> bool:
        """Whether a newer release wrote it: show it, change nothing."""
        return self.schema > SCHEMA


def parse_record(text: str) -> SessionRecord:
    """Read a record; unknown fields of a newer schema are left out.

    Raises
    ------
    SparkK8sError
        If it is no record.
    """
    try:
        data: Mapping[str, Any] = json.loads(text)
        holder = Holder(**_known(Holder, data["holder"]))
        rest = {key: value for key, value in _known(SessionRecord, data).items() if key != "holder"}
        rest["options"] = tuple(rest.get("options", ()))
        return SessionRecord(holder=holder, **rest)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise SparkK8sError(
            "A session's record cannot be read.", fix="Remove the session with sparkk8s-nb gc."
        ) from error


def _known(kind: type, data: Mapping[str, Any]) -> dict[str, Any]:
    fields = kind.__dataclass_fields__  # type: ignore[attr-defined]
    return {key: value for key, value in data.items() if key in fields}


def is_orphan(record: SessionRecord, *, boot: str, alive: Callable[[int, float], bool]) -> bool:
    """Whether the session's process is proven dead: same boot of the same machine, and not there.

    A record of another machine or boot proves nothing here, however old its Lease is: a closed lid and a
    paused VM expire Leases too.

    >>> holder = Holder(boot="b", pid=7, started=1.0)
    >>> record = SessionRecord(name="s", owner="o", notebook="n", namespace="d", holder=holder)
    >>> is_orphan(record, boot="b", alive=lambda pid, started: False)
    True
    >>> is_orphan(record, boot="other", alive=lambda pid, started: False)
    False
    """
    if record.readonly or not boot or record.holder.boot != boot:
        return False
    return not alive(record.holder.pid, record.holder.started)


def container_ended(holder: Holder, pod: Mapping[str, Any] | None) -> bool:
    """Whether the container that a session was held in is proven to have ended.

    Its pod is gone, is another of the same name or has finished, or the container does not run or has been
    restarted. A pod whose node does not answer keeps its last status: that proves nothing.

    Parameters
    ----------
    holder : Holder
    pod : Mapping or None
        The pod of that name as the API gives it now; None if there is none.

    Examples
    --------
    >>> holder = Holder(boot="b", pid=7, started=1.0, pod="u", pod_name="nb")
    >>> container_ended(holder, None), container_ended(holder, {"metadata": {"uid": "u"}})
    (True, False)
    """
    if not holder.pod:
        return False
    if pod is None or pod["metadata"].get("uid") != holder.pod:
        return True
    status = pod.get("status") or {}
    if status.get("phase") in ("Succeeded", "Failed"):
        return True
    state = next(
        (
            each.get("state")
            for each in status.get("containerStatuses") or []
            if each["name"] == holder.container
        ),
        None,
    )
    if not state:
        return False
    running = state.get("running")
    if running is None:
        return True
    return bool(holder.container_started) and running.get("startedAt") != holder.container_started
