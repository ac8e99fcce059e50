"""What a session is composed of. :mod:`sparkk8s_nb.session.wiring` fills it in; tests use fakes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sparkk8s_nb.model.record import Holder
from sparkk8s_nb.model.sparkconf import DriverNetwork
from sparkk8s_nb.ports import Cluster, Keeper, LaunchingDriver, PodSource
from sparkk8s_nb.session.session_dir import SessionDir, SessionKeys


@dataclass(frozen=True, slots=True, kw_only=True)
class Kernel:
    """The process that the session lives in.

    Parameters
    ----------
    holder : Holder
        Its identity.
    uid, gid : int
        Its user and group.
    address : str
        The IP that executors can dial.
    hints : Mapping
        Environment for the executors' start script: where Spark, Java and Python are here.
    options : tuple of str
        Names of the options that were given, for the record.
    id : str
        What Jupyter calls the kernel; empty outside of it.
    """

    holder: Holder
    uid: int
    gid: int
    address: str
    hints: Mapping[str, str] = field(default_factory=dict)
    options: tuple[str, ...] = ()
    id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldNetwork:
    """The driver's address and ports, held until released."""

    network: DriverNetwork
    release: Callable[[], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Everything outside the state machine.

    Parameters
    ----------
    cluster : Cluster
    pods : PodSource
    place : SessionDir
        Already made; the session removes it.
    kernel : Kernel
    keys : SessionKeys
    take_ports : callable
        Takes the next free port slot at each call.
    launch_driver : callable
        Starts the JVM and returns at once.
    launch_keeper : callable
        Starts the keeper and returns at once.
    preflight : callable
        Raises an error that says what is missing; returns warnings.
    orphans : callable
        Removes sessions of the same notebook whose kernel is proven dead; returns their names.
    scripts : Mapping
        The executors' scripts by name: how they start, and how they are decommissioned.
    templates : sequence of Mapping
        Pod templates: what the notebook's pod gives, the administrator's, the user's.
    executor_env : Mapping
        Values of the variables that executors take over from the kernel; only a Secret holds them.
    now : callable
        Seconds since the epoch.
    owner_reference : callable
        The ownerReference of a Lease.
    lease : callable
        The manifest of the session's Lease from labels and annotations.
    close : callable
        Lets go of the connections to the API server, when all else is undone.
    """

    cluster: Cluster
    pods: PodSource
    place: SessionDir
    keys: SessionKeys
    kernel: Kernel
    take_ports: Callable[[], HeldNetwork]
    launch_driver: Callable[[], LaunchingDriver]
    launch_keeper: Callable[[], Keeper]
    preflight: Callable[[], Sequence[str]]
    orphans: Callable[[], Sequence[str]]
    scripts: Mapping[str, str]
    now: Callable[[], float]
    lease: Callable[[Mapping[str, str], Mapping[str, str]], dict[str, Any]]
    owner_reference: Callable[[Mapping[str, Any]], dict[str, Any]]
    templates: Sequence[Mapping[str, Any]] = ()
    executor_env: Mapping[str, str] = field(default_factory=dict, repr=False)
    close: Callable[[], object] = lambda: None
