"""``sparkk8s-nb ps``, ``gc`` and ``contexts``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from sparkk8s_nb.cli.output import Output, only_flags
from sparkk8s_nb.session.listing import Sweep, list_contexts, list_sessions, sweep
from sparkk8s_nb.views.tables import aligned


def ps(words: Sequence[str], output: Output) -> int:
    """Sessions in the namespace."""
    flags = only_flags(words, ("--all-users",), "sparkk8s-nb ps [--all-users]")
    rows = [row.as_dict() for row in list_sessions(all_users="--all-users" in flags)]
    output.table(rows, "No sessions.")
    return 0


def gc(words: Sequence[str], output: Output) -> int:
    """Show sessions whose kernel is proven dead; remove them with ``--yes``."""
    flags = only_flags(words, ("--yes", "--all-users"), "sparkk8s-nb gc [--yes] [--all-users]")
    found = sweep(remove="--yes" in flags, all_users="--all-users" in flags)
    output.show(asdict(found), describe_sweep(found))
    return 1 if found.failures else 0


def contexts(words: Sequence[str], output: Output) -> int:
    """Clusters to choose from."""
    only_flags(words, (), "sparkk8s-nb contexts")
    output.table([asdict(row) for row in list_contexts()], "No clusters.")
    return 0


def describe_sweep(found: Sweep) -> str:
    """What ``gc`` says."""
    others = "1 other session is" if len(found.kept) == 1 else f"{len(found.kept)} other sessions are"
    kept = f"{others} alive or cannot be told from here." if found.kept else ""
    if not found.dead:
        return f"Nothing to remove. {kept}".rstrip()
    table = aligned([row.as_dict() for row in found.dead])
    if found.failures:
        return f"{table}\nNot removed: {'; '.join(found.failures)}"
    done = "Removed." if found.removed else "Their kernels are dead. Remove them: sparkk8s-nb gc --yes"
    return f"{table}\n{done} {kept}".rstrip()
