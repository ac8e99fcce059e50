"""``sparkk8s-nb prepare``: archives of Spark's classes, made now."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from sparkk8s_nb.cli.output import Output, only_flags
from sparkk8s_nb.model.quantities import format_memory
from sparkk8s_nb.session.preparing import prepare as make_ready


def prepare(words: Sequence[str], output: Output) -> int:
    """Make what a first start would make in its background."""
    only_flags(words, (), "sparkk8s-nb prepare")
    made = make_ready(lambda doing: print(f"{doing} ...", file=sys.stderr, flush=True))
    lines = [f"{path} ({format_memory(path.stat().st_size)})" for path in made.values()]
    output.show({role: str(path) for role, path in made.items()}, "\n".join(["Starts are prepared:", *lines]))
    return 0
