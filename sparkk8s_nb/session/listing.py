"""Sessions and clusters as tables: what ``ps``, ``gc`` and ``contexts`` show, in a notebook and on a line."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import sparkk8s_nb.embedded.lifecycle as embedded
from sparkk8s_nb.model.names import label_value
from sparkk8s_nb.model.paths import runtime_dir
from sparkk8s_nb.model.quantities import format_duration, format_memory
from sparkk8s_nb.model.spec import ClusterTarget, TargetKind
from sparkk8s_nb.service_account import in_cluster, own_namespace
from sparkk8s_nb.session.lease_watch import unrenewed
from sparkk8s_nb.session.notebook_identity import user_name
from sparkk8s_nb.session.orphans import FoundSession, find_sessions, remove_all, still_proven
from sparkk8s_nb.session.session_dir import end_abandoned_drivers, remove_abandoned
from sparkk8s_nb.session.starting import settings_for
from sparkk8s_nb.session.targets import EMBEDDED_NAMESPACE, choose_target, known_contexts
from sparkk8s_nb.session.wiring import cluster_without_session

SWEEP_QUESTION = "Their kernels are dead. Remove what they left?"


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRow:
    """One session, for people and for ``--json``.

    Parameters
    ----------
    name, owner, notebook, app_id : str
    executors, cores : int
    memory : str
        Of one executor pod.
    age : str
    core_hours, gib_hours : float or None
        What its executors had used half a minute ago; None where that is not known.
    state : str
        ``alive``, ``dead`` (its kernel is proven dead) or ``elsewhere`` (not to be told from here).
    """

    name: str
    owner: str
    notebook: str
    app_id: str
    executors: int
    cores: int
    memory: str
    age: str
    core_hours: float | None = None
    gib_hours: float | None = None
    state: str

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextRow:
    """One cluster to choose from."""

    name: str
    server: str
    namespace: str
    chosen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """What ``gc`` found, and did.

    Parameters
    ----------
    dead : sequence of SessionRow
        Sessions whose kernel is proven dead.
    kept : sequence of SessionRow
        All others: an old Lease proves nothing.
    removed : bool
        Whether the dead ones were removed.
    declined : bool
        Whether somebody was asked and said no.
    failures : sequence of str
    returned : sequence of SessionRow
        Sessions that were to be removed and were not: by then their Leases did not prove it any more.
    """

    dead: Sequence[SessionRow]
    kept: Sequence[SessionRow]
    removed: bool
    declined: bool = False
    failures: Sequence[str] = ()
    returned: Sequence[SessionRow] = ()

    def outcome(self, command: str) -> str:
        """What came of it, in a line; ``command`` is what removes the dead ones without a question.

        >>> Sweep(dead=[], kept=[], removed=False).outcome("gc --yes")
        'Nothing to remove.'
        """
        if self.failures:
            return f"Not removed: {'; '.join(self.failures)}"
        if self.returned:
            names = ", ".join(row.name for row in self.returned)
            removed = "The others were removed." if self.dead else "Nothing was removed."
            done = f"Renewed or gone meanwhile, and left alone: {names}. {removed}"
        elif not self.dead:
            done = "Nothing to remove."
        elif self.removed:
            done = "Removed."
        elif self.declined:
            done = "Nothing was removed."
        else:
            done = f"Their kernels are dead. Remove what they left: {command}"
        others = "1 other session is" if len(self.kept) == 1 else f"{len(self.kept)} other sessions are"
        return f"{done} {others} alive or cannot be told from here." if self.kept else done


def list_sessions(*, all_users: bool = False, environ: Mapping[str, str] = os.environ) -> list[SessionRow]:
    """The sessions in the namespace that a start would use; of this user, or of all."""
    return [_row(found) for found in _find(default_target(environ), all_users=all_users, environ=environ)]


def sweep(
    *,
    consent: Callable[[Sequence[SessionRow]], bool | None],
    all_users: bool = False,
    watch: Callable[[int, float], object] | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Sweep:
    """Find sessions whose kernel is proven dead, and remove just those if told to.

    Whoever is asked may think for long: what was proven before is looked at again after the answer.

    Files that no process uses go too, without a question, as every start removes them.

    Parameters
    ----------
    consent : callable
        Shown the dead ones, if there are any: whether to remove them; None where nobody can say.
    all_users : bool
    watch : callable, optional
        Watch the Leases of sessions held outside of the cluster for a quarter of an hour, and count those that
        nobody renews as dead; told now and then how many are in question, and for how many seconds more.
    environ : Mapping
    """
    target = default_target(environ)
    found = _find(target, all_users=all_users, environ=environ)
    outside = [session for session in found if session.outside]
    if watch is not None and outside:
        with cluster_without_session(target, environ) as cluster:
            silent = {session.uid: session for session in unrenewed(cluster, outside, tell=watch)}
        found = [silent.get(session.uid, session) for session in found]
    dead = [session for session in found if session.dead]
    failures: Sequence[str] = ()
    returned: list[FoundSession] = []
    answer = consent([_row(session) for session in dead]) if dead else None
    if answer:
        end_abandoned_drivers(runtime_dir(environ, os.getuid()))  # first, so that they ask for no more pods
        with cluster_without_session(target, environ) as cluster:
            dead, returned = still_proven(cluster, dead)
            failures = remove_all(cluster, dead)
    if (answer or not dead) and not failures:
        remove_abandoned(runtime_dir(environ, os.getuid()))
    return Sweep(
        dead=[_row(session) for session in dead],
        kept=[_row(session) for session in found if not session.dead],
        removed=bool(answer and dead),
        declined=answer is False,
        failures=failures,
        returned=[_row(session) for session in returned],
    )


def watching_line(waiting: int, left: float) -> str:
    """What a watch over Leases is at.

    >>> watching_line(2, 900.0)
    '2 sessions are held outside of the cluster: watching for 15 min whether somebody renews them.'
    """
    sessions = "1 session is" if waiting == 1 else f"{waiting} sessions are"
    them = "it" if waiting == 1 else "them"
    watching = f"watching for {format_duration(left)} whether somebody renews {them}"
    return f"{sessions} held outside of the cluster: {watching}."


def list_contexts(environ: Mapping[str, str] = os.environ) -> list[ContextRow]:
    """The clusters a start can go to: the embedded one, the one this pod is in, the kubeconfig's contexts.

    A context of the settings that is not there is no error here: this is where one looks what there is.

    Raises
    ------
    ConnectError
        If a kubeconfig is there and cannot be read.
    """
    wanted = str(settings_for().options().get("context") or "")
    inside = in_cluster(environ)
    embedded_chosen = wanted == TargetKind.EMBEDDED or (not wanted and not inside)
    rows = [
        ContextRow(
            name=TargetKind.EMBEDDED,
            server="this machine",
            namespace=EMBEDDED_NAMESPACE,
            chosen=embedded_chosen,
        )
    ]
    if inside:
        rows.append(
            ContextRow(
                name="(none)", server="this pod's cluster", namespace=own_namespace(), chosen=not wanted
            )
        )
    rows += [
        ContextRow(name=info.name, server=info.server, namespace=info.namespace, chosen=wanted == info.name)
        for info in known_contexts(environ)
    ]
    return rows


def default_target(environ: Mapping[str, str] = os.environ) -> ClusterTarget:
    """Where a start without options would go."""
    options = settings_for().options()
    return choose_target(str(options.get("context") or ""), str(options.get("namespace") or ""), environ)


def _find(target: ClusterTarget, *, all_users: bool, environ: Mapping[str, str]) -> list[FoundSession]:
    if target.kind is TargetKind.EMBEDDED and embedded.status() is None:
        return []
    owner = None if all_users else label_value(user_name(environ))
    with cluster_without_session(target, environ) as cluster:
        return find_sessions(cluster, owner)


def _row(found: FoundSession) -> SessionRow:
    record, usage = found.record, found.usage
    used = {
        "core_hours": usage.core_hours if usage is not None else None,
        "gib_hours": usage.gib_hours if usage is not None else None,
    }
    state = "dead" if found.dead else "alive" if found.here else "elsewhere"
    if record is None:
        return SessionRow(
            name=found.name, owner=found.owner, notebook=found.notebook, app_id="", executors=0, cores=0,
            memory="", age="", state=state, **used,
        )  # fmt: skip
    return SessionRow(
        name=found.name,
        owner=found.owner,
        notebook=found.notebook,
        app_id=record.app_id,
        executors=record.executors,
        cores=record.cores,
        memory=format_memory(record.memory),
        age=format_duration(max(0.0, time.time() - record.started)),
        state=state,
        **used,
    )
