"""``sparkk8s-nb ps``, ``gc`` and ``contexts``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict

from sparkk8s_nb.cli.output import Output, only_flags
from sparkk8s_nb.session.listing import (
    SWEEP_QUESTION,
    SessionRow,
    list_contexts,
    list_sessions,
    sweep,
    watching_line,
)
from sparkk8s_nb.views.question import ask
from sparkk8s_nb.views.tables import aligned


def ps(words: Sequence[str], output: Output) -> int:
    """Sessions in the namespace."""
    flags = only_flags(words, ("--all-users",), "sparkk8s-nb ps [--all-users]")
    rows = [row.as_dict() for row in list_sessions(all_users="--all-users" in flags)]
    output.table(rows, "No sessions.")
    return 0


def gc(words: Sequence[str], output: Output) -> int:
    """Show sessions whose kernel is proven dead, and ask whether to remove them; ``--yes`` does not ask.

    ``--watch`` also counts those as dead that are held outside of the cluster and that nobody renews meanwhile.
    """
    flags = only_flags(
        words, ("--yes", "--all-users", "--watch"), "sparkk8s-nb gc [--yes] [--all-users] [--watch]"
    )

    told: list[int] = []

    def watching(waiting: int, left: float) -> None:
        if told[-1:] != [waiting]:
            told.append(waiting)
            print(watching_line(waiting, left), file=sys.stderr)

    def consent(dead: Sequence[SessionRow]) -> bool | None:
        if not output.as_json:
            print(aligned([row.as_dict() for row in dead]))
        if "--yes" in flags:
            return True
        return None if output.as_json else ask(SWEEP_QUESTION)

    found = sweep(
        consent=consent,
        all_users="--all-users" in flags,
        watch=watching if "--watch" in flags else None,
    )
    output.show(asdict(found), found.outcome("sparkk8s-nb gc --yes"))
    return 1 if found.failures else 0


def contexts(words: Sequence[str], output: Output) -> int:
    """Clusters to choose from."""
    only_flags(words, (), "sparkk8s-nb contexts")
    output.table([asdict(row) for row in list_contexts()], "No clusters.")
    return 0
