"""What a start says when it is done."""

from __future__ import annotations

from collections.abc import Sequence

from sparkk8s_nb.model.memory import executor_split
from sparkk8s_nb.model.quantities import format_memory
from sparkk8s_nb.session.session import Session


def started_sentence(session: Session, taken: Sequence[str] = ()) -> str:
    """Sizes, how the memory is split, and where ``spark`` is; names no cluster (it stays in the notebook).

    Parameters
    ----------
    session : Session
    taken : sequence of str
        Variables that are the user's own and were left alone.
    """
    spec = session.spec
    split = executor_split(spec.executor)
    cores = "1 core" if spec.executor.cores == 1 else f"{spec.executor.cores} cores"
    sizes = f"{format_memory(split.heap)} heap, {format_memory(split.overhead)} Python and overhead"
    if split.beside:
        sizes += f", {format_memory(split.beside)} off-heap"
    lines = [
        f"Spark {session.spark.version}: {session.fleet.summary()}.",
        f"Each executor: {cores}, {format_memory(spec.executor.memory)} ({sizes}).",
        f"Driver: {format_memory(spec.driver_memory)} heap.",
    ]
    lines += session.warnings
    if taken:
        names = " and ".join(taken)
        lines.append(f"{names} is your own variable and stays; the session: sparkk8s_nb.current().spark")
    else:
        lines.append("spark and sc are ready.")
    return "\n".join(lines)
